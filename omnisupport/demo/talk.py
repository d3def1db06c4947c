"""A conversation of the demo workspaces as it is written down here."""

from dataclasses import dataclass
from datetime import timedelta

CUSTOMER = ""


@dataclass(frozen=True)
class Line:
    """`who`: CUSTOMER, or what the e-mail address of a colleague begins with."""

    who: str
    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Talk:
    """It began so many hours `ago` and went on with a line each `pace` minutes."""

    name: str
    ago: float
    lines: tuple[Line, ...]
    pace: int = 9
    email: str = ""
    phone: str = ""
    assignee: str = ""
    team: str = ""
    tags: tuple[str, ...] = ()
    status: str = ""
    priority: int | None = None
    snooze: timedelta | None = None
    in_incident: bool = False
    notes: str = ""


def says(text: str) -> Line:
    return Line(CUSTOMER, text)
