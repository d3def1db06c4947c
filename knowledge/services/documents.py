"""Adding, replacing, deleting documents. Everything slow or outward (reading, fetching, vectors) is left to a worker."""

import hashlib
import zipfile
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from knowledge.errors import sentence_for
from knowledge.extract.detect import HEAD, kind_of_head, kind_of_parts
from knowledge.extract.errors import ExtractionError
from knowledge.models import Chunk, Document, SourcePage, Vector
from knowledge.services.spaces import forget_points
from omnisupport.lib.errors import Conflict, InvalidInput, NotFound, TooLarge, Unsupported
from omnisupport.lib.http import check_url
from tenants.accounts.models import User
from tenants.events.log import record

State = Document.State


class Duplicate(Conflict):
    """Another document, of this title, has the content or address already."""

    def __init__(self, sentence: str, title: str) -> None:
        super().__init__(sentence % {"title": title}, field="file")
        self.title = title


def add_document(file: File[Any], *, filename: str, user: User | None = None, title: str = "") -> tuple[Document, bool]:
    """Keeps an upload until a worker reads it. The same content is one document: then (the existing one, False).

    Raises TooLarge, Unsupported, InvalidInput (empty).
    """
    filename = check_upload(file, filename)
    digest = content_digest(file)
    existing = _live().filter(sha256=digest).first()
    if existing is not None:
        return _retry_if_failed(existing), False
    document = Document(
        title=(title.strip() or filename)[:300],
        title_is_given=bool(title.strip()),
        filename=filename,
        file=File(file, filename),
        size=file.size or 0,
        sha256=digest,
        created_by=user,
    )
    try:
        with transaction.atomic():
            document.save()
            _changed(document, user)
    except IntegrityError:  # the same file came twice at once
        remove_file(document.file.name)
        return _live().get(sha256=digest), False
    return document, True


def add_url(url: str, *, user: User | None = None, title: str = "") -> tuple[Document, bool]:
    """A page that a worker will fetch. A known address is fetched again: then (the existing one, False).

    Raises InvalidInput for an address that may not be fetched.
    """
    url = url.strip().split("#", 1)[0]
    if len(url) > 2000:
        raise InvalidInput(_("This address is too long."), field="url")
    check_url(url)
    document = Document(
        title=(title.strip() or url)[:300],
        title_is_given=bool(title.strip()),
        origin=Document.Origin.URL,
        url=url,
        created_by=user,
    )
    try:
        with transaction.atomic():
            document.save()
            _changed(document, user)
    except IntegrityError:
        return reindex_document(_live().get(url=url).id, user=user), False
    return document, True


def replace_document(document_id: UUID, file: File[Any], *, filename: str, user: User | None = None) -> Document:
    """New content for a document; the old version stays in the search until the new one is indexed.

    Raises NotFound, TooLarge, Unsupported, InvalidInput, Conflict (a page given by address; content of another document).
    """
    filename = check_upload(file, filename)
    digest = content_digest(file)
    with transaction.atomic():
        document = get_document(document_id, lock=True)
        if document.origin == Document.Origin.ARTICLE:
            raise Conflict(_("An article is changed by editing its text; it cannot be replaced by a file."))
        if document.origin != Document.Origin.UPLOAD:
            raise Conflict(_("A web page is fetched again with “Index again”; it cannot be replaced by a file."))
        refuse_copy(document, digest)
        if not document.title_is_given:
            document.title = filename[:300]
        put_content(document, file, filename, digest, user)
    return document


def add_page(url: str, body: bytes, *, filename: str) -> Document:
    """What a visit to a site brought. Raises Duplicate."""
    digest = hashlib.sha256(body).hexdigest()
    document = Document(title=url[:300], origin=Document.Origin.SITE, url=url)
    other = _live().filter(url=url).first()
    if other is not None:
        raise Duplicate(_("“%(title)s” is there already."), other.title)
    refuse_copy(document, digest)
    with transaction.atomic():
        put_content(document, ContentFile(body), filename, digest, None)
    return document


def renew_page(document_id: UUID, body: bytes, *, filename: str) -> None:
    """As replace_document, for a page of a site. Raises NotFound, Duplicate."""
    digest = hashlib.sha256(body).hexdigest()
    with transaction.atomic():
        document = get_document(document_id, lock=True)
        refuse_copy(document, digest)
        put_content(document, ContentFile(body), filename, digest, None)


