"""The adapter of a channel, and what it is told of the channel."""

from channels_app.base import GENERATED, Adapter, ChannelInfo
from channels_app.kinds import adapter_class
from channels_app.models import Channel
from tenants.hosts import TenantInfo, primary_host
from tenants.names import current_schema, url_for_host


def generated_secret(kind: str) -> str:
    """The name of the secret that we make for channels of this kind; empty where the provider gives them all."""
    fields = adapter_class(kind).Secrets.model_fields.items()
    return next((name for name, info in fields if info.json_schema_extra == GENERATED), "")


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
