"""A letter, the answer, the answer to it: one conversation, and only for those who take part in it."""

import uuid

import pytest

from channels_app.email.tests.scene import ANNA, PAVEL, Office, answer_to, letter, read
from channels_app.models import Channel, InboundEvent
from tests.standins.mailbox import ADDRESS
from tickets.models import Contact, Message, Ticket
from tickets.services.merging import merge_contacts
from tickets.services.tickets import set_status


def test_a_conversation_both_ways(office):
    (question,) = office.get(letter("Где мой заказ?", subject="Заказ 73"))
    ticket = question.ticket
    assert (ticket.subject, str(ticket.contact), ticket.address.address) == ("Заказ 73", "Павел Круглов", PAVEL)
    answer = office.reply(ticket, "Уже везём.")
    assert (answer.delivery, answer.external_id) == ("sent", f"<omni.{answer.client_id.hex}@omni-demo.example>")
    (sent,) = office.sent
    head = read(sent)
    assert (sent.sender, sent.recipient) == (ADDRESS, PAVEL)
    assert head["Subject"] == f"Re: [#{ticket.number}] Заказ 73"
    assert head["In-Reply-To"] == head["References"] == question.external_id
    (thanks,) = office.get(answer_to(sent, "Спасибо!\n\n17.11.2026 11:02, Поддержка пишет:\n> Уже везём."))
    assert (thanks.ticket_id, thanks.text) == (ticket.id, "Спасибо!")
    assert thanks.content["quoted"].endswith("> Уже везём.")
    assert thanks.reply_to_id == answer.id
    office.reply(ticket, "Рады помочь.")
    assert read(office.sent[1])["References"].split() == [question.external_id, answer.external_id, thanks.external_id]
    assert read(office.sent[1])["In-Reply-To"] == thanks.external_id
    assert not InboundEvent.objects.exclude(state="done").exists()


def test_another_subject_is_another_conversation_of_the_same_person(office):
    first, second = office.get(letter("раз", subject="Заказ 73"), letter("два", subject="Заказ 73"))
    assert first.ticket_id != second.ticket_id and first.address_id == second.address_id
    office.reply(first.ticket, "о первом")
    office.reply(second.ticket, "о втором")
    to_second, to_first = office.get(answer_to(office.sent[1], "да"), answer_to(office.sent[0], "нет"))
    assert (to_second.ticket_id, to_first.ticket_id) == (second.ticket_id, first.ticket_id)


def test_a_letter_sent_after_another_of_one_s_own_goes_to_its_conversation(office):
    (first,) = office.get(letter("раз"))
    (more,) = office.get(letter("и ещё", In_Reply_To=first.external_id))
    assert more.ticket_id == first.ticket_id


def test_outlook_drops_the_references_and_the_tag_of_the_subject_is_enough(office):
    (first,) = office.get(letter("раз"))
    (tagged,) = office.get(letter("Подтверждаю.", subject=f"RE: [#{first.ticket.number}] Заказ 73"))
    assert tagged.ticket_id == first.ticket_id


def test_a_plus_address_brings_an_answer_home_that_has_lost_everything(shop, mail):
    office = Office.open(shop, mail, reply_to="plus")
    (first,) = office.get(letter("раз"))
    office.reply(first.ticket)
    reply_to = str(read(office.sent[0])["Reply-To"])
    assert reply_to.startswith(f"support+c{first.ticket.number}.") and reply_to.endswith("@omni-demo.example")
    (answer,) = office.get(letter("да", subject="ответ", To=reply_to.upper()))
    assert answer.ticket_id == first.ticket_id
    forged = f"support+c{first.ticket.number}.{'0' * 16}@omni-demo.example"
    (other,) = office.get(letter("да", subject="ответ", To=forged))
    assert other.ticket_id != first.ticket_id


