"""An OpenAI-compatible server: chat completions as SSE, models, embeddings."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from tests.standins import model as language_model
from tests.standins.server import Answer, Request, StandIn

API_KEY = "sk-stand-in-key"
CHAT_MODEL, EMBEDDING_MODEL, EMBEDDING_DIM = "stand-in-chat", "stand-in-embed", 256


class OpenAIStandIn(StandIn):
    """`settings` point the product here. The attributes below are knobs of the tests."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.finish = "stop"
        self.deltas = 4
        self.usage_chunk = True  # a last chunk with no choices, when `stream_options` asks for it
        self.cut_after: int | None = None  # frames before the connection breaks
        self.end_quietly_after: int | None = None  # frames before the stream ends in order
        self.unknown_options: set[str] = set()  # fields of the body that this server refuses
        self.single_embeddings = False  # one bare string a request, as Yandex has it
        self.context_tokens = 8192

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "OPENAI_COMPATIBLE_API_URL": self.base_url,
            "OPENAI_COMPATIBLE_API_KEY": API_KEY,
            "OPENAI_COMPATIBLE_MODEL": CHAT_MODEL,
            "OPENAI_COMPATIBLE_EMBEDDING_MODEL": EMBEDDING_MODEL,
            "OPENAI_COMPATIBLE_EMBEDDING_DIM": str(EMBEDDING_DIM),
        }

    def handle(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return error(401, "Incorrect API key provided", "invalid_api_key")
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                answer = self._chat(request.json)
            case "POST", "/v1/embeddings":
                answer = self._embed(request.json)
            case "GET", "/v1/models":
                models = [{"id": name, "object": "model"} for name in (CHAT_MODEL, EMBEDDING_MODEL)]
                answer = Answer(json={"object": "list", "data": models})
            case _:
                answer = error(404, "Unknown request URL", "unknown_url")
        answer.headers["x-request-id"] = f"req_{uuid.uuid4().hex}"
        return answer

    def _chat(self, body: dict[str, Any]) -> Answer:
        if refusal := self._refusal(body):
            return refusal
        text = language_model.answer_from((message["role"], message["content"]) for message in body["messages"])
        prompt = sum(language_model.count_tokens(message["content"]) for message in body["messages"])
        completion = language_model.count_tokens(text)
        usage = {
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 1},
        }  # fmt: skip
        head = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": f"{body['model']}-2026-11-01",
        }
        if body.get("stream"):
            wants_usage = self.usage_chunk and body.get("stream_options", {}).get("include_usage")
            frames = list(self._frames(text, head, usage if wants_usage else None))
            cut = self.cut_after is not None
            kept = self.cut_after if cut else self.end_quietly_after
            return Answer(chunks=[_frame(frame) for frame in frames[:kept]], cut=cut)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": self.finish}
        return Answer(json={**head, "object": "chat.completion", "choices": [choice], "usage": usage})

    def _refusal(self, body: dict[str, Any]) -> Answer | None:
        if body["model"] != CHAT_MODEL:
            return error(404, f"The model `{body['model']}` does not exist", "model_not_found")
        for name in sorted(self.unknown_options & body.keys()):
            return error(400, f"Unrecognized request argument supplied: {name}", "unknown_parameter")
        tokens = sum(language_model.count_tokens(message["content"]) for message in body["messages"])
        if tokens > self.context_tokens:
            message = f"This model's maximum context length is {self.context_tokens} tokens, however you sent {tokens}."
            return error(400, message, "context_length_exceeded")
        return None

    def _frames(self, text: str, head: dict[str, Any], usage: dict[str, Any] | None) -> Iterator[Any]:
        head = {**head, "object": "chat.completion.chunk"}
        start = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
        yield {**head, "choices": [start]}
        for piece in language_model.pieces(text, self.deltas):
            yield {**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
        yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": self.finish}]}
        if usage:
            yield {**head, "choices": [], "usage": usage}
        yield "[DONE]"

    def _embed(self, body: dict[str, Any]) -> Answer:
        if body["model"] != EMBEDDING_MODEL:
            return error(404, f"The model `{body['model']}` does not exist", "model_not_found")
        if body.get("encoding_format") != "float":
            return error(400, "encoding_format must be float", "invalid_request")
        texts = body["input"]
        if self.single_embeddings and not isinstance(texts, str):
            return error(400, "input must be one string", "invalid_request")
        texts = [texts] if isinstance(texts, str) else texts
        vectors = [language_model.embed(text, EMBEDDING_DIM, space="openai") for text in texts]
        data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
        tokens = sum(map(language_model.count_tokens, texts))
        # In no order: `index` counts.
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return Answer(json={"object": "list", "model": body["model"], "data": data[::-1], "usage": usage})


def error(status: int, message: str, code: str, **headers: str) -> Answer:
    kind = "insufficient_quota" if code == "insufficient_quota" else "invalid_request_error"
    return Answer(
        status, json={"error": {"message": message, "type": kind, "param": None, "code": code}}, headers=headers
    )


def _frame(data: Any) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f"data: {text}\n\n".encode()
