"""What a customer's own program posts to us (docs/api.md). Everything but `type` and `from.id` is optional; a part of a wrong
type counts as absent: a mistake over there must cost a detail, never the message."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from channels_app.parts import Part, Text, items, mapping, words


def name(value: Any) -> str:
    """An id: text, or a number as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else words(value)


def moment(value: Any) -> datetime | None:
    """ISO 8601 (without a zone: UTC) or seconds since 1970; None for what is neither, or no time of our days."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _of_our_days(datetime.fromtimestamp(value, UTC))
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return _of_our_days(found.replace(tzinfo=UTC) if found.tzinfo is None else found) if found is not None else None


def _of_our_days(time: datetime) -> datetime | None:
    # Near the ends of the calendar PostgreSQL stores what Python cannot read back: the conversation would not open again.
    return time if 1970 <= time.year < 2100 else None


Name = Annotated[str, BeforeValidator(name)]
Time = Annotated[datetime | None, BeforeValidator(moment)]
Raw = Annotated[Mapping[str, Any], BeforeValidator(mapping)]


class Person(Part):
    id: Name = ""
    name: Text = ""
    email: Text = ""
    phone: Text = ""
    language: Text = ""
    attributes: Raw = Field(default_factory=dict)


class File(Part):
    """Either `url`, fetched by us, or `data` in base64."""

    url: Text = ""
    data: Text = ""
    name: Text = ""
    mime: Text = ""


class Button(Part):
    text: Text = ""
    value: Text = ""


class Place(Part):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    title: Text = ""
    address: Text = ""


class Event(Part):
    """`id` is the message's own; `message_id` the one that an edit, a reaction or a receipt is about."""

    type: Annotated[str, BeforeValidator(lambda value: words(value) or "message")] = "message"
    id: Name = ""
    message_id: Name = ""
    sender: Annotated[Person, BeforeValidator(mapping)] = Field(default_factory=Person, alias="from")
    text: Text = ""
    files: Annotated[list[Any], BeforeValidator(items)] = Field(default_factory=list)
    button: Raw = Field(default_factory=dict)
    location: Raw = Field(default_factory=dict)
    reply_to: Name = ""
    sent_at: Time = None
    emoji: Text = ""
    reason: Text = ""
    error: Text = ""
    # Of `blocked` and `typing`: false takes it back.
    on: Annotated[bool, BeforeValidator(lambda value: value is not False)] = True


class Taken(Part):
    """The answer to a message of ours."""

    external_id: Name = ""
