"""The inbound ledger: what failed is found, understood and replayed; what is done is cleared; nobody is held up meanwhile."""

import json
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from channels_app.models import Channel, InboundEvent
from channels_app.services import inbound
from channels_app.services.channels import mark_broken, mark_healthy
from channels_app.services.inbound import drain_channel
from channels_app.services.retention import delete_old_events
from channels_app.subscribers import tell_of_a_break
from channels_app.tasks import drain_inbound, mail_broken
from channels_app.telegram import adapter as telegram_adapter
from tenants.events.models import Event
from tenants.tasking import MergedCalls, wake
from tickets.models import Attachment, Message
from tickets.services.attachments import delete_orphan_uploads, store_upload

LEDGER = "/admin/channels_app/inboundevent/"


@pytest.fixture
def channel(shop):
    return Channel.objects.create(kind="telegram", name="bot", external_id="1", secrets={"token": "1:x"}, health="ok")


def update(number, text="привет", chat=7):
    person = {"id": chat, "first_name": "Марина"}
    message = {"message_id": number, "from": person, "chat": {"id": chat, "type": "private"}, "date": 1, "text": text}
    return {"update_id": number, "message": message}


def store(channel, *bodies):
    for body in bodies:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        key = str(body["update_id"]) if isinstance(body, dict) and "update_id" in body else raw[:50].hex()
        InboundEvent.objects.create(channel=channel, event_key=key, body=raw)


def states():
    return list(InboundEvent.objects.order_by("id").values_list("state", flat=True))


def texts():
    return list(Message.objects.order_by("id").values_list("text", flat=True))


def test_a_broken_parser_repaired_and_every_message_appears_once(shop, channel, monkeypatch):
    """The failed items are replayed from the admin, one, then many, then all of the channel."""
    updates = [update(n, f"{n}") for n in range(1, 8)]
    with monkeypatch.context() as broken:
        real = telegram_adapter.parse_update
        broken.setattr(telegram_adapter, "parse_update", lambda body: 1 / 0 if b'"date": 1' in body else real(body))
        store(channel, *updates)
        drain_channel(channel.id)
    assert states() == ["failed"] * 7 and texts() == []
    assert set(InboundEvent.objects.values_list("error", flat=True)) == {"ZeroDivisionError: division by zero"}

    client = shop.client(shop.admin)
    ids = list(InboundEvent.objects.order_by("id").values_list("id", flat=True))
    for chosen in (ids[:1], ids[1:4]):
        answer = client.post(LEDGER, {"action": "replay_selected", "_selected_action": chosen}, follow=True)
        page = answer.content.decode()
        assert "being processed again" in page and page.count('name="_selected_action"') == len(chosen)
        drain_channel(channel.id)
    assert texts() == ["1", "2", "3", "4"]
    # The result is to be seen where it was asked for.
    assert (
        client.get(LEDGER, {"id__in": ",".join(map(str, ids[:4])), "state__exact": "done"})
        .content.decode()
        .count('name="_selected_action"')
        == 4
    )
    page = client.get(f"/channels/{channel.id}/").content.decode()
    assert "3 events of this channel could not be processed" in page
    client.post(f"/channels/{channel.id}/replay/")
    # Whoever asks twice, and whatever was replayed already, doubles nothing.
    client.post("/admin/channels_app/channel/", {"action": "replay_failed_of", "_selected_action": [channel.pk]})
    for _ in range(2):
        drain_channel(channel.id)
    assert texts() == [str(n) for n in range(1, 8)] and states() == ["done"] * 7


def test_agents_replay_nothing(shop, channel):
    assert shop.client(shop.agent).post(f"/channels/{channel.id}/replay/").status_code == 403


def test_a_batch_of_which_a_part_fails_is_completed_by_a_replay(shop, monkeypatch):
    channel = Channel.objects.create(kind="api", name="App")
    events = [{"from": {"id": "u"}, "id": f"m{n}", "text": f"{n}"} for n in range(4)]
    store(channel, {"events": events})
    real = inbound.apply_result

    def fails_on_two(channel, result):
        if result.incoming.text == "2":
            raise RuntimeError("a bug of ours")
        real(channel, result)

    with monkeypatch.context() as broken:
        broken.setattr(inbound, "apply_result", fails_on_two)
        drain_channel(channel.id)
    assert texts() == ["0", "1", "3"] and states() == ["failed"]
    inbound.replay_failed(channel.id)
    drain_channel(channel.id)
    assert texts() == ["0", "1", "3", "2"] and states() == ["done"]


def test_a_reason_that_cannot_be_stored_holds_nobody_up(channel, monkeypatch):
    def explodes(body):
        if b"poison" in body:
            raise ValueError("bad byte \x00 and half a letter \ud800")
        return real(body)

    real = telegram_adapter.parse_update
    monkeypatch.setattr(telegram_adapter, "parse_update", explodes)
    store(channel, update(1, "poison"), update(2, "раз"))
    drain_channel(channel.id)
    assert texts() == ["раз"] and states() == ["failed", "done"]


