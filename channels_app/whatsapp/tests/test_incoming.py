"""Every fixture of the protocol, and the many odd shapes around them, with what a correct system makes of each."""

import copy
import hashlib
import hmac
import json
import random
import uuid
from pathlib import Path
from typing import Any

import pytest

from channels_app.base import (
    AddressBlocked,
    AddressChanged,
    ButtonPressed,
    ChannelInfo,
    ConversationStarted,
    DeletedMessage,
    Echo,
    EditedMessage,
    Elsewhere,
    MessageReceived,
    NotUnderstood,
    Reaction,
    Receipt,
    Unparsable,
)
from channels_app.whatsapp.adapter import Adapter
from channels_app.whatsapp.incoming import parse_webhook
from omnisupport.lib.errors import Forbidden, NotAuthenticated

FIXTURES = Path(__file__).parent.parent / "fixtures"
SIGNATURES = dict(
    line.removeprefix("fixtures/").split("\t")
    for line in (FIXTURES / "SIGNATURES.tsv").read_text().splitlines()
    if not line.startswith("#")
)
SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
NUMBER = "345678901234567"
OLEG, OLEG_ID = "79990003344", "RU.7718402295518830"


def adapter(**config: Any) -> Adapter:
    secrets = {"access_token": "EAAGtoken", "app_secret": SECRET, **config.pop("secrets", {})}
    info = ChannelInfo(
        id=uuid.UUID(int=5), schema="t_shop", kind="whatsapp", config={"phone_number_id": NUMBER, **config},
        secrets=secrets, webhook_url="https://shop.example/hooks/whatsapp/5/",
    )  # fmt: skip
    return Adapter(info)


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def fixture(name: str) -> list[Any]:
    """Through verification and parsing, with the signature that came with it."""
    body = (FIXTURES / f"{name}.json").read_bytes()
    headers = {"x-hub-signature-256": SIGNATURES[f"{name}.json"]}
    adapter().verify(headers, body)
    return list(adapter().parse(headers, body))


def one(name: str) -> Any:
    results = fixture(name)
    assert len(results) == 1
    return results[0]


def value(*messages: Any, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number}, **more}
    return {**found, "messages": list(messages)} if messages else found


