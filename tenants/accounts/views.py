"""Logging in and out, and a person's own page."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tenants.accounts.access import agent_required, signed_in
from tenants.accounts.forms import LoginForm, PersonForm
from tenants.accounts.models import User
from tenants.accounts.services import set_compact, update_person


def _remember_language(response: HttpResponse, user: User) -> HttpResponse:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        user.language,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


class Login(LoginView):
    template_name = "accounts/login.html"
    authentication_form = LoginForm

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        user = form.get_user()
        assert isinstance(user, User)
        return _remember_language(response, user)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        limited = getattr(form, "limited", None)
        if limited is not None:
            response.status_code = limited.status
            response["Retry-After"] = str(int(limited.retry_after))
        return response


@agent_required
@require_http_methods(["GET", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    form = PersonForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        update_person(user, **form.cleaned_data)
        return _remember_language(redirect("accounts:me"), user)
    return _person_page(request, person=form)


@agent_required
@require_http_methods(["POST"])
def density(request: HttpRequest) -> HttpResponse:
    """From the person's menu: roomy or compact rows, and back to where they were."""
    set_compact(signed_in(request), request.POST.get("density") == "compact")
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else "accounts:me")


@sensitive_post_parameters()
@agent_required
@require_http_methods(["POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    form = PasswordChangeForm(signed_in(request), request.POST)
    if not form.is_valid():
        return _person_page(request, password=form)
    form.save()
    # Other devices are logged out by the new hash; this one stays.
    update_session_auth_hash(request, form.user)
    messages.success(request, _("The password is changed. Other devices are logged out."))
    return redirect("accounts:me")


def _person_page(request: HttpRequest, **forms: Any) -> HttpResponse:
    user = signed_in(request)
    password = PasswordChangeForm(user)
    # Django's form takes the focus; on this page it is the second one.
    password.fields["old_password"].widget.attrs.pop("autofocus", None)
    context = {"person": PersonForm(instance=user), "password": password, **forms}
    status = 400 if any(form.errors for form in forms.values()) else 200
    return render(request, "accounts/me.html", context, status=status)
