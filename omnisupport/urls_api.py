"""`/api/v1/`: each app registers its own resources; the schema and its readable form stand beside them."""

from csp.constants import SELF
from csp.decorators import csp_update
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from ai_assistant import api as assistant_api
from ai_assistant import api_settings as assistant_settings_api
from ai_assistant import api_tools as assistant_tools_api
from channels_app import rest as channels_api
from knowledge import api as knowledge_api
from knowledge.help_centre import api as help_centre_api
from tenants.accounts import api as accounts_api
from tickets import api as tickets_api
from tickets import api_bulk as bulk_api
from tickets import api_contacts as contacts_api
from tickets import api_imports as imports_api
from tickets import api_macros as macros_api
from tickets import api_people as people_api
from tickets import api_scheduled as scheduled_api
from tickets import api_views as views_api
from tickets.api_hours import WorkingHoursView
from tickets.notices import api as notices_api
from tickets.webhooks import api as webhooks_api

router = DefaultRouter()
router.include_root_view = False
router.register("users", accounts_api.UserViewSet, basename="user")
tickets_api.register(router)
contacts_api.register(router)
imports_api.register(router)
people_api.register(router)
scheduled_api.register(router)
notices_api.register(router)
views_api.register(router)
macros_api.register(router)
bulk_api.register(router)
webhooks_api.register(router)
channels_api.register(router)
knowledge_api.register(router)
help_centre_api.register(router)
assistant_api.register(router)
assistant_settings_api.register(router)
assistant_tools_api.register(router)

# The only page that needs inline styles: Swagger's own.
_docs = csp_update({"style-src": [SELF, "'unsafe-inline'"]})(SpectacularSwaggerSplitView.as_view(url_name="api-schema"))

urlpatterns = [
    path("auth/token/", accounts_api.TokenView.as_view(), name="api-token"),
    path("auth/refresh/", accounts_api.RefreshView.as_view(), name="api-refresh"),
    path("auth/logout/", accounts_api.LogoutView.as_view(), name="api-logout"),
    path("me/", accounts_api.MeView.as_view(), name="api-me"),
    path("ws-ticket/", accounts_api.SocketTicketView.as_view(), name="api-ws-ticket"),
    path("ask/", assistant_api.AskView.as_view(), name="api-ask"),
    path("assistant/", assistant_settings_api.AssistantView.as_view(), name="api-assistant"),
    path("working-hours/", WorkingHoursView.as_view(), name="api-working-hours"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", _docs, name="api-docs"),
    path("", include(router.urls)),
]
