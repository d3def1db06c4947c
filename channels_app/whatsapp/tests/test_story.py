"""Conversations over WhatsApp from the webhook to the ticket and back, with all that may go wrong on the way."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from channels_app import subscribers
from channels_app.models import Channel, InboundEvent
from channels_app.registry import adapter_for, channel_info
from channels_app.services import delivery
from channels_app.services.channels import connect_channel, disconnect_channel
from channels_app.services.inbound import drain_channel
from channels_app.services.media import fetch_attachment
from channels_app.services.templates import is_window_closed
from omnisupport.lib.errors import NotAuthenticated
from tenants.events.models import Event
from tests.servers import until
from tests.standins.server import Answer
from tests.standins.whatsapp import ACCOUNT, APP_SECRET, NUMBER, OLEG, OLEG_ID, TOKEN, WhatsAppStandIn, error, signature
from tests.standins.whatsapp_gateways import FlatStandIn
from tickets.models import Attachment, Author, Contact, ContactAddress, Message, Ticket
from tickets.services.delivery import retry_message
from tickets.services.post import post_message

FIXTURES = Path(__file__).parent.parent / "fixtures"


def make_channel() -> Channel:
    config = {"phone_number_id": NUMBER, "waba_id": ACCOUNT}
    secrets = {"access_token": TOKEN, "app_secret": APP_SECRET}
    return Channel.objects.create(kind="whatsapp", name="WA", external_id=NUMBER, config=config, secrets=secrets)


class InProcess(WhatsAppStandIn):
    """Its webhooks go through verification into the ledger of this very test, as the ingress would put them."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self.channel, self.adapter = channel, adapter_for(channel)
        self.webhook = self.adapter.channel.webhook_url
        self.waiting: list[tuple[str, bytes]] = []

    def call(self, body: bytes, headers: Any) -> Any:
        self.adapter.verify({name.lower(): value for name, value in headers.items()}, body)
        self.waiting.append((self.adapter.event_key({}, body), body))

    def drain(self) -> None:
        for key, body in self.waiting:
            InboundEvent.objects.get_or_create(channel=self.channel, event_key=key, defaults={"body": body})
        self.waiting.clear()
        drain_channel(self.channel.id)


class Gateway(InProcess, FlatStandIn):
    pass


@pytest.fixture
def whatsapp(shop, settings):
    shop.channel = make_channel()
    with InProcess(shop.channel) as number:
        settings.WHATSAPP_API_URL = number.url
        yield number


def answer(shop, text: str = "Здравствуйте", **fields: Any) -> Message:
    """An agent answers in the only conversation, and the worker sends it."""
    ticket = Ticket.objects.get()
    message = post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=shop.agent, **fields)
    delivery.deliver_chat(ticket.address_id)
    message.refresh_from_db()
    return message


def state(message: Message) -> str:
    message.refresh_from_db()
    return message.delivery


# ---- Through the running server --------------------------------------------------------------------------------------


@pytest.fixture
def live(live_shop, web, settings):
    with WhatsAppStandIn() as number:
        settings.WHATSAPP_API_URL = number.url
        number.channel = make_channel()  # type: ignore[attr-defined]
        number.webhook = channel_info(number.channel).webhook_url  # type: ignore[attr-defined]
        number.connect_to = f"http://127.0.0.1:{web.port}"
        yield number


def test_every_fixture_goes_from_the_webhook_to_one_ticket(live):
    for path in sorted(FIXTURES.glob("*.json")):
        body = path.read_bytes()
        for _again in range(2):
            assert live.call(body, {"X-Hub-Signature-256": signature(body)}).status_code == 200
        assert live.call(body + b" ", {"X-Hub-Signature-256": signature(body)}).status_code == 401
    assert InboundEvent.objects.count() == 15
    drain_channel(live.channel.id)
    assert not InboundEvent.objects.filter(state="failed").exists()
    address = ContactAddress.objects.get()
    assert (address.address, address.alias, address.contact.name) == (OLEG, OLEG_ID, "Олег Дёмин")
    assert Ticket.objects.count() == 1
    messages = Message.objects.filter(author=Author.CONTACT)
    assert messages.count() == 11 and Attachment.objects.count() == 5
    assert messages.get(external_id__endswith="80001AA==").text == "Здравствуйте, когда доставка заказа 881?"
    assert messages.get(external_id__endswith="80002AA==").deleted_at


