"""One change of many conversations."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models.ticket import Ticket


class BulkChange(models.Model):
    """What is changed; its conversations are frozen in `items` when it begins."""

    class State(models.TextChoices):
        RUNNING = "running", _("being changed")
        DONE = "done", _("changed")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")

    # Made by whoever asks: a repeated request finds the same row.
    client_id = models.UUIDField(default=uuid.uuid4, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # Any of: assignee "<uuid>"|null · team <id>|null · status "<state key>" · priority <n> · add_tags [names] ·
    #   remove_tags [names] · snooze {until: "<time>"|null} · spam true · incident <id>|null · answer "<text>"
    changes = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    total = models.PositiveIntegerField(default=0)
    # Of each kind so far: of the change, and of its undoing.
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    undone = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    # The last sign of life of whoever works at it.
    touched_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("bulk change")
        verbose_name_plural = _("bulk changes")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["touched_at"], name="bulk_running", condition=Q(state__in=["running", "undoing"])),
            models.Index(fields=["user", "-id"], name="bulk_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.total}"

    @property
    def is_working(self) -> bool:
        return self.state in {self.State.RUNNING, self.State.UNDOING}

    @property
    def progress(self) -> int:
        """How many have been looked at."""
        return self.done + self.refused if self.state == self.State.RUNNING else self.undone + self.left

    @property
    def goal(self) -> int:
        return self.total if self.state == self.State.RUNNING else self.done


class BulkItem(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("changed")
        REFUSED = "refused", _("refused")
        UNDONE = "undone", _("undone")
        LEFT = "left", _("changed by somebody since")

    bulk = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="items", db_index=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    # By name of what was changed.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["bulk", "state", "id"], name="bulk_item_state")]
        constraints = [models.UniqueConstraint(fields=["bulk", "ticket"], name="once_in_a_bulk_change")]
