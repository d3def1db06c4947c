"""How a public page is answered: in the language of its address, from a cache, with an ETag, the same for every reader.

Browsers keep pages and ask each time whether they are still right, so that what was taken back is gone at once.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from knowledge.help_centre.models import HelpCentre, Language
from knowledge.help_centre.queries import find_help_centre, state_of_pages
from omnisupport.lib.colours import ink_on, readable_on
from tenants.hosts import TenantInfo
from tenants.names import url_for_host

# The tokens' grounds that are harder to read on.
_LIGHT_GROUND, _DARK_GROUND = "#f6f7f9", "#12151b"
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_REVALIDATED = "public, no-cache"


@dataclass(frozen=True)
class Page:
    """`context` is the template's own; `paths` in it: language → this page, where it has another address there."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    status: int = 200


View = Callable[..., Page | HttpResponse]


def open_help_centre() -> HelpCentre:
    """Raises Http404 where it is switched off."""
    centre = find_help_centre()
    if not centre.is_on:
        raise Http404
    return centre


def public_page(view: View) -> Callable[..., HttpResponseBase]:
    """Of `view(language, …) → Page`: the answer, made again only when something that it may show has changed."""

    @require_safe
    def answer(request: HttpRequest, language: str, **arguments: Any) -> HttpResponseBase:
        centre, tenant = open_help_centre(), tenant_of(request)
        made_of = [
            tenant.name,
            tenant.primary_host,
            *_look_of(centre),
            centre.updated_at,
            state_of_pages(),
            request.path,
        ]
        key = hashlib.sha256(repr(made_of).encode()).hexdigest()
        kept: tuple[bytes, str] | None = caches["pages"].get(key)
        if kept is None:
            with translation.override(language):
                page = view(language, **arguments)
                if isinstance(page, HttpResponse):
                    # A permanent redirect would be kept for ever, and an article may come back to where it was.
                    page["Cache-Control"] = _REVALIDATED
                    return page
                body = render_page(page, language, centre, tenant, request.path).encode()
            kept = body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            if page.status != 200:
                return html_response(body, language, page.status)
            caches["pages"].set(key, kept)
        response = html_response(kept[0], language)
        response["ETag"], response["Cache-Control"] = kept[1], _REVALIDATED
        return get_conditional_response(request, etag=kept[1], response=response) or response

    return answer


def html_response(body: bytes | str, language: str, status: int = 200) -> HttpResponse:
    response = HttpResponse(body, status=status)
    response["Content-Language"] = language
    response["Cache-Control"] = "private, no-cache"
    return response


def render_page(page: Page, language: str, centre: HelpCentre, tenant: TenantInfo, path: str) -> str:
    """The caller has switched to the language."""
    context = {
        "language": language,
        "name": tenant.name,
        "site": url_for_host(tenant.primary_host),
        "centre": centre,
        "chat": _chat_of(centre),
        "look": look_address(centre),
        "paths": {code: path.replace(f"/help/{language}/", f"/help/{code}/", 1) for code in Language.values},
        **page.context,
    }
    return render_to_string(page.template, context)


def tenant_of(request: HttpRequest) -> TenantInfo:
    tenant: TenantInfo = request.tenant  # type: ignore[attr-defined]  # set by TenantMiddleware
    return tenant


# ---- The workspace's colour ------------------------------------------------------------------------------------------


def look_address(centre: HelpCentre) -> str:
    """With the colour in it, so that browsers may keep the style sheet for ever; empty where there is no colour."""
    accent = _accent_of(centre)
    return reverse("help_centre:look", args=[accent[1:]]) if accent else ""


def look_of_accent(accent: str) -> str:
    on_light, on_dark = readable_on(_LIGHT_GROUND, accent, "#000000"), readable_on(_DARK_GROUND, accent, "#ffffff")
    inks = f"light-dark({ink_on(on_light)}, {ink_on(on_dark)})"
    return f":root {{ --accent: light-dark({on_light}, {on_dark}); --accent-ink: {inks}; }}\n"


def _accent_of(centre: HelpCentre) -> str:
    accent = str(centre.chat.config.get("accent", "")).lower() if centre.chat else ""
    return accent if _COLOUR.fullmatch(accent) else ""


def _chat_of(centre: HelpCentre) -> Any:
    return centre.chat if centre.chat and centre.chat.is_active else None


def _look_of(centre: HelpCentre) -> list[Any]:
    chat = _chat_of(centre)
    return [_accent_of(centre), chat.id if chat else None]