def test_connecting_brings_the_webhook_here_by_itself(live, settings):
    settings.PUBLIC_URL_REACHABLE = True
    url, live.webhook = live.webhook, "https://elsewhere.example/"
    channel = connect_channel(live.channel.id)
    assert (channel.health, channel.external_id) == ("ok", NUMBER)
    assert "brings the messages" in channel.health_note
    assert live.webhook == url and live.apps
    said = live.message("привет")
    # In the first second the ingress may know the channel as it was; WhatsApp calls again until it is heard.
    until(lambda: live.deliver(said).is_success, 10, "the webhook takes it")
    drain_channel(live.channel.id)
    assert Message.objects.get().text == "привет"
    disconnect_channel(live.channel.id)
    assert live.webhook == "" and live.apps


def test_a_challenge_is_answered_with_nothing_but_itself(live, web, live_shop):
    path = f"/hooks/whatsapp/{live.channel.id}/"
    token = adapter_for(live.channel).setup_values()["verify_token"]
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
    with web.client(live_shop) as http:
        good, wrong, bare = (http.get(path, params=q) for q in (query, {**query, "hub.verify_token": "x"}, {}))
    assert (good.status_code, good.content) == (200, b"1158201444")
    assert good.headers["content-type"].startswith("text/plain")
    assert (wrong.status_code, bare.status_code) == (403, 405)


@pytest.fixture
def woken(monkeypatch):
    """The tasks that subscribers have asked for."""
    found: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr(subscribers, "wake", lambda task, *args, **_options: found.append((task.__name__, args)))
    return found


def tell_of(message: Message) -> None:
    event = Event.objects.filter(type="message.posted", payload__message_id=str(message.id)).get()
    subscribers.show_that_it_was_read(event)


# ---- In ----------------------------------------------------------------------------------------------------------------


def test_the_same_message_in_other_bytes_is_one(whatsapp):
    value = whatsapp.message("раз")
    whatsapp.deliver(value)
    whatsapp.deliver({**value, "contacts": []})
    whatsapp.deliver(value, whatsapp.message("два"))
    whatsapp.drain()
    assert list(Message.objects.order_by("id").values_list("text", flat=True)) == ["раз", "два"]
    assert InboundEvent.objects.count() == 2


def test_a_message_of_nobody_leaves_the_others_of_its_batch(whatsapp):
    lost = whatsapp.message("?", phone="", user_id="")
    whatsapp.deliver(lost, whatsapp.message("слышно?"))
    whatsapp.drain()
    assert Message.objects.get().text == "слышно?"
    event = InboundEvent.objects.get()
    assert event.state == "failed" and "whose" in event.error


def test_two_numbers_of_one_app_may_share_its_address(whatsapp):
    second = Channel.objects.create(kind="whatsapp", name="Second", external_id="345678901234999")
    value = whatsapp.message("во второй")
    value["metadata"] = {"phone_number_id": second.external_id}
    stranger = whatsapp.message("никому")
    stranger["metadata"] = {"phone_number_id": "1"}
    whatsapp.deliver(value, stranger, whatsapp.message("в первый"))
    whatsapp.drain()
    places = Message.objects.order_by("text").values_list("text", "address__channel__name")
    assert list(places) == [("в первый", "WA"), ("во второй", "Second")]


def test_a_status_that_names_nobody_finds_its_message(whatsapp, shop):
    whatsapp.customer_says("?")
    whatsapp.drain()
    message = answer(shop)
    bare = {"id": message.external_id, "status": "failed", "timestamp": "1790100011", "errors": [{"code": 131049}]}
    whatsapp.deliver(whatsapp.value(statuses=[bare]))
    whatsapp.drain()
    assert state(message) == "failed"


def test_an_advertisement_is_shown_with_what_it_brought(whatsapp, shop):
    referral = {"source_url": "https://fb.example/ad", "source_type": "ad", "headline": "Скидка <b>"}
    whatsapp.customer_says(type="text", text={"body": "хочу"}, referral=referral)
    whatsapp.drain()
    page = shop.client(shop.admin).get(f"/inbox/{Ticket.objects.get().number}/").content.decode()
    assert "https://fb.example/ad" in page and "Скидка &lt;b&gt;" in page


def test_number_and_id_are_one_person_whichever_comes_first(whatsapp):
    whatsapp.customer_says("по имени", phone="")
    whatsapp.customer_says("с номером")
    whatsapp.customer_says("снова по имени", phone="")
    whatsapp.drain()
    assert Ticket.objects.count() == Contact.objects.count() == 1
    address = ContactAddress.objects.get()
    assert {address.address, address.alias} == {OLEG, OLEG_ID}


