from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.errors import RateLimited
from omnisupport.lib.zones import zone_choices
from tenants.accounts.models import User
from tenants.accounts.throttle import count_attempt, forget_attempts


class CountedLoginForm(AuthenticationForm):
    """Counts attempts before it looks at the password."""

    limited: RateLimited | None = None

    def clean(self) -> dict[str, Any]:
        email, request = self.cleaned_data.get("username", ""), self.request
        if email and request is not None:
            try:
                count_attempt(request, email)
            except RateLimited as limited:
                self.limited = limited
                raise ValidationError(limited.message, code="limited") from None
        cleaned = super().clean() or {}
        if request is not None and self.user_cache is not None:
            forget_attempts(request, email)
        return cleaned


class LoginForm(CountedLoginForm):
    """E-mail and password. The answer is the same for an unknown e-mail, a wrong password and a person who may not in."""

    error_messages = {
        "invalid_login": _("The e-mail or the password is not right. Check both and the keyboard layout."),
        "inactive": _("The e-mail or the password is not right. Check both and the keyboard layout."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})

    def confirm_login_allowed(self, user: Any) -> None:
        if not user.is_agent:
            raise self.get_invalid_login_error()


class OperatorLoginForm(CountedLoginForm, AdminAuthenticationForm):
    """On the platform host."""


def zone_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=capfirst(_("time zone")), choices=lambda: [("", _("as the workspace")), *zone_choices()], required=False
    )


class PersonForm(forms.ModelForm[User]):
    timezone = zone_field()

    class Meta:
        model = User
        fields = ["name", "language", "timezone", "undo_seconds", "is_compact"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}
