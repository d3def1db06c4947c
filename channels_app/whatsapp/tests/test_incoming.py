"""Every fixture of the protocol and whom it comes from, with what a correct system makes of each."""

import json

import pytest

from channels_app.base import (
    AddressChanged,
    ButtonPressed,
    DeletedMessage,
    EditedMessage,
    Elsewhere,
    MessageReceived,
    NotUnderstood,
    Reaction,
)
from channels_app.whatsapp.incoming import parse_webhook
from channels_app.whatsapp.tests.webhooks import (
    FIXTURES,
    NUMBER,
    OLEG,
    OLEG_ID,
    SIGNATURES,
    adapter,
    fixture,
    message,
    one,
    parsed,
    signed,
    value,
    webhook,
)
from omnisupport.lib.errors import Forbidden, NotAuthenticated

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
