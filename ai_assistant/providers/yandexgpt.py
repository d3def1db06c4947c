"""YandexGPT, native REST v1 of Yandex AI Studio. Facts: aistudio.yandex.ru and the protobuf of the vendor's SDK."""

import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal
from uuid import uuid4

from django.conf import LazySettings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from pydantic import AfterValidator, BaseModel, Field

from ai_assistant.providers.base import (
    AuthError,
    BadRequest,
    CallContext,
    ChatRequest,
    ChatResult,
    ContentFiltered,
    Delta,
    Done,
    EmbeddingResult,
    EmbeddingSpace,
    Endpoint,
    Failure,
    Finish,
    Gate,
    LLMError,
    Pace,
    ProtocolError,
    ProviderCredentials,
    QuotaExhausted,
    RateLimited,
    Replace,
    Reply,
    Secret,
    StreamEvent,
    Text,
    TextKind,
    Usage,
    check_vectors,
    default_error,
    finish_chat,
    iter_json_lines,
    make_client,
    parse,
    stream_with_retries,
    truncated,
    with_retries,
)

NAME = "yandexgpt"
_FOLDER = re.compile(r"[a-z0-9]{10,40}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._@-]*)?")
# Both are pairs, "-doc" and "-query": mixing a pair up silently loses quality. Both have 256 dimensions by default.
_EMBEDDING_DIM, _EMBEDDING_TOKENS = 256, 2000
_FINISH: dict[str, Finish] = {
    "ALTERNATIVE_STATUS_FINAL": "stop",
    "ALTERNATIVE_STATUS_TRUNCATED_FINAL": "length",
}
# When a used-up window is worth another look.
_WINDOW_SECONDS = 60.0
_PARTIAL = {"ALTERNATIVE_STATUS_PARTIAL", "ALTERNATIVE_STATUS_UNSPECIFIED", ""}
_GRPC_TO_HTTP = {3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 13: 500, 14: 503, 16: 401}


def _check_folder(value: str) -> str:
    if not _FOLDER.fullmatch(value):
        raise ValueError(_("A folder ID has 10 to 40 Latin lower-case letters and digits."))
    return value


def _check_model(value: str) -> str:
    if not _MODEL.fullmatch(value):
        raise ValueError(_("Give the model as in “yandexgpt/latest”, without the folder."))
    return value


class Credentials(ProviderCredentials):
    api_key: Secret = Field(
        title=gettext_noop("API key"),
        description=gettext_noop(
            "Of a service account with the role ai.languageModels.user. An IAM token is right too."
        ),
    )
    folder_id: Annotated[Text, AfterValidator(_check_folder)] = Field(title=gettext_noop("Folder ID"))
    model: Annotated[Text, AfterValidator(_check_model)] = Field("yandexgpt/latest", title=gettext_noop("Model"))
    embedding_model: Literal["text-search", "text-embeddings-v2"] = Field(
        "text-search", title=gettext_noop("Embedding model")
    )


# ---- Shapes of the service's JSON: 64-bit numbers come as strings ------------------------------------------------------


class _Usage(BaseModel):
    inputTextTokens: int = 0  # noqa: N815
    completionTokens: int = 0  # noqa: N815
    totalTokens: int = 0  # noqa: N815

    def ours(self) -> Usage:
        return Usage(self.inputTextTokens, self.completionTokens, self.totalTokens)


class _Message(BaseModel):
    text: str = ""


class _Alternative(BaseModel):
    message: _Message = _Message()
    status: str = ""


class _Completion(BaseModel):
    alternatives: list[_Alternative] = Field(min_length=1)
    usage: _Usage | None = None
    modelVersion: str = ""  # noqa: N815


class _Line(BaseModel):
    """Answers come wrapped in `result`, though the reference shows them bare; a stream may hold an `error`."""

    result: _Completion | None = None
    error: Any = None
    alternatives: list[_Alternative] | None = None
    usage: _Usage | None = None
    modelVersion: str = ""  # noqa: N815
    code: int = 0
    message: str = ""

    def completion(self) -> _Completion | None:
        if self.result or not self.alternatives:
            return self.result
        return _Completion(alternatives=self.alternatives, usage=self.usage, modelVersion=self.modelVersion)


class _Embedding(BaseModel):
    embedding: list[float]
    numTokens: int = 0  # noqa: N815


