"""A channel kind is a folder and a model provider a file: whoever else needs to know something of one asks its class."""

import ast
from collections.abc import Iterator
from pathlib import Path

from ai_assistant.providers import provider_names
from channels_app.kinds import kinds

ROOT = Path(__file__).resolve().parent.parent
APPS = ("omnisupport", "tenants", "tickets", "knowledge", "channels_app", "ai_assistant", "analytics")


def sources() -> Iterator[tuple[str, ast.AST]]:
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py")):
        if not {"tests", "migrations"} & set(path.parts):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def strings(*nodes: ast.AST) -> set[str]:
    parts = (part for node in nodes for part in ast.walk(node))
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def asked_kinds(tree: ast.AST) -> set[str]:
    """Of `kind="…"`, `{"kind": "…"}` and `….kind == "…"`, `….kind in (…)`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="kind", value=value):
                found |= strings(value)
            case ast.Dict(keys=keys, values=values):
                found |= strings(
                    *(value for key, value in zip(keys, values, strict=True) if key and strings(key) == {"kind"})
                )
            case ast.Compare() if "kind" in {getattr(part, "attr", getattr(part, "id", "")) for part in ast.walk(node)}:
                found |= strings(node)
    return found & set(kinds())


def test_a_model_provider_is_named_in_its_own_file_only():
    named = {
        (path, name)
        for path, tree in sources()
        for name in strings(tree) & set(provider_names())
        if path != f"ai_assistant/providers/{name}.py"
    }
    # What a new workspace begins with: it needs no key.
    assert named == {("ai_assistant/models/settings.py", "extractive")}


def test_a_channel_kind_is_asked_for_in_its_own_folder_only():
    asked = {
        (path, kind)
        for path, tree in sources()
        for kind in asked_kinds(tree)
        if not path.startswith(f"channels_app/{kind}/")
    }
    assert asked == {
        # Its pages carry the script of the web chat.
        ("knowledge/help_centre/models.py", "widget"),
        ("omnisupport/demo/seeding.py", "widget"),
        ("omnisupport/demo/views.py", "widget"),
    }
