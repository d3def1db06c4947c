"""Every kind of message and status, the odd shapes around them, gateways and rubbish."""

import copy
import json
import random
import uuid
from typing import Any

import pytest

from channels_app.base import (
    AddressBlocked,
    ConversationStarted,
    DeletedMessage,
    Echo,
    Reaction,
    Receipt,
    TemplatesChanged,
    Unparsable,
    WindowClosed,
)
from channels_app.whatsapp.incoming import parse_webhook
from channels_app.whatsapp.tests.webhooks import (
    FIXTURES,
    NUMBER,
    OLEG,
    OLEG_ID,
    adapter,
    message,
    parsed,
    value,
    webhook,
)

# ---- Kinds of messages ---


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (message("interactive", interactive={"list_reply": {"id": "r", "title": "Вечером", "description": "d"}}), "Вечером"),
        (message("interactive", interactive={"nfm_reply": {"response_json": '{"flow_token":"x","Имя":"Олег","a":[1,2]}'}}),
         "Имя: Олег\na: 1, 2"),
        (message("interactive", interactive={"nfm_reply": {"response_json": "{", "body": "Sent"}}), "Sent"),
        (message("button", button={"text": "Да"}), "Да"),
        (message("request_welcome", request_welcome={}), "[The customer opened the chat]"),
        (message("order", order={"text": "поскорее", "product_items": [
            {"product_retailer_id": "кран-7", "quantity": 2, "item_price": 990.5, "currency": "RUB"}, None, {}]}),
         "Order from the catalogue:\nкран-7 × 2 — 990.5 RUB\nпоскорее"),
        (message("contacts", contacts=[{"name": {"first_name": "А"}}, {"phones": [{"wa_id": "7"}]}]), "7"),
        (message("location", location={"latitude": 1, "longitude": 2, "url": "https://cafe.example"}), "https://cafe.example"),
    ],
)  # fmt: skip
def test_words_of_other_kinds(sent, text):
    assert parsed(sent).incoming.text == text


def test_an_opened_chat_is_the_beginning_of_a_conversation():
    assert isinstance(parsed(message("request_welcome")), ConversationStarted)


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (message("unsupported", unsupported={"type": "poll_creation"}, errors=[{"code": 131051}]), "poll_creation"),
        (message("unsupported", errors=[{"code": 131051, "title": "Message type unknown"}]), "unsupported"),
        (message("unknown", errors=[{"code": 501}]), "unknown"),
        (message("hologram_of_next_year", hologram_of_next_year={"deep": [1, {"x": None}]}), "hologram_of_next_year"),
        (message("interactive", errors=[{"code": 131000}]), "interactive"),
        (message("image", image={"caption": "без файла"}), "image"),
        (message("image", image=None), "image"),
        (message("text", text={"body": None}), "text"),
        (message("location", location={"latitude": 910, "longitude": "x"}), "location"),
        (message("contacts", contacts=[{}]), "contacts"),
        (message("order", order={}), "order"),
        ({"from": OLEG, "id": "wamid.1"}, "message"),
    ],
)
def test_what_we_cannot_show_becomes_a_visible_placeholder(sent, kind):
    incoming = parsed(sent).incoming
    assert incoming.text and incoming.content["unsupported"] == kind


def test_a_message_that_forgot_its_type_is_read_by_what_it_has():
    sent = message()
    del sent["type"]
    assert parsed(sent).incoming.text == "привет"


def test_groups_are_none_of_ours():
    assert parsed({**message(), "group_id": "G1"}) == []
    assert parsed(statuses=[{"id": "w", "status": "read", "recipient_id": OLEG, "recipient_type": "group"}]) == []


def test_forwarded_messages_and_where_a_person_came_from():
    forwarded = parsed({**message(), "context": {"forwarded": True}}).incoming
    assert forwarded.content["forwarded_from"] and forwarded.reply_to_external_id == ""
    assert parsed({**message(), "context": {"frequently_forwarded": True}}).incoming.content["forwarded_from"]
    advert = {"source_url": "https://fb.example/ad", "source_type": "ad", "headline": "Скидка", "ctwa_clid": "x"}
    referral = parsed({**message(), "referral": advert}).incoming.content["referral"]
    assert referral == {"kind": "ad", "title": "Скидка", "url": "https://fb.example/ad"}


def test_a_reaction_taken_back():
    assert parsed(message("reaction", reaction={"message_id": "w", "emoji": ""})) == Reaction(OLEG, "w", "")
    assert parsed(message("reaction", reaction={"message_id": "w"})).emoji == ""


