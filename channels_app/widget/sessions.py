"""Who a visitor is: a signed token bound to workspace, channel and visitor. Opening the chat writes nothing."""

import time
import uuid
from dataclasses import dataclass

from django.core import signing
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from channels_app.models import Channel
from omnisupport.lib.errors import NotAuthenticated
from tenants.accounts.tokens import tenant_uuid
from tenants.names import current_schema
from tickets.models import ContactAddress

# The token travels in a websocket subprotocol, where Django's usual colon is not allowed.
_SIGNER = signing.TimestampSigner(salt="widget-visitor", sep="~")
_FILE_SALT = "widget-file"
MAX_AGE = 365 * 24 * 3600
# Of one whom the company's server has named; every page that the person opens names them anew.
NAMED_AGE = 24 * 3600
FILE_AGE = 600


@dataclass(frozen=True)
class Visitor:
    """`address` is the visitor's id within the channel: a random one, for which there is no row until the first message, or
    the company's own id of a person whom its server has named until `until` (seconds since 1970)."""

    channel: Channel
    address: str
    until: int | None = None

    def row(self) -> ContactAddress | None:
        return self._rows().select_related("contact").first()

    def has_written(self) -> bool:
        return self._rows().exists()

    def _rows(self) -> QuerySet[ContactAddress]:
        return ContactAddress.objects.filter(channel_id=self.channel.id, address=self.address)


def new_visitor(channel: Channel) -> Visitor:
    return Visitor(channel, uuid.uuid4().hex)


def issue_token(visitor: Visitor) -> str:
    claims: dict[str, str | int] = {"t": tenant_uuid(), "c": str(visitor.channel.id), "v": visitor.address}
    return _SIGNER.sign_object(claims if visitor.until is None else claims | {"u": visitor.until})


def read_token(token: str) -> tuple[str, str, int | None]:
    """(channel id, visitor, until when they are named) of a token of this workspace. Raises NotAuthenticated."""
    try:
        claims = _SIGNER.unsign_object(token, max_age=MAX_AGE)
        tenant, channel, address, until = str(claims["t"]), str(claims["c"]), str(claims["v"]), claims.get("u")
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        raise NotAuthenticated(_("This chat session has ended. Reload the page.")) from None
    if tenant != tenant_uuid() or (until is not None and until < time.time()):
        raise NotAuthenticated(_("This chat session has ended. Reload the page."))
    return channel, address, until


def visitor_of(channel: Channel, authorization: str) -> Visitor:
    """The visitor behind `Authorization: Visitor <token>` on this channel. Raises NotAuthenticated."""
    scheme, _space, token = authorization.partition(" ")
    if scheme != "Visitor" or not token:
        raise NotAuthenticated(_("Open the chat first."))
    channel_id, address, until = read_token(token)
    if channel_id != str(channel.id):
        raise NotAuthenticated(_("This chat session has ended. Reload the page."))
    return Visitor(channel, address, until)


def sign_file(attachment_id: object, address: str) -> str:
    return signing.dumps([current_schema(), str(attachment_id), address], salt=_FILE_SALT)


def check_file_signature(signature: str, attachment_id: object) -> str | None:
    """The visitor's address for a good link of at most ten minutes; else None."""
    try:
        schema, attachment, address = signing.loads(signature, salt=_FILE_SALT, max_age=FILE_AGE)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(address) if (schema, attachment) == (current_schema(), str(attachment_id)) else None
