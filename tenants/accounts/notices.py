"""Letters to the people who look after a workspace. Called from tasks: SMTP may take its time."""

from collections.abc import Callable

from django.core.mail import send_mail
from django.utils import translation
from redis.exceptions import RedisError

from omnisupport.lib.redis import redis_client
from tenants.accounts.models import Role, User
from tenants.names import tenant_key

_REMEMBERED = 7 * 24 * 3600


def mail_admins(letter: Callable[[], tuple[str, str]], *, once: str) -> int:
    """`letter` gives (subject, text) and is called in each reader's language; the same `once` again sends nothing to those
    who have it. Returns how many letters left. Raises OSError (SMTP's errors are among them): call it again later."""
    sent = 0
    for person in User.objects.filter(is_active=True, role__in=[Role.OWNER, Role.ADMIN]).order_by("date_joined"):
        key = tenant_key("told", once, person.pk)
        if not _claim(key):
            continue
        try:
            with translation.override(person.language):
                subject, text = letter()
            send_mail(" ".join(subject.split())[:200], text, None, [person.email])
        except BaseException:
            _release(key)
            raise
        sent += 1
    return sent


def _claim(key: str) -> bool:
    try:
        return bool(redis_client().set(key, "1", nx=True, ex=_REMEMBERED))
    except RedisError:
        return True  # rather twice than never


def _release(key: str) -> None:
    try:
        redis_client().delete(key)
    except RedisError:
        return
