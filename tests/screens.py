"""Every page that people see and the ways to it: tests/screenshots.py makes pictures of them, tests/e2e/test_accessible.py lets
axe look at them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from playwright.sync_api import Page


class Who(StrEnum):
    """Who looks at it. The operator sits at the platform's host."""

    AGENT = "agent"
    MASKED = "masked"  # an agent who may not see phones and addresses
    ADMIN = "admin"
    VISITOR = "visitor"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Screen:
    """`steps`: what is done once the page stands there, as (what, where, with what) of a locator; the first match is meant.

    `waits`: what must be seen before it is complete. `is_window`: pictured as the window shows it, not from top to bottom.
    """

    name: str
    title: str
    path: str
    who: Who = Who.ADMIN
    steps: tuple[tuple[str, ...], ...] = ()
    waits: str = "h1"
    is_window: bool = False
    sizes: tuple[str, ...] = ("desktop", "phone")

    @property
    def is_of_platform(self) -> bool:
        """At the platform's host, not a workspace's."""
        return self.name.startswith("platform")


def _inbox(
    name: str,
    title: str,
    *steps: tuple[str, ...],
    waits: str,
    path: str = "/inbox/?view=open",
    sizes: tuple[str, ...] = (),
) -> Screen:
    return Screen(name, title, path, Who.AGENT, steps, waits, is_window=True, sizes=sizes or ("desktop", "phone"))


# Stands for what is searched in a workspace.
WORD = "{word}"
# The socket has said hello: by then the keys work.
_READY = ("wait_for", ".inbox[data-live=yes]")
_TALK = "#thread > .item"
_OPEN = (_READY, ("click", "#rows > .ticket a"), ("wait_for", _TALK))
# Another one than in the other pictures: it gets a draft.
_ANOTHER = (_READY, ("click", "#rows > .ticket:last-child a"), ("wait_for", _TALK), ("fill", "#text", ""))
_SOUGHT = (("fill", "input[type=search]", WORD), ("press", "input[type=search]", "Enter"))
_FIRST = ("click", "main table a")
_FIRST_SET = ("click", "#result_list tbody th a")
_PICK = (("press", ":root", "j"), ("press", ":root", "x"))
# A press finds its element from wherever the focus is.
_HERE = ":root"

