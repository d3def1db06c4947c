"""A call that changes something: the customer is asked first, and their yes is answered by the call, once."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid5

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ai_assistant.language import LANGUAGES
from ai_assistant.models import Answer, Confirmation
from ai_assistant.services.composing import Composed
from ai_assistant.services.customers import customer_of
from ai_assistant.services.tool_turn import complaint_of
from ai_assistant.services.tool_use import Pending, known_arguments, receipt_of
from ai_assistant.services.tools import ToolCall, ToolResult, run_tool
from ai_assistant.tool_schema import read_parameters
from ai_assistant.triggers import small_talk_kind
from omnisupport.lib.masking import Mask
from tickets.models import Author, Message, MessageKind, Ticket
from tickets.services.post import post_message

# What somebody wanted long ago they may not want any more.
GOOD_FOR = timedelta(minutes=30)
YES, NO = "tool_yes", "tool_no"
_WORDS = {YES: {"да", "да, сделать", "yes", "y", "1"}, NO: {"нет", "no", "n", "2"}}


def confirmation_buttons(language: str) -> list[dict[str, str]]:
    return [{"text": _button(value, language), "value": value} for value in (YES, NO)]


def _button(value: str, language: str) -> str:
    with translation.override(language):
        return {YES: _("Yes, do it"), NO: _("No")}[value]


def keep_pending(answer: Answer, pending: Pending) -> None:
    """With the question to the customer, in one transaction."""
    Confirmation.objects.create(answer=answer, tool=pending.tool, arguments=dict(pending.arguments))


def answer_to_confirmation(ticket: Ticket, messages: Sequence[Message], language: str) -> Composed | None:
    """What came of the customer's yes or no; None where nothing was asked, or they speak of something else."""
    asked = Confirmation.objects.filter(answer__ticket_id=ticket.id).select_related("tool", "answer")
    newest = asked.order_by("-created_at").first()
    if newest is None:
        return None
    is_last_word = _is_last_word(ticket, newest)
    if newest.state == Confirmation.State.CALLED:
        return _not_told_yet(newest, messages) if is_last_word else None
    waiting = asked.filter(state=Confirmation.State.WAITING)
    word = _word_in(messages) if is_last_word and timezone.now() - newest.created_at <= GOOD_FOR else ""
    if word == YES:
        # Whoever takes it calls; nobody takes it twice.
        if not waiting.filter(id=newest.id).update(state=Confirmation.State.CALLED, arguments={}):
            return None
        return _call(newest, ticket, messages, language)
    if not waiting.update(state=Confirmation.State.DECLINED, arguments={}) or word != NO:
        return None
    with translation.override(language):
        return Composed(text=_("All right, I leave everything as it is."))


def _is_last_word(ticket: Ticket, asked: Confirmation) -> bool:
    """Whether nobody has said anything since: a yes to something else is none to this."""
    ours = ticket.messages.filter(kind=MessageKind.PUBLIC).exclude(author=Author.CONTACT)
    return ours.order_by("-id").values_list("id", flat=True).first() == asked.answer.message_id


def _not_told_yet(called: Confirmation, messages: Sequence[Message]) -> Composed:
    """After a call whose turn told nothing: its worker died, or it gave way to this one, for the customer wrote on."""
    turns = Answer.objects.filter(ticket_id=called.answer.ticket_id, question_message_id__in=[m.id for m in messages])
    before = turns.filter(outcome=Answer.Outcome.DROPPED).exclude(tool_calls=[]).order_by("-created_at").first()
    if before is None:
        return _failed(called, ToolResult("uncertain", message=_("It was cut short.")))
    rest = "\n".join(message.text for message in messages if message.id > before.question_message_id)
    if before.text and small_talk_kind(rest):
        return Composed(text=before.text, tool_calls=before.tool_calls)
    # A person tells it, and answers the rest.
    return Composed(reason="tool", checks=before.checks or [_result_of(before)], tool_calls=before.tool_calls)


def _result_of(answer: Answer) -> dict[str, str]:
    return {"code": "tool_done", "message": _("The customer has not been told: %(text)s") % {"text": answer.text}}


def leave_note(answer: Answer, ticket: Ticket) -> None:
    """For the person who took the conversation while a call was under way."""
    lines = [str(check["message"]) for check in answer.checks or [_result_of(answer)]]
    post_message(
        ticket_id=ticket.id, client_id=uuid5(answer.id, "called"), text="\n".join(lines), user=ticket.assignee,
        author=Author.ASSISTANT, kind=MessageKind.NOTE,
    )  # fmt: skip


def _word_in(messages: Sequence[Message]) -> str:
    """YES, NO or nothing. Several messages, or more words than that, are no yes."""
    if len(messages) != 1:
        return ""
    said = str(messages[0].content.get("button") or messages[0].text).strip(' .!«»"').casefold()
    for value, words in _WORDS.items():
        if said in {value, *words, *(_button(value, language).casefold() for language in LANGUAGES)}:
            return value
    return ""


def _call(confirmed: Confirmation, ticket: Ticket, messages: Sequence[Message], language: str) -> Composed:
    tool, customer, mask = confirmed.tool, customer_of(ticket, messages), Mask([ticket.contact.name])
    # Who the customer is, the server says anew.
    known = known_arguments(read_parameters(tool.parameters), customer)
    if known is None or not tool.is_active or not customer.is_verified:
        return _failed(confirmed, ToolResult("failed", message=_("The customer is not verified here.")))
    arguments = {**confirmed.arguments, **known}
    result = run_tool(ToolCall(tool, arguments, confirmed.id.hex))
    calls = [receipt_of(tool, arguments, result.state, mask, result)]
    if result.state == "done":
        with translation.override(language):
            text = "\n".join(filter(None, (_("Done: %(title)s.") % {"title": tool.title}, result.text)))
        return Composed(text=text, tool_calls=calls)
    if result.state == "not_found" and tool.not_found_text:
        return Composed(text=tool.not_found_text, tool_calls=calls)
    failed = _failed(confirmed, result)
    failed.tool_calls = calls
    return failed


def _failed(confirmed: Confirmation, result: ToolResult) -> Composed:
    return Composed(reason="tool", checks=[complaint_of(confirmed.tool.title, result)])
