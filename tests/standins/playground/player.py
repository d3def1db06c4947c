"""What turns a stand-in into something to play with: faults on demand, and customers for whom a page speaks."""

import itertools
import json
import os
import time
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Event, Timer
from typing import Any

import httpx

from tests.standins.server import Answer, Request

FAULTS = ("429", "500", "timeout", "lost")
PAUSE = 5
_STATES = ("", "delivered", "read")
_NAMES = ("Марина", "Олег Дёмин", "Тимур Ахметов", "Жанна Рахимова", "Grace Lowe", "Kofi Mensah")


class News:
    """Wakes the pages that wait for something new."""

    def __init__(self) -> None:
        self.version = int(time.time())
        self._changed = Condition()

    def tell(self) -> None:
        with self._changed:
            self.version += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.version != seen, seconds)


class Faulty:
    """Stands before a StandIn. `sends`: parts of the paths that faults are for; the rest, such as polling, goes on."""

    kind = title = ""
    sends: tuple[str, ...] = ()

    def __init__(self, news: News, **options: Any) -> None:
        super().__init__(**options)
        self.news = news
        self.faults: deque[str] = deque()
        self.ended = Event()
        # A run of days must not keep every poll.
        self.requests = deque(maxlen=100)

    # -- what subclasses say

    @property
    def environment(self) -> dict[str, str]:
        """What the product must be told to come here."""
        raise NotImplementedError

    def too_many(self) -> Answer:
        raise NotImplementedError

    # -- what the page does

    def plan(self, fault: str, count: int) -> None:
        """The next `count` sends fail so; none at all clears the plan."""
        assert fault in FAULTS and 0 <= count <= 100, "There is no such fault."
        self.faults.extend([fault] * count) if count else self.faults.clear()
        self.news.tell()

    def view(self) -> dict[str, Any]:
        return {"kind": self.kind, "title": self.title, "faults": list(self.faults)}

    def handle(self, request: Request) -> Answer:
        try:
            if not any(part in request.path for part in self.sends) or not self.faults:
                return super().handle(request)
            return self._fail(self.faults.popleft(), request)
        except Exception:
            traceback.print_exc()
            raise

    def _fail(self, fault: str, request: Request) -> Answer:
        self.news.tell()
        print(f"{self.kind}: {fault} for {request.path.rpartition('/')[2]}", flush=True)
        if fault == "429":
            return self.too_many()
        if fault == "500":
            return Answer(500, html="<h1>Internal Server Error</h1>")
        if fault == "timeout":
            self.ended.wait(100)
        else:
            super().handle(request)
        return Answer(raw=())


@dataclass
class File:
    name: str
    mime: str
    body: bytes

    @property
    def is_image(self) -> bool:
        return self.mime in {"image/jpeg", "image/png"}


@dataclass
class Line:
    """`mine`: the customer's. `event`: what the messenger needs to edit it."""

    id: str
    text: str
    mine: bool
    files: list[str] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)
    edited: bool = False
    state: str = ""
    at: float = field(default_factory=time.time)
    event: Any = None


@dataclass
class Chat:
    id: str
    name: str
    lines: list[Line] = field(default_factory=list)
    blocked: bool = False
    receipts: str = "delivered"
    typing_until: float = 0.0

    def line(self, id: str) -> Line | None:
        return next((line for line in reversed(self.lines) if line.id == id), None)


