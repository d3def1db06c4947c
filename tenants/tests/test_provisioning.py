"""A workspace is made from a spare schema, from the dump when there is none, and never halfway."""

import pytest
from django.db import connection

from omnisupport.lib.errors import Conflict, InvalidInput
from tenants.db import tenant_context
from tenants.models import Domain, SpareSchema, Tenant
from tenants.names import PUBLIC, check_slug
from tenants.provisioning import create_workspace, keep_spares

OWNER = {"name": "Новая", "owner_email": "owner@new.example", "owner_password": "a long password"}


def _tables(schema: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        return {row[0] for row in cursor.fetchall()}


def test_a_spare_is_taken_and_equals_the_template(db, _prepared):
    keep_spares(1)
    spare = SpareSchema.objects.get()
    create_workspace(slug="from-spare", **OWNER)
    assert not SpareSchema.objects.filter(id=spare.id).exists()
    assert _tables("t_from_spare") == _tables("template0workspace")
    assert not _tables(spare.schema_name)


def test_without_a_spare_the_dump_is_replayed(db, _prepared):
    SpareSchema.objects.all().delete()
    create_workspace(slug="from-dump", **OWNER)
    assert _tables("t_from_dump") == _tables("template0workspace")


def test_a_taken_address_is_refused_and_nothing_is_half_made(db, _prepared):
    before = Tenant.objects.count(), Domain.objects.count(), SpareSchema.objects.count()
    with pytest.raises(Conflict):
        create_workspace(slug="shop", **OWNER)
    assert (Tenant.objects.count(), Domain.objects.count(), SpareSchema.objects.count()) == before


@pytest.mark.parametrize(
    "slug",
    ["", "ab", "a" * 41, "Shop", "shop_1", "1shop", "shop-", "sh--op", "магазин", 'x";drop', "pg_temp", "www", "admin",
     "public", "shop\n", "shop.evil", "information_schema"],
)  # fmt: skip
def test_hostile_addresses_are_refused(slug):
    with pytest.raises(InvalidInput):
        check_slug(slug)


def test_the_context_is_left_even_after_a_fault(shop):
    with pytest.raises(ZeroDivisionError), tenant_context(PUBLIC):
        raise ZeroDivisionError
    assert connection.schema_name == shop.schema
