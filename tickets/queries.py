"""What the agents' pages read. Each function costs a fixed number of queries, whatever the number of rows."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotFound
from omnisupport.lib.masking import veil
from tenants.accounts.models import Role, User
from tenants.events.models import Event
from tickets.conditions import (
    ASSISTANT,
    KINDS_OF_TYPES,
    ME,
    MINE,
    NOBODY,
    Field,
    fixed_fields,
    make_query,
    status_options,
    stored_conditions,
    tag_options,
)
from tickets.models import (
    Attachment,
    Author,
    Contact,
    ContactAddress,
    CustomField,
    CustomStatus,
    Delivery,
    Draft,
    Incident,
    Macro,
    Mention,
    Message,
    MessageChange,
    Priority,
    SavedView,
    ScheduledReply,
    Sort,
    Status,
    Team,
    Ticket,
    TicketFollower,
    Visibility,
)  # fmt: skip
from tickets.ordering import FIRST, ORDERS, Order, make_cursor, no_such_page, read_cursor
from tickets.rights import about_visible, contacts_visible_to, sees_all, visible_to
from tickets.search import Hit, best_hits, fragment_of, hits_in, newest_hits
from tickets.words import Piece, Query, read_query

PAGE = 50
LIVE = (Status.OPEN, Status.WAITING)
# What a row shows: of five tables a tenth of the columns.
_LISTED = (
    "number", "status", "priority", "last_activity_at", "waiting_since", "subject",
    "is_snoozed", "wakes_at", "is_spam", "merged_into",
    "contact__name", "contact__email", "contact__phone", "channel__kind", "channel__name", "assignee__name", "assignee__email",
    "last_message__author", "last_message__text", "last_message__content", "last_message__delivery", "custom_status__name",
)  # fmt: skip
# Encrypted or long columns of the channel that no row of a list needs.
_UNUSED = ("channel__secrets", "channel__config", "channel__poll_state")
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

# ---- The list --------------------------------------------------------------------------------------------------------

# What waits for us now. Spam and what was merged into another is closed.
_TO_DO = Q(status=Status.OPEN, is_snoozed=False)
_VIEWS: dict[str, Callable[[UUID], Q]] = {
    "mine": lambda viewer: _TO_DO & Q(assignee_id=viewer),
    "unassigned": lambda _viewer: _TO_DO & Q(assignee=None),
    "open": lambda _viewer: _TO_DO,
    "assistant": lambda _viewer: _TO_DO & Q(assignee__role=Role.ASSISTANT),
    "waiting": lambda _viewer: Q(status=Status.WAITING, is_snoozed=False),
    "snoozed": lambda _viewer: Q(status__in=LIVE, is_snoozed=True),
    "solved": lambda _viewer: Q(status=Status.SOLVED),
    "closed": lambda _viewer: Q(status=Status.CLOSED, is_spam=False, merged_into=None),
    "spam": lambda _viewer: Q(is_spam=True),
    "mentions": lambda viewer: Q(id__in=Mention.objects.filter(user_id=viewer).values("ticket_id")),
    "following": lambda viewer: Q(
        id__in=TicketFollower.objects.filter(user_id=viewer).values("ticket_id"),
        status__in=[Status.OPEN, Status.WAITING],
    ),
}
# One walk over an index of live tickets; people are joined to the sums, not to the tickets.
_COUNTS_SQL = """
SELECT sums.status, sums.assignee_id, sums.is_snoozed, person.role, sums.count FROM (
    SELECT status, assignee_id, is_snoozed, count(*) AS count FROM tickets_ticket
    WHERE status IN ('open', 'waiting') {seen} GROUP BY 1, 2, 3
) AS sums LEFT JOIN accounts_user AS person ON person.id = sums.assignee_id
"""
_COUNTED = ("mine", "unassigned", "open", "assistant", "waiting", "snoozed")


@dataclass(frozen=True)
class Selection:
    """What the list shows. A search text looks through every state, so that what was solved is found too."""

    viewer: User
    view: str = "mine"
    channel_id: UUID | None = None
    team_id: int | None = None
    text: str = ""
    # Another order than the view's own; one of Sort.
    sort: str = ""
    # Of a view that somebody made: itself.
    saved: SavedView | None = None
    # Of a search only.
    status: str = ""
    assignee_id: UUID | None = None
    best_first: bool = False

    @property
    def viewer_id(self) -> UUID:
        return self.viewer.id

    @property
    def order(self) -> Order:
        return ORDERS[self.sort or self.own_sort]

    @property
    def own_sort(self) -> str:
        return self.saved.sort if self.saved else Sort.ACTIVITY

    @property
    def where(self) -> dict[str, Any]:
        """The filters that narrow a view and a search alike, by field of the ticket."""
        asked = {
            "channel_id": self.channel_id, "team_id": self.team_id, "status": self.status, "assignee_id": self.assignee_id,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True)
class Row:
    """`message` is what the row shows: the last one, or the one that answers a search, with its words in `fragment`.
    Rows lie by `order`, then by the ticket's id, the greatest first."""

    ticket: Ticket
    order: int
    message: Message | None
    fragment: tuple[Piece, ...] = ()

    @property
    def message_id(self) -> int | None:
        return self.message.pk if self.message else None


