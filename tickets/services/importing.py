"""Contacts and companies out of CSV files: looked at, their columns named, then read bite by bite.

The same file twice makes nothing twice: a contact is known by external id, else e-mail, else phone; a company by name.
Empty cells leave what is there. There is no undo.
"""

import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import validate_email
from django.db import transaction
from django.db.models.fields.json import KeyTextTransform
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from omnisupport.lib.errors import AppError, Conflict, InvalidInput, NotFound, TooLarge
from omnisupport.lib.phones import phone_number
from omnisupport.lib.sheets import Sheet, read_sheet
from omnisupport.lib.text import storable
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Company, Contact, ContactImport, FieldTarget, with_email
from tickets.services.companies import company_named, save_company
from tickets.services.contacts import apply_changes
from tickets.services.fields import fields_of

MOST_BYTES, MOST_ROWS, MOST_COLUMNS = 20 * 1024 * 1024, 100_000, 60
_BITE, _BUDGET, _MOST_REFUSED = 200, 30.0, 1000
EXTERNAL_ID = "external_id"
TARGETS: dict[str, dict[str, Any]] = {
    ContactImport.Kind.CONTACTS: {
        "name": gettext_lazy("Name"), "email": gettext_lazy("E-mail"), "phone": gettext_lazy("Phone"),
        EXTERNAL_ID: gettext_lazy("Id in your own system"), "company": gettext_lazy("Company"),
        "language": gettext_lazy("Language"), "notes": gettext_lazy("Notes"),
    },
    ContactImport.Kind.COMPANIES: {
        "name": gettext_lazy("Name"), "domain": gettext_lazy("Domain"), "notes": gettext_lazy("Notes"),
    },
}  # fmt: skip
_KNOWN_NAMES = {
    "name": {"name", "full name", "имя", "фио", "контакт", "название", "компания", "организация"},
    "email": {"email", "e-mail", "mail", "почта", "эл. почта", "электронная почта", "емейл"},
    "phone": {"phone", "tel", "mobile", "телефон", "тел", "тел.", "номер телефона", "мобильный"},
    EXTERNAL_ID: {"external_id", "external id", "id", "код", "ид", "id in your own system", "ид в вашей системе"},
    "company": {"company", "компания", "организация", "фирма"},
    "language": {"language", "язык"},
    "notes": {"notes", "note", "comment", "заметки", "заметка", "комментарий", "примечание"},
    "domain": {"domain", "домен", "сайт"},
}


def targets_of(kind: str) -> dict[str, Any]:
    """What a column can be, by its code; custom fields as `attribute:<key>`."""
    target = FieldTarget.CONTACT if kind == ContactImport.Kind.CONTACTS else FieldTarget.COMPANY
    return {**TARGETS[kind], **{f"attribute:{field.key}": field.label for field in fields_of(target)}}


