"""Changes of sent messages at the customer's side: claim → ask the provider outside any transaction → store what came of it."""

from datetime import timedelta

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app.base import Adapter, TransportError, UnknownOutcome
from channels_app.registry import adapter_for
from channels_app.services.delivery import MAX_ATTEMPTS, backoff
from tickets.models import MessageChange
from tickets.services.changes import claim_change, fail_change, finish_change, put_change_off

log = structlog.get_logger(__name__)


def carry_out(change_id: int) -> None:
    change = claim_change(change_id)
    if change is None:
        return
    try:
        _ask(adapter_for(change.message.address.channel), change)
    except TransportError as error:
        if error.permanent or change.attempts >= MAX_ATTEMPTS:
            fail_change(change, error.reason)
        else:
            _later(change, error.reason, error.retry_after)
    except UnknownOutcome as error:
        # The same words over the same words, a deletion of what is gone: asking again changes nothing.
        if change.attempts >= MAX_ATTEMPTS:
            fail_change(change, str(error))
        else:
            _later(change, str(error), None)
    except Exception as error:  # our own fault: the change is shown as not done, with its name
        log.error("change_failed", change=change.pk, exc_info=error)
        fail_change(change, type(error).__name__)
    else:
        finish_change(change)


def _later(change: MessageChange, reason: str, retry_after: float | None) -> None:
    rest = retry_after + 1 if retry_after is not None else backoff(change.attempts)
    put_change_off(change, reason, timezone.now() + timedelta(seconds=rest))


def _ask(adapter: Adapter, change: MessageChange) -> None:
    message = change.message
    parts = message.content.get("sent_parts", []) or [message.external_id]
    address = message.address.address
    if not all(parts):
        raise TransportError(_("The channel has not told us the name of this message."), permanent=True)
    if change.what == MessageChange.What.DELETE:
        for part in parts:
            adapter.delete(address, part)
    elif len(parts) > 1 or len(change.text) > adapter.limits.text:
        raise TransportError(_("This message is too long to be changed in one piece."), permanent=True)
    else:
        adapter.edit(address, parts[0], change.text)
