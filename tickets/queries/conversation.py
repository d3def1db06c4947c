"""One conversation: its messages, what happened between them, and what stands around it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotFound
from tenants.accounts.models import User
from tenants.events.models import Event
from tickets.models import (
    Attachment,
    Author,
    Contact,
    ContactAddress,
    Delivery,
    Draft,
    Message,
    MessageChange,
    ReadMark,
    ScheduledReply,
    Ticket,
)  # fmt: skip
from tickets.queries.rows import PAGE, UNUSED
from tickets.rights import about_visible, contacts_visible_to, visible_to
from tickets.search import Answering, found_in
from tickets.words import read_query

# As many as a screen shows of a conversation at first; a page of earlier ones comes with the scrolling.
_NEWEST = 20
# So many messages stand above one that is jumped to.
_ABOVE = 10
# So far beyond the end of a page the rest of an album is looked for; that and what is above one are less than a page.
_NEAR = 20
# What a line about an earlier conversation shows.
_PAST = (
    "number", "subject", "status", "contact", "custom_status", "last_activity_at", "channel__kind", "channel__name",
)  # fmt: skip
TIMELINE_EVENTS = (
    "ticket.status_changed",
    "ticket.snoozed",
    "ticket.woken",
    "ticket.spam_changed",
    "ticket.incident_changed",
    "ticket.merged",
    "ticket.unmerged",
    "ticket.split",
    "ticket.assigned",
    "ticket.priority_changed",
    "ticket.tags_changed",
    "ticket.attributes_changed",
    "ticket.handed_over",
    "ticket.schedule_changed",
    "contact.changed",
    "ticket.followed",
    "ticket.mentioned",
)


def get_conversation(number: int, viewer: User) -> Ticket:
    """With `seen_message_id`, up to which the viewer has read it. Raises NotFound, also for one that they may not see."""
    # Others are read when they are there: each table that is joined costs 0.7 ms of planning.
    related = ("contact", "address", "channel", "assignee")
    mark = ReadMark.objects.filter(ticket=OuterRef("id"), user=viewer).values("message_id")
    found = Ticket.objects.select_related(*related).defer(*UNUSED).annotate(seen_message_id=Subquery(mark))
    try:
        return found.get(visible_to(viewer), number=number)
    except Ticket.DoesNotExist:
        raise NotFound(_("There is no conversation №%(number)s here.") % {"number": number}) from None


def get_message(message_id: int, viewer: User) -> Message:
    """Raises NotFound, also for one of a conversation that the viewer may not see."""
    message = _messages().select_related("ticket").filter(about_visible(viewer), id=message_id).first()
    if message is None:
        raise NotFound(_("There is no such message."))
    return message


def _messages() -> QuerySet[Message]:
    attachments = Prefetch("attachments", Attachment.objects.order_by("created_at", "id"))
    open_changes = MessageChange.objects.exclude(state=MessageChange.State.DONE)
    changes = Prefetch("changes", open_changes, to_attr="open_changes")
    # Few messages quote another, and planning one table more costs as much as reading them.
    return Message.objects.select_related("user", "address__contact").prefetch_related("reply_to", attachments, changes)


def thread_page(ticket: Ticket, before: int | None = None) -> tuple[list[Message], list[Event], bool]:
    """The newest messages (older than the message `before`), oldest first, what happened between them, and whether
    there are earlier ones."""
    messages = _messages().filter(ticket=ticket)
    events = _timeline_events(ticket)
    if before is not None:
        messages = messages.filter(id__lt=before)
        first_shown = Message.objects.filter(id=before, ticket=ticket).values_list("created_at", flat=True).first()
        events = events.filter(created_at__lt=first_shown) if first_shown else events.none()
    most = _NEWEST if before is None else PAGE
    page = list(messages.order_by("-id")[: most + 1])
    has_earlier = len(page) > most
    page = page[:most]
    if has_earlier and (rest := _rest_of_albums(page, messages.filter(id__lt=page[-1].id).order_by("-id"))):
        page += rest
        has_earlier = messages.filter(id__lt=page[-1].id).exists()
    page.reverse()
    if has_earlier:
        events = events.filter(created_at__gte=page[0].created_at)
    return page, list(events.order_by("id")), has_earlier


def thread_from(ticket: Ticket, first: int) -> tuple[list[Message], list[Event], bool]:
    """The page that begins with the message `first`, and whether there are later ones."""
    messages = _messages().filter(ticket=ticket, id__gte=first).order_by("id")
    found = list(messages[: PAGE + 1])
    page, following = found[:PAGE], found[PAGE:]
    if not page:
        return [], [], False
    if following and (rest := _rest_of_albums(page, messages.filter(id__gt=page[-1].id))):
        page += rest
        following = list(messages.filter(id__gt=page[-1].id)[:1])
    events = _timeline_events(ticket).filter(created_at__gte=page[0].created_at)
    if following:
        events = events.filter(created_at__lt=following[0].created_at)
    return page, list(events.order_by("id")), bool(following)


def _rest_of_albums(page: Sequence[Message], beyond: QuerySet[Message]) -> list[Message]:
    """What is nearest beyond the end of a page, up to the last that belongs to one of the page's albums: each is one bubble."""
    albums = {message.album for message in page} - {None}
    rest, between = 0, set[tuple[int | None, str] | None]()
    near = list(beyond[:_NEAR]) if albums else []
    for place, message in enumerate(near, 1):
        between.add(message.album)
        if message.album in albums:
            rest = place
            albums |= between - {None}
    return near[:rest]


