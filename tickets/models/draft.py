"""What an agent has begun to write."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tickets.models.message import MessageKind
from tickets.models.ticket import Ticket


class Draft(models.Model):
    """One reply and one note for each agent and conversation. It goes when it is sent, or emptied."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="drafts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=MessageKind, default=MessageKind.PUBLIC)
    text = models.TextField(blank=True)
    # What stands around the text: reply_to "<message id>" · quote "<its words>" · mentions "<u:… or t:…, with commas>" ·
    #   macro "<what the composer keeps of macros, JSON>" · files [{id, name, size}] (uploads that wait)
    content = models.JSONField(default=dict, blank=True)
    # Grows with each change, also over a deletion: whoever writes names the one that they have seen.
    version = models.BigIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [models.UniqueConstraint(fields=["user", "ticket", "kind"], name="one_draft_per_agent_and_kind")]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def shape(self) -> dict[str, Any]:
        """As the composer reads it."""
        return {"kind": self.kind, "text": self.text, "version": str(self.version), **self.content}
