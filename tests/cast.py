"""The cast of every story: two workspaces, and in each an admin, an agent, an agent of another team, a customer.

`shop` and `rival` live in a transaction that is rolled back: use them wherever one connection is enough. `live_shop` and
`live_rival` are committed, made for one test and dropped after it: use them where threads, servers or workers look on.
"""

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client

PASSWORD = "correct horse battery"


def pytest_configure(config: pytest.Config) -> None:
    """Of two plugins' fixtures of one name the later one is taken, and pytest-django comes behind those of `-p`."""
    from tests import database

    config.pluginmanager.register(database)


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """As the servers and workers call what is told: with room on the stack."""
    from omnisupport.lib.stack import with_room

    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    with_room(pyfuncitem.obj, **arguments)
    return True


@dataclass
class Workspace:
    schema: str
    host: str
    uuid: uuid.UUID
    owner: Any = None
    admin: Any = None
    agent: Any = None
    colleague: Any = None  # an agent of another team
    assistant: Any = None
    team: Any = None
    other_team: Any = None
    channel: Any = None

    def enter(self) -> AbstractContextManager[None]:
        from tenants.db import tenant_context

        return tenant_context(self.schema)

    def client(self, user: Any = None, **headers: str) -> "HostClient":
        """A browser on this workspace's host, logged in as `user`, whose owner has chosen English."""
        defaults: dict[str, Any] = {"HTTP_HOST": self.host, "HTTP_ACCEPT_LANGUAGE": "en", **headers}
        client = HostClient(**defaults)
        client.cookies["language"] = "en"
        if user is not None:
            with self.enter():
                client.force_login(user)
        return client

    def token(self, user: Any) -> str:
        """An access token of this person for the API."""
        from tenants.accounts.tokens import issue_tokens

        with self.enter():
            return issue_tokens(user)["access"]

    def customer_writes(self, text: str = "Где мой заказ?", *, address: str = "visitor-1", **fields: Any) -> Any:
        """A message of a customer through the core; returns the Message."""
        from tickets.services.receive import Incoming, Profile, receive_message

        fields.setdefault("external_id", uuid.uuid4().hex)
        assign_to = fields.pop("assign_to", None)
        with self.enter():
            message, _new = receive_message(
                channel_id=self.channel.id,
                address=address,
                profile=Profile(name="Марина"),
                incoming=Incoming(text=text, **fields),
                assign_to=assign_to,
            )
        return message


class HostClient(Client):
    """Leaves the test in the workspace it was in: a request ends in `public`."""

    def request(self, **request: Any) -> Any:
        before = connection.tenant  # type: ignore[attr-defined]
        try:
            return super().request(**request)
        finally:
            connection.set_tenant(before)  # type: ignore[attr-defined]


def _make_people() -> None:
    """The people, the teams and the channel of a workspace; the caller is inside it."""
    from channels_app.models import Channel
    from tenants.accounts.models import Role, User
    from tickets.models import Team

    User.objects.create_user("admin@example.com", PASSWORD, name="Анна Админ", role=Role.ADMIN)
    agent = User.objects.create_user("agent@example.com", PASSWORD, name="Олег Агент")
    colleague = User.objects.create_user("colleague@example.com", PASSWORD, name="Вера Коллега")
    User.objects.create_user("assistant@example.com", name="Ассистент", role=Role.ASSISTANT)
    Team.objects.create(name="Поддержка").members.add(agent)
    Team.objects.create(name="Возвраты").members.add(colleague)
    Channel.objects.create(kind="widget", name="Сайт", config={})


def _find_people(workspace: Workspace) -> Workspace:
    """The rows of `_make_people` as objects that nobody has touched; the caller is inside the workspace."""
    from channels_app.models import Channel
    from tenants.accounts.models import Role, User
    from tickets.models import Team

    people = {user.email: user for user in User.objects.all()}
    for name in ("admin", "agent", "colleague", "assistant"):
        setattr(workspace, name, people[f"{name}@example.com"])
    workspace.owner = next(user for user in people.values() if user.role == Role.OWNER)
    teams = {team.name: team for team in Team.objects.all()}
    workspace.team, workspace.other_team = teams["Поддержка"], teams["Возвраты"]
    workspace.channel = Channel.objects.get()
    return workspace


def _workspace(tenant: Any) -> Workspace:
    from tenants.names import host_for

    return Workspace(schema=tenant.schema_name, host=host_for(tenant.slug), uuid=tenant.uuid)


def fill_database() -> None:
    """The template, its dump and two workspaces with their people."""
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace, prepare_database

    prepare_database()
    for slug in ("shop", "rival"):
        tenant = create_workspace(slug=slug, name=slug, owner_email=f"owner@{slug}.example", owner_password=PASSWORD)
        with tenant_context(tenant.schema_name):
            _make_people()


@pytest.fixture(scope="session")
def _prepared(django_db_setup: None, django_db_blocker: Any) -> dict[str, Any]:
    """The two workspaces by their slugs, committed."""
    from tenants import hosts
    from tenants.models import Tenant

    # Looked up again in the middle of a test, a host would be counted among its queries.
    hosts.TTL = 86_400.0
    with django_db_blocker.unblock():
        return {tenant.slug: tenant for tenant in Tenant.objects.filter(slug__in=("shop", "rival"))}


@pytest.fixture
def shop(db: None, _prepared: dict[str, Any]) -> Iterator[Workspace]:
    """The workspace of the story; the test runs inside it."""
    workspace = _workspace(_prepared["shop"])
    with workspace.enter():
        yield _find_people(workspace)


@pytest.fixture
def rival(db: None, _prepared: dict[str, Any]) -> Workspace:
    """A stranger's workspace; enter it with `with rival.enter():`."""
    workspace = _workspace(_prepared["rival"])
    with workspace.enter():
        return _find_people(workspace)


def _live(django_db_blocker: Any, name: str) -> Iterator[Workspace]:
    from tenants.models import Tenant
    from tenants.provisioning import create_workspace, delete_workspace

    with django_db_blocker.unblock():
        slug = f"{name}-{uuid.uuid4().hex[:8]}"
        tenant = create_workspace(slug=slug, name=name, owner_email=f"owner@{slug}.example", owner_password=PASSWORD)
        workspace = _workspace(tenant)
        with workspace.enter():
            _make_people()
            _find_people(workspace)
        try:
            yield workspace
        finally:
            delete_workspace(Tenant.objects.get(schema_name=workspace.schema))
            connection.close()


@pytest.fixture
def live_shop(_prepared: dict[str, Any], django_db_blocker: Any) -> Iterator[Workspace]:
    """Committed; the test runs inside it."""
    for workspace in _live(django_db_blocker, "live-shop"):
        with workspace.enter():
            yield workspace


@pytest.fixture
def live_rival(_prepared: dict[str, Any], django_db_blocker: Any) -> Iterator[Workspace]:
    yield from _live(django_db_blocker, "live-rival")
