"""The platform host: operators' admin, health, metrics, the landing page."""

from django.urls import path
from django.views.generic import RedirectView

from tenants.admin_sites import platform_admin
from tenants.views import landing, set_language

urlpatterns = [
    path("", landing, name="landing"),
    path("admin/", platform_admin.urls),
    path("language/", set_language, name="set_language"),
    path("favicon.ico", RedirectView.as_view(url="/static/img/favicon.svg")),
]

handler400 = "omnisupport.lib.errors_middleware.bad_request"
handler403 = "omnisupport.lib.errors_middleware.permission_denied"
handler404 = "omnisupport.lib.errors_middleware.page_not_found"
handler500 = "omnisupport.lib.errors_middleware.server_error"
