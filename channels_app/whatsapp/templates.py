"""Approved templates: read from the account, and filled for sending.

Variables are named as in the template ("1" or "order"); those outside of its body carry their place: "header_1",
"header_image" (a link to the picture; also video, document), "button_0" (the end of the first button's address).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from channels_app.base import Template
from channels_app.parts import items, mapping, words
from channels_app.whatsapp.payloads import name

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_HEADER_MEDIA = {"IMAGE": "header_image", "VIDEO": "header_video", "DOCUMENT": "header_document"}
_HEADER, _BUTTON = "header_", "button_"


def template_of(raw: Mapping[str, Any]) -> Template | None:
    """None for what has no name or no body."""
    parts = {words(part.get("type")).upper(): part for part in map(mapping, items(raw.get("components")))}
    body, header = (words(mapping(parts.get(kind)).get("text")) for kind in ("BODY", "HEADER"))
    if not (name(raw.get("name")) and body):
        return None
    outside = [*_header_variables(mapping(parts.get("HEADER"))), *_button_variables(mapping(parts.get("BUTTONS")))]
    language = raw.get("language")
    return Template(
        external_id=name(raw.get("id")) or name(raw.get("name")),
        name=name(raw.get("name")),
        language=words(language) or words(mapping(language).get("code")),
        status=words(raw.get("status")).lower(),
        category=words(raw.get("category")).lower(),
        body=_VARIABLE.sub(r"{{\1}}", body),
        variables=tuple(dict.fromkeys([*_VARIABLE.findall(body), *outside])),
        header=_VARIABLE.sub(rf"{{{{{_HEADER}\1}}}}", header),
        footer=words(mapping(parts.get("FOOTER")).get("text")),
    )


def _header_variables(header: Mapping[str, Any]) -> Iterator[str]:
    media = _HEADER_MEDIA.get(words(header.get("format")).upper())
    if media:
        yield media
    for variable in _VARIABLE.findall(words(header.get("text"))):
        yield _HEADER + variable


def _button_variables(buttons: Mapping[str, Any]) -> Iterator[str]:
    for place, button in enumerate(map(mapping, items(buttons.get("buttons")))):
        if "{{" in words(button.get("url")):
            yield f"{_BUTTON}{place}"


def filled(template: Mapping[str, Any]) -> dict[str, Any]:
    """The `template` object of a message, from {name, language, variables}."""
    given = {str(key): _one_line(value) for key, value in mapping(template.get("variables")).items()}
    components = [*_header(given), *_body(given), *_buttons(given)]
    language = {"code": str(template.get("language") or "ru")}
    found: dict[str, Any] = {"name": str(template.get("name", "")), "language": language}
    return {**found, "components": components} if components else found


def _one_line(value: Any) -> str:
    """A variable may hold neither line ends nor more than four spaces in a row."""
    return re.sub(r"\s+", " ", str(value)).strip()


def _body(given: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    own = {key: value for key, value in given.items() if not key.startswith((_HEADER, _BUTTON))}
    if own:
        yield {"type": "body", "parameters": _texts(own)}


def _texts(given: Mapping[str, str]) -> list[dict[str, str]]:
    """Numbered ones by their number; the others by name."""
    if all(key.isdecimal() for key in given):
        return [{"type": "text", "text": given[key]} for key in sorted(given, key=int)]
    return [{"type": "text", "parameter_name": key, "text": value} for key, value in given.items()]


def _header(given: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    own = {key.removeprefix(_HEADER): value for key, value in given.items() if key.startswith(_HEADER)}
    media = [{"type": kind, kind: {"link": own.pop(kind)}} for kind in ("image", "video", "document") if kind in own]
    parameters = [*media, *(_texts(own) if own else [])]
    if parameters:
        yield {"type": "header", "parameters": parameters}


def _buttons(given: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for key, value in given.items():
        place = key.removeprefix(_BUTTON)
        if key.startswith(_BUTTON) and place.isdecimal():
            parameters = [{"type": "text", "text": value}]
            yield {"type": "button", "sub_type": "url", "index": place, "parameters": parameters}