def webhook(*values: Any, field: str = "messages") -> bytes:
    changes = [{"field": field, "value": value} for value in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode()


def message(kind: str = "text", **content: Any) -> dict[str, Any]:
    content = content or {"text": {"body": "привет"}}
    return {"from": OLEG, "id": f"wamid.{uuid.uuid4().hex}", "timestamp": "1790100011", "type": kind, **content}


def parsed(*messages: Any, **more: Any) -> Any:
    results = parse_webhook(webhook(value(*messages, **more)), NUMBER)
    return results[0] if len(results) == 1 else results


# ---- The fixtures ----------------------------------------------------------------------------------------------------


def test_text_with_both_names_of_its_sender():
    got = one("text")
    assert isinstance(got, MessageReceived)
    assert (got.address, got.profile.alias, got.profile.name) == (OLEG, OLEG_ID, "Олег Дёмин")
    assert got.profile.phone == "+79990003344"
    assert got.incoming.text == "Здравствуйте, когда доставка? Почта oleg@example.org"
    assert got.incoming.external_id.startswith("wamid.") and got.incoming.sent_at.timestamp() == 1790100011
    assert got.profile.details["last_message"] == got.incoming.external_id


@pytest.mark.parametrize(
    ("name", "kind", "media_id", "file_name", "text"),
    [
        ("image_with_caption", "photo", "1001200130014001", "photo.jpg", "Скол на корпусе"),
        ("document", "document", "1001200130014002", "Гарантийный талон.pdf", "Талон"),
        ("voice_note", "voice", "1001200130014003", "voice.ogg", ""),
        ("video", "video", "1001200130014004", "video.mp4", ""),
        ("sticker_animated", "sticker", "1001200130014005", "sticker.webp", ""),
    ],
)
def test_files_and_their_captions(name, kind, media_id, file_name, text):
    incoming = one(name).incoming
    assert [(file.kind, file.remote["id"], file.name) for file in incoming.files] == [(kind, media_id, file_name)]
    assert incoming.text == text and "unsupported" not in incoming.content


def test_a_place_and_a_card():
    place = one("location_named").incoming.content["location"]
    assert place == {
        "latitude": 55.751244,
        "longitude": 37.618423,
        "title": "Склад №2",
        "address": "ул. Складская, 7, Москва",
    }
    card = one("contacts").incoming.content["contact"]
    assert card == {"name": "Ирина Кладовщик", "phone": "+7 (999) 555-66-77, +7 495 000 00 00"}


def test_a_reply_names_what_it_answers():
    assert one("reply_with_context").incoming.reply_to_external_id == "wamid.HBgLNzk5OTAwMDMzNDQVAgARGBJPVVREMDAwMQA="


def test_presses_carry_their_value():
    button, template = one("interactive_button_reply"), one("template_quick_reply_button")
    assert isinstance(button, ButtonPressed) and isinstance(template, ButtonPressed)
    assert (button.incoming.text, button.incoming.content["button"]) == ("Отлично", "csat:77ab:5")
    assert (template.incoming.text, template.incoming.content["button"]) == ("Продолжить диалог", "reopen:77ab")


def test_a_reaction_an_edit_a_revocation():
    assert one("reaction") == Reaction(OLEG, "wamid.HBgLNzk5OTAwMDMzNDQVAgARGBJPVVREMDAwMQA=", "🙏")
    edit = one("edit")
    assert isinstance(edit, EditedMessage)
    assert edit.incoming.external_id == one("text").incoming.external_id
    assert edit.incoming.text == "Здравствуйте, когда доставка заказа 881?"
    assert edit.edited_at.timestamp() == 1790100143
    revoked = one("revoke")
    assert isinstance(revoked, DeletedMessage)
    assert revoked.external_id == one("image_with_caption").incoming.external_id


def test_all_statuses_of_a_body():
    states = [(receipt.address, receipt.state) for receipt in fixture("statuses_delivered_and_read")]
    assert states == [(OLEG, "delivered"), (OLEG, "read")]


def test_every_fixture_is_signed_and_keyed_by_its_ids():
    keys = set()
    for path in FIXTURES.glob("*.json"):
        assert fixture(path.stem)
        body = path.read_bytes()
        again = json.dumps(json.loads(body)).encode()
        assert adapter().event_key({}, body) == adapter().event_key({}, again)
        keys.add(adapter().event_key({}, body))
    assert len(keys) == len(SIGNATURES) == 15


# ---- Proofs ----------------------------------------------------------------------------------------------------------


def test_the_signature_is_over_the_escaped_bytes_as_meta_sends_them():
    body = (
        b'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":'
        b'{"t":"\\u0414\\u0430, a\\u0040b.ru \\/ ok"}}]}]}'
    )
    expected = "sha256=aeedfed0c0c071b2cb13b9e119341f7d30cff96070ee4f54542b8cebdd8598e3"
    adapter().verify({"x-hub-signature-256": expected}, body)
    assert adapter().parse({}, body) == []


@pytest.mark.parametrize("given", ["", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "я" * 9])
def test_a_wrong_signature_is_refused(given):
    with pytest.raises(NotAuthenticated):
        adapter().verify({"x-hub-signature-256": given}, b"{}")


def test_without_an_app_secret_nothing_is_believed():
    with pytest.raises(NotAuthenticated):
        adapter(secrets={"app_secret": ""}).verify(signed(b"{}", ""), b"{}")


def test_the_body_must_be_the_signed_one():
    with pytest.raises(NotAuthenticated):
        adapter().verify(signed(b"{}"), b"{ }")


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Basic b21uaTp2dC1kZW1v"}, {"authorization": "Bearer vt-demo"}, {"x-verify-token": "vt-demo"}],
)
def test_gateways_prove_themselves_by_a_header(headers):
    gateway = adapter(webhook_check="token", secrets={"verify_token": "vt-demo"})
    gateway.verify(headers, b"{}")
    for wrong in ({}, {"authorization": "Basic ???"}, {"x-verify-token": "vt"}, signed(b"{}")):
        with pytest.raises(NotAuthenticated):
            gateway.verify(wrong, b"{}")


def test_meta_proves_our_address_by_a_challenge():
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "vt-demo"}
    channel = adapter(secrets={"verify_token": "vt-demo"})
    assert channel.answer_check(asked) == b"1158201444"
    assert channel.answer_check({}) is None
    for wrong in ({"hub.verify_token": "other"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}):
        with pytest.raises(Forbidden):
            channel.answer_check({**asked, **wrong})


def test_a_token_that_nobody_gave_is_made_and_shown():
    made = adapter().setup_values()["verify_token"]
    assert len(made) == 43
    assert adapter().answer_check({"hub.mode": "subscribe", "hub.challenge": "7", "hub.verify_token": made}) == b"7"
    assert adapter(secrets={"verify_token": "own"}).setup_values()["verify_token"] == ""


# ---- Batches, people -------------------------------------------------------------------------------------------------


def test_everything_in_a_batch_is_read_in_the_order_it_happened():
    late, early = message(text={"body": "два"}), {**message(text={"body": "раз"}), "timestamp": "1790100001"}
    status = {"id": "wamid.X", "status": "read", "timestamp": "1790100005", "recipient_id": OLEG}
    body = json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [
                {"id": "1", "changes": [{"field": "messages", "value": value(late)}]},
                {
                    "id": "1",
                    "changes": [{"value": value(early)}, {"value": value(statuses=[status])}, {"value": None}, 5],
                },
                {"id": "2", "changes": None},
            ],
        }
    ).encode()
    results = parse_webhook(body, NUMBER)
    assert [getattr(r, "state", "") or r.incoming.text for r in results] == ["раз", "read", "два"]


