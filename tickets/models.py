import uuid

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.storage import random_name
from tickets.working_hours import WorkingHours as WorkingHours


class Team(models.Model):
    name = models.CharField(_("name"), max_length=80)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, verbose_name=_("members"), related_name="teams", blank=True
    )

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="team_name_unique")]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    name = models.CharField(_("name"), max_length=40)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_name_unique")]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """A customer. How they reach us is in `addresses`; one person may have several."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    is_blocked = models.BooleanField(_("blocked"), default=False)
    # This person turned out to be that one; kept for a day so that it can be undone.
    merged_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = [
            models.Index(Lower("email"), name="contact_email", condition=~Q(email="")),
            models.Index(fields=["phone"], name="contact_phone", condition=~Q(phone="")),
            models.Index(fields=["-created_at", "-id"], name="contact_newest"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.phone or str(_("Guest"))


class ContactMerge(models.Model):
    """Two contacts that became one, with what it takes to part them again."""

    kept = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="merges")
    gone = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="+")
    # The fields of `kept` that were filled from `gone`, and the attributes that were added.
    filled = models.JSONField(default=dict)
    address_ids = models.JSONField(default=list)
    ticket_ids = models.JSONField(default=list)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("merge of contacts")
        verbose_name_plural = _("merges of contacts")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.gone} → {self.kept}"


class ContactAddress(models.Model):
    """A contact's place in a channel: the chat id, e-mail address or visitor id. Messages of one address are in order."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="addresses")
    channel = models.ForeignKey("channels_app.Channel", on_delete=models.PROTECT, related_name="addresses")
    address = models.CharField(max_length=255)
    # The person's second id in the channel, where there is one (WhatsApp: number and business-scoped id).
    alias = models.CharField(max_length=255, blank=True)
    # What the adapter needs to answer there (topic, business connection) and what it learnt (user name); by services:
    # early {"<provider id>": {deleted, reaction}} of messages still to come, window_closed_at "<when the provider said so>",
    # verified (true: the channel vouches for who writes).
    details = models.JSONField(default=dict, blank=True)
    # The conversation that was carried on elsewhere: while it lives, what comes from here belongs to it.
    continues = models.ForeignKey("Ticket", null=True, on_delete=models.SET_NULL, related_name="+")
    unreachable_reason = models.CharField(max_length=255, blank=True)
    last_inbound_at = models.DateTimeField(null=True)
    # The newest of our messages that the customer has seen, where the channel tells.
    read_up_to = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("contact address")
        verbose_name_plural = _("contact addresses")
        constraints = [
            models.UniqueConstraint(fields=["channel", "address"], name="address_in_channel_unique"),
            models.UniqueConstraint(
                fields=["channel", "alias"], condition=~Q(alias=""), name="alias_in_channel_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def is_verified(self) -> bool:
        """Whether nobody else can write from it: messengers sign what they hand us; a letter's sender and a visitor's word on
        themselves prove nothing."""
        return self.details.get("verified") is True


class Status(models.TextChoices):
    OPEN = "open", _("Open")
    WAITING = "waiting", _("Waiting for customer")
    SOLVED = "solved", _("Solved")
    # Final: the next message of the customer begins a new ticket.
    CLOSED = "closed", _("Closed")


class Priority(models.IntegerChoices):
    LOW = 1, _("Low")
    NORMAL = 2, _("Normal")
    HIGH = 3, _("High")
    URGENT = 4, _("Urgent")


class HandoffReason(models.TextChoices):
    """Why the assistant gave a conversation to people."""

    ASKED = "asked", _("the customer asked for a person")
    NO_SOURCE = "no_source", _("no source in the documents")
    NOT_SURE = "not_sure", _("not sure of the answer")
    UNREAD_FILE = "unread_file", _("a file it cannot read")
    LIMIT = "limit", _("limit reached")
    BUDGET = "budget", _("the budget for the model is used up")
    ERROR = "error", _("error of the model")
    OFF = "off", _("the assistant is switched off")
    HOURS = "hours", _("people are there")
    TOPIC = "topic", _("a topic that is for people")
    TOOL = "tool", _("a tool could not be used")

    @classmethod
    def words(cls, code: str) -> str:
        """For people; a code of an older release stays as it is."""
        return str(cls(code).label) if code in cls.values else code


class AssistantMode(models.TextChoices):
    """What the assistant does in a channel whose new conversations go to it."""

    ANSWER = "answer", _("answers")
    OUTSIDE_HOURS = "outside_hours", _("answers outside working hours")
    ASK_FIRST = "ask_first", _("asks first: the assistant or a person")
    SUGGEST = "suggest", _("suggests replies to agents; writes nothing to customers")
    OFF = "off", _("does nothing")


class TicketNumber(models.Model):
    """One row: the last number given. Locked while a ticket is made, so numbers have no gaps and no doubles."""

    last = models.BigIntegerField(default=0)


class Ticket(models.Model):
    """A conversation with one contact, from its first message until it is closed. `address` is where they last wrote."""

    number = models.BigIntegerField(_("number"), unique=True, editable=False)
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), on_delete=models.PROTECT, related_name="tickets")
    address = models.ForeignKey(ContactAddress, on_delete=models.PROTECT, related_name="tickets")
    channel = models.ForeignKey(
        "channels_app.Channel", verbose_name=_("channel"), on_delete=models.PROTECT, related_name="tickets"
    )
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    # Where a channel has several conversations with one person (e-mail): which one it is; made of its first letter's id.
    thread = models.CharField(max_length=32, blank=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("assignee"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="tickets",
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets"
    )
    tags = models.ManyToManyField(Tag, verbose_name=_("tags"), related_name="tickets", blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_activity_at = models.DateTimeField(_("last activity"), auto_now_add=True)
    last_message = models.ForeignKey("Message", null=True, on_delete=models.SET_NULL, related_name="+")
    # Start of the customer's present wait for a person: the earliest unanswered message, or the hand-over.
    waiting_since = models.DateTimeField(null=True)
    # Facts for reports, written once by services; definitions stand in analytics/metrics.py.
    human_wait_from = models.DateTimeField(null=True)
    first_reply_at = models.DateTimeField(null=True)
    first_solved_at = models.DateTimeField(null=True)
    solved_at = models.DateTimeField(null=True)
    reopened_count = models.PositiveIntegerField(default=0)
    handed_over_at = models.DateTimeField(null=True)
    handoff_reason = models.CharField(max_length=40, blank=True)
    assistant_replied = models.BooleanField(default=False)
    human_replied = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            # The one open conversation of an address (and thread): two webhooks at once cannot make two tickets.
            models.UniqueConstraint(
                fields=["address", "thread"], condition=~Q(status="closed"), name="one_live_ticket_per_address"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-last_activity_at", "-id"], name="ticket_by_status"),
            models.Index(fields=["assignee", "status", "-last_activity_at", "-id"], name="ticket_by_assignee"),
            models.Index(
                fields=["-last_activity_at", "-id"], name="ticket_live", condition=Q(status__in=["open", "waiting"])
            ),
            models.Index(
                fields=["status", "assignee", "team"],
                name="ticket_counters",
                condition=Q(status__in=["open", "waiting"]),
            ),
            models.Index(fields=["contact", "-id"], name="ticket_by_contact"),
            models.Index(
                fields=["created_at"], name="ticket_created", include=["channel", "assignee", "first_reply_at"]
            ),
            models.Index(fields=["solved_at"], name="ticket_solved", condition=Q(solved_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    @property
    def is_live(self) -> bool:
        return self.status != Status.CLOSED


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
    #   automatic (true: written by a machine) · referral {kind, title, url} of an advertisement ·
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
