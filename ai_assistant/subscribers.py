"""The assistant listens: to customers on its tickets, to tickets given to it, and to documents that change."""

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from ai_assistant.models import Aid, Answer, LearnedAnswer, SavedQuestion
from ai_assistant.services.hand_over_summary import wants_summary
from ai_assistant.services.learning import note_solved
from ai_assistant.services.meaning import forget_unused_models
from ai_assistant.services.packet import leave_packet
from ai_assistant.services.routing import suggests, take_where_allowed
from ai_assistant.services.turns import SETTLE
from ai_assistant.tasks import (
    answer_ticket,
    learn,
    mail_budget_reached,
    run_saved_questions,
    suggest_reply,
    sum_up_hand_over,
)
from omnisupport.lib.once import once
from tenants.accounts.models import Role, User
from tenants.events.log import subscribe
from tenants.events.models import Event
from tenants.tasking import wake
from tickets.models import Message, Status, Ticket
from tickets.told import message_of


@subscribe("message.received", "ticket.assigned")
def take_turn(event: Event) -> None:
    if event.ticket_id is None or event.payload.get("automatic"):
        return
    # What is read with the message may be a moment old: the task looks again, so this only saves tasks.
    if event.type == "message.received":
        message = message_of(event)
        ticket = message.ticket if message else None
        if message and suggests(message):
            wake(suggest_reply, event.ticket_id, countdown=SETTLE.total_seconds())
        elif message:
            take_where_allowed(message)
    elif event.payload.get("to") in once("assistants", _assistants):
        ticket = Ticket.objects.select_related("assignee").filter(id=event.ticket_id).first()
    else:
        ticket = None
    if ticket and ticket.assignee and ticket.assignee.is_assistant:
        countdown = SETTLE.total_seconds() if event.type == "message.received" else 0
        wake(answer_ticket, event.ticket_id, countdown=countdown)


def _assistants() -> set[str]:
    return {str(key) for key in User.objects.filter(role=Role.ASSISTANT).values_list("id", flat=True)}


@subscribe("ticket.handed_over")
def tell_what_was_said(event: Event) -> None:
    if event.ticket_id is not None and event.payload.get("reason"):
        leave_packet(event.ticket_id, str(event.payload["reason"]))
        if wants_summary(event.ticket_id):
            wake(sum_up_hand_over, event.ticket_id, event.id)


@subscribe("ticket.merged", "ticket.unmerged", "ticket.split")
def follow_questions(event: Event) -> None:
    """A receipt, and a question of a tool that waits for the customer's word, belong to where the question stands now."""
    if event.ticket_id is not None and "from" in event.payload:
        place = Message.objects.filter(id=OuterRef("question_message_id")).values("ticket_id")
        for model in (Answer, LearnedAnswer):
            rows = model.objects.filter(ticket_id__in=[event.ticket_id, int(event.payload["from"])])
            rows.update(ticket_id=Coalesce(Subquery(place), F("ticket_id")))


@subscribe("ticket.status_changed")
def learn_from_people(event: Event) -> None:
    # What was solved and is closed a week later has been learned from.
    is_solved = event.payload.get("to") in _SOLVED and event.payload.get("from") not in _SOLVED
    if event.ticket_id is not None and is_solved and note_solved(event.ticket_id):
        wake(learn)


_SOLVED = {Status.SOLVED, Status.CLOSED}
# Documents come in batches: one run for all of them.
_AFTER_DOCUMENTS = 20
_AT_REST = {"ready", "partly_ready", "failed", "deleting"}


@subscribe("document.changed")
def ask_saved_questions(event: Event) -> None:
    if event.payload.get("state") in _AT_REST and SavedQuestion.objects.exists():
        wake(run_saved_questions, countdown=_AFTER_DOCUMENTS)


@subscribe("space.changed")
def follow_space(event: Event) -> None:
    if event.payload["state"] == "dropped":
        forget_unused_models()
    elif event.payload["state"] == "live" and SavedQuestion.objects.exists():
        wake(run_saved_questions)


@subscribe("budget.reached")
def tell_of_budget(event: Event) -> None:
    wake(mail_budget_reached, event.id, event.payload["share"], event.payload["limit"])


@subscribe("contact.erased")
def forget_words(event: Event) -> None:
    """Receipts keep what was decided and what it cost, not what was said."""
    tickets = event.payload["ticket_ids"]
    Answer.objects.filter(ticket_id__in=tickets).update(
        question="", query="", prompt="", text="", passages=[], tool_calls=[], checks=[], wrong_comment=""
    )
    Aid.objects.filter(ticket_id__in=tickets).update(text="", prompt="", suggestion={}, checks=[])
    LearnedAnswer.objects.filter(ticket_id__in=tickets, state__in=["new", "proposed"]).update(
        state=LearnedAnswer.State.REJECTED, question="", text="", stems=[]
    )
