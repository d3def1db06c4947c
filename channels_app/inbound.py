"""What a customer or a provider did, as adapters tell it: the typed events that `Adapter.parse` returns."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tickets.services.receive import Incoming, Profile


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
    """The provider's status of one of our messages: sent, delivered, read or failed.

    `key` is the one of OutgoingMessage, where the provider echoes it: it names the message even before its id was stored.
    """

    address: str
    external_id: str
    state: str
    error: str = ""
    key: UUID | None = None


@dataclass(frozen=True)
class ReadUpTo:
    """The customer has seen this message of ours and all before it."""

    address: str
    external_id: str


@dataclass(frozen=True)
class Reaction:
    """The customer's reaction to a message of either side; an empty `emoji` takes it back."""

    address: str
    external_id: str
    emoji: str


@dataclass(frozen=True)
class Echo:
    """What the company wrote to the customer past us, in the messenger's own app: kept as an agent's message that has left.

    One that we have sent ourselves is recognised by its external id, by `key` as in Receipt, or by `is_of`, which tells
    whether a key is its own: some providers give back no more than a hash. `is_whole`: False for what may be an early piece of
    a message of ours; alone it does not say that the message has left. `edited_at`: it is a change of one written before.
    """

    address: str
    profile: Profile
    incoming: Incoming
    key: UUID | None = None
    is_of: Callable[[UUID], bool] | None = None
    is_whole: bool = True
    edited_at: datetime | None = None


@dataclass(frozen=True)
class AddressChanged:
    """The person has another address in this channel from now on (a new phone number)."""

    address: str
    new_address: str


@dataclass(frozen=True)
class AddressBlocked:
    """`reason` empty means reachable again."""

    address: str
    reason: str


@dataclass(frozen=True)
class WindowClosed:
    """The provider says that free text is no longer taken there, whatever we have counted; `at` is when it said so."""

    address: str
    at: datetime | None = None


@dataclass(frozen=True)
class TemplatesChanged:
    """One of the account's message templates was approved, refused, paused or rewritten."""


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


@dataclass(frozen=True)
class Typing:
    """The customer is writing; `at` is when, where the channel tells."""

    address: str
    on: bool = True
    at: datetime | None = None


@dataclass(frozen=True)
class NotUnderstood:
    """One part of a batch that nobody can be told of: the ledger row fails with `reason`, the parts beside it go through."""

    reason: str


@dataclass(frozen=True)
class Elsewhere:
    """It came here, but is for the channel of the same kind with this identity: some apps have one address for many numbers."""

    external_id: str
    result: "InboundResult"


InboundResult = (
    MessageReceived
    | EditedMessage
    | DeletedMessage
    | Receipt
    | ReadUpTo
    | Reaction
    | Echo
    | AddressBlocked
    | AddressChanged
    | WindowClosed
    | TemplatesChanged
    | ButtonPressed
    | ConversationStarted
    | Typing
    | NotUnderstood
    | Elsewhere
)
