"""Small parts that every page draws: icons, times near now, links in foreign text."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.urls import get_urlconf, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import Urlizer, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from channels_app.base import Adapter
from channels_app.kinds import adapter_class, kinds
from channels_app.services.channels import find_broken_channels
from channels_app.services.templates import is_window_closed
from omnisupport.lib.dates import day_and_month, day_in_words, time_in_words
from omnisupport.lib.markup import HTML, translate

register = template.Library()


# ---- Addresses -------------------------------------------------------------------------------------------------------


@register.simple_tag
def path(name: str, *arguments: object) -> str:
    """`url`, remembered: a page of conversations has a hundred of them."""
    return _path(get_urlconf(), name, arguments)


@lru_cache(maxsize=8192)
def _path(urlconf: str | None, name: str, arguments: tuple[object, ...]) -> str:
    return reverse(name, urlconf=urlconf, args=arguments)


# ---- Icons -----------------------------------------------------------------------------------------------------------


@cache
def _icon_names() -> frozenset[str]:
    sprite = settings.BASE_DIR / "static" / "img" / "icons.svg"
    return frozenset(re.findall(r'<symbol id="([^"]+)"', sprite.read_text(encoding="utf-8")))


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """An icon of static/img/icons.svg. Without a label it is decoration; an unknown name gives the speech bubble."""
    # Labels may be promises, whose words differ by language.
    return _drawn_icon(name, str(label), css)


@lru_cache(maxsize=4096)
def _drawn_icon(name: str, label: str, css: str) -> SafeString:
    href = f"{static('img/icons.svg')}#{name if name in _icon_names() else 'chat'}"
    css = f"icon {css}".strip()
    if not label:
        return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', css, href)
    return format_html(
        '<svg class="{}" role="img" aria-label="{}"><title>{}</title><use href="{}"/></svg>', css, label, label, href
    )


@register.simple_tag
def channel_icon(channel: Any) -> SafeString:
    """The sign of a channel's kind, named by the channel."""
    name = adapter_class(channel.kind).icon if channel.kind in kinds() else "chat"
    return icon(name, label=channel.name)


@register.filter
def text_limit(channel: Any) -> int:
    """How many characters one message of this channel may have; 0 where nothing is known."""
    return adapter_class(channel.kind).limits.text if channel.kind in kinds() else 0


@register.filter
def formats(channel: Any) -> str:
    """The marks that this channel can carry, for the composer to offer."""
    return " ".join(sorted(adapter_class(channel.kind).formats)) if channel.kind in kinds() else ""


@register.filter
def changes_sent(channel: Any) -> bool:
    """Whether what has left through this channel can still be changed at the customer's side."""
    return channel.kind in kinds() and adapter_class(channel.kind).edit is not Adapter.edit


@register.simple_tag
def closed_places(addresses: Iterable[Any]) -> list[int]:
    """The ids of those addresses where only an approved template is let through now."""
    known = kinds()
    return [row.id for row in addresses if row.channel.kind in known and is_window_closed(row.channel.kind, row)]


@register.simple_tag
def window_closed(ticket: Any) -> bool:
    """Whether the channel lets only an approved template through to this customer now."""
    return ticket.channel.kind in kinds() and is_window_closed(ticket.channel.kind, ticket.address)


@register.simple_tag
def broken_channels(user: Any) -> list[Any]:
    """What admins must hear of on the pages where they work; empty for everybody else."""
    return find_broken_channels() if getattr(user, "is_admin", False) else []


# ---- Times -----------------------------------------------------------------------------------------------------------


@register.simple_tag
def ago(value: datetime | None) -> SafeString:
    """«5 min» near now, a short date later; the full date and zone on hover. Scripts keep it fresh (`time[data-ago]`)."""
    if value is None:
        return mark_safe("")
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>', value.isoformat(), full_date(value), _short_age(value)
    )


@register.filter
def full_date(value: datetime) -> str:
    return _full_date(value, timezone.get_current_timezone(), get_language() or "")


