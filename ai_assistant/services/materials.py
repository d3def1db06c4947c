"""What a model works on when it helps an agent: words of the composer, of a message, or of a whole conversation."""

from collections.abc import Callable

from ai_assistant.aid_prompts import Material
from ai_assistant.models import Aid
from omnisupport.lib.errors import InvalidInput, NotFound
from tickets.models import Author, Message, MessageKind, Tag, Ticket

# Of a draft or a message: what is longer is refused, for half of it would be no translation.
MOST_CHARACTERS = 6_000
# Of a conversation: its newest part.
_NEWEST_MESSAGES, _OF_A_MESSAGE, _OF_A_CONVERSATION = 60, 1_500, 14_000
_MOST_TAGS = 200
_SAMPLE = 600
Hide = Callable[[str], str]


def material_of(aid: Aid, ticket: Ticket, text: str, hide: Hide) -> Material:
    """As it may leave us: `hide` masks before anything is cut, for half a phone is none. `text`: the words of the composer,
    where it is about them. Raises NotFound for a message that is gone."""
    match aid.kind:
        case Aid.Kind.REWRITE:
            return Material(hide(text))
        case Aid.Kind.REPLY_TRANSLATION:
            words = customers_words(ticket)
            # Known in one of them, hidden in both.
            hide(words)
            return Material(hide(text), sample=hide(words)[-_SAMPLE:])
        case Aid.Kind.TRANSLATION:
            message = ticket.messages.filter(id=aid.message_id or 0, deleted_at=None).first()
            if message is None:
                raise NotFound("")
            return Material(hide(message.text))
        case Aid.Kind.TRIAGE:
            tags = Tag.objects.exclude(tickets=ticket).order_by("name")
            names = list(tags.values_list("name", flat=True)[:_MOST_TAGS])
            return Material(conversation(ticket, hide), tags=names)
        case Aid.Kind.LEARNING:
            return Material(conversation(ticket, hide), said=conversation(ticket, hide, Author.AGENT))
        case _:
            return Material(conversation(ticket, hide))


def public_messages(ticket: Ticket) -> list[Message]:
    """What customer and support said to each other, oldest first; notes never reach a model."""
    rows = ticket.messages.filter(kind=MessageKind.PUBLIC, deleted_at=None).exclude(text="")
    return list(reversed(rows.exclude(author=Author.SYSTEM).order_by("-id")[:_NEWEST_MESSAGES]))


def conversation(ticket: Ticket, hide: Hide, author: str = "") -> str:
    """Lines of `customer` and `support`; `author`: only theirs."""
    messages = public_messages(ticket)
    for message in messages:
        # Known from any of them, hidden in all.
        hide(message.text)
    lines = [
        f"{'customer' if message.author == Author.CONTACT else 'support'}: {hide(message.text)[:_OF_A_MESSAGE]}"
        for message in messages
        if not author or message.author == author
    ]
    return "\n".join(lines)[-_OF_A_CONVERSATION:]


def customers_words(ticket: Ticket) -> str:
    """Enough of the newest to see their language."""
    words = [message.text for message in public_messages(ticket) if message.author == Author.CONTACT]
    return "\n".join(words[-3:])


def check_words(text: str, *, empty: str, too_long: str) -> str:
    """Raises InvalidInput with these sentences."""
    text = text.replace("\x00", "").strip()
    if not text or len(text) > MOST_CHARACTERS:
        raise InvalidInput(too_long if text else empty, field="text")
    return text
