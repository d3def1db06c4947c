"""A conversation and what is said of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from tickets.models.contacts import Contact, ContactAddress


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


class CustomStatus(models.Model):
    """A workspace's own name for a state; `category` is what the product understands by it."""

    name = models.CharField(_("name"), max_length=60)
    category = models.CharField(_("means"), max_length=10, choices=Status)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("can be chosen"), default=True)

    class Meta:
        verbose_name = _("status")
        verbose_name_plural = _("statuses")
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="custom_status_name_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """What stands for it wherever a state is chosen, beside the values of Status."""
        return f"s{self.pk}"


class InboxSettings(models.Model):
    """One row at most."""

    # 0: whatever comes after a conversation was solved begins a new one.
    reopen_days = models.PositiveSmallIntegerField(
        _("days in which a customer's message reopens a solved conversation"),
        default=7,
        help_text=_("After them the conversation closes, and the next message begins a new one. 0: at once."),
    )

    class Meta:
        verbose_name = _("rules of the inbox")
        verbose_name_plural = _("rules of the inbox")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class Incident(models.Model):
    """One cause that many conversations are about; they can be answered all at once."""

    title = models.CharField(_("title"), max_length=200)
    is_open = models.BooleanField(_("open"), default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


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
    # The workspace's own name for `status`; its category always equals it.
    custom_status = models.ForeignKey(
        CustomStatus, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets"
    )
    # Out of sight until `wakes_at`; without it until the customer writes, which wakes it in any case.
    is_snoozed = models.BooleanField(default=False)
    wakes_at = models.DateTimeField(null=True, blank=True)
    is_spam = models.BooleanField(default=False)
    # Values of custom fields, by key.
    attributes = models.JSONField(default=dict, blank=True)
    incident = models.ForeignKey(
        Incident, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets", db_index=False
    )
    # Closed because it goes on there.
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged", db_index=False
    )
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
                fields=["status", "assignee", "team", "is_snoozed"],
                name="ticket_counts",
                condition=Q(status__in=["open", "waiting"]),
            ),
            # A view that asks for no state walks this one.
            models.Index(fields=["-last_activity_at", "-id"], name="ticket_by_activity"),
            # The other orders of what is live. Without them whoever has little open would wait for a walk over the archive.
            models.Index(
                fields=["waiting_since", "-id"], name="ticket_live_by_wait", condition=Q(status__in=["open", "waiting"])
            ),
            models.Index(
                fields=["-priority", "-last_activity_at", "-id"],
                name="ticket_live_by_priority",
                condition=Q(status__in=["open", "waiting"]),
            ),
            models.Index(
                fields=["-created_at", "-id"], name="ticket_live_by_age", condition=Q(status__in=["open", "waiting"])
            ),
            models.Index(fields=["contact", "-id"], name="ticket_by_contact"),
            models.Index(fields=["wakes_at"], name="ticket_wakes", condition=Q(is_snoozed=True)),
            models.Index(fields=["merged_into"], name="ticket_merged", condition=Q(merged_into__isnull=False)),
            models.Index(fields=["incident"], name="ticket_incident", condition=Q(incident__isnull=False)),
            models.Index(
                fields=["created_at"], name="ticket_created", include=["channel", "assignee", "first_reply_at"]
            ),
            models.Index(fields=["solved_at"], name="ticket_solved", condition=Q(solved_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    @property
    def state(self) -> str:
        """In words: the workspace's own name where it has one."""
        return self.custom_status.name if self.custom_status else self.get_status_display()

    @property
    def state_key(self) -> str:
        return self.custom_status.key if self.custom_status else self.status
