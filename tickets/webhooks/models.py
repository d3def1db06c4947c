import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.crypto import EncryptedJSONField


class WebhookEndpoint(models.Model):
    """An address of the customer's that hears of events. One try at a time; after a failure the whole endpoint rests."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=120, blank=True)
    url = models.URLField(_("address"), max_length=500)
    # {"secret": "…"}, shown once when it is made.
    secrets = EncryptedJSONField(default=dict, editable=False)
    events = models.JSONField(_("events"), default=list)
    is_active = models.BooleanField(_("active"), default=True)
    # Why it was switched off by itself.
    off_reason = models.CharField(_("switched off because"), max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    # Health: tries in a row that failed, since when, and until when the endpoint rests.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    rest_until = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=500, blank=True, editable=False)
    last_ms = models.PositiveIntegerField(_("milliseconds"), default=0, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.name or self.url


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint, with what was sent and what came back."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting to be sent")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("given up")

    endpoint = models.ForeignKey(
        WebhookEndpoint, verbose_name=_("webhook"), on_delete=models.CASCADE, related_name="deliveries"
    )
    # Empty for a test.
    event = models.ForeignKey("events.Event", null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    # The same on every try, and for every endpoint.
    event_key = models.CharField(_("event id"), max_length=60)
    event_type = models.CharField(_("event"), max_length=40)
    seq = models.BigIntegerField(null=True)
    body = models.TextField(_("request"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("next try"), null=True)
    last_status = models.PositiveSmallIntegerField(_("last status"), null=True)
    last_response = models.TextField(_("response"), blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    duration_ms = models.PositiveIntegerField(_("milliseconds"), null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [models.UniqueConstraint(fields=["endpoint", "event_key"], name="webhook_event_once")]
        indexes = [
            models.Index(fields=["endpoint", "due_at"], name="webhook_due", condition=Q(state="pending")),
            models.Index(fields=["endpoint", "-id"], name="webhook_newest"),
            models.Index(fields=["finished_at"], name="webhook_old", condition=Q(finished_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_key}"
