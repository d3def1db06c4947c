"""GigaChat: OAuth and contract v1, as recorded from the real service; v2 is refused so that nobody drifts into it."""

import base64
import binascii
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from tests.standins import model as language_model
from tests.standins.server import Answer, Request, StandIn

CLIENT_ID = "11111111-2222-4333-8444-555555555555"
CLIENT_SECRET = "66666666-7777-4888-9999-aaaaaaaaaaaa"
AUTHORIZATION_KEY = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
SCOPES = {"GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP"}
CHAT_MODELS = {"GigaChat", "GigaChat-2", "GigaChat-2-Pro", "GigaChat-2-Max", "GigaChat-3-Ultra"}
EMBEDDERS = {
    "Embeddings": (1024, 512),
    "Embeddings-2": (1024, 512),
    "EmbeddingsGigaR": (2560, 4096),
    "GigaEmbeddings-3B-2025-09": (2048, 4096),
}


class GigaChatStandIn(StandIn):
    """`settings` point the product here. The attributes below are knobs of the tests."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.scope = "GIGACHAT_API_PERS"  # what the key was sold for
        self.token_shape = "access_token"  # or "tok": the second shape, in seconds
        self.finish = "stop"
        self.deltas = 4
        self.cut_after: int | None = None  # frames of a stream before the connection breaks
        self.send_done = True
        self.end_quietly_after: int | None = None  # frames before a stream ends in order but without its last ones
        self.limit = 10  # requests at once; one for individuals, ten for companies
        self.retry_after: str | None = None
        self.exhausted: set[str] = set()  # models whose package of tokens is used up
        self.refuses_schema = False
        self._tokens: set[str] = set()

    @property
    def settings(self) -> dict[str, str]:
        return {"GIGACHAT_API_URL": f"{self.url}/v1", "GIGACHAT_AUTH_URL": f"{self.url}/api/v2/oauth"}

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def turn_away(self, request: Request) -> Answer | None:
        if self.in_flight("/v1/") <= self.limit:
            return None
        answer = _error(429, "Too Many Requests")
        answer.headers |= {"Retry-After": self.retry_after} if self.retry_after else {}
        return answer

    def handle(self, request: Request) -> Answer:
        if request.path == "/api/v2/oauth":
            return self._issue_token(request)
        if not request.headers.get("user-agent"):
            return Answer(403, json={"message": "Unauthorized"})
        if not request.path.startswith("/v1/"):
            return _error(404, "Not found")
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            return _error(401, "Unauthorized")
        answer = self._route(request)
        answer.headers |= {"X-Request-Id": str(uuid.uuid4()), "X-Session-Id": str(uuid.uuid4())}
        return answer

    # -- OAuth

    def _issue_token(self, request: Request) -> Answer:
        try:
            if uuid.UUID(request.headers.get("rquid", "")).version != 4:
                raise ValueError
        except ValueError:
            return Answer(400, json={"message": "RqUID header is absent or is not a uuid4"})
        scheme, _space, key = request.headers.get("authorization", "").partition(" ")
        try:
            pair = base64.b64decode(key, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        if scheme != "Basic" or ":" not in pair:
            return _oauth_error(400, 4, "Can't decode 'Authorization' header")
        if pair != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return _oauth_error(401, 6, "credentials doesn't match db data")
        return self._check_scope(request.form.get("scope", ""))

    def _check_scope(self, scope: str) -> Answer:
        if not scope:
            return _oauth_error(400, 5, "scope is empty")
        if scope not in SCOPES:
            return _oauth_error(400, 1, "scope data format invalid")
        if scope != self.scope:
            return _oauth_error(400, 7, "scope from db not fully includes consumed scope")
        token = f"ey{uuid.uuid4().hex * 8}"
        self._tokens.add(token)
        expires = int(time.time()) + 1800
        if self.token_shape == "tok":
            return Answer(json={"tok": token, "exp": expires})
        return Answer(json={"access_token": token, "expires_at": expires * 1000})

    # -- The API

    def _route(self, request: Request) -> Answer:
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                return self._chat(request.json)
            case "POST", "/v1/embeddings":
                return self._embed(request.json)
            case "POST", "/v1/tokens/count":
                counted = [
                    {"object": "tokens", "tokens": language_model.count_tokens(text), "characters": len(text)}
                    for text in request.json["input"]
                ]
                return Answer(json=counted)
            case "GET", "/v1/models":
                kinds = [(name, "chat") for name in CHAT_MODELS] + [(name, "embedder") for name in EMBEDDERS]
                models = [{"id": n, "object": "model", "owned_by": "salutedevices", "type": t} for n, t in kinds]
                return Answer(json={"object": "list", "data": models})
        return _error(404, "Not found")

    def _chat(self, body: dict[str, Any]) -> Answer:
        messages = body["messages"]
        if refusal := self._refusal(body, messages):
            return refusal
        text = language_model.answer_from((message["role"], message["content"]) for message in messages)
        prompt = sum(language_model.count_tokens(message["content"]) for message in messages)
        completion = language_model.count_tokens(text)
        usage = {
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "precached_prompt_tokens": 2,
        }  # fmt: skip
        head = {"created": int(time.time()), "model": f"{body['model']}:2.0.28.2", "object": "chat.completion"}
        if body.get("stream"):
            frames = list(self._frames(text, head, usage))
            cut = self.cut_after is not None
            kept = self.cut_after if cut else self.end_quietly_after
            return Answer(chunks=[_frame(frame) for frame in frames[:kept]], cut=cut)
        choice = {"message": {"content": text, "role": "assistant"}, "index": 0, "finish_reason": self.finish}
        return Answer(json={"choices": [choice], **head, "usage": usage})

    def _refusal(self, body: dict[str, Any], messages: list[dict[str, Any]]) -> Answer | None:
        if body["model"] not in CHAT_MODELS:
            return _error(404, "No such model")
        if body["model"] in self.exhausted:
            return _error(402, "Payment Required")
        if any(message["role"] == "system" for message in messages[1:]):
            return _error(422, "system message must be the first message")
        if sum(len(message["content"]) for message in messages) > 400_000:
            return _error(413, "Payload Too Large")
        if self.refuses_schema and "response_format" in body:
            return _error(422, "Requested model does not support response_format")
        return None

    def _frames(self, text: str, head: dict[str, Any], usage: dict[str, int]) -> Iterator[Any]:
        for number, piece in enumerate(language_model.pieces(text, self.deltas)):
            delta = {"content": piece, "role": "assistant"} if number == 0 else {"content": piece}
            yield {"choices": [{"delta": delta, "index": 0}], **head}
        last = {"delta": {"content": ""}, "index": 0, "finish_reason": self.finish}
        yield {"choices": [last], **head, "usage": usage}
        if self.send_done:
            yield "[DONE]"

    def _embed(self, body: dict[str, Any]) -> Answer:
        if body["model"] not in EMBEDDERS:
            return _error(404, "No such model")
        if body["model"] in self.exhausted:
            return _error(402, "Payment Required")
        dim, most = EMBEDDERS[body["model"]]
        if any(language_model.count_tokens(text) > most for text in body["input"]):
            return _error(413, "Payload Too Large")
        data = [
            {
                "object": "embedding",
                "index": index,
                # Recorded vectors are not normalised.
                "embedding": language_model.embed(text, dim, space=body["model"], length=29.0),
                "usage": {"prompt_tokens": language_model.count_tokens(text)},
            }
            for index, text in enumerate(body["input"])
        ]
        # In no order: `index` counts.
        return Answer(json={"object": "list", "model": body["model"], "data": data[::-1]})


def _error(status: int, message: str) -> Answer:
    return Answer(status, json={"status": status, "message": message})


def _oauth_error(status: int, code: int, message: str) -> Answer:
    return Answer(status, json={"code": code, "message": message})


def _frame(data: Any) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f"data: {text}\n\n".encode()
