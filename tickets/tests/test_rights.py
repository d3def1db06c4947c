"""Who sees which conversations, at every door."""

import uuid

import orjson
import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from tenants.accounts.models import Access
from tickets import queries
from tickets.inbox.urls import urlpatterns as inbox_routes
from tickets.models import Attachment, ScheduledReply, Ticket, TicketFollower
from tickets.queries import Selection
from tickets.rights import about_visible, contacts_visible_to, visible_to
from tickets.services.tickets import assign_ticket, set_team
from tickets.sieve import sifted

SECRET = "Канарейка"


@pytest.fixture
def desk(shop):
    """Conversations of everybody: number → whose."""
    shop.agent.access = Access.TEAMS
    shop.agent.save()
    for number, whose in enumerate(("mine", "team", "nobody", "other_team", "colleague"), 1):
        ticket = shop.customer_writes(f"{SECRET} {whose}", address=f"visitor-{number}").ticket
        if whose in ("mine", "colleague"):
            assign_ticket(ticket.id, assignee_id=(shop.agent if whose == "mine" else shop.colleague).id, actor=None)
        if whose in ("team", "other_team"):
            set_team(ticket.id, team_id=(shop.team if whose == "team" else shop.other_team).id, actor=None)
    return shop


def may_see(user) -> list[int]:
    return sorted(Ticket.objects.filter(visible_to(user)).values_list("number", flat=True))


def test_everybody_sees_what_their_rights_say(desk):
    assert may_see(desk.admin) == may_see(desk.colleague) == [1, 2, 3, 4, 5]
    assert may_see(desk.agent) == [1, 2, 3]
    TicketFollower.objects.create(user=desk.agent, ticket=Ticket.objects.get(number=4))
    assert may_see(desk.agent) == [1, 2, 3, 4]
    desk.agent.access = Access.OWN
    assert may_see(desk.agent) == [1]
    desk.admin.access = Access.OWN
    assert may_see(desk.admin) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("access", "numbers"), [("teams", [3, 2, 1]), ("own", [1])])
def test_lists_searches_and_counts_have_no_more(desk, access, numbers):
    desk.agent.access = access
    for selection in (
        Selection(desk.agent, "open"), Selection(desk.agent, text=SECRET), Selection(desk.agent, text=SECRET, best_first=True)
    ):  # fmt: skip
        assert sorted((t.number for t in queries.list_tickets(selection).tickets), reverse=True) == numbers
    assert queries.list_tickets(Selection(desk.agent, text="№5")).tickets == []
    hidden = Ticket.objects.get(number=5)
    for text in ("", SECRET):
        assert queries.pick_rows(Selection(desk.agent, "open", text=text), [hidden.id]) == []
    counts = queries.count_views(desk.agent)
    assert (counts["open"], counts["mine"]) == (len(numbers), 1)
    assert queries.count_views(desk.colleague)["open"] == 5


def things(ticket) -> dict[str, object]:
    """What an address of the inbox may name, all of one conversation."""
    message = ticket.messages.get()
    reply = ScheduledReply.objects.create(
        ticket=ticket, user=ticket.assignee, client_id=uuid.uuid4(), text=SECRET, send_at="2100-01-01T00:00Z"
    )
    return {
        "number": ticket.number,
        "message_id": message.id,
        "reply_id": reply.id,
        "merge_id": 1,
        "target": "ticket",
        "key": "x",
    }


def test_no_address_of_the_inbox_leads_to_a_conversation_of_others(desk):
    named = things(Ticket.objects.get(number=5))
    client, tried = desk.client(desk.agent), 0
    for route in inbox_routes:
        asked = {name: named[name] for name in route.pattern.converters if name in named}
        if not asked or len(asked) != len(route.pattern.converters):
            continue
        path = reverse(f"inbox:{route.name}", kwargs=asked)
        answers = [client.get(path), client.post(path, {"value": "", "kind": "note", "client_id": uuid.uuid4()})]
        assert {answer.status_code for answer in answers} <= {404, 405}, path
        assert SECRET not in "".join(answer.content.decode() for answer in answers)
        tried += 1
    assert tried > 12


def test_a_conversation_of_others_is_as_if_it_did_not_exist(desk, rival):
    for client, codes in (
        (desk.client(desk.admin), [200, 200, 404]),
        (desk.client(desk.agent), [200, 404, 404]),
        (rival.client(rival.agent), [404, 404, 404]),
    ):
        assert [client.get(f"/inbox/{number}/").status_code for number in (2, 4, 999)] == codes
    client = desk.client(desk.agent)
    hidden, missing = (client.get(f"/inbox/{n}/").content.decode().replace(str(n), "N") for n in (4, 999))
    assert [line for line in hidden.splitlines() if "csrf" not in line] == [
        line for line in missing.splitlines() if "csrf" not in line
    ]


