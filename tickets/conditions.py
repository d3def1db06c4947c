"""What a view asks of conversations: groups of conditions, all or any of them, checked when written and made into SQL.

    {"match": "all", "groups": [{"match": "any", "conditions": [
        {"field": "status", "op": "any", "value": ["open", "s3"]},
        {"field": "ticket.order", "op": "contains", "value": "A-1"}]}]}

Two levels, no deeper. A custom field is `<target>.<key>`. Making SQL needs no look at the database, so a field that was deleted
goes on finding the values that it left.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.text import can_be_stored
from omnisupport.lib.zones import home_zone
from tenants.accounts.models import Role
from tickets.models import CustomStatus, FieldType, Status, Tag, Team, Ticket

ME, NOBODY, ASSISTANT, MINE = "me", "nobody", "assistant", "mine"
MATCHES = ("all", "any")
_MOST_GROUPS, _MOST_CONDITIONS, _MOST_VALUES, _LONGEST = 10, 20, 100, 200
_SPAN = re.compile(r"([1-9]\d{0,4})([mhd])\Z")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# What may be asked of a field of each kind; the words stand between field and value.
OPS: dict[str, tuple[str, ...]] = {
    "set": ("any", "none"),
    "tags": ("any", "all", "none"),
    "choice": ("any", "none", "set", "unset"),
    "text": ("contains", "lacks", "is", "isnt", "set", "unset"),
    "number": ("equals", "least", "most", "set", "unset"),
    "moment": ("newer", "older", "from", "before", "set", "unset"),
    "date": ("on", "from", "before", "newer", "older", "set", "unset"),
    "flag": ("yes", "no"),
}
OP_LABELS = {
    "any": gettext_lazy("is one of"), "none": gettext_lazy("is none of"), "all": gettext_lazy("has all of"),
    "contains": gettext_lazy("contains"), "lacks": gettext_lazy("does not contain"), "is": gettext_lazy("is"),
    "isnt": gettext_lazy("is not"), "set": gettext_lazy("is filled in"), "unset": gettext_lazy("is empty"),
    "equals": gettext_lazy("equals"), "least": gettext_lazy("is at least"), "most": gettext_lazy("is at most"),
    "newer": gettext_lazy("is newer than"), "older": gettext_lazy("is older than"), "from": gettext_lazy("is from or after"),
    "before": gettext_lazy("is before"), "on": gettext_lazy("is on"), "yes": gettext_lazy("yes"), "no": gettext_lazy("no"),
}  # fmt: skip
_WITHOUT_VALUE = {"set", "unset", "yes", "no"}
_LISTS = {"any", "none", "all"}


@dataclass(frozen=True)
class Field:
    """What a condition can be about. `options` are (value, label); empty where people write the value."""

    key: str
    label: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def ops(self) -> tuple[str, ...]:
        return OPS[self.kind]


@dataclass(frozen=True)
class Condition:
    field: str
    op: str
    value: Any = None


@dataclass(frozen=True)
class Group:
    match: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Conditions:
    match: str
    groups: tuple[Group, ...]

    def to_json(self) -> dict[str, Any]:
        groups = [
            {"match": group.match, "conditions": [asdict(condition) for condition in group.conditions]}
            for group in self.groups
        ]
        return {"match": self.match, "groups": groups}

    def each(self) -> Iterator[Condition]:
        for group in self.groups:
            yield from group.conditions

    @property
    def depend_on_viewer(self) -> bool:
        return any(isinstance(one.value, list) and {ME, MINE} & set(one.value) for one in self.each())


# ---- Reading ---------------------------------------------------------------------------------------------------------


def read_conditions(data: Any, fields: Mapping[str, Field]) -> Conditions:
    """Raises InvalidInput with what is wrong and where: `field` is `conditions`, or `conditions.<group>.<condition>`."""
    groups = _list_of(data, "groups", _MOST_GROUPS, "conditions")
    read = []
    for number, group in enumerate(groups):
        place = f"conditions.{number}"
        asked = _list_of(group, "conditions", _MOST_CONDITIONS, place)
        conditions = tuple(read_condition(one, fields, f"{place}.{index}") for index, one in enumerate(asked))
        if conditions:
            read.append(Group(_match(group, place), conditions))
    if not read:
        raise InvalidInput(_("A view needs at least one condition."), field="conditions")
    return Conditions(_match(data, "conditions"), tuple(read))


def _list_of(data: Any, name: str, most: int, place: str) -> list[Any]:
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, list):
        raise InvalidInput(_("“%(name)s” has to be a list.") % {"name": name}, field=place)
    if len(found) > most:
        raise InvalidInput(_("At most %(n)d of “%(name)s”.") % {"n": most, "name": name}, field=place)
    return found


def _match(data: Any, place: str) -> str:
    match = data.get("match", "all")
    if match not in MATCHES:
        raise InvalidInput(_("“match” is “all” or “any”."), field=place)
    return str(match)


def read_condition(data: Any, fields: Mapping[str, Field], place: str) -> Condition:
    """Raises InvalidInput."""
    if not isinstance(data, dict):
        raise InvalidInput(_("A condition has a field, an op and a value."), field=place)
    field = fields.get(str(data.get("field", "")))
    if field is None:
        raise InvalidInput(_("There is no field “%(key)s”.") % {"key": str(data.get("field", ""))[:60]}, field=place)
    op = data.get("op")
    if op not in field.ops:
        known = ", ".join(field.ops)
        raise InvalidInput(f"{field.label}: " + _("the op is one of %(ops)s.") % {"ops": known}, field=place)
    try:
        return Condition(field.key, op, _read_value(field, op, data.get("value")))
    except ValueError as error:
        raise InvalidInput(f"{field.label}: {error}", field=place) from None


def _read_value(field: Field, op: str, value: Any) -> Any:
    """Raises ValueError with a sentence."""
    if op in _WITHOUT_VALUE:
        return None
    if op in _LISTS:
        return _read_list(field, value)
    if op in {"newer", "older"}:
        return _checked(value, lambda text: bool(_SPAN.match(text)), _("write a span like 30m, 2h or 7d."))
    if op in {"on", "from", "before"}:
        return _checked(value, _is_date, _("write a date like 2027-01-31."))
    if field.kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 10**15:
            raise ValueError(_("this has to be a number."))
        return value
    return _checked(value, lambda text: bool(text.strip()) and can_be_stored(text), _("write what to look for."))


def _read_list(field: Field, value: Any) -> list[str]:
    if not isinstance(value, list) or not value or len(value) > _MOST_VALUES:
        raise ValueError(_("choose at least one."))
    known = {option for option, _label in field.options}
    for one in value:
        if str(one) not in known:
            raise ValueError(_("“%(value)s” is none of the options.") % {"value": str(one)[:60]})
    return list(dict.fromkeys(map(str, value)))


def _checked(value: Any, fits: Callable[[str], bool], otherwise: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or not fits(value):
        raise ValueError(otherwise)
    return value


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text) is not None
    except ValueError:
        return False


def stored_conditions(data: Mapping[str, Any]) -> Conditions:
    """What was checked when it was written."""
    groups = tuple(
        Group(group["match"], tuple(Condition(**condition) for condition in group["conditions"]))
        for group in data["groups"]
    )
    return Conditions(data["match"], groups)


# ---- SQL -------------------------------------------------------------------------------------------------------------


def make_query(conditions: Conditions, viewer_id: UUID) -> Q:
    """Spam, snoozed and merged conversations are left out, unless a condition is about just that."""
    asked = Q()
    for group in conditions.groups:
        inner = _joined([_make(condition, viewer_id) for condition in group.conditions], group.match)
        asked = inner if not asked else _joined([asked, inner], conditions.match)
    about = {condition.field for condition in conditions.each()}
    for name, hidden in (("spam", Q(is_spam=False)), ("snoozed", Q(is_snoozed=False)), ("merged", Q(merged_into=None))):
        asked = asked if name in about else asked & hidden
    return asked


def _joined(parts: Sequence[Q], match: str) -> Q:
    joined = parts[0]
    for part in parts[1:]:
        joined = joined | part if match == "any" else joined & part
    return joined


def _make(condition: Condition, viewer_id: UUID) -> Q:
    name, op, value = condition.field, condition.op, condition.value
    if name in _SETS:
        found = _SETS[name](value, viewer_id)
        return ~found if op == "none" else found
    if name == "tags":
        return _tags(op, value)
    if name in _FLAGS:
        return _FLAGS[name] if op == "yes" else ~_FLAGS[name]
    target, _dot, key = name.partition(".")
    if key:
        return _value(f"{_ATTRIBUTES[target]}__{key}", op, value)
    path = _TEXTS.get(name) or _MOMENTS.get(name) or name
    return _column(path, op, value)


def _status(values: list[str], _viewer: UUID) -> Q:
    """A plain status has those with a name of the workspace's own in it."""
    plain = [value for value in values if value in Status.values]
    return Q(status__in=plain) | Q(custom_status_id__in=[int(value[1:]) for value in values if value not in plain])


def _assignee(values: list[str], viewer: UUID) -> Q:
    people = [viewer if value == ME else value for value in values if value not in {NOBODY, ASSISTANT}]
    found = Q(assignee_id__in=people)
    found |= Q(assignee=None) if NOBODY in values else Q()
    return found | Q(assignee__role=Role.ASSISTANT) if ASSISTANT in values else found


def _team(values: list[str], viewer: UUID) -> Q:
    found = Q(team_id__in=[int(value) for value in values if value not in {NOBODY, MINE}])
    found |= Q(team=None) if NOBODY in values else Q()
    return found | Q(team_id__in=Team.objects.filter(members=viewer).values("id")) if MINE in values else found


_SETS: dict[str, Callable[[list[str], UUID], Q]] = {
    "status": _status,
    "assignee": _assignee,
    "team": _team,
    "channel": lambda values, _viewer: Q(channel_id__in=values),
    "kind": lambda values, _viewer: Q(channel__kind__in=values),
    "priority": lambda values, _viewer: Q(priority__in=[int(value) for value in values]),
}
# Solving ends the wait: saying so lets PostgreSQL use the indexes of what is live.
_LIVE = Q(status__in=[Status.OPEN, Status.WAITING])
_FLAGS = {
    "unanswered": _LIVE & Q(waiting_since__isnull=False),
    "snoozed": Q(is_snoozed=True),
    "spam": Q(is_spam=True),
    "merged": Q(merged_into__isnull=False),
    "handed_over": Q(handed_over_at__isnull=False),
    "assistant_replied": Q(assistant_replied=True),
    "human_replied": Q(human_replied=True),
    "reopened": Q(reopened_count__gt=0),
    "incident": Q(incident__isnull=False),
}
_TEXTS = {
    "subject": "subject", "contact_name": "contact__name", "contact_email": "contact__email",
    "contact_phone": "contact__phone", "contact_language": "contact__language", "company": "contact__company__name",
}  # fmt: skip
_MOMENTS = {
    "created": "created_at", "activity": "last_activity_at", "waiting": "waiting_since", "solved": "solved_at",
}  # fmt: skip
_ATTRIBUTES = {
    "ticket": "attributes", "contact": "contact__attributes", "company": "contact__company__attributes",
}  # fmt: skip


def _tags(op: str, values: list[str]) -> Q:
    def has(ids: list[int]) -> Q:
        return Q(Exists(Ticket.tags.through.objects.filter(ticket_id=OuterRef("id"), tag_id__in=ids)))

    ids = [int(value) for value in values]
    if op == "all":
        return _joined([has([one]) for one in ids], "all")
    return has(ids) if op == "any" else ~has(ids)


_LOOKUPS = {"contains": "icontains", "is": "iexact"}


def _column(path: str, op: str, value: Any) -> Q:
    """A text of ours, empty or not, or a moment."""
    if path in _MOMENTS.values():
        return Q(**{f"{path}__isnull": op == "unset"}) if op in _WITHOUT_VALUE else _moment(path, op, value)
    filled = Q(**{f"{path}__gt": ""})
    if op in {"set", "unset"}:
        return filled if op == "set" else ~filled
    if op in {"lacks", "isnt"}:
        return ~Q(**{f"{path}__{_LOOKUPS['contains' if op == 'lacks' else 'is']}": value})
    return Q(**{f"{path}__{_LOOKUPS[op]}": value})


def _moment(path: str, op: str, value: str) -> Q:
    if op in {"newer", "older"}:
        found = Q(**{f"{path}__{'gte' if op == 'newer' else 'lt'}": timezone.now() - _span(value)})
    else:
        begin = timezone.make_aware(datetime.combine(date.fromisoformat(value), time()), home_zone())
        found = Q(**{f"{path}__{'gte' if op == 'from' else 'lt'}": begin})
    return found & _LIVE if path == "waiting_since" else found


def _span(text: str) -> timedelta:
    match = _SPAN.match(text)
    assert match is not None  # checked when it was written
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _value(path: str, op: str, value: Any) -> Q:
    """A custom field: JSON, where nothing at all is neither this nor that."""
    absent = Q(**{f"{path}__isnull": True})
    match op:
        case "set" | "unset":
            return absent if op == "unset" else Q(**{f"{path}__isnull": False})
        case "yes" | "no":
            ticked = Q(**{f"{path}__exact": True})
            return ticked if op == "yes" else absent | ~ticked
        case "any" | "none":
            found = Q(**{f"{path}__in": value})
            return found if op == "any" else absent | ~found
        case "lacks" | "isnt":
            return absent | ~Q(**{f"{path}__{'icontains' if op == 'lacks' else 'iexact'}": value})
        case "newer" | "older":
            day = (timezone.localdate(timezone=home_zone()) - _span(value)).isoformat()
            return Q(**{f"{path}__{'gte' if op == 'newer' else 'lt'}": day})
    return Q(**{f"{path}__{_JSON_LOOKUPS[op]}": value})


_JSON_LOOKUPS = {
    "contains": "icontains", "is": "iexact", "equals": "exact", "least": "gte", "most": "lte", "on": "exact", "from": "gte",
    "before": "lt",
}  # fmt: skip
KINDS_OF_TYPES: dict[str, str] = {
    FieldType.TEXT: "text", FieldType.NUMBER: "number", FieldType.DATE: "date", FieldType.CHECKBOX: "flag",
    FieldType.CHOICE: "choice", FieldType.LINK: "text",
}  # fmt: skip


# ---- What can be asked -----------------------------------------------------------------------------------------------


def fixed_fields() -> list[Field]:
    """Those that need no look at the database."""
    texts = {
        "subject": _("Subject"), "contact_name": _("Customer’s name"), "contact_email": _("Customer’s e-mail"),
        "contact_phone": _("Customer’s phone"), "contact_language": _("Customer’s language"), "company": _("Company"),
    }  # fmt: skip
    moments = {
        "created": _("Created"), "activity": _("Last activity"), "waiting": _("Customer waits since"), "solved": _("Solved on"),
    }  # fmt: skip
    flags = {
        "unanswered": _("Customer waits for us"), "snoozed": _("Snoozed"), "spam": _("Spam"),
        "merged": _("Merged into another"),
        "handed_over": _("Handed over by the assistant"), "assistant_replied": _("The assistant replied"),
        "human_replied": _("A person replied"), "reopened": _("Was reopened"), "incident": _("Belongs to an incident"),
    }  # fmt: skip
    return [
        *(Field(key, label, "text") for key, label in texts.items()),
        *(Field(key, label, "moment") for key, label in moments.items()),
        *(Field(key, label, "flag") for key, label in flags.items()),
    ]


def status_options() -> tuple[tuple[str, str], ...]:
    named = [(one.key, f"{one.get_category_display()}: {one.name}") for one in CustomStatus.objects.all()]
    return (*((value, str(label)) for value, label in Status.choices), *named)


def tag_options() -> tuple[tuple[str, str], ...]:
    return tuple((str(tag.pk), tag.name) for tag in Tag.objects.all())
