"""How VK brings the events of a community: Callback API servers that must confirm themselves, or long polling."""

import itertools
import json
import time
from collections.abc import Callable
from threading import Condition
from typing import Any

import httpx

from tests.standins.server import StandIn
from tests.standins.vk_rules import Refused

GROUP = 228800551
CODE = "c0nf1rm7"
_RIGHTS = {"manage": 262144, "messages": 4096, "photos": 4, "docs": 131072}


class CallbackServers(StandIn):
    """`connect_to`: where servers are called, whatever their host; empty: nobody is asked for the confirmation string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connect_to = ""
        self.code = CODE
        self.rights = dict(_RIGHTS)
        self.servers: dict[int, dict[str, Any]] = {}
        self.settings: dict[int, dict[str, str]] = {}
        self.polling: dict[str, str] = {}
        # What the next polls get instead of events.
        self.failed: list[dict[str, Any]] = []
        self._numbers = itertools.count(7141)
        self._places = itertools.count(1)
        self._events: list[tuple[int, dict[str, Any]]] = []
        self._keys: set[str] = set()
        self._news = Condition()

    @property
    def server_routes(self) -> dict[str, Callable[[dict[str, str]], Any]]:
        return {
            "groups.getById": lambda form: {
                "groups": [{"id": GROUP, "name": "Омни Магазин", "screen_name": "omni_shop"}]
            },
            "groups.getTokenPermissions": self._permissions,
            "groups.getCallbackConfirmationCode": lambda form: {"code": self.code},
            "groups.getCallbackServers": lambda form: {
                "count": len(self.servers),
                "items": list(self.servers.values()),
            },
            "groups.addCallbackServer": self._add_server,
            "groups.editCallbackServer": self._edit_server,
            "groups.deleteCallbackServer": lambda form: 1 if self.servers.pop(int(form["server_id"]), None) else 0,
            "groups.setCallbackSettings": self._set_server,
            "groups.getCallbackSettings": self._server_settings,
            "groups.setLongPollSettings": self._set_polling,
            "groups.getLongPollServer": self._poll_server,
        }

    def deliver(self, event: dict[str, Any], **headers: str) -> list[httpx.Response]:
        """To every confirmed server, else into the queue of polling."""
        if not self.servers:
            with self._news:
                self._events.append((next(self._places), event))
                self._news.notify_all()
            return []
        wanted = [server for id, server in self.servers.items() if self.settings.get(id, {}).get(event["type"]) == "1"]
        return [self._post(server, event, headers) for server in wanted if server["status"] == "ok"]

    def _post(self, server: dict[str, Any], event: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        url = httpx.URL(server["url"])
        body = json.dumps({**event, "secret": server["secret_key"]}, ensure_ascii=False).encode()
        sent = {"Host": url.netloc.decode(), "Content-Type": "application/json", **headers}
        return httpx.post(
            f"{self.connect_to}{url.path}" if self.connect_to else url, content=body, headers=sent, timeout=30
        )

    def _permissions(self, form: dict[str, str]) -> dict[str, Any]:
        rows = [{"name": name, "setting": mask} for name, mask in self.rights.items()]
        return {"mask": sum(self.rights.values()), "permissions": rows}

    def _add_server(self, form: dict[str, str]) -> dict[str, Any]:
        if len(self.servers) >= 10:
            raise Refused(2000, "Cannot add more than 10 servers")
        id = max(self.servers, default=0) + 1
        self.servers[id] = {"id": id, "creator_id": 1, "status": "unconfigured"}
        self._edit_server({**form, "server_id": str(id)})
        return {"server_id": id}

    def _edit_server(self, form: dict[str, str]) -> int:
        if not (1 <= len(form["title"]) <= 14 and len(form.get("secret_key", "")) <= 50):
            raise Refused(
                100, "One of the parameters specified was missing or invalid: title or secret_key is too long"
            )
        server = self.servers[int(form["server_id"])]
        server |= {name: form.get(name, "") for name in ("url", "title", "secret_key")}
        confirmed = self.connect_to == "" or self.asks_who(server).text == self.code
        server["status"] = "ok" if confirmed else "failed"
        return 1

    def asks_who(self, server: dict[str, Any]) -> httpx.Response:
        return self._post(server, {"type": "confirmation", "group_id": GROUP}, {})

    def _set_server(self, form: dict[str, str]) -> int:
        self.settings[int(form["server_id"])] = form
        return 1

    def _server_settings(self, form: dict[str, str]) -> dict[str, Any]:
        stored = self.settings.get(int(form["server_id"]), {})
        return {
            "api_version": "5.199",
            "events": {name: int(value) for name, value in stored.items() if value in {"0", "1"}},
        }

    def _set_polling(self, form: dict[str, str]) -> int:
        self.polling = form
        return 1

    def _poll_server(self, form: dict[str, str]) -> dict[str, Any]:
        if self.polling.get("enabled") != "1":
            raise Refused(
                100, "One of the parameters specified was missing or invalid: longpoll for this group is not enabled"
            )
        key = f"key{next(self._numbers)}"
        self._keys.add(key)
        newest = self._events[-1][0] if self._events else 0
        return {"key": key, "server": f"{self.url}/lp", "ts": str(newest)}

    def poll(self, query: dict[str, str]) -> dict[str, Any]:
        if self.failed:
            return self.failed.pop(0)
        if query.get("key") not in self._keys:
            return {"failed": 2}
        after, deadline = int(query["ts"]), time.monotonic() + min(int(query["wait"]), 2)
        with self._news:
            while True:
                batch = [(place, event) for place, event in self._events if place > after]
                left = deadline - time.monotonic()
                if batch or left <= 0:
                    return {"ts": str(batch[-1][0] if batch else after), "updates": [event for _place, event in batch]}
                self._news.wait(left)
