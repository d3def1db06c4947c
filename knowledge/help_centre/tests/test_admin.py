"""Admins open the help centre, sort it, look at drafts and publish them."""

import pytest

from knowledge.help_centre import services
from knowledge.help_centre.models import Article, Category, HelpCentre
from knowledge.services.articles import write_article
from omnisupport.lib.errors import Conflict, InvalidInput

ADD = "/admin/help_centre/article/add/"


@pytest.fixture
def admin(shop):
    return shop.client(shop.admin)


def test_the_switch_is_one_page(shop, admin):
    page = admin.get("/admin/help_centre/helpcentre/")
    assert page.status_code == 200 and HelpCentre.objects.get().is_on is False
    body = {"is_on": "on", "chat": str(shop.channel.id), "contacts": "8 800 555-35-35"}
    assert admin.post("/admin/help_centre/helpcentre/", body).status_code == 302
    centre = HelpCentre.objects.get()
    assert (centre.is_on, centre.chat_id, centre.contacts) == (True, shop.channel.id, "8 800 555-35-35")
    assert shop.client(shop.agent).get("/admin/help_centre/helpcentre/").status_code == 302


def test_a_category_has_a_name_and_an_address_that_stays(admin):
    assert (
        admin.post("/admin/help_centre/category/add/", {"name_ru": " ", "name_en": "", "position": "0"}).status_code
        == 400
    )
    body = {"name_ru": "Заказы", "name_en": "", "position": "3"}
    assert admin.post("/admin/help_centre/category/add/", body).status_code == 302
    category = Category.objects.get()
    edit = f"/admin/help_centre/category/{category.id}/change/"
    admin.post(edit, {"name_ru": "Покупки", "name_en": "Purchases", "position": "1"})
    category.refresh_from_db()
    assert (category.slug, category.name_in("ru"), category.name_in("en")) == ("zakazy", "Покупки", "Purchases")


def test_an_article_goes_from_the_knowledge_base_to_the_readers(shop, admin):
    services.save_help_centre(is_on=True)
    document = write_article("Обмен товара", "Обмен за день.", user=shop.admin)
    assert (
        f"{ADD}?document={document.id}"
        in admin.get(f"/admin/knowledge/document/{document.id}/change/").content.decode()
    )
    assert admin.get(f"{ADD}?document={document.id}").status_code == 200
    body = {
        "document": str(document.id),
        "language": "ru",
        "slug": "",
        "position": "0",
        "category": "",
        "translation": "",
    }
    added = admin.post(ADD, body)
    article = Article.objects.get()
    change = f"/admin/help_centre/article/{article.id}/change/"
    assert (added.status_code, added["Location"], article.is_published) == (302, change, False)
    preview = f"/admin/help_centre/article/{article.id}/preview/ru/"
    assert preview in admin.get(change).content.decode()
    shown = admin.get(preview)
    assert "Обмен за день." in shown.content.decode() and "private" in shown["Cache-Control"]
    assert shop.client(shop.agent).get(preview).status_code == shop.client().get(preview).status_code == 302
    reader, place = shop.client(), "/help/ru/articles/obmen/"
    assert reader.get(place).status_code == 404
    fields = {"language": "ru", "slug": "obmen", "position": "0", "category": "", "translation": ""}
    assert admin.post(change, {**fields, "_publish": "1"})["Location"] == change
    assert reader.get(place).status_code == 200
    admin.post(change, {**fields, "_unpublish": "1"})
    assert reader.get(place).status_code == 410
    chosen = {"action": "publish_selected", "_selected_action": [article.id]}
    admin.post("/admin/help_centre/article/", chosen)
    assert reader.get(place).status_code == 200
    assert (
        f"/admin/help_centre/article/{article.id}/change/"
        in admin.get(f"/admin/knowledge/document/{document.id}/change/").content.decode()
    )


def test_what_is_wrong_comes_back_at_its_field(shop, admin, publish):
    article, other = publish("Обмен", "Обмен за день."), publish("Возврат", "Возврат за месяц.")
    change = f"/admin/help_centre/article/{article.id}/change/"
    fields = {"language": "ru", "position": "0", "category": "", "translation": ""}
    taken = admin.post(change, {**fields, "slug": other.slug})
    assert taken.status_code == 400 and "Another article has or had this address." in taken.content.decode()
    assert admin.post(change, {**fields, "slug": "с-кириллицей"}).status_code == 400
    paired = admin.post(change, {**fields, "slug": article.slug, "translation": str(other.id)})
    assert "This article has a version in this language already." in paired.content.decode()


def test_who_publishes_while_the_help_centre_is_closed_is_told(shop, admin, publish):
    article = publish("Обмен", "Обмен за день.", published=False)
    chosen = {"action": "publish_selected", "_selected_action": [article.id]}
    told = admin.post("/admin/help_centre/article/", chosen, follow=True).content.decode()
    assert "1 article is published." in told and "the help centre is not open" in told


def test_services_refuse_what_makes_no_sense(shop, publish):
    article = publish("Обмен", "Обмен за день.")
    with pytest.raises(Conflict):
        services.save_article(document_id=article.document_id, language="ru")
    with pytest.raises(InvalidInput):
        services.save_category(name_ru="  ")


def test_a_pair_is_made_and_parted(shop, publish):
    russian = publish("Обмен", "Обмен за день.")
    english = publish("Exchange", "Within a day.", language="en", translation_id=russian.id)
    assert english.pair == russian.pair
    parted = services.save_article(english.id, document_id=english.document_id, language="en")
    assert parted.pair != russian.pair


def test_the_list_asks_the_database_as_often_for_many_articles(shop, admin, publish, django_assert_num_queries):
    for number in range(3):
        publish(f"Article {number}", f"Text {number}", language="en")
        with django_assert_num_queries(9):
            assert admin.get("/admin/help_centre/article/").status_code == 200


def test_agents_read_published_articles_over_the_api(shop, publish, django_assert_num_queries):
    orders = services.save_category(name_en="Orders")
    article = publish("Обмен", "Обмен за **день**.", category_id=orders.id)
    publish("Черновик", "Секрет.", published=False)
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    rows = client.get("/api/v1/help-articles/?language=ru").json()["results"]
    assert [(row["title"], row["category"], row["slug"]) for row in rows] == [("Обмен", "orders", "obmen")]
    assert rows[0]["url"].endswith("/help/ru/articles/obmen/") and "text" not in rows[0]
    assert client.get(f"/api/v1/help-articles/{article.id}/").json()["text"] == "Обмен за **день**."
    for number in (1, 2):
        publish(f"Ещё {number}", f"Текст {number}.")
        with django_assert_num_queries(4):
            client.get("/api/v1/help-articles/")
    assert shop.client().get("/api/v1/help-articles/").status_code == 401
