"""`FAKE_PROVIDERS=1 make run`: a developer writes as a customer of every messenger on the playground's page and is answered."""

import json
import os
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from omnisupport.demo.playground import add_playground_channels
from omnisupport.embedded import StartError
from omnisupport.embedded.playground import is_wanted, start_playground
from omnisupport.embedded.processes import stop_all
from tests.cast import Workspace
from tests.servers import Process, free_port, test_environment, until, wait_for_port, web_process, worker_process
from tickets.models import Delivery, Message
from tickets.services.post import post_message

HEADER = {"X-Playground": "1"}


@dataclass
class Playground:
    page: httpx.Client
    told: dict[str, Any]

    def services(self) -> dict[str, Any]:
        return {service["kind"]: service for service in self.page.get("/state").json()["services"]}

    def chat(self, kind: str) -> dict[str, Any]:
        return self.services()[kind]["chats"][0]

    def do(self, kind: str, verb: str, **data: Any) -> None:
        answer = self.page.post(f"/{kind}/{verb}", json={"chat": self.chat(kind)["id"], **data})
        assert answer.status_code == 200, answer.text

    def answers(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.chat(kind)["lines"] if not line["mine"]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def playground(tmp_path: Path, port: int) -> Iterator[Playground]:
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "PORT": str(port)}
    process = Process([sys.executable, "-m", "tests.standins"], tmp_path / "standins.log", environment).start()
    try:
        until((tmp_path / "standins.json").is_file, 30, process.tail())
        told = json.loads((tmp_path / "standins.json").read_text(encoding="utf-8"))
        with httpx.Client(base_url=told["page"], headers=HEADER, timeout=20) as page:
            yield Playground(page, told)
    finally:
        process.stop()


@pytest.fixture
def shop_on_it(
    playground: Playground, live_shop: Workspace, port: int, settings: Any, tmp_path: Path
) -> Iterator[Workspace]:
    """A workspace whose channels lead to the playground, with web and worker at work."""
    pointers = {**playground.told["environment"], "OUTBOUND_ALLOWED_HOSTS": ",".join(playground.told["hosts"])}
    for name, value in playground.told["environment"].items():
        setattr(settings, name, value)
    settings.DATA_DIR, settings.PUBLIC_PORT = tmp_path, port
    processes = [web_process(port, tmp_path, **pointers).start(), worker_process(tmp_path, **pointers).start()]
    try:
        wait_for_port(processes[0], port)
        add_playground_channels()
        yield live_shop
    finally:
        for process in processes:
            process.stop()


def test_a_customer_of_every_messenger_is_answered(playground, shop_on_it):
    messengers = [kind for kind, service in playground.services().items() if "chats" in service]
    assert {"max", "telegram", "viber", "whatsapp"} <= set(messengers)
    for kind in messengers:
        playground.do(kind, "say", text="Позовите человека")
    for kind in messengers:
        until(lambda kind=kind: playground.answers(kind), 40, f"an answer in {kind}")


def test_buttons_edits_receipts_and_a_lost_answer(playground, shop_on_it):
    playground.do("telegram", "say", text="Где заказ?")
    asked = until(lambda: Message.objects.filter(text="Где заказ?").first(), 90)
    line = playground.chat("telegram")["lines"][0]["id"]
    playground.do("telegram", "edit", line=line, text="Где мой заказ?")
    until(lambda: Message.objects.get(id=asked.id).text == "Где мой заказ?")

    def reply(text: str, buttons: list[dict[str, str]] | None = None) -> Message:
        content = {"buttons": buttons} if buttons else {}
        ticket, user = asked.ticket_id, shop_on_it.agent
        return post_message(ticket_id=ticket, client_id=uuid.uuid4(), text=text, user=user, content=content)

    reply("Какой город?", [{"text": "Казань", "value": "kazan"}])
    shown = until(lambda: next((a for a in playground.answers("telegram") if a["buttons"]), None), 40)
    playground.do("telegram", "press", value=shown["buttons"][0]["value"])
    until(lambda: Message.objects.filter(text="Казань").exists())

    playground.do("telegram", "fault", fault="lost", count=1)
    doubtful = reply("Уже в пути")
    until(lambda: Message.objects.get(id=doubtful.id).delivery == Delivery.UNCERTAIN, 40)
    assert [answer["text"] for answer in playground.answers("telegram")].count("Уже в пути") == 1

    playground.do("whatsapp", "receipts", state="read")
    playground.do("whatsapp", "say", text="Позовите человека")
    until(lambda: Message.objects.filter(ticket__channel__kind="whatsapp", delivery=Delivery.READ).exists(), 40)


def test_only_this_page_may_speak_for_customers(playground):
    chat = {"chat": playground.chat("telegram")["id"], "text": "Привет"}
    assert httpx.post(f"{playground.told['page']}/telegram/say", json=chat).status_code == 403
    assert playground.page.get("/", headers={"Host": "evil.example"}).status_code == 403
    assert playground.page.post("/telegram/deliver", json=chat).status_code == 400
    assert playground.chat("telegram")["lines"] == []


@pytest.mark.parametrize(
    ("languages", "word"), [("ru-RU,ru;q=0.9", "Полигон"), ("de, en;q=0.5", "Playground"), ("", "Playground")]
)
def test_the_page_speaks_the_browsers_language(playground, languages, word):
    page = playground.page.get("/", headers={"Accept-Language": languages})
    assert f"<h1>{word}</h1>" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]


def test_the_run_is_pointed_at_it_and_finds_it_again(tmp_path):
    env = test_environment(DATA_DIR=str(tmp_path), PORT=str(free_port()), OUTBOUND_ALLOWED_HOSTS="models.example:8080")
    pointers = []
    for _run in range(2):
        child, found = start_playground(env, tmp_path)
        stop_all([child], grace=3)
        pointers.append(found)
    assert pointers[0] == pointers[1]
    assert pointers[0]["OUTBOUND_ALLOWED_HOSTS"].startswith("models.example:8080,127.0.0.1:")
    assert pointers[0].keys() >= {
        "TELEGRAM_API_URL",
        "WHATSAPP_API_URL",
        "MAX_API_URL",
        "VIBER_API_URL",
        "GIGACHAT_API_URL",
    }


def test_never_in_production():
    assert not is_wanted({}) and not is_wanted({"FAKE_PROVIDERS": "false"}) and is_wanted({"FAKE_PROVIDERS": "1"})
    with pytest.raises(StartError, match="FAKE_PROVIDERS"):
        is_wanted({"FAKE_PROVIDERS": "1", "ENVIRONMENT": "production"})