def test_contacts_are_matched_by_id_never_by_place():
    irina = {"profile": {"name": "Ирина"}, "wa_id": "79995556677", "user_id": "RU.1"}
    oleg = {"profile": {"name": "Олег"}, "wa_id": OLEG}
    stranger = {**message(), "from": "70000000000"}
    first, second, third = parsed({**message(), "from": "79995556677"}, message(), stranger, contacts=[oleg, irina])
    assert (first.profile.name, first.profile.alias) == ("Ирина", "RU.1")
    assert second.profile.name == "Олег" and third.profile.name == ""


def test_a_person_without_a_number_is_known_by_their_id():
    contact = {"profile": {"name": "Мария", "username": "masha"}, "user_id": "RU.99aB"}
    sent = {**message(), "from_user_id": "RU.99aB"}
    del sent["from"]
    got = parsed(sent, contacts=[contact])
    assert (got.address, got.profile.alias, got.profile.phone) == ("RU.99aB", "", "")
    assert got.profile.details["username"] == "masha"


def test_a_number_learnt_from_the_contact_comes_first():
    contact = {"wa_id": OLEG, "user_id": OLEG_ID}
    sent = {**message(), "from": None, "from_user_id": OLEG_ID}
    got = parsed(sent, contacts=[contact, {"wa_id": "1"}])
    assert (got.address, got.profile.alias) == (OLEG, OLEG_ID)


def test_a_message_of_nobody_fails_alone():
    lost = {**message(), "from": None}
    kept, unreadable = parsed(message(), lost)
    assert isinstance(kept, MessageReceived) and isinstance(unreadable, NotUnderstood)
    assert isinstance(parsed(lost, contacts=[{"wa_id": OLEG}]), MessageReceived)


def test_another_number_of_the_same_app_is_not_ours():
    (got,) = parse_webhook(webhook(value(message(), number="999")), NUMBER)
    assert isinstance(got, Elsewhere) and got.external_id == "999" and got.result.incoming.text == "привет"
    assert isinstance(parse_webhook(webhook(value(message(), number="999")), "")[0], MessageReceived)


def test_new_numbers_and_new_ids():
    system = {"body": "…", "wa_id": "79991112233", "user_id": "RU.new", "previous_user_id": OLEG_ID}
    changed = parsed(message("system", system={**system, "type": "user_changed_number"}))
    assert changed == [AddressChanged(OLEG, "79991112233"), AddressChanged(OLEG_ID, "RU.new")]
    only_id = {
        **message("system", system={"type": "user_changed_user_id", "user_id": "RU.new"}),
        "from_user_id": OLEG_ID,
    }
    del only_id["from"]
    assert parsed(only_id) == AddressChanged(OLEG_ID, "RU.new")
    older = parsed(message("system", system={"type": "customer_changed_number", "new_wa_id": 79991112233}))
    assert older == AddressChanged(OLEG, "79991112233")
    assert parsed(message("system", system={"type": "customer_identity_changed"})) == []


# ---- Kinds of messages -----------------------------------------------------------------------------------------------


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
    body = webhook(value(message_echoes=[echo, {**echo, "type": "revoke"}]), field="smb_message_echoes")
    (got,) = parse_webhook(body, NUMBER)
    assert isinstance(got, Echo)
    assert (got.address, got.incoming.text, got.incoming.external_id) == (OLEG, "с телефона", "wamid.E")


# ---- Statuses --------------------------------------------------------------------------------------------------------


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
    assert "24 hours" in parsed(statuses=[failed]).error
    unknown = {"code": 999, "title": "Odd", "error_data": {"details": "Because."}}
    assert parsed(statuses=[status("failed", errors=[unknown])]).error == "WhatsApp refused: Because. (999)"
    assert parsed(statuses=[status("failed")]).error


def test_somebody_who_cannot_be_reached_is_marked_so():
    blocked, receipt = parsed(statuses=[status("failed", errors=[{"code": 131026}])])
    assert isinstance(blocked, AddressBlocked) and receipt.state == "failed"


def test_a_status_for_a_person_without_a_number():
    assert parsed(statuses=[status("read", recipient_id=None, recipient_user_id=OLEG_ID)]).address == OLEG_ID


@pytest.mark.parametrize("state", ["deleted", "warning", "", None, 5, {}])
def test_states_of_next_year_are_left_alone(state):
    assert parsed(statuses=[status(state)]) == []


# ---- Gateways, other fields, rubbish ---------------------------------------------------------------------------------


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
