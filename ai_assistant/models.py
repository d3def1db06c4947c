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


class Answer(models.Model):
    """The receipt: everything that made an answer, a refusal or a hand-over. Written whether or not it was sent."""

    class Outcome(models.TextChoices):
        WORKING = "working", _("in work")
        ANSWERED = "answered", _("answered")
        HANDED_OVER = "handed_over", _("handed over")
        ASKED = "asked", _("asked the customer something")
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
    # Calls of tools, with what is personal masked: tool, title, arguments, state, status, ms, message, result.
    tool_calls = models.JSONField(default=list)
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


class Confirmation(models.Model):
    """The customer was asked whether a tool shall change something. Answered once, and called at most once."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for the customer's word")
        CALLED = "called", _("the customer said yes")
        DECLINED = "declined", _("the customer said no, or something else")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="confirmation")
    tool = models.ForeignKey(Tool, on_delete=models.CASCADE, related_name="+")
    # Only while it waits.
    arguments = EncryptedJSONField(default=dict)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(auto_now_add=True)


class Aid(models.Model):
    """The receipt of something that a model did for the agents of a conversation. Customers see nothing of it."""

    class Kind(models.TextChoices):
        REWRITE = "rewrite", _("Rewritten draft")
        TRANSLATION = "translation", _("Translated message")
        REPLY_TRANSLATION = "reply", _("Translated draft")
        SUMMARY = "summary", _("Summary of the conversation")
        TRIAGE = "triage", _("Tags and priority")
        LEARNING = "learning", _("Learned answer")

    class Style(models.TextChoices):
        """How a draft is rewritten."""

        SHORTER = "shorter", _("shorter")
        KINDER = "kinder", _("kinder")
        FORMAL = "formal", _("more formal")
        CORRECT = "correct", _("without mistakes")

    class State(models.TextChoices):
        WORKING = "working", _("in work")
        DONE = "done", _("done")
        REFUSED = "refused", _("came to nothing")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ticket_id = models.BigIntegerField(_("ticket"))
    # The customer's message that was translated.
    message_id = models.BigIntegerField(null=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    # Of a rewritten draft.
    style = models.CharField(max_length=8, choices=Style, blank=True, default="")
    # In which the result is; empty: that of the text.
    language = models.CharField(max_length=2, blank=True, default="")
    # Null: it was done by itself.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(_("outcome"), max_length=10, choices=State, default=State.WORKING)
    # Personal data as they were.
    text = models.TextField(blank=True)
    # Of a triage: {tags: [name], accepted: [name], priority: number, null once it is accepted}.
    suggestion = models.JSONField(default=dict)
    # Why there is no result, for the agent.
    problem = models.CharField(max_length=500, blank=True)
    provider = models.CharField(_("model provider"), max_length=40, blank=True)
    model = models.CharField(max_length=120, blank=True)
    prompt_version = models.CharField(max_length=20, blank=True)
    # As it left us: personal data already masked.
    prompt = models.TextField(blank=True)
    checks = models.JSONField(default=list)
    # As in Answer.
    asked = models.JSONField(default=list)
    cost = models.DecimalField(_("cost, ₽"), max_digits=10, decimal_places=4, null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("help for an agent")
        verbose_name_plural = _("help for agents")
        indexes = [
            models.Index(fields=["-created_at"], name="aid_newest"),
            models.Index(fields=["ticket_id", "-created_at"], name="aid_of_ticket"),
        ]

    @property
    def tokens(self) -> int:
        return sum(call["tokens"] for call in self.asked)


class LearnedAnswer(models.Model):
    """What a person answered where the assistant could not, drawn from a solved conversation for an admin to approve."""

    class State(models.TextChoices):
        # Not looked at yet: the row is the queue.
        NEW = "new", _("waiting to be drawn up")
        PROPOSED = "proposed", _("to be decided")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    ticket_id = models.BigIntegerField()
    # The turn that people had to answer: it is learned from once.
    question_message_id = models.BigIntegerField(unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.NEW)
    question = models.TextField(_("question"), blank=True, max_length=500)
    # Of the question: what is like a row that is here already is not proposed.
    stems = ArrayField(models.TextField(), default=list)
    text = models.TextField(_("answer"), blank=True, max_length=4000)
    # The model's receipt; null: taken from the agent's words as they were.
    aid = models.ForeignKey(Aid, null=True, on_delete=models.SET_NULL, related_name="+")
    custom_answer = models.ForeignKey(CustomAnswer, null=True, on_delete=models.SET_NULL, related_name="+")
    document_id = models.UUIDField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("learned answer")
        verbose_name_plural = _("learned answers")
        indexes = [
            models.Index(fields=["-id"], name="learned_proposed", condition=models.Q(state="proposed")),
            models.Index(fields=["created_at"], name="learned_new", condition=models.Q(state="new")),
            GinIndex(fields=["stems"], name="learned_stems"),
        ]


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
    # Of settings that wait; once they are published it is the run of what is published.
    is_draft = models.BooleanField(default=False)
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
