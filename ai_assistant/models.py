import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.crypto import EncryptedJSONField


class Assistant(models.Model):
    """The colleague that answers by itself. Being assigned a ticket is its only switch."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assistant")
    is_active = models.BooleanField(_("answers customers"), default=True)
    # The name of a file in ai_assistant/providers/.
    provider = models.CharField(_("model provider"), max_length=40, default="extractive")
    credentials = EncryptedJSONField(default=dict, blank=True)
    persona = models.TextField(_("who it is and how it speaks"), blank=True, max_length=2000)
    guidance = models.TextField(_("rules it must keep to"), blank=True, max_length=4000)
    max_turns = models.PositiveSmallIntegerField(_("answers in one conversation before a person is called"), default=12)

    class Meta:
        verbose_name = _("assistant")
        verbose_name_plural = _("assistants")

    def __str__(self) -> str:
        return str(self.user)


class Answer(models.Model):
    """The receipt: everything that made an answer, a refusal or a hand-over. Written whether or not it was sent."""

    class Outcome(models.TextChoices):
        WORKING = "working", _("in work")
        ANSWERED = "answered", _("answered")
        HANDED_OVER = "handed_over", _("handed over")
        DROPPED = "dropped", _("dropped: somebody was first")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ticket_id = models.BigIntegerField(_("ticket"))
    # The newest message of the customer that this turn answers: one answer for it, ever.
    question_message_id = models.BigIntegerField()
    message_id = models.BigIntegerField(null=True)
    question = models.TextField(_("question"), blank=True)
    query = models.TextField(blank=True)
    passages = models.JSONField(default=list)
    confidence = models.FloatField(null=True)
    provider = models.CharField(_("model provider"), max_length=40, blank=True)
    model = models.CharField(max_length=120, blank=True)
    prompt_version = models.CharField(max_length=20, blank=True)
    # As it left us: personal data already masked.
    prompt = models.TextField(blank=True)
    text = models.TextField(_("answer"), blank=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome, default=Outcome.WORKING)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    checks = models.JSONField(default=list)
    usage = models.JSONField(default=dict)
    timings = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # The lease of the process that has it in work.
    claimed_by = models.IntegerField(null=True)

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
        ]

    def __str__(self) -> str:
        return f"{self.outcome}: {self.question[:60]}"
