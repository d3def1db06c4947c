"""From a question to a checked answer or a reason why not. Knows nothing of tickets."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from ai_assistant.answer_text import MARK, renumber
from ai_assistant.asked import ASKING
from ai_assistant.checks import Checked
from ai_assistant.drafts import OnText
from ai_assistant.models import Assistant
from ai_assistant.prompts import VERSION
from ai_assistant.providers.base import (
    Allowance,
    BudgetExceeded,
    CallContext,
    ChatRequest,
    ChatResult,
    ContentFiltered,
    SourcePassage,
)
from ai_assistant.services.assistants import providers_of
from ai_assistant.services.budget import check_budget
from ai_assistant.services.exchange import Exchange, Task
from ai_assistant.services.reranking import CANDIDATES, rerank, reranks
from ai_assistant.services.tool_turn import ToolTurn, use_tool
from ai_assistant.services.tool_use import OpenTool, Pending, open_tools
from ai_assistant.triggers import asking_sentences
from knowledge.encoding import terms_of
from knowledge.question import understand
from knowledge.search import Passage, SearchResult, search_passages
from knowledge.stopwords import content_terms
from omnisupport.lib.errors import InvalidInput, NotFound, Unavailable
from omnisupport.lib.masking import Mask, without_personal_data
from tenants.names import current_schema

__all__ = ["Composed", "Task", "compose_answer"]

SOURCES = 6
# For all of it. After the model the text is only checked and stored, so that a turn ends within 25 s.
TURN_SECONDS = 24.0
# The answer and one more try, or one try each of two providers; where tools stand open, the choice of one comes before.
CALLS = 2
# Pronouns name nothing, nor do words that ask for a price or a time.
_NAMELESS = ASKING | frozenset(terms_of("не нее него ней ним них ему ей им оно"))


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
    asked: list[dict[str, Any]] = field(default_factory=list)
    cost: float | None = None
    timings: dict[str, float] = field(default_factory=dict)
    query: str = ""
    custom_answer_id: int | None = None
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    # A call that waits for the customer's yes; `text` asks for it.
    pending: Pending | None = None


def compose_answer(assistant: Assistant, task: Task, on_text: OnText | None = None) -> Composed:
    """Searches, asks the model, checks. Never raises for a model's or the index's fault: that is a reason."""
    started = time.perf_counter()
    composed = Composed(provider=assistant.provider)
    try:
        tools = open_tools(task.customer, may_confirm=task.may_confirm)
        context = CallContext.within(
            TURN_SECONDS - task.waited,
            session_key=task.session_key,
            tenant=current_schema(),
            allowance=Allowance(CALLS + bool(tools)),
        )
        is_found = _search(composed, assistant, task, context)
        if is_found or tools:
            _ask_model(composed, assistant, task, is_found, tools, context, on_text)
        else:
            composed.reason = "no_source"
    except ContentFiltered as error:
        composed.reason = "not_sure"
        composed.checks.append({"code": error.code, "message": error.safe_message})
    except BudgetExceeded as error:
        composed.reason = "budget"
        composed.checks.append({"code": error.code, "message": error.safe_message})
    except (Unavailable, InvalidInput, NotFound) as error:
        # Unavailable: the model or the index. The others: the provider chosen in the settings has no key, or is gone.
        composed.reason = "error"
        composed.checks.append({"code": error.code, "message": str(error)})
    composed.timings["total_ms"] = _ms_since(started)
    return composed


# ---- Searching -------------------------------------------------------------------------------------------------------


def _search(composed: Composed, assistant: Assistant, task: Task, context: CallContext) -> bool:
    """Keeps the passages of the first query that finds anything relevant. False when no query does."""
    started, by_meaning = time.perf_counter(), True
    for query in _queries(task):
        asked = without_personal_data(query, task.names)
        found = search_passages(asked, limit=CANDIDATES if reranks(assistant) else SOURCES, by_meaning=by_meaning)
        # A provider that was silent once in this turn is not waited for again.
        by_meaning = not _note_vector(composed, found.meaning)
        best = found.passages[:SOURCES]
        _note_search(composed, query, found.confidence, best)
        composed.timings["search_ms"] = _ms_since(started)
        if found.confidence >= assistant.min_confidence and _is_about(best, task.question):
            if reranks(assistant):
                _rerank(composed, assistant, query, asked, found, context)
            return True
    return False


def _note_vector(composed: Composed, meaning: dict[str, Any]) -> bool:
    """What the question's vector cost. True where words alone had to be searched."""
    if not meaning:
        return False
    error = str(meaning["error"])
    _note_call(composed, {
        "purpose": "search", "provider": meaning["model"], "model": "", "code": meaning["code"], "message": error,
        "ms": round(meaning["ms"]), "tokens": meaning["tokens"], "cost": meaning["cost"],
    })  # fmt: skip
    if error:
        told = _("The search by meaning failed, so words alone were searched: %(why)s") % {"why": error}
        composed.checks.append({"code": "words_alone", "message": told})
    return bool(error)


def _rerank(
    composed: Composed, assistant: Assistant, query: str, asked: str, found: SearchResult, context: CallContext
) -> None:
    started = time.perf_counter()
    passages, call = rerank(assistant, asked, found.passages, context)
    _note_call(composed, call)
    if call["code"]:
        told = _("The order of the search was kept: %(why)s") % {"why": call["message"]}
        composed.checks.append({"code": "not_reranked", "message": told})
    _note_search(composed, query, found.confidence, passages[:SOURCES])
    composed.timings["rerank_ms"] = _ms_since(started)


def _note_call(composed: Composed, call: dict[str, Any]) -> None:
    composed.asked.append(call)
    composed.cost = _sum(composed.cost if composed.asked[:-1] else 0.0, call["cost"])


