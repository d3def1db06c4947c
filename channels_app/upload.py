"""Files of agents on their way to an address that a provider named for them."""

import time

import httpx
from django.utils.translation import gettext as _

from channels_app.base import TransportError
from omnisupport.lib.errors import AppError
from omnisupport.lib.http import check_url, guarded_client, until


def bring(url: str, field: str, name: str, data: bytes, mime: str, *, seconds: float = 45) -> httpx.Response:
    """The answer, whatever its status. The address is vetted like any other, and no token goes there.

    Raises TransportError: nothing was sent to the customer so far.
    """
    try:
        check_url(url)
        with guarded_client(timeout=40) as http, until(time.monotonic() + seconds):
            return http.post(url, files={field: (name[-200:] or "file", data, mime or "application/octet-stream")})
    except AppError as error:
        raise TransportError(str(error), permanent=True) from None
    except httpx.HTTPError:
        raise TransportError(_("The file could not be brought to the messenger.")) from None
