"""Drafts for agents: the road of an answer, whose end is the agent's composer and never the customer."""

from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ai_assistant.models import Answer
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.services.composing import Composed
from ai_assistant.services.responding import respond, small_talk_reply
from ai_assistant.services.turns import (
    claim,
    finish,
    keep,
    language_for,
    open_messages,
    seconds_until_quiet,
    task_of,
    this_workspace,
)
from ai_assistant.triggers import is_complaint, small_talk_kind, wants_person
from omnisupport.lib.errors import Conflict
from tenants.accounts.models import User
from tenants.events.log import record
from tickets.models import AssistantMode, Author, Message, MessageKind, Status, Ticket
from tickets.services.tickets import lock_ticket

log = structlog.get_logger(__name__)


def seconds_to_wait(ticket_id: int) -> float | None:
    """None: no draft is wanted; 0: now; else how long until the burst has settled."""
    ticket = (
        Ticket.objects.select_related("address__channel").filter(id=ticket_id).exclude(status=Status.CLOSED).first()
    )
    if ticket is None or ticket.address.channel.assistant_mode != AssistantMode.SUGGEST:
        return None
    return seconds_until_quiet(ticket)


def suggest_reply(ticket_id: int) -> str:
    """Returns the outcome of the receipt, or `idle`/`claimed` when there was nothing to do."""
    assistant = ensure_assistant()
    if not assistant.is_active or seconds_to_wait(ticket_id) is None:
        return "idle"
    ticket = Ticket.objects.select_related("address__channel", "contact").get(id=ticket_id)
    messages = open_messages(ticket)
    answer = claim(ticket, messages) if messages else None
    if answer is None:
        return "claimed"
    workspace = this_workspace()
    said = [message.text for message in messages]
    with translation.override(workspace.language):
        if not answer.question.strip() or wants_person(said) or is_complaint(answer.question):
            composed = Composed(reason="asked" if answer.question.strip() else "not_sure")
        elif talk := small_talk_kind(answer.question):
            composed = Composed(text=small_talk_reply(assistant, talk, language_for(ticket, answer)))
        else:
            try:
                composed = respond(assistant, task_of(answer, ticket, messages, workspace))
            except Exception:
                # The agent answers without it; the fault is in the log.
                log.exception("suggestion_failed", ticket=ticket.id)
                composed = Composed(reason="error")
    keep(answer, composed)
    _finish_draft(answer, ticket, composed.reason)
    return answer.outcome


@transaction.atomic
def _finish_draft(answer: Answer, ticket: Ticket, reason: str) -> None:
    locked = lock_ticket(ticket.id)
    if not Answer.objects.select_for_update().filter(id=answer.id, outcome=Answer.Outcome.WORKING).exists():
        answer.refresh_from_db(fields=["outcome", "reason"])
        return
    waiting = open_messages(locked)
    if waiting and waiting[-1].id == answer.question_message_id:
        finish(answer, Answer.Outcome.SUGGESTED, reason)
    else:
        finish(answer, Answer.Outcome.DROPPED, "overtaken")


def tickets_without_draft() -> list[int]:
    """Of channels in which drafts are made, those whose customer waits and that nobody has begun one for: a wake-up was
    lost. After ten minutes an agent has read the question anyway."""
    now = timezone.now()
    rows = Ticket.objects.filter(
        status__in=[Status.OPEN, Status.WAITING],
        address__channel__assistant_mode=AssistantMode.SUGGEST,
        waiting_since__range=(now - timedelta(minutes=10), now - timedelta(seconds=15)),
    )
    begun = Answer.objects.filter(ticket_id=OuterRef("id"), created_at__gte=OuterRef("waiting_since"))
    return list(rows.exclude(Exists(begun)).order_by("id").values_list("id", flat=True)[:200])


def suggestion_for(ticket: Ticket) -> Answer | None:
    """The draft for what the customer wrote last, until an agent has dealt with it or somebody has answered."""
    public = ticket.messages.filter(kind=MessageKind.PUBLIC, deleted_at=None)
    newest: Message | None = public.exclude(author=Author.SYSTEM).only("id", "author").order_by("-id").first()
    if newest is None or newest.author != Author.CONTACT:
        return None
    drafts = Answer.objects.filter(question_message_id=newest.id, outcome=Answer.Outcome.SUGGESTED, draft="")
    return drafts.defer("prompt").first()


@transaction.atomic
def note_draft(answer: Answer, *, draft: str, user: User) -> None:
    """The agent took the suggestion or discarded it. Raises Conflict for what is no suggestion."""
    known = Answer.objects.filter(id=answer.id, outcome=Answer.Outcome.SUGGESTED)
    if draft not in Answer.Draft.values or not known.update(draft=draft):
        raise Conflict(_("This is no suggestion of the assistant."))
    record("answer.judged", ticket_id=answer.ticket_id, actor_id=user.id,
           payload={"answer_id": str(answer.id), "draft": draft})  # fmt: skip
