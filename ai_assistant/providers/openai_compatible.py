"""Any server that speaks OpenAI's chat completions: OpenAI itself, vLLM, Ollama, llama.cpp, the compatible API of Yandex."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import LazySettings, settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from pydantic import AfterValidator, BaseModel, Field, SecretStr

from ai_assistant.providers.base import (
    BadRequest,
    CallContext,
    ChatRequest,
    ChatResult,
    ContentFiltered,
    ContextTooLong,
    Delta,
    Done,
    EmbeddingResult,
    EmbeddingSpace,
    Endpoint,
    Failure,
    Gate,
    LLMError,
    ProtocolError,
    ProviderCredentials,
    QuotaExhausted,
    Reply,
    Secret,
    StreamEvent,
    Text,
    TextKind,
    Usage,
    check_vectors,
    default_error,
    finish_chat,
    iter_events,
    make_client,
    parse,
    stream_with_retries,
    truncated,
    with_retries,
)
from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.http import check_url

NAME = "openai_compatible"
_EMBEDDING_BATCH = 32
# Nobody tells the limit of an unknown model; this is the smallest in use.
_EMBEDDING_TOKENS = 512
_CALLS_A_TOOL = {"tool_calls", "function_call"}


def _check_address(value: str) -> str:
    parts = urlsplit(value)
    try:
        check_url(value)
        port = parts.port or 80
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    if parts.scheme == "http" and f"{parts.hostname}:{port}" not in settings.OUTBOUND_ALLOWED_HOSTS:
        raise ValueError(_("The address must begin with https://, or everybody on the way could read the key."))
    if parts.query or parts.fragment:
        raise ValueError(_("Give the address up to /v1, without “?” and “#”."))
    return value.rstrip("/")


def _check_dim(value: str) -> str:
    if value and not (value.isdigit() and 1 <= int(value) <= 16_384):
        raise ValueError(_("Give the number of dimensions of the embedding model, for example 1024."))
    return value


class Credentials(ProviderCredentials):
    base_url: Annotated[Text, AfterValidator(_check_address)] = Field(
        "", title=gettext_noop("Address"), description=gettext_noop("Up to /v1, for example https://api.openai.com/v1")
    )
    api_key: Secret = Field(
        SecretStr(""), title=gettext_noop("API key"), description=gettext_noop("Local servers may need none.")
    )
    model: Text = Field(title=gettext_noop("Model"))
    project: Text = Field(
        "", title=gettext_noop("Project"), description=gettext_noop("For Yandex AI Studio: the folder ID.")
    )
    embedding_model: Text = Field("", title=gettext_noop("Embedding model"))
    embedding_dim: Annotated[Text, AfterValidator(_check_dim)] = Field("", title=gettext_noop("Embedding dimensions"))


# ---- Shapes of the service's JSON ------------------------------------------------------------------------------------


class _CachedTokens(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: _CachedTokens | None = None

    def ours(self) -> Usage:
        cached = self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else 0
        return Usage(self.prompt_tokens, self.completion_tokens, self.total_tokens, cached or 0)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message = _Message()
    delta: _Message = _Message()
    finish_reason: str | None = None


class _Completion(BaseModel):
    """Also a chunk of a stream; the last one may have no choices and only `usage`."""

    choices: list[_Choice] = []
    model: str = ""
    usage: _Usage | None = None
    error: Any = None


class _Embedding(BaseModel):
    index: int | None = None
    embedding: list[float]


class _Embeddings(BaseModel):
    data: list[_Embedding]
    usage: _Usage | None = None


# ---- Errors ----------------------------------------------------------------------------------------------------------


def _classify(failure: Failure) -> LLMError:
    error, details = failure.data.get("error"), failure.details()
    names = {str(error.get("code")), str(error.get("type"))} if isinstance(error, dict) else set()
    if names & {"insufficient_quota", "billing_hard_limit_reached"}:
        return QuotaExhausted(**details)
    if "context_length_exceeded" in names:
        return ContextTooLong(**details)
    if names & {"content_filter", "content_policy_violation"}:
        return ContentFiltered(**details)
    if failure.status == 404 or "model_not_found" in names:
        message = _("The server has no such model or address. Check both in the settings.")
        return BadRequest(message, code="llm_no_model", **details)
    return default_error(failure)


def _error_in_stream(error: Any, request_id: str) -> LLMError:
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return _classify(Failure(NAME, status, {"error": error}, str(error), None, request_id))


# ---- The provider ----------------------------------------------------------------------------------------------------


class Provider:
    name: ClassVar[str] = NAME
    title = gettext_lazy("OpenAI-compatible server")
    context_tokens: ClassVar[int] = 8_192
    verbatim: ClassVar[bool] = False
    light_model: ClassVar[str] = ""
    credentials_model = Credentials

    @staticmethod
    def platform_credentials(settings: LazySettings) -> Mapping[str, str]:
        # The address stays out: where a workspace gave none, the installation's is used, unguarded.
        return {
            "api_key": settings.OPENAI_COMPATIBLE_API_KEY,
            "model": settings.OPENAI_COMPATIBLE_MODEL,
            "embedding_model": settings.OPENAI_COMPATIBLE_EMBEDDING_MODEL,
            "embedding_dim": settings.OPENAI_COMPATIBLE_EMBEDDING_DIM,
        }

    def __init__(self, credentials: Credentials, settings: LazySettings) -> None:
        self._credentials = credentials
        self._base = credentials.base_url or str(settings.OPENAI_COMPATIBLE_API_URL).rstrip("/")
        if not self._base:
            raise InvalidInput(_("Fill in the address of the server."), code="bad_credentials", field="base_url")
        self._endpoint = Endpoint(
            NAME,
            f"{self._base}|{credentials.model}",
            make_client(self._base, bool(credentials.base_url)),
            _classify,
            optional=("response_format", "stream_options"),
        )
        digest = hashlib.sha256(f"{self._base}|{credentials.api_key.get_secret_value()}".encode()).hexdigest()
        self._gate = Gate(NAME, digest, settings.OPENAI_COMPATIBLE_STREAMS, credentials.model)
        self._embedding_gate = Gate(NAME, f"{digest}:embeddings", settings.OPENAI_COMPATIBLE_STREAMS)

    @property
    def space(self) -> EmbeddingSpace:
        """Raises InvalidInput while no embedding model is chosen."""
        model, dim = self._credentials.embedding_model, self._credentials.embedding_dim
        if not (model and dim):
            message = _("Fill in the embedding model and its dimensions.")
            raise InvalidInput(message, code="no_embeddings", field="embedding_model")
        return EmbeddingSpace(NAME, model, int(dim), _EMBEDDING_TOKENS)

    def complete(self, request: ChatRequest, context: CallContext) -> ChatResult:
        """Raises LLMError."""
        return with_retries(self._gate, lambda: self._complete(request, context), context)

    def stream(self, request: ChatRequest, context: CallContext) -> Iterator[StreamEvent]:
        """Raises LLMError; moderation may still refuse (ContentFiltered) after pieces were given."""
        return stream_with_retries(self._gate, lambda: self._stream(request, context), context)

    def embed(self, texts: Sequence[str], kind: TextKind, context: CallContext) -> EmbeddingResult:
        """`kind` makes no difference here. Raises LLMError."""
        space = self.space
        vectors: list[list[float]] = []
        tokens = 0
        for start in range(0, len(texts), _EMBEDDING_BATCH):
            for found in self._embed(texts[start : start + _EMBEDDING_BATCH], context):
                vectors += [item.embedding for item in _in_order(found.data)]
                tokens += found.usage.prompt_tokens if found.usage else 0
        check_vectors(vectors, texts, space)
        return EmbeddingResult(vectors, tokens)

    def _complete(self, request: ChatRequest, context: CallContext) -> ChatResult:
        started = time.monotonic()
        reply = self._post("/chat/completions", self._body(request), context)
        completion = reply.read(_Completion)
        if not completion.choices:
            raise ProtocolError(provider=NAME, request_id=reply.request_id)
        choice = completion.choices[0]
        if choice.message.refusal:
            raise ContentFiltered(provider=NAME, request_id=reply.request_id)
        text = choice.message.content or ""
        return self._finish(request, text, choice.finish_reason, completion.usage, completion.model, reply, started)

    def _stream(self, request: ChatRequest, context: CallContext) -> Iterator[StreamEvent]:
        started = time.monotonic()
        text, reason, model, usage = "", None, "", None
        body = self._body(request) | {"stream": True, "stream_options": {"include_usage": True}}
        opened = self._endpoint.open(self._base + "/chat/completions", context, headers=self._headers(), json=body)
        with opened as (reply, lines):
            for chunk in _chunks(lines, reply):
                model, usage = chunk.model or model, chunk.usage or usage
                for choice in chunk.choices[:1]:
                    reason = choice.finish_reason or reason
                    if choice.delta.refusal:
                        raise ContentFiltered(provider=NAME, request_id=reply.request_id)
                    if choice.delta.content:
                        text += choice.delta.content
                        yield Delta(choice.delta.content)
        yield Done(self._finish(request, text, reason, usage, model, reply, started))

    def _finish(
        self,
        request: ChatRequest,
        text: str,
        reason: str | None,
        usage: _Usage | None,
        model: str,
        reply: Reply,
        started: float,
    ) -> ChatResult:
        if reason == "content_filter":
            raise ContentFiltered(provider=NAME, request_id=reply.request_id)
        if reason in _CALLS_A_TOOL:
            raise ProtocolError(provider=NAME, request_id=reply.request_id)
        return finish_chat(
            NAME, request, text=text, finish="length" if reason == "length" else "stop",
            usage=usage.ours() if usage else None, model=model or self._credentials.model,
            request_id=reply.request_id, started=started,
        )  # fmt: skip

    def _embed(self, texts: Sequence[str], context: CallContext) -> list[_Embeddings]:
        # "float", because clients of OpenAI have made base64 the habit; some servers take one bare string only.
        single = len(texts) == 1
        body = {
            "model": self._credentials.embedding_model,
            "input": texts[0] if single else list(texts),
            "encoding_format": "float",
        }
        try:
            return [
                with_retries(
                    self._embedding_gate, lambda: self._post("/embeddings", body, context).read(_Embeddings), context
                )
            ]
        except BadRequest:
            if single:
                raise
        return [found for text in texts for found in self._embed([text], context)]

    def _post(self, path: str, body: Mapping[str, Any], context: CallContext) -> Reply:
        return self._endpoint.post(self._base + path, context, headers=self._headers(), json=body)

    def _headers(self) -> dict[str, str]:
        key = self._credentials.api_key.get_secret_value()
        headers = {"X-Client-Request-Id": str(uuid4())}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        if self._credentials.project:
            headers["OpenAI-Project"] = self._credentials.project
        return headers

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._credentials.model,
            "messages": [{"role": message.role, "content": message.text} for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
        }
        if request.json_schema:
            schema = {"name": "answer", "schema": dict(request.json_schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body


def _in_order(items: list[_Embedding]) -> list[_Embedding]:
    """By their numbers; some servers give none. Raises ProtocolError."""
    numbers = [item.index for item in items if item.index is not None]
    if not numbers:
        return items
    if sorted(numbers) != list(range(len(items))):
        raise ProtocolError(code="llm_embedding_shape", provider=NAME, retryable=False)
    return sorted(items, key=lambda item: item.index or 0)


def _chunks(lines: Iterator[bytes], reply: Reply) -> Iterator[_Completion]:
    """Up to [DONE]. Once `finish_reason` has come the answer is whole: only the usage may be missing, and a broken end is
    forgiven. Raises ProtocolError for an end before that.
    """
    finished = False
    try:
        for event in iter_events(lines):
            if event.data == "[DONE]":
                return
            chunk = parse(NAME, _Completion, event.data, reply.request_id)
            if chunk.error:
                raise _error_in_stream(chunk.error, reply.request_id)
            finished = finished or any(choice.finish_reason for choice in chunk.choices)
            yield chunk
    except LLMError:
        if not finished:
            raise
    if not finished:
        raise truncated(NAME, reply.request_id)
