"""The connection that waits for a mailbox's letters, kept from one look to the next: signing in anew every half minute would
soon be refused."""

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from channels_app.base import TransportError
from channels_app.email.mailbox import ConnectionLost, LoginRefused, Mailbox, Position

# Seconds that a look waits for news, and that a server may be away before anybody is told.
WAIT, PATIENCE = 25.0, 180.0
# Between two tries while it is away.
PAUSE = 5.0
# A refused login is not repeated sooner: servers lock accounts.
REFUSED_REST = 900.0

Look = tuple[list[bytes], dict[str, Any]]

_readers: dict[UUID, "Reader"] = {}
# Of which settings, until when, with what words.
_refused: dict[str, tuple[float, LoginRefused]] = {}
_guard = threading.Lock()


def open_once(identity: str, open_mailbox: Callable[[], Mailbox], *, anyway: bool = False) -> Mailbox:
    """A connection, unless this login was refused a moment ago; `anyway`: an admin wants it tried. Raises TransportError."""
    with _guard:
        until, refusal = _refused.get(identity, (0.0, None))
    if refusal is not None and until > time.monotonic() and not anyway:
        raise refusal
    try:
        mailbox = open_mailbox()
    except LoginRefused as error:
        with _guard:
            if len(_refused) > 5000:
                _refused.clear()
            _refused[identity] = (time.monotonic() + REFUSED_REST, error)
        raise
    with _guard:
        _refused.pop(identity, None)
    return mailbox


class Reader:
    """Of one channel in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mailbox: Mailbox | None = None
        # The settings that the connection was made with: others want another.
        self._identity = ""
        self._worked_at: float | None = None
        self._stop = threading.Event()

    @classmethod
    def of(cls, channel_id: UUID) -> "Reader":
        with _guard:
            return _readers.setdefault(channel_id, cls())

    def cut(self) -> None:
        """From any thread: the look that is going on ends at once."""
        self._stop.set()
        if (mailbox := self._mailbox) is not None:
            mailbox.cut()

    def look(self, identity: str, open_mailbox: Callable[[], Mailbox], folder: str, state: dict[str, Any]) -> Look:
        """New letters and the next state; waits for some where there are none. A connection that broke off is made anew, and a
        server that is away for a moment is no fault. Raises TransportError."""
        with self._lock:
            self._stop.clear()
            if identity != self._identity:
                self._drop()
                self._identity, self._worked_at = identity, None
            while True:
                is_new = self._mailbox is None
                try:
                    return self._look(open_mailbox, folder, Position.read(state, folder))
                except LoginRefused:
                    raise
                except (ConnectionLost, TransportError) as error:
                    self._drop()
                    if self._stop.is_set():
                        return [], state
                    if not is_new:
                        continue
                    self._bear(error)
                    return [], state

    def _look(self, open_mailbox: Callable[[], Mailbox], folder: str, position: Position) -> Look:
        if self._mailbox is None:
            self._mailbox = open_once(self._identity, open_mailbox)
        bodies, after = self._mailbox.look(folder, position)
        if not bodies and after == position:
            self._mailbox.wait(WAIT)
            bodies, after = self._mailbox.look(folder, position)
        self._worked_at = time.monotonic()
        return bodies, after.state(folder)

    def _bear(self, error: ConnectionLost | TransportError) -> None:
        """For a while, where it worked before and may work again. Raises TransportError."""
        lasting = isinstance(error, TransportError) and error.permanent
        if not lasting and self._worked_at is not None and time.monotonic() - self._worked_at < PATIENCE:
            self._stop.wait(PAUSE)
            return
        if isinstance(error, TransportError):
            raise error
        raise TransportError(_("IMAP: the connection broke off: %(fault)s") % {"fault": error}, retry_after=30)

    def _drop(self) -> None:
        if self._mailbox is not None:
            self._mailbox.cut()
        self._mailbox = None
