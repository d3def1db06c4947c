"""Prepared answers: filled from a fixed list of names, done in one step with the message, written by those who may."""

import json
import uuid

import pytest
from django.db import IntegrityError

from tenants.events.models import Event
from tickets.models import Macro, Message, Tag, Ticket
from tickets.services.macros import save_macro
from tickets.variables import fill, unfilled

HX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


@pytest.fixture
def agent(shop):
    return shop.client(shop.agent)


@pytest.fixture
def refund(shop):
    return Macro.objects.create(
        name="Возврат",
        text_ru="{{contact.name}}, деньги вернутся. {{agent.first_name}}, №{{ ticket.number }}",
        actions={"tags": ["возврат"], "status": "solved", "assignee": "me"},
        visibility="everyone",
    )


def offered(client, ticket):
    return client.get(f"/inbox/{ticket.number}/macros/").json()["macros"]


def post(client, ticket, text, **fields):
    data = {"client_id": str(uuid.uuid4()), "text": text, "kind": "public", **fields}
    return client.post(f"/inbox/{ticket.number}/messages/", data, **HX)


def test_the_menu_shows_filled_texts_and_what_is_done_in_words(agent, ticket, refund):
    (macro,) = offered(agent, ticket)
    assert macro["text"] == f"Марина, деньги вернутся. Олег, №{ticket.number}"
    assert macro["open"] == []
    assert [action["words"] for action in macro["actions"]] == ["tag: возврат", "state: Solved", "assign to me"]


def test_a_message_and_the_actions_of_its_macro_are_one_step(shop, agent, ticket, refund):
    ticket.tags.add(Tag.objects.create(name="VIP"))
    answer = post(agent, ticket, "Деньги вернутся", macros=str(refund.pk), actions=json.dumps(refund.actions))
    assert answer.status_code == 200
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee) == ("solved", shop.agent)
    assert sorted(ticket.tags.values_list("name", flat=True)) == ["VIP", "возврат"]
    refund.refresh_from_db()
    assert refund.uses == 1


def test_where_an_action_is_refused_nothing_is_sent(agent, ticket, refund):
    for actions in (
        {"team": 999},
        {"status": "s1"},
        {"assignee": str(uuid.uuid4())},
        {"priority": 9},
        {"run": "rm"},
        [],
        "x",
    ):
        assert post(agent, ticket, "Деньги", macros=str(refund.pk), actions=json.dumps(actions)).status_code == 400
    assert Message.objects.filter(author="agent").count() == 0
    assert Ticket.objects.get().status == "open"


def test_a_repeated_request_does_nothing_twice(agent, ticket, refund):
    fields = {"client_id": str(uuid.uuid4()), "macros": str(refund.pk), "actions": json.dumps({"status": "solved"})}
    post(agent, ticket, "Раз", **fields)
    # A colleague has reopened it before the answer that was lost on the way is asked for again.
    Ticket.objects.update(status="open")
    post(agent, ticket, "Раз", **fields)
    assert Ticket.objects.get().status == "open"
    assert Macro.objects.get().uses == 1


def test_only_actions_that_the_agent_has_kept_are_done(agent, ticket, refund):
    post(agent, ticket, "Деньги вернутся", macros=str(refund.pk), actions=json.dumps({"tags": ["возврат"]}))
    assert Ticket.objects.get().status == "open"


def test_a_name_that_stands_for_nothing_is_shown_and_not_sent(agent, ticket):
    macro = Macro.objects.create(name="Счёт", text_ru="Счёт {{ticket.invoice}} {{what}}", visibility="everyone")
    (shown,) = offered(agent, ticket)
    assert (shown["text"], shown["open"]) == ("Счёт {{ticket.invoice}} {{what}}", ["{{ticket.invoice}}", "{{what}}"])
    assert post(agent, ticket, shown["text"], macros=str(macro.pk)).status_code == 400
    assert post(agent, ticket, "Счёт 12", macros=str(macro.pk)).status_code == 200
    # Braces that an agent writes are words like others.
    assert post(agent, ticket, "Шаблон {{ticket.invoice}}").status_code == 200


def test_custom_fields_fill_names_too(agent, ticket):
    Ticket.objects.update(attributes={"invoice": "А-17", "number": "подмена"})
    Macro.objects.create(name="Счёт", text_ru="{{ticket.invoice}} №{{ticket.number}}", visibility="everyone")
    assert offered(agent, ticket)[0]["text"] == f"А-17 №{ticket.number}"


def test_what_a_customer_is_called_is_never_read_as_a_name(agent, ticket):
    ticket.contact.name = "{{agent.email}}{% debug %}{{agent.name}}"
    ticket.contact.save()
    Macro.objects.create(name="Привет", text_ru="{{contact.name}}!", visibility="everyone")
    assert offered(agent, ticket)[0]["text"] == "{{agent.email}}{% debug %}{{agent.name}}!"


def test_details_that_an_agent_may_not_see_do_not_fill(shop, agent, ticket):
    shop.agent.sees_contact_details = False
    shop.agent.save()
    ticket.contact.email = "marina@example.com"
    ticket.contact.save()
    Macro.objects.create(name="Почта", text_ru="{{contact.email}}", visibility="everyone")
    assert offered(agent, ticket)[0]["open"] == ["{{contact.email}}"]


def test_the_customers_language_chooses_the_text(agent, ticket):
    Macro.objects.create(name="Привет", text_ru="Здравствуйте", text_en="Hello", visibility="everyone")
    assert offered(agent, ticket)[0]["text"] == "Здравствуйте"
    ticket.contact.language = "en"
    ticket.contact.save()
    assert offered(agent, ticket)[0]["text"] == "Hello"


