"""Where this workspace searches, and what shall take its place. One space is live at any time; filling one changes nothing."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from knowledge import index
from knowledge.models import Document, Space
from omnisupport.lib.errors import NotFound
from tenants.events.log import record
from tenants.names import current_schema

State = Space.State
# Searches that began in a space end in it.
LEFT_FOR = timedelta(seconds=60)


def live_space() -> Space:
    """Not stored while a workspace has chosen nothing: then words alone are searched."""
    return Space.objects.filter(state=State.LIVE).first() or Space(name=index.WORDS, state=State.LIVE)


def lock_live_space() -> Space:
    """Inside a transaction: until its end no other space takes its place."""
    while True:
        live = Space.objects.select_for_update(no_key=True).filter(state=State.LIVE).first()
        if live is not None:
            return live
        # None yet; or, while we waited for the lock, another one went live.
        Space.objects.bulk_create([Space(name=index.WORDS, state=State.LIVE)], ignore_conflicts=True)


def coming_space() -> Space | None:
    """The one that is being filled, or was given up: then it has an error and is not due."""
    return Space.objects.filter(state=State.FILLING).first()


def choose_space(name: str, dimensions: int = 0) -> Space:
    """Fills this space and then searches there; what was to come before is given up. The live one again: nothing to fill."""
    with transaction.atomic():
        live = lock_live_space()
        for other in Space.objects.select_for_update().filter(state=State.FILLING).exclude(name=name):
            _leave(other)
        if name == live.name:
            wake_filling()
            return live
        space = Space.objects.select_for_update().filter(name=name).first() or Space(name=name, dimensions=dimensions)
        space.state, space.error, space.attempts, space.due_at = State.FILLING, "", 0, timezone.now()
        space.save()
        record_space(space)
    return space


def try_again() -> None:
    """What was given up is due again. Raises NotFound."""
    target = target_space()
    if target is None:
        raise NotFound(_("Nothing is being prepared."))
    Space.objects.filter(id=target.id).update(due_at=timezone.now(), attempts=0, error="")


def target_space() -> Space | None:
    """Which space shall have every document with its vector; None where words need no more than ingestion does."""
    return coming_space() or Space.objects.filter(state=State.LIVE, dimensions__gt=0).first()


def wake_filling() -> None:
    """A document is not yet in the target, or not with its vector."""
    target = target_space()
    if target is not None:
        Space.objects.filter(id=target.id, due_at=None).update(due_at=timezone.now())


def missing_documents(space: Space) -> QuerySet[Document]:
    """Live ones that the space does not have with all that belongs there."""
    return live_documents().exclude(space=space.name)


def live_documents() -> QuerySet[Document]:
    return Document.objects.filter(version__gt=0).exclude(state=Document.State.DELETING)


def switch_if_complete(space: Space) -> bool:
    """What is filled goes live, and what was live is left. False while a document is missing."""
    with transaction.atomic():
        live = lock_live_space()
        if missing_documents(space).exists():
            return False
        mine = Space.objects.select_for_update().filter(id=space.id, state__in=[State.LIVE, State.FILLING]).first()
        if mine is None:
            return True
        goes_live = mine.state == State.FILLING
        if goes_live:
            _leave(live)
        mine.state, mine.error, mine.attempts, mine.due_at = State.LIVE, "", 0, None
        mine.save()
        if goes_live:
            record_space(mine)
    return True


def drop_left_spaces() -> int:
    """Points and kept vectors of what nobody searches any longer. Returns how many spaces. Raises Unavailable."""
    dropped = 0
    for space in Space.objects.filter(state=State.LEFT, due_at__lt=timezone.now()):
        with transaction.atomic():
            # Locked: who chooses it again meanwhile waits and finds nothing.
            if Space.objects.select_for_update().filter(id=space.id, state=State.LEFT).exists():
                index.drop_space(current_schema(), space.name)
                record("space.changed", payload={"space": space.name, "state": "dropped", "error": ""})
                space.delete()
                dropped += 1
    return dropped


def forget_points(document_id: uuid.UUID) -> None:
    """In every space. Raises Unavailable."""
    for name in {index.WORDS, *Space.objects.values_list("name", flat=True)}:
        index.delete_document(current_schema(), document_id, space=name)


def record_space(space: Space) -> None:
    record("space.changed", payload={"space": space.name, "state": space.state, "error": space.error})


def _leave(space: Space) -> None:
    space.state, space.due_at, space.error = State.LEFT, timezone.now() + LEFT_FOR, ""
    space.save()
    Document.objects.filter(space=space.name).update(space="")
