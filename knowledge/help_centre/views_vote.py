"""«Was this helpful?»: a form without a script. The reader is known by a cookie that is set with the first vote."""

import re
import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from knowledge.help_centre import feedback, queries
from knowledge.help_centre.models import Article
from knowledge.help_centre.pages import Page, html_response, open_help_centre, render_page, tenant_of
from knowledge.help_centre.views import missing
from omnisupport.lib.errors import AppError, Forbidden, InvalidInput
from omnisupport.lib.limits import count_against
from omnisupport.lib.origin import is_from_own_page
from tenants.accounts.throttle import client_address
from tenants.names import tenant_key

READER_COOKIE = "help_reader"
_READER = re.compile(r"[\w-]{22}", re.ASCII)
_YEAR = 365 * 24 * 3600
# Of one internet address: readers behind one are many, those who throw their cookie away are one.
_VOTES_AN_HOUR, _NEW_READERS_A_DAY = 60, 10


# Pages are the same for everybody and carry no token: instead the browser must say that the form was on one of them.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def vote(request: HttpRequest, language: str, slug: str) -> HttpResponse:
    centre = open_help_centre()
    article = queries.find_article(slug)
    with translation.override(language):
        if article is None:
            page = missing()
        elif request.method == "POST":
            try:
                return _take(request, article, language)
            except AppError as error:
                page = Page("help_centre/missing.html", {"sentence": str(error)}, status=error.status)
        else:
            page = _thanks(article, language, request.GET.get("answer", ""))
        body = render_page(page, language, centre, tenant_of(request), request.get_full_path())
    return html_response(body, language, page.status)


def _thanks(article: Article, language: str, answer: str) -> Page:
    context = {
        "article": article,
        "title": _("Thank you!"),
        "article_path": queries.article_path(article, language),
        # Who was not helped is asked what was missing, once.
        "asks_why": answer == "no",
        "longest": feedback.MAX_COMMENT,
    }
    return Page("help_centre/vote.html", context)


def _take(request: HttpRequest, article: Article, language: str) -> HttpResponse:
    """Raises Forbidden, InvalidInput, RateLimited."""
    if not is_from_own_page(request):
        raise Forbidden(_("This form was sent from another site."), code="csrf")
    helpful, comment = request.POST.get("helpful", ""), request.POST.get("comment", "").replace("\x00", "")
    if helpful not in {"yes", "no"}:
        raise InvalidInput(_("Say yes or no."), field="helpful")
    address = client_address(request)
    count_against(tenant_key("help-votes", address), limit=_VOTES_AN_HOUR, seconds=3600)
    reader = request.COOKIES.get(READER_COOKIE, "")
    if not _READER.fullmatch(reader):
        count_against(tenant_key("help-readers", address, article.id), limit=_NEW_READERS_A_DAY, seconds=24 * 3600)
        reader = secrets.token_urlsafe(16)
    is_helpful = helpful == "yes"
    feedback.vote(article, reader, is_helpful=is_helpful, comment="" if is_helpful else comment)
    answer = "yes" if is_helpful else "told" if comment.strip() else "no"
    response = HttpResponseRedirect(reverse("help_centre:vote", args=[language, article.slug]) + f"?answer={answer}")
    response.status_code = 303
    response.set_cookie(
        READER_COOKIE, reader, max_age=_YEAR, path="/help/", httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
    return response