def test_each_sees_their_own_their_teams_and_everyones(shop, ticket, refund):
    Macro.objects.create(name="Моё", text_ru="x", owner=shop.agent)
    Macro.objects.create(name="Наше", text_ru="x", visibility="team", team=shop.team)

    def names(user):
        return {macro["name"] for macro in offered(shop.client(user), ticket)}

    assert names(shop.agent) == {"Возврат", "Моё", "Наше"}
    assert names(shop.colleague) == {"Возврат"}
    # The admin writes the team's without being of it.
    assert "Наше" in shop.client(shop.admin).get("/inbox/macros/").content.decode()
    assert "Моё" not in shop.client(shop.admin).get("/inbox/macros/").content.decode()


def test_a_macro_without_text_is_run_at_once(shop, agent, ticket):
    macro = Macro.objects.create(name="Себе", actions={"assignee": "me", "priority": 4}, visibility="everyone")
    answer = agent.post(f"/inbox/{ticket.number}/macros/{macro.pk}/", **HX)
    ticket.refresh_from_db()
    assert (answer.status_code, ticket.assignee, ticket.priority) == (200, shop.agent, 4)
    assert agent.post(f"/inbox/{ticket.number}/macros/999/", **HX).status_code == 404


def test_a_scheduled_reply_takes_no_actions_along(agent, ticket, refund):
    answer = post(agent, ticket, "Завтра", send_at="2099-01-01T10:00:00Z", actions=json.dumps({"status": "solved"}))
    assert answer.status_code == 400


def test_agents_write_their_own_and_admins_everyones(shop, agent):
    form = {"name": "Моё", "text_ru": "Привет", "text_en": "", "visibility": "personal", "position": 0, "tags": "а, б"}
    assert agent.post("/inbox/macros/new/", form).status_code == 302
    mine = Macro.objects.get()
    assert (mine.owner, mine.actions) == (shop.agent, {"tags": ["а", "б"]})
    assert agent.post("/inbox/macros/new/", {**form, "visibility": "everyone"}).status_code == 400
    admin = shop.client(shop.admin)
    assert admin.get(f"/inbox/macros/{mine.pk}/").status_code == 404
    admin.post("/inbox/macros/new/", {**form, "name": "Всем", "visibility": "everyone"})
    common = Macro.objects.get(name="Всем")
    assert agent.post(f"/inbox/macros/{common.pk}/", form).status_code == 403
    assert agent.post(f"/inbox/macros/{common.pk}/delete/").status_code == 403
    assert agent.post(f"/inbox/macros/{mine.pk}/delete/").status_code == 302
    assert [event.payload["what"] for event in Event.objects.filter(type="macro.changed").order_by("id")] == [
        "made",
        "made",
        "deleted",
    ]


@pytest.mark.parametrize(
    "changes", [{"name": " "}, {"text_ru": "", "tags": ""}, {"visibility": "team", "team": ""}, {"assignee": "x"}]
)
def test_what_makes_no_macro_is_refused(shop, changes):
    form = {"name": "Имя", "text_ru": "Привет", "visibility": "everyone", "position": 0, "tags": "а", **changes}
    assert shop.client(shop.admin).post("/inbox/macros/new/", form).status_code == 400
    assert not Macro.objects.exists()


def test_macros_by_rest(shop, client):
    def call(method, path, user=shop.admin, **data):
        headers = {"HTTP_HOST": shop.host, "HTTP_AUTHORIZATION": f"Bearer {shop.token(user)}"}
        answer = getattr(client, method)(f"/api/v1/macros/{path}", data, content_type="application/json", **headers)
        return answer.status_code, answer.json() if answer.content else None

    status, made = call("post", "", name="Всем", text_en="Hi", visibility="everyone", actions={"status": "solved"})
    assert (status, made["actions"], made["uses"]) == (201, {"status": "solved"}, 0)
    assert call("patch", f"{made['id']}/", actions={"status": "gone"})[0] == 400
    assert call("patch", f"{made['id']}/", user=shop.agent, name="Чужое")[0] == 403
    assert call("patch", f"{made['id']}/", name="Привет")[1]["name"] == "Привет"
    assert [row["name"] for row in call("get", "", user=shop.agent)[1]["results"]] == ["Привет"]
    assert call("delete", f"{made['id']}/")[0] == 204


def test_a_list_of_macros_costs_the_same_however_many_there_are(
    shop, agent, ticket, django_assert_num_queries, django_assert_max_num_queries
):
    def fill_up(count):
        for number in range(count):
            actions = {"assignee": str(shop.admin.id), "team": shop.team.pk}
            Macro.objects.create(name=f"{number}", text_ru="x", visibility="everyone", actions=actions)

    fill_up(1)
    with django_assert_max_num_queries(20) as first:
        offered(agent, ticket)
    fill_up(3)
    with django_assert_num_queries(len(first)):
        offered(agent, ticket)


def test_names_are_read_once_and_in_any_spacing():
    values = {"contact.name": "Анна", "contact.empty": ""}
    assert fill("{{contact.name}} {{  contact.name }} {{contact.empty}}", values) == "Анна Анна {{contact.empty}}"
    assert unfilled("{{contact.name}} {{contact.empty}} {{X Y}} { {a} }", values) == ["{{contact.empty}}", "{{X Y}}"]


def test_a_teams_macro_names_its_team(shop):
    with pytest.raises(IntegrityError):
        Macro.objects.create(name="x", visibility="team")


def test_a_macro_that_becomes_personal_leaves_its_team(shop):
    macro = Macro.objects.create(name="Наше", text_ru="x", visibility="team", team=shop.team, owner=shop.admin)
    save_macro(macro, changes={"visibility": "personal"}, user=shop.admin)
    assert Macro.objects.get().team is None
