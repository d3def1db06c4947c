"""Host → tenant, for HTTP, websockets and webhooks alike, from a 60-second cache in each process."""

import threading
import time
from dataclasses import dataclass
from typing import TypeGuard
from uuid import UUID

from tenants.db import tenant_context
from tenants.models import Domain, Tenant
from tenants.names import PUBLIC, current_schema, host_for, url_for_host

TTL = 60.0
_MAX_ENTRIES = 10_000


@dataclass(frozen=True)
class TenantInfo:
    """What request code needs of a tenant; enough for django-tenants' `set_tenant`."""

    id: int
    schema_name: str
    uuid: UUID
    name: str
    slug: str
    language: str
    timezone: str
    is_active: bool
    primary_host: str

    @property
    def is_public(self) -> bool:
        return self.schema_name == PUBLIC

    def get_tenant_type(self) -> str:
        return "public" if self.is_public else "tenant"


_lock = threading.Lock()
_cache: dict[str, tuple[float, TenantInfo | None]] = {}
# schema of a workspace → until when that is believed
_schemas: dict[str, float] = {}
# schema → until when, and its primary host
_primary: dict[str, tuple[float, str]] = {}


def host_name(raw: str) -> str:
    """`Shop.Example.com.:8000` → `shop.example.com`."""
    return raw.rsplit("@", 1)[-1].split(":", 1)[0].strip().lower().removesuffix(".")


def cached_tenant(host: str) -> tuple[bool, TenantInfo | None]:
    """(known, tenant). Touches no database, so it may be called from the event loop."""
    hit = _cache.get(host)
    if hit is None or hit[0] < time.monotonic():
        return False, None
    return True, hit[1]


def find_tenant(host: str) -> TenantInfo | None:
    """The active tenant of a host name, or None. The connection must be in `public` or reach it by search_path."""
    known, tenant = cached_tenant(host)
    if known:
        return tenant
    tenant = _load(host)
    with _lock:
        if len(_cache) >= _MAX_ENTRIES:
            _cache.clear()
        _cache[host] = (time.monotonic() + TTL, tenant)
    return tenant


def _load(host: str) -> TenantInfo | None:
    domain = Domain.objects.select_related("tenant").filter(domain=host).first()
    if domain is None or not domain.tenant.is_active:
        return None
    tenant = domain.tenant
    primary = tenant.domains.filter(is_primary=True).values_list("domain", flat=True).first()
    return TenantInfo(
        id=tenant.pk,
        schema_name=tenant.schema_name,
        uuid=tenant.uuid,
        name=tenant.name,
        slug=tenant.slug,
        language=tenant.language,
        timezone=tenant.timezone,
        is_active=tenant.is_active,
        primary_host=primary or host,
    )


def is_workspace(schema: object) -> TypeGuard[str]:
    """A schema that is missing would let every query fall through to `public`, hence asked before it is entered."""
    if not isinstance(schema, str) or schema == PUBLIC:
        return False
    if _schemas.get(schema, 0) > time.monotonic():
        return True
    with tenant_context(PUBLIC):
        known = bool(Tenant.objects.filter(schema_name=schema).exists())
    if known:
        _schemas[schema] = time.monotonic() + TTL
    return known


def forget_hosts() -> None:
    """Called when a tenant or domain changes in this process; other processes follow within TTL."""
    with _lock:
        _cache.clear()
        _schemas.clear()
        _primary.clear()


def primary_host(schema: str) -> str:
    until, host = _primary.get(schema, (0.0, ""))
    if until < time.monotonic():
        named = Domain.objects.filter(tenant__schema_name=schema, is_primary=True)
        host = named.values_list("domain", flat=True).first() or host_for(schema.removeprefix("t_").replace("_", "-"))
        _primary[schema] = (time.monotonic() + TTL, host)
    return host


def page_link(path: str) -> str:
    """The whole address of a page of the current workspace."""
    return url_for_host(primary_host(current_schema())) + path
