"""What a tool takes and gives: a small part of JSON Schema for its arguments, and paths into its answer."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.stems import stem
from omnisupport.lib.text import storable

LONGEST_ARGUMENT = 200
LONGEST_RESULT = 3000
_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,39}$"
_ITEMS = 10
_WORD = re.compile(r"\w+")
# A group that is repeated, or many open repetitions, may take a worker for ever on a short text.
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{)|\\[1-9]|\(\?(?!:)")
_OPEN_REPETITION = re.compile(r"(?<!\\)[*+]|(?<![\\(])\?|\{\d*,\d*\}")
_MOST_REPETITIONS = 3

Scalar = str | int | float | bool


class Property(BaseModel):
    """One argument. `source` names what the server knows of a verified customer: then the model neither sees nor gives it."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["string", "integer", "number", "boolean"] = "string"
    title: str = Field("", max_length=80)
    description: str = Field("", max_length=300)
    enum: list[str | int] = Field(default_factory=list, max_length=50)
    pattern: str = Field("", max_length=100)
    source: str = Field("", pattern=r"^$|^customer\.(?:channel|address|contact|attributes\.[\w-]{1,40})$")

    @field_validator("pattern")
    @classmethod
    def _is_harmless(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"pattern: {error}") from None
        if _REPEATED_GROUP.search(pattern) or len(_OPEN_REPETITION.findall(pattern)) > _MOST_REPETITIONS:
            raise ValueError(
                "pattern: repeated groups, look-around and more than three open repetitions are not allowed"
            )
        return pattern


class Parameters(BaseModel):
    """The object of arguments, as in JSON Schema."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["object"] = "object"
    properties: dict[str, Property] = Field(default_factory=dict, max_length=20)
    required: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names(self) -> "Parameters":
        for name in self.properties:
            if not re.match(_NAME, name):
                raise ValueError(f"{name}: a name has Latin letters, digits and _")
        strange = [name for name in self.required if name not in self.properties]
        if strange:
            raise ValueError(f"required: {strange[0]} is no property")
        return self

    def told_to_model(self) -> dict[str, Property]:
        return {name: one for name, one in self.properties.items() if not one.source}

    def filled_by_server(self) -> dict[str, str]:
        """Name → path of what is known of the customer."""
        return {name: one.source for name, one in self.properties.items() if one.source}


def read_parameters(value: Any) -> Parameters:
    """Raises InvalidInput at the field `parameters`."""
    try:
        return Parameters.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        told = f"{place}: {first['msg']}" if place else str(first["msg"])
        raise InvalidInput(told, field="parameters") from None


def clean_parameters(value: Any) -> dict[str, Any]:
    """As they are stored, without what says nothing. Raises InvalidInput at the field `parameters`."""
    read = read_parameters(value)
    properties = {name: one.model_dump(exclude_defaults=True) for name, one in read.properties.items()}
    return {"properties": properties, "required": read.required}


# ---- Arguments -------------------------------------------------------------------------------------------------------


def checked_arguments(parameters: Parameters, given: Mapping[str, Any]) -> dict[str, Scalar]:
    """What a person of the workspace gives, also where the server would fill it in. Raises InvalidInput with the field."""
    found: dict[str, Scalar] = {}
    for name, one in parameters.properties.items():
        value = valid_argument(one, given[name], None) if name in given else None
        if value is not None:
            found[name] = value
        elif name in given or name in parameters.required:
            raise InvalidInput(_("This value is not allowed here."), field=name)
    return found


def valid_argument(one: Property, value: Any, said: str | None) -> Scalar | None:
    """The value as its type; None for what is not allowed. `said`: the customer's words, in which a free value has to stand;
    None: a person of the workspace gave it."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if isinstance(value, bool):
        text = str(value).lower()
    # Dots alone would lead to another place of the address.
    if not text.strip(".") or len(text) > LONGEST_ARGUMENT or not text.isprintable():
        return None
    if one.enum:
        return next((choice for choice in one.enum if str(choice) == text), None)
    if one.pattern and not re.fullmatch(one.pattern, text):
        return None
    if said is not None and one.type != "boolean" and not is_said(text, said):
        return None
    return _typed(one.type, text)


def _typed(kind: str, text: str) -> Scalar | None:
    try:
        match kind:
            case "integer":
                return int(text)
            case "number":
                return float(text.replace(",", "."))
            case "boolean":
                return {"true": True, "false": False}.get(text.lower())
    except ValueError:
        return None
    return text


def is_said(value: str, words: str) -> bool:
    """Whether the value stands in the words, whatever the signs between its parts and the case of its words."""
    wanted, heard = _parts(value), _parts(words)
    if not wanted:
        return False
    whole = "".join(wanted)
    for start in range(len(heard)):
        joined = ""
        for part in heard[start:]:
            joined += part
            if joined == whole:
                return True
            if len(joined) >= len(whole):
                break
    return False


def _parts(text: str) -> list[str]:
    return [stem(word) for word in _WORD.findall(text.lower().replace("ё", "е"))]


# ---- Answers ---------------------------------------------------------------------------------------------------------


def parse_fields(lines: Iterable[str]) -> list[dict[str, str]]:
    """`path = label` a line → [{path, label}]."""
    found = []
    for line in lines:
        path, _sign, label = (part.strip() for part in line.partition("="))
        if path:
            found.append({"path": path[:120], "label": (label or path)[:80]})
    return found


def visible_text(data: Any, fields: Sequence[Mapping[str, str]], secrets: Iterable[str]) -> str:
    """The named fields as lines `label: value`; all else of the answer stays with us. `secrets` never come back."""
    lines = []
    for one in fields:
        values = [told for value in _values(data, one["path"].split(".")) if (told := _plain(value))]
        if values:
            lines.append(f"{one['label']}: {'; '.join(values[:_ITEMS])}")
    text = "\n".join(lines)
    for secret in secrets:
        text = text.replace(secret, "…")
    return text[:LONGEST_RESULT]


def _values(data: Any, path: Sequence[str]) -> list[Any]:
    if not path:
        return [data]
    head, rest = path[0], path[1:]
    if head == "*" and isinstance(data, list):
        return [value for item in data[:_ITEMS] for value in _values(item, rest)]
    if isinstance(data, list) and head.isdecimal() and int(head) < len(data):
        return _values(data[int(head)], rest)
    if isinstance(data, dict) and head in data:
        return _values(data[head], rest)
    return []


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        return ""
    return " ".join(
        "".join(char for char in str(storable(str(value))) if char.isprintable() or char.isspace()).split()
    )[:500]
