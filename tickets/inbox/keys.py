"""The keys of the inbox: one table. The cheat sheet is drawn from it, and the page's script reads its bindings out of that
sheet (static/src/inbox/keys.ts); the palette lists the same lines. So none of them can say what another does not do.

Letters are places on the keyboard (`event.code`), so that they work in every layout. `does` is either a word that the script
knows, or what happens to an element of the page: `press`, `choose` or `focus` and its selector; without the element a key does
nothing. `does` also names the line where a person has chosen another key for it (User.keys).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.errors import Conflict, InvalidInput

# What a key is called on the sheet, where that is not its letter.
_SIGNS = {
    "$mod": "Ctrl", "BracketLeft": "[", "BracketRight": "]", "Slash": "/", "?": "?", "Escape": "Esc", "ArrowDown": "↓",
    "ArrowUp": "↑",
}  # fmt: skip


@dataclass(frozen=True)
class Key:
    """`keys`: ways to press it, with `|` between them; a space means one after another, a plus together. Of signs that lie
    elsewhere in other layouts only the first way is shown."""

    keys: str
    does: str
    title: Any
    # Where else than outside of all fields: "fields" (in any), "text" (in the composer's too), "only" (nowhere but there).
    where: str = ""
    # Not as in the table below, but as its reader has chosen.
    is_chosen: bool = False

    @property
    def is_fixed(self) -> bool:
        """What the browser does by itself, and the way out of everything."""
        return self.does in {"native", "back"}

    @property
    def shown(self) -> list[list[str]]:
        """The first way, as strokes of caps."""
        first = self.keys.split("|")[0]
        return [[_cap(part) for part in stroke.split("+")] for stroke in first.split(" ")]


def _cap(part: str) -> str:
    return _SIGNS.get(part, part.removeprefix("Key").removeprefix("Digit"))


@dataclass(frozen=True)
class KeyGroup:
    title: Any
    keys: tuple[Key, ...]


KEYS = (
    KeyGroup(
        _("Anywhere"),
        (
            Key("$mod+KeyK", "palette", _("find a command, a conversation, a person"), "fields"),
            Key("Slash|/|Shift+/", "search", _("search")),
            Key("KeyG KeyI", "press .nav__item[href='/inbox/']", _("to the inbox")),
            Key("KeyG KeyM", "press #view-mine", _("to what is mine")),
            Key("KeyG KeyU", "press #view-unassigned", _("to what nobody has")),
            Key("KeyG KeyR", "press .nav__item[href='/dashboard/']", _("to the figures")),
            Key("KeyG KeyS", "press .nav__item[href='/admin/']", _("to the settings")),
            Key("Escape", "back", _("one step back: out of the text, the details, the conversation"), "fields"),
            Key("?|Shift+?|Shift+Slash", "help", _("this list")),
        ),
    ),
    KeyGroup(
        _("In the list"),
        (
            Key("KeyJ|ArrowDown", "next", _("next conversation")),
            Key("KeyK|ArrowUp", "previous", _("previous conversation")),
            Key("Enter", "native", _("open it")),
            Key("KeyX", "select", _("select it")),
            Key("Shift+KeyX", "select-range", _("select up to here")),
            Key("$mod+KeyA", "select-all", _("select all of this view")),
        ),
    ),
    KeyGroup(
        _("In a conversation"),
        (
            Key("KeyR", "reply", _("reply")),
            Key("KeyN", "note", _("write a note")),
            Key("KeyA", "choose #fact-assignee", _("choose who has it")),
            Key("KeyI", "press #take", _("take it")),
            Key("KeyL", "choose #fact-tags", _("change its tags")),
            Key("KeyP", "choose #fact-priority", _("change its priority")),
            Key("KeyZ", "press #snooze", _("put it off")),
            Key("KeyE", "press #solve", _("solve it")),
            Key("Shift+KeyE", "solve-next", _("solve it and open the next one")),
            Key("KeyO", "press #reopen", _("reopen it")),
            Key("KeyM", "press #merge", _("merge it with another")),
            Key("KeyF", "press #find", _("search in it")),
            Key("KeyT", "press #aid-translation", _("translate the last message")),
            Key("KeyS", "press #aid-summary", _("sum it up")),
            Key("BracketLeft", "open-previous", _("open the previous one")),
            Key("BracketRight", "open-next", _("open the next one")),
            Key("$mod+KeyZ", "unsend", _("take the last reply back before it leaves"), "text"),
        ),
    ),
    KeyGroup(
        _("While writing"),
        (
            Key("$mod+Enter", "press #send", _("send"), "only"),
            Key("$mod+Shift+Enter", "press #send-solve", _("send and solve"), "only"),
            Key("$mod+KeyM", "press #macros", _("macros; or type /"), "only"),
            Key("$mod+Shift+KeyA", "press #files", _("attach files"), "only"),
            Key("$mod+KeyJ", "assistant", _("help of the assistant"), "only"),
            Key("$mod+Shift+KeyJ", "press #suggestion-insert", _("take the suggested reply"), "only"),
            Key("$mod+KeyB", "press #format-bold", _("bold"), "only"),
            Key("$mod+KeyI", "press #format-italic", _("italic"), "only"),
        ),
    ),
)

# ---- A person's own ---------------------------------------------------------------------------------------------------

_STROKE = re.compile(
    r"(?P<mod>\$mod\+)?(Alt\+)?(Shift\+)?"
    r"(Key[A-Z]|Digit\d|F([1-9]|1[0-2])|Bracket(Left|Right)|Semicolon|Quote|Comma|Period|Slash|Backslash|Minus|Equal"
    r"|Backquote|Arrow(Up|Down|Left|Right)|Enter)"
)
# Browsers keep these for themselves: a page never hears of them.
_BROWSERS = {f"$mod+{rest}" for rest in ("KeyT", "KeyN", "KeyW", "Shift+KeyT", "Shift+KeyN", "Shift+KeyW")} | {
    "F11",
    "F12",
}
_IN_TEXT = {"text", "only", "fields"}


def keys_of(chosen: Mapping[str, str]) -> tuple[KeyGroup, ...]:
    """The table with what a person has chosen in it."""
    return tuple(replace(group, keys=tuple(_as_chosen(key, chosen) for key in group.keys)) for group in KEYS)


def key_sheet(chosen: Mapping[str, str]) -> SafeString:
    """The drawn table in the language of now. Remembered: it is a fifth of a page, and few people choose keys of their own."""
    return _drawn(get_language() or "", tuple(sorted(chosen.items())))


@lru_cache(maxsize=256)
def _drawn(_language: str, chosen: tuple[tuple[str, str], ...]) -> SafeString:
    return render_to_string("inbox/_key_groups.html", {"key_groups": keys_of(dict(chosen))})


def _as_chosen(key: Key, chosen: Mapping[str, str]) -> Key:
    own = chosen.get(key.does)
    return replace(key, keys=own, is_chosen=True) if own and not key.is_fixed else key


def choose_key(chosen: Mapping[str, str], does: str, keys: str) -> dict[str, str]:
    """What a person has chosen, with this; empty `keys`: as in the table again. Raises InvalidInput, Conflict (it is another
    command's)."""
    table = {key.does: key for group in KEYS for key in group.keys}
    key = table.get(does)
    if key is None or key.is_fixed:
        raise InvalidInput(gettext("This key cannot be changed."), field="does")
    wanted = {name: own for name, own in chosen.items() if name in table and name != does}
    if keys:
        _check_stroke(key, keys)
        wanted[does] = keys
    now = {one.does: one for group in keys_of(wanted) for one in group.keys}
    for other in now.values():
        if other.does != does and _meet(now[does], other):
            raise Conflict(gettext("This key is taken: %(title)s. Choose another.") % {"title": other.title})
    return wanted


def _check_stroke(key: Key, keys: str) -> None:
    match = _STROKE.fullmatch(keys)
    if match is None or keys in _BROWSERS:
        raise InvalidInput(gettext("This key cannot be used: the browser or the system needs it."), field="keys")
    is_written = not match["mod"] and not re.fullmatch(r"F\d+", keys)
    if is_written and key.where in _IN_TEXT:
        raise InvalidInput(gettext("While you write, a letter is a letter: take it together with Ctrl."), field="keys")


def _meet(one: Key, other: Key) -> bool:
    """Whether one press would mean both."""
    if {one.where, other.where} == {"", "only"}:
        return False
    mine, theirs = one.keys.split("|"), other.keys.split("|")
    return any(a == b or _begins(a, b) or _begins(b, a) for a in mine for b in theirs)


def _begins(stroke: str, sequence: str) -> bool:
    return " " not in stroke and sequence.startswith(f"{stroke} ")
