"""Topics that a workspace keeps from its assistant: whatever is asked or answered about them goes to a person, or gets the set
sentence."""

import re
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from ai_assistant.models import ForbiddenTopic
from knowledge.encoding import terms_of
from omnisupport.lib.errors import InvalidInput

MOST_PHRASES = 100
_SENTENCE_END = re.compile(r"[.!?…]+(?:\s|$)|\n")


def all_topics() -> list[ForbiddenTopic]:
    return list(ForbiddenTopic.objects.order_by("id"))


def find_topic(text: str, topics: Iterable[ForbiddenTopic]) -> ForbiddenTopic | None:
    """The first topic of which a phrase stands in a sentence of the text: all its words, in any form and order."""
    sentences = [set(terms_of(sentence)) for sentence in _SENTENCE_END.split(text)]
    for topic in topics:
        for phrase in topic.phrases:
            wanted = set(terms_of(phrase))
            if any(wanted <= sentence for sentence in sentences):
                return topic
    return None


def save_topic(topic: ForbiddenTopic | None, *, name: str, phrases: Sequence[str], answer: str = "") -> ForbiddenTopic:
    """Makes one (None) or changes it. Raises InvalidInput with `field`."""
    kept = list(dict.fromkeys(line.strip()[:200] for line in phrases if terms_of(line)))
    if not kept:
        raise InvalidInput(_("Write at least one word or phrase."), field="phrases")
    if len(kept) > MOST_PHRASES:
        raise InvalidInput(_("More than %(n)d phrases.") % {"n": MOST_PHRASES}, field="phrases")
    if not name.strip():
        raise InvalidInput(_("Give the topic a name."), field="name")
    topic = topic or ForbiddenTopic()
    topic.name, topic.phrases, topic.answer = name.strip()[:80], kept, answer.strip()[:1000]
    topic.save()
    return topic


def delete_topic(topic: ForbiddenTopic) -> None:
    topic.delete()
