"""What goes into a model and what comes out, the same for every provider."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, Self

import structlog

from ai_assistant.providers.base.errors import ProtocolError

log = structlog.get_logger(__name__)

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length"]
TextKind = Literal["doc", "query"]

# The text of every ChatResult is one JSON object of this shape (a model may break the rule: validate it).
# `citations` are source numbers; `answer` marks them [n]; not answerable: an empty answer.
ANSWER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "citations": {"type": "array", "items": {"type": "integer"}},
        "answerable": {"type": "boolean"},
    },
    "required": ["answer", "citations", "answerable"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class ChatMessage:
    role: Role
    text: str


@dataclass(frozen=True)
class SourcePassage:
    """A numbered source, best first. Models read it in the prompt; who is `verbatim` quotes it from here.

    `section` is the nearest heading above the text, `score` orders the passages of one search.
    """

    number: int
    title: str
    text: str
    section: str = ""
    score: float = 0.0


@dataclass(frozen=True)
class ChatRequest:
    """`question` is what the passages answer, for providers that read `passages`; empty: the last user message.

    `language` of the answer, `ru` or `en`; empty: that of the question.
    """

    messages: tuple[ChatMessage, ...]
    passages: tuple[SourcePassage, ...] = ()
    question: str = ""
    language: str = ""
    max_tokens: int = 800
    temperature: float = 0.1
    json_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens. `cached` is the provider's raw figure; whether `prompt` contains it differs. `estimated`: counted by us."""

    prompt: int = 0
    completion: int = 0
    total: int = 0
    cached: int = 0
    estimated: bool = False


@dataclass(frozen=True)
class ChatResult:
    """`length`: cut at max_tokens, so JSON inside is broken. `model` is what the provider says, never compare it."""

    text: str
    finish: Finish
    usage: Usage
    model: str
    provider: str
    request_id: str
    latency_ms: int


@dataclass(frozen=True)
class Delta:
    """A further piece of the answer."""

    text: str


@dataclass(frozen=True)
class Replace:
    """The whole answer so far, because the provider changed what it had said."""

    text: str


@dataclass(frozen=True)
class Done:
    """The last event of every stream that did not raise."""

    result: ChatResult


StreamEvent = Delta | Replace | Done


class Allowance:
    """How many calls a turn may still cost, whichever providers it goes to."""

    def __init__(self, calls: float = math.inf) -> None:
        self.left = calls

    def use(self) -> None:
        self.left -= 1


@dataclass(frozen=True)
class CallContext:
    """`deadline` (time.monotonic()) ends everything: retries, waiting, reading.

    `session_key` is a salted hash of the conversation: it lets a provider reuse its cache of the prompt's beginning.
    `tenant` shares a credential fairly with others; `has_alternative`: another provider stands ready, so nothing is worth
    waiting for. `least_seconds`: a call that would start with less time than this cannot end well.
    """

    deadline: float
    purpose: str = "answer"
    session_key: str = ""
    tenant: str = ""
    has_alternative: bool = False
    least_seconds: float = 6.0
    allowance: Allowance = field(default_factory=Allowance)

    @classmethod
    def within(cls, seconds: float, **more: Any) -> Self:
        return cls(time.monotonic() + seconds, **more)

    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()


class ChatProvider(Protocol):
    """Built per call; cheap. Every method raises only LLMError. `verbatim`: it quotes the sources, and nothing leaves us."""

    name: ClassVar[str]
    context_tokens: ClassVar[int]
    verbatim: ClassVar[bool]

    def complete(self, request: ChatRequest, context: CallContext) -> ChatResult: ...

    def stream(self, request: ChatRequest, context: CallContext) -> Iterator[StreamEvent]: ...


@dataclass(frozen=True)
class EmbeddingSpace:
    """Vectors of two spaces must never meet: store `key` with every vector and refuse to mix. Distance is cosine.

    `share`: what its cosines count for in the order of passages (docs/knowledge.md). `is_local`: made on this server, so that
    nothing is sent away or paid for.
    """

    provider: str
    model: str
    dim: int
    max_tokens: int
    share: float = 0.35
    is_local: bool = False

    @property
    def title(self) -> str:
        return self.model if self.is_local else f"{self.provider} {self.model}"[:120]

    @property
    def key(self) -> str:
        return f"{self.provider}:{self.model}:{self.dim}"


@dataclass(frozen=True)
class EmbeddingResult:
    """One vector for each text, in order; not normalised."""

    vectors: list[list[float]]
    tokens: int


class EmbeddingProvider(Protocol):
    name: ClassVar[str]

    @property
    def space(self) -> EmbeddingSpace: ...

    def embed(self, texts: Sequence[str], kind: TextKind, context: CallContext) -> EmbeddingResult: ...


def estimate_tokens(text: str) -> int:
    """On the safe side: 3 characters a token (providers say 3 to 4 for Russian)."""
    return math.ceil(len(text) / 3)


def finish_chat(
    provider: str,
    request: ChatRequest,
    *,
    text: str,
    finish: Finish,
    usage: Usage | None,
    model: str,
    request_id: str,
    started: float,
) -> ChatResult:
    """Closes a call: estimates the usage a provider did not tell, logs without any text. Raises ProtocolError when empty."""
    if not text.strip() and finish == "stop":
        raise ProtocolError(code="llm_empty", provider=provider, request_id=request_id)
    if usage is None or not usage.total:
        prompt, completion = sum(estimate_tokens(message.text) for message in request.messages), estimate_tokens(text)
        usage = Usage(prompt, completion, prompt + completion, estimated=True)
    latency_ms = round((time.monotonic() - started) * 1000)
    log.info(
        "llm_call", provider=provider, model=model, request_id=request_id, finish=finish, latency_ms=latency_ms,
        prompt_tokens=usage.prompt, completion_tokens=usage.completion, cached_tokens=usage.cached,
    )  # fmt: skip
    return ChatResult(text, finish, usage, model, provider, request_id, latency_ms)


def check_vectors(vectors: list[list[float]], texts: Sequence[str], space: EmbeddingSpace) -> None:
    """Raises ProtocolError unless there is a finite vector of the promised size, and not all of zeros, for every text."""
    if len(vectors) != len(texts) or any(len(vector) != space.dim for vector in vectors):
        raise ProtocolError(code="llm_embedding_shape", provider=space.provider, retryable=False)
    if not all(any(vector) and all(map(math.isfinite, vector)) for vector in vectors):
        raise ProtocolError(code="llm_embedding_shape", provider=space.provider, retryable=False)
