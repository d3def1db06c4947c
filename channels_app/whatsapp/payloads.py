"""WhatsApp's JSON, as much of it as we read. A flat body of an older gateway is brought into the shape of the Cloud API."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from channels_app.base import Unparsable
from channels_app.parts import Part, Text, items, mapping, words

_FLAT = ("messages", "statuses", "errors", "contacts")


class Media(Part):
    id: Text = ""
    url: Text = ""
    mime_type: Text = ""
    sha256: Text = ""
    caption: Text = ""
    filename: Text = ""


class Place(Part):
    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    name: Text = ""
    address: Text = ""
    url: Text = ""


class Referral(Part):
    """The advertisement that the person came from."""

    source_url: Text = ""
    source_type: Text = ""
    headline: Text = ""
    body: Text = ""


def values_of(body: bytes) -> list[Mapping[str, Any]]:
    """Every `value` of every change of every entry. Raises Unparsable for what is no webhook of WhatsApp at all."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Unparsable("This is not JSON.") from None
    if not isinstance(data, Mapping):
        raise Unparsable("This is not a webhook of WhatsApp.")
    if "entry" in data:
        return list(_cloud_values(data))
    if any(key in data for key in _FLAT):
        return [data]
    raise Unparsable("A webhook of WhatsApp without entries.")


def _cloud_values(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in items(data["entry"]):
        for change in items(mapping(entry).get("changes")):
            value = mapping(mapping(change).get("value"))
            if value:
                yield value


def name(value: Any) -> str:
    """An id: text, or a number that somebody forgot to quote."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else words(value).strip()


def moment(value: Any) -> datetime | None:
    """Seconds since 1970; the Cloud API sends them as text."""
    digits = name(value)
    seconds = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else 0
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 2**32 else None