def test_a_message_without_an_id_is_itself_when_it_comes_again():
    lost = {**message(), "id": None}
    other = {**lost, "timestamp": "1790100099"}
    ids = [parsed(sent).incoming.external_id for sent in (lost, lost, other)]
    assert ids[0] == ids[1] != ids[2]


def test_what_names_no_message_is_done_to_none():
    assert parsed(message("reaction", reaction={"emoji": "🙏"}), message("revoke", revoke={})) == []


def test_an_edited_caption_keeps_its_picture():
    inner = {"type": "image", "image": {"id": "2", "sha256": "same", "caption": "новая"}}
    edited = parsed(message("edit", edit={"original_message_id": "wamid.A", "message": inner}))
    assert (edited.incoming.text, edited.incoming.files[0].remote["key"]) == ("новая", "same")


def test_what_was_written_on_the_phone_is_an_echo():
    echo = {"from": "74950001122", "to": OLEG, "id": "wamid.E", "timestamp": "1790100011", "type": "text",
            "text": {"body": "с телефона"}}  # fmt: skip
    inner = {"type": "text", "text": {"body": "исправлено"}}
    change = {**echo, "id": "wamid.F", "type": "edit", "edit": {"original_message_id": "wamid.E", "message": inner}}
    gone = {**echo, "id": "wamid.G", "type": "revoke", "revoke": {"original_message_id": "wamid.E"}}
    reaction = {**echo, "id": "wamid.H", "type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": "👍"}}
    echoes = [echo, {**echo, "type": "revoke"}, change, gone, reaction]
    said, changed, deleted = parse_webhook(webhook(value(message_echoes=echoes), field="smb_message_echoes"), NUMBER)
    assert isinstance(said, Echo) and said.edited_at is None
    assert (said.address, said.incoming.text, said.incoming.external_id) == (OLEG, "с телефона", "wamid.E")
    assert changed.edited_at and (changed.incoming.external_id, changed.incoming.text) == ("wamid.E", "исправлено")
    assert deleted == DeletedMessage(OLEG, "wamid.E")


def test_a_number_that_was_asked_for_is_the_persons_own():
    card = {"name": {"formatted_name": "Олег"}, "phones": [{"phone": "+7 999 000-33-44"}]}
    unnamed = {"contacts": [{"user_id": OLEG_ID, "profile": {"name": "Олег"}}]}

    def phone(origin: str) -> str:
        sent = {**message("contacts", contacts=[{**card, "origin": origin}]), "from": None, "from_user_id": OLEG_ID}
        return parsed(sent, **unnamed).profile.phone

    assert phone("contact_request") == "+79990003344"
    assert phone("other") == ""


def test_a_card_may_come_as_it_lies_in_a_telephone():
    vcard = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Мария Ильина\r\nitem1.TEL;waid=79991112233:+7 999 111-22-33\r\nEND:VCARD"
    got = parsed(message("contacts", contacts=[{"vcard": vcard, "phones": None, "name": {}}]))
    assert got.incoming.content["contact"] == {"name": "Мария Ильина", "phone": "+7 999 111-22-33"}


# ---- Statuses ---


def status(state: str, **more: Any) -> dict[str, Any]:
    return {"id": "wamid.S", "status": state, "timestamp": "1790100011", "recipient_id": OLEG, **more}


def test_a_status_names_our_own_key_and_a_heard_voice_is_read():
    key = uuid.uuid4()
    assert parsed(statuses=[status("played", biz_opaque_callback_data=str(key))]) == Receipt(
        OLEG, "wamid.S", "read", "", key
    )
    assert parsed(statuses=[status("sent", biz_opaque_callback_data="somebody else's")]).key is None


def test_pieces_before_the_last_tell_only_what_went_wrong():
    key = uuid.uuid4()
    piece = {"biz_opaque_callback_data": f"{key}#0"}
    failed = status("failed", errors=[{"code": 131053}], **piece)
    got = parsed(statuses=[status("sent", **piece), status("delivered", **piece), failed])
    assert (got.key, got.external_id, got.state) == (key, "", "failed")


def test_a_failure_says_why_without_contacts():
    failed = status("failed", errors=[{"code": 131047, "title": "Re-engagement message"}])
    closed, receipt = parsed(statuses=[failed])
    assert isinstance(closed, WindowClosed) and closed.address == OLEG
    assert "24 hours" in receipt.error
    unknown = {"code": 999, "title": "Odd", "error_data": {"details": "Because."}}
    assert parsed(statuses=[status("failed", errors=[unknown])]).error == "WhatsApp refused: Because. (999)"
    assert parsed(statuses=[status("failed")]).error


