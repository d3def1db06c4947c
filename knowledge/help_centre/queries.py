"""What readers may see: published articles of live documents, in the reader's language or, where there is none, the other."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection
from django.db.models import Case, IntegerField, QuerySet, When
from django.urls import reverse

from knowledge.help_centre.models import Article, Category, HelpCentre, PublicAddress
from knowledge.models import Document
from tenants.hosts import page_link

# Changes with whatever a page of the help centre shows.
_STATE_SQL = """
SELECT concat(
  (SELECT md5(string_agg(concat_ws(' ', article.id, article.updated_at, document.updated_at), ',' ORDER BY article.id))
   FROM help_centre_article AS article JOIN knowledge_document AS document ON document.id = article.document_id), ' ',
  (SELECT md5(string_agg(concat_ws(' ', id, updated_at), ',' ORDER BY id)) FROM help_centre_category))
"""
_RELATED = 5


@dataclass
class Shelf:
    """A category with its articles; those without a category stand on the last one, which has none."""

    category: Category | None
    articles: list[Article] = field(default_factory=list)


def find_help_centre() -> HelpCentre:
    """As it was set up; switched off where nobody has."""
    return HelpCentre.objects.select_related("chat").filter(id=1).first() or HelpCentre()


def state_of_pages() -> str:
    with connection.cursor() as cursor:
        cursor.execute(_STATE_SQL)
        return str(cursor.fetchone()[0])


def published_articles() -> QuerySet[Article]:
    live = Article.objects.filter(is_published=True).exclude(document__state=Document.State.DELETING)
    return live.select_related("document", "category")


def shelves_in(language: str) -> list[Shelf]:
    """Categories that have something, in the admin's order."""
    shelves: dict[int | None, Shelf] = {}
    for article in sorted(articles_in(language), key=_place):
        shelves.setdefault(article.category_id, Shelf(article.category)).articles.append(article)
    return list(shelves.values())


def articles_in(language: str, category: Category | None = None) -> list[Article]:
    """One of each pair, in the admin's order."""
    in_language = Case(When(language=language, then=0), default=1, output_field=IntegerField())
    rows = published_articles().order_by("pair", in_language).distinct("pair")
    # Only now, for the two of a pair may stand in different categories.
    mine = [article for article in rows if category is None or article.category_id == category.id]
    return sorted(mine, key=lambda article: (article.position, article.id))


def find_article(slug: str) -> Article | None:
    return published_articles().filter(slug=slug).first()


def find_past_address(slug: str) -> PublicAddress | None:
    return PublicAddress.objects.select_related("article__document").filter(slug=slug).first()


def versions_of(article: Article) -> dict[str, Article]:
    """Language → the published article of the pair."""
    return {row.language: row for row in published_articles().filter(pair=article.pair)}


def related_to(article: Article, language: str) -> list[Article]:
    """Of the same category, those that stand nearest to it."""
    if article.category is None:
        return []
    others = articles_in(language, article.category)
    at = next((place for place, other in enumerate(others) if other.pair == article.pair), 0)
    near = sorted(range(len(others)), key=lambda place: abs(place - at))
    return [others[place] for place in near if others[place].pair != article.pair][:_RELATED]


def article_path(article: Article, language: str = "") -> str:
    return reverse("help_centre:article", args=[language or article.language, article.slug])


def public_links(document_ids: Collection[UUID]) -> dict[UUID, str]:
    """document id → the address of its public page, for those that have one."""
    if not document_ids or not HelpCentre.objects.filter(is_on=True).exists():
        return {}
    articles = list(published_articles().filter(document_id__in=document_ids))
    start = page_link("") if articles else ""
    return {article.document_id: start + article_path(article) for article in articles}


def _place(article: Article) -> tuple[bool, int, int]:
    category = article.category
    return (category is None, category.position if category else 0, category.id if category else 0)
