"""Search: what agents find, by which words, in which order, and what it costs."""

import uuid
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnisupport.lib.errors import InvalidInput
from tickets import queries, search
from tickets.models import Contact, Message, MessageKind, MessageSearch
from tickets.queries import Selection
from tickets.services.contacts import update_contact
from tickets.services.indexing import index_backlog
from tickets.services.merging import merge_contacts, undo_merge
from tickets.services.post import post_message
from tickets.services.receive import edit_received_message
from tickets.services.tickets import set_status, set_team
from tickets.words import make_fragment, read_query


def found(shop, text: str, **filters) -> list[int]:
    """Numbers of the conversations in the order of the list."""
    return [ticket.number for ticket in queries.list_tickets(Selection(shop.agent, text=text, **filters)).tickets]


LETTER = (
    "Добрый день! Оформляла возврат кроссовок ORD-12345/7, деньги не пришли. Мой телефон +7 (916) 123-45-67, "
    "почта Anna.Petrova@mail.example, списали 15900 рублей. The parcels were returned. Ещё ждём ёлку."
)


@pytest.mark.parametrize(
    "text",
    [
        "возвраты", "кроссовки", "ВОЗВРАТ деньгам", "елка", "ёлки", "parcel returning", "возвр", "кросс",
        "ORD-12345/7", "ord123457", "12345", "15900", "anna.petrova@mail.example", "petrova@", "mail.example",
        "+7 916 123-45-67", "89161234567", "9161234567", "1234567", "123-45", "6123", "+7 916 12",
    ],
)  # fmt: skip
def test_a_message_is_found_by(shop, text):
    ticket = shop.customer_writes(LETTER, address="a").ticket
    shop.customer_writes("Спасибо, всё хорошо", address="b")
    assert found(shop, text) == [ticket.number]


@pytest.mark.parametrize(
    "text",
    ["1590", "159000", "ORD-12345/8", "ORD-1234", "petrova@mail.other", "возвр деньги", "79161234568", "возврат слона"],
)
def test_a_message_is_not_found_by(shop, text):
    shop.customer_writes(LETTER)
    assert found(shop, text) == []


@pytest.mark.parametrize(
    "text", ["%", "'", "\\", "' | 'a", "!!!", "&", ":*", "а" * 200, "\u0301", "🙂", "+" * 50, "1" * 200]
)
def test_any_text_may_be_asked_for(shop, text):
    shop.customer_writes(f"Вот: {text}")
    assert found(shop, text) in ([], [1])


def test_conversations_are_found_by_number_subject_and_contact(shop):
    shop.customer_writes("Первый", address="+79031112233")
    ticket = shop.customer_writes("Второй", address="b").ticket
    update_contact(ticket.contact_id, changes={"name": "Пётр Сидоров", "phone": "8 495 777-66-55"}, actor=None)
    shop.customer_writes("Номер 2 в тексте", address="c")
    for text in ("сидорова", "петр", "495 777", "7776655", "второй"):
        assert found(shop, text) == [2], text
    assert found(shop, "3111223") == [1]
    # The number itself comes first, then those that speak of it.
    assert found(shop, "№2") == [2, 3]


def test_another_name_is_known_at_once_and_the_old_one_is_forgotten(shop):
    ticket = shop.customer_writes(address="a").ticket
    assert found(shop, "марина") == [1]
    update_contact(ticket.contact_id, changes={"name": "Ольга"}, actor=None)
    assert (found(shop, "марина"), found(shop, "ольга")) == ([], [1])


