"""What is said in a conversation, on its way out, and files."""

import uuid

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.storage import random_name
from tickets.models.contacts import ContactAddress
from tickets.models.ticket import Ticket


class Author(models.TextChoices):
    CONTACT = "contact", _("Customer")
    AGENT = "agent", _("Agent")
    ASSISTANT = "assistant", _("Assistant")
    SYSTEM = "system", _("System")


class MessageKind(models.TextChoices):
    PUBLIC = "public", _("Message")
    NOTE = "note", _("Note")


class Delivery(models.TextChoices):
    """States of a message on its way to the customer; they only move forward (tickets/services/delivery.py)."""

    NONE = "none", _("not sent anywhere")
    QUEUED = "queued", _("waiting to be sent")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    READ = "read", _("read")
    FAILED = "failed", _("not sent")
    UNCERTAIN = "uncertain", _("perhaps sent")
    CANCELLED = "cancelled", _("taken back before it left")


class Message(models.Model):
    """One entry of a conversation. `id` is its order; clocks are only shown."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages")
    # Which chat it came from or goes to; with `external_id` unique there.
    address = models.ForeignKey(ContactAddress, on_delete=models.PROTECT, related_name="messages")
    # Made by whoever writes (browser, API, adapter): a repeated request finds the same row.
    client_id = models.UUIDField(default=uuid.uuid4, unique=True)
    external_id = models.CharField(max_length=255, blank=True)
    kind = models.CharField(max_length=8, choices=MessageKind, default=MessageKind.PUBLIC)
    author = models.CharField(max_length=10, choices=Author)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(blank=True)
    # What text cannot carry (drawn by templates/inbox/_content.html), any of:
    #   buttons [{text, value}] · citations [{n, title, section, page, quote, url}] · location {latitude, longitude, title?,
    #   address?} · contact {name, phone} · sticker "<emoji>" · quote "<words of the message replied to>" · forwarded_from
    #   "<name>" · group "<album>" · started "<payload of the link>" · unsupported "<kind>" · handoff "<reason>" ·
    #   template {name, language, variables} · html "<sanitised letter>" · subject "<of a letter>" · reactions ["<emoji>"] ·
    #   quoted "<what a letter repeats of earlier ones>" · unverified (true: the sender is perhaps another) · answers
    #   "<number of another person's conversation that a letter names>" · fingerprint "<of a letter: sender and words>" ·
    #   mentions [{user or team: "<id>", name}] of a note ·
    #   automatic (true: written by a machine) · blocked (true: came while its sender was blocked) ·
    #   referral {kind, title, url} of an advertisement ·
    #   ledger "<row of the inbound ledger it came in>" ·
    #   edits [{text, until}] and sent_parts ["<provider id>"] (by services)
    content = models.JSONField(default=dict, blank=True)
    reply_to = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    delivery = models.CharField(max_length=10, choices=Delivery, default=Delivery.NONE)
    delivery_error = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Not before then: a pause of the channel, or a moment to take it back.
    due_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    # The lease of the worker that has it (tenants/lease.py).
    claimed_by = models.IntegerField(null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(
                fields=["address", "external_id"], condition=~Q(external_id=""), name="message_external_unique"
            ),
            models.CheckConstraint(condition=~Q(kind="note") | Q(delivery="none"), name="notes_are_never_delivered"),
        ]
        indexes = [
            models.Index(fields=["ticket", "-id"], name="message_thread"),
            models.Index(fields=["created_at", "author"], name="message_created"),
            models.Index(fields=["due_at"], name="message_to_send", condition=Q(delivery="queued")),
            models.Index(fields=["claimed_at"], name="message_in_flight", condition=Q(delivery="sending")),
            models.Index(
                fields=["address", "id"], name="message_chat_queue", condition=Q(delivery__in=["queued", "sending"])
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_inbound(self) -> bool:
        return self.author == Author.CONTACT

    @property
    def album(self) -> tuple[int | None, str] | None:
        """What the customer sent as one album has the same."""
        group = self.content.get("group")
        return (self.address_id, group) if group and self.is_inbound else None


class MessageSearch(models.Model):
    """What a message is found by (tickets/words.py); the first one of a ticket also by its subject and contact. Not in
    the message itself: every step of its delivery would write all its words into the index again.
    """

    message = models.OneToOneField(Message, primary_key=True, on_delete=models.CASCADE, related_name="search")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+", db_index=False)
    words = SearchVectorField()

    class Meta:
        indexes = [
            GinIndex(fields=["words"], name="search_words", fastupdate=False),
            models.Index(fields=["ticket", "-message"], name="search_ticket"),
        ]


class ScheduledReply(models.Model):
    """A reply that waits for its hour; it becomes a message when it is sent, so that it stands where the customer gets it."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="scheduled")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    client_id = models.UUIDField(unique=True)
    text = models.TextField(blank=True)
    send_at = models.DateTimeField()
    # Taken back when the customer writes first.
    cancel_on_reply = models.BooleanField(default=False)
    # Why it could not be sent at its hour; it then waits for a person.
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("scheduled reply")
        verbose_name_plural = _("scheduled replies")
        ordering = ["send_at", "id"]
        indexes = [models.Index(fields=["send_at"], name="scheduled_due", condition=Q(error=""))]

    def __str__(self) -> str:
        return self.text[:60]


class Attachment(models.Model):
    class State(models.TextChoices):
        PENDING = "pending", _("being fetched")
        READY = "ready", _("ready")
        FAILED = "failed", _("could not be fetched")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Empty while an upload waits for its message.
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE, related_name="attachments")
    # Its reply waits for its hour.
    scheduled = models.ForeignKey(ScheduledReply, null=True, on_delete=models.SET_NULL, related_name="attachments")
    # Who uploaded it: only they may attach it (a user or an address).
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    uploaded_from = models.ForeignKey(ContactAddress, null=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, default="document")  # photo, document, voice, audio, video, sticker
    file = models.FileField(upload_to=random_name, blank=True, max_length=255)
    name = models.CharField(max_length=255, blank=True)
    mime = models.CharField(max_length=120, blank=True)
    size = models.BigIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State, default=State.READY)
    error = models.CharField(max_length=255, blank=True)
    # The provider's own reference, while the file is still with them; and theirs to reuse when sending again.
    remote = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["created_at"], name="attachment_pending", condition=Q(state="pending"))]

    def __str__(self) -> str:
        return self.name
