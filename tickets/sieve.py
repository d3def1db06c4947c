"""What of the agents' frames reaches a person who does not see every conversation, or no phones and e-mail addresses."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import orjson

from omnisupport.lib.hub import RESYNC, Socket
from omnisupport.lib.masking import veil_json
from tenants.accounts.models import User
from tickets.models import Contact, Ticket
from tickets.rights import contacts_visible_to, sees_all, visible_to

Look = Callable[[list[str]], Awaitable[list[str]]]
# Sequences have no holes, so what is hidden leaves an empty place. After the second kind a screen looks whether one of the
# conversations that it shows has gone.
HIDDEN, LEFT = "hidden", "ticket.left"
# More than one answer to `since` has.
_MOST_WAITING = 1000


class Sieve(Socket):
    """A socket that looks at its frames before it sends them: all that wait at once, one look at a time."""

    __slots__ = ("_look", "_looking", "_waiting")

    def __init__(self, send: Any, look: Look) -> None:
        super().__init__(send)
        self._look = look
        self._waiting: list[str] = []
        self._looking: asyncio.Task[None] | None = None

    def offer(self, text: str) -> None:
        if self._closed:
            return
        self._waiting = [RESYNC] if len(self._waiting) >= _MOST_WAITING else [*self._waiting, text]
        if self._looking is None:
            self._looking = asyncio.create_task(self._pass_on())

    async def _pass_on(self) -> None:
        try:
            while self._waiting and not self._closed:
                taken, self._waiting = self._waiting, []
                try:
                    passed = await self._look(taken)
                except Exception:
                    # Nothing is shown unseen; the screen fetches anew what it may.
                    passed = [RESYNC]
                for text in passed:
                    super().offer(text)
        finally:
            self._looking = None


def needs_sieve(user: User) -> bool:
    return not (sees_all(user) and user.sees_contact_details)


def sifted(user: User, texts: Iterable[str]) -> list[str]:
    """The frames as this person may have them. One query for all, two when contacts are among them."""
    frames = [orjson.loads(text) for text in texts]
    tickets = {ticket for frame in frames for ticket in _tickets_of(frame)}
    contacts = {contact for frame in frames if (contact := _contact_of(frame))}
    seen = set(map(str, _ids(Ticket.objects.filter(visible_to(user), id__in=tickets)))) if tickets else set()
    if contacts:
        seen |= set(map(str, _ids(Contact.objects.filter(contacts_visible_to(user), id__in=contacts))))
    passed = [frame for one in frames if (frame := _passed(one, seen)) is not None]
    if not user.sees_contact_details:
        passed = [veil_json(frame, spare=user.email) for frame in passed]
    return [orjson.dumps(frame).decode() for frame in passed]


def _ids(rows: Any) -> Iterable[int | UUID]:
    ids: Iterable[int | UUID] = rows.values_list("id", flat=True)
    return ids


def _tickets_of(frame: dict[str, Any]) -> Iterable[str]:
    """`viewing` of the frame `here` has who looks at what, by conversation."""
    return [str(frame["ticket"])] if frame.get("ticket") else frame.get("viewing", ())


def _contact_of(frame: dict[str, Any]) -> str:
    """Whom an event without a conversation is about."""
    return "" if frame.get("ticket") else str(frame.get("data", {}).get("contact_id", ""))


def _passed(frame: dict[str, Any], seen: set[str]) -> dict[str, Any] | None:
    if "viewing" in frame:
        return {**frame, "viewing": {ticket: who for ticket, who in frame["viewing"].items() if ticket in seen}}
    about = str(frame.get("ticket") or _contact_of(frame))
    if not about or about in seen:
        return frame
    if frame["type"] != "event":
        return None
    event = LEFT if frame["event"] == "ticket.assigned" else HIDDEN
    return {"type": "event", "seq": frame["seq"], "event": event, "ticket": None, "data": {}}
