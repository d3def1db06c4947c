"""Working hours as a form: two times a day."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.provisioning import time_zones
from tickets.working_hours import WEEKDAYS, WorkingHours

_OFFICE = ["09:00", "18:00"]
_TIME = forms.TimeInput(attrs={"type": "time", "class": "input"}, format="%H:%M")


class HoursForm(forms.Form):
    zone = forms.ChoiceField(label=_("Time zone"), choices=lambda: [(zone, zone) for zone in time_zones()])
    holidays = forms.CharField(
        label=_("Days on which nobody is there"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, like 2027-01-01."),
    )
    closed_text = forms.CharField(
        label=_("What customers read while nobody is there"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "Where a person is called. Empty: a sentence that names the next opening, in the customer's language."
        ),
    )

    def __init__(self, stored: WorkingHours | None, zone: str, data: Any = None) -> None:
        initial: dict[str, Any] = {"zone": zone}
        if stored:
            initial = {
                "zone": stored.timezone,
                "holidays": "\n".join(stored.holidays),
                "closed_text": stored.closed_text,
            }
        super().__init__(data, initial=initial)
        week = stored.week if stored else [_OFFICE] * 5 + [None] * 2
        for number, (day, hours) in enumerate(zip(WEEKDAYS, week, strict=True)):
            for side, label, at in (("from", _("from"), 0), ("to", _("to"), 1)):
                self.fields[f"{side}_{number}"] = forms.CharField(
                    label=f"{day}: {label}", required=False, widget=_TIME, initial=hours[at] if hours else ""
                )

    @property
    def general_fields(self) -> list[forms.BoundField]:
        return [self["zone"], self["holidays"], self["closed_text"]]

    @property
    def days(self) -> list[tuple[Any, forms.BoundField, forms.BoundField]]:
        return [(day, self[f"from_{number}"], self[f"to_{number}"]) for number, day in enumerate(WEEKDAYS)]

    def values(self) -> dict[str, Any]:
        """For `set_hours`. Two empty times are a free day; one alone is refused there."""
        pairs = [
            [self.cleaned_data[f"from_{number}"], self.cleaned_data[f"to_{number}"]] for number in range(len(WEEKDAYS))
        ]
        return {
            "week": [pair if any(pair) else None for pair in pairs],
            "zone": self.cleaned_data["zone"],
            "holidays": [line for line in self.cleaned_data["holidays"].splitlines() if line.strip()],
            "closed_text": self.cleaned_data["closed_text"],
        }
