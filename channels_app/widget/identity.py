"""Who a visitor is by the word of the company's own server: a JWT (RFC 7519, HS256) signed with the channel's secret."""

import time
from typing import Any

import jwt
from django.core.exceptions import ValidationError as InvalidEmail
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import BaseModel, Field, ValidationError, field_validator

from channels_app.base import Profile
from channels_app.facts import read_facts
from channels_app.models import Channel
from channels_app.widget.sessions import NAMED_AGE, Visitor
from omnisupport.lib.errors import InvalidInput
from tickets.models import ContactAddress
from tickets.services.addresses import change_address, lock_address
from tickets.services.contacts import update_contact

# Seconds: a token that was copied out of a page is soon worth nothing.
LONGEST = 15 * 60
LEEWAY = 30


class Claims(BaseModel):
    """`sub` is the company's own id of the person."""

    sub: str = Field(min_length=1, max_length=200)
    name: str = Field("", max_length=200)
    email: str = Field("", max_length=254)
    phone: str = Field("", max_length=32)
    attributes: dict[str, Any] = Field(default_factory=dict)

    @field_validator("sub")
    @classmethod
    def _is_printable(cls, value: str) -> str:
        if not value.isprintable() or value != value.strip():
            raise ValueError("sub")
        return value

    @field_validator("email")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            if value:
                validate_email(value)
        except InvalidEmail:
            raise ValueError("email") from None
        return value


def read_identity(channel: Channel, token: str) -> Claims:
    """Raises InvalidInput with what is wrong with it, for those who build the site."""
    secret = str(channel.secrets.get("secret", ""))
    if not secret:
        raise _refused(_("This chat has no secret for signing yet. Make one in its settings."))
    try:
        given = jwt.decode(
            token, secret, algorithms=["HS256"], audience=str(channel.id), leeway=LEEWAY, options={"require": ["exp", "sub", "aud"]},
        )  # fmt: skip
        claims = Claims.model_validate(given)
    except jwt.ExpiredSignatureError:
        raise _refused(_("The identity has expired. Sign a new one for each page.")) from None
    except jwt.InvalidAudienceError:
        raise _refused(_("“aud” of the identity must be the id of this channel.")) from None
    except jwt.InvalidTokenError as error:
        raise _refused(_("The identity is not valid: %(error)s.") % {"error": error}) from None
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise _refused(_("“%(field)s” of the identity is not right.") % {"field": field}) from None
    if int(given["exp"]) > time.time() + LONGEST + LEEWAY:
        raise _refused(_("“exp” of the identity may be at most 15 minutes ahead."))
    return claims


def _refused(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, code="identity_refused", field="identity")


@transaction.atomic
def identify(channel: Channel, claims: Claims, before: Visitor | None, language: str) -> Visitor:
    """The visitor as the person that the company names: one conversation on all their devices. What this browser said
    before goes on as theirs, where nothing else is known of whoever said it."""
    named = Visitor(channel, claims.sub, int(time.time()) + NAMED_AGE)
    anonymous = before.row() if before else None
    if anonymous is not None and named.row() is None and _may_become(anonymous, claims):
        change_address(channel_id=channel.id, address=anonymous.address, new_address=claims.sub)
    row = lock_address(channel.id, claims.sub, Profile(language=language, details={"verified": True}))
    told: dict[str, Any] = {
        name: value for name, value in claims.model_dump(include={"name", "email", "phone"}).items() if value
    }
    if claims.attributes:
        told["attributes"] = {**row.contact.attributes, **read_facts(None, claims.attributes)}
    update_contact(row.contact_id, changes=told, actor=None)
    return named


def _may_become(row: ContactAddress, claims: Claims) -> bool:
    """Words about a person that nobody proved must not become proven ones."""
    contact = row.contact
    return (
        not row.is_verified
        and contact.email in {"", claims.email}
        and contact.phone in {"", claims.phone}
        and not contact.attributes
        and not contact.addresses.exclude(id=row.id).exists()
    )
