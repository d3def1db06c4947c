"""Connecting a community of VK: its key, its Callback API servers, long polling, what it holds."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from channels_app.base import ChannelInfo, TransportError
from channels_app.vk.adapter import Adapter, Secrets
from channels_app.vk.history import _PAGE
from channels_app.vk.incoming import EVENT_TYPES
from channels_app.vk.tests.conftest import HOOK
from tests.standins.server import Answer
from tests.standins.vk import LOST_KEY, TOKEN, USER
from tests.standins.vk_servers import CODE, GROUP


def server(url: str, **parts: object) -> dict[str, object]:
    return {"id": 1, "title": "x", "status": "ok", "secret_key": "s", **parts, "url": url}


@pytest.fixture
def public(settings):
    settings.PUBLIC_URL_REACHABLE = True


@pytest.fixture
def laptop(settings):
    settings.PUBLIC_URL_REACHABLE = False


# ---- The key


def test_connecting_tells_which_community_it_is(vk, adapter, public):
    connected = adapter.connect()
    assert (connected.external_id, connected.title) == (str(GROUP), "Омни Магазин")
    assert connected.config == {
        "group_id": str(GROUP), "username": "omni_shop", "link": "https://vk.me/omni_shop", "confirmation_code": CODE,
    }  # fmt: skip


def test_a_key_without_a_right_is_told_which(vk, adapter, public):
    del vk.rights["manage"], vk.rights["docs"]
    with pytest.raises(TransportError) as caught:
        adapter.connect()
    assert "docs, manage" in caught.value.reason and caught.value.breaks_channel
    vk.script(Answer(json={"response": {"mask": 397316}}), path="groups.getTokenPermissions")
    assert adapter.connect().external_id == str(GROUP)


def test_a_lost_key_says_so(vk, adapter, public):
    vk.token = "another"
    with pytest.raises(TransportError) as caught:
        adapter.connect()
    assert caught.value.breaks_channel and TOKEN not in caught.value.reason


@pytest.mark.parametrize("groups", [[], {"groups": []}, {"groups": ["?"]}, None])
def test_half_an_answer_about_the_community_is_tried_again(vk, adapter, public, groups):
    vk.script(Answer(json={"response": groups}), path="groups.getById")
    with pytest.raises(TransportError) as caught:
        adapter.connect()
    assert not caught.value.permanent


def test_older_versions_name_the_community_in_a_list(vk, adapter, public):
    vk.script(Answer(json={"response": [{"id": 5, "name": "Б"}]}), path="groups.getById")
    assert adapter.connect().config["link"] == "https://vk.me/club5"


@pytest.mark.parametrize("token", ["", "short", "with space " * 5, "ключ" * 10])
def test_a_key_that_cannot_be_one_is_refused(token):
    with pytest.raises(ValueError, match="token"):
        Secrets(token=token)
    assert Secrets(token=f" {TOKEN}\n").token == TOKEN


def test_a_link_brings_a_code_along(adapter):
    assert adapter.deep_link("abc") == "https://vk.me/omni_shop?ref=abc"
    bare = Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "vk", {}, {"token": TOKEN}, HOOK))
    assert bare.deep_link("abc") == ""


# ---- Callback API


def test_a_server_of_ours_is_made_with_every_event(vk, adapter, public):
    adapter.start_receiving()
    (made,) = vk.servers.values()
    assert (made["url"], made["secret_key"]) == (HOOK, adapter._webhook_secret)
    assert len(made["secret_key"]) <= 50 and len(made["title"]) <= 14
    assert {name: vk.settings[made["id"]][name] for name in EVENT_TYPES} == dict.fromkeys(EVENT_TYPES, "1")


def test_connecting_again_uses_the_server_that_is_there(vk, adapter, public):
    for _time in range(12):
        adapter.start_receiving()
    assert len(vk.servers) == 1


def test_servers_that_we_left_earlier_are_used_again_and_strangers_are_let_be(vk, adapter, public):
    foreign = "https://crm.example/vk"
    urls = [HOOK.replace("shop.example", "old.example"), foreign, HOOK.replace("0005/", "0004/")]
    vk.servers = {id: server(url, id=id) for id, url in enumerate(urls, 1)}
    adapter.start_receiving()
    assert {id: row["url"] for id, row in vk.servers.items()} == {1: HOOK, 2: foreign}
    adapter.disconnect()
    assert [row["url"] for row in vk.servers.values()] == [foreign]


def test_ten_servers_of_others_leave_no_room(vk, adapter, public):
    vk.servers = {id: server(f"https://crm.example/{id}", id=id) for id in range(1, 11)}
    with pytest.raises(TransportError) as caught:
        adapter.start_receiving()
    assert caught.value.breaks_channel and len(vk.servers) == 10


@pytest.mark.parametrize("state", ["failed", "gone", "other secret", "event off"])
def test_a_server_that_vk_gave_up_is_confirmed_again(vk, adapter, public, state):
    adapter.start_receiving()
    well = adapter.check_health()
    match state:
        case "failed":
            vk.servers[1]["status"] = "failed"
        case "gone":
            vk.servers.clear()
        case "other secret":
            vk.servers[1]["secret_key"] = "x"
        case "event off":
            vk.settings[1] = {**vk.settings[1], "message_edit": "0"}
    assert adapter.check_health() != well
    assert adapter.check_health() == well
    assert vk.servers[1] == {**vk.servers[1], "status": "ok", "secret_key": adapter._webhook_secret}


def test_a_new_confirmation_string_asks_for_a_person(vk, adapter, public):
    adapter.start_receiving()
    vk.servers[1]["status"], vk.code = "failed", "another1"
    with pytest.raises(TransportError) as caught:
        adapter.check_health()
    assert caught.value.breaks_channel


def test_an_address_that_vk_cannot_confirm_is_said_so(vk, adapter, public):
    vk.connect_to = f"{vk.url}/method/no-such"
    with pytest.raises(TransportError) as caught:
        adapter.start_receiving()
    assert "https://shop.example" in caught.value.reason and "0005" not in caught.value.reason


# ---- Long polling


def test_a_laptop_switches_polling_on_and_its_server_off(vk, adapter, laptop):
    vk.servers = {1: server(HOOK, id=1), 2: server("https://crm.example/vk", id=2)}
    for ask in (adapter.start_receiving, adapter.check_health):
        vk.polling = {}
        ask()
        assert vk.polling["enabled"] == "1" and vk.polling["message_new"] == "1"
    assert list(vk.servers) == [2]
    assert "confirmation_code" not in adapter.connect().config


async def polled(adapter, state):
    bodies, after = await adapter.poll(state)
    return [adapter.parse({}, body)[0].incoming.text for body in bodies], after


async def test_polling_takes_each_event_once(vk, adapter):
    vk.polling = {"enabled": "1"}
    vk.customer_says("до подключения")
    texts, state = await polled(adapter, {})
    assert texts == []
    vk.customer_says("раз")
    vk.customer_says("два")
    texts, state = await polled(adapter, state)
    assert (texts, state) == (["раз", "два"], {"ts": "3"})
    vk.customer_says("три")
    assert (await polled(adapter, state))[0] == ["три"]
    # Neither the key of the community nor that of the poll is kept, or goes where it does not belong.
    assert all("authorization" not in request.headers for request in vk.to("/lp"))


@pytest.mark.parametrize(
    ("failed", "after"),
    [({"failed": 1, "ts": 30}, "30"), ({"failed": 2}, "7"), ({"failed": 3}, "0"), ({"failed": 4}, "0")],
)
async def test_a_poll_that_failed_goes_on_where_vk_says(vk, adapter, failed, after):
    vk.polling = {"enabled": "1"}
    vk.failed = [failed]
    assert await adapter.poll({"ts": "7"}) == ([], {"ts": after})


async def test_polling_with_a_lost_key_or_a_lost_answer_says_so(vk, adapter):
    vk.polling = {"enabled": "1"}
    vk.script(LOST_KEY)
    with pytest.raises(TransportError) as lost:
        await adapter.poll({})
    assert lost.value.breaks_channel
    for answer, path in ((Answer(502, html="x"), "/method/"), (Answer(200, html="x"), "/lp"), (Answer(raw=[]), "/lp")):
        vk.script(answer, path=path)
        with pytest.raises(TransportError) as away:
            await adapter.poll({})
        assert away.value.retry_after and not away.value.breaks_channel


async def test_a_poll_address_inside_our_network_is_not_called(vk, adapter, settings):
    vk.polling = {"enabled": "1"}
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with pytest.raises(TransportError):
        await adapter.poll({})
    assert vk.to("/lp") == []


# ---- What VK holds


def test_what_customers_wrote_since_then_is_listed_in_order(vk, adapter):
    now = datetime.now(UTC)
    before = int((now - timedelta(days=2)).timestamp())
    vk.message("давно", date=before)
    vk.message("раз", user=5)
    vk.message("из чата", user=2_000_000_001)
    vk.said("ответ", user=5)
    for number in range(_PAGE + 5):
        vk.message(f"{number}")
    bodies = adapter.list_received(now - timedelta(days=1))
    found = [adapter.parse({}, body)[0] for body in bodies]
    assert [got.incoming.text for got in found if got.address == "5"] == ["раз"]
    assert [got.incoming.text for got in found if got.address == str(USER)] == [f"{n}" for n in range(_PAGE + 5)]
    assert len(found) == _PAGE + 6
    assert adapter.event_key({}, bodies[0]) == json.loads(bodies[0])["event_id"]


def test_names_are_asked_for_once_a_batch(vk, adapter):
    # Names stay in the cache from test to test.
    marina, other = (uuid.uuid4().int % 10**9 + 1 for _person in range(2))
    vk.people[marina] = ("Марина", "Орлова", "marina_o")
    events = [vk.message("раз", user=marina), vk.message("два", user=marina), vk.message("три", user=other),
              vk.said("ответ", user=marina, admin=marina), vk.deny(user=marina)]  # fmt: skip
    bodies = [json.dumps(event).encode() for event in events]
    for _batch in range(2):
        adapter.prepare([*bodies, b"strange"])
        assert adapter.parse({}, bodies[0])[0].profile.name == "Марина Орлова"
        assert adapter.parse({}, bodies[2])[0].profile.name == "Кто Нибудь"
    assert [method for method, _form in vk.calls] == ["users.get"]


def test_names_that_cannot_be_had_hold_nothing_up(vk, adapter):
    event = json.dumps(vk.message("раз", user=6)).encode()
    vk.script(Answer(502, html="x"), path="users.get")
    adapter.prepare([event])
    assert (adapter.parse({}, event)[0].profile.name, len(vk.calls)) == ("", 0)


def test_a_message_that_was_cut_is_asked_for_whole(vk, adapter):
    event = vk.message("начало и конец")
    cut = json.loads(json.dumps(event))
    cut["object"]["message"] |= {"text": "начало…", "is_cropped": True}
    adapter.prepare([json.dumps(cut).encode()])
    assert adapter.parse({}, json.dumps(cut).encode())[0].incoming.text == "начало и конец"
