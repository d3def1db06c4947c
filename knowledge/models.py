import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from knowledge.errors import sentence_for
from omnisupport.lib.storage import random_name


class Document(models.Model):
    """A file or page of the knowledge base.

    `version` counts what was indexed: the chunks with this number are live. While a new version is being made, the old one
    stays in the search.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Waiting")
        READING = "reading", _("Reading")
        SPLITTING = "splitting", _("Splitting")
        INDEXING = "indexing", _("Indexing")
        READY = "ready", _("Ready")
        PARTLY_READY = "partly_ready", _("Partly ready")
        FAILED = "failed", _("Failed")
        # The row is the order to remove file and vectors; it disappears when they are gone.
        DELETING = "deleting", _("Being deleted")

    class Origin(models.TextChoices):
        UPLOAD = "upload", _("File")
        URL = "url", _("Web page")
        SITE = "site", _("Page of a site")
        ARTICLE = "article", _("Article")

    WORKING = (State.READING, State.SPLITTING, State.INDEXING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(_("title"), max_length=300)
    # Given by a person: the title that the file itself carries does not replace it.
    title_is_given = models.BooleanField(default=False)
    origin = models.CharField(_("origin"), max_length=8, choices=Origin, default=Origin.UPLOAD)
    url = models.URLField(_("address"), max_length=2000, blank=True)
    filename = models.CharField(_("file name"), max_length=255, blank=True)
    # A page given by its address has no file until it has been fetched.
    file = models.FileField(_("file"), upload_to=random_name, max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=8, blank=True)
    size = models.PositiveBigIntegerField(_("size"), default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    language = models.CharField(_("language"), max_length=5, blank=True)
    pages = models.PositiveIntegerField(_("pages"), null=True)
    chunk_count = models.PositiveIntegerField(_("chunks"), default=0)
    version = models.PositiveIntegerField(_("version"), default=0)
    # The space (knowledge.index) that has the live version with all that belongs there; empty: none has it yet.
    space = models.CharField(max_length=60, blank=True)

    state = models.CharField(_("state"), max_length=12, choices=State, default=State.UPLOADED)
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    error = models.CharField(max_length=30, blank=True)
    error_details = models.JSONField(default=dict, blank=True)
    # Who works on it: a new file, or another worker after a crash, takes the claim away.
    claim = models.UUIDField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    touched_at = models.DateTimeField(auto_now_add=True)
    # When the index was last seen to hold what it should; null: look soon.
    checked_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("added by"),
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            models.UniqueConstraint(
                fields=["sha256"], name="document_content_once", condition=~Q(state="deleting") & ~Q(sha256="")
            ),
            models.UniqueConstraint(
                fields=["url"], name="document_url_once", condition=~Q(state="deleting") & ~Q(url="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["touched_at"],
                name="document_unfinished",
                condition=~Q(state__in=["ready", "partly_ready", "failed"]),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def message(self) -> str:
        """The honest sentence to its state, in the reader's language; empty where there is nothing to say."""
        return sentence_for(self.error, self.error_details) if self.error else ""

    @property
    def is_working(self) -> bool:
        return self.state in (self.State.UPLOADED, *self.WORKING, self.State.DELETING)


class Chunk(models.Model):
    """A passage. PostgreSQL holds its text, the index only its vector."""

    document = models.ForeignKey(Document, verbose_name=_("document"), on_delete=models.CASCADE, related_name="chunks")
    version = models.PositiveIntegerField()
    number = models.PositiveIntegerField(_("number"))
    heading_path = models.TextField(_("section"), blank=True)
    text = models.TextField(_("text"))
    page = models.PositiveIntegerField(_("page"), null=True)
    anchor = models.CharField(_("anchor"), max_length=200, blank=True)
    tokens = models.PositiveIntegerField(_("tokens"))
    language = models.CharField(_("language"), max_length=5)
    content_hash = models.CharField(max_length=64)
    # Distinct stems, for document frequencies.
    terms: Any = ArrayField(models.TextField())

    class Meta:
        verbose_name = _("chunk")
        verbose_name_plural = _("chunks")
        constraints = [
            models.UniqueConstraint(fields=["document", "version", "number"], name="chunk_number_once"),
        ]
        # New entries are found in the index itself, not in a list beside it that every search would read.
        indexes = [GinIndex(fields=["terms"], name="chunk_terms", fastupdate=False)]

    def __str__(self) -> str:
        return f"{self.document_id} {self.number}"


