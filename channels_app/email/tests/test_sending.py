"""A letter on its way out: what it says of itself, and what each answer of the server means."""

import socket
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from ai_assistant.providers.tests.tls import self_signed
from channels_app.base import OutgoingFile, OutgoingMessage, TransportError, UnknownOutcome
from channels_app.email import naming, smtp
from channels_app.email.tests.scene import PAVEL, adapter_of, letter, read, texts
from channels_app.models import Channel
from channels_app.services.delivery import outgoing_message
from tests.standins.mailbox import ADDRESS, MailServer, Refuse
from tickets.models import Message
from tickets.services.delivery import retry_message


@pytest.fixture
def adapter(mail):
    return adapter_of(mail.config())


@pytest.fixture
def file(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)

    def make(
        name: str = "Счёт.pdf", mime: str = "application/pdf", body: bytes = b"%PDF-1.4", **fields: Any
    ) -> OutgoingFile:
        path = default_storage.save(uuid.uuid4().hex, ContentFile(body))
        given = {"kind": "document", "size": len(body), "url": "https://shop.example/files/x/", **fields}
        return OutgoingFile(id=uuid.uuid4(), name=name, mime=mime, path=path, **given)

    return make


def message(text: str = "Здравствуйте", **fields: Any) -> OutgoingMessage:
    given = {"key": uuid.uuid4(), "address": PAVEL, "details": {}, "ticket_number": 501, "subject": "Чек по заказу"}
    return OutgoingMessage(**{**given, "text": text, **fields})


def refusal(adapter: Any, **fields: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        adapter.send(message(**fields))
    return caught.value


# ---- What leaves


def test_text_and_html_of_one_source(mail, adapter):
    adapter.send(message("цена < 5 & **скидка** [тут](https://a.example/x)\n.точка\n```\nx  y\n  z\n```"))
    sent = read(mail.smtp.letters[0])
    plain, page = texts(sent)
    assert plain.splitlines()[:2] == ["цена < 5 & скидка тут (https://a.example/x)", ".точка"]
    assert 'цена &lt; 5 &amp; <b>скидка</b> <a href="https://a.example/x">тут</a><br>\n.точка<br>' in page.replace(
        "\r\n", "\n"
    )
    assert "<pre>x  y\n  z</pre>" in page.replace("\r\n", "\n")
    assert sent.get_content_type() == "multipart/alternative"
    assert str(sent["From"]) == f"Служба поддержки <{ADDRESS}>"
    assert (str(sent["Subject"]), sent["In-Reply-To"], sent["Auto-Submitted"]) == ("[#501] Чек по заказу", None, None)


def test_a_reply_stands_in_its_thread(mail, adapter):
    ours = naming.message_id(uuid.uuid4(), ADDRESS)
    thread = ["<a1@example.org>", ours, "<scan@device>#0011223344556677", "plain-id", "<a b@c>", "", ours]
    adapter.send(message(thread=thread, subject="RE: Отв: [#12] [#501] Чек"))
    sent = read(mail.smtp.letters[0])
    assert sent["References"].split() == ["<a1@example.org>", ours, "<scan@device>"]
    assert (sent["In-Reply-To"], str(sent["Subject"])) == ("<scan@device>", "Re: [#501] Чек")


def test_long_references_and_a_long_subject_stay_whole(mail, adapter):
    thread = [f"<{'x' * 180}.{number}@mail.example.org>" for number in range(20)]
    adapter.send(message(thread=thread, subject="Очень длинная тема " * 12))
    sent = mail.smtp.letters[0].body
    assert max(map(len, sent.split(b"\r\n"))) < 998
    assert read(mail.smtp.letters[0])["References"].split() == thread
    assert str(read(mail.smtp.letters[0])["Subject"]).strip().startswith("Re: [#501] Очень длинная тема Очень")


def test_the_name_of_a_letter_is_the_same_on_every_try(mail, adapter):
    same = message()
    first, second = adapter.send(same), adapter.send(same)
    assert first == second
    assert [read(handed)["Message-ID"] for handed in mail.smtp.letters] == [first.external_id] * 2


@pytest.mark.parametrize(
    "evil", ["x\r\nBcc: victim@example.net", "x\nBcc: victim@example.net", "x\u2028Bcc: v@e.net", "x\x00\x0b\x1fy"]
)
def test_nothing_adds_a_header(mail, adapter, file, evil):
    adapter.channel.config["sender_name"] = evil
    adapter.send(message(evil, subject=evil, thread=[evil, f"<{evil}>"], files=[file(name=evil, mime=evil)]))
    sent = read(mail.smtp.letters[0])
    assert sent["Bcc"] is None and sent["Cc"] is None
    assert sent.get_all("To") == [PAVEL]
    assert mail.smtp.letters[0].recipient == PAVEL


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b\r\nRCPT TO:<victim@example.net>", "a b@c.example", "a@b@c.example"]
)
def test_what_is_no_address_is_not_written_to(mail, adapter, address):
    assert refusal(adapter, address=address).permanent
    assert mail.smtp.sessions == 0


