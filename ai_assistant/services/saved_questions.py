"""The workspace's own test questions: kept by people, asked by a worker, one run at a time."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from ai_assistant.evaluation import Case, Verdict, judge, summarize
from ai_assistant.models import (
    Assistant,
    CustomAnswer,
    EvaluationResult,
    EvaluationRun,
    ForbiddenTopic,
    SavedQuestion,
    Tool,
)
from ai_assistant.prompts import VERSION
from ai_assistant.providers import credential_fields
from ai_assistant.services.asking import ask
from ai_assistant.services.assistants import ensure_assistant
from knowledge.models import Document
from knowledge.services.spaces import live_space
from omnisupport.lib.errors import AppError, Conflict, InvalidInput
from tenants.accounts.models import User
from tenants.db import try_lock

log = structlog.get_logger(__name__)

# So many questions cost one run about as long as a person is ready to wait for it.
MAX_QUESTIONS = 500
_FAILED = Verdict(Case(question="-"), "error", False, None, 0, 0, 0.0, 0)
_RESULT_FIELDS = ("failure", "handed_over", "rank", "drafts", "passed_drafts", "ms", "tokens")


# ---- Questions -------------------------------------------------------------------------------------------------------


def save_question(
    *,
    question: str,
    answerable: bool,
    expected_sources: Sequence[str] = (),
    expected_answer: str = "",
    user: User | None = None,
) -> tuple[SavedQuestion, bool]:
    """The same question is one row: then (the existing one, False). Raises InvalidInput (empty, too many)."""
    question = question.strip()[:4000]
    if not question:
        raise InvalidInput(_("Write a question."), field="question")
    if SavedQuestion.objects.count() >= MAX_QUESTIONS:
        raise InvalidInput(_("There are %(n)d test questions already; delete some first.") % {"n": MAX_QUESTIONS})
    # Where nothing can be answered there is nothing to expect.
    expected = {
        "answerable": answerable,
        "expected_sources": _sources(expected_sources) if answerable else [],
        "expected_answer": expected_answer.strip() if answerable else "",
    }
    return SavedQuestion.objects.get_or_create(question=question, defaults={**expected, "created_by": user})


def change_question(
    saved: SavedQuestion, *, question: str, answerable: bool, expected_sources: Sequence[str], expected_answer: str
) -> None:
    """What it did so far was measured against something else, so it begins anew. Raises Conflict (there is one like it)."""
    saved.question, saved.answerable = question.strip(), answerable
    saved.expected_sources = _sources(expected_sources) if answerable else []
    saved.expected_answer = expected_answer.strip() if answerable else ""
    try:
        with transaction.atomic():
            saved.save()
            saved.results.all().delete()
    except IntegrityError:
        raise Conflict(_("There is such a question already."), field="question") from None


def _sources(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))[:20]


# ---- Runs ------------------------------------------------------------------------------------------------------------


def last_run() -> EvaluationRun | None:
    """The newest finished one of what is published."""
    return EvaluationRun.objects.filter(is_running=False, is_draft=False).order_by("-started_at").first()


def draft_run(draft: Assistant) -> EvaluationRun | None:
    """The newest finished one of these settings that wait, and of the documents of today."""
    same = EvaluationRun.objects.filter(is_running=False, is_draft=True, fingerprint=fingerprint(draft))
    return same.order_by("-started_at").first()


def running() -> EvaluationRun | None:
    return EvaluationRun.objects.filter(is_running=True).first()


def start_run(user: User | None = None, draft: Assistant | None = None) -> EvaluationRun:
    """A worker then goes on with it; where one is at work already, that one. Raises InvalidInput without questions."""
    if not SavedQuestion.objects.exists():
        raise InvalidInput(_("Save a question first."))
    assistant = draft or ensure_assistant()
    fields = {
        "started_by": user,
        "provider": assistant.provider,
        "fingerprint": fingerprint(assistant),
        "is_draft": draft is not None,
    }
    return EvaluationRun.objects.get_or_create(is_running=True, defaults=fields)[0]


def start_run_after_change(draft: Assistant | None = None) -> bool:
    """Starts a run where the last one says nothing about today, else one of the `draft`, when all documents are at rest."""
    if not SavedQuestion.objects.exists() or running() or not (draft or has_changed()):
        return False
    if Document.objects.filter(state__in=[Document.State.UPLOADED, *Document.WORKING]).exists():
        return False
    start_run(draft=draft)
    return True


def has_changed() -> bool:
    """Whether documents, settings or the prompt are others than in the last run."""
    last = last_run()
    return last is None or last.fingerprint != fingerprint()


def fingerprint(assistant: Assistant | None = None) -> str:
    """Of what is published, or of other settings, with the documents of today."""
    assistant = assistant or ensure_assistant()
    public = [field.name for field in credential_fields(assistant.provider) if not field.secret]
    documents = Document.objects.exclude(state=Document.State.DELETING).filter(version__gt=0).order_by("id")
    facts = [
        VERSION,
        assistant.provider,
        assistant.persona,
        assistant.guidance,
        [assistant.tone, assistant.language, assistant.greeting, assistant.min_confidence],
        list(ForbiddenTopic.objects.order_by("id").values_list("phrases", "answer")),
        {name: assistant.credentials.get(name, "") for name in public},
        [f"{id} {version}" for id, version in documents.values_list("id", "version")],
        list(
            Tool.objects.filter(is_active=True)
            .order_by("id")
            .values_list(
                "name", "description", "method", "url", "parameters", "fields", "needs_verified", "changes_something"
            )
        ),
        [live_space().name, assistant.reranks, assistant.rerank_model],
        list(CustomAnswer.objects.filter(is_active=True).order_by("id").values_list("keys", "text")),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def continue_run(draft: Assistant | None = None) -> bool:
    """Asks what the run at work has not asked yet. False where there is none, or another worker is at it. `draft`: the
    settings that wait, for a run of theirs; without them such a run is over.

    A worker that died is followed by the next one at the question where it stopped.
    """
    with try_lock("evaluation") as mine:
        run = running()
        if not mine or run is None:
            return False
        if run.is_draft and draft is None:
            run.delete()
            return True
        for saved in open_questions(run):
            _keep(run, saved, draft if run.is_draft else None)
            EvaluationRun.objects.filter(id=run.id).update(touched_at=timezone.now())
        _finish(run)
    return True


def open_questions(run: EvaluationRun) -> QuerySet[SavedQuestion]:
    """What was saved after its start waits for the next one."""
    asked = EvaluationResult.objects.filter(run=run, question=OuterRef("pk"))
    return SavedQuestion.objects.filter(~Exists(asked), created_at__lte=run.started_at).order_by("id")


def _keep(run: EvaluationRun, saved: SavedQuestion, draft: Assistant | None) -> None:
    try:
        answer = ask(saved.question, assistant=draft)
        verdict, text = judge(_case(saved), answer), answer["text"]
    except AppError as error:
        verdict, text = _FAILED, str(error)
    except Exception:
        # One question must not hold up the others for ever; the fault is in the log.
        log.exception("evaluation_failed", question=saved.id)
        verdict, text = _FAILED, ""
    fields = {name: getattr(verdict, name) for name in _RESULT_FIELDS}
    # The question may have been deleted while it was asked.
    with suppress(IntegrityError), transaction.atomic():
        EvaluationResult.objects.create(run=run, question=saved, text=text, **fields)


def _finish(run: EvaluationRun) -> None:
    rows = run.results.select_related("question")
    verdicts = [Verdict(_case(row.question), **{name: getattr(row, name) for name in _RESULT_FIELDS}) for row in rows]
    run.summary = summarize(verdicts).to_json()
    run.is_running, run.finished_at = False, timezone.now()
    run.save()


def _case(saved: SavedQuestion) -> Case:
    return Case(
        question=saved.question,
        expected_sources=tuple(saved.expected_sources),
        expected_answer=saved.expected_answer,
        answerable=saved.answerable,
    )


# ---- What came out ---------------------------------------------------------------------------------------------------


def last_results() -> dict[int, EvaluationResult]:
    """question id → its newest result of what is published, also of the run at work."""
    rows = (
        EvaluationResult.objects.filter(run__is_draft=False).order_by("question_id", "-run_id").distinct("question_id")
    )
    return {row.question_id: row for row in rows}


def regressions() -> list[EvaluationResult]:
    """Questions of the last run that fail and were answered as expected before."""
    last = last_run()
    if last is None:
        return []
    earlier = EvaluationResult.objects.filter(run__lt=last.id, run__is_draft=False)
    return _failing(last, earlier)


def worse_than_published(run: EvaluationRun) -> list[EvaluationResult]:
    """Questions that fail in the run of a draft and are answered as expected in the last one of what is published."""
    last = last_run()
    return _failing(run, last.results.all()) if last else []


def _failing(run: EvaluationRun, before: QuerySet[EvaluationResult]) -> list[EvaluationResult]:
    passed = before.filter(question=OuterRef("question"), failure="")
    rows = run.results.exclude(failure="").filter(Exists(passed)).select_related("question")
    return list(rows.order_by("question_id"))