class Player(Faulty):
    """A messenger. Subclasses write `address`, `post` and `play_press`; where the messenger has it, `play_start`, `play_edit`,
    `play_block` and `tell_state`. `channel`: config and secrets of a channel that comes here."""

    channel: dict[str, Any] = {}

    def __init__(self, news: News, **options: Any) -> None:
        super().__init__(news, **options)
        self.chats: dict[str, Chat] = {}
        self.shelf: dict[str, File] = {}
        host = os.environ.get("LISTEN_HOST", "").replace("0.0.0.0", "") or "127.0.0.1"
        self.web = f"http://{host}:{os.environ.get('PORT', '8000')}"
        self._strangers = itertools.count(int(time.time()) % 10**7)
        self.play_new()

    def address(self, number: int) -> str:
        raise NotImplementedError

    def post(self, chat: Chat, text: str, file: File | None) -> tuple[str, Any]:
        """Says it to the product: the message's id and what `play_edit` needs."""
        raise NotImplementedError

    @property
    def offers(self) -> list[str]:
        verbs = [name for name in ("start", "edit", "block") if hasattr(self, f"play_{name}")]
        return [*verbs, "receipts"] if hasattr(self, "tell_state") else verbs

    # -- the customer's side

    def play_new(self) -> None:
        """The first one comes back in every run; the others are strangers to the product."""
        number = next(self._strangers) if self.chats else 0
        self._welcome(self.address(number), _NAMES[len(self.chats) % len(_NAMES)])

    def play_say(self, chat: Chat, text: str) -> None:
        self.said(chat, text)

    def play_receipts(self, chat: Chat, state: str) -> None:
        assert state in _STATES
        chat.receipts = state
        self._settle(chat)

    def said(self, chat: Chat, text: str, file: File | None = None) -> None:
        id, event = self.post(chat, text, file)
        chat.lines.append(Line(id, text, True, self._keep([file] if file else []), event=event))

    # -- what the product does

    def came(
        self, chat_id: str, id: str, text: str, files: Sequence[File] = (), buttons: Sequence[dict[str, str]] = ()
    ) -> None:
        chat = self.chats.get(chat_id) or self._welcome(chat_id, chat_id)
        chat.typing_until = 0
        chat.lines.append(Line(id, text, False, self._keep(files), list(buttons)))
        self.news.tell()
        # The product must have stored the id before anybody reports on it.
        Timer(0.5, self._settle, (chat,)).start()

    def changed(self, chat_id: str, id: str, text: str) -> None:
        chat = self.chats.get(chat_id)
        line = chat.line(id) if chat else None
        if line:
            line.text, line.edited = text, True
            self.news.tell()

    def typing(self, chat_id: str) -> None:
        if chat := self.chats.get(chat_id):
            chat.typing_until = time.time() + 5
            self.news.tell()

    def seen(self, chat_id: str) -> None:
        """The support has read what the customer wrote."""
        if chat := self.chats.get(chat_id):
            for line in chat.lines:
                line.state = "read" if line.mine else line.state
            self.news.tell()

    # -- inside

    def view(self) -> dict[str, Any]:
        return {**super().view(), "offers": self.offers, "chats": [self._view(chat) for chat in self.chats.values()]}

    def _view(self, chat: Chat) -> dict[str, Any]:
        files = {key: self.shelf[key] for line in chat.lines for key in line.files}
        lines = [{"id": line.id, "text": line.text, "mine": line.mine, "buttons": line.buttons, "edited": line.edited,
                  "state": line.state, "at": line.at,
                  "files": [{"key": key, "name": files[key].name, "image": files[key].is_image} for key in line.files],
                  } for line in list(chat.lines)]  # fmt: skip
        return {"id": chat.id, "name": chat.name, "blocked": chat.blocked, "receipts": chat.receipts, "lines": lines,
                "typing": chat.typing_until > time.time()}  # fmt: skip

    def _welcome(self, id: str, name: str) -> Chat:
        chat = self.chats[id] = Chat(id, name)
        self.news.tell()
        return chat

    def _keep(self, files: Sequence[File]) -> list[str]:
        keys = [str(len(self.shelf) + number) for number in range(len(files))]
        self.shelf.update(zip(keys, files, strict=True))
        return keys

    def _settle(self, chat: Chat) -> None:
        """Reports on every line of the product as far as the chat's switch says."""
        if "receipts" not in self.offers:
            return
        for line in chat.lines:
            if line.mine:
                continue
            for state in _STATES[_STATES.index(line.state) + 1 : _STATES.index(chat.receipts) + 1]:
                self.tell_state(chat, line, state)
                line.state = state
        self.news.tell()


class Called(Player):
    """A messenger that knows no polling: the seed of the playground wrote down where it must call."""

    @property
    def webhook(self) -> str:
        path = Path(os.environ["DATA_DIR"]) / "playground.json"
        if self._webhook or not path.is_file():
            return self._webhook
        url = json.loads(path.read_text(encoding="utf-8")).get(self.kind, "")
        # The run may have moved to another port since.
        return str(httpx.URL(url).copy_with(port=httpx.URL(self.web).port)) if url else ""

    @webhook.setter
    def webhook(self, url: str) -> None:
        self._webhook = url


def check(*answers: httpx.Response | None) -> None:
    for answer in filter(None, answers):
        assert answer.status_code < 300, f"{answer.status_code} {answer.text[:200]}"
