"""What a channel kind must offer. One folder per kind; the folder's `adapter.py` has one class named `Adapter`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from pydantic import BaseModel

from tickets.services.receive import Incoming, IncomingFile, Profile

__all__ = [
    "Adapter",
    "AddressBlocked",
    "ButtonPressed",
    "ChannelInfo",
    "Connected",
    "ConversationStarted",
    "DeletedMessage",
    "EditedMessage",
    "FetchedFile",
    "InboundResult",
    "Incoming",
    "IncomingFile",
    "Limits",
    "MessageReceived",
    "OutgoingFile",
    "OutgoingMessage",
    "Profile",
    "Receipt",
    "SendResult",
    "TransportError",
    "UnknownOutcome",
    "Unparsable",
]  # fmt: skip


# ---- Inbound: typed events that `parse` returns ------------------------------------------------------------------------


@dataclass(frozen=True)
class MessageReceived:
    address: str
    profile: Profile
    incoming: Incoming


@dataclass(frozen=True)
class EditedMessage:
    """`incoming` is used as a new message when the original never reached us."""

    address: str
    profile: Profile
    incoming: Incoming
    edited_at: datetime | None = None


@dataclass(frozen=True)
class DeletedMessage:
    address: str
    external_id: str


@dataclass(frozen=True)
class Receipt:
    """The provider's status of one of our messages: sent, delivered, read or failed."""

    address: str
    external_id: str
    state: str
    error: str = ""


@dataclass(frozen=True)
class AddressBlocked:
    """`reason` empty means reachable again."""

    address: str
    reason: str


@dataclass(frozen=True)
class ButtonPressed:
    """A press is an inbound message whose text is the button's; `callback_id` must be answered at once."""

    address: str
    profile: Profile
    incoming: Incoming
    callback_id: str = ""


@dataclass(frozen=True)
class ConversationStarted:
    """The person opened the chat. `payload` came with the link and is untrusted."""

    address: str
    profile: Profile
    incoming: Incoming
    payload: str = ""


InboundResult = (
    MessageReceived | EditedMessage | DeletedMessage | Receipt | AddressBlocked | ButtonPressed | ConversationStarted
)


class Unparsable(Exception):
    """The raw event cannot be understood; it stays in the ledger as failed with this reason."""


# ---- Outbound --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OutgoingFile:
    """`remote` may hold the provider's own id from an earlier send."""

    id: UUID
    kind: str
    name: str
    mime: str
    size: int
    path: str
    remote: Mapping[str, Any] = field(default_factory=dict)

    def read(self) -> bytes:
        """Raises TransportError: what cannot be read has certainly not been sent."""
        from django.core.files.storage import default_storage

        try:
            with default_storage.open(self.path) as file:
                return bytes(file.read())
        except FileNotFoundError:
            raise TransportError(_("The file “%(name)s” is gone.") % {"name": self.name}, permanent=True) from None
        except Exception as error:
            # The storage of the installation may be anything; it is away, and a later try may find it.
            reason = _("The file “%(name)s” cannot be read: %(fault)s")
            raise TransportError(reason % {"name": self.name, "fault": type(error).__name__}) from error


def _forget(part: str) -> None:
    """For whoever sends without keeping a record."""


@dataclass(frozen=True)
class OutgoingMessage:
    """`key` is stable over retries: the idempotency key where the provider takes one.

    A message that leaves in several pieces calls `note_part` with the provider's id after each of them; the next try finds
    those in `sent_parts` and goes on behind them.
    """

    key: UUID
    address: str
    details: Mapping[str, Any]
    text: str
    files: Sequence[OutgoingFile] = ()
    buttons: Sequence[Mapping[str, str]] = ()
    citations: Sequence[Mapping[str, Any]] = ()
    reply_to_external_id: str = ""
    sent_parts: Sequence[str] = ()
    note_part: Callable[[str], None] = _forget


@dataclass(frozen=True)
class SendResult:
    """`external_id` names the (first) message at the provider; `delivered` when the channel knows at once."""

    external_id: str = ""
    delivered: bool = False
    # attachment id → the provider's reusable file id
    remote_files: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)


