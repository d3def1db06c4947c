"""From a question to a checked answer or a reason why not. Knows nothing of tickets."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ai_assistant.answer_text import AnswerStream, Checked, check_answer, read_answer, renumber
from ai_assistant.masking import Mask
from ai_assistant.models import Assistant
from ai_assistant.prompts import VERSION, Turn, build_request
from ai_assistant.providers.base import (
    CallContext,
    ChatProvider,
    ChatRequest,
    ChatResult,
    ContentFiltered,
    Delta,
    Done,
    LLMError,
    ProtocolError,
    Replace,
    SourcePassage,
)
from ai_assistant.services.assistants import provider_of
from knowledge.search import Passage, SearchResult, search_passages
from omnisupport.lib.errors import InvalidInput, NotFound

SOURCES = 6
BUDGET = 25.0
OnText = Callable[[str, bool], None]


@dataclass
class Composed:
    """`reason` empty: `text` may be sent. `citations` as in Message.content; the rest goes into the receipt."""

    text: str = ""
    reason: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    passages: list[dict[str, Any]] = field(default_factory=list)
    confidence: float | None = None
    provider: str = ""
    model: str = ""
    prompt: str = ""
    prompt_version: str = VERSION
    checks: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    query: str = ""


def compose_answer(
    assistant: Assistant,
    *,
    company: str,
    question: str,
    query: str,
    language: str,
    history: Sequence[Turn] = (),
    on_text: OnText | None = None,
    session_key: str = "",
) -> Composed:
    """Searches, asks the model, checks. Never raises for a model's or the index's fault: that is a reason."""
    started = time.perf_counter()
    composed = Composed(query=query, provider=assistant.provider)
    found = search_passages(query, limit=SOURCES)
    _note_search(composed, found, time.perf_counter() - started)
    if not found.is_relevant or not found.passages:
        composed.reason = "no_source"
        return composed
    context = CallContext.within(BUDGET, session_key=session_key)
    asked = time.perf_counter()
    try:
        _ask_model(composed, assistant, company, question, language, history, found.passages, context, on_text)
    except ContentFiltered as error:
        composed.reason = "not_sure"
        composed.checks.append({"error": error.code, "message": error.safe_message})
    except (LLMError, InvalidInput, NotFound) as error:
        # InvalidInput and NotFound: the provider chosen in the settings has no key, or is gone.
        composed.reason = "error"
        composed.checks.append({"error": error.code, "message": str(error)})
    composed.timings["model_ms"] = round((time.perf_counter() - asked) * 1000, 1)
    composed.timings["total_ms"] = round((time.perf_counter() - started) * 1000, 1)
    return composed


def _note_search(composed: Composed, found: SearchResult, seconds: float) -> None:
    composed.confidence = found.confidence
    composed.timings["search_ms"] = round(seconds * 1000, 1)
    composed.passages = [
        {
            "n": number, "title": p.title, "section": p.heading_path, "page": p.page, "url": p.url, "text": p.text,
            "score": round(p.score, 4), "document": p.document_id, "used": False,
        }
        for number, p in enumerate(found.passages, 1)
    ]  # fmt: skip


def _ask_model(
    composed: Composed,
    assistant: Assistant,
    company: str,
    question: str,
    language: str,
    history: Sequence[Turn],
    passages: Sequence[Passage],
    context: CallContext,
    on_text: OnText | None,
) -> None:
    sources = [SourcePassage(n, _title(p), p.text) for n, p in enumerate(passages, 1)]
    provider = provider_of(assistant)
    mask = Mask()
    hide: Callable[[str], str] = (lambda text: text) if provider.name == "extractive" else mask.hide
    complaint = ""
    for attempt in (1, 2):
        request = build_request(
            assistant,
            company=company,
            language=language,
            question=hide(question),
            sources=sources,
            history=[Turn(turn.who, hide(turn.text)) for turn in history],
            complaint=complaint,
        )
        composed.prompt = "\n\n".join(f"[{m.role}]\n{m.text}" for m in request.messages)
        result = _call(provider, request, context, on_text if attempt == 1 else None, mask)
        _note_result(composed, result, mask)
        checked = _judge(result, sources, mask)
        composed.checks.append({"attempt": attempt, "problem": checked.problem})
        if not checked.problem:
            _accept(composed, checked, passages)
            return
        if checked.problem == _REFUSED:
            composed.reason = "no_source"
            return
        complaint = checked.problem
    composed.reason = "not_sure"


_REFUSED = "the model says that the sources do not answer."


def _judge(result: ChatResult, sources: Sequence[SourcePassage], mask: Mask) -> Checked:
    if result.finish == "length":
        return Checked("", (), "it was cut off.")
    answer = read_answer(result.text)
    if answer is None:
        return Checked("", (), "it was not the JSON object asked for.")
    if not answer.answerable:
        return Checked("", (), _REFUSED)
    checked = check_answer(answer, sources)
    return Checked(mask.restore(checked.text), checked.used, checked.problem)


def _call(
    provider: ChatProvider, request: ChatRequest, context: CallContext, on_text: OnText | None, mask: Mask
) -> ChatResult:
    if on_text is None:
        return provider.complete(request, context)
    reader, shown = AnswerStream(), ""
    for event in provider.stream(request, context):
        match event:
            case Delta(text=text):
                piece = reader.feed(text)
                if piece:
                    shown += piece
                    on_text(mask.restore(piece), False)
            case Replace(text=text):
                reader = AnswerStream()
                shown = reader.feed(text)
                on_text(mask.restore(shown), True)
            case Done(result=result):
                return result
    raise ProtocolError(provider=provider.name)


def _note_result(composed: Composed, result: ChatResult, mask: Mask) -> None:
    composed.model = result.model
    composed.usage = {
        "prompt": result.usage.prompt, "completion": result.usage.completion, "total": result.usage.total,
        "estimated": result.usage.estimated, "request_id": result.request_id, "masked": mask.count,
    }  # fmt: skip


def _accept(composed: Composed, checked: Checked, passages: Sequence[Passage]) -> None:
    composed.text = renumber(checked.text, checked.used)
    for index, number in enumerate(checked.used, 1):
        passage = passages[number - 1]
        composed.passages[number - 1]["used"] = True
        composed.citations.append(
            {
                "n": index, "title": passage.title, "section": passage.heading_path, "page": passage.page,
                "quote": passage.text[:400], "url": passage.url or None,
            }
        )  # fmt: skip


def _title(passage: Passage) -> str:
    return f"{passage.title} › {passage.heading_path}" if passage.heading_path else passage.title
