"""The assistant's turn in a conversation: exactly one answer or hand-over for what the customer wrote last.

The turn is claimed by a row (unique question message), so two workers cannot both answer. Before anything is posted the ticket
is locked and looked at again: a newer message or a person who came first wins.
"""

import hashlib
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid5

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ai_assistant.language import LANGUAGES, handoff_text, is_clear, language_of, small_talk
from ai_assistant.models import Answer, Assistant
from ai_assistant.prompts import Turn
from ai_assistant.services.composing import Composed, Task, compose_answer
from ai_assistant.services.live import LiveAnswer
from ai_assistant.triggers import is_complaint, points_back, says_no_help, small_talk_kind, wants_person
from tenants.events.log import record
from tenants.lease import lease, living_holders
from tenants.models import Tenant
from tenants.names import current_schema
from tickets.models import Author, HandoffReason, Message, MessageKind, Status, Ticket
from tickets.realtime import publish_answering
from tickets.services.post import hand_to_human, post_message
from tickets.services.tickets import lock_ticket

log = structlog.get_logger(__name__)

# A burst of short messages gets one answer: the turn begins when the customer has been quiet for this long.
SETTLE = timedelta(seconds=2)
# Longer than a turn may take: what hangs in spite of every limit is taken from it.
STUCK_AFTER = timedelta(seconds=27)
# A turn that has not begun by then would end too late: the customer is handed over without a look.
GIVE_UP_AFTER = 12.0
# The reason of a receipt whose worker died: the next one is its last.
LOST = "lost"


def seconds_to_wait(ticket_id: int) -> float | None:
    """None: there is nothing for the assistant here; 0: now; else how long until the burst has settled."""
    ticket = Ticket.objects.select_related("assignee").filter(id=ticket_id).first()
    if ticket is None or not _is_with_us(ticket):
        return None
    newest = _open_messages(ticket)
    if not newest or _receipts(newest[-1]).exclude(outcome=Answer.Outcome.DROPPED).exists():
        return None
    quiet_since = newest[-1].created_at + SETTLE
    return max(0.0, (quiet_since - timezone.now()).total_seconds())


def _is_with_us(ticket: Ticket) -> bool:
    return ticket.status != Status.CLOSED and bool(ticket.assignee and ticket.assignee.is_assistant)


def _receipts(message: Message) -> QuerySet[Answer]:
    return Answer.objects.filter(question_message_id=message.id)


def _open_messages(ticket: Ticket) -> list[Message]:
    """What the customer wrote since anybody answered in public or a person was called, oldest first."""
    rows = (
        ticket.messages.filter(kind=MessageKind.PUBLIC, deleted_at=None).prefetch_related("attachments").order_by("-id")
    )
    found: list[Message] = []
    for message in rows[:30]:
        if message.author == Author.CONTACT:
            if not message.content.get("automatic"):
                found.insert(0, message)
        elif message.author != Author.SYSTEM or "handoff" in message.content:
            break
    return found


def answer_ticket(ticket_id: int, *, waited: float = 0.0) -> str:
    """Takes the assistant's turn. Returns the outcome of the receipt, or `idle`/`claimed` when there was nothing to do.

    `waited`: seconds for which nobody had time for it; they are taken from the turn's.
    """
    if seconds_to_wait(ticket_id) is None:
        return "idle"
    ticket = Ticket.objects.select_related("address", "assignee", "contact").get(id=ticket_id)
    messages = _open_messages(ticket)
    answer = _claim(ticket, messages) if messages else None
    if answer is None:
        return "claimed"
    started = time.perf_counter()
    workspace = _workspace()
    # What is written down on the way is for the people of the workspace.
    with translation.override(workspace.language):
        if waited > GIVE_UP_AFTER:
            _hand_over(answer, ticket, "error")
        else:
            _finish_turn(answer, ticket, messages, workspace, waited)
    log.info("answer_finished", ticket=ticket.id, outcome=answer.outcome, reason=answer.reason,
             ms=round((time.perf_counter() - started) * 1000))  # fmt: skip
    return answer.outcome


def _claim(ticket: Ticket, messages: Sequence[Message]) -> Answer | None:
    """The receipt of this turn, ours alone; None when somebody else has it."""
    ours = {"question": _question(messages), "claimed_by": lease.hold()}
    try:
        with transaction.atomic():
            return Answer.objects.create(ticket_id=ticket.id, question_message_id=messages[-1].id, **ours)
    except IntegrityError:
        pass
    # Dropped when its worker died, or when a person took the conversation, who has given it back since.
    dropped = _receipts(messages[-1]).filter(outcome=Answer.Outcome.DROPPED)
    taken = dropped.update(outcome=Answer.Outcome.WORKING, created_at=timezone.now(), **ours)
    return _receipts(messages[-1]).get() if taken else None


def _question(messages: Sequence[Message]) -> str:
    """What was asked; that somebody opened the chat asks nothing."""
    return "\n".join(m.text for m in messages if "started" not in m.content)[:8000]


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
    language = _language(ticket, answer)
    only_started = all("started" in message.content for message in messages)
    talk = "greeting" if only_started else small_talk_kind(answer.question)
    if talk:
        _post(answer, ticket, small_talk(talk, language), [])
        return
    task = Task(
        company=workspace.name,
        question=answer.question,
        language=language,
        before=_question_before(answer.question, ticket, messages),
        history=_history(ticket, messages),
        session_key=_session_key(ticket),
        names=[ticket.contact.name],
        waited=waited,
    )
    composed = compose_answer(assistant, task, LiveAnswer(ticket, answer))
    _keep(answer, composed)
    if composed.reason:
        _hand_over(answer, ticket, composed.reason)
    else:
        _post(answer, ticket, composed.text, composed.citations)


