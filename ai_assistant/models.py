import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import MD5
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


class Answer(models.Model):
    """The receipt: everything that made an answer, a refusal or a hand-over. Written whether or not it was sent."""

    class Outcome(models.TextChoices):
        WORKING = "working", _("in work")
        ANSWERED = "answered", _("answered")
        HANDED_OVER = "handed_over", _("handed over")
        ASKED = "asked", _("asked who shall answer")
        SUGGESTED = "suggested", _("suggested to the agent")
        DROPPED = "dropped", _("dropped: somebody was first")

    class Draft(models.TextChoices):
        """What the agent made of a suggested reply."""

        INSERTED = "inserted", _("taken into the reply")
        DISCARDED = "discarded", _("discarded")

    class Wrong(models.TextChoices):
        """What people find wrong with an answer or a hand-over."""

        FACTS = "facts", _("what it says is not true")
        OUTDATED = "outdated", _("the document is out of date")
        BESIDE = "beside", _("it answers another question")
        MISSING = "missing", _("something important is missing")
        PERSON = "person", _("a person should have been called")
        NEEDLESS = "needless", _("a person was called needlessly")
        TONE = "tone", _("the tone or the language")
        OTHER = "other", _("something else")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ticket_id = models.BigIntegerField(_("ticket"))
    # The newest message of the customer that this turn answers: one answer for it, ever.
    question_message_id = models.BigIntegerField()
    message_id = models.BigIntegerField(null=True)
    question = models.TextField(_("question"), blank=True)
    query = models.TextField(blank=True)
    passages = models.JSONField(default=list)
    confidence = models.FloatField(null=True)
    # Where it came from no document.
    custom_answer = models.ForeignKey(CustomAnswer, null=True, on_delete=models.SET_NULL, related_name="+")
    provider = models.CharField(_("model provider"), max_length=40, blank=True)
    model = models.CharField(max_length=120, blank=True)
    prompt_version = models.CharField(max_length=20, blank=True)
    # As it left us: personal data already masked.
    prompt = models.TextField(blank=True)
    text = models.TextField(_("answer"), blank=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome, default=Outcome.WORKING)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    # Of a suggestion; empty: it still lies there.
    draft = models.CharField(_("suggestion"), max_length=10, choices=Draft, blank=True, default="")
    checks = models.JSONField(default=list)
    usage = models.JSONField(default=dict)
    # Whom we asked, in order: provider, what came of it, time, tokens, cost.
    asked = models.JSONField(default=list)
    # Roubles; null where a provider has no price.
    cost = models.DecimalField(_("cost, ₽"), max_digits=10, decimal_places=4, null=True)
    timings = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # The lease of the process that has it in work.
    claimed_by = models.IntegerField(null=True)
    # Empty: nobody has complained.
    wrong = models.CharField(_("what is wrong"), max_length=8, choices=Wrong, blank=True, default="")
    wrong_comment = models.TextField(_("what it should have been"), blank=True, default="", max_length=2000)
    wrong_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["question_message_id"], name="one_answer_per_turn"),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="answer_newest"),
            models.Index(fields=["ticket_id", "-created_at"], name="answer_of_ticket"),
            models.Index(fields=["created_at"], name="answer_working", condition=models.Q(outcome="working")),
            models.Index(fields=["-created_at"], name="answer_wrong", condition=~models.Q(wrong="")),
            models.Index(fields=["-created_at"], name="answer_no_source", condition=models.Q(reason="no_source")),
        ]

    def __str__(self) -> str:
        return f"{self.outcome}: {self.question[:60]}"


class MonthlySpending(models.Model):
    """What all calls of a month cost, those of test questions and the playground too."""

    month = models.DateField(primary_key=True)
    tokens = models.PositiveBigIntegerField(default=0)
    # Roubles; calls of a provider without a price add nothing.
    cost = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    # The share of the budget, in per cent, of which the admins were told.
    warned = models.PositiveSmallIntegerField(default=0)


class SavedQuestion(models.Model):
    """A question whose answer people know. It is asked again whenever documents, settings or the prompt change."""

    question = models.TextField(_("question"), max_length=4000)
    answerable = models.BooleanField(_("the documents answer it"), default=True)
    # Titles or addresses of documents, any of which will do.
    expected_sources = models.JSONField(default=list, blank=True)
    expected_answer = models.TextField(_("what has to be said"), blank=True, max_length=2000)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("test question")
        verbose_name_plural = _("test questions")
        constraints = [
            models.UniqueConstraint(
                MD5("question"),
                name="saved_question_once",
                violation_error_message=_("There is such a question already."),
            )
        ]

    def __str__(self) -> str:
        return self.question[:60]


class EvaluationRun(models.Model):
    """All saved questions asked once. At most one is at work; its results are the record of how far it got."""

    is_running = models.BooleanField(default=True)
    started_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # Null: by itself, after a change.
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    provider = models.CharField(max_length=40)
    # Of documents, settings and prompt: another one may answer otherwise.
    fingerprint = models.CharField(max_length=64)
    # evaluation.Summary as JSON.
    summary = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_running"], condition=models.Q(is_running=True), name="one_run_at_work")
        ]


class EvaluationResult(models.Model):
    """One question in one run: what evaluation.Verdict says, and the answer."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="results")
    question = models.ForeignKey(SavedQuestion, on_delete=models.CASCADE, related_name="results")
    # As in evaluation.Verdict; empty: as expected.
    failure = models.CharField(max_length=12, blank=True)
    handed_over = models.BooleanField()
    rank = models.PositiveSmallIntegerField(null=True)
    drafts = models.PositiveSmallIntegerField()
    passed_drafts = models.PositiveSmallIntegerField()
    ms = models.FloatField()
    tokens = models.PositiveIntegerField()
    text = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "question"], name="one_result_of_a_run")]
