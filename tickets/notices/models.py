from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.events.models import Event
from tickets.models import Ticket


class Kind(models.TextChoices):
    """What people are told of."""

    NEW = "new", _("A new conversation that nobody has")
    HANDOVER = "handover", _("The assistant hands a conversation over")
    ASSIGNED = "assigned", _("A conversation is assigned to me")
    REPLY = "reply", _("A customer writes in a conversation that I have or follow")
    MENTION = "mention", _("A note calls me or my team")
    WOKE = "woke", _("A snoozed conversation of mine wakes")


class Way(models.TextChoices):
    APP = "app", _("In the list")
    SOUND = "sound", _("Sound")
    DESKTOP = "desktop", _("On the desktop")
    EMAIL = "email", _("By e-mail")


DEFAULTS: dict[str, list[str]] = {
    Kind.NEW: [Way.APP],
    Kind.HANDOVER: [Way.APP, Way.SOUND],
    Kind.ASSIGNED: [Way.APP, Way.SOUND, Way.DESKTOP, Way.EMAIL],
    Kind.REPLY: [Way.APP, Way.SOUND, Way.DESKTOP],
    Kind.MENTION: [Way.APP, Way.SOUND, Way.DESKTOP, Way.EMAIL],
    Kind.WOKE: [Way.APP, Way.DESKTOP],
}


class Notice(models.Model):
    """One person is told of one event. It counts as seen as soon as they have the conversation before their eyes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+")
    # Whether it stands in the list: some want a sound or a letter only.
    listed = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True)
    # When a letter tells of it, unless it is seen before; empty: never, or it has.
    mail_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        # A subscriber that runs twice tells once.
        constraints = [models.UniqueConstraint(fields=["event", "user"], name="notice_once")]
        indexes = [
            models.Index(fields=["user", "-id"], name="notice_list"),
            models.Index(fields=["user", "ticket"], name="notice_unseen", condition=Q(seen_at__isnull=True)),
            models.Index(fields=["mail_at"], name="notice_to_mail", condition=Q(mail_at__isnull=False)),
            models.Index(fields=["created_at"], name="notice_created"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}"


class PushSubscription(models.Model):
    """A browser that shows notices while no page is open (Web Push)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    endpoint = models.URLField(max_length=1000, unique=True)
    # The browser's public key and secret, base64url: what leaves is readable for this browser only.
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("push subscription")
        verbose_name_plural = _("push subscriptions")

    def __str__(self) -> str:
        return self.endpoint[:60]
