"""Pages of contacts and companies: what is known, who belongs together, what is forgotten."""

import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.events.dispatch import dispatch_new_events
from tenants.events.models import Event
from tickets import contact_queries
from tickets.contact_queries import ContactFilter
from tickets.models import Attachment, Company, Contact, ContactLink, CustomField, Message
from tickets.services.companies import save_company
from tickets.services.contacts import update_contact
from tickets.services.receive import Incoming, Profile, receive_message


def customer(shop, address: str, **changes) -> Contact:
    contact = shop.customer_writes("Здравствуйте", address=address).ticket.contact
    return update_contact(contact.id, changes=changes, actor=None) if changes else contact


def names(shop, **asked) -> list[str]:
    return [c.name for c in contact_queries.list_contacts(shop.agent, ContactFilter(**asked)).contacts]


def test_contacts_are_found_by_name_address_phone_and_company(shop):
    customer(shop, "a", name="Пётр Сидоров", email="petr@example.com", phone="8 916 123-45-67")
    customer(shop, "b", name="Ольга")
    save_company(None, changes={"name": "Ромашка", "domain": "example.com"}, actor=shop.agent)
    for text in ("сидоров", "пётр си", "petr@", "+7 (916) 123-45-67", "89161234567", "ромашка"):
        assert names(shop, text=text) == ["Пётр Сидоров"], text
    assert names(shop) == ["Ольга", "Пётр Сидоров"]
    assert names(shop, text="никто") == []
    Contact.objects.filter(name="Ольга").update(is_blocked=True)
    assert names(shop, blocked=True) == ["Ольга"]
    html = shop.client(shop.agent).get("/contacts/?q=сидоров").content.decode()
    assert "Пётр Сидоров" in html
    assert "Ольга" not in html


def test_pages_of_contacts_lead_both_ways_and_cost_the_same(shop, monkeypatch):
    monkeypatch.setattr(contact_queries, "PAGE", 2)
    for place, name in enumerate("АБВГД"):
        customer(shop, f"v{place}", name=name)

    def page(**asked):
        found = contact_queries.list_contacts(shop.agent, ContactFilter(), **asked)
        return "".join(c.name for c in found.contacts), found

    shown, first = page()
    assert (shown, first.newer) == ("ДГ", "")
    shown, second = page(older=first.older)
    assert shown == "ВБ"
    shown, third = page(older=second.older)
    assert (shown, third.older) == ("А", "")
    assert page(newer=third.newer)[0] == "ВБ"
    assert page(newer=second.newer)[0] == "ДГ"
    client = shop.client(shop.agent)
    assert client.get("/contacts/?older=x_y").status_code == 400
    client.get("/contacts/")
    with CaptureQueriesContext(connection) as captured:
        client.get("/contacts/")
    # session, person, contacts, the bell
    assert len([query for query in captured if not query["sql"].startswith("SET ")]) == 4


def test_colleagues_at_one_domain_join_their_company_but_nobody_at_a_public_one(shop):
    before = customer(shop, "a", name="Анна", email="anna@romashka.example")
    company = save_company(None, changes={"name": "Ромашка", "domain": "@www.Romashka.example"}, actor=shop.agent)
    assert company.domain == "romashka.example"
    later = customer(shop, "b", email="boris@ROMASHKA.example")
    receive_message(
        channel_id=shop.channel.id, address="c", profile=Profile(name="Вера", email="vera@romashka.example"),
        incoming=Incoming(external_id="1", text="Добрый день"),
    )  # fmt: skip
    other = customer(shop, "d", email="x@sub.romashka.example")
    assert {c.name or c.email for c in company.contacts.all()} == {"Анна", "Марина", "Вера"}
    for contact in (before, later, other):
        contact.refresh_from_db()
    assert (before.company, later.company, other.company) == (company, company, None)
    answer = shop.client(shop.agent).post("/companies/", {"name": "Все", "domain": "mail.ru"})
    assert answer.status_code == 400
    assert "anybody has a mailbox" in answer.content.decode()
    assert shop.client(shop.agent).post("/companies/", {"name": "РОМАШКА", "domain": ""}).status_code == 400


