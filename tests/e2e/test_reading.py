"""Finding one's way in a long conversation, and reading letters as they were laid out, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.cast import Workspace
from tests.e2e.conftest import Desk
from tests.servers import until
from tickets.models import Message
from tickets.services.tickets import assign_ticket

TALL = 900


def in_view(desk: Desk, selector: str) -> None:
    expect(desk.page.locator(selector)).to_be_in_viewport()


@pytest.fixture
def long(live_shop: Workspace):
    """A hundred and twenty messages: a conversation opens with the last twenty."""
    ticket = live_shop.customer_writes("Сломался чайник").ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    for number in range(119):
        live_shop.customer_writes(f"Сообщение {number}")
    return ticket


def test_one_message_the_end_what_is_new_and_words_are_a_click_away(live_shop, long, sit_down):
    first = Message.objects.order_by("id").first()
    oleg = sit_down(live_shop.agent)
    # A link to a message that is not on the last page.
    oleg.go(f"/inbox/{long.number}/#m-{first.id}").connected()
    in_view(oleg, f"#m-{first.id}")
    expect(oleg.page.locator(f"#m-{first.id}")).to_have_class(re.compile("item--here"))
    expect(oleg.bubble("Сообщение 118")).to_have_count(0)
    # What comes meanwhile waits at the end, and is not lost.
    live_shop.customer_writes("Пока вы читали")
    expect(oleg.page.locator("#rows > .ticket").first).to_contain_text("Пока вы читали")
    expect(oleg.bubble("Пока вы читали")).to_have_count(0)
    oleg.page.locator("#to-end").click()
    expect(oleg.bubble("Пока вы читали")).to_be_in_viewport()
    expect(oleg.page.locator("#to-end")).to_be_hidden()
    # The search jumps to a form of the word, wherever it lies.
    oleg.page.locator("#thread-scroll").focus()
    oleg.page.keyboard.press("f")
    oleg.page.locator("#find-text").fill("чайника")
    expect(oleg.page.locator("#find-count")).to_have_text("1 / 1")
    in_view(oleg, f"#m-{first.id}")
    assert oleg.page.evaluate("[...CSS.highlights.get('found')].map(String)") == ["чайник"]
    oleg.page.keyboard.press("Escape")
    expect(oleg.page.locator("#find-bar")).to_be_hidden()
    # A reply from the middle of the thread is written at its end.
    oleg.write("Проверим")
    expect(oleg.bubble("Проверим")).to_be_in_viewport()
    expect(oleg.bubble("Пока вы читали")).to_have_count(1)
    expect(oleg.bubble("Проверим").locator(".delivery--sent, .delivery--delivered")).to_be_visible()
    # The first that is shown names its day.
    live = oleg.shown()["thread"][-19:]
    assert oleg.go(f"/inbox/{long.number}/").connected().shown()["thread"][-19:] == live


def test_what_came_while_nobody_looked_stands_under_a_line(live_shop, long, sit_down):
    oleg = sit_down(live_shop.agent).open(long)
    # Nobody has answered anything yet: a line above everything would say nothing.
    expect(oleg.page.locator("#thread-new")).to_have_count(0)
    expect(oleg.bubble("Сообщение 118")).to_be_in_viewport()
    other = live_shop.customer_writes("Другой вопрос", address="other").ticket
    assign_ticket(other.id, assignee_id=live_shop.agent.id, actor=None)
    oleg.open(other)
    for number in range(30):
        live_shop.customer_writes(f"Новое {number}")
    oleg.open(long)
    # A browser that does not hold the place by itself, as Chromium does when it has the time.
    oleg.page.locator("#thread-scroll").evaluate("(place) => place.style.overflowAnchor = 'none'")
    # It lies above the first that is shown.
    oleg.page.locator("#to-unread").click()
    # What is below comes by itself, and leaves the reader where they are.
    expect(oleg.bubble("Новое 29")).to_have_count(1)
    in_view(oleg, "#thread-new")
    expect(oleg.page.locator("#thread-new + .item")).to_contain_text("Новое 0")
    expect(oleg.page.locator("#to-unread")).to_be_hidden()


def test_a_letter_in_its_frame_runs_nothing_fetches_nothing_and_is_as_tall_as_it_is(live_shop, sit_down):
    seen: list[str] = []
    body = f'<div style="height:{TALL}px;background-color:#eeeeee">Счёт</div><img src="https://track.example/pixel.gif" alt="">'
    # As if the cleaning had let it through.
    evil = "<script>parent.postMessage({letter: 9}, '*'); document.title = 'EVIL'</script><img src=x onerror='window.evil = 1'>"
    ticket = live_shop.customer_writes("Счёт", content={"html": body + evil}).ticket
    assign_ticket(ticket.id, assignee_id=live_shop.agent.id, actor=None)
    oleg = sit_down(live_shop.agent)
    oleg.page.route("https://track.example/**", lambda route: (seen.append(route.request.url), route.abort())[1])
    oleg.open(ticket)
    expect(oleg.page.locator(".bubble__text", has_text="Счёт")).to_be_visible()
    oleg.page.locator(".letter > summary").click()
    frame = oleg.page.frame_locator("iframe.letter__page")
    expect(frame.get_by_text("Счёт")).to_be_visible()
    expect(oleg.page.locator(".bubble__text", has_text="Счёт")).to_be_hidden()
    until(lambda: oleg.page.locator("iframe.letter__page").bounding_box()["height"] > TALL)
    inside = oleg.page.frames[-1]
    assert inside.evaluate("[window.origin, document.title === 'EVIL', window.evil === 1]") == ["null", False, False]
    assert seen == []
    oleg.page.locator(".letter__bar a").click()
    until(lambda: oleg.page.evaluate("1") and seen == ["https://track.example/pixel.gif"])
    # What was refused inside the frame is the point of the story; the last of it may come late.
    oleg.page.goto("about:blank")
    assert all("Content Security Policy" in problem or "POLICY" in problem for problem in oleg.problems), oleg.problems
    oleg.problems.clear()