def _sum(one: float | None, other: float | None) -> float | None:
    """Where a price is unknown, so is the whole."""
    return None if one is None or other is None else round(one + other, 6)


def _queries(task: Task) -> list[str]:
    """The whole of it, with what it points back to; where that finds nothing, what is really asked in a long story."""
    whole = [f"{task.before}\n{task.question}"] if task.before else []
    asked = asking_sentences(task.question)
    return list(dict.fromkeys([*whole, task.question, " ".join(asked) or task.question, *asked[:3]]))


def _is_about(passages: Sequence[Passage], question: str) -> bool:
    """Not only about the question before: of what this one names, something is there."""
    if not passages or not content_terms(question).keys() - _NAMELESS:
        return bool(passages)
    named = [word for word in understand(question).words if word.stems.isdisjoint(_NAMELESS)]
    texts = [set(terms_of(f"{passage.title}\n{passage.heading_path}\n{passage.text}")) for passage in passages]
    return not named or any(word.is_in(terms) for word in named for terms in texts)


def _note_search(composed: Composed, query: str, confidence: float, passages: Sequence[Passage]) -> None:
    composed.query = query
    composed.confidence = confidence
    composed.passages = [
        {
            "n": number, "title": p.title, "section": p.heading_path, "page": p.page, "url": p.url, "text": p.text,
            "score": round(p.score, 4), "document": p.document_id, "used": False,
        }
        for number, p in enumerate(passages, 1)
    ]  # fmt: skip


# ---- Asking ----------------------------------------------------------------------------------------------------------


def _ask_model(
    composed: Composed,
    assistant: Assistant,
    task: Task,
    is_found: bool,
    tools: Sequence[OpenTool],
    context: CallContext,
    on_text: OnText | None,
) -> None:
    """A tool where the question needs one; then one try, and one more that is told what was wrong with the first."""
    links = providers_of(assistant)
    if not links[0].provider.verbatim:
        check_budget(assistant)
    exchange = Exchange(assistant, links, task, context)
    rows = composed.passages if is_found else []
    try:
        if tools and not links[0].provider.verbatim:
            told = use_tool(exchange, task, tools)
            _note_tool(composed, exchange, told)
            if told.text or told.reason:
                return
            rows = [*told.sources, *rows]
        if not rows:
            composed.reason = "no_source"
            return
        composed.passages = [{**row, "n": number} for number, row in enumerate(rows, 1)]
        exchange.take_sources(composed.query, _sources(composed.passages))
        _ask_and_check(composed, exchange, on_text)
    finally:
        before = composed.cost if composed.asked else 0.0
        composed.asked, composed.provider = [*composed.asked, *exchange.asked], exchange.provider.name
        composed.cost = _sum(before, None if exchange.cost is None else float(exchange.cost))


def _note_tool(composed: Composed, exchange: Exchange, told: ToolTurn) -> None:
    composed.text, composed.reason, composed.pending = told.text, told.reason, told.pending
    composed.checks += told.checks
    composed.tool_calls = told.calls
    composed.prompt = _written(exchange.choice)


def _sources(rows: Sequence[Mapping[str, Any]]) -> list[SourcePassage]:
    # A document's own footnotes would pass for our source numbers.
    return [
        SourcePassage(
            row["n"], _title(row), MARK.sub("", row["text"]), row["section"].rpartition(" › ")[2], row["score"]
        )
        for row in rows
    ]


def _ask_and_check(composed: Composed, exchange: Exchange, on_text: OnText | None) -> None:
    started, complaint = time.perf_counter(), ""
    composed.reason = "not_sure"
    for attempt in (1, 2):
        request, result = exchange.ask(complaint, on_text if attempt == 1 else None)
        _note_result(composed, request, result, exchange)
        composed.timings["model_ms"] = _ms_since(started)
        checked = exchange.judge(result)
        if checked.problem is None:
            composed.checks.append({"attempt": attempt, "code": "", "message": ""})
            composed.reason = ""
            _accept(composed, checked, exchange.mask)
            return
        composed.checks.append({"attempt": attempt, "code": checked.problem.code, "message": str(checked.problem),
                                "text": exchange.mask.restore(checked.text)[:2000]})  # fmt: skip
        if checked.problem.code == "refused":
            composed.reason = "no_source"
            return
        if not exchange.may_ask_again():
            return
        complaint = checked.problem.for_model()


def _note_result(composed: Composed, request: ChatRequest, result: ChatResult, exchange: Exchange) -> None:
    before = composed.usage
    composed.prompt = "\n\n".join(filter(None, (_written(exchange.choice), _written(request))))
    composed.model = result.model
    composed.usage = {
        "prompt": before.get("prompt", 0) + result.usage.prompt,
        "completion": before.get("completion", 0) + result.usage.completion,
        "total": before.get("total", 0) + result.usage.total,
        "estimated": result.usage.estimated,
        "request_id": result.request_id,
        "masked": len(exchange.mask.tokens),
    }


def _written(request: ChatRequest | None) -> str:
    return "\n\n".join(f"[{message.role}]\n{message.text}" for message in request.messages) if request else ""


def _accept(composed: Composed, checked: Checked, mask: Mask) -> None:
    composed.text = mask.restore(renumber(checked.text, checked.used))
    for index, number in enumerate(checked.used, 1):
        row = composed.passages[number - 1]
        row["used"] = True
        composed.citations.append(
            {
                "n": index, "title": row["title"], "section": row["section"], "page": row["page"],
                "quote": mask.restore(row["text"])[:400], "url": row["url"] or None,
            }
        )  # fmt: skip


def _title(row: Mapping[str, Any]) -> str:
    return f"{row['title']} › {row['section']}" if row["section"] else str(row["title"])


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
