"""Two time zones of a request: the reader's, in which times are read and shown (Django's current one), and the workspace's, in
which days are counted for everybody alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel.dates import get_timezone_location
from django.utils import timezone
from django.utils.translation import get_language

_home: ContextVar[tzinfo | None] = ContextVar("home_zone", default=None)


def zone_named(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def home_zone() -> tzinfo:
    """The workspace's; outside requests Django's own."""
    return _home.get() or timezone.get_current_timezone()


@contextmanager
def use_zones(home: tzinfo, own: tzinfo) -> Iterator[None]:
    token = _home.set(home)
    try:
        with timezone.override(own):
            yield
    finally:
        _home.reset(token)


def place_of(value: datetime) -> str:
    """“Vladivostok”, where the reader's clock shows another hour than the workspace's at that moment; else empty."""
    local, at_home = timezone.localtime(value), value.astimezone(home_zone())
    if local.utcoffset() == at_home.utcoffset():
        return ""
    return _place(timezone.get_current_timezone_name(), (get_language() or "en")[:2])


@lru_cache(maxsize=256)
def _place(name: str, language: str) -> str:
    return get_timezone_location(name, locale=language, return_city=True)


@lru_cache(maxsize=1)
def zone_choices() -> tuple[tuple[str, str], ...]:
    """All that have a place, with their distance from UTC now."""
    named = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    now = datetime.now(UTC)
    return tuple((name, f"{name.replace('_', ' ')} · UTC{_distance(now.astimezone(ZoneInfo(name)))}") for name in named)


def _distance(local: datetime) -> str:
    """“+05:30”."""
    digits = f"{local:%z}"
    return f"{digits[:3]}:{digits[3:]}"
