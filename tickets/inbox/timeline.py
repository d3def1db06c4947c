"""A thread as the eye reads it: messages and what happened between them, in days, with names only where they change."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from omnisupport.lib.dates import moment
from tenants.events.models import Event
from tickets.models import Attachment, Author, Delivery, HandoffReason, Message, MessageKind, Priority, Status
from tickets.ordering import microseconds
from tickets.services.snoozing import Waking

# Messages of one author within this time stand under one name.
_TOGETHER = timedelta(minutes=5)
_UNSETTLED = {Delivery.CANCELLED, Delivery.QUEUED, Delivery.FAILED, Delivery.UNCERTAIN}
_TONES: dict[str, str] = {Author.CONTACT: "in", Author.AGENT: "out", Author.ASSISTANT: "ai"}


@dataclass
class Item:
    """One line of the thread; exactly one of `message` and `line` is set."""

    dom_id: str
    at: datetime
    # Who speaks and how: neighbours with the same value are drawn as one run.
    voice: str
    message: Message | None = None
    # All that came as one album with it, itself the first.
    album: list[Message] = field(default_factory=list)
    line: "Line | None" = None
    opens_day: bool = False
    joined: bool = False

    @property
    def order(self) -> int:
        return microseconds(self.at)

    @cached_property
    def day(self) -> date:
        return timezone.localtime(self.at).date()

    @property
    def files(self) -> list[Attachment]:
        return [file for message in self.album for file in message.attachments.all()]

    @property
    def reactions(self) -> list[str]:
        assert self.message is not None
        return [emoji for one in self.album or [self.message] for emoji in one.content.get("reactions", ())]

    @property
    def is_unsettled(self) -> bool:
        return self.message is not None and self.message.delivery in _UNSETTLED

    @property
    def tone(self) -> str:
        """The class of a bubble: in, out, ai, system or note."""
        assert self.message is not None
        if self.message.kind == MessageKind.NOTE:
            return "note"
        return _TONES.get(self.message.author, "system")


@dataclass(frozen=True)
class Line:
    """What happened, in words."""

    icon: str
    text: str
    actor: str
    # The conversation that it leads to.
    number: str = ""


def make_items(messages: Sequence[Message], events: Sequence[Event]) -> list[Item]:
    """Both by time; messages keep their own order, whatever their clocks say."""
    items = list(_message_items(sorted(messages, key=lambda message: message.id)))
    lines = [_line_item(event, line) for event in events if (line := describe(event)) is not None]
    return list(_arranged(_merged(items, lines)))


def _message_items(messages: Sequence[Message]) -> Iterator[Item]:
    """What the customer sent as one album stands in the place of its first message."""
    albums: dict[tuple[int | None, str], Item] = {}
    for message in messages:
        begun = albums.get(message.album) if message.album else None
        if begun is not None:
            begun.album.append(message)
            continue
        item = _message_item(message)
        if message.album:
            albums[message.album] = item
            item.album.append(message)
        yield item


def _message_item(message: Message) -> Item:
    voice = f"{message.kind}:{message.author}:{message.user_id or ''}"
    return Item(f"m-{message.id}", message.created_at, voice, message=message)


def _line_item(event: Event, line: Line) -> Item:
    return Item(f"e-{event.pk}", event.created_at, "line", line=line)


def _merged(messages: list[Item], lines: list[Item]) -> Iterator[Item]:
    lines = list(lines)
    for message in messages:
        while lines and lines[0].at <= message.at:
            yield lines.pop(0)
        yield message
    yield from lines


def _arranged(items: Iterator[Item]) -> Iterator[Item]:
    before: Item | None = None
    for item in items:
        item.opens_day = before is None or before.day != item.day
        item.joined = (
            before is not None
            and item.message is not None
            and not item.opens_day
            and before.voice == item.voice
            and item.at - before.at < _TOGETHER
        )
        yield item
        before = item


# ---- Events in words -------------------------------------------------------------------------------------------------


def describe(event: Event) -> Line | None:
    """None for what agents need not see."""
    made = _DESCRIPTIONS[event.type](event.payload) if event.type in _DESCRIPTIONS else None
    if made is None:
        return None
    icon, text = made
    actor = str(event.actor or "")
    # Whoever took it for themselves is named once.
    number = str(event.payload.get("number", "")) if event.type in _LEADING else ""
    return Line(icon, text, "" if actor in text else actor, number)


def _assigned(payload: dict[str, Any]) -> tuple[str, str]:
    name = payload.get("name", "")
    if "team" in payload:
        return ("users", _("Team: %(name)s") % {"name": name}) if name else ("users", _("Taken from the team"))
    if payload.get("why") == "left":
        return "user", _("Back in the queue: %(name)s does not work here any more") % {"name": payload["whose"]}
    if payload.get("why") == "returned":
        return "user", _("Back in the queue: the work of %(name)s was returned") % {"name": payload["whose"]}
    if payload.get("to") is None:
        return "user", _("Assigned to nobody")
    return "user-check", _("Assigned to %(name)s") % {"name": name}


def _status(payload: dict[str, Any]) -> tuple[str, str]:
    labels = dict(Status.choices)
    names = {end: payload.get(f"{end}_name") or labels.get(payload.get(end, ""), "") for end in ("from", "to")}
    icon = "circle-check" if payload.get("to") in {Status.SOLVED, Status.CLOSED} else "open"
    return icon, _("State: %(from)s → %(to)s") % names


def _priority(payload: dict[str, Any]) -> tuple[str, str]:
    labels = {str(value): label for value, label in Priority.choices}
    return "flag", _("Priority: %(from)s → %(to)s") % {
        "from": labels.get(str(payload.get("from")), ""), "to": labels.get(str(payload.get("to")), "")
    }  # fmt: skip


def _tags(payload: dict[str, Any]) -> tuple[str, str]:
    names = ", ".join(payload.get("to", []))
    return "tag", _("Tags: %(names)s") % {"names": names} if names else _("No tags any more")


def _attributes(payload: dict[str, Any]) -> tuple[str, str]:
    lines = (
        f"{one['label']}: {_value(one.get('from'))} → {_value(one.get('to'))}" for one in payload.get("changed", [])
    )
    return "pencil", "; ".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "—" if value is None else str(value)


def _snoozed(payload: dict[str, Any]) -> tuple[str, str]:
    if not payload.get("until"):
        return "snooze", _("Snoozed until the customer writes")
    return "snooze", _("Snoozed until %(when)s") % {"when": moment(datetime.fromisoformat(payload["until"]))}


def _woken(payload: dict[str, Any]) -> tuple[str, str]:
    words = {
        Waking.TIME: _("Back again: the time has come"),
        Waking.CUSTOMER: _("Back again: the customer wrote"),
    }
    return "bell", words.get(payload.get("why", ""), _("Back again"))


def _spam(payload: dict[str, Any]) -> tuple[str, str]:
    return ("spam", _("Marked as spam")) if payload.get("to") else ("check", _("Not spam"))


def _incident(payload: dict[str, Any]) -> tuple[str, str]:
    if payload.get("to") is None:
        return "incident", _("Taken out of the incident")
    return "incident", _("Belongs to the incident “%(title)s”") % {"title": payload.get("title", "")}


def _merged_ticket(payload: dict[str, Any]) -> tuple[str, str]:
    words = _("Another conversation was merged into this one:") if "from" in payload else _("Merged into")
    return "merge", words


def _unmerged_ticket(_payload: dict[str, Any]) -> tuple[str, str]:
    return "split", _("Parted again from")


def _split(payload: dict[str, Any]) -> tuple[str, str]:
    return "split", _("Split off from") if "from" in payload else _("Messages were split off into")


def _handed_over(payload: dict[str, Any]) -> tuple[str, str]:
    return "handover", _("Handed over to people: %(reason)s") % {
        "reason": HandoffReason.words(str(payload.get("reason", "")))
    }


def _schedule(payload: dict[str, Any]) -> tuple[str, str] | None:
    match payload.get("what"):
        case "customer_wrote":
            return "clock", _("The customer wrote first: the scheduled reply was taken back")
        case "failed":
            return "circle-alert", _("A scheduled reply could not be sent")
    return None


def _followed(payload: dict[str, Any]) -> tuple[str, str]:
    return ("eye", _("Follows this conversation")) if payload.get("follows") else ("eye-off", _("Follows it no longer"))


def _mentioned(payload: dict[str, Any]) -> tuple[str, str]:
    return "at", _("Called to look: %(names)s") % {"names": ", ".join(payload.get("names", []))}


def _contact(payload: dict[str, Any]) -> tuple[str, str] | None:
    if "merged" in payload:
        return "users", _("Merged with %(name)s") % {"name": payload["merged"]}
    if "parted" in payload:
        return "users", _("Parted from %(name)s again") % {"name": payload["parted"]}
    if "blocked" in payload:
        return ("ban", _("Blocked")) if payload["blocked"] else ("check", _("Not blocked any more"))
    if "unreachable" not in payload:
        return None
    if reason := payload["unreachable"]:
        return "ban", _("Nothing can be sent there: %(reason)s") % {"reason": reason}
    return "check", _("Can be written to again")


# Whose payload names another conversation.
_LEADING = {"ticket.merged", "ticket.unmerged", "ticket.split"}
_DESCRIPTIONS: dict[str, Callable[[dict[str, Any]], tuple[str, str] | None]] = {
    "ticket.assigned": _assigned,
    "ticket.status_changed": _status,
    "ticket.priority_changed": _priority,
    "ticket.tags_changed": _tags,
    "ticket.attributes_changed": _attributes,
    "ticket.snoozed": _snoozed,
    "ticket.woken": _woken,
    "ticket.spam_changed": _spam,
    "ticket.incident_changed": _incident,
    "ticket.merged": _merged_ticket,
    "ticket.unmerged": _unmerged_ticket,
    "ticket.split": _split,
    "ticket.handed_over": _handed_over,
    "ticket.schedule_changed": _schedule,
    "contact.changed": _contact,
    "ticket.followed": _followed,
    "ticket.mentioned": _mentioned,
}
