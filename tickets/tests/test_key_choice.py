"""A person gives commands of the inbox other keys: kept with the person, and never two commands on one."""

import re

import pytest

from tickets.inbox.keys import KEYS, choose_key, keys_of

REPLY, NOTE, SEND = "reply", "note", "press #send"


def sheet(page: str) -> dict[str, str]:
    return {does: keys for keys, does in re.findall(r'data-keys="([^"]*)" data-does="([^"]*)"', page)}


def choose(client, does="", keys=""):
    return client.post("/inbox/keys/", {"does": does, "keys": keys}, HTTP_HX_REQUEST="true")


def test_a_chosen_key_stands_in_the_sheet_of_that_person_only(shop):
    client = shop.client(shop.agent)
    assert sheet(choose(client, REPLY, "KeyQ").content.decode())[REPLY] == "KeyQ"
    assert sheet(client.get("/inbox/").content.decode())[REPLY] == "KeyQ"
    assert sheet(shop.client(shop.colleague).get("/inbox/").content.decode())[REPLY] == "KeyR"
    shop.agent.refresh_from_db()
    assert shop.agent.keys == {REPLY: "KeyQ"}


def test_the_first_key_comes_back_alone_or_with_all(shop):
    client = shop.client(shop.agent)
    choose(client, REPLY, "KeyQ")
    choose(client, NOTE, "KeyW")
    assert sheet(choose(client, REPLY).content.decode())[REPLY] == "KeyR"
    assert sheet(choose(client).content.decode())[NOTE] == "KeyN"
    shop.agent.refresh_from_db()
    assert shop.agent.keys == {}


@pytest.mark.parametrize(
    ("does", "keys", "status"),
    [
        (REPLY, "KeyN", 409),  # of the note
        (REPLY, "KeyG", 409),  # begins the ways to other pages
        (SEND, "$mod+KeyK", 409),  # of the palette, which opens in the text too
        (SEND, "KeyQ", 400),  # a letter of the text
        (REPLY, "$mod+KeyT", 400),  # of the browser
        (REPLY, "KeyQ KeyQ", 400),
        (REPLY, "<b>", 400),
        ("back", "KeyQ", 400),
        ("rm -rf", "KeyQ", 400),
    ],
)
def test_what_would_mean_two_things_or_nothing_is_refused(shop, does, keys, status):
    answer = choose(shop.client(shop.agent), does, keys)
    assert answer.status_code == status
    shop.agent.refresh_from_db()
    assert shop.agent.keys == {}


def test_two_commands_change_places_one_after_the_other():
    chosen = choose_key({}, REPLY, "KeyQ")
    chosen = choose_key(chosen, NOTE, "KeyR")
    chosen = choose_key(chosen, REPLY, "KeyN")
    assert chosen == {NOTE: "KeyR", REPLY: "KeyN"}


def test_the_table_itself_has_no_two_commands_on_one_key_and_old_choices_do_no_harm():
    for group in KEYS:
        for key in group.keys:
            if not key.is_fixed:
                assert choose_key({}, key.does, "") == {}
    assert keys_of({"gone": "KeyQ"}) == KEYS


def test_the_buttons_name_the_chosen_key(shop):
    client = shop.client(shop.agent)
    choose(client, SEND, "$mod+Shift+KeyS")
    page = client.get(f"/inbox/{shop.customer_writes().ticket.number}/").content.decode()
    assert 'id="send" title="Ctrl+Shift+S"' in page
