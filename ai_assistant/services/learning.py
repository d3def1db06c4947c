"""What people answered where the assistant could not becomes a question and its answer, for an admin to approve.

A row is made when the conversation is solved; a worker draws it up, with a model where there is one and from the agent's words
where there is none. A row that comes to nothing goes away; one that was rejected stays, so that nothing like it comes again.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ai_assistant.evaluation.scoring import says
from ai_assistant.fixed_questions import question_key
from ai_assistant.language import language_of
from ai_assistant.models import Aid, Answer, CustomAnswer, LearnedAnswer
from ai_assistant.reusable import GAP, reusable_words
from ai_assistant.services.aids import ask_for, models_of
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.services.custom_answers import save_custom_answer
from ai_assistant.services.materials import public_messages
from ai_assistant.services.turns import this_workspace
from ai_assistant.services.unanswered import ALIKE, stems_of
from ai_assistant.triggers import asking_sentences, is_complaint, wants_person
from knowledge.search import search_passages
from knowledge.services.articles import write_article
from knowledge.stopwords import content_terms
from omnisupport.lib.errors import AppError, Conflict, InvalidInput, NotFound, Unavailable
from tenants.accounts.models import User
from tickets.models import Author, HandoffReason, Message, Status, Ticket

log = structlog.get_logger(__name__)

# What is about files or a topic that was forbidden teaches nothing.
_REASONS = [reason for reason in HandoffReason.values if reason not in {"unread_file", "topic", "off"}]
# Fewer words that mean something are no question and no answer.
_LEAST_TERMS_ASKED, _LEAST_TERMS_SAID = 1, 2
_LONGEST_QUESTION, _LONGEST_ANSWER = 300, 4000
_FOUND = 4
# A row that nobody drew up by then was lost with its worker too often.
_GIVE_UP_AFTER = timedelta(days=1)
_Pair = tuple[str, str]


# ---- Noticing and drawing up --------------------------------------------------------------------------------------------


def note_solved(ticket_id: int) -> LearnedAnswer | None:
    """A row for what people had to answer in this conversation; None where there is nothing new to learn."""
    given_away = _given_away(ticket_id)
    if not given_away:
        return None
    solved = Ticket.objects.filter(status__in=[Status.SOLVED, Status.CLOSED], is_spam=False, merged_into=None)
    ticket = solved.filter(id=ticket_id, human_replied=True).first()
    answered = [question for question in given_away if _replies(ticket, question)] if ticket else []
    if not answered:
        return None
    learned, is_new = LearnedAnswer.objects.get_or_create(
        question_message_id=answered[0], defaults={"ticket_id": ticket_id}
    )
    return learned if is_new else None


def _given_away(ticket_id: int) -> list[int]:
    """The newest questions that the assistant gave away, or had nothing to suggest for."""
    given_away = Q(outcome=Answer.Outcome.HANDED_OVER) | Q(outcome=Answer.Outcome.SUGGESTED, text="")
    turns = Answer.objects.filter(given_away, ticket_id=ticket_id, reason__in=_REASONS).order_by("-created_at")
    return list(turns.values_list("question_message_id", flat=True)[:5])


def _replies(ticket: Ticket, after: int) -> list[Message]:
    return [message for message in public_messages(ticket) if message.author == Author.AGENT and message.id > after]


def draw_up_new(batch: int = 5) -> bool:
    """Returns whether there are more."""
    new = LearnedAnswer.objects.filter(state=LearnedAnswer.State.NEW).order_by("id")
    for learned in new[:batch]:
        draw_up(learned)
    return new.exists()


def draw_up(learned: LearnedAnswer) -> None:
    """In a worker: the row becomes a proposal, or goes away."""
    ticket = Ticket.objects.select_related("contact").filter(id=learned.ticket_id).first()
    turn = Answer.objects.filter(question_message_id=learned.question_message_id).first()
    pair: _Pair | None = None
    with translation.override(this_workspace().language):
        try:
            if ticket and turn:
                pair = _pair_of(learned, ticket, turn)
        except Exception:
            log.exception("learning_failed", ticket=learned.ticket_id)
    mine = LearnedAnswer.objects.filter(id=learned.id, state=LearnedAnswer.State.NEW)
    if pair is None:
        mine.delete()
        return
    mine.update(
        state=LearnedAnswer.State.PROPOSED,
        question=pair[0],
        text=pair[1],
        stems=sorted(stems_of(pair[0])),
        aid=learned.aid,
    )


def _pair_of(learned: LearnedAnswer, ticket: Ticket, turn: Answer) -> _Pair | None:
    """None where nothing can be learned, or it is known."""
    plain = _plain_pair(ticket, turn)
    # Before a model is paid for it.
    if plain is None or _is_known(plain, learned):
        return None
    pair = _drawn_by_model(learned, ticket, plain)
    return pair if pair and (pair == plain or not _is_known(pair, learned)) else None


def _plain_pair(ticket: Ticket, turn: Answer) -> _Pair | None:
    """The customer's question and the agent's fullest reply, in their own words."""
    clean = _cleaner(ticket)
    replies = [clean(message.text) for message in _replies(ticket, turn.question_message_id)]
    answer = max(replies, key=lambda text: len(content_terms(text)), default="")
    # Whoever only asked for a person had asked something before.
    candidates = [turn.question, *(text for text in reversed(_asked(ticket)) if text not in turn.question)]
    question = next((text for text in candidates if not wants_person([text]) and not is_complaint(text)), "")
    question = " ".join(_short(clean(question)).split())
    too_little = len(content_terms(question)) < _LEAST_TERMS_ASKED or len(content_terms(answer)) < _LEAST_TERMS_SAID
    return None if too_little or answer.rstrip().endswith("?") else (question, answer[:_LONGEST_ANSWER])


def _asked(ticket: Ticket) -> list[str]:
    return [message.text for message in public_messages(ticket) if message.author == Author.CONTACT]


def _cleaner(ticket: Ticket) -> Callable[[str], str]:
    """Leaves what can be said to every customer."""
    asked = "\n".join(_asked(ticket))
    return lambda text: reusable_words(text, names=[ticket.contact.name], said_by_customer=asked)


def _short(question: str) -> str:
    """Of a long story what is asked at its end."""
    if len(question) <= _LONGEST_QUESTION:
        return question
    return " ".join(asking_sentences(question)[-2:])[:_LONGEST_QUESTION]


def _drawn_by_model(learned: LearnedAnswer, ticket: Ticket, plain: _Pair) -> _Pair | None:
    """`plain` where no model is set up, or it fails; None where it says that this is about one customer alone."""
    try:
        models_of(ensure_assistant())
    except AppError:
        return plain
    aid = Aid(ticket_id=ticket.id, kind=Aid.Kind.LEARNING, language=language_of("\n".join(plain)))
    problem, result = "", None
    try:
        result = ask_for(aid, ticket)
        problem = str(result.problem or "")
    except AppError as error:
        problem = str(error)
    aid.state, aid.problem = (Aid.State.REFUSED if problem else Aid.State.DONE), problem[:500]
    aid.finished_at = timezone.now()
    aid.save()
    if problem or result is None:
        return plain
    learned.aid = aid
    if result.is_empty:
        return None
    clean = _cleaner(ticket)
    return clean(result.question)[:500], clean(result.text)[:_LONGEST_ANSWER]


def _is_known(pair: _Pair, learned: LearnedAnswer) -> bool:
    question, answer = pair
    stems = stems_of(question)
    rows = LearnedAnswer.objects.exclude(id=learned.id).filter(stems__overlap=sorted(stems))
    if any(_alike(stems, other) for other in rows.values_list("stems", flat=True)):
        return True
    if CustomAnswer.objects.filter(keys__contains=[question_key(question)]).exists():
        return True
    return _documents_say(question, answer)


def _alike(stems: frozenset[str], others: list[str]) -> bool:
    return len(stems & set(others)) >= ALIKE * len(stems | set(others))


def _documents_say(question: str, answer: str) -> bool:
    try:
        found = search_passages(question, limit=_FOUND)
    except Unavailable:
        # An admin sees what is known already.
        return False
    return any(says(f"{passage.title}\n{passage.text}", answer) for passage in found.passages)


# ---- Deciding -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def approve_as_custom(learned_id: int, *, questions: list[str], text: str, user: User) -> CustomAnswer:
    """Raises Conflict (decided already; the question has an answer), InvalidInput with `field`."""
    learned = _open(learned_id)
    _refuse_gaps("\n".join(questions), text)
    custom = save_custom_answer(None, questions=questions, text=text, user=user)
    learned.custom_answer = custom
    _decide(learned, LearnedAnswer.State.APPROVED, user, questions[0], text)
    return custom


@transaction.atomic
def approve_as_article(learned_id: int, *, questions: list[str], text: str, user: User) -> UUID:
    """The id of the document, which is to be indexed. Raises as approve_as_custom, and Duplicate."""
    learned = _open(learned_id)
    _refuse_gaps("\n".join(questions), text)
    document = write_article(questions[0] if questions else "", text, user=user)
    learned.document_id = document.id
    _decide(learned, LearnedAnswer.State.APPROVED, user, questions[0], text)
    return document.id


@transaction.atomic
def reject(learned_id: int, user: User) -> None:
    """Its words go; what it was about stays, so that it is not proposed again."""
    _decide(_open(learned_id), LearnedAnswer.State.REJECTED, user, "", "")


def _open(learned_id: int) -> LearnedAnswer:
    learned = LearnedAnswer.objects.select_for_update().filter(id=learned_id).first()
    if learned is None:
        raise NotFound(_("There is no such proposal."))
    if learned.state != LearnedAnswer.State.PROPOSED:
        raise Conflict(_("Somebody has decided on it already."))
    return learned


def _refuse_gaps(questions: str, text: str) -> None:
    for field, words in (("questions", questions), ("text", text)):
        if GAP in words:
            sentence = _("Write what “%(gap)s” stands for, or leave it out: something personal was hidden there.")
            raise InvalidInput(sentence % {"gap": GAP}, field=field)


def _decide(learned: LearnedAnswer, state: LearnedAnswer.State, user: User, question: str, text: str) -> None:
    learned.state, learned.question, learned.text = state, question[:500], text
    learned.decided_by, learned.decided_at = user, timezone.now()
    learned.save()


# ---- Forgetting ---------------------------------------------------------------------------------------------------------


def forget_old(aids: timedelta, proposals: timedelta, batch: int = 1000) -> int:
    """Receipts of help, and proposals on which nobody decided. Returns how many went."""
    now = timezone.now()
    # One that has just begun to be drawn up is younger.
    old = Q(state=LearnedAnswer.State.PROPOSED, created_at__lt=now - proposals)
    lost = Q(state=LearnedAnswer.State.NEW, created_at__lt=now - _GIVE_UP_AFTER)
    drafts = LearnedAnswer.objects.filter(old | lost)
    return _delete(Aid.objects.filter(created_at__lt=now - aids), batch) + _delete(drafts, batch)


def _delete(rows: QuerySet[Any], batch: int) -> int:
    return rows.filter(pk__in=list(rows.values_list("pk", flat=True)[:batch])).delete()[0]
