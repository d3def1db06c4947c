"""Set-up forms made from an adapter's own models; secrets are write-only."""

from collections.abc import Container, Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import BaseModel

from channels_app.base import GENERATED, Adapter
from tenants.accounts.models import User
from tickets.models import AssistantMode


class ClientIdForm(forms.Form):
    client_id = forms.UUIDField()


class ChannelForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the channel"), max_length=120)
    first_assignee = forms.ModelChoiceField(
        label=gettext_lazy("New conversations go to"),
        queryset=User.objects.none(),
        required=False,
        empty_label=gettext_lazy("Nobody"),
    )
    assistant_mode = forms.ChoiceField(
        label=gettext_lazy("What the assistant does here"),
        choices=AssistantMode.choices,
        required=False,
        initial=AssistantMode.ANSWER,
        help_text=gettext_lazy("Where new conversations go to it."),
    )

    def __init__(
        self, adapter: type[Adapter], config: dict[str, Any], stored: Container[str], data: Any = None, **kwargs: Any
    ) -> None:
        """`stored`: the names of the secrets that we have."""
        super().__init__(data, **kwargs)
        self.fields["first_assignee"].queryset = User.objects.filter(is_active=True).exclude(role="operator")  # type: ignore[attr-defined]
        self._config, self._secrets = adapter.Config, adapter.Secrets
        _add_fields(self, adapter.Config, "config_", config)
        _add_fields(self, adapter.Secrets, "secret_", {}, secret=True, stored=stored)
        models = (("config_", adapter.Config), ("secret_", adapter.Secrets))
        self._rare = {
            prefix + name
            for prefix, model in models
            for name, info in model.model_fields.items()
            if _mark(info, "rare")
        }

    @property
    def common_fields(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name not in self._rare]

    @property
    def rare_fields(self) -> list[forms.BoundField]:
        """What few ever change: folded away behind what everybody gives."""
        return [field for field in self.visible_fields() if field.name in self._rare]

    @property
    def has_rare_errors(self) -> bool:
        # An error of the whole form may be about one of these.
        return bool(self.non_field_errors()) or any(field.errors for field in self.rare_fields)

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """(config, secrets) as given; blank secrets are left out, so that the stored ones stay."""
        config = {name: self._read("config_", name, info) for name, info in self._config.model_fields.items()}
        secrets = {name: self.cleaned_data.get(f"secret_{name}", "") for name in self._secrets.model_fields}
        return config, {name: value for name, value in secrets.items() if value}

    def _read(self, prefix: str, name: str, info: Any) -> Any:
        value = self.cleaned_data.get(prefix + name, "")
        return [line.strip() for line in str(value).splitlines() if line.strip()] if _is_list(info) else value


def _is_list(info: Any) -> bool:
    return str(info.annotation).startswith("list")


def _mark(info: Any, name: str) -> Any:
    """What a field's `json_schema_extra` says for the form."""
    return info.json_schema_extra.get(name) if isinstance(info.json_schema_extra, dict) else None


def _labelled(info: Any, choices: Iterable[str]) -> list[tuple[str, str]]:
    """Choices with the names that the model gives them (`json_schema_extra={"labels": {…}}`)."""
    labels = _mark(info, "labels") or {}
    return [(choice, _(labels[choice]) if choice in labels else choice) for choice in choices]


def _add_fields(
    form: forms.Form,
    model: type[BaseModel],
    prefix: str,
    values: dict[str, Any],
    *,
    secret: bool = False,
    stored: Container[str] = (),
) -> None:
    for name, info in model.model_fields.items():
        if info.json_schema_extra == GENERATED:
            continue
        title = _(info.title) if info.title else name
        hint = _(info.description) if info.description else ""
        value = values.get(name, info.get_default(call_default_factory=True) if not info.is_required() else "")
        choices = getattr(info.annotation, "__args__", ()) if "Literal" in str(info.annotation) else ()
        field: forms.Field
        if choices:
            field = forms.ChoiceField(label=title, choices=_labelled(info, choices), initial=value, help_text=hint)
        elif _is_list(info):
            field = forms.CharField(
                label=title, required=False, initial="\n".join(value or []), widget=forms.Textarea(attrs={"rows": 3}),
                help_text=hint or _("One on each line."),
            )  # fmt: skip
        elif secret:
            keep = name in stored
            hint = _("Stored; leave empty to keep it.") if keep else hint
            widget = forms.PasswordInput(attrs={"autocomplete": "off"})
            field = forms.CharField(
                label=title, required=not keep and info.is_required(), widget=widget, help_text=hint
            )
        else:
            field = forms.CharField(label=title, required=info.is_required(), initial=value, help_text=hint)
        form.fields[prefix + name] = field
