"""Names that carry the tenant: hosts, schemas, cache keys, locks, realtime groups. Nobody types a prefix by hand."""

import re

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from omnisupport.lib.errors import InvalidInput

PUBLIC = "public"
_SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
_RESERVED = {
    "admin", "api", "app", "assets", "billing", "blog", "cdn", "docs", "ftp", "hooks", "imap", "localhost", "mail", "metrics",
    "ns", "operator", "pop", "postgres", "public", "root", "smtp", "spare", "static", "status", "support", "system", "template",
    "test", "widget", "www", "ws",
}  # fmt: skip


class NoTenant(RuntimeError):
    """Code that belongs to a workspace was called outside one."""


def current_schema() -> str:
    """The schema of the workspace this code runs in. Raises NoTenant in `public`."""
    schema = str(getattr(connection, "schema_name", "") or PUBLIC)
    if schema == PUBLIC:
        raise NoTenant("This code needs a workspace; it was called in public.")
    return schema


def check_slug(slug: str) -> str:
    """The address of a workspace, 3 to 40 characters. Raises InvalidInput with what is wrong."""
    if not (3 <= len(slug) <= 40 and _SLUG.fullmatch(slug)):
        raise InvalidInput(
            _("Use 3 to 40 Latin lower-case letters, digits and single hyphens; begin with a letter."), field="slug"
        )
    if slug in _RESERVED:
        raise InvalidInput(_("The address “%(slug)s” is reserved. Choose another one.") % {"slug": slug}, field="slug")
    return slug


def schema_for(slug: str) -> str:
    return "t_" + slug.replace("-", "_")


def host_for(slug: str) -> str:
    return f"{slug}.{settings.BASE_DOMAIN}"


def url_for_host(host: str) -> str:
    """The address people open, without a trailing slash."""
    default = {"http": 80, "https": 443}[settings.PUBLIC_SCHEME]
    port = "" if default == settings.PUBLIC_PORT or settings.PRODUCTION else f":{settings.PUBLIC_PORT}"
    return f"{settings.PUBLIC_SCHEME}://{host}{port}"


def tenant_key(*parts: object, schema: str | None = None) -> str:
    """A key for Redis: `t:<schema>:<part>:<part>`."""
    return ":".join(["t", schema or current_schema(), *map(str, parts)])


def group_name(kind: str, id: object = "all", *, schema: str | None = None) -> str:
    """A realtime group: `<schema>.<kind>.<id>`."""
    return f"{schema or current_schema()}.{kind}.{id}"
