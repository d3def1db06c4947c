"""Words and phrases that mean the same in a workspace. A change counts from the next search on; nothing is indexed anew."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from knowledge.models import Synonyms
from knowledge.tokens import plain, tokens_of
from omnisupport.lib.errors import InvalidInput, NotFound

# Every search reads all groups.
MAX_GROUPS, MAX_PHRASES, MAX_LENGTH = 500, 20, 100
SEPARATOR = "="


def save_synonyms(phrases: Sequence[str], synonyms_id: int | None = None) -> Synonyms:
    """A new group, or other phrases for one. Raises InvalidInput, NotFound."""
    checked = checked_phrases(phrases, is_new=synonyms_id is None)
    group = Synonyms() if synonyms_id is None else get_synonyms(synonyms_id)
    group.phrases = checked
    group.save()
    return group


def checked_phrases(phrases: Sequence[str], *, is_new: bool) -> list[str]:
    """Without those that are written twice. Raises InvalidInput."""
    different = {plain(phrase.strip()): " ".join(phrase.split()) for phrase in phrases if tokens_of(phrase)}
    if not 2 <= len(different) <= MAX_PHRASES:
        raise InvalidInput(_("Give from 2 to %(most)s words or phrases.") % {"most": MAX_PHRASES}, field="phrases")
    if any(len(phrase) > MAX_LENGTH for phrase in different.values()):
        raise InvalidInput(_("A phrase is longer than %(limit)s characters.") % {"limit": MAX_LENGTH}, field="phrases")
    if is_new and Synonyms.objects.count() >= MAX_GROUPS:
        raise InvalidInput(_("There are %(limit)s groups already.") % {"limit": MAX_GROUPS}, field="phrases")
    return list(different.values())


def delete_synonyms(synonyms_id: int) -> None:
    get_synonyms(synonyms_id).delete()


def get_synonyms(synonyms_id: int) -> Synonyms:
    group = Synonyms.objects.filter(id=synonyms_id).first()
    if group is None:
        raise NotFound(_("There is no such group of synonyms."))
    return group
