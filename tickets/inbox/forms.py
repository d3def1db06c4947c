"""What the browser may ask of the inbox. Foreign input is typed here; services check what it means."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.errors import InvalidInput, NotFound
from tenants.accounts.models import User
from tickets.models import Contact, MessageKind, SavedView, Sort
from tickets.queries import Selection, get_saved_view, view_names

_BIGINT = 2**63 - 1


class MessageForm(forms.Form):
    client_id = forms.UUIDField()
    text = forms.CharField(required=False, strip=False)
    kind = forms.ChoiceField(choices=MessageKind.choices)
    reply_to = forms.IntegerField(required=False, min_value=1, max_value=_BIGINT)
    status = forms.ChoiceField(choices=[("", ""), ("solved", "")], required=False)
    # Another of the customer's addresses than where they last wrote.
    address = forms.IntegerField(required=False, min_value=1, max_value=_BIGINT)
    # The newest message that the writer has read.
    seen = forms.IntegerField(required=False, min_value=0, max_value=_BIGINT)
    # Of a note: `u:<user>` and `t:<team>` with commas between.
    mentions = forms.CharField(required=False, max_length=2000)
    # ISO 8601, without a zone in the writer's own; a reply with it waits for its hour.
    send_at = forms.DateTimeField(required=False)
    cancel_on_reply = forms.BooleanField(required=False)
    # Macros that the text was made with (ids with commas), and what they still are to do (Macro.actions as JSON).
    macros = forms.CharField(required=False, max_length=200)
    actions = forms.CharField(required=False, max_length=4000)


class Words(forms.Form):
    text = forms.CharField(required=False, strip=False)


class DraftForm(forms.Form):
    kind = forms.ChoiceField(choices=MessageKind.choices)
    text = forms.CharField(required=False, strip=False)
    # The stored one that this was written over; 0: there was none.
    version = forms.IntegerField(min_value=0, max_value=_BIGINT)
    reply_to = forms.RegexField(r"^\d{1,18}$", required=False)
    quote = forms.CharField(required=False)
    mentions = forms.CharField(required=False)
    # What the macros in it are to do when it is sent, as the composer wrote it.
    macro = forms.CharField(required=False, max_length=4000)


class ContactForm(forms.ModelForm[Contact]):
    class Meta:
        model = Contact
        fields = ["name", "email", "phone"]
        labels = {"name": _("Name")}

    def __init__(self, *args: Any, viewer: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("email", "phone"):
            # What is masked is not for them to change.
            self.fields[name].disabled = not viewer.sees_contact_details and bool(getattr(self.instance, name))


class CapacityForm(forms.Form):
    person = forms.UUIDField()
    capacity = forms.IntegerField(required=False, min_value=0, max_value=1000)


class UUIDChoice(forms.Form):
    """One id, or nothing for «nobody»."""

    value = forms.UUIDField(required=False)


class NumberChoice(forms.Form):
    value = forms.IntegerField(required=False, min_value=1, max_value=_BIGINT)


class TextChoice(forms.Form):
    value = forms.CharField(max_length=2000, required=False)


def checked(form: forms.BaseForm) -> dict[str, Any]:
    """The cleaned data. Raises InvalidInput with the first complaint."""
    if form.is_valid():
        return form.cleaned_data
    field, complaints = next(iter(form.errors.items()))
    raise InvalidInput(str(complaints[0]), field=str(field))


def read_selection(query: QueryDict, viewer: User) -> Selection:
    """What the address asks to see; what makes no sense there is left out, for links grow old."""
    view, saved = _read_view(query.get("view", ""), viewer)
    channel, team, sort = query.get("channel", ""), query.get("team", ""), query.get("sort", "")
    return Selection(
        viewer=viewer,
        view=view,
        saved=saved,
        sort=sort if sort in Sort.values else "",
        channel_id=_uuid(channel),
        team_id=int(team) if team.isdecimal() and len(team) <= 18 else None,
        text=query.get("q", "").replace("\x00", "").lstrip()[:200],
        best_first=sort == "best",
    )


def _read_view(view: str, viewer: User) -> tuple[str, SavedView | None]:
    """A built-in one, `v<id>` of those that people make, a team's `t<id>` or a channel's `c<uuid>`; else the first of all."""
    if view in view_names():
        return view, None
    rest = view[1:]
    is_number = rest.isascii() and rest.isdecimal() and len(rest) <= 18
    if view.startswith("v") and is_number:
        try:
            return view, get_saved_view(int(rest), viewer)
        except NotFound:
            # Deleted, or shared no more.
            return view_names()[0], None
    if (view.startswith("t") and is_number) or (view.startswith("c") and _uuid(rest)):
        return view, None
    return view_names()[0], None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def read_actions(text: str) -> dict[str, Any]:
    """Raises InvalidInput; what the actions mean is the service's to check."""
    try:
        actions = json.loads(text or "{}")
    except ValueError:
        actions = None
    if not isinstance(actions, dict):
        raise InvalidInput(str(_("One of the actions cannot be done any more. Choose again.")), field="actions")
    return actions


def read_ids(text: str, limit: int = 200) -> list[int]:
    """`12,15` → [12, 15]; what is no number is left out."""
    parts = text.split(",")[:limit]
    return [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) <= 18]


def read_uuids(values: list[str]) -> list[UUID]:
    """Raises InvalidInput."""
    found = [_uuid(value) for value in values]
    if len(found) > 10 or None in found:
        raise InvalidInput(str(_("At most ten files fit into one message.")), field="attachments")
    return [value for value in found if value is not None]
