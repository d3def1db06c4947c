"""The agents' day in the browser: read, answer, note, pass on; live in every window; nothing lost on a bad line."""

import json
import re
import uuid

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from channels_app.models import Channel
from tenants.events.dispatch import dispatch_new_events
from tenants.events.models import Event
from tests.cast import PASSWORD
from tests.servers import until
from tickets.models import Author, ContactAddress, Message, MessageKind, Ticket
from tickets.services.post import post_message
from tickets.services.tickets import assign_ticket, set_status, set_team


@pytest.fixture
def ticket(live_shop):
    ticket = live_shop.customer_writes("Где мой заказ 4471?").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    return ticket


def test_somebody_logs_in_with_a_password_and_out_again(live_shop, chromium, web):
    # The cast's quick hashes are unknown to the real server.
    live_shop.agent.password = Argon2PasswordHasher().encode(PASSWORD, "salt-of-the-tests")
    live_shop.agent.save(update_fields=["password"])
    page = chromium.new_context().new_page()
    page.goto(web.url(live_shop, "/inbox/7/"))
    page.locator("#id_username").fill(live_shop.agent.email)
    page.locator("#id_password").fill("wrong")
    page.locator(".button--primary").click()
    expect(page.locator("[role=alert]")).to_be_visible()
    expect(page.locator("#id_username")).to_have_value(live_shop.agent.email)
    page.locator("#id_password").fill(PASSWORD)
    page.locator(".button--primary").click()
    page.wait_for_url("**/inbox/7/")
    page.goto(web.url(live_shop, "/inbox/"))
    page.locator(".sidebar details.menu > summary").click()
    page.locator("form[action='/accounts/logout/'] button").click()
    page.wait_for_url("**/accounts/login/")
    page.context.close()


def test_a_reply_is_on_the_screen_at_once_and_on_a_colleagues_without_reload(live_shop, ticket, sit_down):
    oleg, vera = sit_down(live_shop.agent), sit_down(live_shop.colleague)
    vera.view("open").open(ticket)
    oleg.open(ticket).write("Уже в пути!")
    expect(oleg.bubble("Уже в пути!")).to_have_count(1)
    expect(vera.bubble("Уже в пути!")).to_be_visible()
    # The channel has taken it: the tick changes by itself in both windows.
    for desk in (oleg, vera):
        expect(desk.bubble("Уже в пути!").locator(".delivery--sent, .delivery--delivered")).to_be_visible()
    assert Message.objects.filter(author=Author.AGENT).count() == 1


def test_what_a_customer_writes_arrives_by_itself_in_list_and_thread(live_shop, ticket, sit_down):
    oleg = sit_down(live_shop.agent)
    second = live_shop.customer_writes("Другой вопрос", address="other").ticket
    with live_shop.enter():
        assign_ticket(second.id, assignee_id=live_shop.agent.id, actor=None)
    expect(oleg.rows.first).to_have_attribute("id", f"c-{second.id}")
    expect(oleg.page.locator("#view-mine .nav__count")).to_have_text("2")
    oleg.open(ticket)
    live_shop.customer_writes("Ау!")
    expect(oleg.bubble("Ау!")).to_be_visible()
    expect(oleg.rows.first).to_have_attribute("id", f"c-{ticket.id}")
    expect(oleg.page.locator("#announcer")).to_contain_text("Ау!")


def test_notes_and_passing_on_are_seen_live(live_shop, ticket, sit_down):
    oleg, vera = sit_down(live_shop.agent), sit_down(live_shop.colleague)
    oleg.open(ticket).write("Проверь склад", note=True)
    expect(oleg.bubble("Проверь склад")).to_have_class("item item--note")
    expect(vera.rows).to_have_count(0)
    oleg.page.locator("#fact-assignee").select_option(str(live_shop.colleague.id))
    expect(vera.rows).to_have_count(1)
    expect(oleg.rows).to_have_count(0)
    vera.open(ticket)
    expect(vera.bubble("Проверь склад")).to_be_visible()
    vera.page.locator("#solve").click()
    expect(vera.page.locator("#reopen")).to_be_visible()
    expect(oleg.page.locator("#reopen")).to_be_visible()
    assert Ticket.objects.get().status == "solved"
    assert Message.objects.get(kind=MessageKind.NOTE).delivery == "none"


