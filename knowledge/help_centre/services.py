"""What admins do with the help centre: its switch, categories, articles and their addresses."""

import re
import uuid
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from knowledge.help_centre.models import Article, Category, HelpCentre, Language, PublicAddress
from knowledge.models import Document
from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from omnisupport.lib.slugs import slug_of
from tenants.accounts.models import User
from tenants.events.log import record

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
# Addresses are looked for one after the other only as long as titles repeat.
_MOST_NAMESAKES = 200


def save_help_centre(*, is_on: bool, chat_id: UUID | None = None, contacts: str = "") -> HelpCentre:
    fields = {"is_on": is_on, "chat_id": chat_id, "contacts": contacts.strip()}
    centre, _is_new = HelpCentre.objects.update_or_create(id=1, defaults=fields)
    return centre


def save_category(
    category_id: int | None = None, *, name_ru: str = "", name_en: str = "", position: int = 0
) -> Category:
    """Its address is made once, of its first name, and stays. Raises InvalidInput, NotFound."""
    name_ru, name_en = name_ru.strip(), name_en.strip()
    check_names(name_ru, name_en)
    with transaction.atomic():
        category = (
            Category() if category_id is None else Category.objects.select_for_update().filter(id=category_id).first()
        )
        if category is None:
            raise NotFound(_("There is no such category."))
        category.name_ru, category.name_en, category.position = name_ru, name_en, position
        if not category.slug:
            taken = set(Category.objects.values_list("slug", flat=True))
            category.slug = _free_slug(slug_of(name_en or name_ru) or "category", taken)
        category.save()
    return category


def check_names(name_ru: str, name_en: str) -> None:
    """Raises InvalidInput."""
    if not name_ru.strip() and not name_en.strip():
        raise InvalidInput(_("Give the category a name in one language at least."), field="name_ru")


def save_article(
    article_id: int | None = None,
    *,
    document_id: UUID,
    language: str,
    category_id: int | None = None,
    translation_id: int | None = None,
    slug: str = "",
    position: int = 0,
) -> Article:
    """A draft of a document of the knowledge base, or other settings for what is there; nothing is published by it.

    Raises NotFound, InvalidInput, Conflict (no article; its language or its address is taken).
    """
    with transaction.atomic():
        article = _article_to_write(article_id, document_id)
        article.language, article.category_id, article.position = Language(language), category_id, position
        article.pair = _pair_of(article, translation_id)
        wanted = slug.strip().lower()
        if wanted and wanted != article.slug:
            _check_slug(wanted, article)
            article.slug = wanted
        elif not article.slug:
            article.slug = _free_slug(slug_of(article.document.title) or "article", _taken_slugs(article))
        article.save()
        if article.is_published:
            _note_address(article)
    return article


def publish_article(article_id: int, *, user: User | None = None) -> Article:
    """Raises NotFound."""
    with transaction.atomic():
        article = get_article(article_id, lock=True)
        article.is_published = True
        article.published_at = article.published_at or timezone.now()
        article.save()
        _note_address(article)
        _record("article.published", article, user)
    return article


def unpublish_article(article_id: int, *, user: User | None = None) -> Article:
    """Its address tells readers that it is gone. Raises NotFound."""
    with transaction.atomic():
        article = get_article(article_id, lock=True)
        article.is_published = False
        article.save()
        _record("article.unpublished", article, user)
    return article


def get_article(article_id: int, *, lock: bool = False) -> Article:
    """Raises NotFound; one whose document is being deleted is no longer there."""
    rows = Article.objects.select_related("document").exclude(document__state=Document.State.DELETING)
    article = (rows.select_for_update(of=("self",)) if lock else rows).filter(id=article_id).first()
    if article is None:
        raise NotFound(_("There is no such article."))
    return article


def _article_to_write(article_id: int | None, document_id: UUID) -> Article:
    if article_id is not None:
        return get_article(article_id, lock=True)
    document = Document.objects.exclude(state=Document.State.DELETING).filter(id=document_id).first()
    if document is None:
        raise NotFound(_("There is no such document."))
    if document.origin != Document.Origin.ARTICLE:
        raise Conflict(_("This document is not an article."), field="document")
    if Article.objects.filter(document=document).exists():
        raise Conflict(_("This article is in the help centre already."), field="document")
    return Article(document=document)


def _pair_of(article: Article, translation_id: int | None) -> UUID:
    """That of its translation; one of its own where it has none."""
    others = Article.objects.exclude(id=article.id)
    if translation_id is None:
        return uuid.uuid4() if others.filter(pair=article.pair).exists() else article.pair
    translation = others.filter(id=translation_id).first()
    if translation is None:
        raise NotFound(_("There is no such article."))
    if others.filter(pair=translation.pair, language=article.language).exists():
        raise Conflict(_("This article has a version in this language already."), field="translation")
    return translation.pair


def _check_slug(slug: str, article: Article) -> None:
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(_("Use up to 80 Latin letters, digits and hyphens."), field="slug")
    if _taken_slugs(article, slug):
        raise Conflict(_("Another article has or had this address."), field="slug")


def _taken_slugs(article: Article, slug: str = "") -> set[str]:
    """Of other articles, and where others have been; what nobody has any longer may be taken again."""
    named = Q(slug=slug) if slug else Q()
    articles = Article.objects.filter(named).exclude(id=article.id).values_list("slug", flat=True)
    addresses = PublicAddress.objects.filter(named).exclude(article=None).exclude(article_id=article.id)
    return {*articles, *addresses.values_list("slug", flat=True)}


def _free_slug(slug: str, taken: set[str]) -> str:
    if slug not in taken:
        return slug
    numbered = (f"{slug[:72]}-{number}" for number in range(2, _MOST_NAMESAKES))
    return next((name for name in numbered if name not in taken), f"{slug[:40]}-{uuid.uuid4().hex[:12]}")


def _note_address(article: Article) -> None:
    PublicAddress.objects.update_or_create(slug=article.slug, defaults={"article": article})


def _record(event: str, article: Article, user: User | None) -> None:
    payload = {"article_id": str(article.id), "document_id": str(article.document_id)}
    record(event, actor_id=user.id if user else None, payload=payload)
