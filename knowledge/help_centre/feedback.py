"""What readers tell: whether an article helped, and what they looked for in vain. Personal data are not kept."""

import hashlib
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from knowledge.help_centre.models import Article, MissedSearch, Vote
from knowledge.tokens import plain
from omnisupport.lib.masking import Mask

MAX_COMMENT = 1000
_BITE = 1000


def vote(article: Article, reader: str, *, is_helpful: bool, comment: str = "") -> Vote:
    """One word of each reader; another one replaces it. `reader` is what the cookie holds: only its digest is kept."""
    said: dict[str, Any] = {"is_helpful": is_helpful}
    # A second no without a word takes nothing back.
    if is_helpful or comment.strip():
        said["comment"] = Mask().hide(comment.strip()[:MAX_COMMENT])
    digest = hashlib.sha256(reader.encode()).hexdigest()
    return Vote.objects.update_or_create(article=article, reader=digest, defaults=said)[0]


def note_missed_search(text: str, language: str) -> None:
    masked = Mask().hide(plain(" ".join(text.split())))[:200]
    row, is_new = MissedSearch.objects.get_or_create(language=language, text=masked)
    if not is_new:
        MissedSearch.objects.filter(id=row.id).update(count=F("count") + 1, last_at=timezone.now())


def delete_missed_searches(older_than: timedelta) -> int:
    """Up to so many at once that other work is not held up."""
    old = MissedSearch.objects.filter(last_at__lt=timezone.now() - older_than).values("id")[:_BITE]
    return MissedSearch.objects.filter(id__in=old).delete()[0]
