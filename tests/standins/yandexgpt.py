"""YandexGPT, native REST v1: wrapped answers, numbers as strings, NDJSON streams of the whole text so far."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from tests.standins import model as language_model
from tests.standins.server import Answer, Request, StandIn

API_KEY = "AQVN-stand-in-key-of-a-service-account"
IAM_TOKEN = "t1.9euelZ-stand-in-token"
FOLDER = "b1gstandin0folder000"
CHAT_MODELS = {"yandexgpt", "yandexgpt-lite", "aliceai-llm"}
_MODEL_URI = re.compile(r"gpt://([^/]+)/([^/@]+)(?:/(latest|rc|deprecated)(?:@\S+)?)?")
_EMBEDDER_URI = re.compile(r"emb://([^/]+)/(text-search|text-embeddings-v2)-(doc|query)/latest")
_MOST_TOKENS = 8192
GAUGE = "ai.textGenerationCompletionSessionsCount.count gauge quota limit exceed: allowed 10 requests"
RATE = "ai.textGenerationCompletionRequestsPerHour.rate rate quota limit exceed: allowed 100 requests"


class YandexGptStandIn(StandIn):
    """`settings` point the product here. The attributes below are knobs of the tests."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.status = "ALTERNATIVE_STATUS_FINAL"
        self.deltas = 4
        self.revises = False  # one earlier partial is not a prefix of the next
        self.cut_after: int | None = None  # lines before the connection breaks
        self.end_quietly_after: int | None = None  # lines before the stream ends in order, without a final status
        self.error_after: int | None = None  # lines before an error line
        self.wrapped = True
        self.limit = 10
        self.billing_active = True
        self.refuses_schema = False

    @property
    def settings(self) -> dict[str, str]:
        return {"YANDEX_GPT_API_URL": self.url}

    def turn_away(self, request: Request) -> Answer | None:
        return error(429, 8, GAUGE) if self.in_flight("completion") > self.limit else None

    def handle(self, request: Request) -> Answer:
        if refusal := self._refuse_caller(request):
            return refusal
        answer = self._route(request)
        answer.headers["x-request-id"] = str(uuid.uuid4())
        return answer

    def _refuse_caller(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") not in {f"Api-Key {API_KEY}", f"Bearer {IAM_TOKEN}"}:
            return error(401, 16, "Unknown api key")
        if request.headers.get("x-data-logging-enabled") != "false":
            return error(400, 3, "the stand-in wants x-data-logging-enabled: false in every request")
        if not self.billing_active:
            return error(403, 7, "Billing account is not active")
        return None

    def _route(self, request: Request) -> Answer:
        match request.path.removeprefix("/foundationModels/v1/"):
            case "completion":
                return self._complete(request.json)
            case "textEmbedding":
                return self._embed(request.json)
            case "tokenizeCompletion":
                tokens = [{"id": "1", "text": "x", "special": False}] * _count(request.json["messages"])
                return Answer(json={"tokens": tokens, "modelVersion": "06.12.2023"})
        return error(404, 5, "Not found")

    def _complete(self, body: dict[str, Any]) -> Answer:
        if refusal := self._refuse_completion(body):
            return refusal
        options, messages = body["completionOptions"], body["messages"]
        if self.status == "ALTERNATIVE_STATUS_CONTENT_FILTER":
            text = "В интернете есть много сайтов с информацией на эту тему."
        else:
            text = language_model.answer_from((message["role"], message["text"]) for message in messages)
        prompt, completion = _count(messages), language_model.count_tokens(text)
        usage = {
            "inputTextTokens": str(prompt), "completionTokens": str(completion), "totalTokens": str(prompt + completion),
            "completionTokensDetails": {"reasoningTokens": "0"},
        }  # fmt: skip
        if options.get("stream"):
            return self._stream(text, usage)
        return Answer(json=self._wrap(text, self.status, usage))

    def _refuse_completion(self, body: dict[str, Any]) -> Answer | None:
        uri = _MODEL_URI.fullmatch(body["modelUri"])
        if not uri or uri[2] not in CHAT_MODELS:
            return error(400, 3, f"Failed to parse model uri: {body['modelUri']}")
        if uri[1] != FOLDER:
            return error(403, 7, "Permission denied")
        if not 0 <= body["completionOptions"].get("temperature", 0.3) <= 1:
            return error(400, 3, "Invalid temperature value")
        if self.refuses_schema and "jsonSchema" in body:
            return error(400, 3, "json_schema is not supported by this model")
        if (count := _count(body["messages"])) > _MOST_TOKENS:
            return error(400, 3, f"Number of input tokens must be no more than {_MOST_TOKENS}, got {count}")
        return None

    def _wrap(self, text: str, status: str, usage: dict[str, Any]) -> dict[str, Any]:
        alternative = {"message": {"role": "assistant", "text": text}, "status": status}
        result = {"alternatives": [alternative], "usage": usage, "modelVersion": "06.12.2023"}
        return {"result": result} if self.wrapped else result

    def _stream(self, text: str, usage: dict[str, Any]) -> Answer:
        lines = [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in self._partials(text, usage)]
        if self.error_after is not None:
            broken = error(500, 13, "Internal error").json
            lines = [*lines[: self.error_after], json.dumps(broken).encode() + b"\n"]
        cut = self.cut_after is not None
        kept = self.cut_after if cut else self.end_quietly_after
        return Answer(chunks=lines[:kept], cut=cut, headers={"Content-Type": "application/json"})

    def _partials(self, text: str, usage: dict[str, Any]) -> Iterator[dict[str, Any]]:
        sent = ""
        for number, piece in enumerate(language_model.pieces(text, self.deltas)):
            sent += piece
            shown = f"{sent[:-1]}~" if self.revises and number == 1 else sent
            yield self._wrap(shown, "ALTERNATIVE_STATUS_PARTIAL", usage)
        yield self._wrap(text, self.status, usage)

    def _embed(self, body: dict[str, Any]) -> Answer:
        uri = _EMBEDDER_URI.fullmatch(body["modelUri"])
        if not uri:
            return error(400, 3, f"Failed to parse model uri: {body['modelUri']}")
        if uri[1] != FOLDER:
            return error(403, 7, "Permission denied")
        tokens = language_model.count_tokens(body["text"])
        if tokens > 2000:
            return error(400, 3, f"Number of input tokens must be no more than 2000, got {tokens}")
        # A half of each vector belongs to its side of the pair, so that a mix-up shows.
        dim = int(body.get("dim", 256))
        common = language_model.embed(body["text"], dim // 2, space=uri[2])
        own = language_model.embed(body["text"], dim - dim // 2, space=uri[3])
        return Answer(json={"embedding": common + own, "numTokens": str(tokens), "modelVersion": "06.12.2023"})


def error(status: int, grpc: int, message: str) -> Answer:
    """The error object of the native API."""
    body = {
        "grpcCode": grpc,
        "httpCode": status,
        "message": message,
        "httpStatus": _TITLES.get(status, ""),
        "details": [],
    }
    return Answer(status, json={"error": body})


_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


def _count(messages: list[dict[str, Any]]) -> int:
    return sum(language_model.count_tokens(message["text"]) for message in messages)
