"""Whether a form was sent from a page of ours: for those who have no session, and so no token that a cookie could vouch for."""

from urllib.parse import urlsplit

from django.http import HttpRequest


def is_from_own_page(request: HttpRequest) -> bool:
    """By what the browser says itself and no script can forge; a request that says nothing is refused."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    said = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return urlsplit(said).netloc == request.get_host()
