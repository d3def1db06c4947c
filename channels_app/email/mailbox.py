"""Reading a mailbox by IMAP: by UID, without marking anything, raw bytes before anybody understands them."""

import imaplib
import select
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.utils.translation import gettext as _
from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, LoginError

from channels_app.base import TransportError
from channels_app.email.config import Server
from channels_app.email.incoming import TOO_LARGE
from channels_app.email.smtp import tls_context, words
from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.http import vetted_socket

# Seconds of one step.
STEP = 25.0
# Larger letters are kept by their headers alone.
LARGEST = 40 * 1024 * 1024
# Of one look: letters and bytes.
MOST_LETTERS, MOST_BYTES = 50, 30 * 1024 * 1024
# So far back we look when the mailbox counts anew; what is known already is known to the ledger.
LOOK_BACK = timedelta(days=4)
# After what a server says of a passing fault, and of itself.
_PASSING = (
    "[UNAVAILABLE]",
    "[INUSE]",
    "[LIMIT]",
    "[SERVERBUG]",
    "[CONTACTADMIN]",
    "TOO MANY",
    "TRY AGAIN",
    "TEMPORARY",
)


class ConnectionLost(Exception):
    """It was there and is gone; a new connection may work at once."""


class _Vetted(imaplib.IMAP4):
    """Connects through the guard."""

    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__(server.host, server.port, timeout=STEP)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        connection = vetted_socket(self._server.host, self._server.port, timeout or STEP)
        if self._server.security != "tls":
            return connection
        return tls_context(settings.MAIL_CA_FILE).wrap_socket(connection, server_hostname=self._server.host)


class _Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__(server.host, server.port, ssl=server.security == "tls", timeout=STEP)
        # It would write passwords to a log of level DEBUG.
        self._imap.debug = 0

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802  # the library's name
        return _Vetted(self._server)


@dataclass(frozen=True)
class Position:
    """Where we are in a folder: UIDs mean something only within one UIDVALIDITY."""

    validity: int = 0
    uid: int = 0

    @classmethod
    def read(cls, state: dict[str, Any], folder: str) -> "Position":
        """None yet in a folder that was not read before."""
        validity, uid = state.get("validity"), state.get("uid")
        known = state.get("folder") == folder and isinstance(validity, int) and isinstance(uid, int)
        return cls(int(validity or 0), int(uid or 0)) if known else cls()

    def state(self, folder: str) -> dict[str, Any]:
        return {"folder": folder, "validity": self.validity, "uid": self.uid}


