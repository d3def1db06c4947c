"""Two admin sites: one on every workspace's host for its admins, one on the platform host for operators."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.accounts.models import Role


class TenantAdminSite(AdminSite):
    site_title = _("OmniSupport")
    site_header = _("OmniSupport")
    index_title = _("Workspace settings")
    site_url = "/inbox/"

    def has_permission(self, request: HttpRequest) -> bool:
        role = getattr(request.user, "role", "")
        return bool(request.user.is_active and role in {Role.OWNER, Role.ADMIN})


class PlatformAdminSite(AdminSite):
    site_title = _("OmniSupport platform")
    site_header = _("OmniSupport platform")
    index_title = _("Workspaces and operators")
    site_url = None

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "role", "") == Role.OPERATOR)


tenant_admin = TenantAdminSite(name="admin")
platform_admin = PlatformAdminSite(name="admin")