@lru_cache(maxsize=4096)
def _full_date(value: datetime, zone: tzinfo, _language: str) -> str:
    local = timezone.localtime(value, zone)
    return f"{day_in_words(local.date())}, {time_in_words(local.time())} {local.tzname()}"


@register.filter
def clock(value: datetime) -> str:
    """Hours and minutes, of twenty-four in every language."""
    return f"{timezone.localtime(value):%H:%M}"


def _short_age(value: datetime) -> str:
    age = timezone.now() - value
    if age < timedelta(minutes=1):
        return _("now")
    if age < timedelta(hours=1):
        return _("%(n)s min") % {"n": int(age.total_seconds() // 60)}
    if age < timedelta(days=1):
        return _("%(n)s h") % {"n": int(age.total_seconds() // 3600)}
    return short_date(value)


@register.filter
def short_date(value: datetime) -> str:
    local = timezone.localtime(value)
    same_year = local.year == timezone.localtime().year
    return day_and_month(local.date()) if same_year else date_format(local, "SHORT_DATE_FORMAT")


@register.filter
def day_name(value: date) -> str:
    """«Today», «Yesterday», then the day in words."""
    today = timezone.localdate()
    if value == today:
        return _("Today")
    if value == today - timedelta(days=1):
        return _("Yesterday")
    return day_in_words(value, with_year=value.year != today.year)


# ---- Foreign text ----------------------------------------------------------------------------------------------------


class _Links(Urlizer):
    url_template = '<a href="{href}" rel="noopener noreferrer nofollow" target="_blank">{url}</a>'


_links = _Links()
_LIKE_AN_ADDRESS = re.compile(r"[.:@]\S")
_CITATION = re.compile(r" ?\[(\d{1,2})\]")


@register.filter
def linkify(text: str) -> SafeString:
    """Foreign text, escaped, with its addresses as links that tell the other side nothing."""
    # Without anything like an address there is no need to look at every word.
    if not _LIKE_AN_ADDRESS.search(text):
        return escape(text)
    return mark_safe(_links(text, autoescape=True))  # noqa: S308  # escaped by Urlizer


def _rich_link(label: str, address: str) -> str:
    words = mark_safe(label)  # noqa: S308  # rendered by the dialect, which escapes
    return format_html('<a href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>', address, words)


_RICH = replace(HTML, link=_rich_link, escape=lambda text: str(linkify(text)))


@register.filter
def rich_text(message: Any) -> SafeString:
    """What a message says; the little markup of our own side is drawn, customers' words stay as they typed them."""
    if message.is_inbound:
        return linkify(message.text)
    return mark_safe(translate(message.text, _RICH))  # noqa: S308  # every part is escaped by the dialect


@register.filter
def with_mentions(message: Any, reader: Any) -> SafeString:
    """The same, and the names that a note calls stand out; the reader's own most."""
    html = str(rich_text(message))
    # The longest first: one name may begin with another.
    for called in sorted(message.content["mentions"], key=lambda entry: -len(entry["name"])):
        css = "mention mention--me" if called.get("user") == str(reader.pk) else "mention"
        name = re.compile(f"({re.escape(escape('@' + called['name']))})(?![^<]*</mark>)(?![^<>]*>)", re.IGNORECASE)
        html = name.sub(rf'<mark class="{css}">\1</mark>', html)
    return mark_safe(html)  # noqa: S308  # names are found in what is escaped already


@register.filter
def with_citations(message: Any) -> SafeString:
    """The same, and every [n] that has a source becomes a link to it below the bubble."""
    known = {str(source.get("n")) for source in message.content.get("citations", [])}

    def link(match: re.Match[str]) -> str:
        n = match[1]
        if n not in known:
            return match[0]
        return f'<sup><a class="cite" href="#source-{escape(str(message.pk))}-{n}">{n}</a></sup>'

    return mark_safe(_CITATION.sub(link, rich_text(message)))  # noqa: S308  # escaped above