def test_offline_while_writing_loses_and_doubles_nothing(live_shop, ticket, sit_down):
    oleg = sit_down(live_shop.agent).open(ticket)
    oleg.page.context.set_offline(True)
    texts = [f"Без связи {number}" for number in range(4)]
    for text in texts:
        oleg.write(text)
    expect(oleg.page.locator(".item--pending")).to_have_count(4)
    expect(oleg.page.locator("#offline")).to_be_visible()
    live_shop.customer_writes("Вы тут?")
    oleg.page.context.set_offline(False)
    expect(oleg.page.locator("#offline")).to_be_hidden()
    expect(oleg.bubble("Вы тут?").first).to_be_visible()
    # The customer wrote meanwhile: nothing leaves before it has been read, then all of it.
    expect(oleg.page.locator(".item--pending .added")).to_have_count(4)
    assert not Message.objects.filter(author=Author.AGENT).exists()
    oleg.page.locator("[data-outbox=anyway]:visible").first.click()
    expect(oleg.page.locator(".item--pending")).to_have_count(0)
    expect(oleg.bubble("Вы тут?")).to_have_count(1)
    assert list(Message.objects.filter(author=Author.AGENT).order_by("id").values_list("text", flat=True)) == texts
    for text in texts:
        expect(oleg.bubble(text)).to_have_count(1)


def test_what_was_not_sent_survives_a_reload(live_shop, ticket, sit_down):
    oleg = sit_down(live_shop.agent).open(ticket)
    oleg.page.route("**/messages/", lambda route: route.abort())
    oleg.write("Переживу перезагрузку")
    oleg.page.locator("#text").fill("Черновик")
    expect(oleg.page.locator(".item--pending")).to_have_count(1)
    oleg.page.unroute("**/messages/")
    oleg.page.reload()
    expect(oleg.page.locator("#text")).to_have_value("Черновик")
    expect(oleg.bubble("Переживу перезагрузку").locator(".delivery")).to_be_visible()
    assert Message.objects.filter(author=Author.AGENT).count() == 1


def test_an_answer_lost_on_the_way_back_is_asked_for_again(live_shop, ticket, sit_down):
    oleg = sit_down(live_shop.agent).open(ticket)
    # The request arrives, its answer does not: the page believes that nothing happened.
    oleg.page.evaluate("""() => {
        const real = window.fetch;
        window.fetch = async (path, options) => {
            const answer = await real(path, options);
            if (!String(path).endsWith("/messages/") || window.lost) return answer;
            window.lost = true;
            throw new TypeError("Failed to fetch");
        };
    }""")
    oleg.write("Один раз")
    expect(oleg.bubble("Один раз").locator(".delivery")).to_be_visible()
    expect(oleg.page.locator(".item--pending")).to_have_count(0)
    expect(oleg.bubble("Один раз")).to_have_count(1)
    assert oleg.page.evaluate("window.lost")
    assert Message.objects.filter(author=Author.AGENT).count() == 1


def test_a_refused_message_says_why_and_can_be_changed(live_shop, ticket, sit_down):
    oleg = sit_down(live_shop.agent).open(ticket)
    set_status(ticket.id, status="closed", actor=None)
    # Before the news arrives the screen still offers a reply.
    oleg.page.evaluate("document.querySelector('#composer-state').remove()")
    oleg.write("Поздно")
    trouble = oleg.page.locator(".item--pending [data-part=trouble]")
    expect(trouble).to_be_visible()
    trouble.locator("[data-outbox=edit]").click()
    expect(oleg.page.locator("#text")).to_have_value("Поздно")
    expect(oleg.page.locator(".item--pending")).to_have_count(0)