@dataclass(frozen=True)
class Page:
    rows: Sequence[Row]
    # Behind which row the next page begins and before which the previous one ends; empty where there is none.
    cursor: str = ""
    previous: str = ""

    @property
    def tickets(self) -> list[Ticket]:
        return [row.ticket for row in self.rows]


def view_names() -> tuple[str, ...]:
    return tuple(_VIEWS)


def list_tickets(selection: Selection, cursor: str = "", before: str = "") -> Page:
    """In the order of the selection, from the beginning, behind `cursor`, or what ends `before` one. Raises InvalidInput for a
    cursor that was not made here."""
    if selection.text:
        return _search(selection, cursor)
    order, found = selection.order, _selected(selection)
    if before:
        tickets = list(found.filter(order.before(*read_cursor(before))).order_by(*order.back)[: PAGE + 1])
        rows = _rows(reversed(tickets[:PAGE]), order)
        return Page(rows, _cursor_of(rows[-1:]), _cursor_of(rows[:1]) if len(tickets) > PAGE else "")
    if cursor:
        found = found.filter(order.behind(*read_cursor(cursor)))
    tickets = list(found.order_by(*order.by)[: PAGE + 1])
    rows = _rows(tickets[:PAGE], order)
    return Page(rows, _cursor_of(rows[-1:]) if len(tickets) > PAGE else "", _cursor_of(rows[:1]) if cursor else "")


