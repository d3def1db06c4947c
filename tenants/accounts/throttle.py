"""Ten failed log-ins in fifteen minutes for one account from one address, then a pause. Counted in Redis."""

import hashlib

import structlog
from django.http import HttpRequest
from django.utils.translation import ngettext
from redis.exceptions import RedisError
from rest_framework.settings import api_settings

from omnisupport.lib.errors import RateLimited
from omnisupport.lib.redis import redis_client
from tenants.names import tenant_key

log = structlog.get_logger(__name__)

ALLOWED = 10
WINDOW = 15 * 60


def client_address(request: HttpRequest) -> str:
    """The caller's address. X-Forwarded-For counts only behind that many proxies of ours, read from the right."""
    proxies = int(api_settings.NUM_PROXIES or 0)
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if proxies and forwarded:
        return forwarded[-min(proxies, len(forwarded))]
    return str(request.META.get("REMOTE_ADDR", ""))


def _key(request: HttpRequest, email: str) -> str:
    account = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
    schema = str(request.tenant.schema_name)  # type: ignore[attr-defined]  # set by TenantMiddleware
    return tenant_key("login", account, client_address(request), schema=schema)


def count_attempt(request: HttpRequest, email: str) -> None:
    """Called before the password is looked at, so that parallel guesses count too. Raises RateLimited."""
    key = _key(request, email)
    try:
        with redis_client().pipeline() as pipe:
            pipe.set(key, 0, ex=WINDOW, nx=True)
            pipe.incr(key)
            pipe.ttl(key)
            _made, count, left = pipe.execute()
    except RedisError as error:
        # Without Redis people must still get in; passwords are slow to guess by themselves.
        log.warning("login_not_counted", error=str(error))
        return
    if count > ALLOWED:
        minutes = max(1, -(-left // 60))
        raise RateLimited(
            ngettext(
                "Too many failed attempts. Try again in %(n)d minute.",
                "Too many failed attempts. Try again in %(n)d minutes.",
                minutes,
            )
            % {"n": minutes},
            retry_after=left,
        )


def forget_attempts(request: HttpRequest, email: str) -> None:
    """After the right password."""
    try:
        redis_client().delete(_key(request, email))
    except RedisError as error:
        log.warning("login_not_counted", error=str(error))
