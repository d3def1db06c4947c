"""A visitor of a bookshop talks to its assistant and to Anna, an agent. The shop's policy forbids whatever is not ours."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Route, expect

from tests.servers import until
from tests.widget.conftest import Desk, Visit

Go = Callable[..., Visit]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def test_it_opens_writes_and_closes_by_keyboard_alone(visit: Go, desk: Desk) -> None:
    shop = visit()
    expect(shop.launcher).to_be_visible()
    shop.page.keyboard.press("Tab")
    shop.page.keyboard.press("Tab")
    expect(shop.launcher).to_be_focused()
    expect(shop.launcher).to_have_attribute("aria-expanded", "false")
    shop.page.keyboard.press("Enter")
    expect(shop.field).to_be_focused()
    shop.page.keyboard.type("Есть ли подарочная упаковка?")
    shop.page.keyboard.press("Shift+Enter")
    shop.page.keyboard.type("И открытка?")
    shop.page.keyboard.press("Enter")
    expect(shop.log).to_contain_text("И открытка?")
    shop.page.keyboard.press("Escape")
    expect(shop.launcher).to_be_focused()
    expect(shop.launcher).to_have_attribute("aria-expanded", "false")
    assert desk.texts() == ["Есть ли подарочная упаковка?\nИ открытка?"]


def test_nothing_is_asked_of_the_workspace_before_the_visitor_opens_the_chat(visit: Go, desk: Desk) -> None:
    shop = visit()
    expect(shop.launcher).to_be_visible()
    assert shop.page.locator("iframe").count() == 0
    assert shop.context.cookies() == []
    shop.open()
    assert shop.context.cookies() == []
    assert shop.call("localStorage.length") == 0, "who has written nothing leaves no trace"


def test_the_answer_streams_and_cites_its_sources(visit: Go) -> None:
    shop = visit().open()
    shop.say("Сколько стоит доставка?")
    expect(shop.chat.locator(".coming .bubble")).to_contain_text("Доставляем")
    mark = shop.chat.get_by_role("button", name="Источник 1: Доставка и оплата")
    expect(mark).to_be_visible()
    expect(shop.chat.locator(".coming")).to_have_count(0)
    expect(shop.log.locator(".assistant")).to_have_count(1)
    expect(shop.chat.locator("blockquote")).to_have_count(0)
    mark.click()
    expect(shop.chat.locator(".card")).to_contain_text("Заказы по Москве доставляются")
    expect(shop.chat.get_by_role("link", name="Открыть источник")).to_have_attribute(
        "href", re.compile("/help/delivery/$")
    )
    shop.chat.get_by_role("button", name="2 Доставка и оплата, стр. 3").click()
    expect(shop.chat.locator("blockquote")).to_have_text("При заказе от 5 000 ₽ доставка бесплатная.")


def test_only_the_whole_answer_is_spoken_and_without_marks(visit: Go) -> None:
    shop = visit().open()
    status = shop.chat.get_by_role("status")
    shop.say("Сколько стоит доставка?")
    expect(shop.chat.locator(".coming")).to_be_visible()
    assert status.inner_text() == ""
    expect(status).to_contain_text("Новое сообщение: Доставляем по Москве за 1–2 дня, по России — за 3–7 дней.")
    assert "[1]" not in status.inner_text()
    assert "*" not in status.inner_text()


def test_a_quick_reply_is_sent_in_the_visitors_name(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    shop.say("Доставка?")
    shop.chat.get_by_role("button", name="Оплата частями").click()
    expect(shop.log.locator(".visitor")).to_have_count(2)
    assert desk.texts()[1] == "Оплата частями"


def test_a_person_is_one_tap_away(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    shop.chat.get_by_role("button", name="Позвать человека").click()
    expect(shop.log).to_contain_text("Позвали человека")
    expect(shop.chat.get_by_role("button", name="Человек приглашён")).to_be_visible()
    desk.do("say", text="Здравствуйте, я Анна.")
    expect(shop.chat.get_by_text("Вам отвечает человек")).to_be_visible()
    expect(shop.chat.get_by_text("Анна отвечает вам")).to_be_visible()
    assert len(desk.calls("handoff")) == 1


def test_what_is_written_offline_arrives_once_and_nothing_is_missed(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    desk.do("quiet")
    shop.say("До туннеля")
    expect(shop.log.locator(".visitor")).to_contain_text(["До туннеля"])
    desk.do("down")
    shop.say("В туннеле раз")
    shop.say("В туннеле два")
    expect(shop.chat.locator(".banner")).to_contain_text("Нет связи")
    expect(shop.log.get_by_text("Отправляется")).to_have_count(2)
    desk.do("say", text="Вы ещё здесь?")
    desk.do("up")
    shop.frame.evaluate("dispatchEvent(new Event('online'))")
    expect(shop.log).to_contain_text("Вы ещё здесь?")
    expect(shop.chat.locator(".banner")).to_have_count(0)
    expect(shop.log.locator(".visitor .text")).to_have_text(["До туннеля", "В туннеле раз", "В туннеле два"])
    assert desk.texts() == ["До туннеля", "В туннеле раз", "В туннеле два"]


def test_a_broken_stream_shows_no_torn_words(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    shop.say("Доставка?")
    expect(shop.chat.locator(".coming .bubble")).to_contain_text("Доставляем")
    desk.do("drop")
    expect(shop.log.locator(".assistant .text").last).to_contain_text("Точный срок покажем при оформлении.")
    expect(shop.log.locator(".assistant")).to_have_count(1)


def test_a_click_to_the_next_page_loses_nothing(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    desk.do("quiet")
    desk.do("slow", ms=60_000)
    shop.say("Успею ли?")
    expect(shop.log.get_by_text("Отправляется")).to_be_visible()
    desk.do("slow", ms=0)
    shop.page.goto(f"{desk.shop}catalogue?lang=ru")
    shop.open()
    expect(shop.log.locator(".visitor .text")).to_have_text(["Успею ли?"])
    expect(shop.log.get_by_text("Прочитано")).to_be_visible()
    assert desk.texts() == ["Успею ли?"]


def test_history_and_unread_count_come_back_with_the_visitor(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    desk.do("quiet")
    shop.say("Жду ответа")
    expect(shop.log.get_by_text("Прочитано")).to_be_visible()
    shop.launcher.click()
    for text in ("Минуту", "Нашла ваш заказ"):
        desk.do("say", text=text)
    expect(shop.launcher).to_have_attribute("aria-label", "Открыть чат, 2 новых сообщения")
    shop.page.reload()
    expect(shop.launcher).to_have_attribute("aria-label", "Открыть чат, 2 новых сообщения")
    shop.open()
    expect(shop.log).to_contain_text("Нашла ваш заказ")
    expect(shop.launcher).to_have_attribute("aria-label", "Закрыть чат")
    shop.launcher.click()
    expect(shop.launcher).to_have_attribute("aria-label", "Открыть чат")
    assert desk.do("state")["talks"] == 1


def test_typing_is_seen_on_both_sides(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    until(lambda: desk.do("state")["sockets"], what="the chat is connected")
    # The page hears of it a moment later than the desk.
    desk.do("typing", on=True)
    expect(shop.log).to_contain_text("Анна печатает")
    shop.field.press_sequentially("Здрав")
    until(lambda: desk.typing() == [True], what="the desk sees that the visitor writes")
    desk.do("typing", on=True)
    expect(shop.log).to_contain_text("Анна печатает")
    desk.do("typing", on=False)
    expect(shop.log).not_to_contain_text("печатает")
    # Not for each letter.
    assert desk.typing().count(True) < len("Здрав")


def test_files_are_attached_by_choice_paste_and_drop(visit: Go, desk: Desk, tmp_path: Path) -> None:
    shop = visit().open()
    desk.do("quiet")
    receipt = tmp_path / "чек.pdf"
    receipt.write_bytes(b"%PDF-1.4 receipt")
    shop.chat.locator("input[type=file]").set_input_files(receipt)
    for event, target in (("paste", "textarea"), ("drop", "header")):
        shop.frame.evaluate(_HAND_OVER, [event, target, f"{event}.txt"])
    expect(shop.chat.locator(".uploads .name")).to_have_text(["чек.pdf", "paste.txt", "drop.txt"])
    expect(shop.chat.locator(".uploads progress")).to_have_count(0)
    shop.say("Вот чек")
    expect(shop.log.get_by_role("link", name="чек.pdf")).to_be_visible()
    assert [file["name"] for file in desk.messages()[0]["attachments"]] == ["чек.pdf", "paste.txt", "drop.txt"]


_HAND_OVER = """([event, target, name]) => {
  const data = new DataTransfer();
  data.items.add(new File(["text"], name, { type: "text/plain" }));
  const options = { bubbles: true, cancelable: true, clipboardData: data, dataTransfer: data };
  const made = event === "paste" ? new ClipboardEvent(event, options) : new DragEvent(event, options);
  document.querySelector(target).dispatchEvent(made);
}"""


def test_a_picture_is_shown_and_the_end_stays_in_sight(visit: Go, desk: Desk, tmp_path: Path) -> None:
    shop = visit().open()
    desk.do("quiet")
    for number in range(10):
        desk.do("say", text=f"Строка {number}")
    picture = tmp_path / "снимок.png"
    shop.page.screenshot(path=picture)
    shop.chat.locator("input[type=file]").set_input_files(picture)
    expect(shop.chat.get_by_role("button", name="Отправить")).to_be_enabled()
    shop.say("")
    expect(shop.log.get_by_role("img", name="снимок.png")).to_be_in_viewport(ratio=1)
    expect(shop.log.get_by_text("Прочитано")).to_be_in_viewport(ratio=1)


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(visit: Go, desk: Desk, tmp_path: Path) -> None:
    shop = visit().open()
    film = tmp_path / "фильм.mp4"
    with film.open("wb") as out:
        out.truncate(20_000_001)
    shop.chat.locator("input[type=file]").set_input_files(film)
    expect(shop.chat.get_by_role("alert")).to_have_text("Больше 20 МБ")
    expect(shop.chat.get_by_role("button", name="Отправить")).to_be_disabled()
    shop.chat.get_by_role("button", name="Убрать: фильм.mp4").click()
    expect(shop.chat.locator(".uploads")).to_have_count(0)
    assert desk.calls("attachments") == []


def test_a_refused_message_says_so_and_can_be_tried_again(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    desk.do("quiet")
    desk.do("refuse", text="Это сообщение нельзя отправить.")
    shop.say("Ой")
    expect(shop.chat.locator(".banner")).to_contain_text("Это сообщение нельзя отправить.")
    expect(shop.log.get_by_text("Не отправлено")).to_be_visible()
    desk.do("refuse", text="")
    shop.chat.get_by_role("button", name="Повторить").click()
    expect(shop.log.get_by_text("Прочитано")).to_be_visible()
    assert desk.texts() == ["Ой"]


def test_links_lead_only_where_it_is_safe_and_no_picture_is_fetched_from_elsewhere(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    asked: list[str] = []

    def note(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    shop.page.route("**://sink.test/**", note)
    desk.do(
        "say",
        text="![](https://sink.test/?d=1) [нажми](javascript:alert(1)) <img src=https://sink.test/x> [сайт](https://shop.test/)",
    )
    expect(shop.log).to_contain_text("нажми")
    expect(shop.log.get_by_role("link", name="нажми")).to_have_count(0)
    expect(shop.log.locator("img")).to_have_count(0)
    expect(shop.log.get_by_role("link", name="сайт")).to_have_attribute("rel", "noopener noreferrer nofollow")
    assert asked == []


def test_an_edited_message_changes_in_its_place(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    desk.do("say", text="Ваш заказ 1043")
    expect(shop.log).to_contain_text("1043")
    desk.do("edit", text="Ваш заказ 1042")
    expect(shop.log).to_contain_text("1042")
    expect(shop.log).not_to_contain_text("1043")
    expect(shop.log).to_contain_text("изменено")


def test_an_english_shop_gets_an_english_chat(visit: Go) -> None:
    shop = visit(lang="en")
    expect(shop.launcher).to_have_attribute("aria-label", "Open chat")
    shop.open()
    expect(shop.page.locator("iframe")).to_have_attribute("title", "Support chat")
    expect(shop.chat.get_by_role("button", name="Talk to a person")).to_be_visible()
    expect(shop.chat.locator("html")).to_have_attribute("lang", "en")
    assert not re.search("[а-яё]", shop.chat.locator(".composer").inner_text(), re.IGNORECASE)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_conversation_is_accessible(visit: Go, desk: Desk, theme: str) -> None:
    shop = visit(color_scheme=theme, reduced_motion="reduce").open()
    shop.say("Сколько стоит доставка?")
    shop.chat.get_by_role("button", name="Источник 1: Доставка и оплата").click()
    desk.do("say", text="Добавлю: курьер позвонит.")
    expect(shop.log).to_contain_text("курьер позвонит")
    shop.frame.evaluate(AXE_SCRIPT)
    found = shop.frame.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found["violations"]] == []


def test_on_a_phone_it_takes_the_whole_screen_and_keeps_the_focus(visit: Go) -> None:
    shop = visit(**PHONE)
    shop.launcher.tap()
    expect(shop.chat.get_by_role("dialog")).to_have_attribute("aria-modal", "true")
    box = shop.page.locator("iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(shop.field).not_to_be_focused()
    assert shop.call("getComputedStyle(document.documentElement).overflow") == "hidden"
    for _step in range(12):
        shop.page.keyboard.press("Tab")
        assert shop.frame.evaluate("document.hasFocus() && document.activeElement !== document.body")
    shop.field.tap()
    shop.page.keyboard.type("строка")
    shop.page.keyboard.press("Enter")
    expect(shop.field).to_have_value("строка\n")
    shop.chat.get_by_role("button", name="Закрыть").tap()
    expect(shop.launcher).to_be_visible()
    assert shop.call("document.documentElement.style.overflow") == ""


def test_nothing_is_cut_off_at_320_pixels(visit: Go) -> None:
    shop = visit(viewport={"width": 320, "height": 560}, lang="en")
    shop.open()
    shop.say("https://shop.test/" + "very-long-address-" * 12)
    expect(shop.chat.get_by_role("button", name="Talk to a person")).to_be_in_viewport(ratio=1)
    expect(shop.chat.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
    assert shop.frame.evaluate(
        "document.querySelector('.log').scrollWidth <= document.querySelector('.log').clientWidth"
    )


def test_the_reader_is_not_pulled_away_from_what_they_read(visit: Go, desk: Desk) -> None:
    shop = visit().open()
    for number in range(30):
        desk.do("say", text=f"Строка {number}")
    expect(shop.log.get_by_text("Строка 29")).to_be_in_viewport()
    shop.frame.evaluate("document.querySelector('.log').scrollTop = 0")
    desk.do("say", text="Последняя")
    jump = shop.chat.get_by_role("button", name="Новые сообщения")
    expect(jump).to_be_visible()
    expect(shop.log.get_by_text("Строка 0", exact=True)).to_be_in_viewport()
    jump.click()
    expect(shop.log.get_by_text("Последняя")).to_be_in_viewport()
    expect(jump).to_have_count(0)
