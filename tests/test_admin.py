"""The two admins: workspaces on the platform host, settings on a workspace's host; neither shows the other's things."""

import re

import pytest
from django.conf import settings
from django.contrib.admin.sites import AdminSite
from django.urls import reverse

from tenants.accounts.models import Role, User
from tenants.admin_sites import platform_admin, tenant_admin
from tenants.db import tenant_context
from tenants.models import Tenant
from tenants.names import PUBLIC
from tests.cast import PASSWORD, HostClient

PUBLIC_URLS = settings.PUBLIC_SCHEMA_URLCONF


@pytest.fixture
def operator(db, _prepared):
    with tenant_context(PUBLIC):
        yield User.objects.create_user("operator@example.com", PASSWORD, name="Operator", role=Role.OPERATOR)


@pytest.fixture
def platform(operator):
    client = HostClient(HTTP_HOST=settings.BASE_DOMAIN, HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(operator)
    return client


def _lists(site: AdminSite, urlconf: str) -> list[str]:
    return [
        reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist", urlconf=urlconf) for m in site._registry
    ]


def test_an_operator_makes_a_workspace(platform):
    answer = platform.post(
        "/admin/tenants/tenant/add/",
        {"name": "Bakery", "slug": "bakery", "language": "en", "timezone": "UTC", "owner_email": "o@bakery.example",
         "owner_name": "Olga", "owner_password": "a long password"},
    )  # fmt: skip
    assert answer.status_code == 302, answer.content.decode()
    tenant = Tenant.objects.get(slug="bakery")
    with tenant_context(tenant.schema_name):
        assert User.objects.get().role == Role.OWNER


@pytest.mark.parametrize("slug", ["www", "pg_catalog", "a", "shop", "Б"])
def test_hostile_and_taken_addresses_come_back_with_a_reason(platform, slug):
    answer = platform.post(
        "/admin/tenants/tenant/add/",
        {
            "name": "X",
            "slug": slug,
            "language": "en",
            "timezone": "UTC",
            "owner_email": "o@x.example",
            "owner_password": "a long password",
        },
    )
    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()


def test_every_list_of_the_platform_admin_opens(platform):
    for url in _lists(platform_admin, PUBLIC_URLS):
        assert platform.get(url).status_code == 200, url


def test_every_list_of_the_workspace_admin_opens_for_its_admin_only(shop):
    shop.customer_writes()
    urls = _lists(tenant_admin, settings.ROOT_URLCONF)
    admin, agent = shop.client(shop.admin), shop.client(shop.agent)
    for url in urls:
        assert admin.get(url).status_code == 200, url
        assert agent.get(url).status_code == 302, url


def test_workspaces_are_not_in_a_workspaces_admin(shop):
    assert Tenant not in tenant_admin._registry
    assert shop.client(shop.admin).get("/admin/tenants/tenant/").status_code == 404


def test_an_admin_cannot_make_an_owner_or_touch_one(shop):
    client = shop.client(shop.admin)
    form = {
        "email": "new@example.com",
        "name": "New",
        "role": "owner",
        "language": "ru",
        "is_active": "on",
        "password": "a long password",
    }
    assert client.post("/admin/accounts/user/add/", form).status_code == 400
    assert not User.objects.filter(email="new@example.com").exists()
    client.post(f"/admin/accounts/user/{shop.owner.id}/change/", {**form, "email": "stolen@example.com"})
    shop.owner.refresh_from_db()
    assert shop.owner.email != "stolen@example.com"


def test_a_session_of_one_workspace_is_nothing_in_another(shop, rival):
    client = shop.client(shop.admin)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/", HTTP_HOST=rival.host).status_code == 302


def test_the_settings_stand_in_the_frame_of_all_other_pages(shop):
    admin = shop.client(shop.admin)
    for path, section in (("/admin/accounts/user/", "/admin/"), ("/admin/knowledge/document/", "/knowledge/")):
        html = admin.get(path).content.decode()
        assert f'href="{section}" aria-current="page"' in html
        assert f'class="nav__item" href="{path}" aria-current="page"' in html
        assert 'href="/inbox/"' in html and 'style="' not in html


def test_the_front_page_leads_to_the_workspace_that_is_named(platform):
    answer = platform.get("/", {"workspace": " Shop "})
    assert answer.status_code == 302 and answer["Location"].startswith(f"http://shop.{settings.BASE_DOMAIN}")
    # A form may lead to another host only where the policy says so.
    assert f"form-action 'self' http://*.{settings.BASE_DOMAIN}" in answer["Content-Security-Policy"]
    assert "workspace-error" in platform.get("/", {"workspace": "nobody"}).content.decode()


def test_every_cell_of_a_list_has_the_heading_of_its_column(shop):
    """On phones a row is a card, and these are its words."""
    shop.agent.name = "Олег <b>"
    shop.agent.save()
    page = shop.client(shop.owner).get("/admin/accounts/user/").content.decode()
    row = page[page.index("Олег &lt;b&gt;") :]
    assert re.findall(r'<td data-label="([^"]*)"', row[: row.index("</tr>")]) == [
        "E-mail", "Role", "Sees", "Active", "Last login",
    ]  # fmt: skip
    # Who has never come has nothing to show there.
    assert 'data-label="Last login" data-empty' in row