def test_the_page_of_a_contact_changes_what_is_known(shop):
    contact = customer(shop, "a", name="Анна")
    CustomField.objects.create(target="contact", key="plan", label="Тариф", type="number")
    client, path = shop.client(shop.agent), f"/contacts/{contact.id}/"
    profile = {"name": "Анна П.", "email": "anna@example.com", "phone": "8 916 123-45-67", "language": "ru"}
    refused = client.post(path, {**profile, "field-plan": "много"})
    assert refused.status_code == 400
    assert "this has to be a number" in refused.content.decode()
    assert client.post(path, {**profile, "field-plan": "3"}).status_code == 302
    client.post(f"{path}notes/", {"notes": "Любит звонки"}, headers={"HX-Request": "true"})
    client.post(f"{path}company/", {"value": " Новая  фирма "})
    contact.refresh_from_db()
    assert (contact.name, contact.phone, contact.attributes, contact.notes, contact.company.name) == (
        "Анна П.", "+79161234567", {"plan": 3}, "Любит звонки", "Новая фирма",
    )  # fmt: skip
    client.post(f"{path}company/", {"value": "НОВАЯ ФИРМА"})
    assert Company.objects.count() == 1
    html = client.get(path).content.decode()
    for words in ("Любит звонки", "Новая фирма", "№1", "Тариф"):
        assert words in html
    panel = client.get("/inbox/1/").content.decode()
    assert "Любит звонки" in panel
    assert "Новая фирма" in panel
    company = client.get(f"/companies/{contact.company_id}/").content.decode()
    assert "Анна П." in company
    assert "№1" in company


def test_two_contacts_are_found_compared_merged_and_parted(shop):
    kept, gone = customer(shop, "a", name="Анна"), customer(shop, "b", name="Анюта", phone="+79161234567")
    client, path = shop.client(shop.agent), f"/contacts/{kept.id}/merge/"
    assert "Анюта" in client.get(path, {"q": "анют"}).content.decode()
    assert "Becomes part of it" in client.get(path, {"with": str(gone.id)}).content.decode()
    client.post(path, {"value": str(gone.id)})
    assert client.get(f"/contacts/{gone.id}/").headers["Location"] == f"/contacts/{kept.id}/"
    assert names(shop) == ["Анна"]
    merge = kept.merges.get()
    other = customer(shop, "c", name="Чужой")
    assert client.post(f"/contacts/{other.id}/part/{merge.id}/").status_code == 404
    client.post(f"/contacts/{kept.id}/part/{merge.id}/")
    assert names(shop) == ["Чужой", "Анюта", "Анна"]


def test_a_link_leads_signed_into_the_companys_own_system(shop):
    admin = shop.client(shop.admin)
    contact = customer(shop, "a", email="anna@example.com", attributes={"external_id": "К 7"})
    assert (
        "There is no"
        in admin.post(
            "/admin/tickets/contactlink/add/", {"name": "x", "url": "https://x.example/{id}"}
        ).content.decode()
    )
    told = admin.post(
        "/admin/tickets/contactlink/add/",
        {"name": "Касса", "url": "https://crm.example/c/{external_id}?mail={email}", "is_active": "on"},
        follow=True,
    ).content.decode()
    link = ContactLink.objects.get()
    secret = link.secrets["secret"]
    assert secret in told
    assert secret not in admin.get(f"/admin/tickets/contactlink/{link.id}/change/").content.decode()
    url = shop.client(shop.agent).get(f"/contacts/{contact.id}/link/{link.id}/").headers["Location"]
    before, _sep, signature = url.partition("&sig=")
    assert before.startswith("https://crm.example/c/%D0%9A%207?mail=anna%40example.com&exp=")
    assert signature == hmac.new(secret.encode(), before.encode(), hashlib.sha256).hexdigest()
    assert 290 <= int(parse_qs(urlsplit(url).query)["exp"][0]) - time.time() <= 301
    shop.agent.sees_contact_details = False
    shop.agent.save()
    assert shop.client(shop.agent).get(f"/contacts/{contact.id}/link/{link.id}/").status_code == 404
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM tickets_contactlink")
        assert secret not in cursor.fetchone()[0]


