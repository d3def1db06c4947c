"""The product's main job, in a real browser and with every real process: ask in the chat, get a cited answer; ask what nobody
wrote down, get a person; the person answers from the inbox; the dashboard has it; another company sees none of it."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from playwright.sync_api import expect

from ai_assistant.services.assistants import ensure_assistant
from channels_app.models import Channel
from knowledge.models import Document
from knowledge.services.documents import add_document
from tests.cast import Workspace
from tests.e2e.conftest import Desk
from tests.servers import LiveServer, beat_process, until, worker_process
from tests.standins.telegram import TOKEN, TelegramStandIn
from tickets.models import Message, Ticket

HTML = "<html><body><h1>Возврат</h1><p>Вернуть байдарку можно в течение 45 дней, если она не была в воде.</p></body></html>"
TEXT = "# Самовывоз\n\nСклад самовывоза находится на улице Причальной, 7 и открыт до 21:00.\n"


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def office(live_shop: Workspace, web: LiveServer, telegram: TelegramStandIn, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with documents, an assistant, and its worker and beat at work."""
    live_shop.channel.first_assignee = ensure_assistant().user
    live_shop.channel.save()
    letter = docx.Document()
    letter.add_heading("Гарантия", 1)
    letter.add_paragraph("На вёсла действует гарантия 18 месяцев со дня покупки.")
    letter.save(str(tmp_path / "garantiya.docx"))
    warranty = (tmp_path / "garantiya.docx").read_bytes()
    for name, body in (("vozvrat.html", HTML.encode()), ("samovyvoz.md", TEXT.encode()), ("garantiya.docx", warranty)):
        add_document(SimpleUploadedFile(name, body), filename=name, user=live_shop.admin)
    processes = [
        worker_process(tmp_path, TELEGRAM_API_URL=telegram.url).start(),
        beat_process(tmp_path, TELEGRAM_API_URL=telegram.url).start(),
    ]
    try:
        until(lambda: Document.objects.filter(state="ready").count() == 3, 90, "three documents are indexed")
        yield live_shop
    finally:
        for process in reversed(processes):
            process.stop()


def test_ask_answer_hand_over_reply_count(office, live_rival, web, chromium):
    visitor, agent = chromium.new_context().new_page(), chromium.new_context().new_page()
    complaints: list[str] = []
    for page in (visitor, agent):
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{message.text} {message.location}") if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
    desk = Desk(agent, office, web).sit(office.agent)

    visitor.goto(web.url(office, "/demo-shop/"))
    visitor.locator("button[aria-haspopup=dialog]").click()
    chat = visitor.frame_locator("iframe")
    composer, log = chat.get_by_role("textbox"), chat.get_by_role("log")
    composer.fill("Сколько дней можно вернуть байдарку?")
    composer.press("Enter")
    expect(log.get_by_text("45 дней").first).to_be_visible(timeout=20_000)
    expect(log.get_by_text("Возврат").first).to_be_visible()

    composer.fill("Продаёте ли вы парашюты?")
    composer.press("Enter")
    expect(log.get_by_text(re.compile("зову человека")).first).to_be_visible(timeout=20_000)

    ticket = Ticket.objects.get()
    # Nobody reloads: the conversation turns up by itself among those that nobody has.
    desk.view("unassigned").open(ticket).write("Парашютов нет, но есть спасательные жилеты.")
    expect(log.get_by_text("спасательные жилеты").first).to_be_visible(timeout=20_000)

    composer.fill("Спасибо, беру жилет!")
    composer.press("Enter")
    expect(agent.get_by_text("Спасибо, беру жилет!").first).to_be_visible(timeout=20_000)

    agent.goto(web.url(office, "/dashboard/"))
    expect(agent.get_by_text("в документах нет ответа")).to_be_visible()
    assert Message.objects.filter(author="assistant", kind="public").count() == 1
    with live_rival.enter():
        assert not Ticket.objects.exists() and not Document.objects.exists()
    assert complaints == []


def test_each_kind_of_document_answers_by_the_api(office, web):
    facts = {"Какая гарантия на вёсла?": "18 месяцев", "Где находится склад самовывоза?": "Причальной, 7"}
    with web.client(office, Authorization=f"Bearer {office.token(office.agent)}") as http:
        for question, fact in facts.items():
            answer: dict[str, Any] = http.post("/api/v1/ask/", json={"question": question}).json()
            assert answer["outcome"] == "answered", answer
            assert fact in answer["text"] and answer["citations"]


def test_a_telegram_update_posted_five_times_is_one_message_and_one_answer(office, web, telegram):
    from concurrent.futures import ThreadPoolExecutor

    from omnisupport.lib.crypto import derive_secret

    bot = Channel.objects.create(
        kind="telegram",
        name="bot",
        external_id="123456789",
        secrets={"token": TOKEN},
        first_assignee=ensure_assistant().user,
    )
    update = telegram.message("Какая гарантия на вёсла?", chat=4471)
    headers = {"X-Telegram-Bot-Api-Secret-Token": derive_secret(f"telegram:{bot.id}")}

    def post(_n: int) -> int:
        with web.client(office, **headers) as http:
            return http.post(f"/hooks/telegram/{bot.id}/", json=update).status_code

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(post, range(5))) == [200] * 5
    until(lambda: telegram.sent, 30, "the bot answers")
    until(lambda: Message.objects.filter(author="assistant", delivery="sent").exists(), 10)
    assert "18 месяцев" in telegram.sent[0]["text"]
    assert len(telegram.sent) == 1
    assert Message.objects.filter(author="contact").count() == 1


def test_a_worker_killed_amid_many_sends_loses_and_doubles_nothing(live_shop, telegram, web, tmp_path):
    """kill -9 in the middle, Redis emptied: every message ends sent once, or uncertain when it was in flight."""
    from django.db.models import Count

    from omnisupport.lib.redis import redis_client
    from tickets.services.post import post_message

    live_shop.channel = Channel.objects.create(kind="telegram", name="bot", external_id="1", secrets={"token": TOKEN})
    tickets = [live_shop.customer_writes(address=str(1000 + n)).ticket for n in range(40)]
    for n in range(200):
        post_message(ticket_id=tickets[n % 40].id, client_id=uuid.uuid4(), text=f"№{n}", user=live_shop.agent)
    first = worker_process(tmp_path / "one", TELEGRAM_API_URL=telegram.url).start()
    until(lambda: len(telegram.sent) > 20, 90, "sending has begun")
    first.kill()
    redis_client().flushall()
    in_flight = Message.objects.filter(delivery="sending").count()
    second = worker_process(tmp_path / "two", TELEGRAM_API_URL=telegram.url).start()
    beat = beat_process(tmp_path / "two", TELEGRAM_API_URL=telegram.url).start()
    try:
        open_states = ["queued", "sending"]
        until(lambda: not Message.objects.filter(delivery__in=open_states).exists(), 120, "everything has an end")
    finally:
        beat.stop()
        second.stop()
    states = dict(Message.objects.exclude(author="contact").values_list("delivery").annotate(Count("id")))
    assert states.get("sent", 0) + states.get("uncertain", 0) == 200
    assert states.get("uncertain", 0) <= in_flight
    texts = [sent["text"] for sent in telegram.sent]
    assert len(texts) == len(set(texts))
    assert len(texts) >= states["sent"]
