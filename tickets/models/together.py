"""Colleagues at one conversation: whom a note calls, and who follows what happens."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models.message import Message
from tickets.models.ticket import Team, Ticket


class Mention(models.Model):
    """A note calls this person, by name or (`team`) as a member of a team at that time."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="mentions")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="mention_once")]
        indexes = [
            models.Index(fields=["user", "ticket"], name="mention_of"),
            models.Index(fields=["user"], name="mention_unseen", condition=Q(seen_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.ticket}"


class TicketFollower(models.Model):
    """Is told of what happens in a conversation of somebody else."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="followers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("follower")
        verbose_name_plural = _("followers")
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["ticket", "user"], name="follows_once")]
        indexes = [models.Index(fields=["user", "ticket"], name="follower_of")]

    def __str__(self) -> str:
        return f"{self.user} {self.ticket}"


class ReadMark(models.Model):
    """How far a person has read a conversation: what came later stands below the “new” line, on each of their devices."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    message_id = models.BigIntegerField()

    class Meta:
        verbose_name = _("read mark")
        verbose_name_plural = _("read marks")
        constraints = [models.UniqueConstraint(fields=["ticket", "user"], name="read_once")]

    def __str__(self) -> str:
        return f"{self.user} {self.ticket}"
