"""What leaves for a customer, and what became of it: the types that `Adapter.send` takes, returns and raises."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from django.utils.translation import gettext as _


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
    # A signed link good for a week, for providers that fetch by themselves and for files over their limits.
    url: str = ""

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
    # {name, language, variables: {name: value}} of a template that the provider has approved; `text` is how it reads.
    template: Mapping[str, Any] | None = None
    # The person's second address in the channel, as in Profile.
    alias: str = ""
    # Of the conversation: the number agents see, its subject, and the newest messages' external ids, oldest first (e-mail).
    ticket_number: int = 0
    subject: str = ""
    thread: Sequence[str] = ()
    # Written by the assistant or the product, not by a person.
    automatic: bool = False


@dataclass(frozen=True)
class SendResult:
    """`external_id` names the (first) message at the provider; `delivered` when the channel knows at once."""

    external_id: str = ""
    delivered: bool = False
    # attachment id → the provider's reusable file id
    remote_files: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)


class TransportError(Exception):
    """Sending failed and the provider certainly has not taken the message.

    `permanent`: do not retry. `retry_after` seconds: rest that long; `whole_channel`: everybody rests, not only this chat;
    None where the provider does not say which: then a second chat that is told to rest shows that it is all of them.
    `unreachable`: nothing can be sent to this address until the person writes again; `window_closed`: nothing but a template;
    `stale_templates`: our copy of them is no longer the provider's.
    `reason` is a sentence for agents.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        whole_channel: bool | None = False,
        unreachable: bool = False,
        breaks_channel: bool = False,
        window_closed: bool = False,
        stale_templates: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
        self.whole_channel = whole_channel
        self.unreachable = unreachable
        self.breaks_channel = breaks_channel
        self.window_closed = window_closed
        self.stale_templates = stale_templates


class UnknownOutcome(Exception):
    """The answer was lost: the provider may or may not have taken the message. Never retried by itself."""


def lost_answer(provider: str, error: httpx.HTTPError) -> UnknownOutcome:
    """Of a call that went out and brought no answer back."""
    if isinstance(error, httpx.TimeoutException):
        return UnknownOutcome(_("%(provider)s did not answer in time.") % {"provider": provider})
    return UnknownOutcome(_("The connection to %(provider)s broke off before it confirmed.") % {"provider": provider})
