"""Replies that leave later: scheduled, sent at their hour, dropped by a person or because the customer writes first."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import AppError, InvalidInput
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Attachment, Message, ScheduledReply
from tickets.services.post import check_text, post_message
from tickets.services.tickets import lock_ticket

LATEST = timedelta(days=366)


@transaction.atomic
def schedule_reply(
    *,
    ticket_id: int,
    client_id: UUID,
    text: str,
    send_at: datetime,
    user: User,
    attachment_ids: Sequence[UUID] = (),
    cancel_on_reply: bool = False,
) -> ScheduledReply:
    """Keeps a reply for its hour. The same `client_id` gives the same reply. Raises InvalidInput, NotFound."""
    ticket = lock_ticket(ticket_id)
    known = ScheduledReply.objects.filter(client_id=client_id, ticket=ticket).first()
    if known is not None:
        return known
    now = timezone.now()
    if not now < send_at < now + LATEST:
        raise InvalidInput(_("Choose a time in the future, at most a year ahead."), field="send_at")
    reply = ScheduledReply.objects.create(
        ticket=ticket,
        user=user,
        client_id=client_id,
        text=check_text(text, bool(attachment_ids)),
        send_at=send_at,
        cancel_on_reply=cancel_on_reply,
    )
    files = Attachment.objects.filter(id__in=attachment_ids, message=None, scheduled=None, uploaded_by=user)
    if files.update(scheduled=reply) != len(set(attachment_ids)):
        raise InvalidInput(_("One of the files is gone. Attach it again."), field="attachments")
    _note(reply, "scheduled", user)
    return reply


def _note(reply: ScheduledReply, what: str, actor: User | None) -> None:
    record(
        "ticket.schedule_changed",
        ticket_id=reply.ticket_id,
        actor_id=actor.id if actor else None,
        payload={"what": what, "send_at": reply.send_at.isoformat()},
    )


@transaction.atomic
def drop_reply(reply_id: int, actor: User) -> ScheduledReply | None:
    """Takes it back and returns it for its words. None: it is gone already, or was sent."""
    reply = ScheduledReply.objects.select_for_update().filter(id=reply_id).first()
    if reply is not None:
        _note(reply, "dropped", actor)
        reply.delete()
    return reply


def drop_on_reply(ticket_id: int) -> None:
    """The customer wrote first. The caller is in a transaction."""
    waiting = ScheduledReply.objects.filter(ticket_id=ticket_id, cancel_on_reply=True)
    # Nearly always there is none, which every message would pay for.
    for reply in waiting.select_for_update() if waiting.exists() else ():
        _note(reply, "customer_wrote", None)
        reply.delete()


def send_reply(reply_id: int) -> Message | None:
    """Posts it as its author's message and forgets it, in one transaction. None: somebody else has, or it cannot be sent."""
    try:
        with transaction.atomic():
            reply = ScheduledReply.objects.select_for_update(skip_locked=True).filter(id=reply_id).first()
            if reply is None:
                return None
            message = post_message(
                ticket_id=reply.ticket_id,
                client_id=reply.client_id,
                text=reply.text,
                user=reply.user,
                attachment_ids=list(reply.attachments.values_list("id", flat=True)),
            )
            _note(reply, "sent", reply.user)
            reply.delete()
            return message
    except AppError as error:
        reply = ScheduledReply.objects.get(id=reply_id)
        reply.error = str(error)[:500]
        reply.save(update_fields=["error"])
        _note(reply, "failed", None)
        return None


def send_due_replies() -> int:
    """Everything whose hour has come. Returns how many were looked at."""
    due = ScheduledReply.objects.filter(send_at__lte=timezone.now(), error="")
    ids = list(due.order_by("send_at", "id").values_list("id", flat=True)[:200])
    for reply_id in ids:
        send_reply(reply_id)
    return len(ids)
