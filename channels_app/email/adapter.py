"""A mailbox of the company: letters come in by IMAP or by webhook, and leave by SMTP."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from smtplib import SMTP
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app.base import Adapter as BaseAdapter
from channels_app.base import (
    Connected,
    FetchedFile,
    InboundResult,
    Limits,
    OutgoingMessage,
    SendResult,
    TransportError,
)
from channels_app.email import hooks, naming, oauth, outgoing, smtp
from channels_app.email.config import Config, Secrets, imap_server, smtp_server
from channels_app.email.incoming import event_key, loop_mark, parse_letter
from channels_app.email.letter import MailLetter
from channels_app.email.mailbox import ConnectionLost, LoginRefused, Mailbox
from channels_app.email.reading import Reader, open_once
from omnisupport.lib.crypto import derive_secret

# Each mailbox that waits for letters holds a thread; those of the event loop are few, and for the database.
_threads = ThreadPoolExecutor(max_workers=500, thread_name_prefix="imap")
# Of a daily comparison, in bytes: it is held in memory.
MOST_COMPARED = 200 * 1024 * 1024
_SIGNS_IN = {"google", "microsoft"}


class Adapter(BaseAdapter):
    title = gettext_lazy("E-mail")
    icon = "mail"
    limits: ClassVar[Limits] = Limits(text=20_000, caption=20_000, file_bytes=outgoing.FILES_LIMIT, buttons=20)
    # A second letter has the same Message-ID, and many servers see that; none promises to. So a lost answer is for people.
    idempotent = False
    always_polls = True
    has_loops = True
    takes_letters = True
    # A letter with its files in base64, in a form.
    max_body: ClassVar[int] = 45 * 1024 * 1024
    formats: ClassVar[frozenset[str]] = frozenset({"bold", "italic", "strike", "code", "link"})
    Config = Config
    Secrets = Secrets

    @property
    def address(self) -> str:
        return str(self.channel.config.get("address", ""))

    @property
    def _receive(self) -> str:
        return str(self.channel.config.get("receive") or "imap")

    @property
    def _provider(self) -> str:
        return str(self.channel.config.get("provider", ""))

    @property
    def _login(self) -> str:
        return str(self.channel.config.get("login") or self.address)

    @property
    def _folder(self) -> str:
        return str(self.channel.config.get("folder") or "INBOX")

    @property
    def _identity(self) -> str:
        """Changes with every setting."""
        return json.dumps([dict(self.channel.config), dict(self.channel.secrets)], sort_keys=True, default=str)

    @property
    def _plus_secret(self) -> str:
        return derive_secret(f"email-reply:{self.channel.id}")

    def _credentials(self) -> tuple[str, str, str]:
        """(login, password, access token): one of the last two. Raises TransportError."""
        if self._provider in _SIGNS_IN and self.channel.secrets.get("refresh_token"):
            return self._login, "", oauth.access_token(self._provider, self.channel.config, self.channel.secrets)
        password = str(self.channel.secrets.get("password", ""))
        if not password and self._provider != "own":
            reason = _("Neither a password is stored nor has anybody signed in: do one of the two.")
            raise TransportError(reason, permanent=True, breaks_channel=True)
        return self._login, password, ""

    def _forget_token(self) -> None:
        oauth.forget(self._provider, self.channel.config, self.channel.secrets)

    # -- inbound

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        hooks.verify(self._receive, self.channel.secrets, headers, body, time.time())

    def event_key(self, headers: Mapping[str, str], body: bytes) -> str:
        if self._receive == "mailgun":
            return f"mailgun:{hooks.token_of(headers, body)}"
        return event_key(body) if self._receive in {"imap", "own"} else super().event_key(headers, body)

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[InboundResult]:
        raw, recipients = self._letter(headers, body)
        return parse_letter(
            raw,
            address=self.address,
            loop=loop_mark(self.channel.id),
            secret=self._plus_secret,
            recipients=recipients,
        )

    def _letter(self, headers: Mapping[str, str], body: bytes) -> tuple[bytes, tuple[str, ...]]:
        # What was fetched lies there as it came, even when the channel is called by now.
        service = headers.get("content-type", "") and self._receive
        return hooks.read_letter(service, headers, body) if service not in {"", "imap", "own"} else (body, ())

    def unpack_file(self, headers: Mapping[str, str], body: bytes, remote: Mapping[str, Any]) -> FetchedFile:
        file = MailLetter(self._letter(headers, body)[0]).find(str(remote.get("part", "")))
        if file is None:
            raise TransportError(_("The letter has no such file."), permanent=True)
        return FetchedFile(file.body(), file.name)

    def wants_poll(self) -> bool:
        return self._receive == "imap"

    async def poll(self, state: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
        reader = Reader.of(self.channel.id)
        folder = self._folder
        look = partial(reader.look, self._identity, self._open, folder, state)
        looking = asyncio.get_running_loop().run_in_executor(_threads, look)
        try:
            return await looking
        except asyncio.CancelledError:
            # The thread wakes up, and the process can end.
            reader.cut()
            raise

    def _open(self) -> Mailbox:
        """Raises TransportError."""
        try:
            return Mailbox(imap_server(self.channel.config), *self._credentials())
        except LoginRefused:
            if not self.channel.secrets.get("refresh_token"):
                raise
        # An access token may end before its time.
        self._forget_token()
        return Mailbox(imap_server(self.channel.config), *self._credentials())

    def list_received(self, since: datetime) -> Sequence[bytes] | None:
        if self._receive != "imap":
            return None
        mailbox = open_once(self._identity, self._open)
        try:
            return mailbox.since(self._folder, since, MOST_COMPARED)
        except ConnectionLost as error:
            raise TransportError(_("IMAP: the connection broke off: %(fault)s") % {"fault": error}) from None
        finally:
            mailbox.leave()

    # -- outbound

    def send(self, message: OutgoingMessage) -> SendResult:
        config = self.channel.config
        plus = self._plus_secret if config.get("reply_to") == "plus" else ""
        mailbox = outgoing.Mailbox(self.address, str(config.get("sender_name", "")), loop_mark(self.channel.id), plus)
        letter = outgoing.build_letter(message, mailbox)
        with self._smtp() as client:
            smtp.hand_in(client, self.address, message.address, letter)
        return SendResult(external_id=naming.message_id(message.key, self.address))

    def _smtp(self) -> AbstractContextManager[SMTP]:
        login, password, token = self._credentials()
        return smtp.session(smtp_server(self.channel.config), naming.domain_of(self.address), login, password, token)

    # -- set-up

    def setup_values(self) -> Mapping[str, str]:
        values = {"webhook_url": self.channel.webhook_url, "user": hooks.USER}
        scheme, _slashes, rest = self.channel.webhook_url.partition("://")
        named = f"{scheme}://{hooks.USER}:SECRET@{rest}"
        return {**values, "webhook_url_with_name": named, "consent_url": self._redirect_url}

    @property
    def _redirect_url(self) -> str:
        return f"{self.channel.site_url}/channels/consent/"

    def consent_url(self, state: str) -> str:
        return oauth.consent_url(self._provider, self.channel.config, self._redirect_url, state)

    def accept_consent(self, code: str) -> Mapping[str, Any]:
        config, secrets = self.channel.config, self.channel.secrets
        return {"refresh_token": oauth.refresh_token_for(self._provider, config, secrets, self._redirect_url, code)}

    def connect(self) -> Connected:
        self._check(anyway=True)
        return Connected(self.address, self.address)

    def check_health(self) -> str:
        return self._check(anyway=False)

    def _check(self, *, anyway: bool) -> str:
        """Signs in to both; each says for itself what is wrong."""
        with self._smtp() as client:
            client.noop()
        if self._receive != "imap":
            return _("Letters leave by SMTP; they come in when the mail service posts them.")
        mailbox = open_once(self._identity, self._open, anyway=anyway)
        try:
            mailbox.check(self._folder)
        except ConnectionLost as error:
            raise TransportError(_("IMAP: the connection broke off: %(fault)s") % {"fault": error}) from None
        finally:
            mailbox.leave()
        return _("IMAP and SMTP let us in.")

    def renewed_secrets(self) -> Mapping[str, Any]:
        renewed = oauth.renewed_refresh_token(self._provider, self.channel.config, self.channel.secrets)
        return {"refresh_token": renewed} if renewed else {}

    def disconnect(self) -> None:
        """Nothing is asked of the mailbox: whoever reads it stops by itself."""
