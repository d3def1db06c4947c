"""What providers tell besides messages: reactions, receipts, read marks, echoes of the company's own app, changed numbers."""

import uuid
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from channels_app.base import (
    AddressChanged,
    DeletedMessage,
    Echo,
    EditedMessage,
    Incoming,
    MessageReceived,
    Profile,
    Reaction,
    ReadUpTo,
    Receipt,
)
from channels_app.models import Channel
from channels_app.services.inbound import apply_result
from tickets.models import Contact, ContactAddress, Message, Ticket
from tickets.services.post import post_message


def writes(shop, address: str, external_id: str, text: str = "привет", **profile) -> None:
    apply_result(
        shop.channel, MessageReceived(address, Profile(**profile), Incoming(external_id=external_id, text=text))
    )


def say(shop, ticket) -> Message:
    return post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Здравствуйте", user=shop.agent)


def test_number_and_scoped_id_are_one_person_whichever_comes(shop):
    writes(shop, "79990001122", "1", name="Марина")
    writes(shop, "79990001122", "2", alias="RU.abc")
    writes(shop, "RU.abc", "3")
    writes(shop, "RU.abc", "4", alias="79990001122")
    row = ContactAddress.objects.get()
    assert (row.address, row.alias) == ("79990001122", "RU.abc")
    assert Contact.objects.count() == Ticket.objects.count() == 1 and Message.objects.count() == 4


def test_the_second_name_can_come_first(shop):
    writes(shop, "RU.abc", "1")
    writes(shop, "79990001122", "2", alias="RU.abc")
    row = ContactAddress.objects.get()
    assert (row.address, row.alias) == ("RU.abc", "79990001122")


def test_two_that_turn_out_to_be_one_person_stay_apart_and_lose_nothing(shop):
    writes(shop, "79990001122", "1")
    writes(shop, "RU.abc", "2")
    writes(shop, "79990001122", "3", alias="RU.abc")
    assert ContactAddress.objects.count() == 2 and Message.objects.count() == 3


def test_a_changed_number_goes_on_in_the_same_conversation(shop):
    writes(shop, "79990001122", "1")
    apply_result(shop.channel, AddressChanged("79990001122", "79995556677"))
    writes(shop, "79995556677", "2")
    assert Ticket.objects.count() == 1
    apply_result(shop.channel, AddressChanged("79995556677", "79995556677"))
    assert ContactAddress.objects.get().address == "79995556677"


def test_reactions_come_and_go(shop):
    message = say(shop, shop.customer_writes(external_id="1").ticket)
    Message.objects.filter(id=message.id).update(external_id="m1", delivery="sent")
    apply_result(shop.channel, Reaction("visitor-1", "m1", "👍"))
    message.refresh_from_db()
    assert message.content["reactions"] == ["👍"]
    apply_result(shop.channel, Reaction("visitor-1", "m1", ""))
    apply_result(shop.channel, Reaction("visitor-1", "unknown", "👍"))
    message.refresh_from_db()
    assert message.content["reactions"] == []


def test_a_receipt_may_come_before_the_answer_to_the_send(shop):
    message = say(shop, shop.customer_writes().ticket)
    Message.objects.filter(id=message.id).update(delivery="sending")
    apply_result(shop.channel, Receipt("visitor-1", "m1", "delivered", key=message.client_id))
    apply_result(shop.channel, Receipt("visitor-1", "m1", "sent"))
    message.refresh_from_db()
    assert (message.delivery, message.external_id) == ("delivered", "m1")


def test_reading_one_reads_all_before_it_and_failures_come_too_late(shop):
    ticket = shop.customer_writes().ticket
    first, second, third = say(shop, ticket), say(shop, ticket), say(shop, ticket)
    for number, message in enumerate((first, second, third)):
        Message.objects.filter(id=message.id).update(delivery="sent", external_id=f"m{number}")
    apply_result(shop.channel, ReadUpTo("visitor-1", "m1"))
    apply_result(shop.channel, Receipt("visitor-1", "m0", "failed", "too late"))
    assert list(Message.objects.exclude(author="contact").order_by("id").values_list("delivery", flat=True)) == [
        "read", "read", "sent",
    ]  # fmt: skip


def test_what_the_company_wrote_past_us_is_an_agents_message_and_stops_the_assistant(shop):
    ticket = shop.customer_writes(assign_to=shop.assistant.id).ticket
    echo = Echo("visitor-1", Profile(), Incoming(external_id="e1", text="Отвечу сам"))
    apply_result(shop.channel, echo)
    apply_result(shop.channel, echo)
    message = Message.objects.get(author="agent")
    assert (message.text, message.delivery, message.user) == ("Отвечу сам", "sent", None)
    ticket.refresh_from_db()
    assert ticket.human_replied and ticket.assignee is None and ticket.waiting_since is None


def test_the_echo_of_our_own_message_confirms_it(shop):
    message = say(shop, shop.customer_writes().ticket)
    Message.objects.filter(id=message.id).update(delivery="uncertain")
    apply_result(
        shop.channel, Echo("visitor-1", Profile(), Incoming(external_id="m1", text="…"), key=message.client_id)
    )
    message.refresh_from_db()
    assert (message.delivery, message.external_id) == ("sent", "m1")
    assert Message.objects.filter(author="agent").count() == 1


