"""What readers of the help centre see, and what they never see."""

import re

import pytest

from knowledge.help_centre import services
from knowledge.services.articles import write_article
from knowledge.services.documents import delete_document
from tenants.names import url_for_host

RETURNS = """# Возврат товара

Вернуть можно за **30 дней**.

## Что нужно

- чек
- паспорт

## Куда везти

В магазин или в пункт выдачи.

## Когда вернутся деньги

За десять дней.
"""


def text_of(answer):
    return answer.content.decode()


def test_nothing_is_public_until_an_admin_opens_the_help_centre(shop, publish):
    publish("Возврат товара", RETURNS)
    reader = shop.client()
    for path in (
        "/help/",
        "/help/ru/",
        "/help/ru/articles/vozvrat-tovara/",
        "/help/ru/search/?q=возврат",
        "/sitemap.xml",
    ):
        assert reader.get(path).status_code == 404, path
    assert text_of(reader.get("/robots.txt")) == "User-agent: *\nDisallow: /\n"
    services.save_help_centre(is_on=True)
    assert reader.get("/help/ru/articles/vozvrat-tovara/").status_code == 200


def test_a_reader_comes_from_the_start_to_an_article(open_shop, publish):
    orders = services.save_category(name_ru="Заказы", name_en="Orders", position=2)
    first = services.save_category(name_ru="Доставка", position=1)
    services.save_category(name_ru="Пустая")
    publish("Возврат товара", RETURNS, category_id=orders.id)
    publish("Обмен", "Обмен за день.", category_id=orders.id)
    publish("Сроки", "Три дня.", category_id=first.id)
    reader = open_shop.client()
    home = text_of(reader.get("/help/ru/"))
    assert home.index("Доставка") < home.index("Заказы") and "Пустая" not in home
    category = text_of(reader.get("/help/ru/categories/orders/"))
    assert "Возврат товара" in category and "Сроки" not in category
    answer = reader.get("/help/ru/articles/vozvrat-tovara/")
    page = text_of(answer)
    assert page.count("Возврат товара</h1>") == 1 and '<h2 id="chto-nuzhno">Что нужно</h2>' in page
    assert 'href="#kuda-vezti"' in page and "<strong>30 дней</strong>" in page
    assert 'href="/help/ru/categories/orders/"' in page and 'href="/help/ru/articles/obmen/"' in page
    assert (answer["Content-Language"] == "ru" and "Обновлено" in page) or "Updated" in page


def test_pages_carry_no_script_of_their_own_and_set_no_cookie(open_shop, publish):
    publish("Возврат товара", RETURNS)
    for path in (
        "/help/ru/",
        "/help/en/",
        "/help/ru/articles/vozvrat-tovara/",
        "/help/ru/articles/no/",
        "/help/en/search/",
    ):
        answer = open_shop.client().get(path)
        page = text_of(answer)
        assert re.findall(r"<script(?![^>]*\bsrc=\"/static/)", page) == [] and not re.search(
            r"\s(on\w+|style)=\"", page
        )
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy
        assert not answer.cookies and "Cookie" not in answer.get("Vary", "")


def test_drafts_and_what_was_taken_back_are_not_there(open_shop, publish):
    reader = open_shop.client()
    draft = publish("Черновик", "Пока секрет.", published=False)
    past = publish("Акция", "Скидка.")
    services.unpublish_article(past.id)
    assert reader.get("/help/ru/articles/chernovik/").status_code == 404
    assert reader.get("/help/ru/articles/aktsiya/").status_code == 410
    for path in ("/help/ru/", "/help/en/", "/sitemap.xml"):
        page = text_of(reader.get(path))
        assert "chernovik" not in page and "aktsiya" not in page and "Черновик" not in page
    services.publish_article(past.id)
    assert reader.get("/help/ru/articles/aktsiya/").status_code == 200
    assert services.get_article(draft.id).is_published is False


def test_a_deleted_document_takes_its_page_along(open_shop, publish):
    article = publish("Акция", "Скидка.")
    delete_document(article.document_id)
    assert open_shop.client().get("/help/ru/articles/aktsiya/").status_code == 410
    article.document.delete()
    assert open_shop.client().get("/help/ru/articles/aktsiya/").status_code == 410


def test_a_changed_address_leads_on(open_shop, publish):
    article = publish("Возврат товара", RETURNS)
    for slug in ("vozvrat", "kak-vernut"):
        services.save_article(article.id, document_id=article.document_id, language="ru", slug=slug)
    for slug in ("vozvrat-tovara", "vozvrat"):
        answer = open_shop.client().get(f"/help/ru/articles/{slug}/")
        assert (answer.status_code, answer["Location"]) == (301, "/help/ru/articles/kak-vernut/")
        assert "no-cache" in answer["Cache-Control"]
    # A draft may not take an address that leads elsewhere.
    other = publish("Возврат", "Другой текст.")
    assert other.slug == "vozvrat-2"


def test_an_article_in_both_languages(open_shop, publish):
    russian = publish("Возврат товара", RETURNS)
    english = publish("Returns", "Within 30 days.", language="en", translation_id=russian.id)
    reader = open_shop.client()
    page = text_of(reader.get("/help/ru/articles/vozvrat-tovara/"))
    site = url_for_host(open_shop.host)
    assert (
        f'hreflang="en" href="{site}/help/en/articles/returns/"' in page and 'href="/help/en/articles/returns/"' in page
    )
    moved = reader.get("/help/en/articles/vozvrat-tovara/")
    assert (moved.status_code, moved["Location"]) == (302, "/help/en/articles/returns/")
    assert "Возврат товара" not in text_of(reader.get("/help/en/"))
    services.unpublish_article(english.id)
    only = text_of(reader.get("/help/en/articles/vozvrat-tovara/"))
    assert "This article is in Russian only." in only and '<article lang="ru"' in only
    assert f'<link rel="canonical" href="{site}/help/ru/articles/vozvrat-tovara/">' in only
    assert "in Russian" in text_of(reader.get("/help/en/"))


