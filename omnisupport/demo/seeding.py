"""Two workspaces to look at on a laptop: a Russian outdoor shop and an English coffee roastery, each with people, a web chat,
an assistant, three documents, some conversations and an open help centre. Passwords are random and stand only in
DATA_DIR/demo.json."""

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import translation

from ai_assistant.services.assistants import ensure_assistant
from channels_app.models import Channel
from channels_app.services.channels import connect_channel, create_channel
from knowledge.models import Document
from knowledge.services.documents import add_document
from knowledge.tasks import ingest_document_task
from omnisupport.demo.conversations import have_conversations
from omnisupport.demo.help_centre import open_help_centre
from omnisupport.demo.playground import add_playground_channels
from omnisupport.demo.texts import DOCUMENTS
from tenants.accounts.models import Role, User
from tenants.db import tenant_context
from tenants.models import Tenant
from tenants.names import PUBLIC, schema_for
from tenants.provisioning import create_workspace
from tenants.tasking import wake
from tickets.models import Tag, Team

HERE = Path(__file__).parent
OPERATOR = "operator@platform.example"


@dataclass(frozen=True)
class Demo:
    slug: str
    name: str
    language: str
    timezone: str
    people: tuple[tuple[str, str, str], ...]  # e-mail, name, role
    masked: str  # the e-mail of who may not see phones and addresses of customers
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
        masked="second@lavka.example",
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
        masked="second@harbor.example",
        teams=(("Support", ("agent@harbor.example",)), ("Repairs", ("second@harbor.example",))),
        tags=("shipping", "returns", "subscription"),
        channel="Site chat",
        greeting="Hello! Ask about shipping, returns or the subscription.",
        accent="#8A3B12",
    ),
)


def seed_demo() -> list[dict[str, str]]:
    """Makes the demo workspaces where there are no others. Returns the logins; [] when the installation is in use already.

    The logins are written first and each workspace is one transaction, so a seed that was killed is finished by the next.
    """
    with tenant_context(PUBLIC):
        slugs = set(Tenant.objects.exclude(schema_name=PUBLIC).values_list("slug", flat=True))
    path = settings.DATA_DIR / "demo.json"
    if slugs and not path.is_file():
        return []
    logins = _read_logins(path) or _write_logins(
        path, [_operator(), *(login for demo in DEMOS for login in _people(demo))]
    )
    passwords = {login["email"]: login["password"] for login in logins}
    with tenant_context(PUBLIC):
        if not User.objects.filter(email=OPERATOR).exists():
            User.objects.create_user(OPERATOR, passwords[OPERATOR], name="Operator", role=Role.OPERATOR, language="ru")
    for demo in DEMOS:
        if demo.slug not in slugs:
            _make_workspace(demo, passwords)
    return logins


def wait_for_documents(seconds: float = 90) -> int:
    """Until a worker has read the demo documents. Returns how many it has not read by then."""
    deadline = time.monotonic() + seconds
    while (left := sum(map(_unread_documents, DEMOS))) and time.monotonic() < deadline:
        time.sleep(0.3)
    return left


def _unread_documents(demo: Demo) -> int:
    state = Document.State
    with tenant_context(schema_for(demo.slug)):
        return Document.objects.filter(
            state__in=[state.UPLOADED, state.READING, state.SPLITTING, state.INDEXING]
        ).count()


def _read_logins(path: Path) -> list[dict[str, str]]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def _write_logins(path: Path, logins: list[dict[str, str]]) -> list[dict[str, str]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(logins, ensure_ascii=False, indent=2), encoding="utf-8")
    new.replace(path)
    return logins


def _password() -> str:
    return secrets.token_urlsafe(9)


def _operator() -> dict[str, str]:
    """`host` is the workspace's part before BASE_DOMAIN; empty for the platform."""
    return {"workspace": "OmniSupport", "host": "", "email": OPERATOR, "password": _password(), "role": Role.OPERATOR}


def _people(demo: Demo) -> list[dict[str, str]]:
    return [
        {"workspace": demo.name, "host": demo.slug, "email": email, "password": _password(), "role": role}
        for email, _name, role in demo.people
    ]


def _make_workspace(demo: Demo, passwords: dict[str, str]) -> None:
    email, name, _role = demo.people[0]
    # The schema is entered before it is made: what waits for the commit must find itself in it.
    with tenant_context(schema_for(demo.slug)):
        with transaction.atomic():
            create_workspace(
                slug=demo.slug,
                name=demo.name,
                owner_email=email,
                owner_password=passwords[email],
                owner_name=name,
                language=demo.language,
                timezone=demo.timezone,
            )
            with translation.override(demo.language):
                documents = _fill(demo, passwords)
        for document in documents:
            wake(ingest_document_task, str(document.id))


def _fill(demo: Demo, passwords: dict[str, str]) -> list[Document]:
    owner = User.objects.get(role=Role.OWNER)
    people = {owner.email: owner}
    for email, name, role in demo.people[1:]:
        rights = {"role": role, "sees_contact_details": email != demo.masked}
        people[email] = User.objects.create_user(email, passwords[email], name=name, language=demo.language, **rights)
    for name, members in demo.teams:
        Team.objects.create(name=name).members.set([people[email] for email in members])
    for tag in demo.tags:
        Tag.objects.create(name=tag)
    chat = _add_channel(demo)
    have_conversations(demo.slug, chat, owner)
    if settings.FAKE_PROVIDERS and demo is DEMOS[0]:
        # One bot belongs to one workspace.
        add_playground_channels()
    documents = [
        _add_document(HERE / demo.slug / filename, owner) for filename, _title, _sections in DOCUMENTS[demo.slug]
    ]
    return documents + open_help_centre(demo.slug, demo.language, chat.id, owner)


def _add_document(path: Path, owner: User) -> Document:
    with path.open("rb") as file:
        return add_document(file=File(file, path.name), filename=path.name, user=owner)[0]


def _add_channel(demo: Demo) -> Channel:
    channel = create_channel(
        kind="widget",
        name=demo.channel,
        config={"greeting": demo.greeting, "accent": demo.accent},
        secrets={},
        first_assignee_id=ensure_assistant().user_id,
    )
    return connect_channel(channel.id)
