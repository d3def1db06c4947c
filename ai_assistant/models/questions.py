"""Test questions and what came of asking them."""

from django.conf import settings
from django.db import models
from django.db.models.functions import MD5
from django.utils.translation import gettext_lazy as _


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
