"""Translations without the gettext programs: `python -m omnisupport.messages extract|check|compile`.

Source strings are English; `omnisupport/locale/<language>/LC_MESSAGES/django.po` holds the others.
"""

import ast
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALES = Path(__file__).resolve().parent / "locale"
LANGUAGES = ("ru",)
_SKIPPED = {".venv", "node_modules", "tests", "migrations", "benchmarks", "static", "var", "locale"}
_PLAIN, _PLURAL = (1,), (1, 2)
_CONTEXT, _CONTEXT_PLURAL = ((1, "c"), 2), ((1, "c"), 2, 3)
_KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), _PLAIN),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), _PLURAL),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), _CONTEXT),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), _CONTEXT_PLURAL),
}
_TEMPLATE_CALL = re.compile(r"\b(_|n?p?gettext)\(")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
# One message: source text (or singular and plural), context, file.
type_message = tuple[str | tuple[str, ...], str | None, str]


def main(command: str) -> int:
    if command == "extract":
        for language in LANGUAGES:
            update_catalog(language)
        return 0
    if command == "compile":
        for path in sorted(LOCALES.glob("*/LC_MESSAGES/*.po")):
            compile_catalog(path)
        return 0
    problems = [problem for language in LANGUAGES for problem in find_problems(language)]
    print("\n".join(problems) or "Every message is translated.")
    return 1 if problems else 0


def find_messages() -> Iterator[type_message]:
    """Every translatable string of Python code and templates."""
    for path in sorted([*ROOT.rglob("*.py"), *ROOT.rglob("templates/**/*.html"), *ROOT.rglob("templates/**/*.txt")]):
        relative = path.relative_to(ROOT)
        if _SKIPPED.isdisjoint(relative.parts):
            found = _in_python(path) if path.suffix == ".py" else _in_template(path.read_text(encoding="utf-8"))
            for text, context in found:
                yield text, context, relative.as_posix()


def _in_python(path: Path) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    with path.open("rb") as file:
        for _line, text, _comments, context in extract("python", file, keywords=_KEYWORDS):
            yield text, context


def _in_template(source: str) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    """Django turns the tags into gettext calls amid noise; each call is cut out and read as a Python expression."""
    from django.utils.translation.template import templatize

    calls = templatize(source)
    for match in _TEMPLATE_CALL.finditer(calls):
        name, arguments = match[1], _read_call(calls, match.start())
        context = arguments.pop(0) if "p" in name.removesuffix("gettext") else None
        texts = arguments[: 2 if name.startswith("n") else 1]
        yield (texts[0] if len(texts) == 1 else tuple(texts)), context


def _read_call(text: str, start: int) -> list[str]:
    end = start
    while (end := text.index(")", end + 1)) > 0:
        try:
            call = ast.parse(text[start : end + 1], mode="eval").body
        except SyntaxError:
            continue  # that bracket stood inside the string
        assert isinstance(call, ast.Call)
        return [str(argument.value) for argument in call.args if isinstance(argument, ast.Constant)]
    raise AssertionError("unreachable: index() raises first")


def update_catalog(language: str) -> None:
    """Adds new strings, keeps translations, drops what the code no longer says. No guesses: nothing becomes fuzzy."""
    path = _catalog_path(language)
    catalog = _read(path, language)
    template = Catalog()
    for text, context, location in find_messages():
        template.add(text, locations=[(location, 0)], context=context)
    catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # a real date would change the file without a reason
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, include_lineno=False, omit_header=False)
    left = sum(not _translated(message) for message in catalog if message.id)
    print(f"{path.relative_to(ROOT)}: {len(catalog)} messages, {left} to translate")


def find_problems(language: str) -> list[str]:
    """What `make lint` refuses: untranslated, doubtful, missing or outdated entries, placeholders that differ."""
    path = _catalog_path(language)
    catalog = _read(path, language)
    wanted = {(text[0] if isinstance(text, tuple) else text, context): file for text, context, file in find_messages()}
    known = {(m.id[0] if isinstance(m.id, tuple | list) else m.id, m.context): m for m in catalog if m.id}
    problems = [
        f"{file}: {text!r} is not in the {language} catalogue; run make messages and translate it"
        for (text, context), file in wanted.items()
        if (text, context) not in known
    ]
    for key, message in known.items():
        if key not in wanted:
            problems.append(f"{path.name}: {key[0]!r} is no longer used; run make messages")
        elif not _translated(message):
            problems.append(f"{path.name}: {key[0]!r} has no {language} translation")
        elif not _same_placeholders(message):
            problems.append(f"{path.name}: {key[0]!r} is translated with other placeholders")
    return problems


def _translated(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple | list) else [message.string]
    return all(texts) and not message.fuzzy


def _same_placeholders(message: Message) -> bool:
    """Every form names only placeholders of the source; without plural forms it names all of them."""
    sources = message.id if isinstance(message.id, tuple | list) else [message.id]
    texts = message.string if isinstance(message.string, tuple | list) else [message.string or ""]
    wanted = {name for source in sources for name in _PLACEHOLDER.findall(source)}
    found = [set(_PLACEHOLDER.findall(text)) for text in texts]
    if len(sources) == 1:
        return all(names == wanted for names in found)
    return all(names <= wanted for names in found)


def compile_catalog(path: Path) -> None:
    """Writes the .mo file beside the .po file when that is newer."""
    target = path.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime_ns >= path.stat().st_mtime_ns:
        return
    catalog = _read(path, path.parent.parent.name)
    unfinished = target.with_suffix(".mo.new")
    with unfinished.open("wb") as file:
        write_mo(file, catalog)
    unfinished.replace(target)


def _catalog_path(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "django.po"


def _read(path: Path, language: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=language, project="OmniSupport", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


if __name__ == "__main__":
    if sys.argv[1:] not in (["extract"], ["check"], ["compile"]):
        sys.exit("Usage: python -m omnisupport.messages extract|check|compile")
    sys.exit(main(sys.argv[1]))
