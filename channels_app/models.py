import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from channels_app.kinds import adapter_class, kinds
from omnisupport.lib.crypto import EncryptedJSONField
from tickets.models import AssistantMode


class ChannelQuerySet(models.QuerySet["Channel"]):
    def mailboxes(self) -> "ChannelQuerySet":
        return self.filter(kind__in=[kind for kind in kinds() if adapter_class(kind).takes_letters])


class Channel(models.Model):
    """A place where customers write: one bot, one mailbox, one widget. Its id is the unguessable part of the webhook URL."""

    class Health(models.TextChoices):
        NEW = "new", _("not connected yet")
        OK = "ok", _("works")
        BROKEN = "broken", _("does not work")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The name of a folder in channels_app/; no choices here, so a new folder needs no migration.
    kind = models.CharField(_("kind"), max_length=20)
    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(_("active"), default=True)
    # Typed by the adapter's `Config` (public) and `Secrets` (encrypted, write-only).
    config = models.JSONField(_("settings"), default=dict, blank=True)
    secrets = EncryptedJSONField(_("secrets"), default=dict, blank=True)
    # The identity at the provider (bot id): one bot cannot feed two channels of a workspace.
    external_id = models.CharField(max_length=120, blank=True)
    first_assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("new conversations go to"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("The assistant, a person, or nobody."),
    )
    assistant_mode = models.CharField(
        _("what the assistant does here"), max_length=14, choices=AssistantMode, default=AssistantMode.ANSWER
    )
    health = models.CharField(_("state"), max_length=8, choices=Health, default=Health.NEW, editable=False)
    health_note = models.CharField(_("note"), max_length=500, blank=True, editable=False)
    health_at = models.DateTimeField(null=True, editable=False)
    last_inbound_at = models.DateTimeField(_("last message in"), null=True, editable=False)
    last_outbound_at = models.DateTimeField(_("last message out"), null=True, editable=False)
    # After a 429 the whole bot rests until then.
    paused_until = models.DateTimeField(null=True, editable=False)
    # What the provider holds compared with what we have: when, and {since, until, checked, missing, error}.
    reconciled_at = models.DateTimeField(null=True, editable=False)
    reconciliation = models.JSONField(default=dict, blank=True, editable=False)
    poll_state = models.JSONField(default=dict, blank=True, editable=False)
    templates_synced_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "external_id"], condition=~Q(external_id=""), name="channel_identity_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class InboundEvent(models.Model):
    """The inbound ledger: what a provider handed us, kept raw before anything is understood."""

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        DONE = "done", _("processed")
        IGNORED = "ignored", _("nothing for us")
        FAILED = "failed", _("failed")

    channel = models.ForeignKey(Channel, verbose_name=_("channel"), on_delete=models.CASCADE, related_name="inbound")
    # The provider's own key of the update (Telegram: update_id); the same one twice is one row.
    event_key = models.CharField(_("key of the event"), max_length=200)
    body = models.BinaryField()
    headers = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RECEIVED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("reason"), blank=True)
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)
    processed_at = models.DateTimeField(_("processed at"), null=True)

    class Meta:
        verbose_name = _("inbound event")
        verbose_name_plural = _("inbound events")
        constraints = [models.UniqueConstraint(fields=["channel", "event_key"], name="inbound_event_once")]
        indexes = [
            models.Index(fields=["channel", "id"], name="inbound_waiting", condition=Q(state="received")),
            models.Index(fields=["channel", "-received_at"], name="inbound_recent"),
            models.Index(fields=["-received_at"], name="inbound_failed", condition=Q(state="failed")),
        ]

    def __str__(self) -> str:
        return self.event_key


class MessageTemplate(models.Model):
    """A text that the provider has approved for sending outside the reply window; a copy of the provider's list."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="templates")
    external_id = models.CharField(max_length=120)
    name = models.CharField(_("name"), max_length=512)
    language = models.CharField(_("language"), max_length=16)
    status = models.CharField(_("state"), max_length=32)
    category = models.CharField(max_length=32, blank=True)
    header = models.TextField(blank=True)
    # Variables stand in it as {{name}}.
    body = models.TextField(_("text"))
    footer = models.TextField(blank=True)
    variables = models.JSONField(default=list)
    synced_at = models.DateTimeField()

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        ordering = ["name", "language"]
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="template_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"


class DeliveryAttempt(models.Model):
    """One try to send one message, with what the provider said."""

    message = models.ForeignKey("tickets.Message", on_delete=models.CASCADE, related_name="delivery_attempts")
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=10)  # sent, failed, retry, lost, uncertain
    error = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")
        ordering = ["id"]
