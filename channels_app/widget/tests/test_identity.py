"""A customer who is logged in on the company's site is the same person on all devices; nobody becomes them by their own word."""

import time
from typing import Any

import jwt
import pytest

from ai_assistant.services.customers import customer_of
from channels_app.services.channels import renew_secret
from channels_app.widget.tests.test_widget import Visitor
from tickets.models import Contact, ContactAddress, Message, Ticket

ID = "order-desk|42"


@pytest.fixture
def secret(shop) -> str:
    return renew_secret(shop.channel.id)


@pytest.fixture
def sign(shop, secret):
    def make(key: str = secret, **claims: Any) -> str:
        now = int(time.time())
        return jwt.encode({"aud": str(shop.channel.id), "sub": ID, "exp": now + 600, **claims}, key, "HS256")

    return make


def identify(visitor: Visitor, token: str) -> Any:
    answer = visitor.post("session/", {"identity": token})
    if answer.status_code == 200:
        visitor.token = answer.json()["token"]
    return answer


def test_one_conversation_on_all_devices_with_the_name_that_the_company_gave(shop, sign):
    laptop, phone = Visitor(shop), Visitor(shop)
    identify(laptop, sign(name="Марина Ковальчук", email="marina@shop.example", attributes={"plan": "gold"}))
    laptop.say("Где заказ 1042?")
    seen = identify(phone, sign()).json()["messages"]
    assert [message["text"] for message in seen] == ["Где заказ 1042?"]
    phone.say("И ещё вопрос")
    ticket = Ticket.objects.get()
    assert (ticket.contact.name, ticket.contact.email, ticket.address.address) == (
        "Марина Ковальчук", "marina@shop.example", ID
    )  # fmt: skip
    customer = customer_of(ticket, list(ticket.messages.all()))
    assert customer.is_verified
    assert (customer.facts["customer.address"], customer.facts["customer.attributes.plan"]) == (ID, "gold")


def test_what_was_said_before_the_log_in_goes_on_as_theirs(shop, sign):
    visitor = Visitor(shop)
    visitor.say("Вопрос до входа")
    assert [m["text"] for m in identify(visitor, sign()).json()["messages"]] == ["Вопрос до входа"]
    visitor.say("Вопрос после входа")
    assert Ticket.objects.count() == Contact.objects.count() == 1


@pytest.mark.parametrize(
    "known", [{"email": "boss@shop.example"}, {"phone": "+74951234567"}, {"attributes": {"plan": "gold"}}]
)
def test_words_that_nobody_proved_become_no_proof(shop, sign, known):
    visitor = Visitor(shop)
    visitor.say("Я директор")
    Contact.objects.update(**known)
    assert identify(visitor, sign()).json()["messages"] == []
    visitor.say("Где заказ?")
    named = ContactAddress.objects.select_related("contact").get(address=ID)
    assert (named.contact.email, named.contact.phone, named.contact.attributes) == ("", "", {})
    assert not Message.objects.get(text="Я директор").address.is_verified


def test_the_next_person_at_the_same_computer_sees_nothing_of_the_first(shop, sign):
    visitor = Visitor(shop)
    identify(visitor, sign())
    visitor.say("Секрет первого")
    assert identify(visitor, sign(sub="43")).json()["messages"] == []


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"key": "x" * 43}, "Signature"),
        ({"aud": "00000000-0000-0000-0000-000000000000"}, "aud"),
        ({"exp": int(time.time()) - 120}, "expired"),
        ({"exp": int(time.time()) + 24 * 3600}, "15 minutes"),
        ({"sub": 42}, "Subject"),
        ({"sub": " "}, "sub"),
        ({"email": "no address"}, "email"),
    ],
)
def test_a_word_that_is_not_the_companys_is_refused_with_the_reason(shop, sign, claims, words):
    visitor = Visitor(shop)
    refused = identify(visitor, sign(**claims))
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "identity_refused"
    assert words in refused.json()["error"]["message"]
    assert not ContactAddress.objects.exists()


def test_an_unsigned_token_and_a_chat_without_a_secret_name_nobody(shop, sign):
    visitor = Visitor(shop)
    unsigned = jwt.encode({"aud": str(shop.channel.id), "sub": ID, "exp": int(time.time()) + 60}, "", "none")
    assert identify(visitor, unsigned).status_code == 400
    good = sign()
    shop.channel.refresh_from_db()
    shop.channel.secrets = {}
    shop.channel.save(update_fields=["secrets"])
    assert identify(visitor, good).status_code == 400


def test_a_day_later_the_company_must_name_them_again(shop, sign, monkeypatch):
    visitor = Visitor(shop)
    identify(visitor, sign())
    visitor.say("Где заказ?")
    tomorrow = time.time() + 25 * 3600
    monkeypatch.setattr("channels_app.widget.sessions.time.time", lambda: tomorrow)
    assert visitor.get("messages/").status_code == 401
    assert visitor.say("Ещё раз").status_code == 401


def test_a_stranger_of_another_workspace_cannot_sign_for_this_one(shop, rival, sign):
    with rival.enter():
        foreign = renew_secret(rival.channel.id)
    assert identify(Visitor(shop), sign(key=foreign)).status_code == 400