@transaction.atomic
def upload_import(*, name: str, raw: bytes, kind: str, user: User) -> ContactImport:
    """Keeps the file and guesses what its columns are. Raises InvalidInput, TooLarge."""
    if len(raw) > MOST_BYTES:
        raise TooLarge(_("A file may have up to %(limit)s MB. Divide it.") % {"limit": MOST_BYTES // 1024 // 1024})
    sheet = read_sheet(raw)
    count = sum(1 for _row in sheet.rows())
    if not count:
        raise InvalidInput(_("There is nothing under the names of the columns."), field="file")
    if count > MOST_ROWS or len(sheet.header) > MOST_COLUMNS:
        limits = {"rows": MOST_ROWS, "columns": MOST_COLUMNS}
        raise TooLarge(_("At most %(rows)d rows and %(columns)d columns at once. Divide the file.") % limits)
    shape = {"encoding": sheet.encoding, "delimiter": sheet.delimiter, "header": sheet.header, "rows": count}
    made = ContactImport(kind=kind, name=name[:255], shape=shape, user=user, columns=_guessed(sheet.header, kind))
    made.file.save("import.csv", ContentFile(raw), save=False)
    made.save()
    return made


def _guessed(header: Sequence[str], kind: str) -> dict[str, str]:
    targets, columns = targets_of(kind), dict[str, str]()
    for place, name in enumerate(header):
        word = name.strip().lower()
        for code, label in targets.items():
            own = code.removeprefix("attribute:") if code.startswith("attribute:") else ""
            if code not in columns.values() and (
                word in _KNOWN_NAMES.get(code, ()) or word in {own, str(label).lower()}
            ):
                columns[str(place)] = code
                break
    return columns


def refused_rows(found: ContactImport) -> list[list[str]]:
    """Those that were not taken, as they came, with the reason before each; under the names of the columns."""
    reasons = {row["row"] - 2: row["why"] for row in found.refused}
    rows = [[reasons[place], *row] for place, row in enumerate(_sheet(found).rows()) if place in reasons]
    return [[_("What is wrong"), *found.shape["header"]], *rows]


def preview(found: ContactImport, rows: int = 5) -> list[list[str]]:
    return list(islice(_sheet(found).rows(), rows))


def _sheet(found: ContactImport) -> Sheet:
    with found.file.open("rb") as file:
        return read_sheet(file.read())


@transaction.atomic
def begin_import(import_id: int, *, columns: Mapping[str, str], user: User) -> ContactImport:
    """Raises NotFound, Conflict (begun already), InvalidInput (a column twice, nothing to know a row by)."""
    found = ContactImport.objects.select_for_update().filter(id=import_id).first()
    if found is None:
        raise NotFound(_("There is no such import."))
    if found.state != ContactImport.State.DRAFT:
        raise Conflict(_("This file is being read already."))
    targets, places = targets_of(found.kind), {str(place) for place in range(len(found.shape["header"]))}
    chosen = {place: code for place, code in columns.items() if place in places and code in targets}
    if len(set(chosen.values())) < len(chosen):
        raise InvalidInput(_("Two columns are the same thing. Leave one of them out."), field="columns")
    known_by = {"name"} if found.kind == ContactImport.Kind.COMPANIES else {"email", "phone", EXTERNAL_ID}
    if not known_by & set(chosen.values()):
        names = ", ".join(str(targets[code]) for code in targets if code in known_by)
        raise InvalidInput(_("Choose a column to know each row by: %(names)s.") % {"names": names}, field="columns")
    found.columns, found.state = chosen, ContactImport.State.WAITING
    found.save()
    _tell(found, user)
    return found


def unfinished_imports() -> list[int]:
    return list(
        ContactImport.objects.filter(state__in=["waiting", "running"]).order_by("id").values_list("id", flat=True)
    )


def run_import(import_id: int) -> bool:
    """Reads on for half a minute or so. Whether there is more to read."""
    until = time.monotonic() + _BUDGET
    found = ContactImport.objects.filter(id=import_id, state__in=["waiting", "running"]).first()
    if found is None:
        return False
    rows = islice(_sheet(found).rows(), found.done, None)
    # What is wrong with a row is told in the language of whoever asked.
    with translation.override(found.user.language if found.user else None):
        while time.monotonic() < until:
            bite = list(islice(rows, _BITE))
            if not _read_bite(import_id, found.done, bite):
                return False
            found.done += len(bite)
    return True


@transaction.atomic
def _read_bite(import_id: int, begin: int, bite: Sequence[Sequence[str]]) -> bool:
    """One transaction: what a crash cuts short is read again whole. False: it is finished, or another is at it."""
    rows = ContactImport.objects.select_for_update(skip_locked=True)
    found = rows.filter(id=import_id, done=begin, state__in=["waiting", "running"]).first()
    if found is None:
        return False
    found.state = ContactImport.State.RUNNING if bite else ContactImport.State.DONE
    for offset, row in enumerate(bite):
        try:
            with transaction.atomic():
                made, changed = _take(found, row)
            found.made, found.changed = found.made + made, found.changed + changed
        except (AppError, ValidationError) as error:
            why = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            # Two for the heading and for counting from one; empty rows are not counted.
            found.refused = [*found.refused, {"row": begin + offset + 2, "why": why}][:_MOST_REFUSED]
    found.done += len(bite)
    found.save()
    _tell(found, None)
    return bool(bite)


def _take(found: ContactImport, row: Sequence[str]) -> tuple[bool, bool]:
    """(made, changed)."""
    values: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for place, code in found.columns.items():
        value = str(storable(row[int(place)]))
        if value and code.startswith("attribute:"):
            attributes[code.removeprefix("attribute:")] = value
        elif value:
            values[code] = value
    if found.kind == ContactImport.Kind.COMPANIES:
        return _take_company(values, attributes, found.user)
    return _take_contact(values, attributes, found.user)


def _take_contact(values: dict[str, Any], attributes: dict[str, Any], user: User | None) -> tuple[bool, bool]:
    if "email" in values:
        validate_email(values["email"])
    if "phone" in values:
        values["phone"] = phone_number(values["phone"])
        if len(values["phone"]) > 32:
            raise InvalidInput(_("“%(value)s” is no phone.") % {"value": values["phone"][:60]})
    external = values.pop(EXTERNAL_ID, "")
    known = _known(external, values)
    if external:
        attributes[EXTERNAL_ID] = external
    company = values.pop("company", "")
    values = {name: str(value)[: _LONGEST[name]] for name, value in values.items()}
    contact = known or Contact.objects.create()
    changed = apply_changes(contact, {**values, **({"attributes": attributes} if attributes else {})})
    if company and (wanted := company_named(company[:200], user)).id != contact.company_id:
        Contact.objects.filter(id=contact.id).update(company=wanted)
        changed = [*changed, "company"]
    return known is None, known is not None and bool(changed)


_LONGEST = {"name": 200, "email": 254, "phone": 32, "language": 8, "notes": 5000}


def _known(external: str, values: Mapping[str, str]) -> Contact | None:
    """Raises InvalidInput for a row that has nothing to know it by."""
    people = Contact.objects.select_for_update().filter(merged_into=None).order_by("created_at")
    if not (external or values.get("email") or values.get("phone")):
        raise InvalidInput(_("No e-mail address, phone or id: nobody would be known by it."))
    found: Contact | None = None
    if external:
        known_by_id = people.alias(own=KeyTextTransform(EXTERNAL_ID, "attributes"))
        found = known_by_id.filter(own=external, attributes__has_key=EXTERNAL_ID).first()
    if found is None and values.get("email"):
        found = people.filter(with_email(values["email"])).first()
    if found is None and values.get("phone"):
        found = people.filter(phone=values["phone"]).first()
    return found


def _take_company(values: dict[str, Any], attributes: dict[str, Any], user: User | None) -> tuple[bool, bool]:
    name = " ".join(values.get("name", "").split())[:200]
    if not name:
        raise InvalidInput(_("A company needs a name."))
    known = Company.objects.filter(name__iexact=name).first()
    before = (known.domain, known.notes, known.attributes) if known else None
    changes = {**values, "name": known.name if known else name, **({"attributes": attributes} if attributes else {})}
    company = save_company(known.id if known else None, changes=changes, actor=user)
    return known is None, known is not None and before != (company.domain, company.notes, company.attributes)


def _tell(found: ContactImport, user: User | None) -> None:
    payload = {"import_id": found.id, "state": found.state, "done": found.done, "total": found.shape["rows"]}
    record("import.changed", actor_id=user.id if user else None, payload=payload)
