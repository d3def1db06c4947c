"""Forms of the tools: one to set a tool up, and one made of its parameters to try it."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ai_assistant.models import Tool
from ai_assistant.tool_schema import Parameters, Property, Scalar, clean_parameters, parse_fields, valid_argument
from omnisupport.lib.errors import InvalidInput

_EXAMPLE = """{
  "properties": {
    "order": {"type": "string", "title": "Order number", "pattern": "[A-Z]-[0-9]{4}"},
    "customer": {"type": "string", "source": "customer.address"}
  },
  "required": ["order", "customer"]
}"""


class ToolForm(forms.ModelForm[Tool]):
    headers = forms.CharField(
        label=gettext_lazy("Headers"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
    )
    parameters = forms.CharField(
        label=gettext_lazy("Parameters"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 9, "spellcheck": "false", "placeholder": _EXAMPLE}),
        help_text=gettext_lazy(
            "JSON Schema: type, title, description, enum, pattern of each, and which are required. “source” is filled in by "
            "the server from what is proven of the customer, never by the model: customer.channel, customer.address, "
            "customer.contact, customer.attributes.name."
        ),
    )
    fields_seen = forms.CharField(
        label=gettext_lazy("What may be seen of the answer"),
        max_length=4000,
        widget=forms.Textarea(
            attrs={"rows": 4, "spellcheck": "false", "placeholder": "status = Status\nitems.*.name = Goods"}
        ),
        help_text=gettext_lazy(
            "One field a line: its path in the JSON, =, and what it is called. The model and the customer see nothing else."
        ),
    )

    class Meta:
        model = Tool
        fields = [
            "title", "name", "description", "method", "url", "headers", "parameters", "fields_seen", "not_found_text",
            "timeout", "needs_verified", "changes_something", "is_active",
        ]  # fmt: skip
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "not_found_text": forms.Textarea(attrs={"rows": 2}),
            "url": forms.TextInput(attrs={"placeholder": "https://api.shop.example/orders/{order}"}),
        }
        help_texts = {
            "name": gettext_lazy("Small Latin letters, digits and _, like order_status."),
            "url": gettext_lazy(
                "Parameters in braces; the others go into the query, or into the JSON body of a POST. Redirects are not "
                "followed."
            ),
            "needs_verified": gettext_lazy(
                "A messenger, your own app or the signature of your site says who writes. Another visitor of the web chat and "
                "the sender of a letter are not verified, whatever they say of themselves."
            ),
            "changes_something": gettext_lazy("The customer is asked first, and it is done only after their yes."),
            "not_found_text": gettext_lazy("When the service answers 404. Empty: a person is called."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tool = self.instance
        self.initial["headers"] = ""
        if tool.pk:
            self.initial["parameters"] = json.dumps(tool.parameters, ensure_ascii=False, indent=2)
            self.initial["fields_seen"] = "\n".join(f"{one['path']} = {one['label']}" for one in tool.fields)
        names = ", ".join(sorted(tool.headers))
        stored = _("Stored: %(names)s; leave empty to keep them.") % {"names": names} if names else ""
        one_a_line = _("One a line, as “Authorization: Bearer …”. Kept encrypted and never shown again.")
        self.fields["headers"].help_text = f"{one_a_line} {stored}".strip()

    def clean_headers(self) -> dict[str, str] | None:
        """None: what is stored stays."""
        lines = [line for line in str(self.cleaned_data["headers"]).splitlines() if line.strip()]
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name.strip() or not value.strip():
                raise forms.ValidationError(_("Give each header as “Name: value”."))
            headers[name.strip()] = value.strip()
        return headers or None

    def clean_parameters(self) -> dict[str, Any]:
        text = str(self.cleaned_data["parameters"]).strip() or "{}"
        try:
            return clean_parameters(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This is not JSON: %(reason)s") % {"reason": str(error)[:120]}) from None
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from None

    def clean_fields_seen(self) -> list[dict[str, str]]:
        return parse_fields(str(self.cleaned_data["fields_seen"]).splitlines())

    def changes(self) -> dict[str, Any]:
        """As `save_tool` takes them."""
        data = dict(self.cleaned_data)
        return {**data, "fields": data.pop("fields_seen")}


class TryToolForm(forms.Form):
    """One field for each parameter; here a person says also what else the server fills in."""

    def __init__(self, parameters: Parameters, data: Any = None) -> None:
        super().__init__(data, prefix="argument")
        self._parameters = parameters
        for name, one in parameters.properties.items():
            self.fields[name] = _field_of(name, one, name in parameters.required)

    def clean(self) -> None:
        for name, one in self._parameters.properties.items():
            given = self.cleaned_data.get(name)
            if given and valid_argument(one, given, None) is None:
                self.add_error(name, _("This value is not allowed here."))

    def arguments(self) -> dict[str, Scalar]:
        found = {
            name: valid_argument(one, self.cleaned_data[name], None)
            for name, one in self._parameters.properties.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def _field_of(name: str, one: Property, required: bool) -> forms.Field:
    label = f"{one.title} ({name})" if one.title else name
    options = [str(choice) for choice in one.enum] or (["true", "false"] if one.type == "boolean" else [])
    if options:
        choices = [("", "—"), *((choice, choice) for choice in options)]
        return forms.ChoiceField(label=label, choices=choices, required=required, help_text=one.description)
    return forms.CharField(label=label, required=required, max_length=200, help_text=one.description or one.source)
