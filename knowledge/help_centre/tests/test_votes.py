"""Readers say whether an article helped: without a script, once each, and only from the article's own page."""

import pytest

from knowledge.help_centre.models import Vote
from tests.cast import HostClient

VOTE = "/help/ru/articles/obmen/vote/"


@pytest.fixture
def article(open_shop, publish):
    return publish("Обмен", "Обмен за день.")


def reader_of(shop, **headers):
    reader = HostClient(enforce_csrf_checks=True, HTTP_HOST=shop.host, HTTP_ORIGIN=f"http://{shop.host}", **headers)
    reader.cookies["language"] = "en"
    return reader


def test_a_yes_counts_once_however_often_it_is_said(open_shop, article):
    reader = reader_of(open_shop)
    for _ in range(3):
        answer = reader.post(VOTE, {"helpful": "yes"})
        assert (answer.status_code, answer["Location"]) == (303, VOTE + "?answer=yes")
    assert [(vote.article, vote.is_helpful) for vote in Vote.objects.all()] == [(article, True)]
    cookie = reader.cookies["help_reader"]
    assert cookie["httponly"] and cookie["path"] == "/help/" and cookie["samesite"] == "Lax"
    # What is kept does not tell the cookie.
    assert cookie.value not in Vote.objects.get().reader
    reader_of(open_shop).post(VOTE, {"helpful": "no"})
    assert Vote.objects.count() == 2


def test_a_no_may_say_why_without_personal_data(open_shop, article):
    reader = reader_of(open_shop)
    asked = reader.get(reader.post(VOTE, {"helpful": "no"})["Location"]).content.decode()
    assert '<textarea id="comment" name="comment"' in asked
    answer = reader.post(VOTE, {"helpful": "no", "comment": "Нет срока. Мой телефон +7 912 345-67-89 <b>"})
    assert "<textarea" not in reader.get(answer["Location"]).content.decode()
    reader.post(VOTE, {"helpful": "no"})
    assert [vote.comment for vote in Vote.objects.all()] == ["Нет срока. Мой телефон [PHONE_1] <b>"]
    admin = open_shop.client(open_shop.admin)
    page = admin.get(f"/admin/help_centre/article/{article.id}/change/").content.decode()
    assert "Нет срока. Мой телефон [PHONE_1] &lt;b&gt;" in page
    assert "helped: 0 · did not help: 1" in page
    assert open_shop.client(open_shop.agent).get("/admin/help_centre/vote/").status_code == 302


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": ""},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
    ],
)
def test_another_site_cannot_vote_for_its_visitors(open_shop, article, headers):
    reader = HostClient(HTTP_HOST=open_shop.host, **{"HTTP_ORIGIN": f"http://{open_shop.host}", **headers})
    answer = reader.post(VOTE, {"helpful": "yes"})
    assert answer.status_code == 403 and not Vote.objects.exists() and not answer.cookies


def test_whoever_throws_the_cookie_away_does_not_vote_for_ever(open_shop, article, monkeypatch):
    monkeypatch.setattr("knowledge.help_centre.views_vote._NEW_READERS_A_DAY", 3)
    codes = [
        reader_of(open_shop, REMOTE_ADDR="198.51.100.8").post(VOTE, {"helpful": "no"}).status_code for _ in range(5)
    ]
    assert codes == [303, 303, 303, 429, 429] and Vote.objects.count() == 3


@pytest.mark.parametrize("body", [{}, {"helpful": "maybe"}, {"comment": "x"}])
def test_a_vote_is_a_yes_or_a_no(open_shop, article, body):
    assert reader_of(open_shop).post(VOTE, body).status_code == 400 and not Vote.objects.exists()


def test_there_is_no_vote_on_what_is_not_public(open_shop, publish):
    publish("Черновик", "Секрет.", published=False)
    assert reader_of(open_shop).post("/help/ru/articles/chernovik/vote/", {"helpful": "yes"}).status_code == 404
    assert not Vote.objects.exists()
