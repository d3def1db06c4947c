from typing import Any

from django.http import HttpRequest

THEMES = {"light", "dark"}


def workspace(request: HttpRequest) -> dict[str, Any]:
    """`theme` is empty for "as in the system"."""
    theme = request.COOKIES.get("theme", "")
    return {
        "workspace": getattr(request, "tenant", None),
        "theme": theme if theme in THEMES else "",
        "sidebar_folded": request.COOKIES.get("sidebar") == "folded",
    }
