"""Two workspaces to look at on a laptop: a Russian outdoor shop and an English coffee roastery, each with people, a web chat,
an assistant and three documents. Passwords are random and stand only in DATA_DIR/demo.json."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File

from ai_assistant.services.assistants import ensure_assistant
from channels_app.models import Channel
from channels_app.services.channels import connect_channel, create_channel
from knowledge.services.documents import add_document
from knowledge.tasks import ingest_document_task
from omnisupport.demo.texts import DOCUMENTS
from tenants.accounts.models import Role, User
from tenants.db import tenant_context
from tenants.models import Tenant
from tenants.names import PUBLIC, host_for, url_for_host
from tenants.provisioning import create_workspace
from tenants.tasking import wake
from tickets.models import Tag, Team

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Demo:
    slug: str
    name: str
    language: str
    timezone: str
    people: tuple[tuple[str, str, str], ...]  # e-mail, name, role
    teams: tuple[tuple[str, tuple[str, ...]], ...]
    tags: tuple[str, ...]
    channel: str
    greeting: str
    accent: str


DEMOS = (
    Demo(
        slug="shop",
        name="Лесная лавка",
        language="ru",
        timezone="Europe/Moscow",
        people=(
            ("owner@lavka.example", "Ирина Северова", Role.OWNER),
            ("admin@lavka.example", "Павел Дымов", Role.ADMIN),
            ("agent@lavka.example", "Анна Рябинина", Role.AGENT),
            ("second@lavka.example", "Тимур Ольхов", Role.AGENT),
        ),
        teams=(("Поддержка", ("agent@lavka.example",)), ("Возвраты", ("second@lavka.example",))),
        tags=("доставка", "возврат", "гарантия"),
        channel="Чат на сайте",
        greeting="Здравствуйте! Спросите о доставке, возврате или гарантии.",
        accent="#1F6B4A",
    ),
    Demo(
        slug="harbor",
        name="Harbor Coffee",
        language="en",
        timezone="Europe/London",
        people=(
            ("owner@harbor.example", "Grace Pender", Role.OWNER),
            ("admin@harbor.example", "Tom Hale", Role.ADMIN),
            ("agent@harbor.example", "Maya Quill", Role.AGENT),
            ("second@harbor.example", "Owen Brook", Role.AGENT),
        ),
        teams=(("Support", ("agent@harbor.example",)), ("Repairs", ("second@harbor.example",))),
        tags=("shipping", "returns", "subscription"),
        channel="Site chat",
        greeting="Hello! Ask about shipping, returns or the subscription.",
        accent="#8A3B12",
    ),
)


def seed_demo() -> list[dict[str, str]]:
    """Makes what is not there yet and writes DATA_DIR/demo.json. Returns the logins; empty when workspaces exist already."""
    with tenant_context(PUBLIC):
        if Tenant.objects.exclude(schema_name=PUBLIC).exists():
            return []
        logins = [_operator()]
    for demo in DEMOS:
        logins += _workspace(demo)
    path = settings.DATA_DIR / "demo.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(logins, ensure_ascii=False, indent=2), encoding="utf-8")
    return logins


def _password() -> str:
    return secrets.token_urlsafe(9)


def _operator() -> dict[str, str]:
    password = _password()
    User.objects.create_user("operator@platform.example", password, name="Operator", role=Role.OPERATOR, language="ru")
    url = url_for_host(settings.BASE_DOMAIN)
    return {
        "workspace": "OmniSupport", "url": f"{url}/", "admin_url": f"{url}/admin/", "email": "operator@platform.example",
        "password": password, "role": "operator",
    }  # fmt: skip


def _workspace(demo: Demo) -> list[dict[str, str]]:
    passwords = {email: _password() for email, _name, _role in demo.people}
    owner_email, owner_name, _role = demo.people[0]
    create_workspace(
        slug=demo.slug,
        name=demo.name,
        owner_email=owner_email,
        owner_password=passwords[owner_email],
        owner_name=owner_name,
        language=demo.language,
        timezone=demo.timezone,
    )
    with tenant_context(Tenant.objects.get(slug=demo.slug).schema_name):
        _fill(demo, passwords)
    url = url_for_host(host_for(demo.slug))
    return [
        {
            "workspace": demo.name, "url": f"{url}/inbox/", "shop_url": f"{url}/demo-shop/", "admin_url": f"{url}/admin/",
            "email": email, "password": passwords[email], "role": role,
        }
        for email, _name, role in demo.people
    ]  # fmt: skip


def _fill(demo: Demo, passwords: dict[str, str]) -> None:
    people: dict[str, Any] = {demo.people[0][0]: User.objects.get(role=Role.OWNER)}
    for email, name, role in demo.people[1:]:
        people[email] = User.objects.create_user(email, passwords[email], name=name, role=role, language=demo.language)
    for name, members in demo.teams:
        Team.objects.create(name=name).members.set([people[email] for email in members])
    for tag in demo.tags:
        Tag.objects.create(name=tag)
    _add_channel(demo)
    for filename, _title, _sections in DOCUMENTS[demo.slug]:
        with (HERE / demo.slug / filename).open("rb") as file:
            document, _new = add_document(file=File(file, filename), filename=filename, user=people[demo.people[0][0]])
        wake(ingest_document_task, str(document.id))


def _add_channel(demo: Demo) -> Channel:
    channel = create_channel(
        kind="widget",
        name=demo.channel,
        config={"greeting": demo.greeting, "accent": demo.accent},
        secrets={},
        first_assignee_id=ensure_assistant().user_id,
    )
    return connect_channel(channel.id)
