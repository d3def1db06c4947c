"""A visitor's question to the first words of its answer in the chat: what we add to the model's own delay and to the two
seconds for which the assistant waits whether the visitor goes on writing.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.fanout import RawClient, p95
from benchmarks.harness import Result, free_port, process, uvicorn_command, wait_for_port
from tests.standins.openai import API_KEY, CHAT_MODEL, OpenAIStandIn
from tests.standins.server import Answer

QUESTIONS, MODEL_SECONDS = 40, 0.5
_TEXT = "# Возврат\n\nВернуть байдарку можно в течение 45 дней, если она не была в воде.\n"
_QUESTION = "Сколько дней можно вернуть байдарку?"


class SlowModel(OpenAIStandIn):
    """Thinks for half a second before its first word."""

    def _chat(self, body: dict[str, Any]) -> Answer:
        answer = super()._chat(body)

        def chunks(given: Any) -> Iterator[bytes]:
            time.sleep(MODEL_SECONDS)
            yield from given

        if answer.chunks is not None:
            answer.chunks = chunks(list(answer.chunks))
        return answer


def run(folder: Path) -> list[Result]:
    from ai_assistant.services.turns import SETTLE

    with SlowModel() as model:
        channel = _workspace()
        port = free_port()
        worker = [
            sys.executable, "-m", "celery", "-A", "omnisupport", "worker", "-P", "threads", "-c", "8", "-l", "ERROR",
            "-Q", "sweeps,inbound,outbound,webhooks,assistant,ingestion,default", "--without-gossip", "--without-mingle",
        ]  # fmt: skip
        environment = {"OUTBOUND_ALLOWED_HOSTS": model.host, "PORT": str(port)}
        with (
            process(uvicorn_command("omnisupport.asgi:application", port), log=folder / "web.log", **environment),
            process(worker, log=folder / "worker.log", QDRANT_PATH=str(folder / "qdrant"), **environment),
        ):
            wait_for_port(port)
            _connect_model(model)
            times = asyncio.run(_ask_all(port, channel))
    own = (SETTLE.total_seconds() + MODEL_SECONDS) * 1000
    added = [found - own for found in times]
    return [
        Result(
            "first words of an answer in the chat over the model's delay, p95", p95(added), "ms", 300,
            details={"median_ms": round(sorted(added)[len(added) // 2]), "questions": len(added)},
        )
    ]  # fmt: skip


def _workspace() -> str:
    from ai_assistant.services.assistants import ensure_assistant
    from channels_app.models import Channel
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace

    create_workspace(slug="words", name="Words", owner_email="o@words.example", owner_password="a long password")
    with tenant_context("t_words"):
        assistant = ensure_assistant()
        channel = Channel.objects.create(
            kind="widget", name="Site", config={}, first_assignee=assistant.user, assistant_mode="answer"
        )
    return str(channel.id)


def _connect_model(model: SlowModel) -> None:
    from django.core.files.base import ContentFile

    from ai_assistant.services.assistants import ensure_assistant
    from knowledge.models import Document
    from knowledge.services.documents import add_document
    from knowledge.tasks import ingest_document_task
    from tenants.db import tenant_context
    from tenants.tasking import wake

    with tenant_context("t_words"):
        assistant = ensure_assistant()
        assistant.provider = "openai_compatible"
        assistant.credentials = {"base_url": model.base_url, "api_key": API_KEY, "model": CHAT_MODEL}
        assistant.save()
        document, _new = add_document(ContentFile(_TEXT.encode(), name="vozvrat.md"), filename="vozvrat.md")
        wake(ingest_document_task, str(document.id))
        deadline = time.monotonic() + 60
        while not Document.objects.filter(state="ready").exists():
            if time.monotonic() > deadline:
                raise TimeoutError("The document was not indexed.")
            time.sleep(0.2)


async def _ask_all(port: int, channel: str) -> list[float]:
    """Milliseconds from the answered POST to the first delta, one visitor after another. The first ones warm all up."""
    return [await _ask(port, channel) for _number in range(QUESTIONS + 3)][3:]


async def _ask(port: int, channel: str) -> float:
    host = f"words.localhost:{port}"
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/widget/{channel}", headers={"Host": host}, timeout=20
    ) as client:
        token = (await client.post("/session/", json={})).json()["token"]
        protocols = {"Sec_WebSocket_Protocol": f"omni.v1, token.{token}", "Origin": f"http://{host}"}
        socket = await RawClient.connect(port, host, "/ws/widget/", **protocols)
        try:
            answer = await client.post(
                "/messages/",
                json={"client_id": str(uuid.uuid4()), "text": _QUESTION},
                headers={"Authorization": f"Visitor {token}"},
            )
            answer.raise_for_status()
            return await asyncio.wait_for(_first_delta(socket, time.perf_counter()), 30)
        finally:
            socket.writer.close()


async def _first_delta(socket: RawClient, asked: float) -> float:
    while True:
        frame = json.loads(await socket.frame())
        if frame["type"] == "delta" and frame["text"]:
            return (time.perf_counter() - asked) * 1000
