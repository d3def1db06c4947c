"""What people have around a conversation that is merged into another: who follows it, and what they have begun to write."""

import time
from typing import Any
from uuid import UUID

from django.db.models import Q

from tenants.accounts.models import Role
from tickets.models import Draft, Ticket, TicketFollower, TicketMerge
from tickets.services.drafts import tell_draft
from tickets.services.post import MAX_TEXT


def follow_kept(kept: Ticket, gone: Ticket) -> list[str]:
    """Whoever followed or had `gone` hears of `kept` from now on; their rows at `gone` stay. Returns who was not there yet."""
    ids = set(gone.followers.values_list("user_id", flat=True))
    holder = gone.assignee
    if holder is not None and holder.role != Role.ASSISTANT and holder.is_active:
        ids.add(holder.id)
    added = ids - set(kept.followers.values_list("user_id", flat=True)) - {kept.assignee_id}
    TicketFollower.objects.bulk_create(TicketFollower(ticket=kept, user_id=user_id) for user_id in added)
    return sorted(map(str, added))


def unfollow_kept(merge: TicketMerge) -> None:
    TicketFollower.objects.filter(ticket=merge.kept_id, user_id__in=map(UUID, merge.followers_added)).delete()


def move_drafts(kept: Ticket, gone: Ticket) -> list[int]:
    """Returns those that moved. Where their author has begun something in `kept` too, the words are put below it, and lie at
    `gone` as well until the two are parted."""
    there = {(draft.user_id, draft.kind): draft for draft in kept.drafts.select_for_update()}
    moved = []
    for draft in gone.drafts.select_for_update():
        other = there.get((draft.user_id, draft.kind))
        if other is None:
            moved.append(draft.id)
            _put(draft, kept.id)
        else:
            other.text = "\n\n".join(text for text in (other.text, draft.text) if text.strip())[:MAX_TEXT]
            other.content = _joined(other.content, draft.content)
            _put(other, kept.id)
    return moved


def return_drafts(merge: TicketMerge) -> None:
    """Those that were not sent, and in whose place nothing was begun since."""
    taken = Draft.objects.filter(ticket=merge.gone_id)
    for draft in Draft.objects.filter(id__in=merge.draft_ids, ticket=merge.kept_id):
        if not taken.filter(Q(user_id=draft.user_id, kind=draft.kind)).exists():
            _put(draft, merge.gone_id)


def _put(draft: Draft, ticket_id: int) -> None:
    """Open screens of the author hear that it has left one conversation and stands in another."""
    left, draft.ticket_id = draft.ticket_id, ticket_id
    draft.version = max(time.time_ns() // 1000, draft.version + 1)
    draft.save()
    if left != ticket_id:
        tell_draft(draft, 0, ticket_id=left)
    tell_draft(draft, draft.version)


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What stands around both texts; there can be one quote and one macro only."""
    mentions = ",".join(value for value in (one.get("mentions"), other.get("mentions")) if value)
    files = [*one.get("files", []), *other.get("files", [])]
    both = {"mentions": mentions, "files": files}
    return {**other, **one, **{name: value for name, value in both.items() if value}}