def list_around(selection: Selection, ticket: Ticket) -> Page | None:
    """The page with this conversation in its middle; None where the list does not show it."""
    order, found = selection.order, _selected(selection)
    number = order.number(ticket)
    after = list(found.filter(order.behind(number, ticket.id + 1)).order_by(*order.by)[: PAGE // 2 + 1])
    if not after or after[0].id != ticket.id:
        return None
    before = list(found.filter(order.before(number, ticket.id)).order_by(*order.back)[: PAGE // 2 + 1])
    rows = _rows([*reversed(before[: PAGE // 2]), *after[: PAGE // 2]], order)
    following = _cursor_of(rows[-1:]) if len(after) > PAGE // 2 else ""
    return Page(rows, following, _cursor_of(rows[:1]) if len(before) > PAGE // 2 else "")


def whole_tickets(page: Page) -> list[Ticket]:
    """The tickets of a page with all their columns and tags: a row of the list has a tenth of them."""
    whole = Ticket.objects.select_related("custom_status").prefetch_related("tags")
    found = whole.in_bulk([ticket.id for ticket in page.tickets])
    return [found[ticket.id] for ticket in page.tickets if ticket.id in found]


@dataclass(frozen=True)
class Found:
    """The first rows of a view that is being made; `count` goes to PREVIEWED at most."""

    count: int
    rows: Sequence["Row"]

    @property
    def shown_count(self) -> str:
        return f"{PREVIEWED}+" if self.count > PREVIEWED else str(self.count)


PREVIEWED = 1000


def preview(selection: Selection) -> Found:
    order, found = selection.order, _selected(selection)
    count = found.order_by()[: PREVIEWED + 1].count()
    return Found(count, _rows(found.order_by(*order.by)[:8], order))


def _cursor_of(rows: Sequence["Row"]) -> str:
    return make_cursor(rows[0].order, rows[0].ticket.id) if rows else ""


def ids_in(selection: Selection, most: int) -> list[int]:
    """All conversations of a list, in its order; one more than `most` where there are more."""
    if not selection.text:
        ids = _selected(selection).order_by(*selection.order.by).values_list("id", flat=True)
        return list(ids[: most + 1])
    found: dict[int, None] = {}
    cursor = ""
    while len(found) <= most:
        page = list_tickets(selection, cursor)
        found |= dict.fromkeys(ticket.id for ticket in page.tickets)
        cursor = page.cursor
        if not cursor:
            break
    return list(found)[: most + 1]


# Most of an incident that a page shows; all of them are answered.
_SHOWN_OF_INCIDENT = 200


def list_incidents(viewer: User) -> list[Incident]:
    """Open ones first, with how many conversations of each the viewer may see (`size`)."""
    seen = Ticket.objects.filter(visible_to(viewer), incident=OuterRef("pk"), merged_into=None).order_by()
    size = Subquery(seen.values("incident").annotate(n=Count("id")).values("n"))
    return list(Incident.objects.annotate(size=Coalesce(size, 0)).order_by("-is_open", "-id")[:200])


def conversations_of(incident: Incident, viewer: User) -> list[Ticket]:
    found = Ticket.objects.filter(visible_to(viewer), incident=incident, merged_into=None)
    related = ("contact", "assignee", "custom_status")
    return list(found.select_related(*related).order_by("-last_activity_at", "-id")[:_SHOWN_OF_INCIDENT])


def ids_of_incident(
    incident: Incident, viewer: User, states: Sequence[str] = (Status.OPEN, Status.WAITING, Status.SOLVED)
) -> list[int]:
    """Those in one of the states: all that can still be answered."""
    found = Ticket.objects.filter(visible_to(viewer), incident=incident, status__in=states)
    return list(found.order_by("id").values_list("id", flat=True))


def seen_ids(ids: Collection[int], viewer: User) -> list[int]:
    """Those that the viewer may see, in their order."""
    seen = set(Ticket.objects.filter(visible_to(viewer), id__in=ids).values_list("id", flat=True))
    return [ticket_id for ticket_id in ids if ticket_id in seen]


def open_incidents() -> list[Incident]:
    return list(Incident.objects.filter(is_open=True)[:100])


def pick_rows(selection: Selection, ids: Collection[int]) -> list[Row]:
    """Those of `ids` that the list shows now; the others have left it."""
    if selection.text:
        named, query = _numbered(selection), read_query(selection.text)
        hits = hits_in(query, _where(selection, named), ids, best=selection.best_first)
        return [*(row for row in named if row.ticket.id in ids), *_hit_rows(hits, query, selection.viewer)]
    return _rows(_selected(selection).filter(id__in=ids).order_by(*selection.order.by), selection.order)


def count_views(viewer: User) -> dict[str, int]:
    counts = dict.fromkeys(_COUNTED, 0)
    seen, params = _seen_sql(viewer)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS_SQL.format(seen=seen), params)
        for status, assignee_id, is_snoozed, role, count in cursor.fetchall():
            if is_snoozed or status == Status.WAITING:
                counts["snoozed" if is_snoozed else "waiting"] += count
                continue
            counts["open"] += count
            counts["mine"] += count if assignee_id == viewer.id else 0
            counts["unassigned"] += count if assignee_id is None else 0
            counts["assistant"] += count if role == Role.ASSISTANT else 0
    return counts


def count_unseen_mentions(viewer: User) -> int:
    """Conversations in which a note waits for this person."""
    unseen = Mention.objects.filter(about_visible(viewer), user=viewer, seen_at=None)
    return unseen.values("ticket_id").distinct().count()


def _seen_sql(viewer: User) -> tuple[str, tuple[Any, ...]]:
    if sees_all(viewer):
        return "", ()
    sql, params = Ticket.objects.filter(visible_to(viewer)).values("id").query.sql_with_params()
    return f"AND id IN ({sql})", params


def _selected(selection: Selection) -> QuerySet[Ticket]:
    return _listed().filter(visible_to(selection.viewer), view_query(selection), **selection.where)


def view_query(selection: Selection) -> Q:
    """What a view shows, the filters beside it left out."""
    if selection.saved is not None:
        return make_query(stored_conditions(selection.saved.conditions), selection.viewer_id)
    if selection.view in _VIEWS:
        return _VIEWS[selection.view](selection.viewer_id)
    return _VIEWS["open"](selection.viewer_id) & _place_query(selection.view)


def _place_query(view: str) -> Q:
    """`t<id>` is a team's view, `c<uuid>` a channel's: what is open there."""
    return Q(team_id=int(view[1:])) if view.startswith("t") else Q(channel_id=view[1:])


def _listed() -> QuerySet[Ticket]:
    return Ticket.objects.select_related("contact", "channel", "assignee", "last_message", "custom_status").only(
        *_LISTED
    )


def _rows(tickets: Iterable[Ticket], order: Order) -> list[Row]:
    return [Row(ticket, order.number(ticket), ticket.last_message) for ticket in tickets]


# ---- Views that people make ------------------------------------------------------------------------------------------


def saved_views(viewer: User) -> list[SavedView]:
    """Those that this person sees: their own, their teams', everyone's; admins see all but the personal ones of others."""
    return list(SavedView.objects.filter(_shown_to(viewer)))


def get_saved_view(view_id: int, viewer: User) -> SavedView:
    """Raises NotFound, also for a view that this person does not see."""
    view = SavedView.objects.filter(_shown_to(viewer), id=view_id).first()
    if view is None:
        raise NotFound(_("There is no such view."))
    return view


def _shown_to(viewer: User) -> Q:
    if viewer.is_admin:
        return Q(owner=viewer) | ~Q(visibility=Visibility.PERSONAL)
    teams = Team.objects.filter(members=viewer).values("id")
    shared = Q(visibility=Visibility.EVERYONE) | Q(visibility=Visibility.TEAM, team_id__in=teams)
    return Q(owner=viewer) | shared


_MASKED = {"contact_email", "contact_phone"}


def condition_fields(viewer: User) -> dict[str, Field]:
    """All that a view of this person can ask, by key, in the order of the editor. Whoever does not see phones and addresses
    cannot find them out by asking either."""
    teams = [(str(team.pk), team.name) for team in all_teams()]
    channels = all_channels()
    people = [(str(user.id), str(user)) for user in assignable_people() if not user.is_assistant]
    chosen = [
        Field("status", _("State"), "set", status_options()),
        Field("assignee", _("Assignee"), "set", (
            (ME, _("me")), (NOBODY, _("nobody")), (ASSISTANT, _("the assistant")), *people,
        )),
        Field("team", _("Team"), "set", ((MINE, _("my teams")), (NOBODY, _("no team")), *teams)),
        Field("channel", _("Channel"), "set", tuple((str(channel.id), channel.name) for channel in channels)),
        Field("kind", _("Kind of channel"), "set", tuple((kind, kind) for kind in sorted({one.kind for one in channels}))),
        Field("priority", _("Priority"), "set", tuple((str(value), str(label)) for value, label in Priority.choices)),
        Field("tags", _("Tags"), "tags", tag_options()),
    ]  # fmt: skip
    custom = [
        Field(
            f"{field.target}.{field.key}",
            f"{field.label} ({field.get_target_display()})",
            KINDS_OF_TYPES[field.type],
            tuple((option, option) for option in field.options),
        )
        for field in custom_fields()
    ]
    fields = [*chosen, *fixed_fields(), *custom]
    return {field.key: field for field in fields if viewer.sees_contact_details or field.key not in _MASKED}


# ---- Search ----------------------------------------------------------------------------------------------------------


def _search(selection: Selection, cursor: str) -> Page:
    """A number that is asked for is the first row. Raises InvalidInput for a cursor that was not made here."""
    named, query = _numbered(selection), read_query(selection.text)
    where = _where(selection, named)
    if selection.best_first:
        hits, following = best_hits(query, where), None
    else:
        hits, following = newest_hits(query, where, _read_message_cursor(cursor) if cursor else None)
    return Page([*([] if cursor else named), *_hit_rows(hits, query, selection.viewer)], str(following or ""))


def _where(selection: Selection, named: Sequence[Row]) -> Q:
    where = Q(**{f"ticket__{name}": value for name, value in selection.where.items()}) & about_visible(selection.viewer)
    return where & ~Q(ticket_id__in=[row.ticket.id for row in named]) if named else where


def _numbered(selection: Selection) -> list[Row]:
    """The conversation whose number is written, above all others."""
    number = selection.text.removeprefix("#").removeprefix("№").strip()
    if not (number.isdecimal() and len(number) <= 18):
        return []
    # What was merged is found where it goes on.
    asked = Ticket.objects.filter(number=int(number))
    one = Q(id__in=asked.filter(merged_into=None)) | Q(id__in=asked.values("merged_into"))
    found = _listed().filter(visible_to(selection.viewer), one, **selection.where)
    return [Row(ticket, FIRST, ticket.last_message) for ticket in found]


def _hit_rows(hits: Sequence[Hit], query: Query, viewer: User) -> list[Row]:
    parts = ("contact", "channel", "assignee", "last_message", "custom_status")
    related = ("ticket", *(f"ticket__{part}" for part in parts))
    unused = [f"ticket__{name}" for name in _UNUSED]
    # Before the words are cut: of half a number nobody could tell that it is one.
    shown: Callable[[str], str] = str if viewer.sees_contact_details else veil
    messages = Message.objects.select_related(*related).defer(*unused).in_bulk([hit.message_id for hit in hits])
    found = [(hit, messages[hit.message_id]) for hit in hits if hit.message_id in messages]
    return [Row(message.ticket, hit.order, message, fragment_of(message, query, shown)) for hit, message in found]


def _read_message_cursor(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise no_such_page()
    return int(cursor)


# ---- One conversation ------------------------------------------------------------------------------------------------


def get_conversation(number: int, viewer: User) -> Ticket:
    """Raises NotFound, also for one that the viewer may not see."""
    related = ("contact__company", "address", "channel", "assignee", "team", "incident", "custom_status")
    ticket = Ticket.objects.select_related(*related).defer(*_UNUSED).filter(visible_to(viewer), number=number).first()
    if ticket is None:
        raise NotFound(_("There is no conversation №%(number)s here.") % {"number": number})
    return ticket


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
    related = ("user", "reply_to", "address__contact")
    return Message.objects.select_related(*related).prefetch_related(attachments, changes)


def thread_page(ticket: Ticket, before: int | None = None) -> tuple[list[Message], list[Event], bool]:
    """The newest messages (older than the message `before`), oldest first, what happened between them, and whether
    there are earlier ones."""
    messages = _messages().filter(ticket=ticket)
    events = _timeline_events(ticket)
    if before is not None:
        messages = messages.filter(id__lt=before)
        first_shown = Message.objects.filter(id=before, ticket=ticket).values_list("created_at", flat=True).first()
        events = events.filter(created_at__lt=first_shown) if first_shown else events.none()
    page = list(messages.order_by("-id")[: PAGE + 1])
    has_earlier = len(page) > PAGE
    page = page[:PAGE][::-1]
    if has_earlier:
        events = events.filter(created_at__gte=page[0].created_at)
    return page, list(events.order_by("id")), has_earlier


def pick_thread_items(
    ticket: Ticket, message_ids: Sequence[int], seqs: Sequence[int]
) -> tuple[list[Message], list[Event]]:
    """Single entries of a thread, for a screen that has heard of them."""
    messages = list(_messages().filter(ticket=ticket, id__in=message_ids).order_by("id")) if message_ids else []
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
    return list(others.select_related("channel", "contact", "custom_status").defer(*_UNUSED).order_by("-id")[:10])


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
    return list(rows.defer(*_UNUSED).order_by("id")[:20])


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


# ---- Macros ----------------------------------------------------------------------------------------------------------


def usable_macros(viewer: User) -> QuerySet[Macro]:
    """Everyone's, the viewer's own, and those of the viewer's teams."""
    of_teams = Q(visibility=Macro.Visibility.TEAM, team__members=viewer)
    own = Q(visibility=Macro.Visibility.PERSONAL, owner=viewer)
    usable = Macro.objects.filter(Q(visibility=Macro.Visibility.EVERYONE) | own | of_teams)
    return usable.select_related("team", "owner").distinct()


def managed_macros(viewer: User) -> QuerySet[Macro]:
    """What the viewer finds on the page of macros: admins also those of teams that they are not in."""
    if not viewer.is_admin:
        return usable_macros(viewer)
    own = Q(visibility=Macro.Visibility.PERSONAL, owner=viewer)
    return Macro.objects.filter(own | ~Q(visibility=Macro.Visibility.PERSONAL)).select_related("team", "owner")


def get_macro(macro_id: int, rows: QuerySet[Macro]) -> Macro:
    """One of `rows`. Raises NotFound."""
    macro = rows.filter(id=macro_id).first()
    if macro is None:
        raise NotFound(_("There is no such macro."))
    return macro


# ---- Choices ---------------------------------------------------------------------------------------------------------


def assignable_people() -> list[User]:
    """The assistant first, then people by name."""
    people = User.objects.filter(is_active=True).exclude(role=Role.OPERATOR)
    return sorted(people, key=lambda user: (not user.is_assistant, user.name.casefold()))


def people_at_work() -> list[Any]:
    """The same, each with `load`: the open conversations that they have."""
    held = Ticket.objects.filter(_TO_DO, assignee__isnull=False).values_list("assignee_id").annotate(number=Count("id"))
    loads = dict(held.order_by())
    people = assignable_people()
    for person in people:
        person.load = loads.get(person.id, 0)  # type: ignore[attr-defined]
    return people


@dataclass(frozen=True)
class States:
    """What may be chosen under one status of the product: itself, and the workspace's own names for it."""

    title: str
    options: tuple[tuple[str, str], ...]


def states(ticket: Ticket | None = None) -> list[States]:
    """In the order of their position; the ticket's present one is among them although it may not be chosen any more."""
    named = list(CustomStatus.objects.filter(Q(is_active=True) | Q(id=ticket.custom_status_id if ticket else None)))
    return [
        States(str(label), ((value, str(label)), *((one.key, one.name) for one in named if one.category == value)))
        for value, label in Status.choices
    ]


def custom_fields() -> list[CustomField]:
    return list(CustomField.objects.all())


def get_field(target: str, key: str) -> CustomField:
    """Raises NotFound."""
    field = CustomField.objects.filter(target=target, key=key).first()
    if field is None:
        raise NotFound(_("There is no such field."))
    return field


def all_teams() -> list[Team]:
    return list(Team.objects.all())


def all_channels() -> list[Any]:
    """Channels live a floor above; here they are only names to filter by."""
    return list(apps.get_model("channels_app", "Channel").objects.only("id", "name", "kind").order_by("name"))
