from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def duration(seconds: float | None) -> str:
    """`95` → “1 min 35 s”, in the reader's language; two units at most."""
    if seconds is None:
        return "—"
    rest = round(seconds)
    parts = []
    for size, unit in ((86400, _("d")), (3600, _("h")), (60, _("min")), (1, _("s"))):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2 or (parts and size == 60 and seconds >= 3600):
            break
    return " ".join(parts) or f"0 {_('s')}"
