"""What a model gave to an agent: read out of its JSON, and refused where it is more than the text that it had."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from ai_assistant.aid_prompts import WHOLE_TEXT, Material
from ai_assistant.checks import Problem, repeats_instructions, unsupported
from ai_assistant.language import is_answered_in, is_clear, language_of
from ai_assistant.models import Aid
from ai_assistant.providers.base import ChatResult
from omnisupport.lib.masking import TOKEN
from tickets.models import Priority

_PRIORITIES = {"low": Priority.LOW, "normal": Priority.NORMAL, "high": Priority.HIGH, "urgent": Priority.URGENT}
_MOST_TAGS = 3


@dataclass(frozen=True)
class AidResult:
    """`problem` None: fit to be shown. Of a triage `tags` and `priority`, of a learned pair also `question`."""

    text: str = ""
    question: str = ""
    tags: tuple[str, ...] = ()
    priority: int | None = None
    # A learned pair may come to nothing without a fault.
    is_empty: bool = False
    problem: Problem | None = None


class _Given(BaseModel):
    text: str = ""
    question: str = ""
    answer: str = ""
    reusable: bool = True
    tags: list[str] = []
    priority: str = ""


def read_result(aid: Aid, material: Material, result: ChatResult, told: str) -> AidResult:
    """`material` and `told` (the instructions) as the model had them."""
    if result.finish == "length":
        return AidResult(problem=Problem("cut"))
    given = _read(result.text)
    if given is None:
        return AidResult(problem=Problem("unreadable"))
    kind = Aid.Kind(aid.kind)
    if kind == Aid.Kind.TRIAGE:
        return _triage(given, material.tags)
    if kind == Aid.Kind.LEARNING:
        if not given.reusable or not given.question.strip() or not given.answer.strip():
            return AidResult(is_empty=True)
        pair = f"{given.question}\n{given.answer}"
        read = AidResult(text=given.answer.strip(), question=" ".join(given.question.split()))
    else:
        pair, read = given.text, AidResult(text=given.text.strip())
    problem = _problem(aid, material, pair.strip(), told)
    return AidResult(text=read.text, problem=problem) if problem else read


def _read(text: str) -> _Given | None:
    """Also where the object stands in a code fence or among words."""
    start, end = text.find("{"), text.rfind("}")
    try:
        return _Given.model_validate(json.loads(text[start : end + 1], strict=False)) if start >= 0 else None
    except (ValueError, ValidationError, RecursionError):
        return None


def _triage(given: _Given, tags: Sequence[str]) -> AidResult:
    """Of the tags that exist; others that a model may name are no tags."""
    known = {tag.casefold(): tag for tag in tags}
    named = [known[name.strip().casefold()] for name in given.tags if name.strip().casefold() in known]
    chosen = tuple(dict.fromkeys(named))[:_MOST_TAGS]
    return AidResult(tags=chosen, priority=_PRIORITIES.get(given.priority.strip().lower()))


def _problem(aid: Aid, material: Material, text: str, told: str) -> Problem | None:
    if not text:
        return Problem("empty")
    checks: list[Callable[[Aid, Material, str], Problem | None]] = [_strange_token, _added, _lost, _length, _language]
    found = next((problem for check in checks if (problem := check(aid, material, text))), None)
    if found is None and repeats_instructions(text, told, material.text):
        return Problem("instructions")
    return found


def _strange_token(aid: Aid, material: Material, text: str) -> Problem | None:
    """A learned pair is for everybody, so it may not have even those that stand in the conversation."""
    known = set() if aid.kind == Aid.Kind.LEARNING else set(TOKEN.findall(material.text))
    strange = next((token for token in TOKEN.findall(text) if token not in known), None)
    if strange is None:
        return None
    return Problem("personal" if aid.kind == Aid.Kind.LEARNING else "token", strange)


def _added(aid: Aid, material: Material, text: str) -> Problem | None:
    found = unsupported(TOKEN.sub("", text), TOKEN.sub("", material.said or material.text))
    return Problem("added", found.detail) if found else None


def _lost(aid: Aid, material: Material, text: str) -> Problem | None:
    """Whoever asked for a shorter text may miss something; a translation or a kinder tone leaves everything in."""
    if aid.kind not in WHOLE_TEXT or aid.style == Aid.Style.SHORTER:
        return None
    token = next((token for token in TOKEN.findall(material.text) if token not in text), None)
    if token:
        return Problem("lost", token)
    found = unsupported(TOKEN.sub("", material.text), TOKEN.sub("", text))
    return Problem("lost", found.detail) if found else None


def _length(aid: Aid, material: Material, text: str) -> Problem | None:
    return Problem("longer") if aid.style == Aid.Style.SHORTER and len(text) > len(material.text) else None


def _language(aid: Aid, material: Material, text: str) -> Problem | None:
    pattern = material.sample or material.text
    wanted = aid.language or (language_of(pattern) if is_clear(pattern) else "")
    text = TOKEN.sub("", text)
    strange = not is_answered_in(text, wanted) or (is_clear(text) and language_of(text) != wanted) if wanted else False
    return Problem("other_language") if strange else None