@pytest.mark.parametrize("missed", [3, 600])
def test_after_a_gap_the_screen_equals_a_fresh_one(live_shop, ticket, sit_down, missed):
    oleg = sit_down(live_shop.agent).open(ticket)
    oleg.page.context.set_offline(True)
    for number in range(3):
        live_shop.customer_writes(f"Пока вас не было {number}")
    other = live_shop.customer_writes("Новый", address="new").ticket
    with live_shop.enter():
        for each in (other, ticket):
            assign_ticket(each.id, assignee_id=live_shop.agent.id, actor=live_shop.colleague)
        post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Отвечу я", user=live_shop.colleague)
        set_status(ticket.id, status="waiting", actor=live_shop.colleague)
        Event.objects.bulk_create([Event(type="test.noise") for _ in range(missed)])
        dispatch_new_events()
    oleg.page.context.set_offline(False)
    expect(oleg.bubble("Отвечу я")).to_be_visible()
    expect(oleg.page.locator(f"#c-{other.id}")).to_be_visible()
    expect(oleg.page.locator(f"#c-{ticket.id}")).to_have_count(0)
    expect(oleg.page.locator("#fact-status")).to_have_value("waiting")
    expect(oleg.bubble("Отвечу я").locator(".delivery--sent, .delivery--delivered")).to_be_visible()
    beside = sit_down(live_shop.agent)

    def anew():
        beside.page.goto(oleg.page.url)
        return beside.connected().shown()

    until(lambda: oleg.shown() == anew(), seconds=30, what="the screen after a gap equals a fresh one")


def test_numbers_that_were_behind_come_though_nothing_else_happens(live_shop, ticket, sit_down):
    oleg = sit_down(live_shop.agent)
    support = oleg.page.locator("#views .nav__item", has_text=live_shop.team.name)
    expect(support).not_to_contain_text("1")
    oleg.page.goto("about:blank")
    with live_shop.enter():
        set_team(ticket.id, team_id=live_shop.team.id, actor=live_shop.colleague)
        dispatch_new_events()
    oleg.go("/inbox/").connected()
    expect(oleg.page.locator("#views[data-behind]")).to_have_count(1)
    expect(support).to_contain_text("1", timeout=15_000)


def test_both_sides_see_that_somebody_writes(live_shop, ticket, sit_down):
    oleg, vera = sit_down(live_shop.agent).open(ticket), sit_down(live_shop.colleague)
    vera.view("open").open(ticket)
    oleg.page.locator("#text").press_sequentially("Пишу")
    expect(vera.page.locator("#typing")).to_contain_text("Олег Агент")
    oleg.page.locator("#text").fill("")
    expect(vera.page.locator("#typing")).to_be_hidden()
    with live_shop.enter():
        from tickets.realtime import publish_typing

        publish_typing(ticket.id, "Марина", True)
    expect(oleg.page.locator("#typing")).to_contain_text("Марина")


def test_a_note_tells_nobody_that_it_is_being_written(live_shop, ticket, sit_down):
    oleg = sit_down(live_shop.agent).open(ticket)
    sent: list[str] = []
    oleg.page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(str(frame))))
    oleg.page.reload()
    oleg.connected().page.locator(".composer__mode input[value=note]").check(force=True)
    oleg.page.locator("#text").press_sequentially("Секрет")
    oleg.page.locator(".composer__mode input[value=public]").check(force=True)
    oleg.page.locator("#text").press_sequentially("!")
    until(lambda: oleg.page.wait_for_timeout(20) or [frame for frame in sent if '"typing"' in frame])
    assert [json.loads(frame)["on"] for frame in sent if '"typing"' in frame] == [True]