class Space(models.Model):
    """A space of the index (knowledge.index) that a workspace uses: where it searches, what shall take its place, what goes."""

    class State(models.TextChoices):
        LIVE = "live", _("searched")
        FILLING = "filling", _("being filled")
        LEFT = "left", _("no longer used")

    name = models.CharField(max_length=60, unique=True)
    # Of its dense vectors; 0: words alone.
    dimensions = models.PositiveIntegerField(default=0)
    state = models.CharField(_("state"), max_length=8, choices=State)
    # The sentence that says what went wrong; empty after the next success.
    error = models.TextField(blank=True, default="")
    # Failures in a row.
    attempts = models.PositiveSmallIntegerField(default=0)
    # When a worker shall look at it, or may, because the one that had it is silent; null: there is nothing to do.
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state__in=["live", "filling"]), name="one_live_and_one_to_come"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Vector(models.Model):
    """What a provider made of a passage: the same text costs nothing again. It goes with its document, and with its space."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    # Floats of four bytes.
    numbers = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["space", "sha256"], name="vector_of_a_text_once")]


class Word(models.Model):
    """A spelling that stands in the documents, for the repair of typos.

    `shortened` are the word itself and it without one letter: two words that one typo parts have one of them in common.
    """

    text = models.CharField(max_length=64, primary_key=True)
    stem = models.CharField(max_length=64)
    shortened: Any = ArrayField(models.CharField(max_length=64))

    class Meta:
        indexes = [GinIndex(fields=["shortened"], name="word_shortened", fastupdate=False)]

    def __str__(self) -> str:
        return self.text


class Synonyms(models.Model):
    """Words and phrases that mean the same in this workspace: «ТТК = транспортная компания»."""

    phrases: Any = ArrayField(models.CharField(max_length=100), verbose_name=_("words"))
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("synonyms")
        verbose_name_plural = _("synonyms")
        ordering = ["id"]

    def __str__(self) -> str:
        return " = ".join(self.phrases)


class Source(models.Model):
    """A site, by its address or that of its sitemap, whose pages become documents and are read again every day."""

    class State(models.TextChoices):
        WAITING = "waiting", _("In the queue")
        RUNNING = "running", _("Reading")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    url = models.URLField(_("address"), max_length=2000, unique=True)
    max_pages = models.PositiveIntegerField(_("pages at most"), default=200)
    # Links from the first page; pages that a sitemap names are one link away.
    max_depth = models.PositiveSmallIntegerField(_("links deep"), default=3)
    # What the address turned out to be: only the pages named there are read.
    is_sitemap = models.BooleanField(default=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    run = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    error = models.CharField(max_length=30, blank=True)
    error_details = models.JSONField(default=dict, blank=True)
    claim = models.UUIDField(null=True, editable=False)
    touched_at = models.DateTimeField(auto_now_add=True)
    synced_at = models.DateTimeField(_("last read"), null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("added by"),
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")

    def __str__(self) -> str:
        return self.url

    @property
    def message(self) -> str:
        return sentence_for(self.error, self.error_details) if self.error else ""


class SourcePage(models.Model):
    """An address of a site: what the last visit brought, and the queue of the visit that runs (`run` of its source, FOUND)."""

    class State(models.TextChoices):
        FOUND = "found", _("In the queue")
        ADDED = "added", _("New")
        CHANGED = "changed", _("Changed")
        UNCHANGED = "same", _("Unchanged")
        SITEMAP = "sitemap", _("Sitemap")
        SKIPPED = "skipped", _("Left out")
        FAILED = "failed", _("Failed")
        GONE = "gone", _("No longer there")

    source = models.ForeignKey(Source, verbose_name=_("site"), on_delete=models.CASCADE, related_name="pages")
    url = models.URLField(_("address"), max_length=2000)
    depth = models.PositiveSmallIntegerField(default=0)
    run = models.PositiveIntegerField()
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.FOUND)
    error = models.CharField(max_length=30, blank=True)
    error_details = models.JSONField(default=dict, blank=True)
    # Of the text that a person sees: tokens and dates in the markup change with every visit.
    fingerprint = models.CharField(max_length=64, blank=True)
    # Visits in a row that did not find it.
    missed = models.PositiveSmallIntegerField(default=0)
    # Its document was deleted by a person: its links are followed, but it does not come back.
    is_excluded = models.BooleanField(default=False)
    document = models.ForeignKey(
        Document, verbose_name=_("document"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    visited_at = models.DateTimeField(_("last read"), null=True)

    class Meta:
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        constraints = [models.UniqueConstraint(fields=["source", "url"], name="source_page_once")]

    def __str__(self) -> str:
        return self.url

    @property
    def message(self) -> str:
        return sentence_for(self.error, self.error_details) if self.error else ""
