"""Answers that people wrote for fixed questions. They are given word for word, before any document is looked at."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.files.base import File
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from ai_assistant.fixed_questions import question_key
from ai_assistant.models import CustomAnswer
from omnisupport.lib.errors import Conflict, InvalidInput
from tenants.accounts.models import User
from tickets.services.attachments import check_upload, store_upload
from tickets.services.post import check_text

MOST_VARIANTS = 50


def find_custom_answer(question: str) -> CustomAnswer | None:
    """The one that has exactly this question, whatever the forms and the order of its words."""
    key = question_key(question)
    return CustomAnswer.objects.filter(is_active=True, keys__contains=[key]).first() if key else None


@transaction.atomic
def save_custom_answer(
    custom: CustomAnswer | None,
    *,
    questions: Sequence[str],
    text: str,
    is_active: bool = True,
    user: User | None = None,
) -> CustomAnswer:
    """Makes one (None) or changes it. Raises InvalidInput with `field`; Conflict where another one has a question already."""
    variants = list(dict.fromkeys(line.strip()[:500] for line in questions if line.strip()))
    if not variants:
        raise InvalidInput(_("Write at least one question."), field="questions")
    if len(variants) > MOST_VARIANTS:
        raise InvalidInput(_("More than %(n)d ways to ask.") % {"n": MOST_VARIANTS}, field="questions")
    unclear = next((line for line in variants if not question_key(line)), None)
    if unclear is not None:
        raise InvalidInput(_("“%(text)s” asks nothing.") % {"text": unclear[:80]}, field="questions")
    custom = custom or CustomAnswer(created_by=user)
    custom.keys = sorted({question_key(line) for line in variants})
    others = CustomAnswer.objects.exclude(id=custom.id) if custom.id else CustomAnswer.objects.all()
    taken = others.filter(keys__overlap=custom.keys).first()
    if taken is not None:
        raise Conflict(_("“%(text)s” has an answer already.") % {"text": taken.questions[0][:80]}, field="questions")
    custom.questions, custom.text, custom.is_active = variants, check_text(text, False), is_active
    custom.save()
    return custom


@transaction.atomic
def set_file(custom: CustomAnswer, upload: File[Any] | None) -> None:
    """One file goes with the answer; None takes it away. Raises TooLarge, Unsupported, InvalidInput (empty)."""
    name = check_upload(upload)[0] if upload else ""
    _forget_file(custom)
    custom.file, custom.file_name = File(upload, name) if upload else "", name
    custom.save(update_fields=["file", "file_name"])


@transaction.atomic
def delete_custom_answer(custom: CustomAnswer) -> None:
    _forget_file(custom)
    custom.delete()


def _forget_file(custom: CustomAnswer) -> None:
    if custom.file:
        storage, old = custom.file.storage, str(custom.file.name)
        transaction.on_commit(lambda: storage.delete(old))


def copy_file(custom_id: int, user: User) -> list[UUID]:
    """An upload of this user with the answer's file, for the message that gives it; empty where there is none."""
    custom = CustomAnswer.objects.filter(id=custom_id).first()
    if custom is None or not custom.file:
        return []
    with custom.file.open("rb") as body:
        return [store_upload(File(body, custom.file_name), user=user).id]


def count_use(custom_id: int) -> None:
    CustomAnswer.objects.filter(id=custom_id).update(uses=F("uses") + 1, last_used_at=timezone.now())