class TransportError(Exception):
    """Sending failed and the provider certainly has not taken the message.

    `permanent`: do not retry. `retry_after` seconds: rest that long; `whole_channel`: everybody rests, not only this chat.
    `unreachable`: nothing can be sent to this address until the person writes again. `reason` is a sentence for agents.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        whole_channel: bool = False,
        unreachable: bool = False,
        breaks_channel: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
        self.whole_channel = whole_channel
        self.unreachable = unreachable
        self.breaks_channel = breaks_channel


class UnknownOutcome(Exception):
    """The answer was lost: the provider may or may not have taken the message. Never retried by itself."""


@dataclass(frozen=True)
class FetchedFile:
    body: bytes
    name: str = ""
    mime: str = ""


# ---- The adapter -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChannelInfo:
    """A channel as adapters see it; plain data, so that the ingress can keep it in memory."""

    id: UUID
    schema: str
    kind: str
    config: Mapping[str, Any]
    secrets: Mapping[str, Any]
    webhook_url: str


@dataclass(frozen=True)
class Connected:
    """What connecting taught us. `config` is merged into the channel's; `external_id` is the provider's identity."""

    external_id: str
    title: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    text: int = 4096
    caption: int = 1024
    file_bytes: int = 20 * 1024 * 1024
    buttons: int = 10


class NoFields(BaseModel):
    pass


class Adapter:
    """Translates between one provider and us. Stateless; knows nothing of tickets, tenants or the database."""

    title: ClassVar[str | Promise]
    icon: ClassVar[str] = "chat"
    limits: ClassVar[Limits] = Limits()
    # True where the provider refuses a repeated key, so that a lost answer may be retried without doubling.
    idempotent: ClassVar[bool] = False
    has_webhook: ClassVar[bool] = True
    can_poll: ClassVar[bool] = False
    # The body of our 200; some providers compare it.
    acknowledgement: ClassVar[bytes] = b"ok"
    # The forms of the set-up page are made from these; `Secrets` are write-only.
    Config: ClassVar[type[BaseModel]] = NoFields
    Secrets: ClassVar[type[BaseModel]] = NoFields

    def __init__(self, channel: ChannelInfo) -> None:
        self.channel = channel

    # -- inbound: called in the ingress on the event loop; no I/O, no database
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises omnisupport.lib.errors.NotAuthenticated unless the provider sent exactly these bytes."""
        raise NotImplementedError

    def event_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """The provider's key of this delivery; a hash of the bytes where there is none."""
        return "sha256:" + hashlib.sha256(body).hexdigest()

    # -- inbound: called in the worker
    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[InboundResult]:
        """Typed events in order. Empty: nothing for us. Raises Unparsable."""
        raise NotImplementedError

    def fetch_file(self, remote: Mapping[str, Any]) -> FetchedFile:
        """Raises TransportError."""
        raise NotImplementedError

    def answer_callback(self, callback_id: str) -> None:
        """Tells the provider that a button press was seen."""

    # -- outbound: called in the worker, outside transactions
    def send(self, message: OutgoingMessage) -> SendResult:
        """Raises TransportError (certainly not sent) or UnknownOutcome (perhaps sent)."""
        raise NotImplementedError

    def edit(self, address: str, external_id: str, text: str) -> None:
        """Changes a message of ours at the customer's side, where the channel can."""
        raise TransportError("This channel cannot change sent messages.", permanent=True)

    def send_typing(self, address: str, details: Mapping[str, Any]) -> None:
        """Shows that somebody writes; faults are swallowed by the caller."""

    # -- set-up
    def connect(self) -> Connected:
        """Checks the credentials and tells who we are there; changes nothing. Raises TransportError with what to do."""
        raise NotImplementedError

    def start_receiving(self) -> str:
        """Asks the provider to call our webhook, once it is known that the identity is ours alone. Returns a note for the
        channel page. Raises TransportError."""
        return ""

    def disconnect(self) -> None:
        """Takes our webhook back."""

    def check_health(self) -> str:
        """Asks the provider whether all is well; called every few minutes. Returns a note for the channel page. Raises
        TransportError when the channel does not work."""
        return ""

    async def poll(self, state: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
        """Waits for updates (long poll, ≤ 30 s) where there is no public address: raw bodies and the next state."""
        raise NotImplementedError
