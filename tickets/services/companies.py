"""Companies: who several contacts work for."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Company, Contact, FieldTarget
from tickets.services.fields import merge_values

_CHANGEABLE = {"name", "domain", "notes", "attributes"}
# Everybody's: whoever has an address there works anywhere.
PUBLIC_MAIL = frozenset(
    [
        "mail.ru",
        "inbox.ru",
        "list.ru",
        "bk.ru",
        "internet.ru",
        "xmail.ru",
        "vk.com",
        "yandex.ru",
        "ya.ru",
        "yandex.com",
        "yandex.by",
        "yandex.kz",
        "yandex.ua",
        "narod.ru",
        "rambler.ru",
        "lenta.ru",
        "autorambler.ru",
        "myrambler.ru",
        "ro.ru",
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "outlook.fr",
        "hotmail.com",
        "hotmail.ru",
        "live.com",
        "live.ru",
        "msn.com",
        "yahoo.com",
        "yahoo.co.uk",
        "yahoo.fr",
        "yahoo.de",
        "ymail.com",
        "rocketmail.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "aol.com",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "tutanota.com",
        "tuta.io",
        "gmx.de",
        "gmx.com",
        "gmx.net",
        "web.de",
        "mail.com",
        "zoho.com",
        "fastmail.com",
        "t-online.de",
        "orange.fr",
        "free.fr",
        "wanadoo.fr",
        "laposte.net",
        "libero.it",
        "seznam.cz",
        "wp.pl",
        "o2.pl",
        "onet.pl",
        "interia.pl",
        "ukr.net",
        "i.ua",
        "meta.ua",
        "bigmir.net",
        "tut.by",
        "mail.by",
        "nur.kz",
        "qq.com",
        "163.com",
        "126.com",
        "sina.com",
        "naver.com",
        "daum.net",
        "hanmail.net",
        "comcast.net",
        "verizon.net",
        "att.net",
        "pochta.ru",
        "e1.ru",
        "ngs.ru",
        "sibmail.com",
        "nm.ru",
        "hotbox.ru",
        "land.ru",
        "newmail.ru",
        "smtp.ru",
        "mail15.com",
        "qip.ru",
        "e-mail.ru",
        "front.ru",
        "hey.com",
    ]
)


@transaction.atomic
def save_company(company_id: int | None, *, changes: Mapping[str, Any], actor: User | None) -> Company:
    """A new one without an id. People with an address of its domain and no company yet join it. Raises NotFound, InvalidInput,
    Conflict (name or domain is another's)."""
    company = Company.objects.select_for_update().filter(id=company_id).first() if company_id else Company()
    if company is None:
        raise NotFound(_("There is no such company."))
    wanted = {name: value for name, value in changes.items() if name in _CHANGEABLE}
    if "attributes" in wanted:
        wanted["attributes"] = merge_values(FieldTarget.COMPANY, company.attributes, wanted["attributes"])
    if "domain" in wanted:
        wanted["domain"] = _checked_domain(wanted["domain"])
    if "name" in wanted and not wanted["name"].strip():
        raise InvalidInput(_("A company needs a name."), field="name")
    changed = {name: value for name, value in wanted.items() if getattr(company, name) != value}
    for name, value in changed.items():
        setattr(company, name, value)
    if not changed and company.pk:
        return company
    try:
        with transaction.atomic():
            company.save()
    except IntegrityError:
        raise Conflict(_("Another company has this name or domain already."), field="name") from None
    _record(company, sorted(changed), actor)
    if "domain" in changed and company.domain:
        _take_in(company, actor)
    return company


def _checked_domain(domain: str) -> str:
    domain = domain.strip().lower().removeprefix("@").removeprefix("www.")
    if domain in PUBLIC_MAIL:
        raise InvalidInput(
            _("At %(domain)s anybody has a mailbox; it is no company's.") % {"domain": domain}, field="domain"
        )
    if domain and ("." not in domain or any(sign in domain for sign in "/@ :")):
        raise InvalidInput(_("Write the part of the addresses after the @, such as example.com."), field="domain")
    return domain


def _take_in(company: Company, actor: User | None) -> None:
    people = Contact.objects.filter(company=None, merged_into=None, email__iendswith=f"@{company.domain}")
    for contact_id in people.values_list("id", flat=True):
        _join(contact_id, company, actor)


def join_by_domain(contact: Contact) -> None:
    """The company whose domain the contact's address has, when it has none yet. The caller writes the log."""
    domain = contact.email.rpartition("@")[2].lower()
    if contact.company_id or not domain or domain in PUBLIC_MAIL:
        return
    company = Company.objects.filter(domain__iexact=domain).first()
    if company is not None:
        contact.company = company
        contact.save(update_fields=["company"])


def _join(contact_id: UUID, company: Company | None, actor: User | None) -> None:
    Contact.objects.filter(id=contact_id).update(company=company)
    record(
        "contact.changed",
        actor_id=actor.id if actor else None,
        payload={"contact_id": str(contact_id), "company": str(company or "")},
    )


@transaction.atomic
def set_company(contact_id: UUID, *, name: str, actor: User) -> Company | None:
    """By its name: known, or made now; an empty name: none. Raises NotFound."""
    contact = Contact.objects.select_for_update().filter(id=contact_id, merged_into=None).first()
    if contact is None:
        raise NotFound(_("There is no such contact."))
    name = " ".join(name.split())[:200]
    company = company_named(name, actor) if name else None
    if contact.company_id != (company.id if company else None):
        _join(contact.id, company, actor)
    return company


def company_named(name: str, actor: User | None) -> Company:
    known = Company.objects.filter(name__iexact=name).first()
    return known or save_company(None, changes={"name": name}, actor=actor)


@transaction.atomic
def delete_company(company_id: int, *, actor: User) -> None:
    """Its people stay, without a company."""
    company = Company.objects.select_for_update().filter(id=company_id).first()
    if company is None:
        raise NotFound(_("There is no such company."))
    record("company.changed", actor_id=actor.id, payload={"company_id": company.id, "deleted": company.name})
    company.delete()


def _record(company: Company, fields: list[str], actor: User | None) -> None:
    payload = {"company_id": company.id, "fields": fields}
    record("company.changed", actor_id=actor.id if actor else None, payload=payload)
