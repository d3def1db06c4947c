"""A mail server on loopback ports: a mailbox by IMAP (RFC 3501, IDLE of RFC 2177) and what is handed in by SMTP (RFC 5321).

with MailServer() as mail:
    uid = mail.imap.add(b"From: a@example.org\\r\\n\\r\\n...")
    mail.smtp.script(Refuse("RCPT", "550 5.1.1 User unknown"))       # the next letter only
    assert mail.smtp.letters[0].recipient == "anna@example.org"
"""

import base64
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

ADDRESS, PASSWORD = "support@omni-demo.example", "app-password"


class Gone(Exception):
    """The connection is over."""


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: LineServer = self.server.stand_in  # type: ignore[attr-defined]
        server.connections.add(self.connection)
        try:
            server.talk(self)
        except (Gone, OSError, ValueError):
            pass
        finally:
            server.connections.discard(self.connection)

    def line(self) -> bytes:
        line = self.rfile.readline()
        if not line:
            raise Gone
        return bytes(line.rstrip(b"\r\n"))

    def say(self, *lines: str | bytes) -> None:
        for line in lines:
            self.wfile.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        self.wfile.flush()

    def secure(self, context: ssl.SSLContext) -> None:
        """STARTTLS: the same connection goes on encrypted."""
        plain = self.connection
        self.connection = context.wrap_socket(plain, server_side=True)
        self.server.stand_in.connections.add(self.connection)  # type: ignore[attr-defined]
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")

    def cut(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        raise Gone


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    stand_in: Any


class LineServer:
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.connections: set[socket.socket] = set()
        self.password, self.access_token = PASSWORD, ""
        # Of every attempt to sign in: whether it was let in.
        self.logins: list[bool] = []
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.stand_in = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        """As in OUTBOUND_ALLOWED_HOSTS."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.drop_connections()
        self._server.shutdown()
        self._server.server_close()

    def drop_connections(self) -> None:
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def lets_in(self, login: str, password: str) -> bool:
        self.logins.append(login == ADDRESS and password == self.password)
        return self.logins[-1]

    def lets_in_by_token(self, answer: bytes) -> bool:
        said = base64.b64decode(answer).decode()
        wanted = f"user={ADDRESS}\x01auth=Bearer {self.access_token}\x01\x01"
        self.logins.append(bool(self.access_token) and said == wanted)
        return self.logins[-1]

    def talk(self, peer: _Connection) -> None:
        raise NotImplementedError


# ---- IMAP


@dataclass
class Letter:
    uid: int
    body: bytes
    when: datetime
    seen: bool = False
    # What it says of its size; a large letter need not be made to be seen.
    size: int = 0


_DAY = re.compile(rb"SINCE (\d{1,2}-\w{3}-\d{4})", re.IGNORECASE)
_RANGE = re.compile(rb"UID (\d+):\*", re.IGNORECASE)


class ImapServer(LineServer):
    """One folder, INBOX. `idle` off: a server without IDLE. `refusal`: what it says to whoever signs in."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.letters: list[Letter] = []
        self.validity = 1
        self.next_uid = 1
        self.idle, self.refusal, self.folder = True, "", "INBOX"
        self.commands: list[str] = []
        self.fetched: list[int] = []
        # Cut the connection when a letter's body is asked for, so many times.
        self.cuts = 0
        self._changed = threading.Condition()
        self.waiting = threading.Semaphore(0)

    def add(self, body: bytes, *, when: datetime | None = None, size: int = 0) -> int:
        """A letter arrives; whoever waits hears of it."""
        with self._changed:
            self.letters.append(Letter(self.next_uid, body, when or datetime.now(UTC), size=size or len(body)))
            self.next_uid += 1
            self._changed.notify_all()
            return self.next_uid - 1

    def renumber(self) -> None:
        """The mailbox was restored: all letters have other UIDs, and the connections are over."""
        with self._changed:
            self.validity += 1
            for number, letter in enumerate(self.letters, 1):
                letter.uid = number
            self.next_uid = len(self.letters) + 1
        self.drop_connections()

    def talk(self, peer: _Connection) -> None:
        peer.say("* OK [CAPABILITY " + self._capabilities() + "] ready")
        while True:
            tag, _space, command = peer.line().partition(b" ")
            name, _space, rest = command.partition(b" ")
            self.commands.append(command.decode("latin-1").split(" ")[0].upper())
            answer = getattr(self, f"_do_{name.decode('ascii').lower()}", None)
            said = answer(peer, rest) if answer else "BAD unknown command"
            peer.say(tag + b" " + said.encode())
            if name.upper() == b"LOGOUT":
                raise Gone
            if name.upper() == b"STARTTLS" and self.tls:
                peer.secure(self.tls)

    def _capabilities(self) -> str:
        return "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR" + " IDLE" * self.idle + " STARTTLS" * bool(self.tls)

    def _do_capability(self, peer: _Connection, _rest: bytes) -> str:
        peer.say("* CAPABILITY " + self._capabilities())
        return "OK done"

    def _do_starttls(self, _peer: _Connection, _rest: bytes) -> str:
        return "OK begin" if self.tls else "BAD no TLS"

    def _do_noop(self, _peer: _Connection, _rest: bytes) -> str:
        return "OK done"

    def _do_logout(self, peer: _Connection, _rest: bytes) -> str:
        peer.say("* BYE see you")
        return "OK done"

    def _do_login(self, _peer: _Connection, rest: bytes) -> str:
        words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', rest.decode())
        login, password = (re.sub(r"\\(.)", r"\1", quoted) or bare for quoted, bare in words)
        if self.refusal:
            self.logins.append(False)
            return f"NO {self.refusal}"
        return "OK in" if self.lets_in(login, password) else "NO [AUTHENTICATIONFAILED] Invalid credentials"

    def _do_authenticate(self, peer: _Connection, _rest: bytes) -> str:
        peer.say("+ ")
        if self.lets_in_by_token(peer.line()):
            return "OK in"
        # The reason, in base64; the client answers with an empty line.
        peer.say(b"+ " + base64.b64encode(b'{"status":"400","schemes":"Bearer"}'))
        peer.line()
        return "NO [AUTHENTICATIONFAILED] Invalid credentials"

    def _do_select(self, peer: _Connection, rest: bytes) -> str:
        if rest.decode().strip('"') != self.folder:
            return "NO [NONEXISTENT] Unknown folder"
        peer.say(
            f"* {len(self.letters)} EXISTS", "* 0 RECENT", "* FLAGS (\\Seen)",
            f"* OK [UIDVALIDITY {self.validity}] valid", f"* OK [UIDNEXT {self.next_uid}] next",
        )  # fmt: skip
        return "OK [READ-WRITE] done"

    def _do_examine(self, peer: _Connection, rest: bytes) -> str:
        return self._do_select(peer, rest).replace("READ-WRITE", "READ-ONLY")

    def _do_uid(self, peer: _Connection, rest: bytes) -> str:
        command, _space, what = rest.partition(b" ")
        return self._search(peer, what) if command.upper() == b"SEARCH" else self._fetch(peer, what)

    def _search(self, peer: _Connection, what: bytes) -> str:
        found = list(self.letters)
        if match := _DAY.search(what):
            day = datetime.strptime(match[1].decode(), "%d-%b-%Y").replace(tzinfo=UTC)
            found = [letter for letter in found if letter.when >= day]
        if match := _RANGE.search(what):
            # The range n:* always names the newest, even where it is older than n.
            lowest = min(int(match[1]), max((letter.uid for letter in found), default=0))
            found = [letter for letter in found if letter.uid >= lowest]
        peer.say(("* SEARCH " + " ".join(str(letter.uid) for letter in found)).rstrip())
        return "OK done"

    def _fetch(self, peer: _Connection, what: bytes) -> str:
        uids, _space, item = what.partition(b" ")
        wanted = {int(uid) for uid in uids.split(b",")}
        item = item.strip(b"()").upper()
        for number, letter in enumerate(self.letters, 1):
            if letter.uid in wanted:
                peer.say(f"* {number} FETCH (UID {letter.uid} ".encode() + self._item(peer, letter, item) + b")")
        return "OK done"

    def _item(self, peer: _Connection, letter: Letter, item: bytes) -> bytes:
        if item == b"RFC822.SIZE":
            return f"RFC822.SIZE {letter.size}".encode()
        if item == b"INTERNALDATE":
            return f'INTERNALDATE "{letter.when:%d-%b-%Y %H:%M:%S %z}"'.encode()
        if self.cuts:
            self.cuts -= 1
            peer.cut()
        letter.seen = letter.seen or b"PEEK" not in item
        head = letter.body.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        name, body = (b"BODY[HEADER]", head) if b"HEADER" in item else (b"BODY[]", letter.body)
        if name == b"BODY[]":
            self.fetched.append(letter.uid)
        return name + f" {{{len(body)}}}\r\n".encode() + body

    def _do_idle(self, peer: _Connection, _rest: bytes) -> str:
        known = len(self.letters)
        peer.say("+ idling")
        self.waiting.release()
        done = threading.Thread(target=self._until_done, args=(peer,), daemon=True)
        peer.done = peer.gone = False  # type: ignore[attr-defined]
        done.start()
        with self._changed:
            while not peer.done and not peer.gone:  # type: ignore[attr-defined]
                if len(self.letters) != known:
                    known = len(self.letters)
                    peer.say(f"* {known} EXISTS")
                self._changed.wait(0.05)
        if peer.gone:  # type: ignore[attr-defined]
            raise Gone
        return "OK done"

    def _until_done(self, peer: Any) -> None:
        try:
            peer.done = peer.line().upper() == b"DONE"
        except (Gone, OSError, ValueError):
            peer.gone = True


# ---- SMTP


@dataclass(frozen=True)
class Handed:
    """A letter that was taken, with its envelope."""

    sender: str
    recipient: str
    body: bytes


@dataclass(frozen=True)
class Refuse:
    """At this step (CONNECT, AUTH, MAIL, RCPT, DATA, END) it says that instead; an empty `reply` cuts the connection.

    `taken`: the letter is taken all the same, and only the answer is lost.
    """

    step: str
    reply: str = ""
    taken: bool = False


@dataclass
class _Session:
    sender: str = ""
    recipient: str = ""
    signed_in: bool = False
    refusal: Refuse | None = None
    taken: list[bytes] = field(default_factory=list)


class SmtpServer(LineServer):
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.letters: list[Handed] = []
        self.sessions = 0
        self.encrypted = False
        # Until it is set to None, whatever the script says.
        self.always: Refuse | None = None
        self._script: list[Refuse | None] = []

    def script(self, *refusals: Refuse | None) -> None:
        """Of the next sessions, one each; None: all is well."""
        self._script += refusals

    def talk(self, peer: _Connection) -> None:
        self.sessions += 1
        session = _Session(refusal=self.always or (self._script.pop(0) if self._script else None))
        if not self._goes_on(peer, session, "CONNECT"):
            return
        peer.say("220 mail.omni-demo.example ESMTP")
        steps: dict[str, Callable[[_Connection, _Session, str], None]] = {
            "EHLO": self._ehlo, "AUTH": self._auth, "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data,
        }  # fmt: skip
        while True:
            command, _space, rest = peer.line().decode().partition(" ")
            step = command.upper()
            if step == "QUIT":
                peer.say("221 bye")
                return
            if step == "STARTTLS" and self.tls:
                peer.say("220 begin")
                peer.secure(self.tls)
                self.encrypted = True
            elif step in steps:
                if self._goes_on(peer, session, step):
                    steps[step](peer, session, rest)
            else:
                peer.say("250 OK" if step in {"NOOP", "RSET"} else "500 unknown command")

    def _goes_on(self, peer: _Connection, session: _Session, step: str) -> bool:
        refusal = session.refusal
        if refusal is None or refusal.step != step:
            return True
        if not refusal.reply:
            peer.cut()
        peer.say(refusal.reply)
        if refusal.reply.startswith("421"):
            raise Gone
        return False

    def _ehlo(self, peer: _Connection, _session: _Session, _name: str) -> None:
        offers = ["mail.omni-demo.example", "8BITMIME", "SIZE 36700160", "AUTH PLAIN LOGIN XOAUTH2"]
        offers += ["STARTTLS"] if self.tls and not self.encrypted else []
        peer.say(*(f"250-{offer}" for offer in offers), "250 HELP")

    def _auth(self, peer: _Connection, session: _Session, rest: str) -> None:
        mechanism, _space, answer = rest.partition(" ")
        if mechanism == "XOAUTH2":
            session.signed_in = self.lets_in_by_token(answer.encode())
            if not session.signed_in:
                peer.say("334 " + base64.b64encode(b'{"status":"400"}').decode())
                peer.line()
        else:
            _none, login, password = base64.b64decode(answer).decode().split("\0")
            session.signed_in = self.lets_in(login, password)
        peer.say("235 in" if session.signed_in else "535 5.7.8 Username and Password not accepted")

    def _mail(self, peer: _Connection, session: _Session, rest: str) -> None:
        if not session.signed_in:
            peer.say("530 5.7.0 Authentication required")
            return
        session.sender = rest.partition("<")[2].partition(">")[0]
        peer.say("250 OK")

    def _rcpt(self, peer: _Connection, session: _Session, rest: str) -> None:
        session.recipient = rest.partition("<")[2].partition(">")[0]
        peer.say("250 OK")

    def _data(self, peer: _Connection, session: _Session, _rest: str) -> None:
        peer.say("354 go on")
        lines = []
        while (line := peer.line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        letter = Handed(session.sender, session.recipient, b"\r\n".join(lines) + b"\r\n")
        if session.refusal is not None and session.refusal.step == "END" and not session.refusal.taken:
            self._goes_on(peer, session, "END")
            return
        self.letters.append(letter)
        if self._goes_on(peer, session, "END"):
            peer.say("250 2.0.0 queued")


class MailServer:
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.imap, self.smtp = ImapServer(tls), SmtpServer(tls)

    def __enter__(self) -> Self:
        self.imap.start()
        self.smtp.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.imap.stop()
        self.smtp.stop()

    @property
    def hosts(self) -> list[str]:
        """For OUTBOUND_ALLOWED_HOSTS."""
        return [self.imap.host, self.smtp.host]

    def config(self, **changes: Any) -> dict[str, Any]:
        """Of a channel at this server."""
        return {
            "provider": "own", "address": ADDRESS, "receive": "imap", "sender_name": "Служба поддержки",
            "imap_host": "127.0.0.1", "imap_port": self.imap.port, "imap_security": "none",
            "smtp_host": "127.0.0.1", "smtp_port": self.smtp.port, "smtp_security": "none", **changes,
        }  # fmt: skip
