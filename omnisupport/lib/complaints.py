"""What pydantic dislikes about settings that a person gave, as a sentence in the reader's language."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import ValidationError


def first_complaint(error: ValidationError) -> tuple[str, str]:
    """(field, sentence). The value itself, which may be a secret, is in neither."""
    first = error.errors(include_input=False, include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    details = first.get("ctx", {})
    match first["type"]:
        case "value_error":
            # What our own validators say is a sentence for people already.
            reason = str(details["error"])
        case "missing":
            reason = _("this is needed")
        case "string_too_long":
            limit = int(details["max_length"])
            reason = ngettext("at most %(n)d character", "at most %(n)d characters", limit) % {"n": limit}
        case "literal_error" | "enum":
            reason = _("one of: %(choices)s") % {"choices": details["expected"].replace(" or ", ", ").replace("'", "")}
        case _:
            reason = _("this value cannot be used")
    return field, reason
