"""One view, two reads, through Django's ASGI handler: with our tenant middleware, or with none and the same rows."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnisupport.settings")

from django.conf import settings

TENANTS = bool(os.environ.get("BENCH_TENANTS"))
settings.MIDDLEWARE = ["tenants.middleware.TenantMiddleware"] if TENANTS else ["benchmarks.plain.NoTenants"]
settings.ROOT_URLCONF = "benchmarks.plain"
if not TENANTS:
    settings.DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
    settings.DATABASES["default"]["OPTIONS"]["options"] += " -c search_path=t_cost,public"
    settings.DATABASE_ROUTERS = []
    settings.INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "tenants.accounts"]

from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402


class NoTenants:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        return response


def view(request: HttpRequest) -> HttpResponse:
    from tenants.accounts.models import User

    first = User.objects.filter(role="owner").first()
    second = User.objects.filter(role="agent").first()
    text = f"{first} {second}"
    return HttpResponse(text, headers={"Content-Length": str(len(text.encode()))})


urlpatterns = [path("bench/", view), path("healthz", lambda request: HttpResponse("ok"))]
application = get_asgi_application()
