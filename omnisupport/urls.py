"""A workspace's host."""

from django.conf import settings
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import JavaScriptCatalog

from knowledge.help_centre import views as help_centre
from tenants.admin_sites import tenant_admin
from tenants.views import set_language

urlpatterns = [
    path("", RedirectView.as_view(url="/inbox/"), name="home"),
    path("accounts/", include("tenants.accounts.urls")),
    path("notices/", include("tickets.notices.urls")),
    path("team/", include("tickets.inbox.urls_team")),
    path("inbox/", include("tickets.inbox.urls")),
    path("", include("tickets.contacts.urls")),
    path("files/", include("tickets.urls_files")),
    path("channels/", include("channels_app.urls")),
    path("knowledge/", include("knowledge.urls")),
    path("help/", include("knowledge.help_centre.urls")),
    path("robots.txt", help_centre.robots, name="robots"),
    path("sitemap.xml", help_centre.sitemap, name="sitemap"),
    path("assistant/", include("ai_assistant.urls")),
    path("dashboard/", include("analytics.urls")),
    path("widget/", include("channels_app.widget.urls")),
    path("admin/", tenant_admin.urls),
    path(f"{settings.API_V1_PREFIX.strip('/')}/", include("omnisupport.urls_api")),
    path("language/", set_language, name="set_language"),
    path("jsi18n/", JavaScriptCatalog.as_view(packages=["omnisupport"]), name="javascript-catalog"),
    path("favicon.ico", RedirectView.as_view(url="/static/img/favicon.svg")),
]

if settings.DEMO_PAGES:
    from omnisupport.demo.views import shop

    urlpatterns.append(path("demo-shop/", shop, name="demo-shop"))

handler400 = "omnisupport.lib.errors_middleware.bad_request"
handler403 = "omnisupport.lib.errors_middleware.permission_denied"
handler404 = "omnisupport.lib.errors_middleware.page_not_found"
handler500 = "omnisupport.lib.errors_middleware.server_error"