def test_the_keyboard_alone_is_enough_also_in_the_russian_layout(live_shop, ticket, sit_down):
    other = live_shop.customer_writes("Второй", address="b").ticket
    with live_shop.enter():
        assign_ticket(other.id, assignee_id=live_shop.agent.id, actor=None)
    oleg = sit_down(live_shop.agent)
    expect(oleg.rows).to_have_count(2)

    def press(code: str, key: str, **modifiers: bool) -> None:
        oleg.page.evaluate(
            "([code, key, more]) => (document.activeElement ?? document.body).dispatchEvent("
            "new KeyboardEvent('keydown', {code, key, bubbles: true, cancelable: true, ...more}))",
            [code, key, modifiers],
        )

    press("KeyJ", "о")
    press("KeyJ", "о")
    press("KeyK", "л")
    oleg.page.keyboard.press("Enter")
    expect(oleg.page.locator(f"#talk[data-ticket='{other.id}']")).to_be_visible()
    press("KeyN", "т")
    oleg.page.keyboard.type("Заметка с клавиатуры")
    oleg.page.keyboard.press("Control+Enter")
    expect(oleg.bubble("Заметка с клавиатуры")).to_have_class("item item--note")
    oleg.page.keyboard.press("Escape")
    press("KeyR", "к")
    oleg.page.keyboard.type("Ответ с клавиатуры")
    oleg.page.keyboard.press("Control+Shift+Enter")
    expect(oleg.page.locator("#reopen")).to_be_visible()
    oleg.page.keyboard.press("Escape")
    press("Slash", ".")
    expect(oleg.page.locator("#q")).to_be_focused()
    oleg.page.keyboard.type("клавиатуры")
    expect(oleg.rows).to_have_count(1)
    oleg.page.locator("#q").blur()
    press("Digit7", "?", shiftKey=True)
    expect(oleg.page.locator("#keys")).to_be_visible()
    # WCAG 2.1.4: letters can be switched off.
    oleg.page.locator("#keys-on").uncheck()
    oleg.page.keyboard.press("Escape")
    press("KeyN", "т")
    expect(oleg.page.locator("#text")).not_to_be_focused()


def test_files_go_with_the_message_and_refused_ones_say_why(live_shop, ticket, sit_down):
    oleg = sit_down(live_shop.agent).open(ticket)
    oleg.page.set_input_files("#files", [
        {"name": "чек.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 text"},
        {"name": "virus.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"},
    ])  # fmt: skip
    expect(oleg.page.locator(".upload--done")).to_contain_text("чек.pdf")
    expect(oleg.page.locator(".upload--bad")).to_contain_text("virus.exe")
    oleg.page.locator(".upload--bad [data-part=remove]").click()
    oleg.page.evaluate("""() => {
        const clipboardData = new DataTransfer();
        const bytes = Uint8Array.from(atob("iVBORw0KGgo="), (c) => c.charCodeAt(0));
        clipboardData.items.add(new File([bytes], "снимок.png", {type: "image/png"}));
        const paste = new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true});
        document.querySelector("#text").dispatchEvent(paste);
    }""")
    expect(oleg.page.locator(".upload--done")).to_have_count(2)
    oleg.write("Вот чек")
    expect(oleg.bubble("Вот чек").locator("a.file")).to_contain_text("чек.pdf")
    assert sorted(Message.objects.get(text="Вот чек").attachments.values_list("name", flat=True)) == [
        "снимок.png",
        "чек.pdf",
    ]
    expect(oleg.page.locator(".upload")).to_have_count(0)