# ---- Errors ----------------------------------------------------------------------------------------------------------


def _classify(failure: Failure) -> LLMError:
    details = failure.details()
    words = _error_words(failure.data).lower()
    if failure.status == 403 and "billing" in words:
        return QuotaExhausted(**details)
    if failure.status == 403:
        message = _("This key may not use the folder or the model. Check the folder ID and the roles of the account.")
        return AuthError(message, code="llm_auth_folder", **details)
    if failure.status == 429 and "rate quota" in words:
        # The window of a rate quota (an hour, a day) is longer than any answer can wait.
        message = _("The hourly or daily quota of YandexGPT is used up.")
        return RateLimited(message, code="llm_rate_window", retryable=False, retry_after=_WINDOW_SECONDS, **details)
    if failure.status == 404 or (failure.status == 400 and "model" in words and "token" not in words):
        message = _("YandexGPT does not know this model or folder. Check both in the settings.")
        return BadRequest(message, code="llm_no_model", **details)
    return default_error(failure)


def _error_words(data: Mapping[str, Any]) -> str:
    """From `{"error": {"message"}}`, `{"error": "text"}` or `{"message"}`."""
    error = data.get("error")
    found = error.get("message") if isinstance(error, dict) else data.get("message") or error
    return str(found or "")


def _error_in_stream(line: _Line, request_id: str) -> LLMError:
    told = {"message": line.message or line.error, "grpcCode": line.code}
    error = line.error if isinstance(line.error, dict) else told
    grpc = _number(error.get("grpcCode") or error.get("code"))
    status = _number(error.get("httpCode")) or _GRPC_TO_HTTP.get(grpc, 500)
    return _classify(Failure(NAME, status, {"error": error}, str(error.get("message")), None, request_id))


def _number(value: Any) -> int:
    return int(value) if str(value).isdigit() else 0


# ---- The provider ----------------------------------------------------------------------------------------------------


