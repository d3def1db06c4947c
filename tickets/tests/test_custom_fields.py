"""Fields that a workspace adds: what they take, where they are filled in, and that solving waits for them."""

import uuid

import pytest

from omnisupport.lib.errors import InvalidInput
from tenants.events.models import Event
from tickets.models import Company, CustomField, FieldTarget, FieldType, Message, Ticket
from tickets.services.contacts import update_contact
from tickets.services.fields import read_value
from tickets.services.post import post_message
from tickets.services.tickets import close_solved, move_status, set_status, set_ticket_attributes

HX = {"HTTP_HX_REQUEST": "true"}


def make(key="order", **fields) -> CustomField:
    return CustomField.objects.create(**{"key": key, "label": key.title(), **fields})


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


@pytest.fixture
def agent(shop):
    return shop.client(shop.agent)


@pytest.fixture
def api(shop):
    return shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        ({"type": "text"}, "  А-17 ", "А-17"),
        ({"type": "text", "pattern": r"[А-Я]-\d+"}, "А-17", "А-17"),
        ({"type": "text"}, "", None),
        ({"type": "text"}, None, None),
        ({"type": "number"}, "1 200,50", 1200.5),
        ({"type": "number"}, "7", 7),
        ({"type": "number"}, 7.0, 7),
        ({"type": "number"}, "0", 0),
        ({"type": "date"}, "2027-02-28", "2027-02-28"),
        ({"type": "checkbox"}, "true", True),
        ({"type": "checkbox"}, False, False),
        ({"type": "checkbox"}, "", None),
        ({"type": "choice", "options": ["Брак", "Размер"]}, "Брак", "Брак"),
        ({"type": "link"}, "https://crm.example/o/1?a=б", "https://crm.example/o/1?a=б"),
    ],
)
def test_a_value_is_kept_in_the_shape_of_its_type(field, given, stored):
    value = read_value(CustomField(key="k", label="K", **field), given)
    assert (value, type(value)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ({"type": "text"}, 7),
        ({"type": "text"}, "x" * 1001),
        ({"type": "text"}, "a\x00b"),
        ({"type": "text", "pattern": r"\d+"}, "12a"),
        # Would take ages without an end set to it.
        ({"type": "text", "pattern": r"(a+)+(b+)+c"}, "a" * 400 + "b" * 400),
        ({"type": "number"}, "семь"),
        ({"type": "number"}, "nan"),
        ({"type": "number"}, "1e400"),
        ({"type": "number"}, True),
        ({"type": "number"}, []),
        ({"type": "date"}, "31.01.2027"),
        ({"type": "date"}, "2027-02-30"),
        ({"type": "date"}, 20270101),
        ({"type": "checkbox"}, "maybe"),
        ({"type": "checkbox"}, {}),
        ({"type": "choice", "options": ["Брак"]}, "брак"),
        ({"type": "choice", "options": ["Брак"]}, ["Брак"]),
        ({"type": "link"}, "javascript:alert(1)"),
        ({"type": "link"}, "https://"),
        ({"type": "link"}, "https://a b"),
        ({"type": "link"}, "http://[1"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field(field, given):
    with pytest.raises(InvalidInput) as refused:
        read_value(CustomField(key="k", label="Поле", **field), given)
    assert refused.value.field == "k" and "Поле" in str(refused.value)


def test_an_agent_fills_a_field_and_the_timeline_says_so(shop, agent, ticket):
    make("order", label="Заказ")
    make("paid", label="Оплачен", type=FieldType.CHECKBOX)
    path = f"/inbox/{ticket.number}/fields/ticket"
    answer = agent.post(f"{path}/order/", {"value": "А-17"}, **HX).content.decode()
    assert 'id="field-ticket-order"' in answer and 'value="А-17"' in answer
    agent.post(f"{path}/order/", {"value": "А-18"}, **HX)
    agent.post(f"{path}/paid/", {"value": "true"}, **HX)
    agent.post(f"{path}/paid/", {"value": "true"}, **HX)
    page = agent.get(f"/inbox/{ticket.number}/").content.decode()
    for line in ("Заказ: — → А-17", "Заказ: А-17 → А-18", "Оплачен: — → yes"):
        assert line in page
    assert Event.objects.filter(type="ticket.attributes_changed").count() == 3
    agent.post(f"{path}/paid/", {}, **HX)
    ticket.refresh_from_db()
    assert ticket.attributes == {"order": "А-18"}


def test_a_refused_value_stays_in_its_field_with_the_reason(shop, agent, ticket):
    make("pieces", label="Штук", type=FieldType.NUMBER, hint="Целое число")
    set_ticket_attributes(ticket.id, changes={"pieces": 2}, actor=None)
    answer = agent.post(f"/inbox/{ticket.number}/fields/ticket/pieces/", {"value": "<много>"}, **HX)
    html = answer.content.decode()
    assert 'value="&lt;много&gt;"' in html and 'aria-invalid="true"' in html
    assert 'aria-describedby="field-ticket-pieces-error field-ticket-pieces-hint"' in html
    ticket.refresh_from_db()
    assert ticket.attributes == {"pieces": 2}


def test_a_contacts_field_stands_with_the_contact_and_not_among_known_facts(shop, agent, ticket):
    update_contact(ticket.contact_id, changes={"attributes": {"plan": "gold", "city": "Омск"}}, actor=None)
    make("plan", label="Тариф", target=FieldTarget.CONTACT, type=FieldType.CHOICE, options=["gold", "free"])
    html = agent.get(f"/inbox/{ticket.number}/").content.decode()
    assert "<option selected>gold</option>" in html and "<dt>city</dt>" in html and "<dt>plan</dt>" not in html
    agent.post(f"/inbox/{ticket.number}/fields/contact/plan/", {"value": "free"}, **HX)
    ticket.contact.refresh_from_db()
    assert ticket.contact.attributes == {"plan": "free", "city": "Омск"}


def test_a_companys_field_stands_below_its_contact(shop, agent, ticket):
    make("size", label="Штат", target=FieldTarget.COMPANY, type=FieldType.NUMBER)
    path = f"/inbox/{ticket.number}/fields/company/size/"
    assert agent.post(path, {"value": "50"}, **HX).status_code == 404
    company = Company.objects.create(name="Ромашка")
    ticket.contact.company = company
    ticket.contact.save()
    assert 'id="field-company-size"' in agent.get(f"/inbox/{ticket.number}/").content.decode()
    assert "Штат: this has to be a number" in agent.post(path, {"value": "много"}, **HX).content.decode()
    agent.post(path, {"value": "50"}, **HX)
    company.refresh_from_db()
    assert company.attributes == {"size": 50}


@pytest.mark.parametrize("path", ["ticket/unknown", "contact/unknown", "contact/order", "nobody/order"])
def test_fields_that_are_not_there_take_nothing(agent, ticket, path):
    make("order")
    answer = agent.post(f"/inbox/{ticket.number}/fields/{path}/", {"value": "x"}, **HX)
    assert answer.status_code == 404
    ticket.refresh_from_db()
    ticket.contact.refresh_from_db()
    assert ticket.attributes == {} and ticket.contact.attributes == {}


# ---- Needed before solving -------------------------------------------------------------------------------------------


@pytest.fixture
def needed(shop):
    make("reason", label="Причина", required_to_solve=True, position=1)
    make("inn", label="ИНН", target=FieldTarget.CONTACT, required_to_solve=True, position=2)


def test_solving_names_what_is_missing_and_leads_to_the_first(agent, ticket, needed):
    answer = agent.post(f"/inbox/{ticket.number}/status/", {"value": "solved"}, **HX)
    html = answer.content.decode()
    assert answer.status_code == 400 and "“Причина”, “ИНН”" in html and 'data-field="ticket-reason"' in html
    ticket.refresh_from_db()
    assert ticket.status == "open"
    set_ticket_attributes(ticket.id, changes={"reason": "Брак"}, actor=None)
    answer = agent.post(f"/inbox/{ticket.number}/status/", {"value": "solved"}, **HX)
    assert 'data-field="contact-inn"' in answer.content.decode()
    update_contact(ticket.contact_id, changes={"attributes": {"inn": "7707083893"}}, actor=None)
    assert agent.post(f"/inbox/{ticket.number}/status/", {"value": "solved"}, **HX).status_code == 200


def test_send_and_solve_sends_nothing_while_a_field_is_empty(agent, ticket, needed):
    data = {"client_id": str(uuid.uuid4()), "text": "Готово", "kind": "public", "status": "solved"}
    answer = agent.post(f"/inbox/{ticket.number}/messages/", data, **HX)
    assert answer.status_code == 400 and 'data-field="ticket-reason"' in answer.content.decode()
    assert Message.objects.filter(author="agent").count() == 0


def test_the_service_refuses_whoever_asks(shop, api, ticket, needed):
    with pytest.raises(InvalidInput) as refused:
        set_status(ticket.id, status="closed", actor=shop.agent)
    assert (refused.value.code, refused.value.field) == ("fields_missing", "ticket-reason")
    with pytest.raises(InvalidInput):
        post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Да", user=shop.agent, status="solved")
    answer = api.patch(f"/api/v1/tickets/{ticket.id}/", {"status": "solved"}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "fields_missing")
    # In one request both: the values come first.
    update_contact(ticket.contact_id, changes={"attributes": {"inn": "1"}}, actor=None)
    both = {"status": "solved", "attributes": {"reason": "Брак"}}
    assert (
        api.patch(f"/api/v1/tickets/{ticket.id}/", both, content_type="application/json").json()["status"] == "solved"
    )


def test_waiting_needs_nothing_and_a_number_of_nought_is_a_value(shop, ticket):
    make("pieces", type=FieldType.NUMBER, required_to_solve=True)
    make("agreed", type=FieldType.CHECKBOX, required_to_solve=True)
    make("size", target=FieldTarget.COMPANY, required_to_solve=True)
    set_status(ticket.id, status="waiting", actor=shop.agent)
    set_ticket_attributes(ticket.id, changes={"pieces": 0, "agreed": False}, actor=None)
    with pytest.raises(InvalidInput) as refused:
        set_status(ticket.id, status="solved", actor=shop.agent)
    assert refused.value.field == "ticket-agreed"
    set_ticket_attributes(ticket.id, changes={"agreed": True}, actor=None)
    # The contact has no company: of it nothing is asked.
    set_status(ticket.id, status="solved", actor=shop.agent)
    set_status(ticket.id, status="open", actor=shop.agent)
    ticket.contact.company = Company.objects.create(name="Ромашка")
    ticket.contact.save()
    with pytest.raises(InvalidInput):
        set_status(ticket.id, status="solved", actor=shop.agent)


def test_what_the_product_does_by_itself_waits_for_no_field(shop, ticket, needed):
    move_status(ticket, "solved", None)
    Ticket.objects.update(solved_at="2020-01-01T00:00Z")
    assert close_solved() == 1


# ---- API and settings ------------------------------------------------------------------------------------------------


def test_the_api_lists_fields_and_takes_values(shop, api, ticket):
    make("order", label="Заказ", pattern=r"А-\d+", hint="А-17")
    make("plan", target=FieldTarget.CONTACT, type=FieldType.CHOICE, options=["gold"])
    assert [field["key"] for field in api.get("/api/v1/custom-fields/?target=ticket").json()["results"]] == ["order"]

    def patch(**attributes):
        path = f"/api/v1/tickets/{ticket.id}/"
        return api.patch(path, {"attributes": attributes}, content_type="application/json")

    assert patch(order="А-1").json()["attributes"] == {"order": "А-1"}
    assert patch(order="Б").json()["error"]["field"] == "order"
    assert patch(other="Б").status_code == 400
    assert patch(order=None).json()["attributes"] == {}
    contact = f"/api/v1/contacts/{ticket.contact_id}/"
    refused = api.patch(contact, {"attributes": {"plan": "tin"}}, content_type="application/json")
    assert refused.json()["error"]["field"] == "plan"
    kept = api.patch(contact, {"attributes": {"plan": "gold", "city": "Омск"}}, content_type="application/json")
    assert kept.json()["attributes"] == {"plan": "gold", "city": "Омск"}


def test_a_deleted_field_leaves_its_values_and_a_new_one_finds_them(shop, ticket):
    field = make("order")
    set_ticket_attributes(ticket.id, changes={"order": "А-1"}, actor=None)
    field.delete()
    make("colour")
    set_ticket_attributes(ticket.id, changes={"colour": "синий"}, actor=None)
    ticket.refresh_from_db()
    assert ticket.attributes == {"order": "А-1", "colour": "синий"}


def test_admins_make_fields_and_never_change_key_and_type(shop):
    admin = shop.client(shop.admin)
    form = {"target": "ticket", "key": "reason", "label": "Причина", "type": "choice", "options": "Брак\n\n Размер \nБрак",
            "pattern": "", "hint": "", "position": 1}  # fmt: skip
    assert admin.post("/admin/tickets/customfield/add/", form).status_code == 302
    field = CustomField.objects.get()
    assert field.options == ["Брак", "Размер"]
    admin.post(f"/admin/tickets/customfield/{field.id}/change/", {**form, "key": "x", "type": "text", "label": "Повод"})
    field.refresh_from_db()
    assert (field.key, field.type, field.label) == ("reason", "choice", "Повод")
    for wrong in ({"key": "Причина"}, {"key": "a b"}, {"options": ""}, {"pattern": "("}):
        assert admin.post("/admin/tickets/customfield/add/", {**form, "key": "other", **wrong}).status_code == 400
    assert CustomField.objects.count() == 1