@pytest.mark.parametrize("clue", ["our id", "their id", "tag", "plus"])
def test_a_stranger_who_knows_the_ids_begins_a_conversation_of_their_own(shop, mail, clue):
    office = Office.open(shop, mail, reply_to="plus")
    (first,) = office.get(letter("раз"))
    answer = office.reply(first.ticket)
    clues = {
        "our id": {"In_Reply_To": answer.external_id},
        "their id": {"References": first.external_id},
        "tag": {"subject": f"Re: [#{first.ticket.number}] Заказ 73"},
        "plus": {"To": str(read(office.sent[0])["Reply-To"])},
    }
    (forged,) = office.get(letter("Отдайте заказ мне", sender=ANNA, **clues[clue]))
    assert forged.ticket_id != first.ticket_id and forged.ticket.contact_id != first.ticket.contact_id
    # Agents see whose conversation it wanted to be in.
    assert forged.content.get("answers") == (None if clue == "their id" else str(first.ticket.number))


def test_a_letter_from_an_agent_s_address_is_a_customer_s(office):
    (first,) = office.get(letter("раз"))
    answer = office.reply(first.ticket)
    (forged,) = office.get(letter("Мы вернём деньги", sender=office.shop.agent.email, In_Reply_To=answer.external_id))
    assert (forged.author, forged.ticket_id == first.ticket_id) == ("contact", False)
    assert len(office.sent) == 1


def test_whom_an_agent_has_found_to_be_one_person_takes_part_from_both_addresses(office):
    (first,) = office.get(letter("раз"))
    answer = office.reply(first.ticket)
    (other,) = office.get(letter("это я", sender=ANNA))
    merge_contacts(kept_id=first.ticket.contact_id, gone_id=other.ticket.contact_id, user=office.shop.agent)
    (more,) = office.get(letter("с другого адреса", sender=ANNA, In_Reply_To=answer.external_id))
    assert more.ticket_id == first.ticket_id
    office.reply(Ticket.objects.get(id=first.ticket_id), "понял")
    assert office.sent[-1].recipient == ANNA


def test_an_answer_reopens_what_is_solved_and_follows_what_is_closed(office):
    (first,) = office.get(letter("раз"))
    answer = office.reply(first.ticket)
    set_status(first.ticket_id, status="solved", actor=office.shop.agent)
    office.get(letter("нет, не решено", In_Reply_To=answer.external_id))
    first.ticket.refresh_from_db()
    assert first.ticket.status == "open"
    set_status(first.ticket_id, status="closed", actor=office.shop.agent)
    late, later = office.get(
        letter("снова я", In_Reply_To=answer.external_id), letter("и снова", In_Reply_To=answer.external_id)
    )
    assert late.ticket_id == later.ticket_id != first.ticket_id
    assert late.ticket.thread == first.ticket.thread


def test_one_letter_that_comes_twice_is_one_message(office):
    body = letter("раз")
    assert len(office.get(body, body)) == 1
    # On another way it has other headers of the way, and is the same letter.
    assert not office.get(b"Received: from elsewhere; Tue, 17 Nov 2026 10:15:00 +0300\r\n" + body)


def test_two_letters_under_one_id_are_two_messages(office):
    """Some devices repeat their ids, and a sender can choose them."""
    first, second = office.get(letter("раз", Message_ID="<scan@device>"), letter("два", Message_ID="<scan@device>"))
    assert [first.text.strip(), second.text.strip()] == ["раз", "два"]
    assert not office.get(letter("два", Message_ID="<scan@device>", X_Way="another"))
    office.reply(second.ticket)
    assert read(office.sent[0])["In-Reply-To"] == "<scan@device>"


def test_one_mailbox_belongs_to_one_channel_of_one_workspace(office, rival):
    with rival.enter():
        stolen = Channel.objects.create(
            kind="email", name="Почта", config=office.mail.config(), secrets=office.channel.secrets
        )
        from channels_app.services.channels import connect_channel
        from omnisupport.lib.errors import Conflict

        with pytest.raises(Conflict):
            connect_channel(stolen.id)
        assert Channel.objects.get(id=stolen.id).external_id == ""


def test_a_name_of_a_key_is_an_answer_even_when_its_id_was_never_stored(office):
    """The last answer of the server was lost: perhaps the letter arrived, and its answer proves it."""
    (first,) = office.get(letter("раз"))
    message = office.reply(first.ticket, client_id=uuid.UUID(int=7))
    Message.objects.filter(id=message.id).update(external_id="", delivery="uncertain")
    (answer,) = office.get(letter("да", In_Reply_To=f"<omni.{uuid.UUID(int=7).hex}@omni-demo.example>"))
    assert answer.ticket_id == first.ticket_id
    assert Contact.objects.count() == 1
