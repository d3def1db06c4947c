"""Entry points of the worker for the assistant."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery.exceptions import TimeoutError as ResultTimeout
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from ai_assistant.services import (
    aids,
    answering,
    hand_over_summary,
    learning,
    publishing,
    saved_questions,
    suggesting,
)
from ai_assistant.services.asking import ask
from omnisupport.lib.errors import AppError, Unavailable
from tenants.accounts.notices import mail_admins
from tenants.hosts import page_link
from tenants.lease import LIVING
from tenants.sweeper import Sweep
from tenants.tasking import tenant_task, wake

# A model that is silent holds a thread for the whole turn: so only some threads of a worker are lent to turns.
_threads = threading.BoundedSemaphore(settings.ASSISTANT_THREADS)
_COME_BACK = 0.5


@tenant_task(queue="assistant", soft_time_limit=60, time_limit=90)
def answer_ticket(ticket_id: int, since: float = 0.0) -> str:
    """Waits for the customer's burst, and for a thread, by coming back later; the row decides, not the number of wake-ups.

    `since`: when the turn could have begun.
    """
    wait = answering.seconds_to_wait(ticket_id)
    if wait is None:
        return "idle"
    if wait > 0.05:
        wake(answer_ticket, ticket_id, countdown=wait)
        return "settling"
    waited = time.time() - since if since else 0.0
    if waited > answering.GIVE_UP_AFTER:
        return answering.answer_ticket(ticket_id, waited=waited)
    if not _threads.acquire(blocking=False):
        wake(answer_ticket, ticket_id, since or time.time(), countdown=_COME_BACK)
        return "queued"
    try:
        return answering.answer_ticket(ticket_id, waited=waited)
    finally:
        _threads.release()


@tenant_task(queue="assistant", soft_time_limit=60, time_limit=90)
def suggest_reply(ticket_id: int) -> str:
    """The same for a draft that the agent gets."""
    wait = suggesting.seconds_to_wait(ticket_id)
    if wait is None:
        return "idle"
    if wait > 0.05:
        wake(suggest_reply, ticket_id, countdown=wait)
        return "settling"
    return suggesting.suggest_reply(ticket_id)


@tenant_task(queue="assistant", soft_time_limit=60, time_limit=90)
def help_agent(aid_id: str, text: str, since: float = 0.0) -> None:
    """Waits for a thread as a turn does. `text`: the words of the composer."""
    waited = time.time() - since if since else 0.0
    if waited > aids.GIVE_UP_AFTER:
        aids.run_aid(UUID(aid_id), text, waited=waited)
        return
    if not _threads.acquire(blocking=False):
        wake(help_agent, aid_id, text, since or time.time(), countdown=_COME_BACK)
        return
    try:
        aids.run_aid(UUID(aid_id), text, waited=waited)
    finally:
        _threads.release()


@tenant_task(queue="assistant", soft_time_limit=60, time_limit=90)
def sum_up_hand_over(ticket_id: int, event_id: int) -> None:
    if not _threads.acquire(blocking=False):
        wake(sum_up_hand_over, ticket_id, event_id, countdown=_COME_BACK)
        return
    try:
        hand_over_summary.sum_up_hand_over(ticket_id, event_id)
    finally:
        _threads.release()


@tenant_task(queue="assistant", merges=True, soft_time_limit=600, time_limit=630)
def learn() -> None:
    """From conversations that people have solved."""
    if not _threads.acquire(blocking=False):
        wake(learn, countdown=_COME_BACK)
        return
    try:
        is_more = learning.draw_up_new()
    finally:
        _threads.release()
    if is_more:
        wake(learn)


@tenant_task(queue="default", expires=3000)
def clear_assistant() -> None:
    kept = timedelta(days=settings.AID_RETENTION_DAYS), timedelta(days=settings.LEARNED_RETENTION_DAYS)
    for _bite in range(50):
        if not learning.forget_old(*kept):
            return


@tenant_task(queue="assistant", expires=30)
def sweep_assistant() -> None:
    answering.finish_stuck_turns()
    answering.answer_for_who_does_not_choose()
    for ticket_id in answering.waiting_tickets():
        wake(answer_ticket, ticket_id)
    for ticket_id in suggesting.tickets_without_draft():
        wake(suggest_reply, ticket_id)


@tenant_task(queue="assistant", ignore_result=False, expires=30)
def ask_task(
    question: str, language: str, provider: str = "", other_settings: dict[str, Any] | None = None
) -> dict[str, Any]:
    """`other_settings`: those to try instead of the published ones; they hold no keys."""
    try:
        tried = publishing.settings_to_try(other_settings) if other_settings is not None else None
        return ask(question, language, provider, assistant=tried)
    except AppError as error:
        return {"error": {"code": error.code, "message": str(error)}}


def ask_in_worker(question: str, language: str = "", provider: str = "", *, timeout: float = 30.0) -> dict[str, Any]:
    """For web processes, which never open the index. Raises Unavailable when no worker answers in time."""
    with _unavailable_is_ours():
        return _answer_of(_begin((question, language, provider), timeout), timeout)


def compare_in_worker(
    question: str, other_settings: dict[str, Any], *, timeout: float = 30.0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same question with what is published and with other settings, side by side. Raises Unavailable."""
    with _unavailable_is_ours():
        pending = [_begin((question, ""), timeout), _begin((question, "", "", other_settings), timeout)]
        published, tried = (_answer_of(one, timeout) for one in pending)
        return published, tried


