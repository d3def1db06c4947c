"""What people find wrong with an answer of the assistant."""

from django.db import transaction

from ai_assistant.models import Answer
from tenants.accounts.models import User
from tenants.events.log import record


def mark_wrong(answer: Answer, *, reason: str, comment: str, user: User) -> None:
    """`reason` is a value of Answer.Wrong. The last word of the last person counts."""
    _write(answer, reason, comment.strip(), user, by=user)


def take_back(answer: Answer, *, user: User) -> None:
    _write(answer, "", "", user, by=None)


@transaction.atomic
def _write(answer: Answer, reason: str, comment: str, user: User, *, by: User | None) -> None:
    # Not the whole row: its turn may still be at work.
    Answer.objects.filter(id=answer.id).update(wrong=reason, wrong_comment=comment, wrong_by=by)
    record(
        "answer.judged",
        ticket_id=answer.ticket_id,
        actor_id=user.id,
        payload={"answer_id": str(answer.id), "wrong": reason},
    )
