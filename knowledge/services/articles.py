"""Articles written in the product: documents whose file is their Markdown."""

from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from knowledge.help_centre.models import Article
from knowledge.models import Document
from knowledge.services.documents import content_digest, get_document, put_content, refuse_copy
from omnisupport.lib.errors import Conflict, InvalidInput
from tenants.accounts.models import User

MAX_CHARACTERS = 200_000
FILENAME = "article.md"


def write_article(title: str, text: str, *, user: User | None = None, document_id: UUID | None = None) -> Document:
    """A new article, or another text for one; its old version stays in the search until the new one is indexed.

    Raises InvalidInput, NotFound, Conflict (no article), Duplicate.
    """
    title, text = " ".join(title.split())[:300], text.replace("\r\n", "\n").strip()
    if not title or not text:
        raise InvalidInput(_("Give the article a title and a text."), field="text" if title else "title")
    if len(text) > MAX_CHARACTERS:
        sentence = _("An article is longer than %(limit)s characters. Split it into parts.")
        raise InvalidInput(sentence % {"limit": MAX_CHARACTERS}, field="text")
    content = ContentFile(text.encode())
    with transaction.atomic():
        if document_id is None:
            document = Document(origin=Document.Origin.ARTICLE, title_is_given=True, created_by=user)
        else:
            document = get_article(document_id, lock=True)
        digest = content_digest(content)
        refuse_copy(document, digest)
        document.title = title
        put_content(document, content, FILENAME, digest, user)
        Article.objects.filter(document=document).update(revised_at=timezone.now(), updated_at=timezone.now())
    return document


def article_text(document: Document) -> str:
    """Its Markdown as written."""
    with document.file.open("rb") as stream:
        return str(stream.read().decode())


def get_article(document_id: UUID, *, lock: bool = False) -> Document:
    """Raises NotFound, Conflict for a document that is no article."""
    document = get_document(document_id, lock=lock)
    if document.origin != Document.Origin.ARTICLE:
        raise Conflict(_("This document is not an article."))
    return document
