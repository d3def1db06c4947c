"""The assistant's turn in a conversation: exactly one answer or hand-over for what the customer wrote last.

The turn is claimed by a row (unique question message), so two workers cannot both answer. Before anything is posted the ticket
is locked and looked at again: a newer message or a person who came first wins.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid5

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ai_assistant.language import handoff_text
from ai_assistant.models import Answer, Assistant
from ai_assistant.services.composing import Composed
from ai_assistant.services.confirming import (
    answer_to_confirmation,
    confirmation_buttons,
    keep_pending,
    leave_note,
)
from ai_assistant.services.custom_answers import copy_file, count_use
from ai_assistant.services.live import LiveAnswer
from ai_assistant.services.packet import packet_of
from ai_assistant.services.responding import respond, small_talk_reply
from ai_assistant.services.routing import give_back_while_cooling, let_go
from ai_assistant.services.suggesting import suggest_reply
from ai_assistant.services.tool_use import Pending
from ai_assistant.services.turns import (
    ASK_FIRST,
    PERSON,
    ask_first_buttons,
    choice_in,
    choices,
    claim,
    finish,
    is_with_us,
    keep,
    language_for,
    open_messages,
    seconds_until_quiet,
    task_of,
    this_workspace,
    was_asked_first,
)
from ai_assistant.triggers import is_complaint, says_no_help, small_talk_kind, wants_person
from tenants.lease import living_holders
from tenants.models import Tenant
from tickets.models import AssistantMode, Author, Message, Status, Ticket
from tickets.realtime import publish_answering
from tickets.services.hours import assistant_answers, closed_notice
from tickets.services.post import hand_to_human, post_message
from tickets.services.tickets import lock_ticket

log = structlog.get_logger(__name__)

# Longer than a turn may take: what hangs in spite of every limit is taken from it.
STUCK_AFTER = timedelta(seconds=27)
# A turn that has not begun by then would end too late: the customer is handed over without a look.
GIVE_UP_AFTER = 12.0
# How long a customer may think about who shall answer; what is older than the second was never looked at.
CHOICE_TIME, FORGOTTEN_AFTER = timedelta(minutes=3), timedelta(hours=1)
# The reason of a receipt whose worker died: the next one is its last.
LOST = "lost"


def seconds_to_wait(ticket_id: int) -> float | None:
    """None: there is nothing for the assistant here; 0: now; else how long until the burst has settled."""
    ticket = Ticket.objects.select_related("assignee").filter(id=ticket_id).first()
    if ticket is None or not is_with_us(ticket):
        return None
    return seconds_until_quiet(ticket)


def answer_ticket(ticket_id: int, *, waited: float = 0.0) -> str:
    """Takes the assistant's turn. Returns the outcome of the receipt, or `idle`/`claimed` when there was nothing to do.

    `waited`: seconds for which nobody had time for it; they are taken from the turn's.
    """
    if seconds_to_wait(ticket_id) is None:
        return "idle"
    ticket = Ticket.objects.select_related("address__channel", "assignee", "contact").get(id=ticket_id)
    if ticket.address.channel.assistant_mode == AssistantMode.SUGGEST:
        # Nothing it writes reaches customers there, whoever gave it the conversation.
        let_go(ticket, None)
        return suggest_reply(ticket_id)
    if give_back_while_cooling(ticket):
        return "idle"
    messages = open_messages(ticket)
    answer = claim(ticket, messages) if messages else None
    if answer is None:
        return "claimed"
    started = time.perf_counter()
    workspace = this_workspace()
    # What is written down on the way is for the people of the workspace.
    with translation.override(workspace.language):
        if waited > GIVE_UP_AFTER:
            _hand_over(answer, ticket, "error")
        else:
            _finish_turn(answer, ticket, messages, workspace, waited)
    log.info("answer_finished", ticket=ticket.id, outcome=answer.outcome, reason=answer.reason,
             ms=round((time.perf_counter() - started) * 1000))  # fmt: skip
    return answer.outcome


def _finish_turn(answer: Answer, ticket: Ticket, messages: Sequence[Message], workspace: Tenant, waited: float) -> None:
    publish_answering(ticket, True)
    try:
        _take_turn(answer, ticket, messages, workspace, waited)
    except Exception:
        # Whatever went wrong, the customer hears from a person; the fault is in the log.
        log.exception("answer_failed", ticket=ticket.id)
        _hand_over(answer, ticket, "error")
    finally:
        publish_answering(ticket, False)


def _take_turn(answer: Answer, ticket: Ticket, messages: Sequence[Message], workspace: Tenant, waited: float) -> None:
    assistant = Assistant.objects.get_or_create(user=ticket.assignee)[0]
    reason = _reason_before_search(assistant, ticket, messages)
    if reason:
        _hand_over(answer, ticket, reason)
        return
    language = language_for(ticket, answer)
    mode = ticket.address.channel.assistant_mode
    only_started = all("started" in message.content for message in messages)
    told = answer_to_confirmation(ticket, messages, language)
    if told is not None:
        _finish_with(answer, ticket, told, assistant, language)
        if told.tool_calls and answer.outcome == Answer.Outcome.DROPPED:
            leave_note(answer, ticket)
        return
    talk = "greeting" if only_started else small_talk_kind(answer.question)
    if talk:
        _post(answer, ticket, small_talk_reply(assistant, talk, language), [])
        return
    if mode == AssistantMode.ASK_FIRST and not was_asked_first(ticket):
        _ask_first(answer, ticket, language)
        return
    task = task_of(answer, ticket, messages, workspace, waited, may_confirm=True)
    _finish_with(answer, ticket, respond(assistant, task, LiveAnswer(ticket, answer)), assistant, language)


def _finish_with(answer: Answer, ticket: Ticket, composed: Composed, assistant: Assistant, language: str) -> None:
    keep(answer, composed)
    if composed.reason:
        _hand_over(answer, ticket, composed.reason)
    elif composed.pending is not None:
        _ask_to_confirm(answer, ticket, composed.pending, language)
    else:
        files = copy_file(composed.custom_answer_id, assistant.user) if composed.custom_answer_id else []
        _post(answer, ticket, composed.text, composed.citations, files)


def _reason_before_search(assistant: Assistant, ticket: Ticket, messages: Sequence[Message]) -> str:
    mode = ticket.address.channel.assistant_mode
    if not assistant.is_active or mode == AssistantMode.OFF:
        return "off"
    if mode == AssistantMode.OUTSIDE_HOURS and not assistant_answers(mode):
        return "hours"
    if any(choice_in(message) == PERSON for message in choices(ticket, messages)):
        return "asked"
    said = [message.text for message in messages if "started" not in message.content]
    text = "\n".join(said)
    if wants_person(said) or is_complaint(text):
        return "asked"
    if any(message.attachments.all() for message in messages):
        return "unread_file"
    if said and not text.strip():
        return "not_sure"
    answered = Answer.objects.filter(ticket_id=ticket.id, outcome=Answer.Outcome.ANSWERED)
    if answered.count() >= assistant.max_turns:
        return "limit"
    if says_no_help(text) and any(says_no_help(old.question) for old in answered):
        return "not_sure"
    return ""


@transaction.atomic
def _post(
    answer: Answer, ticket: Ticket, text: str, citations: list[dict[str, object]], files: Sequence[UUID] = ()
) -> None:
    locked = lock_ticket(ticket.id)
    if not _is_still_ours(answer, locked):
        return
    content = {"citations": citations, "answer_id": str(answer.id)}
    message = post_message(
        ticket_id=ticket.id,
        client_id=answer.id,
        text=text,
        user=locked.assignee,
        author=Author.ASSISTANT,
        content=content,
        attachment_ids=files,
    )
    answer.text, answer.message_id = text, message.id
    if answer.custom_answer_id:
        count_use(answer.custom_answer_id)
    finish(answer, Answer.Outcome.ANSWERED, "")


@transaction.atomic
def _ask_first(answer: Answer, ticket: Ticket, language: str) -> None:
    """The customer says who shall answer; until then the conversation stays here."""
    locked = lock_ticket(ticket.id)
    if not _is_still_ours(answer, locked):
        return
    buttons = ask_first_buttons(language)
    with translation.override(language):
        text = _("Shall our assistant answer at once, or shall we call a person? Choose or write: %(choices)s.") % {
            "choices": " / ".join(f"“{button['text']}”" for button in buttons)
        }
    message = post_message(
        ticket_id=ticket.id,
        client_id=uuid5(answer.id, "ask"),
        text=text,
        user=locked.assignee,
        author=Author.SYSTEM,
        content={"buttons": buttons, ASK_FIRST: True},
    )
    answer.text, answer.message_id = text, message.id
    finish(answer, Answer.Outcome.ASKED, "")


@transaction.atomic
def _ask_to_confirm(answer: Answer, ticket: Ticket, pending: Pending, language: str) -> None:
    """Nothing is changed before the customer has said yes to exactly this."""
    locked = lock_ticket(ticket.id)
    if not _is_still_ours(answer, locked):
        return
    message = post_message(
        ticket_id=ticket.id,
        client_id=answer.id,
        text=answer.text,
        user=locked.assignee,
        author=Author.ASSISTANT,
        content={"buttons": confirmation_buttons(language), "answer_id": str(answer.id)},
    )
    answer.message_id = message.id
    keep_pending(answer, pending)
    finish(answer, Answer.Outcome.ASKED, "")


@transaction.atomic
def _hand_over(answer: Answer, ticket: Ticket, reason: str) -> None:
    locked = lock_ticket(ticket.id)
    if not _is_still_ours(answer, locked):
        return
    language = language_for(locked, answer)
    message = hand_to_human(
        ticket_id=ticket.id,
        reason=reason,
        text=handoff_text(reason, language, closed_notice(language)),
        client_id=uuid5(answer.id, "handoff"),
        note=packet_of(answer, reason),
    )
    answer.message_id = message.id if message else None
    finish(answer, Answer.Outcome.HANDED_OVER, reason)


def _is_still_ours(answer: Answer, ticket: Ticket) -> bool:
    """Under the ticket's lock: the turn is unfinished, nobody took the ticket, nobody answered, nothing newer was written.

    An unfinished turn that is no longer the ticket's last word ends here: what came after it has a turn of its own.
    """
    working = Answer.objects.select_for_update().filter(id=answer.id, outcome=Answer.Outcome.WORKING)
    if not working.exists():
        answer.refresh_from_db(fields=["outcome", "reason"])
        return False
    waiting = open_messages(ticket) if is_with_us(ticket) else []
    if waiting and waiting[-1].id == answer.question_message_id:
        return True
    finish(answer, Answer.Outcome.DROPPED, "overtaken")
    return False


def finish_stuck_turns() -> int:
    """Turns whose worker died, or that took too long. Returns how many.

    The first time the turn is free for another worker; the second time the customer is handed over, never left waiting.
    """
    too_long = Q(created_at__lt=timezone.now() - STUCK_AFTER)
    dead = ~Q(claimed_by__in=living_holders()) | Q(claimed_by=None)
    stuck = Answer.objects.filter(too_long | dead, outcome=Answer.Outcome.WORKING)
    count = 0
    for answer in stuck[:50]:
        ticket = Ticket.objects.filter(id=answer.ticket_id).first()
        if ticket is None:
            answer.delete()
        elif answer.reason != LOST and timezone.now() - answer.created_at < STUCK_AFTER:
            stuck.filter(id=answer.id).update(outcome=Answer.Outcome.DROPPED, reason=LOST)
        else:
            with translation.override(this_workspace().language):
                _hand_over(answer, ticket, "error")
        count += 1
    return count


def answer_for_who_does_not_choose() -> None:
    """Customers who were asked who shall answer, and have said nothing since: the assistant does."""
    now = timezone.now()
    asked = Answer.objects.filter(
        outcome=Answer.Outcome.ASKED, finished_at__lt=now - CHOICE_TIME, finished_at__gt=now - FORGOTTEN_AFTER
    )
    for answer in asked[:50]:
        ticket = Ticket.objects.select_related("assignee").filter(id=answer.ticket_id).first()
        waiting = open_messages(ticket) if ticket and is_with_us(ticket) else []
        if waiting and waiting[-1].id == answer.question_message_id:
            # Free for whoever takes the turn next, which does not ask again.
            asked.filter(id=answer.id).update(outcome=Answer.Outcome.DROPPED, reason="no_choice")


def waiting_tickets() -> list[int]:
    """Tickets of the assistant whose customer waits without a receipt: a wake-up was lost."""
    rows = Ticket.objects.filter(
        assignee__role="assistant",
        status__in=[Status.OPEN, Status.WAITING],
        waiting_since__lt=timezone.now() - timedelta(seconds=15),
    )
    return [
        ticket_id
        for ticket_id in rows.order_by("id").values_list("id", flat=True)[:200]
        if seconds_to_wait(ticket_id) is not None
    ]
