"""A turn of the assistant: what the customer has open, the receipt that claims it, and what is known when it is answered."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ai_assistant.language import LANGUAGES, is_clear, language_of
from ai_assistant.models import Answer, Assistant
from ai_assistant.prompts import Turn
from ai_assistant.services.composing import Composed, Task
from ai_assistant.services.customers import customer_of
from ai_assistant.triggers import points_back, small_talk_kind
from tenants.events.log import record
from tenants.lease import lease
from tenants.models import Tenant
from tenants.names import current_schema
from tickets.models import AssistantMode, Author, Message, MessageKind, Status, Ticket

# A burst of short messages gets one answer: the turn begins when the customer has been quiet for this long.
SETTLE = timedelta(seconds=2)
# What a customer is asked before the assistant's first answer, and what they may press or write.
ASK_FIRST = "ask_first"
ASSISTANT, PERSON = "assistant", "person"


def is_with_us(ticket: Ticket) -> bool:
    return ticket.status != Status.CLOSED and bool(ticket.assignee and ticket.assignee.is_assistant)


def receipts_of(message: Message) -> QuerySet[Answer]:
    return Answer.objects.filter(question_message_id=message.id)


def open_messages(ticket: Ticket) -> list[Message]:
    """What the customer wrote since anybody answered in public or a person was called, oldest first."""
    rows = (
        ticket.messages.filter(kind=MessageKind.PUBLIC, deleted_at=None).prefetch_related("attachments").order_by("-id")
    )
    found: list[Message] = []
    for message in rows[:30]:
        if message.author == Author.CONTACT:
            if not (message.content.get("automatic") or message.content.get("blocked")):
                found.insert(0, message)
        elif message.author != Author.SYSTEM or "handoff" in message.content:
            break
    return found


def seconds_until_quiet(ticket: Ticket) -> float | None:
    """None: nothing waits for an answer, or somebody has it in work; else how long until the burst has settled."""
    newest = open_messages(ticket)
    if not newest or receipts_of(newest[-1]).exclude(outcome=Answer.Outcome.DROPPED).exists():
        return None
    quiet_since = newest[-1].created_at + SETTLE
    return max(0.0, (quiet_since - timezone.now()).total_seconds())


def claim(ticket: Ticket, messages: Sequence[Message]) -> Answer | None:
    """The receipt of this turn, ours alone; None when somebody else has it."""
    ours = {"question": question_of(ticket, messages), "claimed_by": lease.hold()}
    try:
        with transaction.atomic():
            return Answer.objects.create(ticket_id=ticket.id, question_message_id=messages[-1].id, **ours)
    except IntegrityError:
        pass
    # Dropped when its worker died, or when a person took the conversation, who has given it back since.
    dropped = receipts_of(messages[-1]).filter(outcome=Answer.Outcome.DROPPED)
    taken = dropped.update(outcome=Answer.Outcome.WORKING, created_at=timezone.now(), **ours)
    return receipts_of(messages[-1]).get() if taken else None


def question_of(ticket: Ticket, messages: Sequence[Message]) -> str:
    """What was asked; that somebody opened the chat, or chose who shall answer, asks nothing."""
    chosen = {message.id for message in choices(ticket, messages)}
    return "\n".join(m.text for m in messages if "started" not in m.content and m.id not in chosen)[:8000]


def choices(ticket: Ticket, messages: Sequence[Message]) -> list[Message]:
    """Those that only say who shall answer, while the question that we asked back about is open."""
    asked = _asked_at(ticket)
    return [m for m in messages if asked and messages[0].id < asked < m.id and choice_in(m)]


def was_asked_first(ticket: Ticket) -> bool:
    return _asked_at(ticket) is not None


def _asked_at(ticket: Ticket) -> int | None:
    """The id of our question who shall answer."""
    if ticket.address.channel.assistant_mode != AssistantMode.ASK_FIRST:
        return None
    asked = ticket.messages.filter(author=Author.SYSTEM, content__has_key=ASK_FIRST).order_by("-id")
    return asked.values_list("id", flat=True).first()


def choice_in(message: Message) -> str:
    """ASSISTANT, PERSON or nothing: by the pressed button, its words, or its place where they came as a numbered list."""
    said = str(message.content.get("button") or message.text).strip(' .!«»"').casefold()
    for place, value in enumerate((ASSISTANT, PERSON), 1):
        if said in {value, str(place), *(_button(value, language).casefold() for language in LANGUAGES)}:
            return value
    return ""


def ask_first_buttons(language: str) -> list[dict[str, str]]:
    return [{"text": _button(value, language), "value": value} for value in (ASSISTANT, PERSON)]


def _button(value: str, language: str) -> str:
    with translation.override(language):
        return {ASSISTANT: _("The assistant"), PERSON: _("A person")}[value]


def task_of(
    answer: Answer,
    ticket: Ticket,
    messages: Sequence[Message],
    workspace: Tenant,
    waited: float = 0.0,
    *,
    may_confirm: bool = False,
) -> Task:
    """What a model is asked in this turn, of whose time `waited` seconds are gone. `may_confirm`: the customer reads it."""
    return Task(
        company=workspace.name,
        question=answer.question,
        language=language_for(ticket, answer),
        before=_question_before(answer.question, ticket, messages),
        history=_history(ticket, messages),
        session_key=_session_key(ticket),
        names=[ticket.contact.name],
        waited=waited,
        customer=customer_of(ticket, messages),
        may_confirm=may_confirm,
    )


def _question_before(question: str, ticket: Ticket, messages: Sequence[Message]) -> str:
    if not points_back(question):
        return ""
    before = (
        _said_before(ticket, messages[0].id).exclude(text="").order_by("-id").values_list("text", flat=True).first()
    )
    return before if before and not small_talk_kind(before) else ""


def _said_before(ticket: Ticket, message_id: int) -> QuerySet[Message]:
    return ticket.messages.filter(kind=MessageKind.PUBLIC, author=Author.CONTACT, deleted_at=None, id__lt=message_id)


def language_for(ticket: Ticket, answer: Answer) -> str:
    """The one that is set; else what the customer writes in now, or, where that says little, wrote in before, or what their
    messenger speaks."""
    fixed = Assistant.objects.values_list("language", flat=True).order_by("id").first()
    if fixed:
        return fixed
    workspace = this_workspace().language
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


def this_workspace() -> Tenant:
    workspace: Tenant = Tenant.objects.only("name", "language").get(schema_name=current_schema())
    return workspace


def keep(answer: Answer, composed: Composed) -> None:
    for name in ("query", "passages", "confidence", "provider", "model", "prompt_version", "prompt", "checks",
                 "usage", "timings", "asked", "cost", "custom_answer_id", "tool_calls"):  # fmt: skip
        setattr(answer, name, getattr(composed, name))
    answer.text = composed.text


def finish(answer: Answer, outcome: Answer.Outcome, reason: str) -> None:
    answer.outcome, answer.reason, answer.finished_at = outcome, reason, timezone.now()
    answer.save()
    record(
        "answer.finished",
        ticket_id=answer.ticket_id,
        payload={"answer_id": str(answer.id), "outcome": outcome, "reason": reason},
    )
