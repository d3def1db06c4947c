"""Identities at providers are claimed over all workspaces; the constraint decides between two that come at once."""

import hashlib
from uuid import UUID

from django.utils.translation import gettext as _

from omnisupport.lib.errors import Conflict
from tenants.models import ChannelClaim, Tenant
from tenants.names import current_schema


def _hash(external_id: str) -> str:
    return hashlib.sha256(external_id.encode()).hexdigest()


def claim_identity(kind: str, external_id: str, channel_id: UUID) -> None:
    """For a channel of the current workspace. Raises Conflict when another channel, here or elsewhere, has it."""
    tenant = Tenant.objects.get(schema_name=current_schema())
    wanted = ChannelClaim(kind=kind, identity=_hash(external_id), tenant=tenant, channel_id=channel_id)
    ChannelClaim.objects.bulk_create([wanted], ignore_conflicts=True)
    holder = ChannelClaim.objects.get(kind=kind, identity=wanted.identity)
    if holder.tenant_id != tenant.pk:
        raise Conflict(_("It is connected in another workspace. Disconnect it there first."), code="claimed_elsewhere")
    if holder.channel_id != channel_id:
        raise Conflict(_("It is connected to another channel of this workspace."), code="claimed_here")


def release_identity(kind: str, external_id: str, channel_id: UUID) -> None:
    """Free for everybody again, if this channel had it."""
    ChannelClaim.objects.filter(kind=kind, identity=_hash(external_id), channel_id=channel_id).delete()
