from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from tenants.models import Tenant
from tenants.names import PUBLIC, host_for, url_for_host


# The form of the front page leads to another host.
@csp_update({"form-action": [url_for_host(host_for("*"))]})
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """The platform's front; `?workspace=` leads to the way in of that workspace."""
    slug = request.GET.get("workspace", "").strip().lower()
    if slug and Tenant.objects.exclude(schema_name=PUBLIC).filter(slug=slug, is_active=True).exists():
        return HttpResponseRedirect(f"{url_for_host(host_for(slug))}/inbox/")
    return render(request, "tenants/landing.html", {"slug": slug, "base_domain": settings.BASE_DOMAIN})


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remembers the reader's language in the cookie and, for those logged in, on the person."""
    target = request.POST.get("next") or request.headers.get("Referer") or "/"
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    language = request.POST.get("language", "")
    response = HttpResponseRedirect(target)
    if language in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 24 * 3600, samesite="Lax")
        if request.user.is_authenticated:
            request.user.language = language
            request.user.save(update_fields=["language"])
    return response
