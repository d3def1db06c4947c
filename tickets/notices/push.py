"""Notices on the desktop of people who have no page open."""

import json

import structlog

from omnisupport.lib.errors import InvalidInput, Unavailable
from omnisupport.lib.webpush import send_push
from tickets.notices.models import Notice, PushSubscription, Way
from tickets.notices.services import ways_of, words_of
from tickets.presence import present_people
from tickets.rights import may_see

log = structlog.get_logger(__name__)

# Seconds for which a browser that is off may get it later.
_WORTH = 4 * 3600


def push_to_absent(event_id: int) -> int:
    """To every browser of those who are told of this event on the desktop and have no page open: that would tell them itself.
    Returns how many left."""
    unseen = Notice.objects.filter(event_id=event_id, seen_at=None)
    notices = [
        notice
        for notice in unseen.select_related("user", "ticket__contact", "event__actor")
        if may_see(notice.user, notice.ticket_id)
    ]
    here = present_people()
    absent = {n.user_id: n for n in notices if str(n.user_id) not in here and Way.DESKTOP in ways_of(n.user, n.kind)}
    sent = 0
    for browser in PushSubscription.objects.filter(user_id__in=absent):
        sent += _push(browser, absent[browser.user_id])
    return sent


def _push(browser: PushSubscription, notice: Notice) -> bool:
    words = {**words_of(notice), "number": str(notice.ticket.number), "id": str(notice.event_id)}
    data = json.dumps(words, ensure_ascii=False).encode()
    try:
        there = send_push(browser.endpoint, browser.p256dh, browser.auth, data, ttl=_WORTH)
    except (InvalidInput, Unavailable) as error:
        log.warning("push_not_sent", error=str(error))
        return False
    if not there:
        browser.delete()
    return there
