"""Prepared answers."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models.ticket import Team


class Macro(models.Model):
    """A prepared text, things that are done with it, or both. Its fields and actions: tickets/services/macros.py."""

    class Visibility(models.TextChoices):
        PERSONAL = "personal", _("only me")
        TEAM = "team", _("a team")
        EVERYONE = "everyone", _("everyone")

    name = models.CharField(_("name"), max_length=80)
    # With {{contact.name}} and the like (tickets/variables.py). The customer's language chooses; either may be empty.
    text_ru = models.TextField(_("text in Russian"), blank=True, max_length=10_000)
    text_en = models.TextField(_("text in English"), blank=True, max_length=10_000)
    # Any of: status "<Status or key of a CustomStatus>" · priority 1–4 · assignee "me", "nobody" or an id · team id ·
    #   tags ["to add"] · untag ["to take away"]
    actions = models.JSONField(_("actions"), default=dict, blank=True)
    visibility = models.CharField(_("who uses it"), max_length=8, choices=Visibility, default=Visibility.PERSONAL)
    team = models.ForeignKey(Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.CASCADE)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    uses = models.PositiveIntegerField(_("used"), default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("macro")
        verbose_name_plural = _("macros")
        ordering = ["position", "name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(visibility="team") | Q(team__isnull=False), name="macro_of_a_team_names_it"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def text_for(self, language: str) -> str:
        """In that language where there is a text in it, else in the other."""
        return (self.text_en or self.text_ru) if language.startswith("en") else (self.text_ru or self.text_en)