def _begin(arguments: tuple[Any, ...], timeout: float) -> Any:
    # Nobody waits for it any longer after the timeout.
    return ask_task.apply_async(arguments, expires=timeout, retry=False)


def _answer_of(pending: Any, timeout: float) -> dict[str, Any]:
    answer: dict[str, Any] = pending.get(timeout=timeout, interval=0.02)
    pending.forget()
    if "error" in answer:
        raise Unavailable(answer["error"]["message"], code=answer["error"]["code"])
    return answer


@contextmanager
def _unavailable_is_ours() -> Iterator[None]:
    try:
        yield
    except (ResultTimeout, OperationalError, RedisError, OSError) as error:
        raise Unavailable(
            _("The assistant did not answer. Try again in a minute."), code="assistant_unavailable"
        ) from error


@tenant_task(queue="assistant", merges=True)
def run_saved_questions() -> None:
    """Goes on with the run at work, or makes one where something has changed since the last, or settings wait for one; again
    until all is known. Settings whose run is not worse are published."""
    saved_questions.start_run_after_change(publishing.draft_to_ask())
    draft = publishing.waiting_draft()
    if not saved_questions.continue_run(draft.assistant if draft else None):
        return
    publishing.settle_draft()
    if saved_questions.has_changed() or publishing.draft_to_ask():
        wake(run_saved_questions)


@tenant_task(queue="default", autoretry_for=(OSError,), retry_backoff=30, max_retries=5)
def mail_budget_reached(event_id: int, share: int, limit: int) -> None:
    def letter() -> tuple[str, str]:
        subject = _("The assistant has spent %(share)s %% of its budget") % {"share": share}
        spent = _(
            "The assistant's models have used up this month's %(limit)s ₽. People get its conversations until it ends."
        )
        nearly = _("The assistant's models have cost %(share)s %% of this month's %(limit)s ₽.")
        text = (spent if share >= 100 else nearly) % {"share": share, "limit": limit}
        return subject, f"{text}\n\n{page_link(reverse('ai_assistant:settings'))}"

    mail_admins(letter, once=f"event:{event_id}")


SWEEPS = (
    Sweep(
        name="saved_questions",
        condition="SELECT 1 FROM {schema}.ai_assistant_evaluationrun"
        " WHERE is_running AND touched_at < now() - interval '60 s'",
        task="ai_assistant.tasks.run_saved_questions",
    ),
    Sweep(
        name="learned_answers",
        condition="SELECT 1 FROM {schema}.ai_assistant_learnedanswer WHERE state = 'new'"
        " AND created_at BETWEEN now() - interval '1 day' AND now() - interval '60 s'",
        task="ai_assistant.tasks.learn",
    ),
    Sweep(
        name="assistant",
        condition=(
            "SELECT 1 FROM {schema}.ai_assistant_answer WHERE outcome = 'working'"
            " AND (created_at < now() - interval '27 s' OR claimed_by NOT IN (LIVING))"
            " UNION ALL SELECT 1 FROM {schema}.tickets_ticket AS t JOIN {schema}.accounts_user AS u ON u.id = t.assignee_id"
            " WHERE u.role = 'assistant' AND t.status IN ('open', 'waiting') AND t.waiting_since < now() - interval '15 s'"
            " UNION ALL SELECT 1 FROM {schema}.tickets_ticket AS t"
            " JOIN {schema}.tickets_contactaddress AS chat ON chat.id = t.address_id"
            " JOIN {schema}.channels_app_channel AS c ON c.id = chat.channel_id"
            " WHERE c.assistant_mode = 'suggest' AND t.status IN ('open', 'waiting')"
            " AND t.waiting_since BETWEEN now() - interval '10 min' AND now() - interval '15 s'"
            " AND NOT EXISTS (SELECT 1 FROM {schema}.ai_assistant_answer AS a"
            " WHERE a.ticket_id = t.id AND a.created_at >= t.waiting_since)"
        ).replace("LIVING", LIVING),
        task="ai_assistant.tasks.sweep_assistant",
    ),
)
