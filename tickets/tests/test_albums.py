"""Pictures that came as one album are one thing in the thread, however they arrive; each message keeps its address."""

import re
import uuid

import pytest

from tickets.models import Attachment, Message
from tickets.services.post import post_message


def picture(shop, number, group="g1", text=""):
    message = shop.customer_writes(text, content={"group": group}, external_id=f"p{group}{number}")
    Attachment.objects.create(
        message=message, kind="photo", name=f"{group}-{number}.jpg", mime="image/jpeg", size=1, file="x"
    )
    return message


@pytest.fixture
def album(shop):
    shop.customer_writes("Вот фото:")
    return [picture(shop, number, text="Смотрите" if number == 1 else "") for number in (1, 2, 3)]


def bubbles(page: str) -> list[str]:
    return re.findall(r'<li class="item item--in.*?</li>', page, re.S)


def test_an_album_is_one_bubble_with_a_grid_and_its_words_once(shop, album):
    shop.customer_writes("Получили?")
    page = shop.client(shop.agent).get(f"/inbox/{album[0].ticket.number}/").content.decode()
    shown = [re.search(r'id="(m-\d+)"', bubble)[1] for bubble in bubbles(page)]
    outside = Message.objects.exclude(id__in=[album[1].id, album[2].id]).order_by("id")
    assert shown == [f"m-{message.id}" for message in outside]
    grid = bubbles(page)[1]
    assert "files--album" in grid and grid.count("<img") == 3 and grid.count("Смотрите") == 1
    assert f'id="m-{album[1].id}"' in grid and f'id="m-{album[2].id}"' in grid


@pytest.mark.parametrize("way", ["newest", "later", "around"])
def test_the_end_of_a_page_cuts_no_album(shop, way, monkeypatch):
    monkeypatch.setattr("tickets.queries.conversation.PAGE", 8 if way == "around" else 4)
    monkeypatch.setattr("tickets.queries.conversation._NEWEST", 4)
    monkeypatch.setattr("tickets.queries.conversation._ABOVE", 2)
    first = shop.customer_writes("Начало")
    texts = [shop.customer_writes("Раньше")]
    pictures = [picture(shop, number) for number in (1, 2)]
    # A colleague's words came between.
    post_message(ticket_id=first.ticket_id, client_id=uuid.uuid4(), text="Вижу", user=shop.agent)
    pictures += [picture(shop, number) for number in (3, 4)]
    texts += [shop.customer_writes(f"Потом {number}") for number in range(3)]
    client, path = shop.client(shop.agent), f"/inbox/{first.ticket.number}"
    if way == "newest":
        # Its first message is the fourth from the end.
        pages = [client.get(f"{path}/earlier/"), client.get(f"{path}/earlier/", {"before": pictures[0].id})]
    elif way == "later":
        pages = [client.get(f"{path}/later/", {"after": first.id - 1})]
    else:
        pages = [client.get(f"{path}/around/", {"message": texts[1].id})]
    pages = [page.content.decode() for page in pages]
    grids = [bubble for page in pages for bubble in bubbles(page) if "<img" in bubble]
    assert [grid.count("<img") for grid in grids] == [4]
    # And what lies between is there once.
    assert sum(page.count("Вижу") for page in pages) == 1
    if way == "newest":
        assert "Начало" in pages[1] and "Раньше" in pages[1] and 'id="earlier"' in pages[0]
    elif way == "later":
        assert "Потом 0" not in pages[0] and 'id="thread-later"' in pages[0]
    else:
        assert "Потом 0" in pages[0] and "Раньше" not in pages[0] and 'id="earlier"' in pages[0]


def test_one_that_comes_later_brings_the_whole_album(shop, album):
    late = picture(shop, 4)
    ticket = late.ticket
    answer = shop.client(shop.agent).get(f"/inbox/{ticket.number}/items/", {"messages": late.id}).content.decode()
    (bubble,) = bubbles(answer)
    assert f'id="m-{album[0].id}"' in bubble and bubble.count("<img") == 4


def test_two_albums_are_two_and_a_reaction_is_shown_once(shop, album):
    other = [picture(shop, number, group="g2") for number in (1, 2)]
    other[1].content = {**other[1].content, "reactions": ["👍"]}
    other[1].save()
    page = shop.client(shop.agent).get(f"/inbox/{album[0].ticket.number}/").content.decode()
    assert [bubble.count("<img") for bubble in bubbles(page)] == [0, 3, 2]
    assert len(re.findall("bubble__reaction", page)) == 1
