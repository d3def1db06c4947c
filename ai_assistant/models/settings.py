"""What admins set up for the assistant."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.crypto import EncryptedJSONField
from omnisupport.lib.storage import random_name


class Tone(models.TextChoices):
    FORMAL = "formal", _("formal")
    FRIENDLY = "friendly", _("friendly")
    BRIEF = "brief", _("brief")


class Assistant(models.Model):
    """The colleague that answers by itself. Being assigned a ticket is its only switch."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assistant")
    is_active = models.BooleanField(_("answers customers"), default=True)
    # The name of a file in ai_assistant/providers/.
    provider = models.CharField(_("model provider"), max_length=40, default="extractive")
    credentials = EncryptedJSONField(default=dict, blank=True)
    persona = models.TextField(_("who it is and how it speaks"), blank=True, max_length=2000)
    guidance = models.TextField(_("rules it must keep to"), blank=True, max_length=4000)
    tone = models.CharField(_("tone"), max_length=8, choices=[("", _("unset")), *Tone.choices], blank=True, default="")
    language = models.CharField(
        _("language of its answers"), max_length=2, blank=True,
        choices=[("", _("the customer's")), ("ru", _("always Russian")), ("en", _("always English"))], default="",
    )  # fmt: skip
    # Empty: a short one in the customer's language.
    greeting = models.TextField(_("greeting"), blank=True, default="", max_length=500)
    max_turns = models.PositiveSmallIntegerField(_("answers in one conversation before a person is called"), default=12)
    # Asked where the first one fails before anything of its answer was shown.
    fallback_provider = models.CharField(_("second model"), max_length=40, blank=True, default="")
    fallback_credentials = EncryptedJSONField(default=dict, blank=True)
    # Roubles. Null: no limit, or the price that the installation has for the provider.
    monthly_limit = models.PositiveIntegerField(_("budget of a month, ₽"), null=True, blank=True)
    price = models.DecimalField(_("price of 1,000 tokens, ₽"), max_digits=8, decimal_places=4, null=True, blank=True)
    fallback_price = models.DecimalField(
        _("price of 1,000 tokens of the second model, ₽"), max_digits=8, decimal_places=4, null=True, blank=True
    )

    # 0 to 1, as a search says it; below it nothing was found.
    min_confidence = models.FloatField(_("how sure the search must be"), default=0.5)
    # Then a change that makes test questions worse waits for an admin (SettingsChange).
    holds_back = models.BooleanField(_("hold back changes that make test questions worse"), default=False)

    # A light model of the same provider puts the found passages in order; empty: the model that answers.
    reranks = models.BooleanField(_("a model puts the found passages in order"), default=False)
    rerank_model = models.CharField(_("model for the order"), max_length=100, blank=True, default="")
    rerank_price = models.DecimalField(
        _("price of 1,000 tokens of the order, ₽"), max_digits=8, decimal_places=4, null=True, blank=True
    )

    # Null: it comes back only where somebody gives it a conversation, or a new one begins.
    cooldown_minutes = models.PositiveIntegerField(
        _("minutes after a person's last word before it may come back"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("assistant")
        verbose_name_plural = _("assistants")

    def __str__(self) -> str:
        return str(self.user)


class SettingsChange(models.Model):
    """Settings that were saved. The row of Assistant is what is published: customers get nothing else. One change may wait."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits")
        PUBLISHED = "published", _("published")
        DISCARDED = "discarded", _("discarded")

    state = models.CharField(max_length=9, choices=State)
    # Field of Assistant → value; only while it waits.
    values = EncryptedJSONField(default=dict)
    # The names of what it changes.
    fields = models.JSONField(default=list)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    # Null: by itself, for its run was not worse. With a reason: published although it was.
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(_("why it is published all the same"), max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="waiting"), name="one_change_waits")
        ]


class EmbeddingModel(models.Model):
    """A provider's model that makes the vectors of a space (knowledge.models.Space), with the workspace's own keys for it."""

    space = models.CharField(max_length=60, unique=True)
    # Provider and model, for people.
    title = models.CharField(max_length=120)
    # The name of a file in ai_assistant/providers/.
    provider = models.CharField(max_length=40)
    credentials = EncryptedJSONField(default=dict, blank=True)
    # Roubles for 1,000 tokens; null: as the installation has it.
    price = models.DecimalField(max_digits=8, decimal_places=4, null=True)

    def __str__(self) -> str:
        return self.title


class ForbiddenTopic(models.Model):
    """What the assistant does not speak of."""

    name = models.CharField(_("name"), max_length=80)
    phrases = models.JSONField(_("phrases"), default=list)
    # Empty: a person is called.
    answer = models.TextField(_("what the customer reads"), blank=True, max_length=1000)

    class Meta:
        verbose_name = _("forbidden topic")
        verbose_name_plural = _("forbidden topics")

    def __str__(self) -> str:
        return self.name


class CustomAnswer(models.Model):
    """What people wrote for a fixed question; given word for word, before any document is looked at."""

    # The ways to ask it, as they were written, and their keys (ai_assistant/fixed_questions.py).
    questions = models.JSONField(default=list)
    keys = ArrayField(models.TextField(), default=list)
    text = models.TextField(_("answer"), max_length=4000)
    # Goes with it, where the channel takes files.
    file = models.FileField(_("file"), upload_to=random_name, blank=True, max_length=255)
    file_name = models.CharField(max_length=255, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)
    uses = models.PositiveIntegerField(_("given"), default=0)
    last_used_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("custom answer")
        verbose_name_plural = _("custom answers")
        indexes = [GinIndex(fields=["keys"], name="custom_answer_keys")]

    def __str__(self) -> str:
        return str(self.questions[0])[:60] if self.questions else ""


class Tool(models.Model):
    """A call to a service of the workspace that the assistant may make for a customer."""

    class Method(models.TextChoices):
        GET = "GET", "GET"
        POST = "POST", "POST"

    name = models.CharField(_("name for the model"), max_length=40, unique=True)
    # What people read: agents in receipts, customers above a result or a question whether to do it.
    title = models.CharField(_("name for people"), max_length=80)
    description = models.TextField(_("when the model should use it"), max_length=1000)
    method = models.CharField(_("method"), max_length=4, choices=Method, default=Method.GET)
    url = models.CharField(_("address"), max_length=500)
    headers = EncryptedJSONField(default=dict, blank=True)
    # tool_schema.Parameters as JSON.
    parameters = models.JSONField(_("parameters"), default=dict)
    # [{path, label}]: all of an answer that the model and the customer may see.
    fields = models.JSONField(_("what may be seen of the answer"), default=list)
    timeout = models.PositiveSmallIntegerField(_("seconds to wait"), default=5)
    needs_verified = models.BooleanField(_("only for a verified customer"), default=True)
    # Called only after the customer has said yes.
    changes_something = models.BooleanField(_("it changes something"), default=False)
    # Empty: a person is called.
    not_found_text = models.TextField(_("what is said when it finds nothing"), blank=True, max_length=500)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("tool")
        verbose_name_plural = _("tools")

    def __str__(self) -> str:
        return self.title


class MonthlySpending(models.Model):
    """What all calls of a month cost, those of test questions and the playground too."""

    month = models.DateField(primary_key=True)
    tokens = models.PositiveBigIntegerField(default=0)
    # Roubles; calls of a provider without a price add nothing.
    cost = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    # The share of the budget, in per cent, of which the admins were told.
    warned = models.PositiveSmallIntegerField(default=0)
