"""Writing notices, and what people do with them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.http import check_url
from omnisupport.lib.hub import publish
from omnisupport.lib.webpush import is_subscription
from tenants.accounts.models import User
from tenants.events.models import Event
from tenants.names import group_name
from tickets.models import Message, Ticket
from tickets.notices.audience import audience, ticket_of
from tickets.notices.models import DEFAULTS, Kind, Notice, PushSubscription, Way
from tickets.presence import viewers_of
from tickets.rights import visible_to
from tickets.services.following import note_mentions_seen

# A letter goes only to those who have not looked for so long.
MAIL_AFTER = timedelta(minutes=15)
KEPT = timedelta(days=60)
MOST_BROWSERS = 20


def ways_of(user: User, kind: str) -> list[str]:
    """How this person is told of this kind."""
    chosen = user.notices.get(kind)
    return list(chosen) if isinstance(chosen, list) else list(DEFAULTS[kind])


def write_notices(event: Event) -> list[Notice]:
    """Tells everybody whom the event concerns, once; what somebody has before their eyes is seen already."""
    kind, people = audience(event)
    ticket_id = ticket_of(event)
    if not people or ticket_id is None:
        return []
    # Who looks at the newest of many has not seen the others.
    looking: Collection[str] = viewers_of(ticket_id) if event.ticket_id else ()
    now = timezone.now()
    notices = []
    for person in people:
        ways = ways_of(person, kind)
        if not ways:
            continue
        sees = str(person.id) in looking
        notices.append(
            Notice(
                user=person,
                kind=kind,
                ticket_id=ticket_id,
                event=event,
                listed=Way.APP in ways,
                seen_at=now if sees else None,
                mail_at=now + MAIL_AFTER if Way.EMAIL in ways and not sees else None,
            )
        )
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    fresh = [notice for notice in notices if notice.seen_at is None]
    show(fresh)
    if kind == Kind.MENTION:
        for notice in notices:
            if notice.seen_at is not None:
                note_seen(ticket_id, notice.user)
    return fresh


def show(notices: list[Notice]) -> None:
    """To the open pages of those who are told."""
    if not notices:
        return
    ticket = Ticket.objects.select_related("contact").get(id=notices[0].ticket_id)
    for notice in notices:
        notice.ticket = ticket
        frame = {
            "type": "notice",
            "id": f"{notice.event_id}",
            "number": str(ticket.number),
            "ticket": str(ticket.id),
            "ways": ways_of(notice.user, notice.kind),
            "unseen": count_unseen(notice.user),
            **words_of(notice),
        }
        publish(group_name("user", notice.user_id), frame)


def words_of(notice: Notice) -> dict[str, str]:
    """Title and text in the reader's language: a name and what happened, never what was said."""
    with translation.override(notice.user.language):
        actor = notice.event.actor
        if (count := notice.event.payload.get("count", 1)) > 1:
            return {
                "title": str(actor or _("Many at once")),
                "text": _SENTENCES_OF_MANY[notice.kind](count) % {"count": count},
            }
        title = str(actor) if notice.kind == Kind.MENTION and actor else str(notice.ticket.contact)
        return {"title": title, "text": f"{_SENTENCES[notice.kind]()} · №{notice.ticket.number}"}


_SENTENCES: Mapping[str, Any] = {
    Kind.NEW: lambda: _("a new conversation"),
    Kind.HANDOVER: lambda: _("the assistant hands over"),
    Kind.ASSIGNED: lambda: _("assigned to you"),
    Kind.REPLY: lambda: _("a new message"),
    Kind.MENTION: lambda: _("calls you in a note"),
    Kind.WOKE: lambda: _("the pause is over"),
}
_SENTENCES_OF_MANY: Mapping[str, Any] = {
    Kind.NEW: lambda count: ngettext(
        "%(count)s conversation that nobody has", "%(count)s conversations that nobody has", count
    ),
    Kind.ASSIGNED: lambda count: ngettext(
        "%(count)s conversation assigned to you", "%(count)s conversations assigned to you", count
    ),
}


def _unseen() -> QuerySet[Notice]:
    return Notice.objects.filter(seen_at=None, listed=True)


def count_unseen(user: User) -> int:
    """Of what they may see; more than a thousand are as good as a thousand."""
    return _unseen().filter(visible_to(user, "ticket__"), user=user).order_by()[:1000].count()


