"""Views of the list that people make for themselves and others."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models.ticket import Team


class Sort(models.TextChoices):
    ACTIVITY = "activity", _("newest activity first")
    WAITING = "waiting", _("longest wait first")
    PRIORITY = "priority", _("most urgent first")
    CREATED = "created", _("newest first")


class Visibility(models.TextChoices):
    PERSONAL = "personal", _("only me")
    TEAM = "team", _("a team")
    EVERYONE = "everyone", _("everyone")


class SavedView(models.Model):
    """`conditions` as tickets/conditions.py has them."""

    name = models.CharField(_("name"), max_length=60)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), on_delete=models.CASCADE, related_name="saved_views"
    )
    visibility = models.CharField(_("who sees it"), max_length=8, choices=Visibility, default=Visibility.PERSONAL)
    team = models.ForeignKey(
        Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.CASCADE, related_name="saved_views"
    )
    conditions = models.JSONField(default=dict)
    sort = models.CharField(_("order"), max_length=8, choices=Sort, default=Sort.ACTIVITY)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("view")
        verbose_name_plural = _("views")
        ordering = ["position", "name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(visibility="team", team__isnull=False) | (~Q(visibility="team") & Q(team=None)),
                name="team_view_has_team",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """What the address of the list calls it."""
        return f"v{self.pk}"