def thread_around(ticket: Ticket, message_id: int) -> tuple[list[Message], list[Event], bool, bool]:
    """A page with that message in it, and whether there are earlier and later ones. Raises NotFound."""
    known = Message.objects.filter(ticket=ticket).only("author", "address_id", "content")
    above = list(known.filter(id__lte=message_id).order_by("-id")[: _ABOVE + 1])
    if not above or above[0].id != message_id:
        raise NotFound(_("There is no such message."))
    above += _rest_of_albums(above, known.filter(id__lt=above[-1].id).order_by("-id"))
    page, events, has_later = thread_from(ticket, above[-1].id)
    return page, events, known.filter(id__lt=above[-1].id).exists(), has_later


def find_in_thread(ticket: Ticket, text: str) -> list[Answering]:
    """Messages of one conversation that answer, oldest first: by their own words, not by its subject and contact."""
    return found_in(ticket.id, read_query(text))


def pick_thread_items(
    ticket: Ticket, message_ids: Sequence[int], seqs: Sequence[int]
) -> tuple[list[Message], list[Event]]:
    """Single entries of a thread, for a screen that has heard of them."""
    messages = list(_messages().filter(ticket=ticket, id__in=message_ids).order_by("id")) if message_ids else []
    if groups := {message.content["group"] for message in messages if message.content.get("group")}:
        # An album is drawn as one.
        asked = Q(id__in=message_ids) | Q(content__group__in=groups)
        messages = list(_messages().filter(asked, ticket=ticket).order_by("id"))
    events = list(_timeline_events(ticket).filter(seq__in=seqs).order_by("id")) if seqs else []
    return messages, events


def added_since(ticket: Ticket, seen: int, writer: User) -> list[Message]:
    """What others have put into the conversation after the message `seen`, oldest first: whoever writes has not read it."""
    found = _messages().filter(ticket=ticket, id__gt=seen).exclude(user=writer).exclude(delivery=Delivery.CANCELLED)
    return list(found.order_by("id")[:PAGE])


def _timeline_events(ticket: Ticket) -> QuerySet[Event]:
    return Event.objects.filter(ticket_id=ticket.id, type__in=TIMELINE_EVENTS).select_related("actor")


def tags_of(ticket: Ticket) -> list[str]:
    return list(ticket.tags.values_list("name", flat=True))


def followers_of(ticket: Ticket) -> list[User]:
    return [follower.user for follower in ticket.followers.select_related("user")]


