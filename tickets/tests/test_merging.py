"""One person over several channels: merged and parted, and one conversation carried from one channel to another."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app.base import ConversationStarted, Incoming, Profile
from channels_app.models import Channel
from channels_app.services.inbound import apply_result
from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from tickets.models import Contact, ContactAddress, ContactMerge, Message, Ticket
from tickets.services.contacts import update_contact
from tickets.services.continuity import make_code, read_code
from tickets.services.merging import merge_contacts, same_person_suggestions, undo_merge
from tickets.services.post import post_message


@pytest.fixture
def two(shop):
    """The same person twice."""
    first, second = shop.customer_writes(address="a").ticket, shop.customer_writes(address="b").ticket
    Contact.objects.filter(id=first.contact_id).update(email="Marina@example.com", attributes={"vip": "yes"})
    Contact.objects.filter(id=second.contact_id).update(
        email="marina@example.com", phone="+79990001122", attributes={"vip": "no", "size": "M"}
    )
    return Contact.objects.get(id=first.contact_id), Contact.objects.get(id=second.contact_id)


def test_the_same_mail_address_is_suggested_and_merged(shop, two):
    kept, gone = two
    assert list(same_person_suggestions(kept)) == [gone]
    merge_contacts(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    kept.refresh_from_db()
    assert (kept.email, kept.phone, kept.attributes) == (
        "Marina@example.com",
        "+79990001122",
        {"vip": "yes", "size": "M"},
    )
    assert kept.addresses.count() == kept.tickets.count() == 2
    assert list(same_person_suggestions(kept)) == []
    ids = {row["id"] for row in shop.client(shop.agent).get("/api/v1/contacts/").json().get("results", [])}
    assert str(gone.id) not in ids


def test_parting_gives_everything_back_but_what_people_changed_since(shop, two):
    kept, gone = two
    merge = merge_contacts(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    Contact.objects.filter(id=kept.id).update(name="Марина Иванова")
    shop.customer_writes("ещё", address="b")
    undo_merge(merge.id, shop.agent)
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.name, kept.phone, kept.attributes) == ("Марина Иванова", "", {"vip": "yes"})
    assert gone.phone == "+79990001122" and gone.merged_into is None
    assert gone.tickets.get().messages.count() == 2 and kept.tickets.count() == 1


def test_after_a_day_it_is_for_good(shop, two):
    merge = merge_contacts(kept_id=two[0].id, gone_id=two[1].id, user=shop.agent)
    ContactMerge.objects.update(created_at=timezone.now() - timedelta(hours=25))
    with pytest.raises(Conflict):
        undo_merge(merge.id, shop.agent)


def test_nonsense_is_refused(shop, two):
    kept, gone = two
    with pytest.raises(InvalidInput):
        merge_contacts(kept_id=kept.id, gone_id=kept.id, user=shop.agent)
    with pytest.raises(NotFound):
        merge_contacts(kept_id=kept.id, gone_id=uuid.uuid4(), user=shop.agent)
    merge_contacts(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    with pytest.raises(NotFound):
        merge_contacts(kept_id=kept.id, gone_id=gone.id, user=shop.agent)


def test_agents_merge_and_part_in_the_panel(shop, two):
    number = two[0].tickets.get().number
    agent = shop.client(shop.agent)
    assert "one person" in agent.get(f"/inbox/{number}/").content.decode()
    agent.post(f"/inbox/{number}/merge/", {"value": str(two[1].id)}, headers={"HX-Request": "true"})
    assert "Part again" in agent.get(f"/inbox/{number}/").content.decode()
    merge = ContactMerge.objects.get()
    agent.post(f"/inbox/{number}/merge/{merge.id}/undo/", headers={"HX-Request": "true"})
    assert not ContactMerge.objects.exists()


# ---- Carried over ----------------------------------------------------------------------------------------------------


@pytest.fixture
def bot(shop):
    return Channel.objects.create(
        kind="telegram", name="bot", external_id="1", health="ok", config={"link": "https://t.me/b"}
    )


def comes_with(bot, code: str, address: str = "77") -> None:
    profile, incoming = Profile(name="Marina T."), Incoming(external_id=uuid.uuid4().hex, text=f"/start {code}")
    apply_result(bot, ConversationStarted(address, profile, incoming, code))


def test_the_conversation_goes_on_in_the_messenger_and_back(shop, bot):
    ticket = shop.customer_writes("Здравствуйте").ticket
    comes_with(bot, make_code(ticket.address))
    ticket.refresh_from_db()
    assert Ticket.objects.count() == 1 and ticket.channel == bot and ticket.address.address == "77"
    assert {row.contact_id for row in ContactAddress.objects.all()} == {ticket.contact_id}
    reply = post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Сюда", user=shop.agent)
    assert reply.address.channel == bot
    shop.customer_writes("Снова с сайта")
    ticket.refresh_from_db()
    assert Ticket.objects.count() == 1 and ticket.channel == shop.channel
    assert Message.objects.filter(ticket=ticket, author="contact").count() == 3


def test_an_agent_may_pick_another_place_of_the_same_person(shop, bot):
    ticket = shop.customer_writes().ticket
    comes_with(bot, make_code(ticket.address))
    site = ContactAddress.objects.get(channel=shop.channel)
    message = post_message(
        ticket_id=ticket.id, client_id=uuid.uuid4(), text="На сайт", user=shop.agent, address_id=site.id
    )
    assert message.address == site
    stranger = shop.customer_writes(address="other").ticket.address_id
    with pytest.raises(InvalidInput):
        post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="?", user=shop.agent, address_id=stranger)


@pytest.mark.parametrize("code", ["", "promo", "c", "cAAAA", "c" + "A" * 38, "c" + "!" * 38, "с" * 60])
def test_any_other_payload_begins_a_conversation_of_its_own(shop, bot, code):
    shop.customer_writes()
    comes_with(bot, code)
    assert Ticket.objects.count() == 2 and Contact.objects.filter(merged_into=None).count() == 2


def test_codes_grow_old_and_are_good_in_one_workspace(shop, rival, monkeypatch):
    from tickets.services import continuity

    with shop.enter():
        code = make_code(shop.customer_writes().ticket.address)
        assert len(code) <= 64 and read_code(code)
    with rival.enter():
        assert read_code(code) is None
    with shop.enter():
        monkeypatch.setattr(continuity.time, "time", lambda: 2e9)
        assert read_code(code) is None


@pytest.mark.parametrize("given", ["8 (916) 123-45-67", "79161234567", "+7 916 123 45 67"])
def test_the_same_phone_is_suggested_however_it_was_spelt(shop, given):
    known = shop.customer_writes(address="a").ticket.contact
    update_contact(known.id, changes={"phone": "+7 (916) 123-45-67"}, actor=shop.agent)
    comes = ConversationStarted("b", Profile(name="Марина И.", phone=given), Incoming("s", "/start"))
    apply_result(shop.channel, comes)
    known.refresh_from_db()
    new = Contact.objects.get(name="Марина И.")
    assert known.phone == new.phone == "+79161234567"
    assert list(same_person_suggestions(new)) == [known]