class Mailbox:
    """One connection, signed in. Not to be used by two threads at once, but for `cut`."""

    def __init__(self, server: Server, login: str, password: str, token: str) -> None:
        """Raises TransportError, with what an admin can do."""
        with _signing_in(server):
            self._client = _Client(server)
            try:
                if server.security == "starttls":
                    self._client.starttls(tls_context(settings.MAIL_CA_FILE))
                if token:
                    self._client.oauth2_login(login, token)
                else:
                    self._client.login(login, password)
            except BaseException:
                self.cut()
                raise

    def cut(self) -> None:
        """From any thread: whoever waits on the connection wakes up with a fault."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._client.socket().shutdown(socket.SHUT_RDWR)
        with suppress(OSError, imaplib.IMAP4.error):
            self._client.shutdown()

    def leave(self) -> None:
        with suppress(OSError, imaplib.IMAP4.error):
            self._client.logout()
        self.cut()

    def look(self, folder: str, position: Position) -> tuple[list[bytes], Position]:
        """What has come behind this position, the next letters of it at least, and the position behind those.

        Raises TransportError (no such folder), ConnectionLost.
        """
        with _talking():
            validity, next_uid = self._enter(folder)
            if not position.validity:
                # The first time: what lay there before the channel did is not ours to answer.
                return [], Position(validity, next_uid - 1)
            if validity != position.validity:
                position = Position(validity, self._before(datetime.now(UTC) - LOOK_BACK, next_uid))
            # The range always names the newest letter, even where nothing is new.
            found = [uid for uid in self._client.search(["UID", f"{position.uid + 1}:*"]) if uid > position.uid]
            bodies, last = self._fetch(sorted(found)[:MOST_LETTERS], MOST_BYTES)
            return bodies, Position(validity, max(last, position.uid))

    def wait(self, seconds: float) -> None:
        """Until the server tells of something, where it can; else it just takes the time. Raises ConnectionLost."""
        with _talking():
            if not self._client.has_capability("IDLE"):
                _sleep_on(self._client.socket(), seconds)
                return
            self._client.idle()
            self._client.idle_check(seconds)
            self._client.idle_done()

    def since(self, folder: str, moment: datetime, most_bytes: int) -> list[bytes]:
        """What came since then, newest first where it is too much. Raises TransportError, ConnectionLost."""
        with _talking():
            self._enter(folder)
            day = (moment - timedelta(days=1)).date()
            dated = self._client.fetch(self._client.search(["SINCE", day]), ["INTERNALDATE"])
            # Servers know seconds only.
            moment = moment.replace(microsecond=0)
            wanted = [uid for uid, said in dated.items() if _moment(said.get(b"INTERNALDATE")) >= moment]
            return self._fetch(sorted(wanted, reverse=True), most_bytes)[0]

    def check(self, folder: str) -> None:
        with _talking():
            self._enter(folder)

    def _enter(self, folder: str) -> tuple[int, int]:
        """(UIDVALIDITY, UIDNEXT), read-only: nothing that we do is seen by people who read the same box."""
        try:
            said = self._client.select_folder(folder, readonly=True)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            reason = _("IMAP: the folder “%(folder)s” cannot be opened: %(reason)s")
            raise TransportError(
                reason % {"folder": folder, "reason": words(str(error))}, permanent=True, breaks_channel=True
            ) from None
        uids = self._client.search(["UID", "*"]) if b"UIDNEXT" not in said and said.get(b"EXISTS") else [0]
        return int(said.get(b"UIDVALIDITY", 1)), int(said.get(b"UIDNEXT", max(uids, default=0) + 1))

    def _before(self, moment: datetime, next_uid: int) -> int:
        recent = self._client.search(["SINCE", moment.date()])
        return (min(recent) if recent else next_uid) - 1

    def _fetch(self, uids: Sequence[int], most_bytes: int) -> tuple[list[bytes], int]:
        """(bodies, the last UID that was looked at); at least one, however large."""
        sizes = {uid: int(said.get(b"RFC822.SIZE", 0)) for uid, said in self._ask(uids, "RFC822.SIZE").items()}
        bodies: list[bytes] = []
        last, total = 0, 0
        for uid in uids:
            size = sizes.get(uid, 0)
            if bodies and total + min(size, LARGEST) > most_bytes:
                break
            last = uid
            # Gone between two commands: somebody cleans up.
            if uid in sizes and (body := self._body(uid, size)):
                bodies.append(body)
                total += len(body)
        return bodies, last

    def _body(self, uid: int, size: int) -> bytes:
        """Without marking it as read."""
        if size > LARGEST:
            head = self._ask([uid], "BODY.PEEK[HEADER]").get(uid, {}).get(b"BODY[HEADER]")
            return TOO_LARGE + f"{size}\r\n".encode() + cast(bytes, head) if head else b""
        return bytes(self._ask([uid], "BODY.PEEK[]").get(uid, {}).get(b"BODY[]") or b"")

    def _ask(self, uids: Sequence[int], what: str) -> dict[int, dict[bytes, Any]]:
        return dict(self._client.fetch(list(uids), [what])) if uids else {}


def _sleep_on(connection: socket.socket, seconds: float) -> None:
    """The time without IDLE; it ends at once with the connection, whose farewell is left for whoever reads next."""
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    poller.poll(seconds * 1000)


def _moment(value: Any) -> datetime:
    """The library gives local time without a zone."""
    return value.astimezone(UTC) if isinstance(value, datetime) else datetime.now(UTC)


@contextmanager
def _talking() -> Iterator[None]:
    try:
        yield
    except (OSError, imaplib.IMAP4.error) as error:
        raise ConnectionLost(words(str(error)) or type(error).__name__) from None


@contextmanager
def _signing_in(server: Server) -> Iterator[None]:
    where = {"host": server.host}
    try:
        yield
    except LoginError as error:
        said = _server_words(error)
        if any(mark in said.upper() for mark in _PASSING):
            reason = _("IMAP: %(host)s does not let us in just now: %(reason)s")
            raise TransportError(reason % {**where, "reason": said}, retry_after=60) from None
        raise LoginRefused(
            _("IMAP: %(host)s does not take the login or the password: %(reason)s") % {**where, "reason": said},
            permanent=True, breaks_channel=True,
        ) from None  # fmt: skip
    except CapabilityError:
        reason = _("IMAP: %(host)s does not offer this kind of encryption or sign-in.")
        raise TransportError(reason % where, permanent=True, breaks_channel=True) from None
    except ssl.SSLCertVerificationError as error:
        reason = _("IMAP: the certificate of %(host)s is not trusted: %(reason)s")
        raise TransportError(reason % {**where, "reason": error.verify_message}, breaks_channel=True) from None
    except InvalidInput as error:
        raise TransportError(f"IMAP: {error}", permanent=True, breaks_channel=True) from None
    except (OSError, imaplib.IMAP4.error):
        raise TransportError(_("IMAP: %(host)s cannot be reached.") % where, retry_after=30) from None


def _server_words(error: Exception) -> str:
    """imaplib hands on what the server said as bytes, which str() would show with their quotes."""
    said = error.args[0] if error.args else ""
    return (
        words(said.decode(errors="replace") if isinstance(said, bytes) else str(said))
        .removeprefix("b'")
        .removesuffix("'")
    )


class LoginRefused(TransportError):
    """Asked again and again with the same words, a server locks the account."""
