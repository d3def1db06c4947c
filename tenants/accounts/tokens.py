"""JWT for the API: bound to its workspace, single-use refresh, a reused refresh token revokes its family."""

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.serializers import TokenObtainSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import get_md5_hash_password

from omnisupport.lib.errors import NotAuthenticated
from omnisupport.lib.zones import home_zone, zone_named
from tenants.accounts.models import RefreshFamily, SpentRefreshToken, User
from tenants.models import Tenant


def tenant_uuid() -> str:
    tenant = connection.tenant  # type: ignore[attr-defined]
    known = getattr(tenant, "uuid", None)
    if known is None:
        known = Tenant.objects.values_list("uuid", flat=True).get(schema_name=connection.schema_name)  # type: ignore[attr-defined]
    return str(known)


def _bind(token: Token, tenant: str, family: RefreshFamily) -> None:
    token["tid"] = tenant
    token["aud"] = f"omnisupport:{tenant}"
    token["fam"] = str(family.id)


def issue_tokens(user: User, family: RefreshFamily | None = None) -> dict[str, str]:
    """`{"access", "refresh"}` for this workspace."""
    family = family or RefreshFamily.objects.create(user=user)
    tenant = tenant_uuid()
    refresh = RefreshToken.for_user(user)
    _bind(refresh, tenant, family)
    access = refresh.access_token
    _bind(access, tenant, family)
    return {"access": str(access), "refresh": str(refresh)}


def check_tenant(token: Token) -> None:
    """Raises InvalidToken for a token of another workspace."""
    tenant = tenant_uuid()
    if token.get("tid") != tenant or token.get("aud") != f"omnisupport:{tenant}":
        raise InvalidToken(_("This token belongs to another workspace. Log in here."))


def _family_of(token: Token) -> RefreshFamily:
    try:
        family = RefreshFamily.objects.select_related("user").filter(id=str(token.get("fam", ""))[:36]).first()
    except ValidationError:
        family = None
    if family is None or family.revoked_at is not None or not family.user.is_active or _is_old(token, family.user):
        raise InvalidToken(_("This login has ended. Log in again."))
    return family


def _is_old(token: Token, user: User) -> bool:
    """From before a change of the password, which ends every login."""
    return bool(token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password))


def refresh_tokens(raw: str) -> dict[str, str]:
    """Spends a refresh token once. Raises InvalidToken; a second use ends every token of that login."""
    try:
        token = RefreshToken(raw)  # type: ignore[arg-type]
    except TokenError as error:
        raise InvalidToken(_("The refresh token is not valid. Log in again.")) from error
    check_tenant(token)
    family = _family_of(token)
    expires_at = datetime.fromtimestamp(token["exp"], UTC)
    with transaction.atomic():
        _spent, won = SpentRefreshToken.objects.get_or_create(
            jti=token["jti"], defaults={"family": family, "expires_at": expires_at}
        )
        if won:
            return issue_tokens(family.user, family)
        RefreshFamily.objects.filter(id=family.id).update(revoked_at=timezone.now())
    raise InvalidToken(_("This refresh token was used before. For safety that login has ended; log in again."))


def _not_valid() -> InvalidToken:
    return InvalidToken(_("The token is not valid or has expired. Log in again."))


def authenticate_access_token(raw: str) -> User:
    """The person behind an access token of this workspace, for REST and websockets alike. Raises InvalidToken."""
    auth = TenantJWTAuthentication()
    return auth.get_user(auth.get_validated_token(raw.encode()))


class TenantJWTAuthentication(JWTAuthentication):
    """The library's own sentences have no Russian, and say which part of a token was wrong."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:  # type: ignore[override]  # our user model
        """Times are read by the person's own clock, else the workspace's, until UserTimezoneMiddleware leaves."""
        found = super().authenticate(request)
        if found is None:
            return None
        user, token = found
        assert isinstance(user, User)
        timezone.activate(zone_named(user.timezone) or home_zone())
        return user, token

    def get_raw_token(self, header: bytes) -> bytes | None:
        try:
            return super().get_raw_token(header)
        except exceptions.AuthenticationFailed as error:
            raise _not_valid() from error

    def get_validated_token(self, raw_token: bytes) -> AccessToken:
        try:
            token = super().get_validated_token(raw_token)
        except exceptions.AuthenticationFailed as error:
            raise _not_valid() from error
        check_tenant(token)
        return token  # type: ignore[return-value]

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]  # our user model
        _family_of(validated_token)
        try:
            user = super().get_user(validated_token)
        except (ValueError, TypeError, ValidationError, exceptions.AuthenticationFailed) as error:
            raise _not_valid() from error
        assert isinstance(user, User)
        return user

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class TenantTokenObtainSerializer(TokenObtainSerializer):
    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Our own error: DRF turns its AuthenticationFailed into 403 where no authenticator names a challenge."""
        refused = NotAuthenticated(_("No active account has this e-mail and password."))
        try:
            super().validate(attrs)
        except exceptions.AuthenticationFailed:
            raise refused from None
        user = self.user
        if not isinstance(user, User) or not user.is_agent:
            raise refused
        return issue_tokens(user)