def test_a_new_number_goes_on_in_the_same_conversation(whatsapp):
    whatsapp.customer_says("старый номер")
    system = {"type": "user_changed_number", "wa_id": "79991112233", "user_id": "RU.new", "previous_user_id": OLEG_ID}
    whatsapp.customer_says(type="system", system=system)
    whatsapp.customer_says("новый номер", phone="79991112233", user_id="")
    whatsapp.customer_says("и без номера", phone="", user_id="RU.new")
    whatsapp.drain()
    assert Ticket.objects.get().messages.count() == 3


def test_a_voice_is_fetched_and_kept(whatsapp):
    whatsapp.customer_sends("audio", b"OggS voice", "audio/ogg; codecs=opus", voice=True)
    whatsapp.drain()
    voice = Attachment.objects.get()
    fetch_attachment(voice.id)
    voice.refresh_from_db()
    assert (voice.state, voice.kind) == ("ready", "voice")
    with default_storage.open(voice.file.name) as kept:
        assert kept.read() == b"OggS voice"


def test_a_file_that_never_comes_is_marked(whatsapp):
    whatsapp.customer_sends("document", b"%PDF", "application/pdf", filename="акт.pdf")
    whatsapp.drain()
    whatsapp.media.clear()
    act = Attachment.objects.get()
    fetch_attachment(act.id)
    act.refresh_from_db()
    assert act.state == "failed" and act.error


def test_a_reaction_stands_on_our_message_and_goes_again(whatsapp, shop):
    whatsapp.customer_says("спасибо?")
    whatsapp.drain()
    message = answer(shop)
    for emoji in ("🙏", ""):
        reaction = {"message_id": message.external_id, "emoji": emoji}
        whatsapp.customer_says(type="reaction", reaction=reaction)
        whatsapp.drain()
        message.refresh_from_db()
        assert message.content["reactions"] == ([emoji] if emoji else [])


def test_what_was_written_on_the_phone_stands_in_the_conversation(whatsapp, shop):
    whatsapp.customer_says("есть кто?")
    whatsapp.drain()
    ours = answer(shop, "минуту")
    echo = {
        "from": "74950001122",
        "to": OLEG,
        "timestamp": "1790100011",
        "type": "text",
        "text": {"body": "я на складе"},
    }
    again = {**echo, "id": ours.external_id}
    whatsapp.deliver(whatsapp.value(message_echoes=[{**echo, "id": "wamid.PHONE"}, again]), field="smb_message_echoes")
    whatsapp.drain()
    texts = Message.objects.filter(author=Author.AGENT).order_by("id").values_list("text", flat=True)
    assert list(texts) == ["минуту", "я на складе"]


def test_a_flat_gateway_brings_the_same_conversation(shop, settings):
    config = {"provider": "on-premises", "webhook_check": "token"}
    secrets = {"access_token": TOKEN, "verify_token": "vt-demo"}
    channel = Channel.objects.create(kind="whatsapp", name="Flat", external_id="flat", config=config, secrets=secrets)
    with Gateway(channel) as gateway:
        settings.WHATSAPP_API_URL = gateway.url
        gateway.flat(gateway.message("есть кран?", user_id=""), {"X-Verify-Token": "vt-demo"})
        with pytest.raises(NotAuthenticated):
            gateway.flat(gateway.message("подделка"), {"X-Verify-Token": "other"})
        gateway.drain()
        message = answer(shop, "Есть")
        gateway.flat(
            gateway.value(statuses=[gateway.status(message.external_id, "read")]), {"X-Verify-Token": "vt-demo"}
        )
        gateway.drain()
        assert state(message) == "read" and Message.objects.count() == 2


# ---- Out ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def chat(whatsapp):
    whatsapp.customer_says("Где мой заказ?")
    whatsapp.drain()


def test_a_conversation_both_ways(whatsapp, shop, chat):
    buttons = [{"text": "Да", "value": "yes"}, {"text": "Нет", "value": "no"}]
    message = answer(shop, "Привезти сегодня?", content={"buttons": buttons})
    assert (message.delivery, message.external_id) == ("sent", whatsapp.sent[0]["id"])
    whatsapp.customer_presses("Да")
    whatsapp.drain()
    pressed = Message.objects.get(text="Да")
    assert pressed.reply_to == message and pressed.content["button"] == "yes"
    answer(shop, "Едем")
    assert [sent["type"] for sent in whatsapp.sent] == ["interactive", "text"]