def _reason_before_search(assistant: Assistant, ticket: Ticket, messages: Sequence[Message]) -> str:
    if not assistant.is_active:
        return "off"
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


def _question_before(question: str, ticket: Ticket, messages: Sequence[Message]) -> str:
    if not points_back(question):
        return ""
    before = (
        _said_before(ticket, messages[0].id).exclude(text="").order_by("-id").values_list("text", flat=True).first()
    )
    return before if before and not small_talk_kind(before) else ""


def _said_before(ticket: Ticket, message_id: int) -> QuerySet[Message]:
    return ticket.messages.filter(kind=MessageKind.PUBLIC, author=Author.CONTACT, deleted_at=None, id__lt=message_id)


def _language(ticket: Ticket, answer: Answer) -> str:
    """What the customer writes in now; where that says little, what they wrote in before, or what their messenger speaks."""
    workspace = _workspace().language
    if is_clear(answer.question):
        return language_of(answer.question, workspace)
    earlier = " ".join(
        _said_before(ticket, answer.question_message_id).order_by("-id").values_list("text", flat=True)[:10]
    )
    if is_clear(earlier):
        return language_of(earlier, workspace)
    known = ticket.contact.language
    return language_of(answer.question, known if known in LANGUAGES else workspace)


def _history(ticket: Ticket, messages: Sequence[Message]) -> list[Turn]:
    """The public lines before this turn; notes never reach a model."""
    rows = ticket.messages.filter(kind=MessageKind.PUBLIC, deleted_at=None, id__lt=messages[0].id).order_by("-id")[:6]
    return [Turn("customer" if m.author == Author.CONTACT else "support", m.text) for m in reversed(rows)]


def _session_key(ticket: Ticket) -> str:
    seed = f"{settings.SECRET_KEY}:{current_schema()}:{ticket.id}"
    return hashlib.sha256(seed.encode()).hexdigest()[:32]


def _workspace() -> Tenant:
    workspace: Tenant = Tenant.objects.only("name", "language").get(schema_name=current_schema())
    return workspace


def _keep(answer: Answer, composed: Composed) -> None:
    for name in ("query", "passages", "confidence", "provider", "model", "prompt_version", "prompt", "checks",
                 "usage", "timings", "asked", "cost"):  # fmt: skip
        setattr(answer, name, getattr(composed, name))
    answer.text = composed.text


@transaction.atomic
def _post(answer: Answer, ticket: Ticket, text: str, citations: list[dict[str, object]]) -> None:
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
    )
    answer.text, answer.message_id = text, message.id
    _finish(answer, Answer.Outcome.ANSWERED, "")


@transaction.atomic
def _hand_over(answer: Answer, ticket: Ticket, reason: str) -> None:
    locked = lock_ticket(ticket.id)
    if not _is_still_ours(answer, locked):
        return
    message = hand_to_human(
        ticket_id=ticket.id,
        reason=reason,
        text=handoff_text(reason, _language(locked, answer)),
        client_id=uuid5(answer.id, "handoff"),
        note=_packet(answer, reason),
    )
    answer.message_id = message.id if message else None
    _finish(answer, Answer.Outcome.HANDED_OVER, reason)


def _is_still_ours(answer: Answer, ticket: Ticket) -> bool:
    """Under the ticket's lock: the turn is unfinished, nobody took the ticket, nobody answered, nothing newer was written.

    An unfinished turn that is no longer the ticket's last word ends here: what came after it has a turn of its own.
    """
    working = Answer.objects.select_for_update().filter(id=answer.id, outcome=Answer.Outcome.WORKING)
    if not working.exists():
        answer.refresh_from_db(fields=["outcome", "reason"])
        return False
    open_messages = _open_messages(ticket) if _is_with_us(ticket) else []
    if open_messages and open_messages[-1].id == answer.question_message_id:
        return True
    _finish(answer, Answer.Outcome.DROPPED, "overtaken")
    return False


def _packet(answer: Answer, reason: str) -> str:
    """What the agent should know at a glance."""
    lines = [
        _("Handed over: %(reason)s") % {"reason": HandoffReason.words(reason)},
        _("Question: %(text)s") % {"text": answer.question[:500]},
    ]
    titles = list(dict.fromkeys(str(passage["title"]) for passage in answer.passages[:4]))
    if titles:
        lines.append(_("Sources looked at: %(titles)s") % {"titles": "; ".join(titles)})
    lines += [str(check["message"]) for check in answer.checks if check.get("message")]
    return "\n".join(lines)


def _finish(answer: Answer, outcome: Answer.Outcome, reason: str) -> None:
    answer.outcome, answer.reason, answer.finished_at = outcome, reason, timezone.now()
    answer.save()
    record(
        "answer.finished",
        ticket_id=answer.ticket_id,
        payload={"answer_id": str(answer.id), "outcome": outcome, "reason": reason},
    )


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
            with translation.override(_workspace().language):
                _hand_over(answer, ticket, "error")
        count += 1
    return count


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