def test_readers_begin_in_their_language(open_shop):
    def started(**fields):
        reader = open_shop.client(**fields)
        del reader.cookies["language"]
        return reader.get("/help/")["Location"]

    assert started() == "/help/en/"
    assert started(HTTP_ACCEPT_LANGUAGE="ru-RU,ru;q=0.9,en;q=0.5") == "/help/ru/"
    assert open_shop.client(HTTP_ACCEPT_LANGUAGE="ru").get("/help/")["Location"] == "/help/en/"


def test_pages_are_answered_again_only_when_something_changed(open_shop, publish, django_assert_num_queries):
    article = publish("Возврат товара", RETURNS)
    reader, path = open_shop.client(), "/help/ru/articles/vozvrat-tovara/"
    first = reader.get(path)
    assert first["Cache-Control"] == "public, no-cache"
    # One of them chooses the schema.
    with django_assert_num_queries(3):
        same = reader.get(path, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    head = reader.head(path)
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", first["ETag"])
    write_article("Возврат товара", "Теперь за 60 дней.", document_id=article.document_id)
    changed = reader.get(path, HTTP_IF_NONE_MATCH=first["ETag"])
    assert changed.status_code == 200 and "60 дней" in text_of(changed) and changed["ETag"] != first["ETag"]
    services.unpublish_article(article.id)
    assert reader.get(path, HTTP_IF_NONE_MATCH=changed["ETag"]).status_code == 410


@pytest.mark.parametrize("count", [1, 3])
def test_pages_ask_the_database_as_often_for_many_articles(open_shop, publish, count, django_assert_num_queries):
    orders = services.save_category(name_en="Orders")
    for number in range(count):
        publish(f"Article {number}", f"Text {number}", category_id=orders.id, language="en")
    reader = open_shop.client()
    for path, queries in (
        ("/help/en/", 4), ("/help/en/categories/orders/", 5), ("/help/en/articles/article-0/", 6), ("/sitemap.xml", 3),
    ):  # fmt: skip
        with django_assert_num_queries(queries):
            assert reader.get(path).status_code == 200


def test_search_engines_are_told_what_is_public(open_shop, publish):
    orders = services.save_category(name_en="Orders")
    publish("Returns", "Within 30 days.", language="en", category_id=orders.id)
    site = url_for_host(open_shop.host)
    assert f"Sitemap: {site}/sitemap.xml" in text_of(open_shop.client().get("/robots.txt"))
    answer = open_shop.client().get("/sitemap.xml")
    places = re.findall(r"<loc>(.*?)</loc>", text_of(answer))
    assert answer["Content-Type"].startswith("application/xml")
    assert sorted(places) == sorted(
        site + path
        for path in (
            "/help/ru/", "/help/en/", "/help/ru/categories/orders/", "/help/en/categories/orders/",
            "/help/en/articles/returns/",
        )
    )  # fmt: skip
    page = text_of(open_shop.client().get("/help/en/articles/returns/"))
    assert '<meta property="og:description" content="Within 30 days.">' in page and 'itemprop="headline"' in page


def test_a_stranger_sees_only_the_articles_of_their_own_workspace(open_shop, rival, publish):
    publish("Возврат товара", RETURNS)
    with rival.enter():
        services.save_help_centre(is_on=True)
    reader = rival.client()
    assert reader.get("/help/ru/articles/vozvrat-tovara/").status_code == 404
    assert "Возврат" not in text_of(reader.get("/help/ru/")) + text_of(reader.get("/sitemap.xml"))


def test_what_an_article_says_cannot_run_or_call_home(open_shop, publish):
    hostile = (
        "<script>alert(1)</script>\n\n[click](javascript:alert(1)) ![dot](https://spy.example/dot.png)\n\n"
        "<img src=x onerror=alert(1)> <!-- hidden -->ordi\u200bnary\n\n[safe](https://shop.example/a)"
    )
    publish("Статья", hostile)
    page = text_of(open_shop.client().get("/help/ru/articles/statya/"))
    assert "<script>alert" not in page and "<img" not in page and 'href="javascript' not in page
    assert "hidden" not in page.split('class="text"')[1].split("</article>")[0] and "ordinary" in page
    assert '<a href="https://shop.example/a" rel="noopener noreferrer nofollow">safe</a>' in page


def test_the_pages_have_the_colour_and_the_chat_of_the_workspace(open_shop):
    open_shop.channel.config = {"accent": "#FFE066"}
    open_shop.channel.save()
    page = text_of(open_shop.client().get("/help/ru/"))
    look = open_shop.client().get("/help/look-ffe066.css")
    assert "/help/look-ffe066.css" in page and "immutable" in look["Cache-Control"]
    # Yellow words on white cannot be read: a darker yellow stands in.
    assert "--accent: light-dark(#" in text_of(look) and "light-dark(#ffe066" not in text_of(look)
    assert f'data-channel="{open_shop.channel.id}"' in page and f'href="/widget/{open_shop.channel.id}/"' in page
    assert "8 800 555-35-35" in page
    open_shop.channel.is_active = False
    open_shop.channel.save()
    assert "data-channel" not in text_of(open_shop.client().get("/help/ru/"))
