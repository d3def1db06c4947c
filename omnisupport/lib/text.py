"""Text that PostgreSQL can hold: no NUL, no half of a surrogate pair."""

from dataclasses import fields
from typing import Any


def can_be_stored(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def storable(value: Any) -> Any:
    """The same without what cannot be stored, in all texts of a JSON value."""
    if isinstance(value, str):
        return value if can_be_stored(value) else value.replace("\x00", "").encode(errors="ignore").decode()
    if isinstance(value, dict):
        return {storable(name): storable(part) for name, part in value.items()}
    return [storable(part) for part in value] if isinstance(value, list) else value


class Storable:
    """A frozen dataclass of foreign words: a character that cannot be stored costs that character, never the message."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # every heir is a dataclass
            value = getattr(self, field.name)
            if isinstance(value, str | dict | list):
                object.__setattr__(self, field.name, storable(value))