def test_files_leave_with_the_letter_and_too_many_as_links(mail, adapter, file):
    big = file(name="Видео.mp4", mime="video/mp4", body=b"x" * 1000, size=17 * 1024 * 1024)
    small, page = file(), file(name="a.html", mime="text/html", body="<p>ё".encode("cp1251"))
    adapter.send(message("Вот", files=[big, small, page, big]))
    sent = read(mail.smtp.letters[0])
    names = [(part.get_filename(), part.get_content_type()) for part in sent.iter_attachments()]
    assert names == [
        ("Видео.mp4", "video/mp4"), ("Счёт.pdf", "application/pdf"), ("a.html", "application/octet-stream"),
    ]  # fmt: skip
    assert list(sent.iter_attachments())[2].get_content() == "<p>ё".encode("cp1251")
    assert "Видео.mp4: https://shop.example/files/x/" in next(texts(sent))


def test_a_file_that_is_gone_is_not_left_out_silently(mail, adapter, file):
    gone = file()
    default_storage.delete(gone.path)
    assert refusal(adapter, files=[gone]).permanent
    assert mail.smtp.letters == []


def test_buttons_and_sources_are_words(mail, adapter):
    source = {"n": 1, "title": "Доставка", "url": "https://help.example/a"}
    adapter.send(message("Везти? [1]", buttons=[{"text": "Да", "value": "yes"}], citations=[source]))
    plain, page = texts(read(mail.smtp.letters[0]))
    assert "• Да" in plain and "[1] Доставка — https://help.example/a" in plain
    assert "<br>" in page


# ---- What the server says


@pytest.mark.parametrize(
    ("step", "reply", "expected"),
    [
        ("CONNECT", "421 4.3.2 try later", {"permanent": False, "retry_after": 60, "whole_channel": True}),
        ("CONNECT", "", {"permanent": False, "whole_channel": True}),
        ("CONNECT", "554 5.7.1 go away", {"permanent": True, "breaks_channel": False}),
        ("AUTH", "535 5.7.8 wrong", {"permanent": True, "breaks_channel": True}),
        ("AUTH", "454 4.7.0 later", {"permanent": False, "breaks_channel": False}),
        ("AUTH", "550 5.7.30 basic authentication is not supported", {"permanent": True, "breaks_channel": True}),
        ("MAIL", "421 4.7.0 too many", {"permanent": False, "whole_channel": True}),
        ("MAIL", "452 4.3.1 no room", {"permanent": False, "retry_after": 300, "whole_channel": False}),
        ("MAIL", "530 5.7.0 Authentication required", {"permanent": True, "breaks_channel": True}),
        ("RCPT", "451 4.7.1 greylisted", {"permanent": False, "retry_after": 300}),
        ("RCPT", "450 4.2.1 busy", {"permanent": False}),
        ("RCPT", "550 5.1.1 User unknown", {"permanent": True, "unreachable": True}),
        ("RCPT", "550 5.7.1 policy", {"permanent": True, "unreachable": False}),
        ("RCPT", "", {"permanent": False}),
        ("DATA", "451 4.3.0 later", {"permanent": False}),
        ("DATA", "", {"permanent": False}),
        ("END", "552 5.3.4 too big", {"permanent": True}),
        ("END", "421 4.3.0 later", {"permanent": False, "whole_channel": True}),
        ("END", "554 5.7.1 spam", {"permanent": True, "unreachable": False}),
    ],
)
def test_each_refusal(mail, adapter, step, reply, expected):
    mail.smtp.script(Refuse(step, reply))
    error = refusal(adapter)
    assert {name: getattr(error, name) for name in expected} == expected
    assert mail.smtp.letters == []