def test_the_ledger_is_searched_by_key_reason_and_words_of_the_raw(shop, channel):
    store(channel, update(4470, "Заказ не пришёл"), update(4471, "другое"))
    InboundEvent.objects.create(channel=channel, event_key="k", body="Заказ не пришёл".encode())
    InboundEvent.objects.create(channel=channel, event_key="x", body=b"\xff\xfe", state="failed", error="no such thing")
    client = shop.client(shop.admin)

    def found(**query):
        return client.get(LEDGER, query).content.decode().count('name="_selected_action"')

    assert found(q="4470") == 1
    assert found(q="no such THING") == 1
    assert found(q="не пришёл") == 2  # as letters and as \u escapes
    assert found(q="100%_'\"") == 0
    assert found(state__exact="failed") == 1
    assert found(kind="telegram") == 4 and found(kind="widget") == 0
    assert found(channel__id__exact=str(channel.id), received_at__gte="2020-01-01") == 4


def test_the_raw_of_a_row_opens_whatever_it_is(shop, channel):
    for body in (b"\xff\xfe", b"[" * 5000, json.dumps(update(1)).encode(), b""):
        row = InboundEvent.objects.create(channel=channel, event_key=str(hash(body)), body=body)
        assert shop.client(shop.admin).get(f"{LEDGER}{row.pk}/change/").status_code == 200


# ---- Keeping


def test_done_and_ignored_rows_go_after_their_time_and_failed_ones_stay(channel):
    for n, state in enumerate(["failed", "done", "ignored", "done", "received"]):
        InboundEvent.objects.create(channel=channel, event_key=str(n), body=b"{}", state=state)
    InboundEvent.objects.update(received_at=timezone.now() - timedelta(days=31))
    InboundEvent.objects.create(channel=channel, event_key="fresh", body=b"{}", state="done")
    assert delete_old_events(timedelta(days=30), batch=2) == 2
    assert delete_old_events(timedelta(days=30), batch=2) == 1
    assert delete_old_events(timedelta(days=30), batch=2) == 0
    assert list(InboundEvent.objects.order_by("id").values_list("state", flat=True)) == ["failed", "received", "done"]


def test_when_all_rows_are_old_they_go_too(channel):
    InboundEvent.objects.create(channel=channel, event_key="1", body=b"{}", state="done")
    InboundEvent.objects.update(received_at=timezone.now() - timedelta(days=31))
    assert delete_old_events(timedelta(days=30)) == 1


def test_uploads_that_no_message_took_go_with_their_files(shop):
    old, fresh = (store_upload(SimpleUploadedFile(f"{n}.txt", b"text"), user=shop.agent) for n in range(2))
    used = store_upload(SimpleUploadedFile("used.txt", b"text"), user=shop.agent)
    Attachment.objects.filter(id=used.id).update(message=shop.customer_writes())
    Attachment.objects.exclude(id=fresh.id).update(created_at=timezone.now() - timedelta(hours=49))
    storage, path = old.file.storage, old.file.name
    assert storage.exists(path)
    assert delete_orphan_uploads(timedelta(hours=48)) == 1
    assert not storage.exists(path) and storage.exists(used.file.name) and storage.exists(fresh.file.name)
    assert set(Attachment.objects.values_list("id", flat=True)) == {fresh.id, used.id}


def test_housekeeping_is_on_beats_schedule_and_every_task_exists():
    from omnisupport.celery import app

    app.loader.import_default_modules()
    for entry in django_settings.CELERY_BEAT_SCHEDULE.values():
        for name in (entry["task"], *entry.get("args", [])):
            assert name in app.tasks


# ---- Being told


def test_a_break_is_told_once_and_shown_until_it_heals(shop, channel, monkeypatch):
    told = []
    monkeypatch.setattr("channels_app.subscribers.wake", lambda task, *args: told.append((task, args)))
    for _ in range(3):
        mark_broken(Channel.objects.get(id=channel.id), "Telegram does not accept the token.")
    stale = Channel.objects.get(id=channel.id)
    stale.health = "ok"  # another worker that has not heard of it yet
    mark_broken(stale, "Telegram does not accept the token.")
    (event,) = Event.objects.filter(type="channel.health_changed")
    tell_of_a_break(event)
    ((task, args),) = told
    assert task is mail_broken
    for _ in range(2):
        mail_broken.run(*args)
    assert sorted(letter.to[0] for letter in mail.outbox) == ["admin@example.com", "owner@shop.example"]
    assert "Telegram does not accept the token." in mail.outbox[0].body
    assert f"/channels/{channel.id}/" in mail.outbox[0].body

    admin, agent = shop.client(shop.admin), shop.client(shop.agent)
    for path in ("/inbox/", "/channels/"):
        assert "“bot” does not work." in admin.get(path).content.decode()
        assert "“bot” does not work." not in agent.get(path).content.decode()
    mark_healthy(Channel.objects.get(id=channel.id))
    assert "does not work." not in admin.get("/inbox/").content.decode()