GROUPS: dict[str, tuple[Screen, ...]] = {
    "The inbox": (
        _inbox("inbox", "The list", waits="#rows > .ticket"),
        _inbox("conversation", "A conversation", *_OPEN, waits=_TALK),
        _inbox("details", "Beside the conversation", *_OPEN, ("click", "#details-toggle"), waits="#details", sizes=("phone",)),
        _inbox("note", "A note to colleagues", *_OPEN, ("press", _HERE, "n"), waits="#composer"),
        _inbox("search", "Search", _READY, ("fill", "#q", WORD), waits="#rows mark"),
        _inbox("view-empty", "An empty view", waits=".list__empty .empty", path="/inbox/?view=spam"),
        _inbox("palette", "The command palette", *_OPEN, ("press", _HERE, "Control+k"), waits="#palette:popover-open"),
        _inbox("keys", "The sheet of keys", _READY, ("press", _HERE, "Shift+Slash"), waits="#keys[open]"),
        _inbox("assistant-menu", "Help of the assistant", *_OPEN, ("click", "#aids > summary"), waits="#aids button"),
        _inbox("macro-menu", "Choosing a macro", *_ANOTHER, ("click", "#macros"), waits="[role=listbox] [role=option]"),
        _inbox("snooze", "Putting off", *_OPEN, ("click", "#snooze"), waits="#dialog[open] form"),
        _inbox("merge", "Merging two conversations", *_OPEN, ("press", _HERE, "m"), waits="#dialog[open] form"),
        _inbox("bulk", "Several at once", _READY, *_PICK, *_PICK, waits="#bulk:not([hidden])", sizes=("desktop",)),
        Screen("view-editor", "The editor of a view", "/inbox/views/new/", Who.AGENT),
        Screen("macros", "Macros", "/inbox/macros/"),
        Screen("macro", "The editor of a macro", "/inbox/macros/", steps=(_FIRST,), waits="form textarea"),
        Screen("incidents", "Incidents", "/inbox/incidents/"),
        Screen("incident", "An incident", "/inbox/incidents/", steps=(_FIRST,), waits="main form textarea"),
        Screen("notices", "Notices", "/notices/", Who.AGENT),
        Screen("notice-settings", "What to be told of", "/notices/settings/", Who.AGENT),
    ),
    "Customers": (
        Screen("contacts", "Contacts", "/contacts/"),
        Screen("contact", "A contact", "/contacts/", steps=(_FIRST,), waits="#profile"),
        Screen("contact-merge", "Merging two contacts", "/contacts/", steps=(_FIRST, ("click", "main a[href$='/merge/']"))),
        Screen("contact-erase", "Erasing a person", "/contacts/", steps=(_FIRST, ("click", "main a[href$='/erase/']"))),
        Screen("companies", "Companies", "/companies/"),
        Screen("company", "A company", "/companies/", steps=(_FIRST,)),
        Screen("contacts-import", "Import", "/contacts/import/"),
    ),
    "For who may not see phones and addresses": (
        Screen("masked-conversation", "A conversation, masked", "/inbox/?view=open", Who.MASKED, _OPEN, _TALK, is_window=True),
        Screen("masked-contacts", "Contacts, masked", "/contacts/", Who.MASKED),
        Screen("masked-contact", "A contact, masked", "/contacts/", Who.MASKED, (_FIRST,), "#profile"),
    ),
    "The assistant": (
        Screen("playground", "Playground", "/assistant/playground/"),
        Screen("answers", "Answers", "/assistant/answers/"),
        Screen("aids", "Help for agents", "/assistant/aids/"),
        Screen("unanswered", "Unanswered questions", "/assistant/unanswered/"),
        Screen("test-questions", "Test questions", "/assistant/tests/"),
        Screen("custom-answers", "Custom answers", "/assistant/custom/"),
        Screen("learned", "Learned answers", "/assistant/learned/"),
        Screen("hours", "Working hours", "/assistant/hours/"),
        Screen("search-settings", "Search settings", "/assistant/search/"),
        Screen("topics", "Forbidden topics", "/assistant/topics/"),
        Screen("tools", "Tools", "/assistant/tools/"),
        Screen("assistant-settings", "Settings of the assistant", "/assistant/settings/"),
        Screen("documents", "Documents", "/knowledge/"),
        Screen("articles", "Articles of the help centre", "/admin/help_centre/article/"),
    ),
    "The workspace": (
        Screen("dashboard", "Figures", "/dashboard/?days=7"),
        Screen("channels", "Channels", "/channels/"),
        Screen("channel", "A channel", "/channels/", steps=(_FIRST,)),
        Screen("channel-add", "Setting up Telegram", "/channels/add/telegram/"),
        Screen("people", "People", "/team/"),
        Screen("me", "One's own profile", "/accounts/me/", Who.AGENT),
        Screen("settings", "Settings", "/admin/"),
        Screen("settings-list", "A list in the settings", "/admin/accounts/user/"),
        Screen("settings-form", "A form in the settings", "/admin/tickets/team/add/"),
        Screen("not-found", "No such page", "/nothing/"),
        Screen("forbidden", "A page for others", "/assistant/settings/", Who.AGENT),
    ),
    "For customers": (
        Screen("login", "The way in", "/accounts/login/", Who.VISITOR),
        Screen("help", "The help centre", "/help/", Who.VISITOR),
        Screen("help-article", "An article", "/help/", Who.VISITOR, steps=(("click", "main .shelf li a"),)),
        Screen("help-search", "Search in the help centre", "/help/", Who.VISITOR, steps=_SOUGHT),
    ),
    "The platform": (
        Screen("platform", "The front page", "/", Who.VISITOR),
        Screen("platform-login", "The operators' way in", "/admin/login/", Who.VISITOR),
        Screen("platform-admin", "The operators' front", "/admin/", Who.OPERATOR),
        Screen("platform-workspaces", "Workspaces", "/admin/tenants/tenant/", Who.OPERATOR),
        Screen("platform-workspace", "A workspace", "/admin/tenants/tenant/", Who.OPERATOR, (_FIRST_SET,), "main form"),
        Screen("platform-workspace-add", "A new workspace", "/admin/tenants/tenant/add/", Who.OPERATOR),
        Screen("platform-hosts", "Hosts of workspaces", "/admin/tenants/domain/", Who.OPERATOR),
        Screen("platform-operators", "Operators", "/admin/accounts/user/", Who.OPERATOR),
        Screen("platform-operator-add", "A new operator", "/admin/accounts/user/add/", Who.OPERATOR),
    ),
}  # fmt: skip


def screens(*people: Who) -> Iterator[Screen]:
    return (screen for group in GROUPS.values() for screen in group if screen.who in people)


def arrive(page: Page, host: str, screen: Screen, word: str) -> None:
    """Opens it and waits until it is complete; `word` is what is searched."""
    page.goto(host + screen.path)
    for what, where, *value in screen.steps:
        getattr(page.locator(where).first, what)(*(part.format(word=word) for part in value))
        page.wait_for_load_state()
    page.locator(screen.waits).first.wait_for()
