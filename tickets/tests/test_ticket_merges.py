"""Two conversations that are about one thing become one and two again; a message about something else gets its own."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from ai_assistant.models import Answer
from channels_app.models import Channel
from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from tenants.events.dispatch import dispatch_new_events
from tenants.events.models import Event
from tickets import queries
from tickets.models import ContactAddress, Draft, Mention, Message, Ticket, TicketFollower, TicketMerge
from tickets.notices.models import Notice
from tickets.notices.services import list_notices
from tickets.queries import Selection
from tickets.services.drafts import save_draft
from tickets.services.following import set_following
from tickets.services.incidents import link_incident, open_incident
from tickets.services.letters import Letter
from tickets.services.merging import merge_contacts
from tickets.services.post import post_message
from tickets.services.schedule import schedule_reply
from tickets.services.snoozing import snooze_ticket
from tickets.services.ticket_merges import merge_tickets, split_ticket, undo_ticket_merge
from tickets.services.tickets import assign_ticket, set_status, set_tags


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """What is pushed to browsers has its own stories."""
    monkeypatch.setattr("tickets.notices.subscribers.wake", lambda *_args: True)


HX = {"HTTP_HX_REQUEST": "true"}
JSON = "application/json"


@pytest.fixture
def two(shop):
    """Marina on the site, and another person in another channel, about the same order."""
    kept = shop.customer_writes("Где заказ 4471?").ticket
    shop.site, shop.channel = shop.channel, Channel.objects.create(kind="widget", name="Телефон", config={})
    gone = shop.customer_writes("Жена спрашивала про заказ 4471", address="husband").ticket
    return kept, gone


def write(shop, ticket, text, **fields):
    return post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text=text, user=shop.agent, **fields)


def texts(ticket):
    return list(ticket.messages.order_by("id").values_list("text", flat=True))


def snapshot():
    """All of the conversations but what grows by itself."""
    columns = ["id", "address_id", "channel_id", "status", "solved_at", "first_solved_at", "waiting_since", "is_snoozed",
               "wakes_at", "last_message_id", "merged_into_id", "contact_id", "first_reply_at"]  # fmt: skip
    return (
        list(Ticket.objects.order_by("id").values(*columns)),
        list(Message.objects.order_by("id").values_list("id", "ticket_id", "search__ticket_id", "address_id")),
        list(ContactAddress.objects.order_by("id").values_list("id", "continues_id")),
        sorted(Ticket.objects.values_list("id", "tags__name")),
        list(Ticket.objects.order_by("id").values_list("id", "scheduled__id")),
        list(Draft.objects.order_by("id").values_list("id", "ticket_id", "text")),
        list(Mention.objects.order_by("id").values_list("id", "ticket_id")),
        sorted(TicketFollower.objects.values_list("ticket_id", "user__name")),
        list(Notice.objects.order_by("id").values_list("id", "ticket_id")),
    )


def test_all_messages_stand_in_the_kept_one_in_order_of_time(shop, two):
    kept, gone = two
    write(shop, kept, "Ищу")
    merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    assert texts(kept) == ["Где заказ 4471?", "Жена спрашивала про заказ 4471", "Ищу"]
    gone.refresh_from_db()
    assert (gone.status, gone.merged_into, texts(gone)) == ("closed", kept, [])


def test_parted_again_everything_is_as_it_was(shop, two):
    kept, gone = two
    set_tags(kept.id, names=["заказ"], actor=None)
    set_tags(gone.id, names=["заказ", "семья"], actor=None)
    set_status(gone.id, status="waiting", actor=None)
    snooze_ticket(gone.id, until=timezone.now() + timedelta(hours=1), actor=shop.agent)
    schedule_reply(
        ticket_id=gone.id, client_id=uuid.uuid4(), text="x", send_at=timezone.now() + timedelta(1), user=shop.agent
    )
    write(shop, kept, "Ищу")
    before = snapshot()
    merge = merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    assert snapshot() != before
    assert set(queries.tags_of(kept)) == {"заказ", "семья"}
    undo_ticket_merge(merge.id, shop.agent)
    assert snapshot() == before
    assert not TicketMerge.objects.exists()


def begin(ticket, user, text, kind="public"):
    save_draft(ticket, user, kind=kind, text=text, version=0)


def test_followers_mentions_notices_and_drafts_come_along_and_go_back(shop, two):
    kept, gone = two
    assign_ticket(gone.id, assignee_id=shop.admin.id, actor=None)
    set_following(kept.id, user=shop.colleague, follows=True)
    set_following(gone.id, user=shop.colleague, follows=True)
    write(shop, gone, "@Вера Коллега, глянь", kind="note", mentions=[f"u:{shop.colleague.id}"])
    write(shop, kept, "Ищу")
    begin(gone, shop.colleague, "Нашли!")
    begin(gone, shop.agent, "из второго")
    begin(kept, shop.agent, "из первого")
    dispatch_new_events()
    before = snapshot()
    merge = merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    dispatch_new_events()
    # Who had the other one hears of what it went on in.
    assert {person.name for person in queries.followers_of(kept)} == {shop.colleague.name, shop.admin.name}
    assert [t.id for t in queries.list_tickets(Selection(shop.colleague, "mentions")).tickets] == [kept.id]
    assert [notice.ticket_id for notice in list_notices(shop.admin) if notice.ticket_id == gone.id] == []
    assert queries.drafts_of(kept, shop.colleague)[0].text == "Нашли!"
    assert queries.drafts_of(kept, shop.agent)[0].text == "из первого\n\nиз второго"
    Draft.objects.filter(ticket=kept, user=shop.agent).update(text="из первого")
    undo_ticket_merge(merge.id, shop.agent)
    dispatch_new_events()
    assert snapshot() == before


def test_a_draft_that_was_begun_since_stays_and_takes_no_others_place(shop, two):
    kept, gone = two
    begin(gone, shop.agent, "Старое")
    merge = merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    begin(gone, shop.agent, "Новое")
    undo_ticket_merge(merge.id, shop.agent)
    assert [queries.drafts_of(one, shop.agent)[0].text for one in (kept, gone)] == ["Старое", "Новое"]


def test_an_incident_answers_the_customers_of_the_kept_one_too(shop, two):
    kept, gone = two
    incident = open_incident("Склад", user=shop.admin)
    link_incident(gone.id, incident_id=incident.id, actor=None)
    merge = merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    kept.refresh_from_db()
    assert kept.incident == incident
    undo_ticket_merge(merge.id, shop.agent)
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.incident, gone.incident) == (None, incident)


def test_what_came_since_takes_its_notice_along(shop, two):
    kept, gone = two
    assign_ticket(kept.id, assignee_id=shop.admin.id, actor=None)
    merge = merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    shop.customer_writes("Это муж", address="husband")
    dispatch_new_events()
    notice = Notice.objects.get(user=shop.admin, kind="reply")
    assert notice.ticket_id == kept.id
    undo_ticket_merge(merge.id, shop.agent)
    dispatch_new_events()
    notice.refresh_from_db()
    assert notice.ticket_id == gone.id


def test_the_assistants_receipts_stand_where_the_question_does(shop, two):
    kept, gone = two
    question = gone.messages.get()
    answer = Answer.objects.create(ticket_id=gone.id, question_message_id=question.id, outcome="answered")
    merge = merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    dispatch_new_events()
    answer.refresh_from_db()
    assert answer.ticket_id == kept.id
    undo_ticket_merge(merge.id, shop.agent)
    dispatch_new_events()
    answer.refresh_from_db()
    assert answer.ticket_id == gone.id


def test_a_note_that_is_split_off_calls_from_where_it_stands(shop, two):
    kept, _gone = two
    shop.channel = shop.site
    set_following(kept.id, user=shop.admin, follows=True)
    other = shop.customer_writes("А ещё чайник")
    write(shop, kept, "@Вера Коллега", kind="note", mentions=[f"u:{shop.colleague.id}"])
    made = split_ticket(other.id, with_later=True, user=shop.agent)
    assert [t.id for t in queries.list_tickets(Selection(shop.colleague, "mentions")).tickets] == [made.id]
    assert shop.admin in queries.followers_of(made)


def test_both_go_on_in_the_kept_one_and_each_is_answered_at_their_own_place(shop, two):
    kept, gone = two
    merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    husband = shop.customer_writes("Это муж", address="husband")
    shop.channel = shop.site
    wife = shop.customer_writes("Это жена")
    assert husband.ticket_id == wife.ticket_id == kept.id
    assert {place.id for place in queries.addresses_of(kept)} == {husband.address_id, wife.address_id}
    assert write(shop, kept, "Вам, жена").address_id == wife.address_id
    assert write(shop, kept, "Вам, муж", address_id=husband.address_id).address_id == husband.address_id


def test_what_came_since_goes_back_with_its_own_people(shop, two):
    kept, gone = two
    merge = merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    shop.customer_writes("Это муж", address="husband")
    undo_ticket_merge(merge.id, shop.agent)
    assert texts(gone) == ["Жена спрашивала про заказ 4471", "Это муж"]
    kept.refresh_from_db()
    assert kept.channel == shop.site
    assert shop.customer_writes("И снова муж", address="husband").ticket_id == gone.id


def test_names_and_search_are_of_whoever_wrote(shop, two):
    kept, gone = two
    gone.contact.name = "Пётр"
    gone.contact.save()
    merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    page = shop.client(shop.agent).get(f"/inbox/{kept.number}/").content.decode()
    assert 'aria-label="Пётр,' in page and 'aria-label="Марина,' in page
    for text in ("жена спрашивала", f"№{gone.number}"):
        found = queries.list_tickets(Selection(shop.agent, text=text)).tickets
        assert [ticket.id for ticket in found] == [kept.id], text


def test_letters_come_into_the_kept_one(shop, two):
    kept, _gone = two
    letter = Letter(subject="Заказ", fingerprint="a")
    mail = shop.customer_writes("Письмо", address="m@example.com", external_id="<1@x>", letter=letter).ticket
    merge_tickets(kept_id=kept.id, gone_id=mail.id, user=shop.agent)
    again = Letter(subject="Re: Заказ", references=("<1@x>",), fingerprint="b")
    assert shop.customer_writes("Ещё", address="m@example.com", external_id="<2@x>", letter=again).ticket_id == kept.id
    by_number = Letter(subject="Re", number=mail.number, fingerprint="c")
    assert shop.customer_writes("По номеру", address="m@example.com", letter=by_number).ticket_id == kept.id


def test_chains_are_parted_from_the_end(shop, two):
    kept, gone = two
    third = shop.customer_writes("Третий", address="third").ticket
    first_merge = merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    second_merge = merge_tickets(kept_id=third.id, gone_id=kept.id, user=shop.agent)
    gone.refresh_from_db()
    assert gone.merged_into == third and len(texts(third)) == 3
    with pytest.raises(Conflict):
        undo_ticket_merge(first_merge.id, shop.agent)
    undo_ticket_merge(second_merge.id, shop.agent)
    undo_ticket_merge(first_merge.id, shop.agent)
    assert [len(texts(ticket)) for ticket in (kept, gone, third)] == [1, 1, 1]


def test_what_cannot_be_merged_is_refused_and_nothing_changes(shop, two):
    kept, gone = two
    with pytest.raises(InvalidInput):
        merge_tickets(kept_id=kept.id, gone_id=kept.id, user=shop.agent)
    with pytest.raises(NotFound):
        merge_tickets(kept_id=kept.id, gone_id=10**9, user=shop.agent)
    set_status(kept.id, status="closed", actor=None)
    before = snapshot()
    with pytest.raises(Conflict):
        merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    assert snapshot() == before
    merge = merge_tickets(kept_id=gone.id, gone_id=kept.id, user=shop.agent)
    with pytest.raises(Conflict):
        merge_tickets(kept_id=gone.id, gone_id=kept.id, user=shop.agent)
    TicketMerge.objects.update(created_at=timezone.now() - timedelta(hours=25))
    with pytest.raises(Conflict):
        undo_ticket_merge(merge.id, shop.agent)


def test_a_contact_merged_since_does_not_hinder_parting(shop, two):
    kept, gone = two
    merge = merge_tickets(kept_id=kept.id, gone_id=gone.id, user=shop.agent)
    merge_contacts(kept_id=kept.contact_id, gone_id=gone.contact_id, user=shop.agent)
    undo_ticket_merge(merge.id, shop.agent)
    assert [len(texts(ticket)) for ticket in (kept, gone)] == [1, 1]


def test_the_dialog_finds_shows_merges_and_parts(shop, two):
    kept, gone = two
    client = shop.client(shop.agent)
    url = f"/inbox/{gone.number}/merge-into/"
    assert f"with={kept.number}" in client.get(url, {"q": str(kept.number)}, **HX).content.decode()
    preview = client.get(url, {"with": kept.number}, **HX).content.decode()
    assert f'value="{kept.number}" checked' in preview
    answer = client.post(url, {"other": kept.number, "keep": kept.number}, **HX)
    assert answer["HX-Push-Url"].startswith(f"/inbox/{kept.number}/")
    assert f'data-ticket="{kept.id}"' in answer.content.decode()
    left = client.get(f"/inbox/{gone.number}/").content.decode()
    assert 'id="goes-on"' in left and f"/inbox/{kept.number}/" in left
    merge = TicketMerge.objects.get()
    assert f"unmerge-{merge.id}" in left
    client.post(f"/inbox/merges/{merge.id}/undo/", **HX)
    assert len(texts(gone)) == 1


@pytest.mark.parametrize("data", [{}, {"other": "x", "keep": "1"}, {"other": "1", "keep": "77"}, {"other": 2**70}])
def test_foreign_input_of_the_dialog_is_refused(shop, two, data):
    assert shop.client(shop.agent).post(f"/inbox/{two[0].number}/merge-into/", data, **HX).status_code in {400, 404}
    assert not TicketMerge.objects.exists()


def test_a_message_gets_a_conversation_of_its_own(shop, two):
    kept, _gone = two
    shop.channel = shop.site
    other = shop.customer_writes("А ещё хочу вернуть чайник")
    later = shop.customer_writes("Он не греет")
    made = split_ticket(other.id, with_later=True, user=shop.agent)
    assert (texts(kept), texts(made)) == (["Где заказ 4471?"], [other.text, later.text])
    assert (made.contact, made.subject, made.status) == (kept.contact, other.text, "open")
    found = queries.list_tickets(Selection(shop.agent, text="чайник")).tickets
    assert [ticket.id for ticket in found] == [made.id]
    # The customer goes on where they were.
    assert shop.customer_writes("Так где заказ?").ticket_id == kept.id
    events = Event.objects.filter(type="ticket.split").order_by("id").values_list("ticket_id", "payload__number")
    assert list(events) == [(made.id, str(kept.number)), (kept.id, str(made.number))]


def test_one_message_alone_can_leave_but_not_the_last_one(shop, two):
    kept, _gone = two
    shop.channel = shop.site
    other = shop.customer_writes("Чайник")
    last = shop.customer_writes("Спасибо")
    made = split_ticket(other.id, with_later=False, user=shop.agent)
    assert (texts(kept), texts(made)) == (["Где заказ 4471?", last.text], ["Чайник"])
    with pytest.raises(InvalidInput):
        split_ticket(other.id, with_later=True, user=shop.agent)
    page = shop.client(shop.agent).get(f"/inbox/{made.number}/").content.decode()
    assert f'href="/inbox/{kept.number}/"' in page


def test_by_the_api(shop, two):
    kept, gone = two
    api = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    url = f"/api/v1/tickets/{kept.id}"
    assert api.post(f"{url}/merge/", {"ticket": gone.id}, JSON).status_code == 200
    assert api.get(f"/api/v1/tickets/{gone.id}/").json()["merged_into"] == str(kept.id)
    assert api.post(f"{url}/merge/", {"ticket": "x"}, JSON).status_code == 400
    assert api.post(f"{url}/unmerge/").status_code == 200
    assert api.post(f"{url}/unmerge/").status_code == 404
    shop.channel = shop.site
    message = shop.customer_writes("Чайник")
    made = api.post(f"{url}/split/", {"message": message.id}, JSON)
    assert made.status_code == 201 and made.json()["subject"] == "Чайник"
    assert api.post(f"{url}/split/", {"message": message.id}, JSON).status_code == 404
