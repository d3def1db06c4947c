"""Where VK brings the events of a community: a Callback API server of ours among its ten, or long polling."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from channels_app.base import TransportError
from channels_app.parts import items, mapping, number, read, words
from channels_app.vk.client import VERSION, Refusal
from channels_app.vk.incoming import EVENT_TYPES
from channels_app.vk.payloads import Server

# VK takes fourteen characters.
_TITLE = "OmniSupport"
_NO_ROOM = 2000

Ask = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Servers:
    """Of one community. `url` and `secret` are what ours should have; `ask` calls a method of VK."""

    ask: Ask
    group_id: str
    url: str
    secret: str

    def subscribe(self) -> str:
        """Has the events brought to our address, by a server that is there already where one is ours. Returns its status."""
        ours = self._ours()
        current = next((server for server in ours if server.url == self.url), ours[0] if ours else None)
        if current is None:
            server_id = self._add()
        else:
            server_id = current.id
            if not self._is_well(current):
                # VK asks the address for the confirmation string again.
                self.ask("groups.editCallbackServer", {**self._wish, "server_id": server_id})
        self._drop(server for server in ours if server.id != server_id)
        self.ask("groups.setCallbackSettings", {**self._events, "server_id": server_id})
        return next((server.status for server in self._ours() if server.id == server_id), "")

    def is_well(self) -> bool:
        """Whether VK calls us, with all events."""
        server = next((server for server in self._ours() if server.url == self.url), None)
        if server is None or not self._is_well(server):
            return False
        settings = mapping(self.ask("groups.getCallbackSettings", {"group_id": self.group_id, "server_id": server.id}))
        events = mapping(settings.get("events"))
        return all(number(events.get(name)) or events.get(name) is True for name in EVENT_TYPES)

    def unsubscribe(self) -> None:
        self._drop(self._ours())

    def poll_instead(self) -> None:
        """Both ways at once would bring everything twice, and an address that nobody answers is only in the way."""
        self.unsubscribe()
        self.ask("groups.setLongPollSettings", {**self._events, "enabled": 1})

    @property
    def _wish(self) -> dict[str, Any]:
        return {"group_id": self.group_id, "url": self.url, "title": _TITLE, "secret_key": self.secret}

    @property
    def _events(self) -> dict[str, Any]:
        return {"group_id": self.group_id, "api_version": VERSION, **dict.fromkeys(EVENT_TYPES, 1)}

    def _is_well(self, server: Server) -> bool:
        # To some VK does not show the secret.
        return server.url == self.url and server.status == "ok" and server.secret_key in {"", self.secret}

    def _ours(self) -> list[Server]:
        rows = items(mapping(self.ask("groups.getCallbackServers", {"group_id": self.group_id})).get("items"))
        servers = [server for server in (read(Server, row) for row in rows) if server is not None and server.id]
        return [server for server in servers if self._is_ours(server.url)]

    def _is_ours(self, url: str) -> bool:
        """Of this channel under any name that the installation had, or of an earlier channel of this workspace."""
        try:
            given, own = urlsplit(url), urlsplit(self.url)
        except ValueError:
            return False
        folder = own.path.rstrip("/").rpartition("/")[0] + "/"
        return given.path == own.path or (given.netloc == own.netloc and given.path.startswith(folder))

    def _add(self) -> int:
        try:
            return number(mapping(self.ask("groups.addCallbackServer", self._wish)).get("server_id"))
        except Refusal as error:
            if error.code == _NO_ROOM:
                reason = _(
                    "This community has ten Callback API servers, and VK takes no more. Remove one, then connect again."
                )
                raise TransportError(reason, permanent=True, breaks_channel=True) from None
            raise

    def _drop(self, servers: Any) -> None:
        for server in servers:
            self.ask("groups.deleteCallbackServer", {"group_id": self.group_id, "server_id": server.id})


def confirmation_code(ask: Ask, group_id: str) -> str:
    """The one that belongs to servers made by API; the page of the community shows another."""
    return words(mapping(ask("groups.getCallbackConfirmationCode", {"group_id": group_id})).get("code"))
