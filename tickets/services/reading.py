"""How far people have read."""

from tenants.accounts.models import User
from tickets.models import Message, ReadMark


def note_read(ticket_id: int, message_id: int, user: User) -> None:
    """This message was before the person's eyes, and with it all before it. It is nobody's business: no event is written."""
    if not Message.objects.filter(id=message_id, ticket_id=ticket_id).exists():
        return
    # Two devices may tell in any order: a mark only moves forward.
    if not ReadMark.objects.filter(ticket_id=ticket_id, user=user, message_id__lt=message_id).update(
        message_id=message_id
    ):
        mark = ReadMark(ticket_id=ticket_id, user=user, message_id=message_id)
        ReadMark.objects.bulk_create([mark], ignore_conflicts=True)