def test_a_phone_walks_from_list_to_conversation_to_details_and_back(live_shop, ticket, sit_down):
    phone = sit_down(live_shop.agent, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    expect(phone.page.locator("#conversation")).to_be_hidden()
    phone.open(ticket)
    expect(phone.page.locator("#list")).to_be_hidden()
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
    phone.page.locator("#details-toggle").tap()
    expect(phone.page.locator("#details")).to_be_visible()
    phone.page.go_back()
    expect(phone.page.locator("#details")).to_be_hidden()
    expect(phone.page.locator("#talk")).to_be_visible()
    phone.page.locator(".head__back").tap()
    expect(phone.page.locator("#list")).to_be_visible()
    expect(phone.page.locator("#conversation")).to_be_hidden()
    phone.page.go_back()
    expect(phone.page.locator(f"#talk[data-ticket='{ticket.id}']")).to_be_visible()


def test_hostile_text_stays_text_wherever_it_is_shown(live_shop, sit_down):
    evil = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
    message = live_shop.customer_writes(
        evil, content={"quote": evil, "location": {"latitude": 1, "longitude": 1, "title": evil}}
    )
    with live_shop.enter():
        assign_ticket(message.ticket_id, assignee_id=live_shop.agent.id, actor=None)
    oleg = sit_down(live_shop.agent).open(message.ticket)
    live_shop.customer_writes(evil)
    expect(oleg.page.locator(".item--in")).to_have_count(2)
    assert oleg.page.locator("#thread img, #thread script, #rows img").count() == 0
    assert oleg.page.title() != "1"


@pytest.mark.parametrize(("language", "scheme"), [("ru", "light"), ("en", "dark")])
def test_nothing_hinders_people_with_assistive_technology(live_shop, ticket, sit_down, language, scheme):
    live_shop.agent.language = language
    live_shop.agent.save(update_fields=["language"])
    oleg = sit_down(live_shop.agent, color_scheme=scheme)
    source = {"n": 1, "title": "Доставка.pdf", "quote": "3 дня", "page": 1}
    with live_shop.enter():
        post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Три дня [1]", user=live_shop.assistant,
                     author=Author.ASSISTANT, content={"citations": [source]})  # fmt: skip
        failed = post_message(ticket_id=ticket.id, client_id=uuid.uuid4(), text="Не ушло", user=live_shop.agent)
    oleg.open(ticket).write("Заметка", note=True)
    expect(oleg.bubble("Заметка")).to_be_visible()
    until(lambda: Message.objects.get(id=failed.id).delivery in {"sent", "delivered"})
    Message.objects.filter(id=failed.id).update(delivery="failed", delivery_error="Бот заблокирован")
    oleg.page.reload()
    expect(oleg.page.locator(".item__trouble:visible")).to_be_visible()
    assert violations(oleg.page) == []
    oleg.page.locator(".composer__mode input[value=note]").check(force=True)
    oleg.page.locator(".sidebar details.menu > summary").click()
    assert violations(oleg.page) == []
    oleg.go("/accounts/me/")
    assert violations(oleg.page) == []


def violations(page) -> list[str]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


def test_an_ended_session_leads_to_the_log_in_page(live_shop, ticket, sit_down):
    oleg = sit_down(live_shop.agent).open(ticket)
    with live_shop.enter():
        Session.objects.all().delete()
    live_shop.customer_writes("Вы где?")
    expect(oleg.page).to_have_url(re.compile(rf"/accounts/login/\?next=%2Finbox%2F{ticket.number}%2F$"))


def test_the_composer_knows_the_channel_that_it_writes_to(live_shop, ticket, sit_down):
    places = {"telegram": "7", "whatsapp": "79990003344"}
    for kind, address in places.items():
        channel = Channel.objects.create(kind=kind, name=kind, is_active=False)
        ContactAddress.objects.create(contact=ticket.contact, channel=channel, address=address)
    desk = sit_down(live_shop.agent)
    desk.open(ticket)
    place, offered = desk.page.locator("select[name=address]"), desk.page.locator("#composer [data-format]:visible")
    # Nobody has written in WhatsApp yet, so only a template would go through there.
    expect(place.locator("option", has_text="whatsapp")).to_be_disabled()
    expect(offered).to_have_count(0)
    place.select_option(label="telegram · 7")
    expect(offered).to_have_count(5)
    text = desk.page.locator("#text")
    text.fill("завтра")
    text.select_text()
    desk.page.keyboard.press("Control+b")
    expect(text).to_have_value("**завтра**")
    desk.page.keyboard.press("Control+z")
    expect(text).to_have_value("завтра")
    text.fill("я" * 4097)
    expect(desk.page.locator("#count")).to_have_text("4097 / 4096 · ×2")
