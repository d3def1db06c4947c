"""An agent who may not see phones and e-mail addresses: masked on every page, shown one at a time, and written down."""

import pytest

from tenants.events.models import Event
from tickets.models import Contact
from tickets.services.contacts import update_contact

SECRETS = ("9161234567", "916 123-45-67", "marina@mail.example", "+79161234567")


@pytest.fixture
def desk(shop):
    shop.agent.sees_contact_details = False
    shop.agent.save()
    shop.channel.kind = "whatsapp"
    shop.channel.save()
    ticket = shop.customer_writes("Мой номер 8 916 123-45-67, почта marina@mail.example", address="79161234567").ticket
    update_contact(ticket.contact_id, changes={"email": "marina@mail.example", "phone": "+79161234567"}, actor=None)
    return shop


def bare(shop, path: str, **asked) -> str:
    return shop.client(shop.agent).get(path, asked).content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/inbox/?view=open",
        "/inbox/?q=marina%40mail.example",
        "/inbox/?q=1234567",
        "/inbox/1/",
        "/inbox/1/items/?facts=1",
    ],
)
def test_no_page_shows_them(desk, path):
    words = bare(desk, path)
    shown = [secret for secret in SECRETS if secret in words]
    # What one has typed into the search oneself stays in its field.
    assert shown in ([], ["marina@mail.example"] if "q=marina" in path else [])
    assert words.count("marina@mail.example") <= 1
    assert "•••" in words
    open_page = desk.client(desk.colleague).get(path).content.decode()
    assert "marina@mail.example" in open_page
    assert "•••" not in open_page


def test_integrations_get_no_more(desk):
    api = desk.client(HTTP_AUTHORIZATION=f"Bearer {desk.token(desk.agent)}")
    contact = Contact.objects.get()
    answer = api.get(f"/api/v1/contacts/{contact.id}/")
    assert (answer.json()["phone"], answer.json()["email"]) == ("+7 ••• ••• 45 67", "m•••@m•••.example")
    assert answer.json()["id"] == str(contact.id)
    for path in ("/api/v1/contacts/", "/api/v1/tickets/", "/api/v1/search/messages/?q=1234567"):
        assert not [secret for secret in SECRETS if secret in api.get(path).content.decode()], path
    asked = api.post(f"/api/v1/contacts/{contact.id}/reveal/", {"what": "phone"}, "application/json")
    assert asked.json() == {"value": "+79161234567"}
    refused = api.patch(f"/api/v1/contacts/{contact.id}/", {"phone": "+7 ••• ••• 45 67"}, "application/json")
    assert refused.status_code == 403


def test_each_look_is_written_down(desk):
    client = desk.client(desk.agent)
    contact = Contact.objects.get()
    address = contact.addresses.get()
    looks = {"phone": "+79161234567", "email": "marina@mail.example", str(address.id): "79161234567"}
    for what, value in looks.items():
        assert value in client.post("/inbox/1/reveal/", {"value": what}).content.decode()
    message = address.messages.get()
    assert "8 916 123-45-67" in client.post(f"/inbox/messages/{message.id}/reveal/").content.decode()
    for nothing in ("name", "999", "²"):
        assert client.post("/inbox/1/reveal/", {"value": nothing}).status_code == 404
    events = Event.objects.filter(type="contact.revealed").order_by("id")
    assert [(event.actor, event.payload["what"]) for event in events] == [
        (desk.agent, what) for what in ("phone", "email", f"address {address.id}", f"message {message.id}")
    ]
    assert "contact.revealed" in desk.client(desk.admin).get("/admin/events/event/").content.decode()


def test_the_dots_are_never_saved(desk):
    client = desk.client(desk.agent)
    client.post(
        "/inbox/1/contact/", {"contact-name": "Ольга", "contact-phone": "+7 ••• ••• 45 67", "contact-email": ""}
    )
    contact = Contact.objects.get()
    assert (contact.name, contact.phone, contact.email) == ("Ольга", "+79161234567", "marina@mail.example")
    Contact.objects.update(phone="")
    client.post("/inbox/1/contact/", {"contact-name": "Ольга", "contact-phone": "8 495 777-66-55"})
    assert Contact.objects.get().phone == "+74957776655"