@pytest.mark.parametrize("taken", [True, False])
def test_a_lost_answer_leaves_it_open(mail, adapter, taken):
    mail.smtp.script(Refuse("END", taken=taken))
    with pytest.raises(UnknownOutcome):
        adapter.send(message())
    assert len(mail.smtp.letters) == taken


def test_a_server_that_is_not_there(mail, adapter):
    mail.smtp.stop()
    error = refusal(adapter)
    assert (error.permanent, error.whole_channel, error.reason) == (False, True, "SMTP: 127.0.0.1 cannot be reached.")


def test_a_server_that_says_nothing_ends_in_time(settings, mail, monkeypatch):
    monkeypatch.setattr(smtp, "DEADLINE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{port}"]
        monkeypatch.setattr(smtp, "STEP", 0.2)
        error = refusal(adapter_of(mail.config(smtp_port=port)))
    assert not error.permanent


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "localhost", "169.254.169.254", "0x7f.1", "127.1"])
def test_no_server_inside_the_network_is_reached(settings, mail, host):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    error = refusal(adapter_of(mail.config(smtp_host=host)))
    assert (error.permanent, error.breaks_channel) == (True, True)
    assert "private network" in error.reason
    assert mail.smtp.sessions == 0


def test_starttls_with_an_own_authority(settings, tmp_path):
    bundle, server_side = self_signed(tmp_path)
    with MailServer(server_side) as mail:
        settings.OUTBOUND_ALLOWED_HOSTS = mail.hosts
        adapter = adapter_of(mail.config(smtp_security="starttls"))
        assert "certificate of 127.0.0.1 is not trusted" in refusal(adapter).reason
        assert mail.smtp.logins == []
        settings.MAIL_CA_FILE = str(bundle)
        adapter.send(message())
        assert mail.smtp.encrypted and len(mail.smtp.letters) == 1


def test_a_server_without_starttls_is_not_told_the_password(mail):
    error = refusal(adapter_of(mail.config(smtp_security="starttls")))
    assert (error.breaks_channel, mail.smtp.logins) == (True, [])


# ---- Through the delivery machine


def test_421_for_ten_minutes_and_all_arrive_once(office):
    first, second = (office.get(letter(f"{n}", sender=f"c{n}@example.org"))[0].ticket for n in range(2))
    office.mail.smtp.always = Refuse("MAIL", "421 4.7.0 Try again later")
    messages = [office.reply(ticket, f"ответ {n}") for n, ticket in enumerate((first, second, first))]
    # A minute's rest for the whole mailbox after each; the sweeper comes again and again.
    for _minute in range(10):
        channel = Channel.objects.get(id=office.channel.id)
        assert channel.paused_until
        for message in messages:
            office.deliver(message)
    assert {message.delivery for message in messages} == {"queued"} and office.sent == []
    office.mail.smtp.always = None
    for message in messages:
        office.deliver(message)
    assert [message.delivery for message in messages] == ["sent"] * 3
    assert len({read(handed)["Message-ID"] for handed in office.sent}) == len(office.sent) == 3


def test_a_lost_answer_is_for_a_person_and_their_second_try_has_the_same_name(office):
    (question,) = office.get(letter())
    office.mail.smtp.script(Refuse("END", taken=True))
    answer = office.reply(question.ticket)
    assert answer.delivery == "uncertain"
    assert retry_message(answer.id)
    office.deliver(answer)
    assert answer.delivery == "sent"
    assert len({read(handed)["Message-ID"] for handed in office.sent}) == 1 < len(office.sent)


def test_nobody_at_the_address_is_shown_until_they_write_again(office):
    (question,) = office.get(letter())
    office.mail.smtp.script(Refuse("RCPT", "550 5.1.1 User unknown"))
    assert office.reply(question.ticket).delivery == "failed"
    question.address.refresh_from_db()
    assert "User unknown" in question.address.unreachable_reason
    office.get(letter("я здесь"))
    question.address.refresh_from_db()
    assert question.address.unreachable_reason == ""


def test_what_the_core_hands_over_is_all_that_a_letter_needs(office):
    (question,) = office.get(letter())
    answer = office.reply(question.ticket)
    handed = outgoing_message(Message.objects.get(id=answer.id), office.adapter)
    assert (handed.thread, handed.subject, handed.ticket_number) == (
        [question.external_id],
        "Заказ 73",
        question.ticket.number,
    )
    assert timedelta(0) < timedelta(seconds=smtp.DEADLINE) < timedelta(seconds=75)
