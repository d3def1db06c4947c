"""Two admin sites: one on every workspace's host for its admins, one on the platform host for operators."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.accounts.forms import OperatorLoginForm
from tenants.accounts.models import Role

_KNOWLEDGE = ("knowledge", "help_centre")


class TenantAdminSite(AdminSite):
    site_title = _("OmniSupport")
    site_header = _("OmniSupport")
    index_title = _("Workspace settings")
    site_url = "/inbox/"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """`section`: the entry of the sidebar that a page belongs to, with `section_apps` under it."""
        context = super().each_context(request)
        in_knowledge = request.path.startswith(tuple(f"/admin/{label}/" for label in _KNOWLEDGE))
        apps = [app for app in context["available_apps"] if (app["app_label"] in _KNOWLEDGE) is in_knowledge]
        return context | {"section": "knowledge" if in_knowledge else "settings", "section_apps": apps}

    def has_permission(self, request: HttpRequest) -> bool:
        role = getattr(request.user, "role", "")
        return bool(request.user.is_active and role in {Role.OWNER, Role.ADMIN})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One way in for everybody, so that guesses are counted once."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        target = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index", current_app=self.name)
        return redirect_to_login(target)


class PlatformAdminSite(AdminSite):
    site_title = _("OmniSupport platform")
    site_header = _("OmniSupport platform")
    index_title = _("Workspaces and operators")
    site_url = None
    login_form = OperatorLoginForm

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return context | {"section_apps": context["available_apps"]}

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "role", "") == Role.OPERATOR)


tenant_admin = TenantAdminSite(name="admin")
platform_admin = PlatformAdminSite(name="admin")
