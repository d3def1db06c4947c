"""The assistant's settings form; the fields of its provider come from the provider itself."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ai_assistant.models import Assistant
from ai_assistant.providers import credential_fields, provider_choices

PREFIX = "credential_"


class AssistantForm(forms.ModelForm[Assistant]):
    provider = forms.ChoiceField(label=_("Model"), choices=provider_choices)

    class Meta:
        model = Assistant
        fields = ["is_active", "provider", "persona", "guidance", "max_turns"]
        widgets = {"persona": forms.Textarea(attrs={"rows": 3}), "guidance": forms.Textarea(attrs={"rows": 5})}


class CredentialsForm(forms.Form):
    """Secrets are write-only: an empty field keeps what is stored."""

    def __init__(self, provider: str, stored: dict[str, Any], data: Any = None) -> None:
        super().__init__(data)
        for field in credential_fields(provider):
            name = PREFIX + field.name
            known = stored.get(field.name, "")
            if field.choices:
                choices = [("", "—"), *((choice, choice) for choice in field.choices)]
                self.fields[name] = forms.ChoiceField(
                    label=field.title, help_text=field.help, choices=choices, required=False, initial=known
                )
                continue
            widget = forms.PasswordInput(attrs={"autocomplete": "off"}) if field.secret else forms.TextInput()
            help_text = _("Stored; leave empty to keep it.") if field.secret and known else field.help
            self.fields[name] = forms.CharField(
                label=field.title,
                help_text=help_text,
                required=False,
                widget=widget,
                initial="" if field.secret else known,
            )

    def values(self) -> dict[str, str]:
        return {name.removeprefix(PREFIX): str(value) for name, value in self.cleaned_data.items()}