def test_edits_and_deletions_find_the_person_by_either_name(shop):
    writes(shop, "79990001122", "1", alias="RU.abc")
    apply_result(shop.channel, EditedMessage("RU.abc", Profile(), Incoming(external_id="1", text="исправлено")))
    apply_result(shop.channel, DeletedMessage("RU.abc", "1"))
    message = Message.objects.get()
    assert message.text == "исправлено" and message.deleted_at is not None


def test_an_echo_that_brings_only_a_hash_of_our_key_is_known(shop):
    writes(shop, "visitor-1", "1")
    message = say(shop, Ticket.objects.get())
    Message.objects.filter(id=message.id).update(delivery="sending")

    def echoed(external_id: str, key: uuid.UUID, **parts) -> list[tuple[str, str]]:
        echo = Echo(
            "visitor-1", Profile(), Incoming(external_id=external_id, text="…"), is_of=lambda own: own == key, **parts
        )
        apply_result(shop.channel, echo)
        return list(Message.objects.filter(author="agent").order_by("id").values_list("delivery", "external_id"))

    assert echoed("m1", message.client_id, is_whole=False) == [("sending", "")]
    assert echoed("m2", message.client_id) == [("sent", "m2")]
    assert echoed("m3", uuid.uuid4()) == [("sent", "m2"), ("sent", "m3")]


def edit(address: str, external_id: str, text: str, at: datetime) -> EditedMessage:
    return EditedMessage(address, Profile(), Incoming(external_id=external_id, text=text), edited_at=at)


def test_edits_in_the_wrong_order_leave_the_last_words(shop):
    noon = timezone.now()
    writes(shop, "7", "1", "первое")
    apply_result(shop.channel, edit("7", "1", "третье", noon))
    apply_result(shop.channel, edit("7", "1", "второе", noon - timedelta(minutes=1)))
    assert Message.objects.get().text == "третье"


def test_an_edit_before_its_original_is_the_message(shop):
    noon = timezone.now()
    apply_result(shop.channel, edit("7", "1", "третье", noon))
    apply_result(shop.channel, edit("7", "1", "второе", noon - timedelta(minutes=1)))
    writes(shop, "7", "1", "первое")
    message = Message.objects.get()
    assert (message.text, message.edited_at) == ("третье", noon)


def test_a_deletion_and_a_reaction_may_come_before_their_message(shop):
    writes(shop, "7", "1")
    apply_result(shop.channel, DeletedMessage("7", "2"))
    apply_result(shop.channel, Reaction("7", "3", "🔥"))
    writes(shop, "7", "2")
    writes(shop, "7", "3")
    assert Message.objects.get(external_id="2").deleted_at
    assert Message.objects.get(external_id="3").content["reactions"] == ["🔥"]
    assert ContactAddress.objects.get().details["early"] == {}


def test_a_piece_of_a_long_answer_can_be_quoted_and_reacted_to(shop):
    writes(shop, "7", "1")
    ours = say(shop, Ticket.objects.get())
    Message.objects.filter(id=ours.id).update(external_id="50", content={"sent_parts": ["50", "51"]})
    quoting = Incoming(external_id="2", text="про это", reply_to_external_id="51")
    apply_result(shop.channel, MessageReceived("7", Profile(), quoting))
    apply_result(shop.channel, Reaction("7", "51", "👍"))
    assert Message.objects.get(external_id="2").reply_to_id == ours.id
    ours.refresh_from_db()
    assert ours.content["reactions"] == ["👍"]


def test_what_the_company_changed_in_the_messenger_is_changed_here(shop):
    writes(shop, "7", "1")
    first = Incoming(external_id="9", text="в пять")
    apply_result(shop.channel, Echo("7", Profile(), first))
    for text in ("в шесть", "в шесть"):
        changed = Incoming(external_id="9", text=text)
        apply_result(shop.channel, Echo("7", Profile(), changed, edited_at=timezone.now()))
    message = Message.objects.get(external_id="9")
    assert (message.text, [edit["text"] for edit in message.content["edits"]]) == ("в шесть", ["в пять"])
    unknown = Incoming(external_id="10", text="впервые")
    apply_result(shop.channel, Echo("7", Profile(), unknown, edited_at=timezone.now()))
    assert Message.objects.get(external_id="10").text == "впервые"


@pytest.mark.parametrize(
    ("kind", "verified"),
    [
        ("telegram", True),
        ("whatsapp", True),
        ("vk", True),
        ("max", True),
        ("viber", True),
        ("api", True),
        ("email", False),
    ],
)
def test_messengers_vouch_for_who_writes_and_letters_do_not(shop, kind, verified):
    channel = Channel.objects.create(kind=kind, name=kind, config={})
    # What the person says of themselves counts for nothing.
    profile = Profile(name="Марина", details={"facts": {"verified": True}})
    apply_result(channel, MessageReceived("77", profile, Incoming(external_id="m1", text="Где мой заказ?")))
    assert ContactAddress.objects.get(address="77").is_verified is verified
