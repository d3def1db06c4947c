"""Whoever gets a longer conversation from the assistant finds its summary among the notes, where a model can write one."""

from uuid import NAMESPACE_OID, UUID, uuid5

from django.utils import translation

from ai_assistant.models import Aid
from ai_assistant.services.aids import keep_summary, models_of, run_aid
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.services.materials import public_messages
from ai_assistant.services.turns import this_workspace
from omnisupport.lib.errors import AppError
from tenants.names import current_schema
from tickets.models import Author, Ticket

# Shorter ones are read at a glance, and the note of the hand-over has the question.
_LEAST_MESSAGES = 4


def wants_summary(ticket_id: int) -> bool:
    """Without one since the customer's last word."""
    ticket = Ticket.objects.filter(id=ticket_id).first()
    messages = public_messages(ticket) if ticket else []
    if len(messages) < _LEAST_MESSAGES:
        return False
    newest = max((m.created_at for m in messages if m.author == Author.CONTACT), default=messages[-1].created_at)
    return not Aid.objects.filter(
        ticket_id=ticket_id, kind=Aid.Kind.SUMMARY, state=Aid.State.DONE, created_at__gt=newest
    ).exists()


def sum_up_hand_over(ticket_id: int, event_id: int) -> Aid | None:
    """In a worker, once for each hand-over. None where nobody needs one, or nobody can write one."""
    assistant, workspace = ensure_assistant(), this_workspace()
    try:
        models_of(assistant)
    except AppError:
        return None
    if not assistant.is_active or not wants_summary(ticket_id):
        return None
    begun, is_new = Aid.objects.get_or_create(
        id=_id_of(event_id),
        defaults={"ticket_id": ticket_id, "kind": Aid.Kind.SUMMARY, "language": workspace.language},
    )
    aid = run_aid(begun.id) if is_new else None
    if aid is not None and aid.state == Aid.State.DONE:
        with translation.override(workspace.language):
            keep_summary(aid, assistant.user, Author.ASSISTANT)
    return aid


def _id_of(event_id: int) -> UUID:
    return uuid5(NAMESPACE_OID, f"{current_schema()}:hand-over:{event_id}")
