"""Customers, and where they reach us."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.crypto import EncryptedJSONField
from omnisupport.lib.storage import random_name


class Company(models.Model):
    """Who several contacts work for. A new contact with an e-mail address of its `domain` belongs to it."""

    name = models.CharField(_("name"), max_length=200)
    domain = models.CharField(_("domain"), max_length=253, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    notes = models.TextField(_("notes"), blank=True, max_length=5000)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="company_name_unique"),
            models.UniqueConstraint(Lower("domain"), condition=~Q(domain=""), name="company_domain_unique"),
        ]

    def __str__(self) -> str:
        return self.name


def with_email(address: str) -> Q:
    """Contacts with this address in any case of letters; `iexact` would not find the index."""
    return ~Q(email="") & Q(Exact(Lower("email"), Lower(Value(address))))


class Contact(models.Model):
    """A customer. How they reach us is in `addresses`; one person may have several."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    company = models.ForeignKey(
        Company, verbose_name=_("company"), null=True, blank=True, on_delete=models.SET_NULL, related_name="contacts"
    )
    notes = models.TextField(_("notes"), blank=True, max_length=5000)
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
            models.Index(
                KeyTextTransform("external_id", "attributes"),
                name="contact_external",
                condition=Q(attributes__has_key="external_id"),
            ),
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
    # verified (true: the channel vouches for who writes), pages [{url, title, at}] that the visitor looked at, newest first.
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


class ContactLink(models.Model):
    """A page of the company's own system that a contact leads to; signed when it is followed (tickets/contact_links.py)."""

    name = models.CharField(_("name"), max_length=80)
    # With {contact_id}, {external_id}, {email}, {phone}, {name}.
    url = models.CharField(_("address"), max_length=500)
    # {secret}
    secrets = EncryptedJSONField(blank=True, default=dict, editable=False)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("link into your own system")
        verbose_name_plural = _("links into your own system")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ContactImport(models.Model):
    """A CSV file of contacts or companies, from its upload until its last row is in."""

    class Kind(models.TextChoices):
        CONTACTS = "contacts", _("Contacts")
        COMPANIES = "companies", _("Companies")

    class State(models.TextChoices):
        DRAFT = "draft", _("columns are being chosen")
        WAITING = "waiting", _("waits")
        RUNNING = "running", _("is being read")
        DONE = "done", _("done")

    kind = models.CharField(_("what"), max_length=9, choices=Kind, default=Kind.CONTACTS)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.DRAFT)
    file = models.FileField(upload_to=random_name, max_length=255)
    name = models.CharField(_("file"), max_length=255)
    # {encoding, delimiter, header [..], rows}
    shape = models.JSONField(default=dict)
    # By position of the column: name, email, phone, external_id, company, notes, or attribute:<key>; absent: left out.
    columns = models.JSONField(default=dict)
    done = models.PositiveIntegerField(default=0)
    made = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    # [{row, why}] of those that were refused.
    refused = models.JSONField(default=list)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["touched_at"], name="import_unfinished", condition=Q(state__in=["waiting", "running"]))
        ]

    def __str__(self) -> str:
        return self.name
