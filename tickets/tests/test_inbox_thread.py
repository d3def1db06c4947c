"""One conversation on the screen: every kind of content, what happened in between, fragments by id, a fixed cost."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app.models import DeliveryAttempt
from tenants.events.dispatch import dispatch_new_events
from tenants.events.models import Event
from tickets import queries
from tickets.inbox.timeline import make_items
from tickets.models import Attachment, Author, Message, MessageKind
from tickets.queries import conversation
from tickets.services.addresses import set_reachable
from tickets.services.delivery import move_delivery
from tickets.services.post import hand_to_human, post_message
from tickets.services.receive import delete_received_message, edit_received_message
from tickets.services.tickets import assign_ticket, set_priority, set_status, set_tags, set_team


def reader(workspace, user=None):
    """A browser that reads English."""
    client = workspace.client(user)
    client.cookies["language"] = "en"
    return client


def reply(ticket, user, text="Здравствуйте", **fields):
    return post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=user, **fields)


def page(shop, ticket, user=None) -> str:
    answer = reader(shop, user or shop.agent).get(f"/inbox/{ticket.number}/")
    assert answer.status_code == 200
    return answer.content.decode()


def bubble(html: str, message: Message) -> str:
    """The <li> of a message."""
    return html[html.index(f'id="m-{message.id}"') :].split("</li>\n")[0].split('<li class="item ')[0]


def test_a_deep_link_opens_list_thread_and_details(shop):
    ticket = shop.customer_writes("Где заказ?").ticket
    html = page(shop, ticket)
    assert f'id="c-{ticket.id}"' not in html  # nobody's: not among the agent's own
    assert "Где заказ?" in html and 'id="details"' in html and 'data-screen="conversation"' in html


@pytest.mark.parametrize("number", [77, 10**30])
def test_an_unknown_number_is_not_found(shop, number):
    assert reader(shop, shop.agent).get(f"/inbox/{number}/").status_code == 404


def test_foreign_text_is_shown_as_text_and_links_tell_nothing(shop):
    message = shop.customer_writes('<img src=x onerror=1> https://a.example/?q="1" javascript:alert(1)')
    shown = bubble(page(shop, message.ticket), message)
    assert "&lt;img src=x onerror=1&gt;" in shown
    assert 'href="https://a.example/?q=' in shown and 'rel="noopener noreferrer nofollow"' in shown
    assert 'href="javascript' not in shown


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"location": {"latitude": 55.75, "longitude": 37.61, "title": "Склад"}}, "openstreetmap.org/?mlat=55.750000"),
        ({"location": {"latitude": "x"}}, "Place on the map"),
        ({"contact": {"name": "Пётр", "phone": "+7 900"}}, "+7 900"),
        ({"sticker": "👍"}, "👍"),
        ({"unsupported": "poll"}, "cannot be shown here: poll"),
        ({"forwarded_from": "Канал"}, "Forwarded from Канал"),
        ({"quote": "важное слово"}, "важное слово"),
        ({"buttons": [{"text": "Да", "value": "1"}]}, "<li>Да</li>"),
    ],
)
def test_what_text_cannot_carry_is_drawn(shop, content, expected):
    message = shop.customer_writes("", content=content)
    assert expected in bubble(page(shop, message.ticket), message)


def test_citations_lead_to_sources_and_unknown_numbers_stay_words(shop):
    ticket = shop.customer_writes().ticket
    sources = [
        {"n": 1, "title": "Доставка.pdf", "section": "Сроки", "page": 2, "quote": "3 дня", "url": "javascript:x"}
    ]
    answer = reply(ticket, shop.assistant, "Три дня [1], наверное [7].", author=Author.ASSISTANT,
                   content={"citations": sources})  # fmt: skip
    shown = bubble(page(shop, ticket), answer)
    assert f'href="#source-{answer.id}-1"' in shown and f'id="source-{answer.id}-1"' in shown
    assert "[7]" in shown and "javascript" not in shown


@pytest.mark.parametrize(
    ("mime", "kind", "expected"),
    [
        ("image/png", "photo", "<img src="),
        ("audio/ogg", "voice", "<audio "),
        ("video/mp4", "video", "<video "),
        ("image/svg+xml", "photo", "download>"),
        ("text/html", "document", "download>"),
    ],
)
def test_files_are_shown_where_that_is_safe_and_offered_elsewhere(shop, mime, kind, expected):
    message = shop.customer_writes("")
    Attachment.objects.create(message=message, mime=mime, kind=kind, name="файл", file="x/y", size=3)
    assert expected in bubble(page(shop, message.ticket), message)


def test_a_file_on_its_way_and_a_lost_one_are_marked(shop):
    message = shop.customer_writes("")
    Attachment.objects.create(message=message, name="чек.pdf", state=Attachment.State.PENDING)
    Attachment.objects.create(message=message, name="фото", state=Attachment.State.FAILED, error="истёк срок")
    shown = bubble(page(shop, message.ticket), message)
    assert "being fetched" in shown and "истёк срок" in shown and "/files/" not in shown


def test_edits_and_deletions_stay_visible(shop):
    first = shop.customer_writes("Номер 4417", external_id="1")
    second = shop.customer_writes("Ошибка", external_id="2")
    where = {"channel_id": shop.channel.id, "address": "visitor-1"}
    edit_received_message(**where, external_id="1", text="Номер 4471", edited_at=None)
    delete_received_message(**where, external_id="2")
    html = page(shop, first.ticket)
    assert "Номер 4471" in bubble(html, first) and "Номер 4417" in bubble(html, first)
    assert "deleted this message" in bubble(html, second)


@pytest.mark.parametrize(
    ("state", "words", "offer"),
    [
        ("sent", "sent", ""),
        ("read", "read", ""),
        ("failed", "not sent", "Send again"),
        ("uncertain", "perhaps sent", "Send anyway"),
    ],
)
def test_ticks_say_their_state_and_failures_offer_a_way_on(shop, state, words, offer):
    ticket = shop.customer_writes().ticket
    message = reply(ticket, shop.agent)
    Message.objects.filter(id=message.id).update(delivery=state, delivery_error="Бот заблокирован")
    shown = bubble(page(shop, ticket), message)
    assert f'aria-label="{words}"' in shown
    assert (offer in shown and "Бот заблокирован" in shown) if offer else "retry" not in shown


def test_every_attempt_is_told_on_request(shop):
    message = reply(shop.customer_writes().ticket, shop.agent)
    client = reader(shop, shop.agent)
    assert "No attempts yet" in client.get(f"/inbox/messages/{message.id}/attempts/").content.decode()
    for number, (outcome, error) in enumerate([("retry", "timeout"), ("sent", "")], start=1):
        DeliveryAttempt.objects.create(
            message=message, number=number, outcome=outcome, error=error, started_at=timezone.now()
        )
    told = client.get(f"/inbox/messages/{message.id}/attempts/").content.decode()
    assert told.index("timeout") < told.index("2.")


def test_a_retry_sends_again_once(shop):
    message = reply(shop.customer_writes().ticket, shop.agent)
    Message.objects.filter(id=message.id).update(delivery="sending")
    move_delivery(message.id, "failed", error="сеть")
    client = reader(shop, shop.agent)
    answer = client.post(f"/inbox/messages/{message.id}/retry/", HTTP_HX_REQUEST="true")
    assert answer.status_code == 200 and 'aria-label="waiting to be sent"' in answer.content.decode()
    assert client.post(f"/inbox/messages/{message.id}/retry/", HTTP_HX_REQUEST="true").status_code == 409


def test_the_timeline_tells_what_happened_in_words(shop):
    ticket = shop.customer_writes().ticket
    assign_ticket(ticket.id, assignee_id=shop.assistant.id, actor=shop.agent)
    hand_to_human(ticket_id=ticket.id, reason="no_source", text="Передаю", client_id=uuid.uuid4(), note="Пакет")
    assign_ticket(ticket.id, assignee_id=shop.agent.id, actor=shop.agent)
    set_team(ticket.id, team_id=shop.team.id, actor=shop.agent)
    set_priority(ticket.id, priority=4, actor=shop.agent)
    set_tags(ticket.id, names=["VIP"], actor=shop.agent)
    set_status(ticket.id, status="solved", actor=shop.colleague)
    set_reachable(channel_id=shop.channel.id, address="visitor-1", reason="заблокировал бота")
    html = page(shop, ticket)
    lines = [
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", line)).strip()
        for line in re.findall(r'class="line">(.*?)</p>', html, re.S)
    ]
    assert [line.rsplit(" ", 1)[0] for line in lines] == [
        "Assigned to Ассистент · Олег Агент",
        "Assigned to nobody",
        "Handed over to people: no source in the documents",
        "Assigned to Олег Агент",
        "Team: Поддержка · Олег Агент",
        "Priority: Normal → Urgent · Олег Агент",
        "Tags: VIP · Олег Агент",
        "State: Open → Solved · Вера Коллега",
        "Nothing can be sent there: заблокировал бота",
    ]  # fmt: skip
    assert "Пакет" in html and "cannot be written to here: заблокировал бота" in html


def test_runs_of_one_voice_have_one_name_and_days_one_heading(shop):
    ticket = shop.customer_writes("1").ticket
    shop.customer_writes("2")
    reply(ticket, shop.agent, "3")
    reply(ticket, shop.agent, "4", kind=MessageKind.NOTE)
    shop.customer_writes("5")
    first = Message.objects.order_by("id").first()
    Message.objects.filter(id=first.id).update(created_at=timezone.now() - timedelta(days=1))
    messages, _events, _more = queries.thread_page(ticket)
    items = make_items(messages, [])
    assert [(item.opens_day, item.joined) for item in items] == [
        (True, False), (True, False), (False, False), (False, False), (False, False),
    ]  # fmt: skip
    shop.customer_writes("6")
    messages, _events, _more = queries.thread_page(ticket)
    assert make_items(messages, [])[-1].joined


def test_earlier_messages_come_in_pages_with_their_events(shop, monkeypatch):
    monkeypatch.setattr(conversation, "PAGE", 2)
    ticket = shop.customer_writes("1").ticket
    set_priority(ticket.id, priority=3, actor=None)
    for text in "2345":
        shop.customer_writes(text)
    set_priority(ticket.id, priority=4, actor=None)
    client = reader(shop, shop.agent)
    seen, html = [], page(shop, ticket)
    while True:
        entries = re.findall(r'class="bubble__text" dir="auto">(\d)|Priority: \w+ → (\w+)', html)
        seen = [a or b for a, b in entries] + seen
        more = re.search(r'hx-get="(/inbox/\d+/earlier/\?before=\d+)"', html)
        if not more:
            break
        html = client.get(more[1], HTTP_HX_REQUEST="true", HTTP_HX_TARGET="earlier").content.decode()
    assert seen == ["1", "High", "2", "3", "4", "5", "Urgent"]


def test_a_screen_fetches_what_it_heard_of_and_nothing_of_others(shop):
    ticket = shop.customer_writes("моё").ticket
    other = shop.customer_writes("чужое", address="other")
    set_priority(ticket.id, priority=3, actor=shop.agent)
    set_priority(other.ticket_id, priority=3, actor=shop.agent)
    dispatch_new_events()
    ids = ",".join(str(message.id) for message in Message.objects.all())
    seqs = ",".join(str(seq) for seq in Event.objects.values_list("seq", flat=True))
    client = reader(shop, shop.agent)
    answer = client.get(f"/inbox/{ticket.number}/items/", {"messages": ids, "seqs": seqs}).content.decode()
    assert "моё" in answer and "чужое" not in answer
    assert answer.count("Priority:") == 1 and 'id="details"' not in answer
    facts = client.get(f"/inbox/{ticket.number}/items/", {"messages": "x,,-1,²", "facts": "1"}).content.decode()
    assert 'id="details"' in facts and 'id="conversation-head"' in facts and 'id="composer-state"' in facts
    assert "bubble" not in facts


def test_a_conversation_costs_the_same_for_one_message_and_thirty_one(shop):
    client = reader(shop, shop.agent)

    def cost(ticket) -> int:
        with CaptureQueriesContext(connection) as captured:
            headers = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "conversation"}
            assert client.get(f"/inbox/{ticket.number}/", **headers).status_code == 200
        return len([query for query in captured if not query["sql"].startswith("SET ")])

    ticket = shop.customer_writes(address="a").ticket
    cost(ticket)
    one = cost(ticket)
    busy = shop.customer_writes(address="b").ticket
    for _ in range(10):
        message = shop.customer_writes("?", address="b")
        Attachment.objects.create(message=message, name="f", file="x", mime="image/png")
        reply(busy, shop.agent, reply_to_id=message.id)
        reply(busy, shop.colleague, kind=MessageKind.NOTE)
        set_tags(busy.id, names=[uuid.uuid4().hex[:6]], actor=shop.agent)
    cost(busy)  # what is written once in some seconds is behind us here too
    # What is quoted is read when something is.
    assert cost(busy) == one + 1
    # session, person; ticket, messages, files, events, people, teams, tags, addresses, past conversations, scheduled, merges,
    # names of states, custom fields, drafts, followers, changes, merges of conversations, loads
    assert one <= 21
