"""Readers look for something: found by the product's search, by words when no worker answers, and noted when in vain."""

from datetime import timedelta

import pytest
from django.utils import timezone

from knowledge.help_centre import services
from knowledge.help_centre.models import MissedSearch
from knowledge.help_centre.tasks import clear_missed_searches
from knowledge.search import search_passages
from knowledge.services.articles import write_article
from knowledge.services.ingest import ingest_document
from tenants.names import url_for_host

DELIVERY = "# Доставка\n\n## Сроки доставки\n\nКурьер привозит заказы по Казани за два дня, в другие города за неделю."
RETURNS = "# Возврат\n\nДеньги за возвращённый товар приходят на карту за десять дней после проверки."


def text_of(answer):
    return answer.content.decode()


@pytest.fixture
def two_articles(open_shop, publish):
    publish("Доставка", DELIVERY, indexed=True)
    publish("Возврат", RETURNS, indexed=True)
    return open_shop


def test_an_article_is_found_in_other_forms_of_its_words_and_with_a_typo(two_articles, working_search):
    reader = two_articles.client()
    found = text_of(reader.get("/help/ru/search/", {"q": "сроки доставки в Казань"}))
    assert 'href="/help/ru/articles/dostavka/"' in found and "<mark>Казани</mark>" in found
    repaired = text_of(reader.get("/help/ru/search/", {"q": "доставкка"}))
    assert 'href="/help/ru/articles/dostavka/"' in repaired and "доставка" in repaired
    assert not MissedSearch.objects.exists()


def test_in_an_excerpt_a_heading_does_not_run_into_its_text(open_shop, publish, working_search):
    publish("Города", "## Казань\n\nДва дня.\n\n## Пермь\n\nПять дней.", indexed=True)
    found = text_of(open_shop.client().get("/help/ru/search/", {"q": "Пермь"}))
    assert "Два дня. <mark>Пермь</mark> · Пять дней." in found


def test_only_published_articles_are_looked_through(two_articles, publish, working_search):
    publish("Пароли", "Пароль от склада: казань.", indexed=True, published=False)
    document = write_article("Для своих", "Казань закрыта на ремонт.")
    ingest_document(document.id)
    found = text_of(two_articles.client().get("/help/ru/search/", {"q": "казань"}))
    assert "Доставка" in found and "склада" not in found and "ремонт" not in found


def test_without_a_worker_words_are_compared_and_the_reader_is_told(two_articles, silent_search):
    page = text_of(two_articles.client().get("/help/en/search/", {"q": "деньги на карте"}))
    assert 'href="/help/en/articles/vozvrat/"' in page and "<mark>карту</mark>" in page
    assert "The full search does not answer just now" in page
    nothing = text_of(two_articles.client().get("/help/en/search/", {"q": "снегоход"}))
    assert "Nothing was found." in nothing and not MissedSearch.objects.exists()


def test_what_was_looked_for_in_vain_is_told_to_admins_without_personal_data(two_articles, working_search):
    reader = two_articles.client()
    for query in ("Снегоход напрокат", "снегоход  НАПРОКАТ", "позвоните +7 912 345-67-89 про снегоход"):
        assert reader.get("/help/ru/search/", {"q": query}).status_code == 200
    noted = {row.text: row.count for row in MissedSearch.objects.all()}
    assert noted == {"снегоход напрокат": 2, "позвоните [PHONE_1] про снегоход": 1}
    reader.head("/help/ru/search/", {"q": "лодка"})
    assert not MissedSearch.objects.filter(text="лодка").exists()
    shown = text_of(two_articles.client(two_articles.admin).get("/admin/help_centre/missedsearch/"))
    assert "снегоход напрокат" in shown and "912" not in shown
    assert "/admin/knowledge/document/article/?title=%D1%81%D0%BD" in shown


def test_searches_in_vain_are_forgotten_in_time(two_articles, settings):
    settings.MISSED_SEARCH_RETENTION_DAYS = 90
    old = timezone.now() - timedelta(days=91)
    MissedSearch.objects.create(language="ru", text="лодка", last_at=old)
    MissedSearch.objects.create(language="ru", text="весло")
    clear_missed_searches.run()
    assert [row.text for row in MissedSearch.objects.all()] == ["весло"]


def test_an_empty_search_and_foreign_signs_break_nothing(two_articles, working_search):
    reader = two_articles.client()
    for query in ("", "   ", "?!", "<script>alert(1)</script>", "a" * 5000, "' OR 1=1 --"):
        answer = reader.get("/help/ru/search/", {"q": query})
        assert answer.status_code == 200 and "<script>alert" not in text_of(answer)


def test_one_reader_searches_no_more_than_a_person_does(two_articles, silent_search, monkeypatch):
    monkeypatch.setattr("knowledge.help_centre.views._SEARCHES_A_MINUTE", 2)
    reader = two_articles.client(REMOTE_ADDR="198.51.100.7")
    codes = [reader.get("/help/ru/search/", {"q": "карта"}).status_code for _ in range(3)]
    assert codes == [200, 200, 429]


def test_what_the_assistant_cites_leads_to_the_public_page(two_articles, publish):
    passage = search_passages("за сколько дней привозит курьер в Казань").passages[0]
    place = url_for_host(two_articles.host) + "/help/ru/articles/dostavka/"
    assert passage.url in {place, f"{place}#sroki-dostavki"}
    services.save_help_centre(is_on=False)
    assert search_passages("за сколько дней привозит курьер в Казань").passages[0].url == ""


def test_in_the_readers_language_where_there_is_one(two_articles, publish, working_search):
    russian = services.get_article(publish("Гарантия", "Гарантия на рюкзаки: пять лет.", indexed=True).id)
    publish("Warranty", "Backpacks: five years.", language="en", translation_id=russian.id, indexed=True)
    page = text_of(two_articles.client().get("/help/en/search/", {"q": "гарантия на рюкзаки"}))
    assert 'href="/help/en/articles/warranty/"' in page and "/articles/garantiya/" not in page
