"""R-19: Telegram asks one chat for a pause, then the whole bot; a customer has blocked it; a chat has moved."""

import math
import time

import pytest
from django.utils import timezone

from tests.faults.house import p95, scaled
from tests.faults.scene import Scene
from tests.servers import until
from tests.standins.server import Answer, Request
from tests.standins.telegram import error, too_many
from tickets.models import Delivery, Message

PAUSE = scaled(6, 30)


class Limits:
    """Sends to these chats, or to all, are refused until the pause is over, however often somebody asks."""

    def __init__(self, scene: Scene) -> None:
        self._telegram, self._handle = scene.telegram, scene.telegram.handle
        scene.telegram.handle = self._look  # type: ignore[method-assign]
        self._until: float | None = 0.0
        self._chats: set[str] | None = set()
        self.refused: list[str] = []

    def rest(self, *chats: str) -> None:
        """From the first try on. No chat stands for every chat of the bot."""
        self._chats, self._until = set(chats) or None, None
        self.refused.clear()

    def _look(self, request: Request) -> Answer:
        chat = str(request.json["chat_id"]) if request.path.endswith("/sendMessage") else ""
        if not chat or (self._chats is not None and chat not in self._chats):
            return self._handle(request)
        if self._until is None:
            self._until = time.monotonic() + PAUSE
        left = self._until - time.monotonic()
        if left <= 0:
            return self._handle(request)
        self.refused.append(chat)
        return too_many(math.ceil(left))


def seconds_to_leave(chats: list[str]) -> list[float]:
    """From post to sent, of each message in these chats."""
    rows = Message.objects.filter(address__address__in=chats, delivery=Delivery.SENT, user__isnull=False)
    return [(sent - made).total_seconds() for made, sent in rows.values_list("created_at", "sent_at")]


def all_sent(chats: list[str]) -> bool:
    return not Message.objects.filter(address__address__in=chats, user__isnull=False).exclude(delivery="sent").exists()


def pause_one_chat(scene: Scene) -> tuple[Limits, list[str], list[str]]:
    """(limits, the chat that must rest, the others), each with some replies that have left or been given up."""
    limits = Limits(scene)
    chats = scene.open_chats(scene.bot, 12)
    resting, others = chats[:1], chats[1:]
    limits.rest(*resting)
    for _turn in range(3):
        for chat in chats:
            scene.post(chat)
    until(lambda: limits.refused, 60, "the chat is refused")
    scene.settles(PAUSE + 40)
    return limits, resting, others


def test_one_chat_must_rest(scene, measured):
    scene.house.open()
    limits, resting, others = pause_one_chat(scene)
    waited, calm = seconds_to_leave(resting), seconds_to_leave(others)
    verdict = scene.judge_telegram()
    verdict.figures = {"pause_s": PAUSE, "first_after_s": round(min(waited), 1), "others_p95_s": p95(calm),
                       "calls_into_the_pause": len(limits.refused)}  # fmt: skip
    measured("R-19", verdict)
    assert verdict.clean and not verdict.uncertain and all_sent([*resting, *others]), verdict
    assert min(waited) >= PAUSE - 1 and len(limits.refused) == 1
    assert scene.house.holds(min(waited), PAUSE + 15) and scene.house.holds(p95(calm), 2)


def test_the_whole_bot_must_rest_and_nobody_else(scene, live_rival, measured):
    limits = Limits(scene)
    chats = scene.open_chats(scene.bot, 10)
    app_chats = scene.open_chats(scene.own_app, 5)
    strangers = Scene.beside(scene, live_rival)
    their_chats = strangers.open_chats(strangers.own_app, 5)
    scene.house.open()
    limits.rest()
    for turn in range(5):
        for chat in [*chats, *app_chats]:
            scene.post(chat)
        strangers.post(their_chats[turn])
    until(lambda: limits.refused, 60, "the bot is refused")
    begun = timezone.now()
    scene.until_settled(PAUSE + 60)
    strangers.until_settled(20)
    verdict = scene.judge_telegram()
    earliest = Message.objects.filter(address__address__in=chats, user__isnull=False).earliest("sent_at")
    first = (earliest.sent_at - begun).total_seconds()
    with live_rival.enter():
        theirs = seconds_to_leave(their_chats)
    others = p95(seconds_to_leave(app_chats))
    verdict.figures = {"pause_s": PAUSE, "first_after_s": round(first, 1), "calls_into_the_pause": len(limits.refused),
                       "other_channel_p95_s": others, "other_workspace_p95_s": p95(theirs)}  # fmt: skip
    measured("R-19", verdict)
    assert verdict.clean and not verdict.uncertain and all_sent(chats), verdict
    assert scene.judge_app().clean and len(theirs) == 5
    # One chat learns it, the next shows that it is all; the worker's threads may be on their way at that moment.
    assert len(limits.refused) <= 6 and first >= PAUSE - 2
    assert scene.house.holds(first, PAUSE + 15) and scene.house.holds(p95(theirs), 2)


@pytest.mark.parametrize("case", ["blocked", "migrated"])
def test_what_is_final_fails_once_with_its_reason(scene, measured, case):
    chat, other = scene.open_chats(scene.bot, 2)
    if case == "blocked":
        scene.telegram.blocked.add(int(chat))
    else:
        moved = "Bad Request: group chat was upgraded to a supergroup chat"
        scene.telegram.script(error(400, moved, migrate_to_chat_id=-1001234), path="sendMessage")
    scene.house.open()
    scene.post(chat)
    scene.until_settled(30)
    scene.post(other)
    scene.until_settled(30)
    failed = Message.objects.get(address__address=chat, user__isnull=False)
    calls = [data for method, data in scene.telegram.calls if method == "sendMessage" and str(data["chat_id"]) == chat]
    tried = len(scene.telegram.to("sendMessage"))
    verdict = scene.judge_telegram()
    measured("R-19", verdict, why=case, tried=tried, reason=failed.delivery_error)
    assert verdict.clean and (failed.delivery, failed.attempts) == (Delivery.FAILED, 1)
    assert failed.delivery_error and tried == 2 and len(calls) <= 1


def outcome_of_a_pause(scene: Scene, off: str) -> tuple[list[str], list[str]]:
    scene.house.open(off=off)
    _limits, resting, others = pause_one_chat(scene)
    return resting, others


def test_control_a_pause_is_not_listened_to(scene, measured):
    """R-19 must fail: replies are given up that only had to wait."""
    resting, _others = outcome_of_a_pause(scene, "no-pauses")
    measured("R-19-", all_sent=all_sent(resting))
    assert not all_sent(resting)


def test_control_one_chats_pause_holds_up_all(scene, measured):
    """R-19 must fail: the other chats wait too."""
    _resting, others = outcome_of_a_pause(scene, "pauses-for-all")
    slowest = p95(seconds_to_leave(others))
    measured("R-19-", others_p95_s=slowest)
    assert slowest > 2
