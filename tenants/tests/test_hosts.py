"""The host alone chooses the workspace."""

import pytest

from tenants.hosts import forget_hosts, host_name


@pytest.mark.parametrize("raw", ["Shop.Localhost", "shop.localhost:8000", "shop.localhost.", "SHOP.LOCALHOST.:80"])
def test_spellings_of_one_host(raw):
    assert host_name(raw) == "shop.localhost"


@pytest.mark.parametrize("host", ["nobody.localhost", "127.0.0.1", "evil.test", "shop.localhost.evil.test", "t_shop"])
def test_unknown_hosts_learn_nothing(shop, host):
    answer = shop.client().get("/accounts/login/", HTTP_HOST=host)
    assert answer.status_code in {400, 404}
    assert "shop" not in answer.content.decode().lower()


def test_forwarded_hosts_are_not_believed(shop, rival):
    client = shop.client(shop.agent)
    answer = client.get("/api/v1/tickets/", HTTP_X_FORWARDED_HOST=rival.host, HTTP_FORWARDED=f"host={rival.host}")
    assert answer.wsgi_request.tenant.schema_name == shop.schema


def test_a_switched_off_workspace_is_not_found(shop, _prepared):
    from tenants.models import Tenant

    Tenant.objects.filter(schema_name=shop.schema).update(is_active=False)
    forget_hosts()
    assert shop.client().get("/accounts/login/").status_code == 404
    forget_hosts()
