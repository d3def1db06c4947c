"""Which conversation a letter belongs to. In other channels a person has one; by e-mail each subject is one of its own."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from omnisupport.lib.text import Storable
from tickets.models import ContactAddress, Message, Status, Ticket


@dataclass(frozen=True)
class Letter(Storable):
    """What makes a message a letter: one person may have several conversations, and a letter names the one it belongs to.

    `references` are ids of messages it answers, `keys` our own (client ids) among them, `number` is the conversation's. They
    count only where the same person takes part: whoever else names them begins a conversation of their own. One id with
    another `fingerprint` is another letter: its sender makes the ids.
    """

    subject: str = ""
    references: tuple[str, ...] = ()
    keys: tuple[UUID, ...] = ()
    number: int = 0
    fingerprint: str = ""


def name_of(row: ContactAddress, external_id: str, letter: Letter | None) -> str:
    """The id under which a message is kept at its address: what another letter has already is given a mark of its own."""
    external_id = external_id[:255]
    if letter is None:
        return external_id
    known = Message.objects.filter(address=row, external_id=external_id).first()
    if known is None or known.content.get("fingerprint") == letter.fingerprint:
        return external_id
    return f"{external_id[:238]}#{letter.fingerprint[:16]}"


def find_thread(row: ContactAddress, letter: Letter, external_id: str) -> tuple[Ticket | None, str]:
    """The live ticket that the letter goes on with, locked, and its thread; (None, thread) where one has to be made."""
    named = _named(letter, row)
    if named is None:
        return None, hashlib.sha256(f"{external_id}\n{letter.fingerprint}".encode()).hexdigest()[:32]
    # Theirs, or another's that theirs was merged into.
    live = Ticket.objects.exclude(status=Status.CLOSED).filter(Q(contact_id=row.contact_id) | Q(id=row.continues_id))
    in_thread = Q(thread=named.thread, channel_id=row.channel_id) & ~Q(thread="")
    same = Q(id__in=[named.id, named.merged_into_id]) | in_thread
    found = (
        live.filter(same)
        .select_related("assignee", "custom_status")
        .select_for_update(of=("self",))
        .order_by("-id")
        .first()
    )
    return found, named.thread


def named_by_another(row: ContactAddress, letter: Letter) -> Ticket | None:
    """Somebody else's conversation that the letter names: agents should know, the letter does not get in."""
    # By our own names alone, which an index finds; other people's would be looked for among all messages.
    ours = Q(messages__client_id__in=letter.keys) | Q(number=letter.number)
    others = Ticket.objects.filter(channel_id=row.channel_id).exclude(contact_id=row.contact_id)
    return others.filter(ours).first() if letter.keys or letter.number else None


def _named(letter: Letter, row: ContactAddress) -> Ticket | None:
    """The conversation of this person that the letter names: by what it answers, else by number."""
    here = Message.objects.filter(address__contact_id=row.contact_id, address__channel_id=row.channel_id)
    ids = Q(external_id__in=letter.references) | Q(client_id__in=letter.keys)
    answered = here.filter(ids).select_related("ticket").order_by("-id").first()
    if answered is not None:
        return answered.ticket
    own = Ticket.objects.filter(contact_id=row.contact_id, channel_id=row.channel_id)
    return own.filter(number=letter.number).first() if letter.number else None
