"""The form of a macro: its actions are fields of their own here, and one mapping in the model."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.accounts.models import User
from tickets import queries
from tickets.models import CustomStatus, Macro, Priority, Status, Team
from tickets.services.macros import ME, NOBODY

_UNCHANGED = ("", _("leave as it is"))


class MacroForm(forms.ModelForm[Macro]):
    status = forms.ChoiceField(label=_("State"), required=False)
    priority = forms.ChoiceField(label=_("Priority"), required=False, choices=[_UNCHANGED, *Priority.choices])
    assignee = forms.ChoiceField(label=_("Assignee"), required=False)
    to_team = forms.ModelChoiceField(Team.objects.none(), label=_("Give to the team"), required=False)
    tags = forms.CharField(label=_("Add tags"), required=False, max_length=500)
    untag = forms.CharField(label=_("Take tags away"), required=False, max_length=500)

    class Meta:
        model = Macro
        fields = ["name", "text_ru", "text_en", "visibility", "team", "position"]
        labels = {"name": _("Name of the macro")}
        widgets = {"text_ru": forms.Textarea({"rows": 5}), "text_en": forms.Textarea({"rows": 5})}

    field_order = [
        "name", "text_ru", "text_en", "status", "priority", "assignee", "to_team", "tags", "untag", "visibility", "team",
        "position",
    ]  # fmt: skip

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        custom = [(f"s{status.pk}", status.name) for status in CustomStatus.objects.filter(is_active=True)]
        people = [(str(person.id), str(person)) for person in queries.assignable_people()]
        everybody = [_UNCHANGED, (ME, _("me, whoever uses it")), (NOBODY, _("nobody")), *people]
        self._choices("status", [_UNCHANGED, *Status.choices, *custom])
        self._choices("assignee", everybody)
        for name in ("to_team", "team"):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = Team.objects.all()
            field.empty_label = "—"
        self.fields["to_team"].widget.choices.field.empty_label = _UNCHANGED[1]
        self.fields["tags"].help_text = self.fields["untag"].help_text = _("with commas between them")
        if not user.is_admin:
            # Only admins write what others use.
            self._choices("visibility", [(Macro.Visibility.PERSONAL, Macro.Visibility.PERSONAL.label)])
            del self.fields["team"]
        self._show(self.instance.actions)

    def _choices(self, name: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _show(self, actions: dict[str, Any]) -> None:
        for name in ("status", "priority", "assignee"):
            self.initial[name] = actions.get(name, "")
        self.initial["to_team"] = actions.get("team")
        for name in ("tags", "untag"):
            self.initial[name] = ", ".join(actions.get(name, []))

    @property
    def changes(self) -> dict[str, Any]:
        """For save_macro."""
        data = self.cleaned_data
        actions: dict[str, Any] = {name: data[name] for name in ("status", "priority", "assignee")}
        actions["team"] = data["to_team"].pk if data["to_team"] else None
        for name in ("tags", "untag"):
            actions[name] = [part for part in data[name].split(",") if part.strip()]
        kept = {name: data[name] for name in self.Meta.fields if name in data}
        return {**kept, "actions": actions}
