"""The names that our letters carry and that answers bring back: Message-IDs, tags of the subject, plus-addresses."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from uuid import UUID

_OURS = re.compile(r"<omni\.(?P<key>[0-9a-f]{32})@[^<>\s@]+>", re.IGNORECASE)
_ID = re.compile(r"<[^<>\s]{1,996}>")
_TAG = re.compile(r"\[#(\d{1,15})\]")
_PREFIX = re.compile(r"^\s*(?:re|fwd?|отв|ответ|пересл|aw|wg)\s*(?:\[\d+\]|\(\d+\))?\s*:\s*", re.IGNORECASE)
# A mac of 64 bits: whoever guesses it still has to be the customer.
_MAC_LENGTH = 16


def message_id(key: UUID, address: str) -> str:
    """Stable over retries, so that a letter sent twice is recognised by whoever gets it; in the mailbox's own domain."""
    return f"<omni.{key.hex}@{domain_of(address)}>"


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def keys_of(ids: Iterable[str]) -> tuple[UUID, ...]:
    """The keys of messages of ours among these ids."""
    found = (_OURS.fullmatch(id) for id in ids)
    return tuple(UUID(match["key"]) for match in found if match)


def reference_of(external_id: str) -> str:
    """The Message-ID in an id of ours, without the mark that tells two letters of one id apart; empty for anything else."""
    match = _ID.match(external_id)
    return match[0] if match and match[0].isascii() and match[0].isprintable() else ""


def tagged_subject(subject: str, number: int, *, is_reply: bool) -> str:
    """Kept the same through a conversation: some programs part conversations by it."""
    bare = _TAG.sub("", subject)
    while (shorter := _PREFIX.sub("", bare)) != bare:
        bare = shorter
    words = " ".join(f"[#{number}] {bare}".split())[:240]
    return f"Re: {words}" if is_reply else words


def number_in_subject(subject: str) -> int:
    """The last tag: earlier ones are another help desk's."""
    found = _TAG.findall(subject)
    return int(found[-1]) if found else 0


def plus_address(address: str, number: int, secret: str) -> str:
    """Where answers come that lose every header on their way."""
    local, _at, domain = address.rpartition("@")
    return f"{local}+c{number}.{_mac(number, secret)}@{domain}"


def number_in_address(recipients: Iterable[str], address: str, secret: str) -> int:
    """The conversation whose plus-address is among these; 0 without one of our own making."""
    local, _at, domain = address.lower().rpartition("@")
    pattern = re.compile(rf"{re.escape(local)}\+c(\d{{1,15}})\.([0-9a-f]{{{_MAC_LENGTH}}})@{re.escape(domain)}")
    for recipient in recipients:
        match = pattern.fullmatch(recipient.lower())
        if match and hmac.compare_digest(match[2], _mac(int(match[1]), secret)):
            return int(match[1])
    return 0


def _mac(number: int, secret: str) -> str:
    return hmac.new(secret.encode(), str(number).encode(), hashlib.sha256).hexdigest()[:_MAC_LENGTH]
