"""The page of the playground and what it asks for. Loopback only; other sites in the same browser cannot speak here."""

import json
import mimetypes
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import httpx

from tests.standins.playground.player import Chat, Faulty, File, News, Player
from tests.standins.server import Answer, Request, StandIn

_HERE = Path(__file__).parent / "page"
_TOKENS = Path(__file__).resolve().parents[3] / "static" / "src" / "tokens.css"
_ASSETS = {"/play.js": _HERE / "play.js", "/play.css": _HERE / "play.css", "/tokens.css": _TOKENS}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_WAIT = 5


class Page(StandIn):
    """GET / and its assets; GET /state?seen=<version> waits for news; GET /<kind>/files/<key>.

    POST /<kind>/<verb> with JSON: `fault` {fault, count}, `new` {}, and of a chat `say` {chat, text}, `start` {chat, payload},
    `press` {chat, value}, `edit` {chat, line, text}, `block` {chat, on}, `receipts` {chat, state}.
    POST /<kind>/file?chat=&name=&text= takes the bytes of a file.
    """

    def __init__(self, playables: Sequence[Faulty], news: News, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.playables = {playable.kind: playable for playable in playables}
        self.news = news
        self.requests = deque(maxlen=100)

    def handle(self, request: Request) -> Answer:
        if request.headers.get("host", "").partition(":")[0] not in {"127.0.0.1", "localhost"}:
            return Answer(403, html="This page is for this machine only.")
        answer = self._get(request) if request.method == "GET" else self._post(request)
        answer.headers = {**_HEADERS, **answer.headers}
        return answer

    def _get(self, request: Request) -> Answer:
        if request.path == "/":
            return Answer(html=_page("ru" if _wants_russian(request.headers.get("accept-language", "")) else "en"))
        if request.path in _ASSETS:
            path = _ASSETS[request.path]
            kind = f"{mimetypes.guess_type(path.name)[0]}; charset=utf-8"
            return Answer(body=path.read_bytes(), headers={"Content-Type": kind})
        if request.path == "/state":
            self.news.wait(int(request.query.get("seen") or 0), _WAIT)
            version = self.news.version
            return Answer(json={"version": version, "services": [p.view() for p in self.playables.values()]})
        kind, _slash, key = request.path.strip("/").partition("/files/")
        player = self.playables.get(kind)
        if not isinstance(player, Player) or key not in player.shelf:
            return Answer(404, json={"error": "not found"})
        file = player.shelf[key]
        # Whatever is no picture is saved, not shown: it may be somebody's script.
        shown = {"Content-Type": file.mime} if file.is_image else {"Content-Disposition": "attachment"}
        return Answer(body=file.body or b" ", headers=shown)

    def _post(self, request: Request) -> Answer:
        # A header of our own cannot be sent from another site without asking first.
        kind, _slash, verb = request.path.strip("/").partition("/")
        playable = self.playables.get(kind)
        if "x-playground" not in request.headers or playable is None:
            return Answer(403, json={"error": "no"})
        try:
            self._do(playable, verb, request)
        except (AssertionError, httpx.HTTPError) as error:
            return Answer(400, json={"error": str(error) or type(error).__name__})
        finally:
            self.news.tell()
        return Answer(json={})

    def _do(self, playable: Faulty, verb: str, request: Request) -> None:
        data = dict(request.query) if verb == "file" else request.json
        if verb == "fault":
            return playable.plan(data["fault"], int(data["count"]))
        assert isinstance(playable, Player), "This is no messenger."
        if verb == "new":
            return playable.play_new()
        assert verb in {"say", "file", "press", "receipts", *playable.offers}, f"{playable.title} has no {verb}."
        chat = playable.chats[data.pop("chat")]
        if verb == "file":
            mime = request.headers.get("content-type", "application/octet-stream")
            return playable.said(chat, data["text"], File(data["name"], mime, request.body))
        if verb == "edit":
            return _edit(playable, chat, **data)
        getattr(playable, f"play_{verb}")(chat, **data)
        if verb == "block":
            chat.blocked = data["on"]


def _edit(player: Any, chat: Chat, line: str, text: str) -> None:
    found = chat.line(line)
    assert found and found.mine, "There is no such message."
    player.play_edit(chat, found.event, text)
    found.text, found.edited = text, True


def _wants_russian(accepted: str) -> bool:
    languages = [part.split(";")[0].strip()[:2].lower() for part in accepted.split(",")]
    return next((language for language in languages if language in {"ru", "en"}), "en") == "ru"


def _page(language: str) -> str:
    texts = json.loads((_HERE / "texts.json").read_text(encoding="utf-8"))[language]
    data = json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c")
    return Template((_HERE / "play.html").read_text(encoding="utf-8")).substitute(texts, language=language, texts=data)