def test_contacts_that_become_one_are_found_as_one_and_parted_again(shop):
    kept = shop.customer_writes("Раз", address="a").ticket.contact
    gone = shop.customer_writes("Два", address="b").ticket.contact
    update_contact(kept.id, changes={"name": "Ольга"}, actor=None)
    merge = merge_contacts(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    assert found(shop, "ольга") == [2, 1]
    undo_merge(merge.id, shop.agent)
    assert (found(shop, "ольга"), found(shop, "марина")) == ([1], [2])


def test_replies_notes_and_what_a_message_says_now_are_found(shop):
    shop.customer_writes("Добрый день")
    message = shop.customer_writes("Хочу чайник", external_id="x")
    for text, kind in (("Есть термосы", MessageKind.PUBLIC), ("Проверить склад", MessageKind.NOTE)):
        post_message(ticket_id=message.ticket_id, client_id=uuid.uuid4(), text=text, user=shop.agent, kind=kind)
    edit_received_message(
        channel_id=shop.channel.id, address="visitor-1", external_id="x", text="Хочу самовар", edited_at=None
    )
    assert [found(shop, text) for text in ("термос", "складе", "самовары", "чайник")] == [[1], [1], [1], []]


def test_filters_narrow_a_search_and_every_state_is_looked_through(shop):
    for address in "abc":
        shop.customer_writes("Возврат", address=address)
    solved, teams = Message.objects.get(ticket__number=1).ticket, Message.objects.get(ticket__number=2).ticket
    set_status(solved.id, status="solved", actor=None)
    set_team(teams.id, team_id=shop.team.id, actor=None)
    assert found(shop, "возврат") == [3, 2, 1]
    assert found(shop, "возврат", status="solved") == [1]
    assert found(shop, "возврат", team_id=shop.team.id) == [2]
    assert found(shop, "возврат", channel_id=uuid.uuid4()) == []
    assert found(shop, "2", team_id=shop.other_team.id) == []


def test_another_workspace_is_never_searched(shop, rival):
    rival.customer_writes("Секретный возврат")
    assert found(shop, "возврат") == []


def test_the_best_first(shop):
    shop.customer_writes("Возврат, возврат и ещё раз возврат денег", address="a")
    shop.customer_writes("Про возврат", address="b")
    assert found(shop, "возврат") == [2, 1]
    assert found(shop, "возврат", best_first=True) == [1, 2]


def test_pages_of_hits_follow_each_other_and_show_a_conversation_once(shop, monkeypatch):
    monkeypatch.setattr(search, "PAGE", 3)
    for turn in range(3):
        for address in "abcd":
            shop.customer_writes(f"Заказ {turn}", address=address)
    selection, cursor, seen, pages = Selection(shop.agent, text="заказы"), "", [], 0
    while pages == 0 or cursor:
        page = queries.list_tickets(selection, cursor)
        seen += [ticket.number for ticket in page.tickets]
        cursor, pages = page.cursor, pages + 1
    assert (seen, pages) == ([4, 3, 2, 1], 4)


@pytest.mark.parametrize("cursor", ["x", "1-2", "-1", "²", "9" * 30])
def test_a_made_up_cursor_is_refused(shop, cursor):
    with pytest.raises(InvalidInput):
        queries.list_tickets(Selection(shop.agent, text="заказ"), cursor)


def shown(text: str, query: str) -> str:
    return "".join(f"[{piece.text}]" if piece.hit else piece.text for piece in make_fragment([text], read_query(query)))


def test_a_fragment_shows_the_words_that_answer():
    assert shown("Нет возвратов\nпо заказу", "возврат заказа") == "Нет [возвратов] по [заказу]"
    assert shown("Звоните: 8 916 123-45-67!", "1234567") == "Звоните: [8 916 123-45-67]!"
    long = f"{'слово ' * 60}возврат{' слово' * 60}"
    assert shown(long, "возврат").startswith("…слово слово")
    assert "[возврат]" in shown(long, "возврат")
    assert len(shown(long, "возврат")) < 200


def test_the_list_shows_the_fragment_and_nothing_of_it_is_code(shop):
    ticket = shop.customer_writes("<b>Возврат</b> кроссовок", address="a").ticket
    shop.customer_writes("Иное", address="b")
    html = shop.client(shop.agent).get("/inbox/", {"q": "возвраты"}).content.decode()
    assert "&lt;b&gt;<mark>Возврат</mark>&lt;/b&gt; кроссовок" in html
    assert "Best match first" in html
    assert (
        "<mark>"
        in shop.client(shop.agent).get("/inbox/rows/", {"q": "возврат", "ids": str(ticket.id)}).content.decode()
    )


@pytest.mark.parametrize("sort", ["", "best"])
def test_fresh_rows_of_a_search_are_those_that_answer(shop, sort):
    first = shop.customer_writes("Возврат", address="a").ticket
    second = shop.customer_writes("Иное", address="b").ticket
    selection = Selection(shop.agent, text="возврат", best_first=sort == "best")
    rows = queries.pick_rows(selection, [first.id, second.id])
    assert [(row.ticket.id, row.order) for row in rows] == [
        (row.ticket.id, row.order) for row in queries.list_tickets(selection).rows
    ]
    assert [row.ticket.id for row in rows] == [first.id]


def cost(ask) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert ask().status_code == 200
    return len([query for query in captured if not query["sql"].startswith("SET ")])


@pytest.mark.parametrize(
    ("text", "sort", "queries"), [("возврат", "", 14), ("возврат", "best", 15), ("где возврат", "", 15)]
)
def test_a_search_costs_the_same_for_one_hit_and_three(shop, text, sort, queries):
    client = shop.client(shop.agent)

    def ask():
        return client.get("/inbox/", {"q": text, "sort": sort})

    shop.customer_writes("Где возврат 1", address="a")
    ask()
    one = cost(ask)
    for address in "bc":
        shop.customer_writes("Где возврат 1", address=address)
    assert cost(ask) == one
    # Session, person, sequence, hits, their messages and rows, all channels, teams, counts, mentions, saved views, bulk
    # changes, notices; the best are chosen after the newest, several words are looked for among the latest messages first.
    assert one == queries


def test_integrators_search_too(shop):
    api = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    for address in "abc":
        message = shop.customer_writes("Где мой возврат?", address=address)
    answer = api.get("/api/v1/search/messages/", {"q": "возвраты"}).json()
    assert [row["ticket"]["number"] for row in answer["results"]] == ["3", "2", "1"]
    hit = answer["results"][0]
    assert datetime.fromisoformat(hit["at"]) == message.created_at
    assert {name: hit[name] for name in ("message", "author", "fragment")} == {
        "message": str(message.id),
        "author": "contact",
        "fragment": [{"text": "Где мой ", "hit": False}, {"text": "возврат", "hit": True}, {"text": "?", "hit": False}],
    }
    assert answer["next"] is None
    # workspace and person of the token, hits, their messages and rows, tickets, tags
    assert cost(lambda: api.get("/api/v1/search/messages/", {"q": "возвраты"})) == 7
    assert api.get("/api/v1/search/messages/").status_code == 400
    assert shop.client().get("/api/v1/search/messages/", {"q": "x"}).status_code == 401


def test_pages_of_the_api_follow_each_other(shop, monkeypatch):
    monkeypatch.setattr(search, "PAGE", 2)
    for address in "abc":
        shop.customer_writes("Возврат", address=address)
    api = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    first = api.get("/api/v1/search/messages/", {"q": "возвраты"}).json()
    second = api.get(first["next"]).json()
    assert [row["ticket"]["number"] for row in first["results"] + second["results"]] == ["3", "2", "1"]


def test_messages_of_before_there_was_a_search_are_found_once_the_task_has_been_there(shop):
    for address in "abcde":
        shop.customer_writes("Возврат", address=address)
    Contact.objects.filter(tickets__number=2).update(name="Ольга")
    # The release brought an empty table; one customer wrote since.
    MessageSearch.objects.all().delete()
    shop.customer_writes("Новый возврат", address="f")
    taken = []
    while not taken or taken[-1]:
        taken.append(index_backlog(2))
    assert taken == [2, 2, 1, 0]
    assert found(shop, "возврат") == [6, 5, 4, 3, 2, 1]
    assert found(shop, "ольга") == [2]