def reindex_document(document_id: UUID, *, user: User | None = None) -> Document:
    """Reads (a page: fetches) and indexes anew. Raises NotFound."""
    with transaction.atomic():
        document = get_document(document_id, lock=True)
        _start_over(document, user)
    return document


def delete_document(document_id: UUID, *, user: User | None = None) -> None:
    """At once out of the search; a worker then removes vectors and file (`erase_document`). Raises NotFound."""
    with transaction.atomic():
        document = get_document(document_id, lock=True)
        Chunk.objects.filter(document=document).delete()
        Vector.objects.filter(document=document).delete()
        SourcePage.objects.filter(document=document).update(is_excluded=True, document=None)
        document.state, document.claim = State.DELETING, None
        document.touched_at = timezone.now()
        document.save()
        _changed(document, user)


def erase_document(document_id: UUID) -> bool:
    """The last step of a deletion: vectors, file, row. False when there is nothing to erase. Raises Unavailable."""
    document = Document.objects.filter(id=document_id, state=State.DELETING).first()
    if document is None:
        return False
    forget_points(document.id)
    remove_file(document.file.name)
    document.delete()
    return True


def get_document(document_id: UUID, *, lock: bool = False) -> Document:
    """Raises NotFound; a document that is being deleted is no longer there."""
    rows = _live().select_for_update(of=("self",)) if lock else _live()
    document = rows.filter(id=document_id).first()
    if document is None:
        raise NotFound(_("There is no such document."))
    return document


def check_upload(file: File[Any], filename: str) -> str:
    """The cleaned file name. Raises TooLarge, InvalidInput (empty), Unsupported."""
    name = "".join(c for c in filename.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable()).strip(" .")[-200:]
    name = name or "document"
    size = file.size or 0
    if size > settings.MAX_UPLOAD_BYTES:
        limit = settings.MAX_UPLOAD_BYTES // 1024 // 1024
        raise TooLarge(_("“%(name)s” is larger than %(limit)s MB.") % {"name": name, "limit": limit}, field="file")
    if not size:
        raise InvalidInput(_("“%(name)s” is empty.") % {"name": name}, code="empty", field="file")
    file.seek(0)
    try:
        if kind_of_head(file.read(HEAD), name) == "zip":
            _check_archive(file)
    except ExtractionError as error:
        # Damage is left to the reader, which looks closer; a foreign type is refused at the door.
        if error.code == "unsupported":
            raise Unsupported(sentence_for(error.code, error.details), field="file") from None
    file.seek(0)
    return name


def remove_file(name: str | None) -> None:
    """Nothing to do where a document never had a file."""
    if name:
        default_storage.delete(name)


def refuse_copy(document: Document, digest: str) -> None:
    """Raises Duplicate."""
    other = _live().filter(sha256=digest).exclude(id=document.id).first()
    if other is not None:
        raise Duplicate(_("“%(title)s” has the same content already."), other.title)


def put_content(document: Document, file: File[Any], filename: str, digest: str, user: User | None) -> None:
    """Inside a transaction: the old file goes when the new one is certain."""
    old_name = document.file.name
    document.filename, document.sha256, document.size = filename, digest, file.size or 0
    document.file.save(filename, File(file, filename), save=False)
    _start_over(document, user)
    transaction.on_commit(lambda: remove_file(old_name), robust=True)


def _check_archive(file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            kind_of_parts(set(archive.namelist()))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return


def content_digest(file: File[Any]) -> str:
    """SHA-256 in hex; the file stands at its beginning afterwards."""
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def _live() -> QuerySet[Document]:
    return Document.objects.exclude(state=State.DELETING)


def _retry_if_failed(document: Document) -> Document:
    return reindex_document(document.id) if document.state == State.FAILED else document


def _start_over(document: Document, user: User | None) -> None:
    document.state, document.claim, document.attempts = State.UPLOADED, None, 0
    document.error, document.error_details = "", {}
    document.done = document.total = 0
    document.touched_at = timezone.now()
    document.save()
    _changed(document, user)


def _changed(document: Document, user: User | None) -> None:
    record("document.changed", actor_id=user.id if user else None, payload=event_payload(document))


def event_payload(document: Document) -> dict[str, Any]:
    return {
        "document_id": str(document.id),
        "state": document.state,
        "done": document.done,
        "total": document.total,
    }
