"""What the pages of contacts and companies read. Each function costs a fixed number of queries, whatever the number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput, NotFound
from omnisupport.lib.phones import phone_number
from tenants.accounts.models import User
from tenants.events.models import Event
from tickets.models import Attachment, Company, Contact, ContactAddress, Ticket
from tickets.rights import contacts_visible_to, sees_all, visible_to

PAGE = 50
_UNUSED = ("channel__secrets", "channel__config", "channel__poll_state")


@dataclass(frozen=True)
class ContactFilter:
    text: str = ""
    company_id: int | None = None
    blocked: bool = False


@dataclass(frozen=True)
class ContactPage:
    contacts: Sequence[Contact]
    # Where the page with newer ones ends, and where the one with older ones begins; empty where there is none.
    newer: str = ""
    older: str = ""


def list_contacts(viewer: User, wanted: ContactFilter, *, older: str = "", newer: str = "") -> ContactPage:
    """Newest first. Raises InvalidInput for a cursor that was not made here."""
    found = find_contacts(viewer, wanted).select_related("company").annotate(conversations=Count("tickets"))
    if newer:
        at, id = _read(newer)
        rows = list(
            found.filter(created_at__gte=at)
            .filter(Q(created_at__gt=at) | Q(id__gt=id))
            .order_by("created_at", "id")[: PAGE + 1]
        )
        page = rows[:PAGE][::-1]
        return ContactPage(page, _cursor(page[0]) if len(rows) > PAGE else "", _cursor(page[-1]) if page else "")
    if older:
        at, id = _read(older)
        found = found.filter(created_at__lte=at).filter(Q(created_at__lt=at) | Q(id__lt=id))
    rows = list(found.order_by("-created_at", "-id")[: PAGE + 1])
    page = rows[:PAGE]
    return ContactPage(page, _cursor(page[0]) if older and page else "", _cursor(page[-1]) if len(rows) > PAGE else "")


def find_contacts(viewer: User, wanted: ContactFilter) -> QuerySet[Contact]:
    found = Contact.objects.filter(contacts_visible_to(viewer), merged_into=None)
    if wanted.company_id:
        found = found.filter(company_id=wanted.company_id)
    if wanted.blocked:
        found = found.filter(is_blocked=True)
    return found.filter(_named(wanted.text)) if wanted.text else found


def _named(text: str) -> Q:
    """Every word somewhere in name, e-mail or company; a phone in any spelling."""
    digits = "".join(c for c in text if c.isdecimal())
    words = Q()
    for word in text.split()[:6]:
        words &= Q(name__icontains=word) | Q(email__icontains=word) | Q(company__name__icontains=word)
    return words | Q(phone__contains=phone_number(text).lstrip("+")) if len(digits) >= 4 else words


def _cursor(contact: Contact) -> str:
    return f"{contact.created_at.astimezone(UTC).isoformat()}_{contact.id}"


def _read(cursor: str) -> tuple[datetime, UUID]:
    at, _dash, id = cursor.partition("_")
    try:
        moment = datetime.fromisoformat(at)
        return moment.astimezone(UTC), UUID(id)
    except (ValueError, OverflowError):
        raise InvalidInput(_("This page of the list does not exist. Begin at the first one."), field="after") from None


def tickets_of(contact: Contact, viewer: User) -> list[Ticket]:
    rows = Ticket.objects.filter(visible_to(viewer), contact=contact).select_related(
        "channel", "custom_status", "assignee"
    )
    return list(rows.defer(*_UNUSED).order_by("-id")[:PAGE])


def addresses_of(contact: Contact) -> list[ContactAddress]:
    return list(contact.addresses.select_related("channel").defer(*_UNUSED).order_by("id")[:PAGE])


def files_of(contact: Contact, viewer: User) -> list[Attachment]:
    """The newest, of both sides."""
    seen = Ticket.objects.filter(visible_to(viewer), contact=contact).values("id")
    rows = Attachment.objects.filter(message__ticket_id__in=seen, state=Attachment.State.READY).exclude(file="")
    return list(rows.select_related("message__ticket").order_by("-created_at")[:30])


def pages_of(addresses: Sequence[ContactAddress]) -> list[dict[str, Any]]:
    """What the visitor looked at on the company's sites, newest first."""
    pages = [
        {**page, "at": datetime.fromisoformat(page["at"])}
        for address in addresses
        for page in address.details.get("pages", [])
    ]
    return sorted(pages, key=lambda page: page["at"], reverse=True)[:20]


def looks_at(contact: Contact) -> list[Event]:
    """Who had masked details shown."""
    rows = Event.objects.filter(type="contact.revealed", payload__contact_id=str(contact.id))
    return list(rows.select_related("actor").order_by("-id")[:20])


# ---- Companies -------------------------------------------------------------------------------------------------------


def list_companies(text: str, viewer: User, after: str = "") -> tuple[Sequence[Company], str]:
    """By name, with how many people they have; and the name that the next page begins after."""
    counted = Q(contacts__merged_into=None)
    if not sees_all(viewer):
        counted &= Q(contacts__in=Contact.objects.filter(contacts_visible_to(viewer)))
    found = Company.objects.annotate(people=Count("contacts", filter=counted))
    if text:
        found = found.filter(Q(name__icontains=text) | Q(domain__icontains=text))
    if after:
        found = found.filter(name__gt=after)
    rows = list(found.order_by("name")[: PAGE + 1])
    return rows[:PAGE], rows[PAGE - 1].name if len(rows) > PAGE else ""


def get_company(company_id: int) -> Company:
    """Raises NotFound."""
    company = Company.objects.filter(id=company_id).first()
    if company is None:
        raise NotFound(_("There is no such company."))
    return company


def company_names() -> list[str]:
    """To choose from while typing."""
    return list(Company.objects.order_by("name").values_list("name", flat=True)[:300])


def people_of(company: Company, viewer: User) -> list[Contact]:
    rows = Contact.objects.filter(contacts_visible_to(viewer), company=company, merged_into=None)
    return list(rows.order_by("name", "id")[:PAGE])


def tickets_of_company(company: Company, viewer: User) -> list[Ticket]:
    rows = Ticket.objects.filter(visible_to(viewer), contact__company=company)
    related = ("channel", "custom_status", "assignee", "contact")
    return list(rows.select_related(*related).defer(*_UNUSED).order_by("-last_activity_at")[:PAGE])
