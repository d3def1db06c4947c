"""Customers' files that lie at an address which came with the event."""

from django.utils.translation import gettext as _

from channels_app.base import FetchedFile, TransportError
from omnisupport.lib.errors import AppError, Unavailable
from omnisupport.lib.http import fetch

# 4xx that say nothing about the file.
_MAY_WORK_LATER = {408, 425, 429}


def download(url: str, *, max_bytes: int = 50 * 1024 * 1024, seconds: float = 60) -> FetchedFile:
    """Through the guarded client. Raises TransportError; permanent where another try could bring nothing else."""
    try:
        answer = fetch(url, max_bytes=max_bytes, timeout=seconds)
    except AppError as error:
        raise TransportError(str(error), permanent=not isinstance(error, Unavailable)) from None
    if answer.status != 200:
        reason = _("The file's address answers with %(status)s.") % {"status": answer.status}
        permanent = 400 <= answer.status < 500 and answer.status not in _MAY_WORK_LATER
        raise TransportError(reason, permanent=permanent)
    return FetchedFile(answer.body)