@pytest.mark.parametrize(
    "states", [("sent", "delivered", "read"), ("read", "delivered", "sent", "read"), ("played", "sent")]
)
def test_states_only_move_forward_in_whatever_order_they_come(whatsapp, shop, chat, states):
    message = answer(shop)
    for told in states:
        whatsapp.report(message.external_id, told)
        whatsapp.drain()
    assert state(message) == "read"
    whatsapp.report(message.external_id, "failed", code=131000)
    whatsapp.drain()
    assert state(message) == "read"


def test_a_status_may_come_before_the_answer_that_was_lost(whatsapp, shop, chat):
    whatsapp.script(lambda request: whatsapp.take(request.json) and Answer(raw=[]), path="/messages")
    message = answer(shop)
    assert message.delivery == "uncertain" and not message.external_id
    whatsapp.report(whatsapp.sent[0]["id"], "delivered")
    whatsapp.drain()
    assert state(message) == "delivered" and message.external_id == whatsapp.sent[0]["id"]


def test_what_fails_later_says_why_and_leaves_again(whatsapp, shop, chat):
    whatsapp.fails_with[OLEG] = 131047
    message = answer(shop)
    whatsapp.drain()
    assert state(message) == "failed" and "template" in message.delivery_error
    whatsapp.fails_with.clear()
    assert retry_message(message.id)
    delivery.deliver_chat(message.address_id)
    assert state(message) == "sent" and message.external_id == whatsapp.sent[-1]["id"]


def test_a_window_that_whatsapp_calls_closed_is_closed_until_the_customer_writes(whatsapp, shop, chat):
    def is_closed() -> bool:
        return is_window_closed("whatsapp", ContactAddress.objects.get())

    ContactAddress.objects.update(last_inbound_at=timezone.now() - timedelta(hours=20))
    assert not is_closed()
    whatsapp.script(error(131047), path="/messages")
    assert answer(shop).delivery == "failed" and is_closed()
    whatsapp.customer_says("я тут")
    whatsapp.drain()
    assert not is_closed()


def test_who_cannot_be_reached_is_marked_until_they_write(whatsapp, shop, chat):
    whatsapp.fails_with[OLEG] = 131026
    answer(shop)
    whatsapp.drain()
    assert ContactAddress.objects.get().unreachable_reason
    whatsapp.customer_says("я снова тут")
    whatsapp.drain()
    assert not ContactAddress.objects.get().unreachable_reason


def test_a_pause_of_one_customer_is_not_everybodys(whatsapp, shop, chat):
    whatsapp.script(error(131056), path="/messages")
    message = answer(shop)
    assert message.delivery == "queued" and message.due_at > timezone.now() + timedelta(seconds=10)
    whatsapp.channel.refresh_from_db()
    assert whatsapp.channel.paused_until is None
    whatsapp.script(error(130429), path="/messages")
    Message.objects.update(due_at=None)
    delivery.deliver_chat(Ticket.objects.get().address_id)
    whatsapp.channel.refresh_from_db()
    assert whatsapp.channel.paused_until is not None


def test_a_token_that_ended_breaks_the_channel(whatsapp, shop, chat):
    whatsapp.token = "another"
    message = answer(shop)
    whatsapp.channel.refresh_from_db()
    assert message.delivery == "failed" and whatsapp.channel.health == "broken"


def test_after_a_day_only_a_template_leaves(whatsapp, shop, chat):
    ContactAddress.objects.update(last_inbound_at=timezone.now() - timedelta(hours=25))
    assert answer(shop, "поздно").delivery == "failed" and whatsapp.sent == []
    body = {"type": "BODY", "text": "Заказ {{1}} готов"}
    whatsapp.templates = [{"id": "1", "name": "ready", "language": "ru", "status": "APPROVED", "components": [body]}]
    template = {"name": "ready", "language": "ru", "variables": {"1": "881"}}
    assert answer(shop, "Заказ 881 готов", content={"template": template}).delivery == "sent"
    assert whatsapp.sent[0]["type"] == "template"


def test_whoever_is_answered_sees_that_they_were_read(whatsapp, shop, chat, woken):
    wamid = Message.objects.get().external_id
    for text in ("Здравствуйте", "И ещё"):
        tell_of(answer(shop, text))
    note = post_message(
        ticket_id=Ticket.objects.get().id, client_id=uuid.uuid4(), text="для своих", user=shop.agent, kind="note"
    )
    tell_of(note)
    [(_name, args)] = [one for one in woken if one[0] == "mark_read"]
    assert args[-1] == wamid
    adapter_for(whatsapp.channel).mark_read(*args[1:])
    assert whatsapp.marks[-1]["message_id"] == wamid