def test_a_template_that_changed_makes_our_copy_old():
    assert parsed(statuses=[status("failed", errors=[{"code": 132015}])])[0] == TemplatesChanged()
    update = {"event": "PAUSED", "message_template_id": 5, "message_template_name": "ready", "reason": None}
    assert parse_webhook(webhook(update, field="message_template_status_update"), NUMBER) == [TemplatesChanged()]


def test_somebody_who_cannot_be_reached_is_marked_so():
    blocked, receipt = parsed(statuses=[status("failed", errors=[{"code": 131026}])])
    assert isinstance(blocked, AddressBlocked) and receipt.state == "failed"


def test_a_status_for_a_person_without_a_number():
    assert parsed(statuses=[status("read", recipient_id=None, recipient_user_id=OLEG_ID)]).address == OLEG_ID


@pytest.mark.parametrize("state", ["deleted", "warning", "", None, 5, {}])
def test_states_of_next_year_are_left_alone(state):
    assert parsed(statuses=[status(state)]) == []


# ---- Gateways, other fields, rubbish ---


def test_a_flat_body_is_read_like_a_cloud_one():
    flat = {
        "contacts": [{"profile": {"name": "Олег"}, "wa_id": OLEG}],
        "messages": [
            {"from": OLEG, "id": "gBEGVzWZ", "timestamp": 1790100011, "type": "voice", "voice": {"id": "m-1"}},
            {"from": OLEG, "id": "gBEGVzXA", "timestamp": "1790100012", "type": "text", "text": {"body": "ау"}},
        ],
        "statuses": [{"id": "gBEGOut", "status": "read", "timestamp": "1790100013", "recipient_id": OLEG}],
    }
    voice, text, receipt = parse_webhook(json.dumps(flat).encode(), NUMBER)
    assert (voice.profile.name, voice.incoming.files[0].kind) == ("Олег", "voice")
    assert (text.incoming.text, receipt.external_id) == ("ау", "gBEGOut")


@pytest.mark.parametrize("field", ["account_update", "message_template_status_update", "user_preferences"])
def test_other_fields_are_accepted_and_kept_raw(field):
    body = webhook({"event": "x", "user_preferences": [{"wa_id": OLEG}]}, field=field)
    assert parse_webhook(body, NUMBER) == []
    assert adapter().event_key({}, body).startswith("sha256:")


def test_an_error_of_the_whole_account_is_no_message():
    assert parsed(errors=[{"code": 130429, "title": "Rate limit hit"}, None]) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"hello": 1}', b"[" * 9000])
def test_what_is_no_webhook_says_so(body):
    with pytest.raises(Unparsable):
        parse_webhook(body, NUMBER)
    assert adapter().event_key({}, body).startswith("sha256:")


def test_letters_that_no_database_stores_cost_only_themselves():
    body = webhook(value(message())).replace(b"\\u043f\\u0440", b"\\ud83d \\u0000")
    text = parse_webhook(body, NUMBER)[0].incoming.text
    assert text.endswith("ивет") and "\x00" not in text
    text.encode()


ODD: list[Any] = [None, "", 0, -1, True, 1.5, [], {}, [None], {"x": [{}]}, "я" * 300, 10**30, "\ud800", float("nan")]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_no_odd_part_costs_more_than_itself(path):
    """Every part in turn is missing or of another shape: parsing never falls over, and what it gives can be stored."""
    original = json.loads(path.read_bytes())
    places = list(_places(original))
    dice = random.Random(path.stem)
    for place in places:
        for odd in (..., *dice.sample(ODD, 5)):
            changed = copy.deepcopy(original)
            holder = changed
            for step in place[:-1]:
                holder = holder[step]
            if odd is ...:
                del holder[place[-1]]
            else:
                holder[place[-1]] = odd
            _check(json.dumps(changed).encode())


def _places(node: Any, path: tuple[Any, ...] = ()) -> Any:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _places(child, (*path, key))


def _check(body: bytes) -> None:
    try:
        results = parse_webhook(body, NUMBER)
    except Unparsable:
        return
    adapter().event_key({}, body)
    for result in results:
        incoming = getattr(result, "incoming", None)
        if incoming is None:
            continue
        json.dumps(incoming.content, allow_nan=False).encode()
        incoming.text.encode()
        assert 0 < len(result.address) <= 255 and 0 < len(incoming.external_id) <= 255
        assert incoming.text or incoming.files or incoming.content