class Provider:
    name: ClassVar[str] = NAME
    title = gettext_lazy("YandexGPT")
    context_tokens: ClassVar[int] = 32_768
    verbatim: ClassVar[bool] = False
    light_model: ClassVar[str] = "yandexgpt-lite"
    credentials_model = Credentials

    @staticmethod
    def platform_credentials(settings: LazySettings) -> Mapping[str, str]:
        return {"api_key": settings.YANDEX_GPT_API_KEY, "folder_id": settings.YANDEX_GPT_FOLDER_ID}

    def __init__(self, credentials: Credentials, settings: LazySettings) -> None:
        self._credentials = credentials
        self._base = str(settings.YANDEX_GPT_API_URL).rstrip("/")
        key, client = f"{self._base}|{credentials.model}", make_client(self._base, False)
        self._endpoint = Endpoint(NAME, key, client, _classify, optional=("jsonSchema",))
        secret = f"{self._base}|{credentials.folder_id}|{credentials.api_key.get_secret_value()}"
        digest = hashlib.sha256(secret.encode()).hexdigest()
        self._gate = Gate(NAME, digest, settings.YANDEX_GPT_STREAMS, credentials.model)
        self._embedding_gate = Gate(NAME, f"{digest}:embeddings", settings.YANDEX_GPT_STREAMS)
        self._embedding_pace = Pace(NAME, f"{digest}:embeddings", settings.YANDEX_GPT_EMBEDDINGS_A_SECOND)

    @property
    def space(self) -> EmbeddingSpace:
        return EmbeddingSpace(NAME, self._credentials.embedding_model, _EMBEDDING_DIM, _EMBEDDING_TOKENS)

    def complete(self, request: ChatRequest, context: CallContext) -> ChatResult:
        """Raises LLMError."""
        return with_retries(self._gate, lambda: self._complete(request, context), context)

    def stream(self, request: ChatRequest, context: CallContext) -> Iterator[StreamEvent]:
        """The service sends the whole text so far and may revise it: then a Replace is given. Raises LLMError."""
        return stream_with_retries(self._gate, lambda: self._stream(request, context), context)

    def embed(self, texts: Sequence[str], kind: TextKind, context: CallContext) -> EmbeddingResult:
        """One text a call, and so many calls a second for all processes together. Raises LLMError."""
        found = [self._embed_one(text, kind, context) for text in texts]
        vectors = [item.embedding for item in found]
        check_vectors(vectors, texts, self.space)
        return EmbeddingResult(vectors, sum(item.numTokens for item in found))

    def _complete(self, request: ChatRequest, context: CallContext) -> ChatResult:
        started = time.monotonic()
        reply = self._endpoint.post(
            self._url("completion"), context, headers=self._headers(), json=self._body(request, stream=False)
        )
        completion = reply.read(_Line).completion()
        if completion is None:
            raise ProtocolError(provider=NAME, request_id=reply.request_id)
        return self._finish(request, completion, reply, started)

    def _stream(self, request: ChatRequest, context: CallContext) -> Iterator[StreamEvent]:
        started = time.monotonic()
        sent = ""
        opened = self._endpoint.open(
            self._url("completion"), context, headers=self._headers(), json=self._body(request, stream=True)
        )
        with opened as (reply, lines):
            for completion in _completions(lines, reply):
                alternative = completion.alternatives[0]
                final = alternative.status not in _PARTIAL
                # Looked at before its text is shown: a filtered answer is a canned refusal.
                done = Done(self._finish(request, completion, reply, started)) if final else None
                if (text := alternative.message.text) != sent:
                    yield Delta(text[len(sent) :]) if text.startswith(sent) else Replace(text)
                    sent = text
                if done:
                    yield done
                    return
        raise truncated(NAME, reply.request_id)

    def _finish(self, request: ChatRequest, completion: _Completion, reply: Reply, started: float) -> ChatResult:
        alternative = completion.alternatives[0]
        if alternative.status == "ALTERNATIVE_STATUS_CONTENT_FILTER":
            raise ContentFiltered(provider=NAME, request_id=reply.request_id)
        if alternative.status not in _FINISH:
            raise ProtocolError(provider=NAME, request_id=reply.request_id)
        return finish_chat(
            NAME, request, text=alternative.message.text, finish=_FINISH[alternative.status],
            usage=completion.usage.ours() if completion.usage else None,
            model=f"{self._credentials.model} {completion.modelVersion}".strip(),
            request_id=reply.request_id, started=started,
        )  # fmt: skip

    def _embed_one(self, text: str, kind: TextKind, context: CallContext) -> _Embedding:
        uri = f"emb://{self._credentials.folder_id}/{self._credentials.embedding_model}-{kind}/latest"
        body: dict[str, Any] = {"modelUri": uri, "text": text}
        if self._credentials.embedding_model == "text-embeddings-v2":
            body["dim"] = str(_EMBEDDING_DIM)

        def call() -> _Embedding:
            self._embedding_pace.wait(context)
            reply = self._endpoint.post(self._url("textEmbedding"), context, headers=self._headers(), json=body)
            return reply.read(_Embedding)

        return with_retries(self._embedding_gate, call, context)

    def _url(self, method: str) -> str:
        return f"{self._base}/foundationModels/v1/{method}"

    def _headers(self) -> dict[str, str]:
        key = self._credentials.api_key.get_secret_value()
        # IAM tokens begin with "t1."; everything else is a key of a service account.
        scheme = "Bearer" if key.startswith("t1.") else "Api-Key"
        return {
            "Authorization": f"{scheme} {key}",
            "x-folder-id": self._credentials.folder_id,
            "x-client-request-id": str(uuid4()),
            # Newer accounts store every request unless told not to.
            "x-data-logging-enabled": "false",
        }

    def _body(self, request: ChatRequest, *, stream: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "modelUri": f"gpt://{self._credentials.folder_id}/{self._credentials.model}",
            "completionOptions": {
                "stream": stream,
                "temperature": min(request.temperature, 1.0),
                "maxTokens": str(request.max_tokens),
            },
            "messages": [{"role": message.role, "text": message.text} for message in request.messages],
        }
        if request.json_schema:
            body["jsonSchema"] = {"schema": dict(request.json_schema)}
        return body


def _completions(lines: Iterator[bytes], reply: Reply) -> Iterator[_Completion]:
    for raw in iter_json_lines(lines):
        line = parse(NAME, _Line, raw, reply.request_id)
        if line.error or line.code:
            raise _error_in_stream(line, reply.request_id)
        completion = line.completion()
        if completion is None:
            raise ProtocolError(provider=NAME, request_id=reply.request_id)
        yield completion
