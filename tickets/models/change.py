"""What an agent does to a message that has left already."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models.message import Message


class MessageChange(models.Model):
    """New words for a sent message, or its removal, on the way to the customer. The message itself changes when the provider
    has done it, so that a thread always shows what the customer sees. Both may be asked for twice without harm."""

    class What(models.TextChoices):
        EDIT = "edit", _("new text")
        DELETE = "delete", _("deletion")

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        SENDING = "sending", _("on its way")
        DONE = "done", _("done")
        FAILED = "failed", _("not done")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="changes")
    what = models.CharField(max_length=6, choices=What)
    text = models.TextField(blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    error = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("change of a message")
        verbose_name_plural = _("changes of messages")
        constraints = [
            models.UniqueConstraint(
                fields=["message"], condition=~Q(state="done"), name="one_change_of_a_message_at_a_time"
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], name="change_to_do", condition=Q(state__in=["queued", "sending"])),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()}: {self.message}"
