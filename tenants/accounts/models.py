import uuid
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Administrator")
    AGENT = "agent", _("Agent")
    # A colleague without a password: tickets are assigned to it like to anybody.
    ASSISTANT = "assistant", _("Assistant")
    # Lives in the public schema only.
    OPERATOR = "operator", _("Operator")


class Access(models.TextChoices):
    """Which conversations an agent may see; admins see all."""

    ALL = "all", _("all conversations")
    TEAMS = "teams", _("those of their teams, and nobody's")
    OWN = "own", _("their own only")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def people(self) -> "models.QuerySet[User]":
        """Those who can log in: everybody but the assistant."""
        return self.exclude(role=Role.ASSISTANT)


class User(AbstractBaseUser):
    """A member of staff. In a tenant's schema: owner, admins, agents, the assistant; in `public`: operators."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    role = models.CharField(_("role"), max_length=12, choices=Role, default=Role.AGENT)
    language = models.CharField(
        _("language"), max_length=5, choices=[("ru", "Русский"), ("en", "English")], default="ru"
    )
    timezone = models.CharField(_("time zone"), max_length=50, blank=True)
    # How long a reply waits before it leaves, so that it can be taken back; 0: it leaves at once.
    undo_seconds = models.PositiveSmallIntegerField(
        _("time to take a reply back"),
        default=0,
        choices=[(0, _("none")), (5, _("5 seconds")), (10, _("10 seconds")), (20, _("20 seconds"))],
    )
    access = models.CharField(_("sees"), max_length=8, choices=Access, default=Access.ALL)
    # Without it phones and e-mail addresses are masked; showing one is written to the log.
    sees_contact_details = models.BooleanField(_("sees phones and e-mail addresses"), default=True)
    # Set by hand; online and offline follow from the open screens.
    is_away = models.BooleanField(_("away"), default=False)
    # How many open conversations are given to them automatically; null: any number.
    capacity = models.PositiveSmallIntegerField(_("capacity"), null=True, blank=True)
    is_compact = models.BooleanField(_("compact rows"), default=False)
    # What they are told of and how: {event: ["app", "sound", "desktop", "email"]}; an absent event has the defaults of notices.
    notices = models.JSONField(_("notices"), default=dict, blank=True)
    # Keys of the inbox that they have chosen: {command of tickets/inbox/keys.py: key}.
    keys = models.JSONField(_("keys"), default=dict, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), auto_now_add=True)

    objects = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case_unique")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_admin(self) -> bool:
        return self.is_active and self.role in {Role.OWNER, Role.ADMIN, Role.OPERATOR}

    @property
    def is_agent(self) -> bool:
        """May work in the inbox."""
        return self.is_active and self.role in {Role.OWNER, Role.ADMIN, Role.AGENT}

    @property
    def is_assistant(self) -> bool:
        return self.role == Role.ASSISTANT

    # What Django admin asks. Roles are the whole permission model; there are no per-model grants.
    @property
    def is_staff(self) -> bool:
        return self.is_admin

    @property
    def is_superuser(self) -> bool:
        return self.is_admin

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_admin

    def has_perms(self, perm_list: list[str], obj: object = None) -> bool:
        return self.is_admin

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_admin

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]


class RefreshFamily(models.Model):
    """One login through the API. Reuse of a spent refresh token revokes the whole family."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_families")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)


class SpentRefreshToken(models.Model):
    """The primary key decides which of several parallel refreshes wins."""

    jti = models.CharField(max_length=64, primary_key=True)
    family = models.ForeignKey(RefreshFamily, on_delete=models.CASCADE, related_name="spent")
    expires_at = models.DateTimeField(db_index=True)
