"""Conversations that became one."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tickets.models.ticket import Ticket


class TicketMerge(models.Model):
    """What was moved from one conversation into another, and what it takes to move it back."""

    kept = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="merges")
    gone = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="+")
    message_ids = models.JSONField(default=list)
    scheduled_ids = models.JSONField(default=list)
    # Those that had been merged into `gone` before.
    merged_ids = models.JSONField(default=list)
    # {address id: the conversation it carried on before}.
    continued = models.JSONField(default=dict)
    tags_added = models.JSONField(default=list)
    # People who did not follow `kept` before, and drafts that moved there.
    followers_added = models.JSONField(default=list)
    draft_ids = models.JSONField(default=list)
    # What `gone` was, by field, and where `kept` was answered and what incident it was of.
    before = models.JSONField(default=dict)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("merge of conversations")
        verbose_name_plural = _("merges of conversations")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.gone} → {self.kept}"
