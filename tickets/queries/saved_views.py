"""Views that people make, and what they can ask."""

from django.db.models import Q
from django.utils.translation import gettext as _

from omnisupport.lib.errors import NotFound
from tenants.accounts.models import User
from tickets.conditions import (
    ASSISTANT,
    KINDS_OF_TYPES,
    ME,
    MINE,
    NOBODY,
    Field,
    fixed_fields,
    status_options,
    tag_options,
)
from tickets.models import (
    Priority,
    SavedView,
    Team,
    Visibility,
)  # fmt: skip
from tickets.queries.choices import all_channels, all_teams, assignable_people, custom_fields


def saved_views(viewer: User) -> list[SavedView]:
    """Those that this person sees: their own, their teams', everyone's; admins see all but the personal ones of others."""
    return list(SavedView.objects.filter(_shown_to(viewer)))


def get_saved_view(view_id: int, viewer: User) -> SavedView:
    """Raises NotFound, also for a view that this person does not see."""
    view = SavedView.objects.filter(_shown_to(viewer), id=view_id).first()
    if view is None:
        raise NotFound(_("There is no such view."))
    return view


def _shown_to(viewer: User) -> Q:
    if viewer.is_admin:
        return Q(owner=viewer) | ~Q(visibility=Visibility.PERSONAL)
    teams = Team.members.through.objects.filter(user_id=viewer.id).values("team_id")
    shared = Q(visibility=Visibility.EVERYONE) | Q(visibility=Visibility.TEAM, team_id__in=teams)
    return Q(owner=viewer) | shared


_MASKED = {"contact_email", "contact_phone"}


def condition_fields(viewer: User) -> dict[str, Field]:
    """All that a view of this person can ask, by key, in the order of the editor. Whoever does not see phones and addresses
    cannot find them out by asking either."""
    teams = [(str(team.pk), team.name) for team in all_teams()]
    channels = all_channels()
    people = [(str(user.id), str(user)) for user in assignable_people() if not user.is_assistant]
    chosen = [
        Field("status", _("State"), "set", status_options()),
        Field("assignee", _("Assignee"), "set", (
            (ME, _("me")), (NOBODY, _("nobody")), (ASSISTANT, _("the assistant")), *people,
        )),
        Field("team", _("Team"), "set", ((MINE, _("my teams")), (NOBODY, _("no team")), *teams)),
        Field("channel", _("Channel"), "set", tuple((str(channel.id), channel.name) for channel in channels)),
        Field("kind", _("Kind of channel"), "set", tuple((kind, kind) for kind in sorted({one.kind for one in channels}))),
        Field("priority", _("Priority"), "set", tuple((str(value), str(label)) for value, label in Priority.choices)),
        Field("tags", _("Tags"), "tags", tag_options()),
    ]  # fmt: skip
    custom = [
        Field(
            f"{field.target}.{field.key}",
            f"{field.label} ({field.get_target_display()})",
            KINDS_OF_TYPES[field.type],
            tuple((option, option) for option in field.options),
        )
        for field in custom_fields()
    ]
    fields = [*chosen, *fixed_fields(), *custom]
    return {field.key: field for field in fields if viewer.sees_contact_details or field.key not in _MASKED}
