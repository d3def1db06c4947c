"""TENANT_LIMIT_SET_CALLS trusts a cached search_path; with the pool that is only right while no connection comes back with
another one. Two tenants, sixteen threads, a pool of four, thousands of reads."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from tenants.accounts.models import User
from tenants.db import tenant_context


def test_no_thread_ever_reads_another_workspace(live_shop, live_rival):
    owners = {w.schema: w.owner.email for w in (live_shop, live_rival)}

    def read(index: int) -> list[tuple[str, str]]:
        schemas = sorted(owners) if index % 2 else sorted(owners, reverse=True)
        seen = []
        for turn in range(100):
            schema = schemas[turn % 2]
            with tenant_context(schema):
                seen.append((schema, User.objects.get(role="owner").email))
            if turn % 3 == index % 3:
                connection.close()
        connection.close()
        return seen

    with ThreadPoolExecutor(16) as pool:
        results = [pair for pairs in pool.map(read, range(32)) for pair in pairs]
    assert len(results) == 3200
    assert [pair for pair in results if owners[pair[0]] != pair[1]] == []