def list_notices(user: User, before: int | None = None) -> list[Notice]:
    """The newest fifty (older than the notice `before`)."""
    found = Notice.objects.filter(visible_to(user, "ticket__"), user=user, listed=True).select_related(
        "ticket__contact", "event__actor", "user"
    )
    return list((found.filter(id__lt=before) if before else found).order_by("-id")[:50])


def note_seen(ticket_id: int, user: User) -> None:
    """The person has this conversation before their eyes: nothing of it is news any more, on none of their screens."""
    seen = Notice.objects.filter(ticket_id=ticket_id, user=user, seen_at=None).update(seen_at=timezone.now())
    if note_mentions_seen(ticket_id, user) or seen:
        _tell_count(user, ticket_id)


def note_all_seen(user: User) -> None:
    Notice.objects.filter(user=user, seen_at=None).update(seen_at=timezone.now())
    _tell_count(user)


def _tell_count(user: User, ticket_id: int | None = None) -> None:
    frame = {"type": "notices", "unseen": count_unseen(user), "ticket": str(ticket_id) if ticket_id else None}
    publish(group_name("user", user.id), frame)


def take_back_bulk(bulk_id: str) -> None:
    """What this bulk change gave to people is not theirs any more."""
    ends = Event.objects.filter(type="bulk.changed", payload__bulk_id=bulk_id).values("id")
    given = Notice.objects.filter(event__in=ends).select_related("user")
    people = {notice.user for notice in given}
    given.delete()
    for person in people:
        _tell_count(person)


def follow_messages(ticket_ids: Sequence[int]) -> None:
    """These were merged, parted or split: a notice leads to where its message stands now, else to where it all goes on."""
    notices = Notice.objects.filter(ticket_id__in=ticket_ids).select_related("event")
    messages = [notice.event.payload.get("message_id") for notice in notices]
    placed = dict(Message.objects.filter(id__in=filter(None, messages)).values_list("id", "ticket_id"))
    tickets = Ticket.objects.filter(id__in=[notice.event.ticket_id for notice in notices])
    goes_on = {ticket_id: into or ticket_id for ticket_id, into in tickets.values_list("id", "merged_into_id")}
    moved = []
    for notice in notices:
        message_id = notice.event.payload.get("message_id")
        home = placed.get(int(message_id)) if message_id else goes_on.get(notice.event.ticket_id or 0)
        if home is not None and home != notice.ticket_id:
            notice.ticket_id = home
            moved.append(notice)
    Notice.objects.bulk_update(moved, ["ticket_id"], batch_size=500)


def choose_ways(user: User, chosen: Mapping[str, list[str]]) -> None:
    """How somebody wants to be told, by kind. Raises InvalidInput."""
    if set(chosen) - set(Kind.values) or any(set(ways) - set(Way.values) for ways in chosen.values()):
        raise InvalidInput(_("There is no such notice."), field="notices")
    user.notices = {kind: [way for way in Way.values if way in ways] for kind, ways in chosen.items()}
    user.save(update_fields=["notices"])


def add_browser(user: User, subscription: Mapping[str, Any]) -> None:
    """This browser shows notices when no page is open. Raises InvalidInput for what is no subscription."""
    endpoint, keys = str(subscription.get("endpoint", "")), subscription.get("keys")
    keys = keys if isinstance(keys, Mapping) else {}
    p256dh, auth = str(keys.get("p256dh", "")), str(keys.get("auth", ""))
    if len(endpoint) > 1000 or not endpoint.startswith("https://") or not is_subscription(p256dh, auth):
        raise InvalidInput(_("The browser gave no address to send notices to. Try again."), field="endpoint")
    check_url(endpoint)
    known = {"user": user, "p256dh": p256dh, "auth": auth}
    PushSubscription.objects.update_or_create(endpoint=endpoint, defaults=known)
    too_old = PushSubscription.objects.filter(user=user).order_by("-id").values("id")[MOST_BROWSERS:]
    PushSubscription.objects.filter(id__in=list(too_old.values_list("id", flat=True))).delete()


def remove_browser(user: User, endpoint: str) -> None:
    PushSubscription.objects.filter(user=user, endpoint=endpoint).delete()


def delete_old() -> int:
    """A bite of what nobody will look at any more. Returns how many."""
    old = Notice.objects.filter(created_at__lt=timezone.now() - KEPT).order_by("created_at")
    deleted, _rows = Notice.objects.filter(id__in=list(old.values_list("id", flat=True)[:5000])).delete()
    return deleted
