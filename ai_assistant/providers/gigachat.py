"""GigaChat, contract v1 (`/v2` has other shapes). Facts: developers.sber.ru and exchanges recorded with the real service."""

import base64
import binascii
import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar
from uuid import uuid4

from django.conf import LazySettings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from pydantic import BaseModel, Field, field_validator, model_validator

from ai_assistant.providers.base import (
    TOKEN_REFUSED,
    AccessToken,
    AuthError,
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
    Finish,
    Gate,
    LLMError,
    ProtocolError,
    ProviderCredentials,
    QuotaExhausted,
    Reply,
    Secret,
    SharedToken,
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

NAME = "gigachat"
# model → dimensions, the most tokens of one text
_EMBEDDING_MODELS = {
    "Embeddings": (1024, 512),
    "Embeddings-2": (1024, 512),
    "EmbeddingsGigaR": (2560, 4096),
    "GigaEmbeddings-3B-2025-09": (2048, 4096),
}
_BATCH_TEXTS, _BATCH_CHARACTERS = 90, 1_000_000
_FINISH: dict[str, Finish] = {"stop": "stop", "length": "length"}
# With these the text is not the model's.
_REFUSALS = {"blacklist", "error"}
Result = TypeVar("Result")


class Credentials(ProviderCredentials):
    client_secret: Secret = Field(
        title=gettext_noop("Authorization key"),
        description=gettext_noop(
            "From the project's page in Sber Studio. A client secret is right too, with its client ID."
        ),
    )
    client_id: Text = Field("", title=gettext_noop("Client ID"))
    scope: Literal["GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP"] = Field(
        "GIGACHAT_API_PERS",
        title=gettext_noop("Tariff"),
        description=gettext_noop("PERS: individuals; B2B: companies, prepaid; CORP: companies, postpaid."),
    )
    model: Text = Field("GigaChat-2", title=gettext_noop("Model"))
    embedding_model: Literal["Embeddings", "Embeddings-2", "EmbeddingsGigaR", "GigaEmbeddings-3B-2025-09"] = Field(
        "Embeddings", title=gettext_noop("Embedding model")
    )

    @model_validator(mode="after")
    def _check_pair(self) -> "Credentials":
        if not self.client_id and not _is_authorization_key(self.client_secret.get_secret_value()):
            raise ValueError(_("Give the authorization key, or the client ID and the client secret."))
        return self

    def authorization_key(self) -> str:
        """base64 of "id:secret". What Sber Studio shows as the authorization key is encoded already."""
        secret = self.client_secret.get_secret_value()
        if _is_authorization_key(secret):
            return secret
        return base64.b64encode(f"{self.client_id}:{secret}".encode()).decode()


def _is_authorization_key(secret: str) -> bool:
    try:
        return b":" in base64.b64decode(secret, validate=True)
    except binascii.Error:
        return False


# ---- Shapes of the service's JSON ------------------------------------------------------------------------------------


class _Token(BaseModel):
    """Both shapes seen: `access_token`/`expires_at` (milliseconds) and `tok`/`exp`."""

    access_token: str = ""
    tok: str = ""
    expires_at: float = 0
    exp: float = 0

    def ours(self) -> AccessToken | None:
        moment = self.expires_at or self.exp
        value = self.access_token or self.tok
        return AccessToken(value, moment if moment < 1e11 else moment / 1000) if value else None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    precached_prompt_tokens: int = 0

    def ours(self) -> Usage:
        return Usage(self.prompt_tokens, self.completion_tokens, self.total_tokens, self.precached_prompt_tokens)


class _Message(BaseModel):
    content: str = ""

    @field_validator("content", mode="before")
    @classmethod
    def _null_is_empty(cls, value: Any) -> Any:
        return "" if value is None else value


class _Choice(BaseModel):
    message: _Message = _Message()
    delta: _Message = _Message()
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    model: str = ""
    usage: _Usage | None = None


class _ItemUsage(BaseModel):
    prompt_tokens: int = 0


class _Embedding(BaseModel):
    index: int
    embedding: list[float]
    usage: _ItemUsage = _ItemUsage()


class _Embeddings(BaseModel):
    data: list[_Embedding]


# ---- Errors ----------------------------------------------------------------------------------------------------------


def _classify(failure: Failure) -> LLMError:
    details = failure.details()
    words = str(failure.data.get("message", "")).lower()
    if failure.status == 401:
        return AuthError(code=TOKEN_REFUSED, **details)
    if failure.status == 404:
        return BadRequest(_("GigaChat has no such model. Check the model's name."), code="llm_no_model", **details)
    if failure.status == 422 and "context" in words:
        return ContextTooLong(**details)
    if "payment required" in words:
        return QuotaExhausted(**details)
    return default_error(failure)


def _classify_auth(failure: Failure) -> LLMError:
    """By the code in the body: the same fault comes with different statuses."""
    match failure.data.get("code"):
        case 7:
            message = _("The GigaChat key is for another tariff. Try B2B, CORP or PERS.")
            return AuthError(message, code="llm_auth_scope", **failure.details())
        case 4:
            message = _("The GigaChat authorization key is damaged. Copy it once more.")
            return AuthError(message, code="llm_auth_key", **failure.details())
        case 1 | 5 | 6:
            return AuthError(**failure.details())
    error = default_error(failure)
    return AuthError(**failure.details()) if type(error) is BadRequest else error


# ---- The provider ----------------------------------------------------------------------------------------------------


class Provider:
    name: ClassVar[str] = NAME
    title = gettext_lazy("GigaChat (Sber)")
    context_tokens: ClassVar[int] = 32_000
    verbatim: ClassVar[bool] = False
    light_model: ClassVar[str] = "GigaChat-2"
    credentials_model = Credentials

    @staticmethod
    def platform_credentials(settings: LazySettings) -> Mapping[str, str]:
        return {
            "client_id": settings.GIGACHAT_CLIENT_ID,
            "client_secret": settings.GIGACHAT_CLIENT_SECRET,
            "scope": settings.GIGACHAT_SCOPE,
        }

    def __init__(self, credentials: Credentials, settings: LazySettings) -> None:
        self._credentials = credentials
        self._base, bundle = str(settings.GIGACHAT_API_URL).rstrip("/"), str(settings.GIGACHAT_CA_BUNDLE)
        api, options = make_client(self._base, False, bundle), ("response_format",)
        self._endpoint = Endpoint(NAME, f"{self._base}|{credentials.model}", api, _classify, options)
        self._auth_url = str(settings.GIGACHAT_AUTH_URL)
        self._auth = Endpoint(NAME, self._auth_url, make_client(self._auth_url, False, bundle), _classify_auth)
        digest = hashlib.sha256(f"{self._auth_url}|{credentials.authorization_key()}".encode()).hexdigest()
        self._token = SharedToken(NAME, f"{digest}:{credentials.scope}", self._fetch_token)
        places = settings.GIGACHAT_STREAMS or (1 if credentials.scope == "GIGACHAT_API_PERS" else 10)
        self._gate = Gate(NAME, digest, places, credentials.model)
        self._embedding_gate = Gate(NAME, f"{digest}:embeddings", places)

    @property
    def space(self) -> EmbeddingSpace:
        model = self._credentials.embedding_model
        dim, max_tokens = _EMBEDDING_MODELS[model]
        return EmbeddingSpace(NAME, model, dim, max_tokens)

    def complete(self, request: ChatRequest, context: CallContext) -> ChatResult:
        """Raises LLMError."""
        return with_retries(self._gate, lambda: self._complete(request, context), context)

    def stream(self, request: ChatRequest, context: CallContext) -> Iterator[StreamEvent]:
        """Raises LLMError; moderation may still refuse (ContentFiltered) after pieces were given."""
        return stream_with_retries(self._gate, lambda: self._stream(request, context), context)

    def embed(self, texts: Sequence[str], kind: TextKind, context: CallContext) -> EmbeddingResult:
        """`kind` makes no difference here. Raises LLMError."""
        vectors: list[list[float]] = []
        tokens = 0
        for batch in _batches(texts):
            items = with_retries(self._embedding_gate, lambda batch=batch: self._embed(batch, context), context)  # type: ignore[misc]
            vectors += [item.embedding for item in items]
            tokens += sum(item.usage.prompt_tokens for item in items)
        check_vectors(vectors, texts, self.space)
        return EmbeddingResult(vectors, tokens)

    def _complete(self, request: ChatRequest, context: CallContext) -> ChatResult:
        started = time.monotonic()
        reply = self._post("/chat/completions", self._body(request, stream=False), context)
        completion = reply.read(_Completion)
        choice = completion.choices[0]
        return self._finish(request, choice.message.content, choice.finish_reason, completion, reply, started)

    def _stream(self, request: ChatRequest, context: CallContext) -> Iterator[StreamEvent]:
        started = time.monotonic()
        text, last = "", None
        with self._open("/chat/completions", self._body(request, stream=True), context) as (reply, lines):
            for chunk in _chunks(lines, reply):
                choice = chunk.choices[0]
                if choice.finish_reason:
                    last = chunk
                if choice.delta.content and choice.finish_reason not in _REFUSALS:
                    text += choice.delta.content
                    yield Delta(choice.delta.content)
        if last is None:
            raise truncated(NAME, reply.request_id)
        yield Done(self._finish(request, text, last.choices[0].finish_reason, last, reply, started))

    def _finish(
        self, request: ChatRequest, text: str, reason: str | None, completion: _Completion, reply: Reply, started: float
    ) -> ChatResult:
        if reason == "blacklist":
            raise ContentFiltered(provider=NAME, request_id=reply.request_id)
        if reason not in _FINISH:
            raise ProtocolError(provider=NAME, request_id=reply.request_id)
        usage = completion.usage.ours() if completion.usage else None
        return finish_chat(
            NAME, request, text=text, finish=_FINISH[reason], usage=usage, model=completion.model,
            request_id=reply.request_id, started=started,
        )  # fmt: skip

    def _embed(self, texts: Sequence[str], context: CallContext) -> list[_Embedding]:
        body = {"model": self._credentials.embedding_model, "input": list(texts)}
        items = self._post("/embeddings", body, context).read(_Embeddings).data
        if sorted(item.index for item in items) != list(range(len(texts))):
            raise ProtocolError(code="llm_embedding_shape", provider=NAME)
        return sorted(items, key=lambda item: item.index)

    def _body(self, request: ChatRequest, *, stream: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._credentials.model,
            "messages": _messages(request),
            "max_tokens": request.max_tokens,
            # Zero is out of its range.
            "temperature": max(request.temperature, 0.01),
        }
        if request.json_schema:
            schema = dict(request.json_schema)
            body["response_format"] = {"type": "json_schema", "schema": schema, "strict": True}
        return body | {"stream": True} if stream else body

    def _headers(self, token: str, context: CallContext, accept: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {token}", "Accept": accept, "X-Request-ID": str(uuid4())}
        return headers | {"X-Session-ID": context.session_key} if context.session_key else headers

    def _post(self, path: str, body: Mapping[str, Any], context: CallContext) -> Reply:
        def call(token: str) -> Reply:
            headers = self._headers(token, context, "application/json")
            return self._endpoint.post(self._base + path, context, headers=headers, json=body)

        return self._with_token(call, context)

    @contextlib.contextmanager
    def _open(
        self, path: str, body: Mapping[str, Any], context: CallContext
    ) -> Iterator[tuple[Reply, Iterator[bytes]]]:
        with contextlib.ExitStack() as stack:

            def call(token: str) -> tuple[Reply, Iterator[bytes]]:
                headers = self._headers(token, context, "text/event-stream")
                opened = self._endpoint.open(self._base + path, context, headers=headers, json=body)
                return stack.enter_context(opened)

            yield self._with_token(call, context)

    def _with_token(self, call: Callable[[str], Result], context: CallContext) -> Result:
        token = self._token.get(context)
        try:
            return call(token)
        except AuthError as error:
            if error.code != TOKEN_REFUSED:
                raise
        return call(self._token.renew(token, context))

    def _fetch_token(self, context: CallContext) -> AccessToken:
        headers = {
            "Authorization": f"Basic {self._credentials.authorization_key()}",
            "RqUID": str(uuid4()),
            "Accept": "application/json",
        }
        reply = self._auth.post(self._auth_url, context, headers=headers, form={"scope": self._credentials.scope})
        if token := reply.read(_Token).ours():
            return token
        raise ProtocolError(provider=NAME)


def _chunks(lines: Iterator[bytes], reply: Reply) -> Iterator[_Completion]:
    """Ends with the chunk that has `finish_reason`: it is complete, whatever becomes of the connection after it."""
    for event in iter_events(lines):
        if event.data == "[DONE]":
            return
        chunk = parse(NAME, _Completion, event.data, reply.request_id)
        yield chunk
        if chunk.choices[0].finish_reason:
            return


def _messages(request: ChatRequest) -> list[dict[str, str]]:
    """The service takes one system message and only as the first."""
    system = "\n\n".join(message.text for message in request.messages if message.role == "system")
    others = [
        {"role": message.role, "content": message.text} for message in request.messages if message.role != "system"
    ]
    return [{"role": "system", "content": system}, *others] if system else others


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == _BATCH_TEXTS or size + len(text) > _BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch
