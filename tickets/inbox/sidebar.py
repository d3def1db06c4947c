"""Views beside the built-in ones: those that people made, and one for each team and channel, with how much is open in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from tenants.accounts.models import User
from tickets import queries
from tickets.conditions import stored_conditions
from tickets.counting import MOST, Asked, bounded_counts
from tickets.models import SavedView, Sort, Team
from tickets.queries import Selection
from tickets.rights import sees_all, visible_to
from tickets.services.views import may_change


@dataclass(frozen=True)
class Entry:
    name: str
    title: str
    count: int = 0
    # Of one that this person may change.
    edit_id: int | None = None

    @property
    def shown_count(self) -> str:
        return "" if not self.count else str(self.count) if self.count < MOST else f"{MOST - 1}+"


@dataclass(frozen=True)
class Section:
    name: str
    title: str
    entries: tuple[Entry, ...]


def sections(viewer: User, seq: int, teams: Sequence[Team], channels: Sequence[Any]) -> tuple[list[Section], bool]:
    """And whether a count among them is behind the event log, so that the screen should ask again soon."""
    saved = queries.saved_views(viewer)
    places = [(f"t{team.pk}", team.name) for team in teams] + [(f"c{channel.id}", channel.name) for channel in channels]
    asked = [_asked_saved(view, viewer) for view in saved] + [_asked_place(name, viewer) for name, _title in places]
    counts, late = bounded_counts(asked, seq)

    def entries(prefix: str) -> tuple[Entry, ...]:
        return tuple(Entry(name, title, counts[name]) for name, title in places if name.startswith(prefix))

    own = tuple(
        Entry(view.key, view.name, counts[view.key], view.pk if may_change(view, viewer) else None) for view in saved
    )
    found = [
        Section("saved", _("Saved views"), own),
        Section("teams", _("Teams"), entries("t")),
        # One channel alone would only repeat what is open.
        Section("channels", _("Channels"), entries("c") if len(channels) > 1 else ()),
    ]
    return [section for section in found if section.entries or section.name == "saved"], late


def _asked_saved(view: SavedView, viewer: User) -> Asked:
    everybodys = sees_all(viewer) and not stored_conditions(view.conditions).depend_on_viewer
    query = queries.view_query(Selection(viewer, view.key, saved=view)) & visible_to(viewer)
    return Asked(view.key, query, str(view.updated_at.timestamp()), None if everybodys else viewer.id)


def _asked_place(name: str, viewer: User) -> Asked:
    query = queries.view_query(Selection(viewer, name)) & visible_to(viewer)
    return Asked(name, query, viewer_id=None if sees_all(viewer) else viewer.id)


def title_of(selection: Selection, found: list[Section]) -> str:
    """The name of a view that is not built in."""
    entries = {entry.name: entry.title for section in found for entry in section.entries}
    return entries.get(selection.view, "")


# Nobody waits in these, and nothing in them is urgent any more.
_ARCHIVE = {"solved", "closed", "spam"}


def sort_choices(selection: Selection) -> list[tuple[str, str, bool]]:
    """(value, label, chosen); the view's own order has no value, so that the address stays short."""
    sorts = [Sort.ACTIVITY, Sort.CREATED] if selection.view in _ARCHIVE else list(Sort)
    return [
        (
            "" if sort == selection.own_sort else sort.value,
            str(sort.label),
            sort == (selection.sort or selection.own_sort),
        )
        for sort in sorts
    ]
