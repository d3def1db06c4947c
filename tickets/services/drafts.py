"""Drafts of replies and notes. Keystrokes are nobody's business: no event is written, only the agent's own screens hear."""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from tenants.accounts.models import User
from tickets.models import Attachment, Draft, MessageKind, Ticket
from tickets.realtime import publish_draft
from tickets.services.post import MAX_TEXT


@transaction.atomic
def save_draft(
    ticket: Ticket,
    user: User,
    *,
    kind: MessageKind,
    text: str,
    version: int,
    reply_to: str = "",
    quote: str = "",
    mentions: str = "",
    macro: str = "",
    attachment_ids: Sequence[UUID] = (),
) -> tuple[Draft | None, bool]:
    """What is stored now (None: nothing), and whether it is what came: words that were written over a `version` other than
    the stored one are not kept, so that an old window never silently replaces newer words."""
    stored = _locked(ticket, user, kind)
    if (stored.version if stored else 0) != version:
        return stored, False
    content = _content(user, reply_to, quote, mentions, macro, attachment_ids)
    if not text.strip() and not content.get("files") and not content.get("reply_to"):
        _drop(stored)
        return None, True
    changed = stored or Draft(ticket=ticket, user=user, kind=kind)
    changed.text = text.replace("\x00", "")[:MAX_TEXT]
    changed.content = content
    changed.version = max(time.time_ns() // 1000, version + 1)
    try:
        with transaction.atomic():
            changed.save()
    except IntegrityError:
        # The same agent's other window was first by a moment.
        return _locked(ticket, user, kind), False
    tell_draft(changed, changed.version)
    return changed, True


def _locked(ticket: Ticket, user: User, kind: MessageKind) -> Draft | None:
    return Draft.objects.select_for_update().filter(ticket=ticket, user=user, kind=kind).first()


def _content(
    user: User, reply_to: str, quote: str, mentions: str, macro: str, attachment_ids: Sequence[UUID]
) -> dict[str, Any]:
    """Only what is there; of the files only those that are the agent's own and wait for a message."""
    found: dict[str, Any] = {"reply_to": reply_to, "quote": quote[:200], "mentions": mentions[:2000]}
    found["macro"] = macro
    if attachment_ids:
        mine = Attachment.objects.filter(id__in=attachment_ids, message=None, scheduled=None, uploaded_by=user)
        found["files"] = [{"id": str(file.id), "name": file.name, "size": file.size} for file in mine]
    return {name: value for name, value in found.items() if value}


def drop_sent_draft(ticket_id: int, user: User, *, kind: MessageKind, text: str) -> None:
    """These words have become a message. What was begun after them stays."""
    stored = Draft.objects.filter(ticket_id=ticket_id, user=user, kind=kind).first()
    if stored is not None and stored.text.strip() == text.strip():
        _drop(stored)


def _drop(stored: Draft | None) -> None:
    if stored is not None:
        stored.delete()
        tell_draft(stored, 0)


def tell_draft(draft: Draft, version: int, *, ticket_id: int | None = None) -> None:
    """To the author's own screens after the commit; `ticket_id` where it is not the draft's present conversation."""
    where, user_id, kind = ticket_id or draft.ticket_id, draft.user_id, draft.kind
    transaction.on_commit(lambda: publish_draft(user_id, where, kind, version), robust=True)
