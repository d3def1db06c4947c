"""Two conversations that are about one thing: merging, and parting them again within a day. One message that is about another:
splitting it off. Both people, or both channels, stay reachable: replies go to either address, and what comes from either lands
in the conversation that was kept.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import (
    Author,
    ContactAddress,
    Mention,
    Message,
    MessageKind,
    MessageSearch,
    ScheduledReply,
    Status,
    Ticket,
    TicketFollower,
    TicketMerge,
)
from tickets.services.incidents import move_incident
from tickets.services.indexing import index_message
from tickets.services.merged_people import follow_kept, move_drafts, return_drafts, unfollow_kept
from tickets.services.tickets import has_newer, lock_ticket, move_status, open_ticket

UNDO_WITHIN = timedelta(hours=24)
# What closing `gone` changes of it.
_STATE = ("status", "custom_status_id", "solved_at", "waiting_since", "is_snoozed", "wakes_at")


# ---- Merging ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def merge_tickets(*, kept_id: int, gone_id: int, user: User | None) -> TicketMerge:
    """All messages of `gone` are in `kept` from now on; `gone` is closed and points there. Raises NotFound, InvalidInput (the
    same one twice), Conflict (merged already, or the one to keep is closed)."""
    if kept_id == gone_id:
        raise InvalidInput(_("This is one and the same conversation."))
    addresses = _lock_addresses(kept_id, gone_id)
    first, second = (lock_ticket(ticket_id) for ticket_id in sorted((kept_id, gone_id)))
    kept, gone = (first, second) if first.id == kept_id else (second, first)
    _check_mergeable(kept, gone)
    TicketMerge.objects.filter(gone=gone).delete()
    merge = TicketMerge.objects.create(
        kept=kept,
        gone=gone,
        message_ids=list(gone.messages.values_list("id", flat=True)),
        scheduled_ids=list(gone.scheduled.values_list("id", flat=True)),
        merged_ids=list(gone.merged.values_list("id", flat=True)),
        continued={str(address.id): address.continues_id for address in addresses},
        tags_added=sorted(set(gone.tags.values_list("id", flat=True)) - set(kept.tags.values_list("id", flat=True))),
        followers_added=follow_kept(kept, gone),
        draft_ids=move_drafts(kept, gone),
        before={
            **{name: _plain(getattr(gone, name)) for name in _STATE},
            "address": kept.address_id,
            "incident": kept.incident_id,
        },
        user=user,
    )
    _move(merge.message_ids, kept)
    ScheduledReply.objects.filter(id__in=merge.scheduled_ids).update(ticket=kept)
    Ticket.objects.filter(id__in=merge.merged_ids).update(merged_into=kept)
    ContactAddress.objects.filter(id__in=[address.id for address in addresses]).update(continues=kept)
    kept.tags.add(*merge.tags_added)
    if kept.incident_id is None and gone.incident is not None and gone.incident.is_open:
        # Else its customer would not be answered with the others: `gone` is closed.
        move_incident(kept, gone.incident_id, user)
    was_open = gone.status == Status.OPEN and not gone.is_snoozed
    _close(gone, kept)
    if was_open and kept.status != Status.OPEN:
        move_status(kept, Status.OPEN, user)
    _settle(kept)
    _note("ticket.merged", kept, gone, user)
    return merge


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _lock_addresses(*ticket_ids: int) -> list[ContactAddress]:
    """All places that these conversations are held in. Before the tickets are locked: whoever writes from there locks the
    address first."""
    own = Q(tickets__in=ticket_ids) | Q(messages__ticket__in=ticket_ids) | Q(continues__in=ticket_ids)
    ids = set(ContactAddress.objects.filter(own).values_list("id", flat=True))
    return list(ContactAddress.objects.select_for_update().filter(id__in=ids).order_by("id"))


def _check_mergeable(kept: Ticket, gone: Ticket) -> None:
    for ticket in (kept, gone):
        if ticket.merged_into_id:
            raise Conflict(_("№%(number)s is merged into another already.") % {"number": ticket.number})
    if kept.status == Status.CLOSED:
        raise Conflict(_("№%(number)s is closed. Reopen it, or keep the other one.") % {"number": kept.number})


def _move(message_ids: list[int], to: Ticket) -> None:
    Message.objects.filter(id__in=message_ids).update(ticket=to)
    MessageSearch.objects.filter(message_id__in=message_ids).update(ticket=to)
    Mention.objects.filter(message_id__in=message_ids).update(ticket=to)


def _close(gone: Ticket, kept: Ticket) -> None:
    """Not as people close one: it was not solved, so nobody learns from it."""
    gone.status, gone.custom_status, gone.merged_into = Status.CLOSED, None, kept
    gone.solved_at = gone.solved_at or timezone.now()
    gone.waiting_since, gone.is_snoozed, gone.wakes_at = None, False, None
    gone.save(update_fields=[*_STATE[2:], "status", "custom_status", "merged_into"])


def _settle(ticket: Ticket) -> None:
    """What follows from the messages that a conversation has now."""
    public = ticket.messages.filter(kind=MessageKind.PUBLIC)
    ticket.last_message = public.order_by("-id").first()
    newest = ticket.messages.order_by("-created_at").values_list("created_at", flat=True).first()
    ticket.last_activity_at = newest or ticket.created_at
    answered = public.filter(author__in=[Author.AGENT, Author.ASSISTANT]).order_by("-id").first()
    waiting = public.filter(author=Author.CONTACT, id__gt=answered.id if answered else 0).order_by("id").first()
    ticket.waiting_since = waiting.created_at if waiting and ticket.status in {Status.OPEN, Status.WAITING} else None
    ticket.save(update_fields=["last_message", "last_activity_at", "waiting_since"])


def _note(event: str, into: Ticket, origin: Ticket, user: User | None) -> None:
    """On both: each has a link to the other."""
    actor_id = user.id if user else None
    record(event, ticket_id=into.id, actor_id=actor_id, payload={"from": str(origin.id), "number": str(origin.number)})
    record(event, ticket_id=origin.id, actor_id=actor_id, payload={"into": str(into.id), "number": str(into.number)})


# ---- And back --------------------------------------------------------------------------------------------------------


def undoable_ticket_merges(ticket: Ticket) -> QuerySet[TicketMerge]:
    """Those that it takes part in, on either side."""
    recent = timezone.now() - UNDO_WITHIN
    merges = TicketMerge.objects.filter(Q(kept=ticket) | Q(gone=ticket), created_at__gt=recent)
    # There are none as a rule, and then there is nothing to prefetch.
    return merges.prefetch_related("kept", "gone", "user")


@transaction.atomic
def undo_ticket_merge(merge_id: int, user: User | None) -> TicketMerge:
    """Puts the messages back, with what came since from the other's own addresses. Raises NotFound, Conflict (too late, or
    merged on since)."""
    merge = TicketMerge.objects.select_for_update().filter(id=merge_id).first()
    if merge is None:
        raise NotFound(_("There is no such merge."))
    if merge.created_at < timezone.now() - UNDO_WITHIN:
        raise Conflict(_("Conversations can be parted for 24 hours after they were merged."))
    _lock_addresses(merge.kept_id, merge.gone_id)
    first, second = (lock_ticket(ticket_id) for ticket_id in sorted((merge.kept_id, merge.gone_id)))
    kept, gone = (first, second) if first.id == merge.kept_id else (second, first)
    if kept.merged_into_id:
        raise Conflict(_("№%(number)s was merged on since. Part that merge first.") % {"number": kept.number})
    _restore_addresses(merge, kept, gone)
    since = _came_since(merge, kept)
    here = Message.objects.filter(ticket=kept, id__in=merge.message_ids)
    _move([*here.values_list("id", flat=True), *since], gone)
    ScheduledReply.objects.filter(id__in=merge.scheduled_ids).update(ticket=gone)
    Ticket.objects.filter(id__in=merge.merged_ids).update(merged_into=gone)
    kept.tags.remove(*merge.tags_added)
    unfollow_kept(merge)
    return_drafts(merge)
    if merge.before.get("incident", kept.incident_id) is None and kept.incident_id == gone.incident_id:
        move_incident(kept, None, user)
    _restore(gone, merge.before)
    _settle(kept)
    if since:
        _settle(gone)
    _note("ticket.unmerged", kept, gone, user)
    merge.delete()
    return merge


def _came_since(merge: TicketMerge, kept: Ticket) -> list[int]:
    """Messages of after the merge, of places that only the other one was held in."""
    here = Message.objects.filter(ticket=kept).exclude(id__in=merge.message_ids)
    shared = here.filter(created_at__lt=merge.created_at).values("address_id")
    own = Message.objects.filter(id__in=merge.message_ids).exclude(address_id__in=shared).values("address_id")
    return list(here.filter(created_at__gte=merge.created_at, address_id__in=own).values_list("id", flat=True))


def _restore_addresses(merge: TicketMerge, kept: Ticket, gone: Ticket) -> None:
    for address_id, continues_id in merge.continued.items():
        known = Ticket.objects.filter(id=continues_id).first() if continues_id else None
        ContactAddress.objects.filter(id=int(address_id), continues=kept).update(continues=known)
    if kept.address_id != merge.before["address"]:
        # Where the other one is answered: two live ones cannot share it.
        home = ContactAddress.objects.get(id=merge.before["address"])
        if Message.objects.filter(id__in=merge.message_ids, address_id=kept.address_id).exists():
            kept.address, kept.channel_id = home, home.channel_id
            kept.save(update_fields=["address", "channel"])


def _restore(gone: Ticket, before: dict[str, Any]) -> None:
    gone.merged_into = None
    for name in _STATE:
        value = before[name]
        is_time = value and name.endswith(("_at", "_since"))
        setattr(gone, name, datetime.fromisoformat(value) if is_time else value)
    if gone.status != Status.CLOSED and has_newer(gone):
        # The customer has begun anew there meanwhile.
        gone.status, gone.custom_status, gone.is_snoozed, gone.wakes_at = Status.CLOSED, None, False, None
    gone.save(update_fields=[name.removesuffix("_id") for name in (*_STATE, "merged_into")])


# ---- Splitting -------------------------------------------------------------------------------------------------------


@transaction.atomic
def split_ticket(message_id: int, *, with_later: bool, user: User | None) -> Ticket:
    """A new conversation that begins with this message, and goes on with all later ones if wished. Raises NotFound,
    InvalidInput (nothing would be left)."""
    message = Message.objects.filter(id=message_id).first()
    if message is None:
        raise NotFound(_("There is no such message."))
    address = ContactAddress.objects.select_for_update().get(id=message.address_id)
    ticket = lock_ticket(message.ticket_id)
    moved = ticket.messages.filter(id__gte=message.id) if with_later else ticket.messages.filter(id=message.id)
    ids = list(moved.values_list("id", flat=True))
    if not ids or not ticket.messages.exclude(id__in=ids).exists():
        raise InvalidInput(_("Nothing would be left in this conversation."))
    subject = message.text.strip().split("\n")[0][:120] or ticket.subject
    split = open_ticket(address, assignee_id=ticket.assignee_id, subject=subject, thread=f"split-{message.id}")
    split.team_id = ticket.team_id
    split.save(update_fields=["team"])
    _move(ids, split)
    followers = ticket.followers.values_list("user_id", flat=True)
    TicketFollower.objects.bulk_create(TicketFollower(ticket=split, user_id=user_id) for user_id in followers)
    for part in (ticket, split):
        _settle(part)
        first = part.messages.order_by("id").first()
        if first is not None:
            index_message(first, first=True)
    _note("ticket.split", split, ticket, user)
    return split
