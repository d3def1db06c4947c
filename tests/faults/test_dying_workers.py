"""R-01, R-02, R-03: workers that are killed in mid-send, one process of a group that is killed, workers that are told to go."""

import itertools
import signal
import time
from typing import Any

import psutil

from tests.faults.house import held_by_workers, scaled, timed
from tests.faults.scene import Scene
from tests.servers import until


def kill_and_watch(scene: Scene, worker: Any, start: Any) -> tuple[Any, int, float]:
    """(the next worker, what Telegram sends were in flight, seconds until nothing that the dead one held is held)."""
    from tickets.models import Delivery, Message

    worker.kill()
    died = time.monotonic()
    held = held_by_workers()
    in_flight = Message.objects.filter(id__in=held, address__channel=scene.bot).count()
    calls = len(scene.telegram.requests) + len(scene.app.requests)
    worker = start()
    until(
        lambda: not Message.objects.filter(id__in=held, delivery=Delivery.SENDING, claimed_by__in=lost(held)).exists()
        and len(scene.telegram.requests) + len(scene.app.requests) > calls,
        60, "the backlog goes on",
    )  # fmt: skip
    return worker, in_flight, time.monotonic() - died


def lost(held: list[int]) -> list[int]:
    """Leases under which these are held and which nobody holds any more."""
    from tenants.lease import living_holders
    from tickets.models import Message

    claimed = set(Message.objects.filter(id__in=held).values_list("claimed_by", flat=True))
    return [number for number in claimed if number is not None and number not in living_holders()]


def test_killed_workers_lose_and_double_nothing(scene, measured):
    """R-01."""
    in_app, in_bot, kills = scaled(2400, 27_000), scaled(600, 3_000), scaled(5, 30)
    chats = itertools.cycle(scene.open_chats(scene.own_app, scaled(120, 600)))
    bot_chats = itertools.cycle(scene.open_chats(scene.bot, scaled(100, 500)))
    scene.house.beat()
    worker = scene.house.worker()
    pauses, in_flight, total = [], 0, in_app + in_bot
    killed = 0
    for number in range(total):
        scene.post(next(bot_chats) if number * in_bot // total != (number + 1) * in_bot // total else next(chats))
        if killed < kills and number >= (killed + 1) * total // (kills + 1):
            until(lambda: held_by_workers(), 30, "something is being sent")
            worker, flying, pause = kill_and_watch(scene, worker, lambda: scene.house.worker(wait=False))
            killed, in_flight = killed + 1, in_flight + flying
            pauses.append(round(pause, 1))
    drained = scene.until_settled(scaled(180, 3600))
    app, bot = scene.judge_app(), scene.judge_telegram()
    app.figures = {"kills": killed, "longest_pause_s": max(pauses), "drained_s": drained}
    bot.figures = {"in_flight_at_kills": in_flight}
    measured("R-01", app)
    measured("R-01", bot)
    assert app.clean and not app.uncertain, app
    assert bot.clean and len(bot.uncertain) <= in_flight, bot
    assert max(pauses) <= 30


def stuck_after_one_kill(scene: Scene, beat: bool, off: str = "") -> Any:
    chats = scene.open_chats(scene.own_app, 20)
    if beat:
        scene.house.beat()
    worker = scene.house.worker(off=off)
    for number in range(200):
        scene.post(chats[number % 20])
    until(lambda: len(held_by_workers()) >= 2, 30, "several are being sent")
    worker.kill()
    scene.house.worker(off=off)
    for chat in chats:
        scene.post(chat)
    scene.settles(20)
    return scene.judge_app()


def test_control_without_the_sweeper(scene, measured):
    """R-01 must fail: what a dead worker held stays where it was, and so does all behind it."""
    verdict = stuck_after_one_kill(scene, beat=False)
    measured("R-01-", verdict)
    assert verdict.lost


def test_control_without_claims(scene, measured):
    """R-01 must fail: a bot's messages that are sent before anybody notes it go out again."""
    chats = scene.open_chats(scene.bot, 10)
    scene.house.beat()
    worker = scene.house.worker(off="no-claim")
    for number in range(40):
        scene.post(chats[number % 10])
    until(lambda: scene.telegram.in_flight("sendMessage"), 20, "something is on its way")
    worker.kill()
    scene.house.worker(off="no-claim")
    scene.settles(30)
    verdict = scene.judge_telegram()
    measured("R-01-", verdict)
    assert verdict.doubled


def children_of(worker: Any) -> list[psutil.Process]:
    return psutil.Process(worker.popen.pid).children()


def kill_children(scene: Scene, worker: Any, times: int) -> int:
    killed = 0
    for _ in range(times):
        until(lambda: held_by_workers(), 20, "something is being sent")
        children_of(worker)[0].send_signal(signal.SIGKILL)
        killed += 1
        time.sleep(1.5)
    return killed


def test_one_process_of_a_group_is_killed(scene, web_with_updates, measured):
    """R-02, first half: while it sends and while it takes in what customers write."""
    chats = scene.open_chats(scene.own_app, 20)
    scene.house.beat()
    worker = scene.house.worker(pool="prefork")
    send_updates = web_with_updates(scene, 200)
    for number in range(400):
        scene.post(chats[number % 20])
    killed = kill_children(scene, worker, 3)
    with timed() as taken:
        scene.until_settled(60)
    inbound = send_updates()
    app = scene.judge_app()
    app.figures = {"children_killed": killed, "settled_s": taken[0]}
    measured("R-02", app)
    measured("R-02", inbound)
    assert app.clean and not app.uncertain, app
    assert inbound.clean, inbound


def test_control_with_plain_acknowledgement(scene, measured):
    """R-02 must fail: Celery's defaults and no sweeper."""
    chats = scene.open_chats(scene.own_app, 20)
    worker = scene.house.worker(pool="prefork", off="plain-acknowledgement")
    for number in range(200):
        scene.post(chats[number % 20])
    kill_children(scene, worker, 2)
    scene.settles(15)
    verdict = scene.judge_app()
    measured("R-02-", verdict)
    assert verdict.lost
