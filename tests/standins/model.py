"""The deterministic language model behind the stand-ins: it answers only from the sources in its prompt, and cites them."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence

import Stemmer

from tests.standins.model_aids import help_with

_SOURCE = re.compile(r"<(source[\w:-]*)\b([^>]*)>(.*?)</\1\s*>", re.DOTALL)
_NUMBER = re.compile(r"\b(?:n|number|id)\s*=\s*[\"']?(\d+)")
_QUESTION = re.compile(r"<(question[\w:-]*)\b[^>]*>(.*?)</\1\s*>", re.DOTALL)
_TOOL = re.compile(r"^- (\w+): .*\n  (\{.*\})$", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[«\"(]?[A-ZА-ЯЁ0-9])|\n+")
_RU = "и в на по к с у о от до за из не но а или ли это как что где когда какой какая какие сколько мне я вы у вас есть"
_EN = "the a an of to in on at for with is are do does can how what when where which i my you your it"
_STOP_WORDS = frozenset([*_RU.split(), *_EN.split()])
ABSTAINS = json.dumps({"answer": "", "citations": [], "answerable": False})


def answer_from(messages: Iterable[tuple[str, str]]) -> str:
    """The JSON text that a well-behaved model would give for these (role, text) messages."""
    messages = list(messages)
    if any(role == "system" and '{"order"' in text for role, text in messages):
        return _order_of(messages)
    tools = [found for role, text in messages if role == "system" for found in _TOOL.findall(text)]
    if tools:
        return _choice_of(tools, _last_question(messages))
    if help_given := help_with(messages):
        return help_given
    sources = [found for _role, text in messages for found in _SOURCE.findall(text)]
    asked = _words(_last_question(messages))
    best, number, sentence = 0, 0, ""
    for _tag, attributes, text in sources:
        found = _NUMBER.search(attributes)
        for candidate in _SENTENCE_END.split(text.strip()):
            shared = len(asked & _words(candidate))
            if found and shared > best and not candidate.rstrip().endswith("?"):
                best, number, sentence = shared, int(found[1]), candidate.strip()
    if not sentence:
        return ABSTAINS
    return json.dumps(
        {"answer": f"{sentence} [{number}]", "citations": [number], "answerable": True}, ensure_ascii=False
    )


def _choice_of(tools: Sequence[tuple[str, str]], question: str) -> str:
    """The first tool whose required arguments stand in the question, told by their patterns."""
    for name, schema in tools:
        told = json.loads(schema)
        patterns = {argument: one["pattern"] for argument, one in told["properties"].items() if one.get("pattern")}
        found = {argument: re.search(pattern, question) for argument, pattern in patterns.items()}
        given = [{"name": argument, "value": match[0]} for argument, match in found.items() if match]
        if given and {pair["name"] for pair in given} >= set(told["required"]):
            return json.dumps({"tool": name, "arguments": given}, ensure_ascii=False)
    return json.dumps({"tool": "", "arguments": []})


def _order_of(messages: Sequence[tuple[str, str]]) -> str:
    """The numbers of the sources that share a word with the question, those that share most of it first."""
    asked = _words(_last_question(messages))
    shared = {}
    for _tag, attributes, text in (found for _role, said in messages for found in _SOURCE.findall(said)):
        if number := _NUMBER.search(attributes):
            shared[int(number[1])] = len(asked & _words(f"{attributes} {text}"))
    return json.dumps({"order": sorted((n for n in shared if shared[n]), key=lambda n: -shared[n])})


def _last_question(messages: Sequence[tuple[str, str]]) -> str:
    last = next((text for role, text in reversed(messages) if role == "user"), "")
    marked = _QUESTION.search(last)
    return marked[2] if marked else _SOURCE.sub(" ", last)


def _words(text: str) -> set[str]:
    words = re.findall(r"\w+", text.lower().replace("ё", "е"))
    stemmer = Stemmer.Stemmer("russian")
    return {stemmer.stemWord(word) for word in words if word not in _STOP_WORDS}


def embed(text: str, dim: int, *, space: str = "", length: float = 1.0) -> list[float]:
    """Stems and letter triples hashed into signed buckets. Vectors of two `space`s have nothing in common."""
    buckets = [0.0] * dim
    joined = " ".join(["", *re.findall(r"\w+", text.lower().replace("ё", "е")), ""])
    features = [*_words(text)] * 3 + [joined[i : i + 3] for i in range(len(joined) - 2)]
    for feature in features:
        digest = hashlib.sha256(f"{space}|{feature}".encode()).digest()
        buckets[int.from_bytes(digest[:4]) % dim] += 1 if digest[4] & 1 else -1
    norm = math.sqrt(sum(number * number for number in buckets)) or 1.0
    return [number * length / norm for number in buckets]


def count_tokens(text: str) -> int:
    return max(1, len(text) // 4)


def pieces(text: str, count: int = 4) -> list[str]:
    """The text in about `count` parts, as a model streams it."""
    size = max(1, math.ceil(len(text) / count))
    return [text[i : i + size] for i in range(0, len(text), size)]