def test_whoever_is_still_setting_up_gets_no_letter(shop, monkeypatch):
    told = []
    monkeypatch.setattr("channels_app.subscribers.wake", lambda task, *args: told.append(args))
    mark_broken(Channel.objects.create(kind="telegram", name="new"), "wrong token")
    tell_of_a_break(Event.objects.get(type="channel.health_changed"))
    assert told == []


def test_a_letter_that_could_not_leave_is_tried_again(shop, channel, settings, monkeypatch):
    from tenants.accounts import notices

    def refuses(*args):
        raise ConnectionRefusedError

    with monkeypatch.context() as down:
        down.setattr(notices, "send_mail", refuses)
        with pytest.raises(OSError):
            notices.mail_admins(lambda: ("a", "b"), once="x")
    assert notices.mail_admins(lambda: ("a", "b"), once="x") == 2
    assert notices.mail_admins(lambda: ("a", "b"), once="x") == 0


def test_metrics_tell_the_age_of_what_waits_and_what_failed(shop, channel, client, settings):
    for n, state in enumerate(["failed", "failed", "received"]):
        InboundEvent.objects.create(channel=channel, event_key=str(n), body=b"{}", state=state)
    Channel.objects.create(kind="folder_that_is_gone", name="x")
    InboundEvent.objects.create(channel=Channel.objects.get(name="x"), event_key="z", body=b"", state="failed")
    InboundEvent.objects.filter(state="received").update(received_at=timezone.now() - timedelta(seconds=90))
    from omnisupport.health import ledger_state

    age, failed = ledger_state()
    assert 85 < age < 120 and failed == {"telegram": 2, "folder_that_is_gone": 1}
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {settings.METRICS_TOKEN}"}
    page = client.get("/metrics", HTTP_HOST=settings.BASE_DOMAIN, **bearer).content.decode()
    assert 'omni_inbound_failed{kind="telegram"} 2.0' in page and 'omni_inbound_failed{kind="other"} 1.0' in page
    assert "folder_that_is_gone" not in page


class Died(BaseException):
    """What a kill is to the code that it hits."""


def test_what_ends_every_worker_is_set_aside_and_its_neighbours_are_not(channel, monkeypatch):
    real = telegram_adapter.parse_update

    def parse(body):
        if b"deadly" in body:
            raise Died
        return real(body)

    monkeypatch.setattr(telegram_adapter, "parse_update", parse)
    store(channel, *(update(n, "deadly" if n == 5 else f"{n}") for n in range(1, 13)))
    for _life in range(inbound.MAX_ATTEMPTS):
        with pytest.raises(Died):
            drain_channel(channel.id)
    drain_channel(channel.id)
    assert states() == ["done"] * 4 + ["failed"] + ["done"] * 7
    assert texts() == [f"{n}" for n in range(1, 13) if n != 5]
    assert InboundEvent.objects.get(state="failed").error


def test_what_cannot_be_looked_up_beforehand_holds_nothing_up(shop, channel, monkeypatch):
    monkeypatch.setattr(telegram_adapter.Adapter, "prepare", lambda adapter, bodies: 1 / len(bodies[2:]))
    store(channel, update(1, "раз"), update(2, "два"))
    drain_channel(channel.id)
    assert texts() == ["раз", "два"]


def test_what_was_processed_is_not_said_to_be_processed_again(shop, channel):
    done = InboundEvent.objects.create(channel=channel, event_key="k", body=b"{}", state="done")
    chosen = {"action": "replay_selected", "_selected_action": [done.pk]}
    page = shop.client(shop.admin).post(LEDGER, chosen, follow=True).content.decode()
    assert "Nothing to process again" in page and "being processed again" not in page
    done.refresh_from_db()
    assert done.state == "done"


def test_in_a_backlog_more_calls_cost_nothing_and_what_came_last_is_seen(channel, monkeypatch):
    sent, held = [], []
    monkeypatch.setattr(drain_inbound, "apply_async", lambda args, **options: sent.append(args))
    real_batch, real_end = inbound._take_in, MergedCalls.let_go
    calls = MergedCalls(drain_inbound, str(channel.id))
    calls.let_go()

    def call_in_between(rows, *rest):
        real_batch(rows, *rest)
        held.append(len(sent))
        wake(drain_inbound, str(channel.id))

    def one_more_at_the_end(calls):
        if "end" not in held:
            held.append("end")
            store(channel, update(99, "последнее"))
        real_end(calls)

    monkeypatch.setattr(inbound, "_take_in", call_in_between)
    monkeypatch.setattr(MergedCalls, "let_go", one_more_at_the_end)
    store(channel, *(update(n, f"{n}") for n in range(1, 21)))
    assert drain_channel(channel.id, calls) == 21
    assert texts()[-1] == "последнее"
    # Two full batches held the calls back; behind them whoever calls is heard again.
    assert held[:3] == [0, 0, "end"]
    sent.clear()
    wake(drain_inbound, str(channel.id))
    assert len(sent) == 1
