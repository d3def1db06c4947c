"""The public pages. Only what `queries` lets through is shown; none of them looks at who asks."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from knowledge.help_centre import queries
from knowledge.help_centre.feedback import note_missed_search
from knowledge.help_centre.markdown import render_article
from knowledge.help_centre.models import Article, Category, Language
from knowledge.help_centre.pages import (
    Page,
    html_response,
    look_of_accent,
    open_help_centre,
    public_page,
    render_page,
    tenant_of,
)
from knowledge.help_centre.search import search_articles
from knowledge.services.articles import article_text
from omnisupport.lib.errors import RateLimited
from omnisupport.lib.limits import count_against
from tenants.accounts.throttle import client_address
from tenants.names import tenant_key, url_for_host

_SEARCHES_A_MINUTE = 30
# Below that a table of contents says nothing new.
_HEADINGS_FOR_CONTENTS = 3


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """To the pages in the reader's language."""
    open_help_centre()
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if chosen not in Language.values and "Accept-Language" in request.headers:
        chosen = translation.get_language_from_request(request)
    language = chosen if chosen in Language.values else tenant_of(request).language
    response = HttpResponseRedirect(reverse("help_centre:home", args=[language]))
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response


@public_page
def home(language: str) -> Page:
    return Page("help_centre/home.html", {"shelves": queries.shelves_in(language)})


@public_page
def category(language: str, slug: str) -> Page:
    found = Category.objects.filter(slug=slug).first()
    articles = queries.articles_in(language, found) if found else []
    if found is None or not articles:
        return missing()
    return Page(
        "help_centre/category.html", {"category": found, "title": found.name_in(language), "articles": articles}
    )


@public_page
def article(language: str, slug: str) -> Page | HttpResponse:
    found = queries.find_article(slug)
    if found is None:
        return elsewhere(language, slug)
    versions = queries.versions_of(found)
    if language in versions and versions[language] != found:
        return HttpResponseRedirect(queries.article_path(versions[language]))
    return article_page(found, language, versions)


def article_page(found: Article, language: str, versions: dict[str, Article]) -> Page:
    rendered = render_article(article_text(found.document), found.document.title)
    contents = [heading for heading in rendered.headings if heading.level <= 3]
    context = {
        "article": found,
        "title": found.document.title,
        "rendered": rendered,
        "contents": contents if len(contents) >= _HEADINGS_FOR_CONTENTS else [],
        "related": queries.related_to(found, language),
        "category_name": found.category.name_in(language) if found.category else "",
        "is_foreign": found.language != language,
        # One that is only in the other language has its own address there.
        "canonical": queries.article_path(found),
        "alternates": {code: queries.article_path(row) for code, row in versions.items()},
        "paths": {code: queries.article_path(versions.get(code, found), code) for code in Language.values},
    }
    return Page("help_centre/article.html", context)


def elsewhere(language: str, slug: str) -> Page | HttpResponse:
    """Where an article has moved to, or that it is gone."""
    past = queries.find_past_address(slug)
    if past is None:
        return missing()
    current = queries.find_article(past.article.slug) if past.article else None
    if current is None:
        return missing(_("This article is no longer here."), status=410)
    return HttpResponsePermanentRedirect(queries.article_path(current, language))


def missing(sentence: str = "", status: int = 404) -> Page:
    return Page("help_centre/missing.html", {"sentence": sentence or _("There is no such page")}, status=status)


@require_safe
def search(request: HttpRequest, language: str) -> HttpResponse:
    centre = open_help_centre()
    query = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:200]
    context: dict[str, Any] = {"query": query}
    status = 200
    with translation.override(language):
        if query:
            try:
                count_against(tenant_key("help-search", client_address(request)), limit=_SEARCHES_A_MINUTE, seconds=60)
                found = search_articles(query, language)
                context["found"] = found
                # Words alone miss too much to be counted.
                if found.is_full and not (found.is_sure and found.hits) and request.method == "GET":
                    note_missed_search(query, language)
            except RateLimited as error:
                context["refusal"], status = error, error.status
        # The query stays in the address when the language is switched.
        path = request.get_full_path() if query else request.path
        page = Page("help_centre/search.html", {**context, "title": _("Search")})
        body = render_page(page, language, centre, tenant_of(request), path)
    return html_response(body, language, status)


@require_safe
def look(request: HttpRequest, accent: str) -> HttpResponse:
    response = HttpResponse(look_of_accent(f"#{accent}"), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


# ---- For machines ----------------------------------------------------------------------------------------------------


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Only the help centre is for search engines; its searches are not."""
    if not queries.find_help_centre().is_on:
        return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain; charset=utf-8")
    site = url_for_host(tenant_of(request).primary_host)
    lines = [
        "User-agent: *",
        *(f"Disallow: {reverse('help_centre:search', args=[code])}" for code in Language.values),
        "Allow: /help/",
        "Allow: /static/",
        "Disallow: /",
        "",
        f"Sitemap: {site}{reverse('sitemap')}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    if not queries.find_help_centre().is_on:
        raise Http404
    articles = list(queries.published_articles())
    pairs: dict[Any, dict[str, str]] = {}
    for row in articles:
        pairs.setdefault(row.pair, {})[row.language] = queries.article_path(row)
    entries = [
        {"path": queries.article_path(row), "changed": row.revised_at, "alternates": pairs[row.pair]}
        for row in articles
    ]
    lists: list[tuple[str, list[str]]] = [("help_centre:home", [])] + [
        ("help_centre:category", [slug])
        for slug in dict.fromkeys(row.category.slug for row in articles if row.category)
    ]
    for name, arguments in lists:
        paths = {code: reverse(name, args=[code, *arguments]) for code in Language.values}
        entries += [{"path": path, "changed": None, "alternates": paths} for path in paths.values()]
    context = {"site": url_for_host(tenant_of(request).primary_host), "entries": entries}
    body = render_to_string("help_centre/sitemap.xml", context)
    return HttpResponse(body, content_type="application/xml; charset=utf-8")
