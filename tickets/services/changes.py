"""Words that have left already, changed or taken away by whoever wrote them, for a few minutes."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict, Forbidden, NotFound
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import Author, Delivery, Message, MessageChange, MessageKind
from tickets.services.delivery import cancel_message
from tickets.services.indexing import index_message
from tickets.services.post import check_text

WITHIN = timedelta(minutes=5)
# Longer than one call of an adapter takes.
STALE_AFTER = timedelta(seconds=75)
_THERE = {Delivery.SENT, Delivery.DELIVERED, Delivery.READ}
_State, _What = MessageChange.State, MessageChange.What


@transaction.atomic
def edit_message(message_id: int, *, text: str, user: User) -> Message:
    """New words: at once in a note and in what has not left; else when the channel has changed them at the customer's side.
    Raises Forbidden, Conflict (too late, on its way), InvalidInput."""
    message = _own(message_id, user)
    text = check_text(text, message.attachments.exists())
    if text == message.text:
        return message
    if message.kind == MessageKind.NOTE or message.delivery == Delivery.QUEUED:
        _set_text(message, text, user)
    else:
        _ask(message, _What.EDIT, user, text)
    return message


@transaction.atomic
def delete_message(message_id: int, *, user: User) -> Message:
    """Takes it away, where the channel can also from the customer; agents still see what it said. Raises as edit_message."""
    message = _own(message_id, user)
    if message.kind == MessageKind.NOTE:
        _set_deleted(message, user)
    elif message.delivery == Delivery.QUEUED:
        if not cancel_message(message.id):
            raise _on_its_way()
    else:
        _ask(message, _What.DELETE, user)
    return message


def _own(message_id: int, user: User) -> Message:
    message = Message.objects.select_for_update(of=("self",)).select_related("ticket").filter(id=message_id).first()
    if message is None:
        raise NotFound(_("There is no such message."))
    if message.user_id != user.id or message.author != Author.AGENT:
        raise Forbidden(_("Only whoever wrote a message can change it."))
    if message.deleted_at or timezone.now() - message.created_at > WITHIN:
        raise Conflict(_("A message can be changed for five minutes; that time is over."))
    return message


def _ask(message: Message, what: str, user: User, text: str = "") -> None:
    if message.delivery not in _THERE:
        raise _on_its_way()
    # Of one that has failed, the new wish takes the place.
    MessageChange.objects.filter(message=message, state=_State.FAILED).delete()
    if MessageChange.objects.filter(message=message).exclude(state=_State.DONE).exists():
        raise Conflict(_("This message is being changed already. Wait a moment."))
    change = MessageChange.objects.create(message=message, what=what, text=text, user=user)
    _note("message.change_requested", change)


def _on_its_way() -> Conflict:
    return Conflict(_("This message has not arrived yet. Try again in a moment."))


def _note(event: str, change: MessageChange) -> None:
    message = change.message
    payload = {"message_id": str(message.id), "kind": message.kind, "change_id": str(change.pk), "what": change.what}
    record(event, ticket_id=message.ticket_id, actor_id=change.user_id, payload=payload | {"error": change.error})


def _set_text(message: Message, text: str, user: User | None) -> None:
    now = timezone.now()
    edits = [*message.content.get("edits", []), {"text": message.text, "until": now.isoformat()}]
    message.content = {**message.content, "edits": edits[-20:]}
    message.text, message.edited_at = text, now
    message.save(update_fields=["text", "content", "edited_at"])
    index_message(message)
    _tell("message.edited", message, user)


def _set_deleted(message: Message, user: User | None) -> None:
    message.deleted_at = timezone.now()
    message.save(update_fields=["deleted_at"])
    _tell("message.deleted", message, user)


def _tell(event: str, message: Message, user: User | None) -> None:
    payload = {"message_id": str(message.id), "kind": message.kind}
    record(event, ticket_id=message.ticket_id, actor_id=user.id if user else None, payload=payload)


# ---- On the way ------------------------------------------------------------------------------------------------------


def claim_change(change_id: int) -> MessageChange | None:
    """One that is due, for one worker; None: another has it, or it is settled. A worker that died gives it back."""
    now = timezone.now()
    due = Q(state=_State.QUEUED) & (Q(due_at=None) | Q(due_at__lte=now))
    lost = Q(state=_State.SENDING, claimed_at__lt=now - STALE_AFTER)
    claimed = MessageChange.objects.filter(due | lost, id=change_id).update(
        state=_State.SENDING, claimed_at=now, attempts=F("attempts") + 1
    )
    related = ("message__address__channel", "message__ticket", "user")
    return MessageChange.objects.select_related(*related).get(id=change_id) if claimed else None


@transaction.atomic
def finish_change(change: MessageChange) -> None:
    """The provider has done it: now the message is what the customer sees."""
    done = MessageChange.objects.filter(id=change.pk, state=_State.SENDING).update(state=_State.DONE, error="")
    message = Message.objects.select_for_update().get(id=change.message_id)
    if not done:
        return
    if change.what == _What.DELETE:
        _set_deleted(message, change.user)
    elif message.text != change.text:
        _set_text(message, change.text, change.user)


@transaction.atomic
def put_change_off(change: MessageChange, error: str, due_at: datetime) -> None:
    rows = MessageChange.objects.filter(id=change.pk, state=_State.SENDING)
    rows.update(state=_State.QUEUED, error=error[:500], due_at=due_at)


@transaction.atomic
def fail_change(change: MessageChange, error: str) -> None:
    """It stays with its reason until somebody tries again or lets it be; the customer sees the message as it was."""
    change.error = error[:500]
    if MessageChange.objects.filter(id=change.pk, state=_State.SENDING).update(state=_State.FAILED, error=change.error):
        _note("message.change_failed", change)


@transaction.atomic
def retry_change(change_id: int, *, user: User) -> MessageChange:
    change = _failed(change_id, user)
    change.state, change.attempts, change.due_at, change.error = _State.QUEUED, 0, None, ""
    change.save(update_fields=["state", "attempts", "due_at", "error"])
    _note("message.change_requested", change)
    return change


@transaction.atomic
def drop_change(change_id: int, *, user: User) -> MessageChange:
    change = _failed(change_id, user)
    _note("message.change_dropped", change)
    MessageChange.objects.filter(id=change.pk).delete()
    return change


def _failed(change_id: int, user: User) -> MessageChange:
    rows = MessageChange.objects.select_for_update(of=("self",)).select_related("message__ticket")
    change = rows.filter(id=change_id, user=user, state=_State.FAILED).first()
    if change is None:
        raise Conflict(_("This change is settled already."))
    return change


def due_changes(limit: int = 200) -> list[int]:
    now = timezone.now()
    due = Q(state=_State.QUEUED) & (Q(due_at=None) | Q(due_at__lte=now))
    lost = Q(state=_State.SENDING, claimed_at__lt=now - STALE_AFTER)
    return list(MessageChange.objects.filter(due | lost).order_by("id").values_list("id", flat=True)[:limit])
