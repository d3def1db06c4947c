"""Reading the mailbox: nothing is lost, nothing comes twice, nobody sees that we were there."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from ai_assistant.providers.tests.tls import self_signed
from channels_app.base import TransportError
from channels_app.email import mailbox, reading
from channels_app.email.mailbox import LOOK_BACK
from channels_app.email.tests.scene import Office, adapter_of, letter
from channels_app.ingress import Ingress
from channels_app.models import Channel, InboundEvent
from channels_app.polling import Poller
from channels_app.services.reconcile import reconcile_channel
from tests.standins.mailbox import MailServer
from tickets.models import Message


def at(uid: int, validity: int = 1, folder: str = "INBOX") -> dict[str, object]:
    return {"folder": folder, "validity": validity, "uid": uid}


def look(adapter, state):
    return asyncio.run(adapter.poll(state))


def test_only_what_comes_from_now_on_is_ours(mail):
    mail.imap.add(letter("старое"))
    adapter = adapter_of(mail.config())
    bodies, state = look(adapter, {})
    assert (bodies, state) == ([], at(1))
    new = letter("новое")
    mail.imap.add(new)
    assert look(adapter, state) == ([new], at(2))
    # The range behind the newest names the newest: it does not come again.
    assert look(adapter, at(2)) == ([], at(2))
    # Another folder is another beginning.
    mail.imap.folder = "Support"
    assert look(adapter_of(mail.config(folder="Support")), at(1)) == ([], at(2, folder="Support"))


def test_nobody_sees_that_a_letter_was_read(office):
    office.get(letter())
    assert [kept.seen for kept in office.mail.imap.letters] == [False]
    assert {"SELECT", "STORE"}.isdisjoint(office.mail.imap.commands)


def test_a_letter_that_somebody_else_has_read_or_removed(office):
    office.mail.imap.add(letter("прочитано"))
    office.mail.imap.letters[0].seen = True
    office.mail.imap.add(letter("удалено"))
    office.mail.imap.letters.pop()
    office.mail.imap.add(letter("обычное"))
    office.collect()
    assert [message.text.strip() for message in Message.objects.order_by("id")] == ["прочитано", "обычное"]


@pytest.mark.parametrize("idle", [True, False])
def test_one_connection_serves_many_looks(office, idle):
    office.mail.imap.idle = idle
    for _look in range(5):
        office.collect()
    # One to check the settings, one to read.
    assert office.mail.imap.logins == [True, True]


def test_a_letter_that_arrives_while_we_wait_is_there_at_once(mail, monkeypatch):
    monkeypatch.setattr(reading, "WAIT", 20.0)
    adapter = adapter_of(mail.config())
    mail.imap.add(letter("старое"))
    found = []
    state = at(1)
    waiter = threading.Thread(target=lambda: found.append(look(adapter, state)))
    waiter.start()
    assert mail.imap.waiting.acquire(timeout=10)
    mail.imap.add(letter("новое"))
    waiter.join(10)
    assert len(found[0][0]) == 1


def test_whoever_stops_polling_does_not_wait_for_the_mailbox(mail, monkeypatch):
    monkeypatch.setattr(reading, "WAIT", 60.0)
    adapter = adapter_of(mail.config())

    async def story():
        polling = asyncio.create_task(adapter.poll(at(0)))
        await asyncio.to_thread(mail.imap.waiting.acquire, timeout=10)
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling

    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_connection_that_breaks_off_in_the_middle(office):
    """R-30: the drop, and then a mailbox that counts anew: all arrive, each once."""
    office.get(letter("раз"))
    office.mail.imap.cuts = 1
    office.get(letter("два"), letter("три"))
    office.collect()
    office.mail.imap.drop_connections()
    office.get(letter("четыре"))
    office.mail.imap.renumber()
    office.get(letter("пять"))
    office.collect()
    office.mail.imap.letters.insert(0, office.mail.imap.letters.pop())
    office.mail.imap.renumber()
    office.collect()
    office.collect()
    said = [message.text.strip() for message in Message.objects.order_by("id")]
    assert sorted(said) == sorted(["раз", "два", "три", "четыре", "пять"])
    assert not InboundEvent.objects.exclude(state="done").exists()


def test_a_mailbox_that_counts_anew_is_looked_through_some_days_back(office):
    office.mail.imap.add(letter("давно"), when=datetime.now(UTC) - LOOK_BACK - timedelta(days=3))
    office.mail.imap.add(letter("вчера"), when=datetime.now(UTC) - timedelta(days=1))
    Channel.objects.filter(id=office.channel.id).update(poll_state=at(700, 99))
    office.collect()
    assert [message.text.strip() for message in Message.objects.all()] == ["вчера"]


def test_many_letters_come_in_bites(office, monkeypatch):
    monkeypatch.setattr(mailbox, "MOST_LETTERS", 2)
    office.get(*(letter(f"{n}") for n in range(5)))
    for _look in range(2):
        office.collect()
    assert Message.objects.count() == 5


def test_large_letters_do_not_hold_up_the_others(office, monkeypatch):
    monkeypatch.setattr(mailbox, "MOST_BYTES", 1000)
    office.mail.imap.add(letter("видео", subject="Видео"), size=300 * 1024 * 1024)
    office.mail.imap.add(letter("x" * 2000))
    office.mail.imap.add(letter("обычное"))
    for _look in range(3):
        office.collect()
    large, _long, usual = Message.objects.order_by("id")
    assert "too large to be fetched" in large.content["unsupported"] and large.ticket.subject == "Видео"
    assert usual.text.strip() == "обычное"
    assert office.mail.imap.fetched == [2, 3]


def test_a_letter_that_cannot_be_understood_holds_up_nobody(office):
    office.get(b"no letter at all", letter("после него"))
    assert Message.objects.get().text.strip() == "после него"
    row = InboundEvent.objects.get(state="failed")
    assert "no headers" in row.error or "From" in row.error


# ---- Signing in


def test_a_refused_login_is_not_repeated_until_the_settings_change(mail):
    mail.imap.password = "changed"
    adapter = adapter_of(mail.config())
    for _look in range(5):
        with pytest.raises(TransportError) as caught:
            look(adapter, {})
        assert (
            caught.value.breaks_channel
            and "не принимает логин или пароль: [AUTHENTICATIONFAILED] Invalid" in caught.value.reason
        )
    assert mail.imap.logins == [False]
    adapter.channel.secrets["password"] = "changed"
    assert look(adapter, {})[0] == []


def test_a_server_that_has_too_much_to_do_is_asked_again(mail):
    mail.imap.refusal = "[UNAVAILABLE] Try again later"
    adapter = adapter_of(mail.config())
    for _look in range(2):
        with pytest.raises(TransportError) as caught:
            look(adapter, {})
        assert (caught.value.permanent, caught.value.breaks_channel) == (False, False)
    mail.imap.refusal = ""
    assert look(adapter, {})[0] == []


def test_a_server_that_is_away_for_a_moment_is_no_fault(mail, monkeypatch):
    adapter = adapter_of(mail.config())
    _bodies, state = look(adapter, {})
    mail.imap.stop()
    assert look(adapter, state) == ([], state)
    monkeypatch.setattr(reading, "PATIENCE", 0.0)
    with pytest.raises(TransportError, match=r"127\.0\.0\.1 недоступен"):
        look(adapter, state)


def test_a_folder_that_is_not_there(mail):
    with pytest.raises(TransportError, match="папка «Archive» не открывается") as caught:
        look(adapter_of(mail.config(folder="Archive")), {})
    assert caught.value.breaks_channel


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "localhost", "169.254.169.254"])
def test_no_server_inside_the_network_is_reached(settings, mail, host):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with pytest.raises(TransportError, match="внутреннюю сеть") as caught:
        look(adapter_of(mail.config(imap_host=host)), {})
    assert caught.value.permanent
    assert mail.imap.connections == set() and mail.imap.commands == []


def test_starttls_with_an_own_authority(settings, tmp_path):
    bundle, server_side = self_signed(tmp_path)
    with MailServer(server_side) as mail:
        settings.OUTBOUND_ALLOWED_HOSTS = mail.hosts
        with pytest.raises(TransportError, match=r"сертификат 127\.0\.0\.1 не является доверенным"):
            look(adapter_of(mail.config(imap_security="starttls")), {})
        assert mail.imap.logins == []
        settings.MAIL_CA_FILE = str(bundle)
        assert look(adapter_of(mail.config(imap_security="starttls")), {})[0] == []


# ---- Beside the poller


def test_the_daily_comparison_finds_what_is_missing(office):
    office.get(letter("пришло"))
    office.mail.imap.add(letter("пропало"))
    Channel.objects.filter(id=office.channel.id).update(poll_state=at(2))
    assert reconcile_channel(office.channel.id) == 1
    assert reconcile_channel(office.channel.id) == 0
    assert Channel.objects.get(id=office.channel.id).reconciliation["checked"] == 2


def test_mailboxes_are_polled_wherever_the_installation_stands(settings, office):
    settings.PUBLIC_URL_REACHABLE = True
    from channels_app.polling import _channels_of, _pollable

    assert _pollable() == ["email"]
    assert _channels_of(["email"]) == [office.channel.id]
    Channel.objects.filter(id=office.channel.id).update(config={**office.channel.config, "receive": "own"})
    assert _channels_of(["email"]) == []


def test_the_poller_brings_a_letter_into_the_ledger(live_shop, settings, mail, monkeypatch):
    """The whole way: lock, connection, IDLE, ledger, position."""
    settings.PUBLIC_URL_REACHABLE = True
    monkeypatch.setattr(reading, "WAIT", 10.0)
    office = Office.open(live_shop, mail)

    async def story():
        ingress = Ingress()
        ingress._waker.add = lambda *_args: None
        poller = Poller(ingress)
        poller.start()
        try:
            assert await asyncio.to_thread(mail.imap.waiting.acquire, timeout=60)
            mail.imap.add(letter("раз"))
            # It waits again when the first letter and the position are stored.
            assert await asyncio.to_thread(mail.imap.waiting.acquire, timeout=60)
        finally:
            await poller.stop()
            await ingress.close()

    while mail.imap.waiting.acquire(blocking=False):
        pass
    asyncio.run(story())
    assert InboundEvent.objects.filter(channel=office.channel).count() == 1
    assert Channel.objects.get(id=office.channel.id).poll_state == at(1)
