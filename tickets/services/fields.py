"""Values of custom fields: the one place that checks them, whoever sends them."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import regex
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.once import once
from omnisupport.lib.text import can_be_stored
from tickets.models import Contact, CustomField, FieldTarget, FieldType, Ticket

_LONGEST_TEXT, _LONGEST_LINK = 1000, 500
# An admin's pattern meets any text: one that would not come to an end is given up.
_PATIENCE = 0.1
_YES, _NO = {"true", "on", "yes", "1"}, {"false", "off", "no", "0"}


def fields_of(target: FieldTarget) -> list[CustomField]:
    return list(CustomField.objects.filter(target=target))


def merge_values(
    target: FieldTarget, present: Mapping[str, Any], changes: Mapping[str, Any], *, strict: bool = False
) -> dict[str, Any]:
    """`present` with `changes` laid over it, each checked by its field; an empty value takes a key out. A key without a field
    is kept as it is, or refused when `strict`. Raises InvalidInput with `field`, the key."""
    fields = {field.key: field for field in CustomField.objects.filter(target=target, key__in=changes)}
    merged = dict(present)
    for key, value in changes.items():
        if key in fields:
            value = read_value(fields[key], value)
        elif strict:
            raise InvalidInput(_("There is no field “%(key)s”.") % {"key": key[:60]}, field=key[:60])
        merged[key] = value
    return {key: value for key, value in merged.items() if value is not None}


def read_value(field: CustomField, value: Any) -> Any:
    """The value as it is stored; None for nothing. Forms send texts, the API may send what JSON has. Raises InvalidInput."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        return _READERS[FieldType(field.type)](field, value.strip() if isinstance(value, str) else value)
    except _Refused as refused:
        raise InvalidInput(f"{field.label}: {refused}", field=field.key) from None


class _Refused(Exception):
    """What is wrong with the value, in words."""


def _text(field: CustomField, value: Any) -> str:
    if not isinstance(value, str) or not can_be_stored(value):
        raise _Refused(_("this has to be a text."))
    if len(value) > _LONGEST_TEXT:
        raise _Refused(_("at most %(n)d characters.") % {"n": _LONGEST_TEXT})
    if field.pattern and not _matches(field.pattern, value):
        raise _Refused(field.hint or _("this does not look as it should."))
    return value


def _matches(pattern: str, text: str) -> bool:
    try:
        return regex.fullmatch(pattern, text, timeout=_PATIENCE) is not None
    except (regex.error, TimeoutError):
        return False


def check_pattern(pattern: str) -> None:
    """Raises InvalidInput."""
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise InvalidInput(_("This is no regular expression: %(why)s.") % {"why": error}, field="pattern") from None


def _number(_field: CustomField, value: Any) -> int | float:
    try:
        number = float(
            value.replace(" ", "").replace("\xa0", "").replace(",", ".") if isinstance(value, str) else value
        )
    except (TypeError, ValueError):
        raise _Refused(_("this has to be a number.")) from None
    if isinstance(value, bool) or not math.isfinite(number) or abs(number) >= 10**15:
        raise _Refused(_("this has to be a number."))
    return int(number) if number.is_integer() else number


def _date(_field: CustomField, value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise _Refused(_("write a date like 2027-01-31.")) from None


def _checkbox(_field: CustomField, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in _YES | _NO:
        raise _Refused(_("this has to be yes or no."))
    return word in _YES


def _choice(field: CustomField, value: Any) -> str:
    if value not in field.options:
        raise _Refused(_("“%(value)s” is none of the options.") % {"value": str(value)[:60]})
    return str(value)


def _link(_field: CustomField, value: Any) -> str:
    if not isinstance(value, str) or not can_be_stored(value) or len(value) > _LONGEST_LINK:
        raise _Refused(_("this has to be a link."))
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc or any(sign.isspace() for sign in value):
        raise _Refused(_("write a whole address that begins with https://."))
    return value


_READERS = {
    FieldType.TEXT: _text, FieldType.NUMBER: _number, FieldType.DATE: _date, FieldType.CHECKBOX: _checkbox,
    FieldType.CHOICE: _choice, FieldType.LINK: _link,
}  # fmt: skip


def refuse_unfilled(ticket: Ticket) -> None:
    """Raises InvalidInput that names what has to be filled in before this conversation is solved; its `field` is the first
    one, `<target>-<key>`."""
    needed = once("needed fields", lambda: list(CustomField.objects.filter(required_to_solve=True)))
    if not needed:
        return
    contact = Contact.objects.select_related("company").get(id=ticket.contact_id)
    values = {
        FieldTarget.TICKET: ticket.attributes,
        FieldTarget.CONTACT: contact.attributes,
        FieldTarget.COMPANY: contact.company.attributes if contact.company else None,
    }
    missing = [field for field in needed if _is_missing(values[FieldTarget(field.target)], field.key)]
    if missing:
        names = ", ".join(f"“{field.label}”" for field in missing)
        first = f"{missing[0].target}-{missing[0].key}"
        raise InvalidInput(
            _("Fill in before solving: %(names)s.") % {"names": names}, code="fields_missing", field=first
        )


def _is_missing(values: Mapping[str, Any] | None, key: str) -> bool:
    """Of nobody's company nothing is asked."""
    if values is None:
        return False
    value = values.get(key)
    return value is None or value is False or value == ""
