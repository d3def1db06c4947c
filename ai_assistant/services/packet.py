"""What an agent gets with a conversation: why, what was asked and answered, where was looked, and the draft not sent."""

from uuid import uuid5

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from ai_assistant.models import Answer
from ai_assistant.services.turns import question_of, this_workspace
from tickets.models import Author, HandoffReason, Message, MessageKind, Ticket
from tickets.services.post import post_message

_EARLIER = 3


def packet_of(answer: Answer, reason: str) -> str:
    lines = [_reason(reason), _("Question: %(text)s") % {"text": answer.question[:500]}, *_earlier(answer.ticket_id)]
    titles = list(dict.fromkeys(str(passage["title"]) for passage in answer.passages[:4]))
    if titles:
        lines.append(_("Sources looked at: %(titles)s") % {"titles": "; ".join(titles)})
    lines += [str(check["message"]) for check in answer.checks if check.get("message")]
    drafts = [str(check["text"]) for check in answer.checks if check.get("text")]
    if drafts:
        lines.append(_("Draft that was not sent: %(text)s") % {"text": drafts[-1]})
    return "\n".join(lines)


def _reason(reason: str) -> str:
    return _("Handed over: %(reason)s") % {"reason": HandoffReason.words(reason)}


def _earlier(ticket_id: int) -> list[str]:
    """What the assistant has answered in this conversation so far, newest last."""
    rows = Answer.objects.filter(ticket_id=ticket_id, outcome=Answer.Outcome.ANSWERED).exclude(question="")
    asked = list(rows.order_by("-created_at").values_list("question", flat=True)[:_EARLIER])
    return [_("Answered before: %(text)s") % {"text": " ".join(text.split())[:200]} for text in reversed(asked)]


@transaction.atomic
def leave_packet(ticket_id: int, reason: str) -> Message | None:
    """For a hand-over that the assistant did not make itself: the customer pressed “talk to a person”. The same note once."""
    ticket = Ticket.objects.select_related("address__channel").get(id=ticket_id)
    notices = ticket.messages.filter(author=Author.SYSTEM, content__handoff=reason).order_by("-id")
    notice = notices.first()
    if notice is None or Answer.objects.filter(message_id=notice.id).exists():
        return None
    with translation.override(this_workspace().language):
        asked = list(
            ticket.messages.filter(author=Author.CONTACT, id__lt=notice.id, deleted_at=None).order_by("-id")[:1]
        )
        lines = [_reason(reason), *_earlier(ticket.id)]
        if asked and question_of(ticket, asked):
            lines.insert(1, _("Question: %(text)s") % {"text": question_of(ticket, asked)[:500]})
    return post_message(
        ticket_id=ticket.id, client_id=uuid5(notice.client_id, "note"), text="\n".join(lines), user=notice.user,
        author=Author.ASSISTANT, kind=MessageKind.NOTE,
    )  # fmt: skip