def scheduled_of(ticket: Ticket) -> list[ScheduledReply]:
    return list(ticket.scheduled.select_related("user").prefetch_related("attachments"))


def get_scheduled(reply_id: int, viewer: User) -> ScheduledReply:
    """Raises NotFound, also for one of a conversation that the viewer may not see."""
    reply = ScheduledReply.objects.select_related("ticket").filter(about_visible(viewer), id=reply_id).first()
    if reply is None:
        raise NotFound(_("This reply is sent already, or was taken back."))
    return reply


def drafts_of(ticket: Ticket, viewer: User) -> list[Draft]:
    """The viewer's own, the one last written first."""
    return list(Draft.objects.filter(ticket=ticket, user=viewer).order_by("-updated_at"))


def drafted_ids(viewer_id: UUID) -> set[int]:
    """Conversations in which the viewer has begun something."""
    return set(Draft.objects.filter(user_id=viewer_id).values_list("ticket_id", flat=True))


def size_of(ticket: Ticket) -> dict[str, Any]:
    """How much there is in it, and the last words."""
    messages = ticket.messages.prefetch_related("attachments").order_by("-id")
    return {"messages": messages.count(), "last": messages.first()}


def get_merged(merge_id: int, viewer: User) -> Ticket:
    """The conversation that was kept. Raises NotFound, also for one that the viewer may not see."""
    ticket = Ticket.objects.filter(visible_to(viewer), merges__id=merge_id).first()
    if ticket is None:
        raise NotFound(_("There is no such merge."))
    return ticket


def newest_inbound(ticket: Ticket) -> int | None:
    inbound = ticket.messages.filter(author=Author.CONTACT).order_by("-id")
    return inbound.values_list("id", flat=True).first()


def past_tickets(ticket: Ticket, viewer: User) -> list[Ticket]:
    """The contact's other conversations, newest first."""
    others = Ticket.objects.filter(visible_to(viewer), contact_id=ticket.contact_id).exclude(id=ticket.id)
    shown = others.select_related("channel").prefetch_related("custom_status").only(*_PAST).order_by("-id")
    past = list(shown[:10])
    for one in past:
        one.contact = ticket.contact
    return past


def places_of(ticket: Ticket) -> Q:
    """Addresses that a conversation is held in: the contact's, and of whoever was merged into it."""
    return Q(contact_id=ticket.contact_id) | Q(continues_id=ticket.id)


def get_contact(contact_id: UUID, viewer: User) -> Contact:
    """Raises NotFound, also for one whose conversations the viewer may not see."""
    contact = Contact.objects.filter(contacts_visible_to(viewer), id=contact_id).first()
    if contact is None:
        raise NotFound(_("There is no such contact."))
    return contact


def addresses_of(ticket: Ticket) -> list[ContactAddress]:
    rows = ContactAddress.objects.filter(places_of(ticket)).select_related("channel", "contact")
    return list(rows.defer(*UNUSED).order_by("id")[:20])


def facts_of(ticket: Ticket) -> dict[str, Any]:
    """What is known of the contact, with what the channel was told of them; agents' own word wins."""
    return {**ticket.address.details.get("facts", {}), **ticket.contact.attributes}


def delivery_attempts(message: Message) -> list[Any]:
    """Every try to send it, oldest first, with what the provider said. The rows belong to the channels, a floor above."""
    attempts: Any = message.delivery_attempts
    return list(attempts.order_by("id"))


def get_attachment(attachment_id: UUID, viewer: User) -> Attachment:
    """A file of a conversation that the viewer sees, or one's own upload that waits for its message. Raises NotFound."""
    seen = Q(message__isnull=False) & about_visible(viewer, "message__ticket_id")
    mine = seen | Q(message=None, uploaded_by=viewer)
    attachment = Attachment.objects.filter(mine, id=attachment_id, state=Attachment.State.READY).first()
    if attachment is None or not attachment.file:
        raise NotFound(_("There is no such file."))
    return attachment
