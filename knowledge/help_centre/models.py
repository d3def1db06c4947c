import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Language(models.TextChoices):
    RU = "ru", "Русский"
    EN = "en", "English"


class HelpCentre(models.Model):
    """How the workspace's public pages are: one row, and none until an admin has looked at them."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    is_on = models.BooleanField(_("open to everybody"), default=False)
    # Gives its colour to the pages, too.
    chat = models.ForeignKey(
        "channels_app.Channel",
        verbose_name=_("web chat"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        limit_choices_to={"kind": "widget", "is_active": True},
        help_text=_("Opened by “Contact us”; the pages have its colour."),
    )
    contacts = models.TextField(
        _("other ways to reach you"),
        blank=True,
        max_length=1000,
        help_text=_("Phone, e-mail, messengers: a line each. Addresses become links."),
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("help centre")
        verbose_name_plural = _("help centre")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="help_centre_once")]

    def __str__(self) -> str:
        return capfirst(str(self._meta.verbose_name))


class Category(models.Model):
    slug = models.SlugField(max_length=80, unique=True, editable=False)
    name_ru = models.CharField(_("name in Russian"), max_length=120, blank=True)
    name_en = models.CharField(_("name in English"), max_length=120, blank=True)
    position = models.PositiveSmallIntegerField(_("place"), default=0, help_text=_("Smaller numbers come first."))
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name_in(get_language() or "ru")

    def name_in(self, language: str) -> str:
        """In the other language where this one has none."""
        names = [self.name_ru, self.name_en] if language == Language.RU else [self.name_en, self.name_ru]
        return names[0] or names[1]


class Article(models.Model):
    """An article of the knowledge base as readers of the help centre see it. Its title and text are the document's."""

    document = models.OneToOneField(
        "knowledge.Document", verbose_name=_("article"), on_delete=models.CASCADE, related_name="article"
    )
    category = models.ForeignKey(
        Category,
        verbose_name=_("category"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="articles",
    )
    language = models.CharField(_("language"), max_length=2, choices=Language)
    # The same in both languages of one article.
    pair = models.UUIDField(default=uuid.uuid4, editable=False)
    slug = models.SlugField(
        _("address"),
        max_length=80,
        unique=True,
        help_text=_("Latin letters, digits and hyphens. The old address leads to the new one."),
    )
    position = models.PositiveSmallIntegerField(_("place"), default=0, help_text=_("Smaller numbers come first."))
    is_published = models.BooleanField(_("published"), default=False)
    published_at = models.DateTimeField(_("first published"), null=True, editable=False)
    # When its text was last changed, which its document's own date does not tell: that moves with every reading.
    revised_at = models.DateTimeField(_("text changed"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("article of the help centre")
        verbose_name_plural = _("articles of the help centre")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["pair", "language"], name="article_language_once")]

    def __str__(self) -> str:
        return self.document.title


class PublicAddress(models.Model):
    """Where an article has been public: whoever comes there is led to where it is now, or told that it is gone."""

    slug = models.SlugField(max_length=80, primary_key=True)
    article = models.ForeignKey(Article, null=True, on_delete=models.SET_NULL, related_name="public_addresses")

    def __str__(self) -> str:
        return self.slug


class Vote(models.Model):
    """What one reader says of one article; a second word replaces the first."""

    article = models.ForeignKey(Article, verbose_name=_("article"), on_delete=models.CASCADE, related_name="votes")
    # A digest of what the reader's cookie holds.
    reader = models.CharField(max_length=64)
    is_helpful = models.BooleanField(_("helpful"))
    comment = models.TextField(_("comment"), blank=True)
    updated_at = models.DateTimeField(_("when"), auto_now=True)

    class Meta:
        verbose_name = _("reader's word")
        verbose_name_plural = _("readers' words")
        constraints = [models.UniqueConstraint(fields=["article", "reader"], name="vote_once")]

    def __str__(self) -> str:
        return self.comment or str(self.article_id)


class MissedSearch(models.Model):
    """What readers looked for and the articles do not have, without personal data."""

    language = models.CharField(_("language"), max_length=2, choices=Language)
    text = models.CharField(_("searched for"), max_length=200)
    count = models.PositiveIntegerField(_("times"), default=1)
    last_at = models.DateTimeField(_("last time"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("search without a result")
        verbose_name_plural = _("searches without a result")
        constraints = [models.UniqueConstraint(fields=["language", "text"], name="missed_search_once")]

    def __str__(self) -> str:
        return self.text
