"""What the assistant did for customers and agents, and what is drawn from it."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from ai_assistant.models.settings import CustomAnswer, Tool
from omnisupport.lib.crypto import EncryptedJSONField


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
