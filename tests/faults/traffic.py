"""What goes on while something breaks: agents reply over the API, customers write to the bot, somebody reads a list."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.faults.ledger import Entry
from tests.faults.scene import Scene
from tests.servers import LiveServer


class Traffic:
    """`step` is for house.Load; `finish` repeats what was not taken, as agents' browsers and Telegram do.

    `calls`: (what, status or 0 for none, seconds).
    """

    def __init__(self, scene: Scene, web: LiveServer) -> None:
        self._scene, self._web = scene, web
        self.chats = [*scene.open_chats(scene.own_app, 10), *scene.open_chats(scene.bot, 10)]
        self._token = scene.shop.token(scene.shop.agent)
        self._number = 0
        self._refused: list[Callable[[], Any]] = []
        self.calls: list[tuple[str, int, float]] = []

    def step(self, number: int) -> None:
        if number % 4 < 2:
            self._reply(self.chats[(number % 4) * 10 + number // 4 % 10])
        elif number % 4 == 2:
            self._customer_writes()
        else:
            self._read()

    def finish(self) -> None:
        for again in self._refused:
            again()
        self._refused.clear()

    def slowest(self) -> float:
        return round(max(seconds for _what, _status, seconds in self.calls), 2)

    def statuses(self, what: str) -> set[int]:
        return {status for name, status, _seconds in self.calls if name == what}

    def _reply(self, chat: str) -> None:
        entry = self._scene.entry(chat)
        if not self._timed(
            "reply", lambda: self._scene.post_over_http(self._web, chat, self._token, entry).status_code
        ):
            self._refused.append(lambda: self._scene.post_over_http(self._web, chat, self._token, entry))

    def _customer_writes(self) -> None:
        self._number += 1
        entry, update = self._scene.update(self._number, str(800 + self._number % 10))
        if not self._timed("webhook", lambda: self._post_once(update, entry)):
            self._refused.append(lambda: self._scene.call_webhook(self._web, update, entry))

    def _post_once(self, update: dict[str, Any], entry: Entry) -> int:
        return self._scene.call_webhook(self._web, update, entry, tries=1)

    def _read(self) -> None:
        self._timed("read", lambda: self._scene.read_tickets(self._web, self._token))

    def _timed(self, what: str, call: Callable[[], int]) -> bool:
        begun, status = time.monotonic(), 0
        with contextlib.suppress(httpx.HTTPError):
            status = call()
        self.calls.append((what, status, time.monotonic() - begun))
        return 200 <= status < 300
