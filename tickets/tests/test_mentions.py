"""A note calls colleagues and teams by name; whoever is called follows the conversation and finds it in a view."""

import re
import uuid

import pytest

from omnisupport.lib.errors import InvalidInput
from tenants.events.models import Event
from tickets import queries
from tickets.models import Mention, Message, MessageKind, TicketFollower
from tickets.services.following import note_mentions_seen, set_following
from tickets.services.post import post_message

HX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def ticket(shop):
    return shop.customer_writes().ticket


def note(ticket, author, text, *keys):
    return post_message(
        ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=author, kind=MessageKind.NOTE, mentions=keys
    )


def called(person):
    return f"u:{person.id}"


def numbers(answer) -> list[str]:
    return re.findall(r'href="/inbox/(\d+)/\?', answer.content.decode())


def test_the_inbox_form_calls_a_colleague(shop, ticket):
    fields = {
        "client_id": str(uuid.uuid4()),
        "kind": "note",
        "text": "@Вера Коллега, глянь",
        "mentions": called(shop.colleague),
    }
    answer = shop.client(shop.agent).post(f"/inbox/{ticket.number}/messages/", fields, **HX)
    assert '<mark class="mention">@Вера Коллега</mark>' in answer.content.decode()
    mention = Mention.objects.get()
    assert (mention.user, mention.ticket, mention.team, mention.seen_at) == (shop.colleague, ticket, None, None)
    event = Event.objects.get(type="ticket.mentioned")
    assert (event.actor, event.payload["names"]) == (shop.agent, ["Вера Коллега"])
    assert "Called to look: Вера Коллега" in shop.client(shop.agent).get(f"/inbox/{ticket.number}/").content.decode()


def test_a_name_that_was_taken_out_of_the_text_calls_nobody(shop, ticket):
    note(ticket, shop.agent, "Никого", called(shop.colleague))
    note(ticket, shop.agent, "Вера Коллега без собаки", called(shop.colleague))
    assert not Mention.objects.exists() and not TicketFollower.objects.exists()


@pytest.mark.parametrize(
    "key", ["u:42", "t:x", "t:99999999", "x", "u:00000000-0000-4000-8000-000000000000", "t:" + "9" * 30]
)
def test_strangers_cannot_be_called(shop, ticket, key):
    with pytest.raises(InvalidInput):
        note(ticket, shop.agent, "@кто", key)
    assert not Message.objects.filter(kind=MessageKind.NOTE).exists()


def test_somebody_switched_off_or_the_assistant_cannot_be_called(shop, ticket):
    shop.colleague.is_active = False
    shop.colleague.save()
    for person in (shop.colleague, shop.assistant):
        with pytest.raises(InvalidInput):
            note(ticket, shop.agent, f"@{person}", called(person))


def test_a_team_calls_its_members_but_makes_none_of_them_follow(shop, ticket):
    shop.other_team.members.add(shop.admin, shop.agent)
    note(ticket, shop.agent, "@Возвраты, чьё это?", f"t:{shop.other_team.id}")
    assert set(Mention.objects.values_list("user", "team")) == {
        (shop.colleague.id, shop.other_team.id), (shop.admin.id, shop.other_team.id),
    }  # fmt: skip
    assert not TicketFollower.objects.exists()


def test_whoever_is_called_by_name_follows(shop, ticket):
    note(ticket, shop.agent, "@Вера Коллега", called(shop.colleague))
    note(ticket, shop.agent, "@вера коллега ещё раз", called(shop.colleague))
    assert TicketFollower.objects.get().user == shop.colleague
    page = shop.client(shop.colleague).get(f"/inbox/{ticket.number}/?view=following")
    assert numbers(page) == [str(ticket.number)]
    assert "Stop following" in page.content.decode()
    assert '<mark class="mention mention--me">@вера коллега</mark> ещё раз' in page.content.decode()


def test_one_name_inside_another_is_marked_once(shop, ticket):
    shop.colleague.name = "Вера"
    shop.colleague.save()
    shop.admin.name = "Вера Кот <b>"
    shop.admin.save()
    message = note(ticket, shop.agent, "@Вера Кот <b> и @Вера", called(shop.colleague), called(shop.admin))
    page = shop.client(shop.agent).get(f"/inbox/{ticket.number}/items/?messages={message.id}").content.decode()
    marked = re.findall(r'<mark class="mention">(.*?)</mark>', page)
    assert marked == ["@Вера Кот &lt;b&gt;", "@Вера"]


def test_a_name_inside_a_link_leaves_the_link_whole(shop, ticket):
    shop.colleague.name = "vera"
    shop.colleague.save()
    message = note(ticket, shop.agent, "@vera https://example.com/@vera", called(shop.colleague))
    page = shop.client(shop.agent).get(f"/inbox/{ticket.number}/items/?messages={message.id}").content.decode()
    assert 'href="https://example.com/@vera"' in page


def test_the_view_of_mentions_counts_what_was_not_seen(shop, ticket):
    reader = shop.client(shop.colleague)
    for _again in range(2):
        note(ticket, shop.agent, "@Вера Коллега", called(shop.colleague))
    page = reader.get("/inbox/?view=mentions")
    assert numbers(page) == [str(ticket.number)]
    assert re.search(r'id="view-mentions".*?nav__count">1<', page.content.decode(), re.S)
    assert note_mentions_seen(ticket.id, shop.colleague) == 2
    assert queries.count_unseen_mentions(shop.colleague) == 0
    assert numbers(reader.get("/inbox/?view=mentions")) == [str(ticket.number)]
    assert numbers(shop.client(shop.agent).get("/inbox/?view=mentions")) == []


def test_a_reply_to_the_customer_calls_nobody(shop, ticket):
    post_message(
        ticket_id=ticket.id,
        client_id=uuid.uuid4(),
        text="@Вера Коллега",
        user=shop.agent,
        mentions=[called(shop.colleague)],
    )
    assert not Mention.objects.exists()


def test_following_and_leaving_again(shop, ticket):
    vera = shop.client(shop.colleague)
    path = f"/inbox/{ticket.number}/follow/"
    for _twice in range(2):
        page = vera.post(path, {"value": "on"}, **HX).content.decode()
    assert "Stop following" in page and ">Вера Коллега</span>" in page
    page = vera.post(path, {"value": ""}, **HX).content.decode()
    assert "Stop following" not in page and ">Вера Коллега</span>" not in page
    assert [e.payload["follows"] for e in Event.objects.filter(type="ticket.followed").order_by("id")] == [True, False]


def test_a_solved_conversation_leaves_the_view_of_followed_ones(shop, ticket):
    set_following(ticket.id, user=shop.colleague, follows=True)
    ticket.status = "solved"
    ticket.save()
    assert numbers(shop.client(shop.colleague).get("/inbox/?view=following")) == []


def test_the_api_calls_too(shop, ticket):
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    body = {"kind": "note", "text": "@Вера Коллега", "mentions": [called(shop.colleague)]}
    answer = client.post(f"/api/v1/tickets/{ticket.id}/messages/", body, content_type="application/json")
    assert answer.status_code == 201 and Mention.objects.get().user == shop.colleague
