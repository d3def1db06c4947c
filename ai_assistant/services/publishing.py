"""What customers get is the row of Assistant: that is what is published. Settings that make test questions worse may wait.

A change that is held back waits as a draft until its run of the test questions is not worse than that of what is published, or
an admin publishes it all the same and says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Field
from django.utils import timezone
from django.utils.translation import gettext as _

from ai_assistant.models import Assistant, EvaluationResult, EvaluationRun, SavedQuestion, SettingsChange
from ai_assistant.services.assistants import check_prices, ensure_assistant, set_settings, store_assistant
from ai_assistant.services.saved_questions import draft_run, has_changed, worse_than_published
from omnisupport.lib.errors import Conflict, InvalidInput
from tenants.accounts.models import User

# What answers depend on; the rest of the settings holds at once.
DRAFTED = (
    "provider", "credentials", "fallback_provider", "fallback_credentials", "price", "fallback_price",
    "persona", "tone", "guidance", "language", "greeting", "min_confidence",
)  # fmt: skip

# What may be tried in the playground beside what is published.
TRIED = ("provider", "persona", "tone", "guidance", "min_confidence")


@dataclass(frozen=True)
class Draft:
    """The settings that wait. `run` None: the test questions have not been asked with them yet."""

    change: SettingsChange
    assistant: Assistant
    run: EvaluationRun | None = None
    worse: list[EvaluationResult] = field(default_factory=list)


@transaction.atomic
def submit_settings(
    *,
    changes: dict[str, Any],
    credentials: dict[str, str] | None = None,
    fallback_credentials: dict[str, str] | None = None,
    user: User | None = None,
) -> bool:
    """Publishes them, or keeps them as the draft (False), of which there is one. Raises InvalidInput with the field."""
    published = Assistant.objects.select_for_update().get(id=ensure_assistant().id)
    wanted = with_draft(ensure_assistant())
    set_settings(wanted, changes=changes, credentials=credentials, fallback_credentials=fallback_credentials)
    changed = [name for name in DRAFTED if getattr(wanted, name) != getattr(published, name)]
    if changed and wanted.holds_back and SavedQuestion.objects.exists():
        for name in changes.keys() - set(DRAFTED):
            setattr(published, name, changes[name])
        check_prices(published)
        store_assistant(published)
        values = {name: _plain(getattr(wanted, name)) for name in DRAFTED}
        kept = {"values": values, "fields": changed, "made_by": user, "made_at": timezone.now()}
        SettingsChange.objects.update_or_create(state=SettingsChange.State.WAITING, defaults=kept)
        return False
    store_assistant(wanted)
    ended: dict[str, Any] = {"ended_by": user, "ended_at": timezone.now(), "values": {}, "fields": changed}
    waiting = SettingsChange.objects.filter(state=SettingsChange.State.WAITING)
    if changed and not waiting.update(state=SettingsChange.State.PUBLISHED, **ended):
        SettingsChange.objects.create(state=SettingsChange.State.PUBLISHED, made_by=user, **ended)
    elif not changed:
        waiting.update(state=SettingsChange.State.DISCARDED, **ended)
    return True


def waiting_draft() -> Draft | None:
    change = SettingsChange.objects.select_related("made_by").filter(state=SettingsChange.State.WAITING).first()
    if change is None:
        return None
    assistant = _with_values(ensure_assistant(), change.values)
    run = draft_run(assistant)
    return Draft(change, assistant, run, worse_than_published(run) if run else [])


def with_draft(assistant: Assistant) -> Assistant:
    """The row in memory with the settings that wait, if any do."""
    change = SettingsChange.objects.filter(state=SettingsChange.State.WAITING).first()
    return _with_values(assistant, change.values) if change else assistant


def settings_to_try(changes: Mapping[str, Any]) -> Assistant:
    """Never saved: the draft, or else what is published, with some of TRIED in another way. A provider that the workspace has
    no keys for is asked with those of the installation."""
    published = ensure_assistant()
    tried = with_draft(ensure_assistant())
    provider = changes.get("provider", tried.provider)
    if provider != tried.provider:
        tried.credentials = published.credentials if provider == published.provider else {}
    return _with_values(tried, {name: changes[name] for name in TRIED if name in changes})


def draft_to_ask() -> Assistant | None:
    """The draft, where its test questions have not been asked yet; those of what is published come first."""
    draft = None if has_changed() else waiting_draft()
    return draft.assistant if draft and draft.run is None else None


def settle_draft() -> bool:
    """After a run: what is not worse is published by itself."""
    draft = waiting_draft()
    if draft is None or draft.run is None or draft.worse or has_changed():
        return False
    _publish(draft, None, "")
    return True


def publish_draft(*, user: User, reason: str) -> None:
    """Although it is worse, or before it is known. Raises InvalidInput without a reason, Conflict where nothing waits."""
    draft = _waiting()
    if not reason.strip():
        raise InvalidInput(_("Say why it is published all the same."), field="reason")
    _publish(draft, user, reason.strip()[:300])


def discard_draft(*, user: User) -> None:
    """Raises Conflict where nothing waits."""
    _end(_waiting().change, SettingsChange.State.DISCARDED, user, "")


def recent_changes() -> list[SettingsChange]:
    """Newest first, without the one that waits."""
    ended = SettingsChange.objects.exclude(state=SettingsChange.State.WAITING)
    return list(ended.select_related("made_by", "ended_by").order_by("-ended_at")[:10])


def _waiting() -> Draft:
    draft = waiting_draft()
    if draft is None:
        raise Conflict(_("No settings wait."))
    return draft


@transaction.atomic
def _publish(draft: Draft, user: User | None, reason: str) -> None:
    _end(draft.change, SettingsChange.State.PUBLISHED, user, reason)
    store_assistant(draft.assistant)
    if draft.run:
        EvaluationRun.objects.filter(id=draft.run.id).update(is_draft=False)


def _end(change: SettingsChange, state: str, user: User | None, reason: str) -> None:
    """Two admins at once, or an admin and a worker: one of them ends it. Raises Conflict for the other."""
    same = SettingsChange.objects.filter(id=change.id, state=SettingsChange.State.WAITING, made_at=change.made_at)
    if not same.update(state=state, ended_by=user, ended_at=timezone.now(), reason=reason, values={}):
        raise Conflict(_("Somebody has changed or ended it meanwhile. Look again."))


def _with_values(assistant: Assistant, values: Mapping[str, Any]) -> Assistant:
    for name, value in values.items():
        column = Assistant._meta.get_field(name)
        assert isinstance(column, Field)
        setattr(assistant, name, column.to_python(value))
    return assistant


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
