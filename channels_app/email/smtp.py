"""Handing a letter to the mailbox's own server. Each step tells for certain whether the letter was taken, but the last."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import NoReturn

from django.conf import settings
from django.utils.translation import gettext as _

from channels_app.base import TransportError, UnknownOutcome
from channels_app.email.config import Server
from channels_app.email.oauth import login_string
from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.http import vetted_socket

# Of one step, and of the whole; a claimed message counts as abandoned some seconds later (delivery.STALE_AFTER).
STEP, DEADLINE = 20.0, 60.0
# Seconds until the next try. Greylisting wants some minutes; a server that is overloaded or away, less.
GREYLISTED, AWAY = 300.0, 60.0
_NOT_THERE = {"5.1.1", "5.1.2", "5.1.3", "5.1.10", "5.2.1"}


@lru_cache(maxsize=4)
def tls_context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


class _Client(smtplib.SMTP):
    """Connects through the guard."""

    def __init__(self, server: Server, name: str) -> None:
        self._tls = server.security == "tls"
        self._where = server.host
        super().__init__(server.host, server.port, local_hostname=name, timeout=STEP)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = vetted_socket(host, port, timeout)
        if not self._tls:
            return connection
        return tls_context(settings.MAIL_CA_FILE).wrap_socket(connection, server_hostname=self._where)


@contextmanager
def session(server: Server, name: str, login: str, password: str, token: str) -> Iterator[smtplib.SMTP]:
    """Signed in, for at most DEADLINE. `token`: sign in with it instead of the password. Raises TransportError."""
    client = _connected(server, name)
    # The steps' own time-outs begin anew with every line.
    watch = threading.Timer(DEADLINE, _cut, [client])
    watch.daemon = True
    watch.start()
    try:
        with _signing_in(server):
            if server.security == "starttls":
                client.starttls(context=tls_context(settings.MAIL_CA_FILE))
            client.ehlo_or_helo_if_needed()
            if token:
                client.auth("XOAUTH2", lambda challenge=None: login_string(login, token) if challenge is None else "")
            elif password:
                _log_in(client, login, password)
        yield client
    finally:
        watch.cancel()
        with suppress(OSError, smtplib.SMTPException):
            client.quit()
        client.close()


def _log_in(client: smtplib.SMTP, login: str, password: str) -> None:
    """In one way only: the library would try the same password in all of them, and servers count refusals."""
    ways = client.esmtp_features.get("auth", "").upper().split()
    client.user, client.password = login, password
    if "PLAIN" in ways:
        client.auth("PLAIN", client.auth_plain)
    elif "LOGIN" in ways:
        client.auth("LOGIN", client.auth_login)
    else:
        client.login(login, password)


def _connected(server: Server, name: str) -> smtplib.SMTP:
    with _signing_in(server):
        return _Client(server, name)


def _cut(client: smtplib.SMTP) -> None:
    if (connection := client.sock) is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def _signing_in(server: Server) -> Iterator[None]:
    where = {"host": server.host}
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        if 400 <= error.smtp_code < 500:
            _refused(error.smtp_code, error.smtp_error)
        reason = _("SMTP: %(host)s does not take the login or the password: %(reason)s")
        said = {**where, "reason": words(error.smtp_error)}
        raise TransportError(reason % said, permanent=True, breaks_channel=True) from None
    except smtplib.SMTPNotSupportedError:
        reason = _("SMTP: %(host)s does not offer this kind of encryption or sign-in.")
        raise TransportError(reason % where, permanent=True, breaks_channel=True) from None
    except smtplib.SMTPResponseException as error:
        _refused(error.smtp_code, error.smtp_error)
    except UnicodeError:
        reason = _("The login or the password has letters that mail servers do not take.")
        raise TransportError(reason, permanent=True, breaks_channel=True) from None
    except ssl.SSLCertVerificationError as error:
        reason = _("SMTP: the certificate of %(host)s is not trusted: %(reason)s")
        said = {**where, "reason": error.verify_message}
        raise TransportError(reason % said, retry_after=AWAY, whole_channel=True, breaks_channel=True) from None
    except InvalidInput as error:
        raise TransportError(f"SMTP: {error}", permanent=True, breaks_channel=True) from None
    except (OSError, smtplib.SMTPException):
        raise TransportError(
            _("SMTP: %(host)s cannot be reached.") % where, retry_after=AWAY, whole_channel=True
        ) from None


def hand_in(client: smtplib.SMTP, sender: str, recipient: str, letter: bytes) -> None:
    """One letter to one person. Raises TransportError (not taken) or UnknownOutcome (the last answer was lost)."""
    with _before_the_end():
        options = ["BODY=8BITMIME"] if client.has_extn("8bitmime") and not letter.isascii() else []
        if client.has_extn("size"):
            options.append(f"SIZE={len(letter)}")
        _expect(client.mail(sender, options), 250)
        _expect(client.rcpt(recipient), 250, 251)
        _expect(client.docmd("DATA"), 354)
        # Without its end no server takes it: what breaks off in here has not been sent.
        client.send(_quoted(letter))
    try:
        client.send(b".\r\n")
        answer = client.getreply()
    except (OSError, smtplib.SMTPException):
        raise UnknownOutcome(_("The mail server broke off before it confirmed.")) from None
    _expect(answer, 250)


@contextmanager
def _before_the_end() -> Iterator[None]:
    try:
        yield
    except (OSError, smtplib.SMTPException):
        raise TransportError(_("The mail server broke off."), retry_after=AWAY) from None


def _quoted(letter: bytes) -> bytes:
    """With CRLF alone, ended, and dots at the beginning of lines doubled: a lone one would end the letter."""
    lines = letter.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)


def _expect(answer: tuple[int, bytes], *good: int) -> None:
    code, said = answer
    if code not in good:
        _refused(code, said)


def _refused(code: int, said: bytes | str) -> NoReturn:
    """What a code means for the letter: 4xx is for later, 5xx for ever (RFC 5321 4.2.1)."""
    reply = words(said)
    reason = _("The mail server refused: %(reason)s") % {"reason": f"{code} {reply}".strip()}
    status = reply.split(" ", 1)[0]
    if code == 421:
        raise TransportError(reason, retry_after=AWAY, whole_channel=True)
    if 400 <= code < 500:
        raise TransportError(reason, retry_after=GREYLISTED)
    if code in {530, 535, 538} or status.startswith("5.7.30"):
        raise TransportError(reason, permanent=True, breaks_channel=True)
    if code == -1:
        raise TransportError(_("The mail server broke off."), retry_after=AWAY)
    raise TransportError(reason, permanent=True, unreachable=status in _NOT_THERE)


def words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]