def test_files_templates_and_the_assistants_receipts_obey_too(desk):
    from ai_assistant.models import Aid, Answer

    desk.channel.kind = "whatsapp"
    for number, code in ((1, 200), (5, 404)):
        ticket = Ticket.objects.get(number=number)
        message = ticket.messages.get()
        file = Attachment.objects.create(message=message, name="a.txt", mime="text/plain", size=1)
        file.file.save("a.txt", ContentFile(b"x"))
        answer = Answer.objects.create(
            ticket_id=ticket.id, question_message_id=message.id, question=SECRET, outcome="handed_over", reason="no_source"
        )  # fmt: skip
        aid = Aid.objects.create(ticket_id=ticket.id, kind=Aid.Kind.SUMMARY, user=desk.colleague)
        client = desk.client(desk.agent)
        bearer = desk.client(HTTP_AUTHORIZATION=f"Bearer {desk.token(desk.agent)}")
        for browser, path in (
            (client, f"/files/{file.id}/"), (bearer, f"/files/{file.id}/"), (client, f"/channels/templates/{number}/"),
            (client, f"/assistant/answers/{answer.id}/"), (client, f"/assistant/aids/{aid.id}/receipt/"),
            (client, f"/assistant/aids/{aid.id}/"),
        ):  # fmt: skip
            assert browser.get(path).status_code == code, path
    assert client.get("/assistant/answers/").content.decode().count(SECRET) == 1
    assert SECRET in client.get("/assistant/unanswered/").content.decode()


def test_integrations_see_what_their_agent_sees(desk):
    api = desk.client(HTTP_AUTHORIZATION=f"Bearer {desk.token(desk.agent)}")
    assert [row["number"] for row in api.get("/api/v1/tickets/").json()["results"]] == ["3", "2", "1"]
    assert len(api.get("/api/v1/contacts/").json()["results"]) == 3
    assert len(api.get("/api/v1/search/messages/", {"q": SECRET}).json()["results"]) == 3
    hidden = Ticket.objects.get(number=4)
    message = hidden.messages.get()
    for path in (
        f"tickets/{hidden.id}/", f"tickets/{hidden.id}/messages/", f"tickets/{hidden.id}/messages/{message.id}/",
        f"contacts/{hidden.contact_id}/",
    ):  # fmt: skip
        assert api.get(f"/api/v1/{path}").status_code == 404, path
    assert api.patch(f"/api/v1/tickets/{hidden.id}/", {"priority": 4}, "application/json").status_code == 404
    assert api.post(f"/api/v1/tickets/{hidden.id}/messages/", {"text": "x"}, "application/json").status_code == 404
    assert api.post(f"/api/v1/tickets/{hidden.id}/messages/{message.id}/retry/").status_code == 404


def test_frames_of_what_one_may_not_see_are_empty_places(desk):
    mine, others = Ticket.objects.get(number=1), Ticket.objects.get(number=5)

    def event(seq, ticket, kind, **data):
        frame = {"type": "event", "seq": str(seq), "event": kind, "ticket": ticket and str(ticket.id), "data": data}
        return orjson.dumps(frame).decode()

    typing = f'{{"type":"typing","ticket":"{others.id}","who":"Вера","on":true}}'
    texts = [
        event(1, mine, "message.received", message_id="7"),
        event(2, others, "message.received", message_id="8"),
        event(3, others, "ticket.assigned", name="Вера"),
        typing,
        event(4, None, "contact.changed", contact_id=str(others.contact_id), merged="Тайна"),
        event(5, None, "channel.health_changed", channel_id="x"),
        '{"type":"pong"}',
    ]
    here = {"type": "here", "viewing": {str(mine.id): [], str(others.id): []}, "presence": {}}
    assert orjson.loads(sifted(desk.agent, [orjson.dumps(here).decode()])[0])["viewing"] == {str(mine.id): []}
    passed = sifted(desk.agent, texts)
    empty = '{"type":"event","seq":"%s","event":"%s","ticket":null,"data":{}}'
    assert passed == [
        texts[0], empty % (2, "hidden"), empty % (3, "ticket.left"), empty % (4, "hidden"), texts[5], texts[6]
    ]  # fmt: skip
    assert sifted(desk.colleague, texts) == [*texts]


def test_whoever_gives_a_conversation_away_is_told_so(desk):
    desk.agent.access = Access.OWN
    desk.agent.save()
    client = desk.client(desk.agent)
    answer = client.post("/inbox/1/assign/", {"value": str(desk.colleague.id)}, headers={"HX-Request": "true"})
    assert "no longer yours to see" in answer.content.decode()
    assert Ticket.objects.get(number=1).assignee == desk.colleague
    assert client.get("/inbox/1/").status_code == 404


def test_a_customer_of_others_is_neither_suggested_nor_merged(desk):
    mine, others = Ticket.objects.get(number=1).contact, Ticket.objects.get(number=5).contact
    assert not desk.agent.is_admin
    assert others not in type(others).objects.filter(contacts_visible_to(desk.agent))
    client = desk.client(desk.agent)
    assert client.post("/inbox/1/merge/", {"value": str(others.id)}).status_code == 404
    others.refresh_from_db()
    assert others.merged_into is None
    assert mine.merged_into is None


def test_seeing_everything_costs_nothing(desk):
    conditions = (visible_to(desk.colleague), about_visible(desk.colleague), contacts_visible_to(desk.colleague))
    assert not any(conditions)
    assert about_visible(desk.agent)


def test_admins_say_who_sees_what_and_it_is_written_down(shop):
    from tenants.events.models import Event

    def asked(user, **changes):
        api = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(user)}")
        return api.patch(f"/api/v1/users/{shop.agent.id}/", changes, "application/json")

    assert asked(shop.agent, access="all").status_code == 403
    answer = asked(shop.admin, access="teams", sees_contact_details=False, role="owner")
    assert {**answer.json(), "id": ""} == {
        "id": "", "email": "agent@example.com", "name": "Олег Агент", "role": "agent", "access": "teams",
        "sees_contact_details": False, "language": "ru", "is_active": True,
    }  # fmt: skip
    event = Event.objects.get(type="user.rights_changed")
    assert (event.actor, event.payload["access"]) == (shop.admin, "teams")
