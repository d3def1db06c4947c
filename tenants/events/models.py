from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """One change that matters: timeline, audit trail, outbox and websocket sequence in one row."""

    # Assigned after commit, under a lock: whoever sees N has every smaller one. `id` alone does not promise that.
    seq = models.BigIntegerField(null=True, unique=True, editable=False)
    type = models.CharField(_("type"), max_length=40)
    ticket_id = models.BigIntegerField(_("ticket"), null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    payload = models.JSONField(_("details"), default=dict)
    created_at = models.DateTimeField(_("when"), auto_now_add=True)
    dispatched_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(fields=["ticket_id", "id"], name="event_ticket", condition=Q(ticket_id__isnull=False)),
            models.Index(fields=["type", "created_at"], name="event_type_created"),
            models.Index(fields=["id"], name="event_unsequenced", condition=Q(seq__isnull=True)),
            models.Index(fields=["created_at"], name="event_undispatched", condition=Q(dispatched_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.type} #{self.pk}"