def test_everything_about_a_person_in_one_file_and_then_nothing(shop, django_capture_on_commit_callbacks):
    from ai_assistant.models import Answer

    message = shop.customer_writes("Меня зовут Анна, мой ключ КАНАРЕЙКА", address="a")
    contact = update_contact(
        message.ticket.contact_id, changes={"name": "Анна", "email": "anna@example.com"}, actor=None
    )
    file = Attachment.objects.create(message=message, name="паспорт.txt", size=1)
    file.file.save("a.txt", ContentFile(b"x"))
    stored = file.file.name
    Answer.objects.create(ticket_id=message.ticket_id, question_message_id=message.id, question="КАНАРЕЙКА")
    admin, path = shop.client(shop.admin), f"/contacts/{contact.id}/"
    assert shop.client(shop.agent).get(f"{path}data.json").status_code == 403
    assert shop.client(shop.agent).post(f"{path}erase/", {"named": "Анна"}).status_code == 403
    data = json.loads(admin.get(f"{path}data.json").content)
    assert data["email"] == "anna@example.com"
    assert data["conversations"][0]["messages"][0]["text"] == message.text
    assert admin.post(f"{path}erase/", {"named": "Аня"}).status_code == 400
    assert Contact.objects.get().name == "Анна"
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(f"{path}erase/", {"named": " анна"}).status_code == 302
    dispatch_new_events()
    contact.refresh_from_db()
    message.refresh_from_db()
    assert (contact.name, contact.email, message.text) == ("Erased", "", "Erased")
    assert not file.file.storage.exists(stored)
    for model in (Contact, Message, Answer, Event, Attachment):
        rows = json.dumps(list(model.objects.values()), default=str, ensure_ascii=False)
        assert not [word for word in ("КАНАРЕЙКА", "Анна", "anna@", "паспорт") if word in rows], model
    assert admin.get("/inbox/?q=канарейка").content.decode().count("ticket__link") == 0
    again = shop.customer_writes("Снова я", address="a")
    assert again.ticket.contact_id != contact.id


def test_the_pages_that_a_visitor_looks_at_are_shown(shop):
    import uuid

    client = shop.client()
    session = client.post(f"/widget/{shop.channel.id}/session/", "{}", "application/json").json()
    visitor = {"Authorization": f"Visitor {session['token']}"}

    def look(url, title="Корзина"):
        body = {"url": url, "title": title}
        return client.post(f"/widget/{shop.channel.id}/page/", body, "application/json", headers=visitor).status_code

    assert look("https://shop.example/before") == 200
    said = {"client_id": str(uuid.uuid4()), "text": "Где заказ?"}
    client.post(f"/widget/{shop.channel.id}/messages/", said, "application/json", headers=visitor)
    for number in range(25):
        assert look(f"https://shop.example/{number}", f"Страница {number}") == 200
    assert look("https://shop.example/24", "Страница 24") == 200
    assert look("javascript:alert(1)") == 200
    assert look("x" * 3000) == 400
    contact = Contact.objects.get()
    pages = contact.addresses.get().details["pages"]
    assert [page["title"] for page in pages] == [f"Страница {number}" for number in range(24, 4, -1)]
    assert "Страница 24" in shop.client(shop.agent).get("/inbox/1/").content.decode()
    assert "Страница 5" in shop.client(shop.agent).get(f"/contacts/{contact.id}/").content.decode()


@pytest.mark.parametrize(
    "path", ["", "notes/", "company/", "reveal/", "merge/", "part/1/", "link/1/", "data.json", "erase/"]
)
def test_a_contact_of_others_does_not_exist(shop, path):
    shop.agent.access = "own"
    shop.agent.save()
    contact = customer(shop, "a", name="Тайна")
    client = shop.client(shop.agent)
    for answer in (
        client.get(f"/contacts/{contact.id}/{path}"),
        client.post(f"/contacts/{contact.id}/{path}", {"notes": "x"}),
    ):
        # For admins only: refused before anything is looked up.
        assert answer.status_code in ({403, 405} if path in {"data.json", "erase/"} else {404, 405})
        assert "Тайна" not in answer.content.decode()
    assert "Тайна" not in client.get("/contacts/").content.decode()
