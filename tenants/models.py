import uuid

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin


class Tenant(TenantMixin):  # type: ignore[misc]  # django-tenants has no types
    """A workspace. Its data live in the schema `schema_name`; this row lives in `public`."""

    # Schemas come from the template (tenants/provisioning.py), never from a save.
    auto_create_schema = False
    auto_drop_schema = False

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    slug = models.CharField(_("address"), max_length=40, unique=True)
    language = models.CharField(_("language"), max_length=5, default="ru")
    timezone = models.CharField(_("time zone"), max_length=50, default="Europe/Moscow")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")
        constraints = [models.UniqueConstraint(Lower("schema_name"), name="tenant_schema_any_case_unique")]

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):  # type: ignore[misc]
    class Meta:
        verbose_name = _("host name")
        verbose_name_plural = _("host names")


class TemplateDump(models.Model):
    """The SQL that makes an empty workspace, dumped once per release from the template schema."""

    fingerprint = models.CharField(max_length=64, unique=True)
    sql = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)


class SpareSchema(models.Model):
    """An empty workspace made ahead; a new tenant takes one by renaming it."""

    schema_name = models.CharField(max_length=63, unique=True)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)


class ChannelClaim(models.Model):
    """Which workspace has a bot, a mailbox or a number: one cannot feed two, and nobody learns who has it."""

    kind = models.CharField(max_length=20)
    # SHA-256 of the identity at the provider.
    identity = models.CharField(max_length=64)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    channel_id = models.UUIDField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "identity"], name="channel_identity_once")]
