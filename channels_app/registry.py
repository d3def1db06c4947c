"""Kinds are folders: whatever has an `adapter.py` beside this file is a kind. Nothing to register."""

import importlib
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from channels_app.base import GENERATED, Adapter, ChannelInfo
from channels_app.models import Channel
from omnisupport.lib.errors import NotFound
from tenants.hosts import TenantInfo, primary_host
from tenants.names import current_schema, url_for_host

_FOLDER = Path(__file__).parent


@cache
def kinds() -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in _FOLDER.glob("*/adapter.py")))


@cache
def adapter_class(kind: str) -> type[Adapter]:
    """Raises NotFound for a name that is no folder here."""
    if kind not in kinds():
        raise NotFound(_("There is no channel kind “%(kind)s”.") % {"kind": kind})
    module = importlib.import_module(f"channels_app.{kind}.adapter")
    adapter: type[Adapter] = module.Adapter
    return adapter


def generated_secret(kind: str) -> str:
    """The name of the secret that we make for channels of this kind; empty where the provider gives them all."""
    fields = adapter_class(kind).Secrets.model_fields.items()
    return next((name for name, info in fields if info.json_schema_extra == GENERATED), "")


def kind_choices() -> list[tuple[str, Any]]:
    return [(kind, adapter_class(kind).title) for kind in kinds()]


def channel_info(channel: Channel, tenant: TenantInfo | None = None) -> ChannelInfo:
    schema = tenant.schema_name if tenant else current_schema()
    host = tenant.primary_host if tenant else primary_host(schema)
    return ChannelInfo(
        id=channel.id,
        schema=schema,
        kind=channel.kind,
        config=channel.config,
        secrets=channel.secrets,
        webhook_url=f"{url_for_host(host)}/hooks/{channel.kind}/{channel.id}/",
    )


def adapter_for(channel: Channel) -> Adapter:
    return adapter_class(channel.kind)(channel_info(channel))
