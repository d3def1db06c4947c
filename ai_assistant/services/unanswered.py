"""What customers asked and the documents did not answer, the same question once."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from ai_assistant.models import Answer
from knowledge.stopwords import content_terms
from omnisupport.lib.masking import without_personal_data
from tickets.models import HandoffReason

PERIOD = timedelta(days=90)
NEWEST = 1000
SHOWN_GROUPS = 100
# Of the stems of two questions together, those they share: half is one subject, a common verb alone is less.
ALIKE = 0.5


@dataclass
class Group:
    """Receipts of one question in several wordings, newest first. `stems` are those of the first."""

    stems: frozenset[str]
    answers: list[Answer] = field(default_factory=list)

    @property
    def newest(self) -> Answer:
        return self.answers[0]

    @property
    def title(self) -> str:
        """For an article about it: one line, without anybody's phone or card."""
        return " ".join(without_personal_data(self.newest.question).split())[:200]

    @property
    def wordings(self) -> list[Answer]:
        """The others, each wording once."""
        rows = {" ".join(answer.question.lower().split()): answer for answer in reversed(self.answers)}
        return [answer for answer in reversed(rows.values()) if answer is not self.newest]


def unanswered_groups(answers: QuerySet[Answer]) -> list[Group]:
    """Of the newest hand-overs for want of a source; what was asked most often comes first."""
    rows = answers.filter(reason=HandoffReason.NO_SOURCE, created_at__gt=timezone.now() - PERIOD)
    newest = rows.order_by("-created_at").only("id", "question", "ticket_id", "created_at")[:NEWEST]
    return sorted(grouped(newest), key=lambda group: -len(group.answers))[:SHOWN_GROUPS]


def stems_of(question: str) -> frozenset[str]:
    """What it is about; one that names nothing is only like itself."""
    text = without_personal_data(question)
    return frozenset(content_terms(text)) or frozenset([text.strip().lower()])


def grouped(answers: Iterable[Answer]) -> list[Group]:
    """In the order of their first member."""
    groups: list[Group] = []
    places: dict[str, list[int]] = defaultdict(list)
    for answer in answers:
        stems = stems_of(answer.question)
        place = _place(stems, groups, places)
        if place is None:
            place = len(groups)
            groups.append(Group(stems))
            for stem in stems:
                places[stem].append(place)
        groups[place].answers.append(answer)
    return groups


def _place(stems: frozenset[str], groups: list[Group], places: dict[str, list[int]]) -> int | None:
    """The most alike group, if any is alike enough. Only those that share a stem are looked at."""
    shared = Counter(place for stem in stems for place in places[stem])
    alike = {place: n / (len(stems) + len(groups[place].stems) - n) for place, n in shared.items()}
    best = max(alike, key=lambda place: alike[place], default=None)
    return best if best is not None and alike[best] >= ALIKE else None
