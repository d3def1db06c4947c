from typing import Any

from django import template

from tickets.notices.services import count_unseen

register = template.Library()


@register.simple_tag
def unseen_notices(user: Any) -> int:
    """For the bell of every page."""
    return count_unseen(user) if getattr(user, "is_agent", False) else 0
