"""R-01, R-02, R-03: workers that are killed in mid-send, one process of a group that is killed, workers that are told to go."""

import contextlib
import itertools
import signal
import time
from datetime import timedelta
from typing import Any

import psutil
from django.utils import timezone

from tests.faults.house import Load, held_by_workers, scaled, timed, unsettled, waiting_rows
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
        and (len(scene.telegram.requests) + len(scene.app.requests) > calls or not unsettled()),
        60, "the backlog, if there is one, goes on",
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


def test_one_process_of_a_group_is_killed(scene, measured):
    """R-02: while it sends and while it takes in what customers write."""
    chats = scene.open_chats(scene.own_app, 20)
    scene.house.beat()
    worker = scene.house.worker(pool="prefork")
    web = scene.house.web()
    for number in range(400):
        scene.post(chats[number % 20])
    numbers = iter(range(1, 10_000))

    def customer_writes(_turn: int) -> None:
        number = next(numbers)
        entry, update = scene.update(number, str(800 + number % 10))
        scene.call_webhook(web, update, entry)

    with Load(customer_writes, per_second=20):
        killed = kill_children(scene, worker, 3)
    with timed() as taken:
        scene.until_settled(60)
        until(lambda: waiting_rows() == 0, 30, "all is taken in")
    app, inbound = scene.judge_app(), scene.judge_receiving()
    app.figures = {"children_killed": killed, "settled_s": taken[0]}
    measured("R-02", app)
    measured("R-02", inbound)
    assert app.clean and not app.uncertain, app
    assert inbound.clean, inbound


def test_what_kills_every_worker_is_quarantined(scene, measured):
    """R-02, the loop: a row that ends each process which touches it; ten good ones stand behind it."""
    rows, seconds = poison_that_kills(scene, off="bad-parser")
    measured("R-02", poisoned_rows=rows.get("failed", 0), good_rows=rows.get("done", 0), settled_s=seconds)
    assert rows == {"failed": 1, "done": 10}


def test_control_without_counting_attempts(scene, measured):
    """R-02 must fail: the same row is begun for ever, and nothing behind it is reached."""
    rows, _seconds = poison_that_kills(scene, off="bad-parser,no-attempt-count")
    measured("R-02-", good_rows=rows.get("done", 0), waiting=rows.get("received", 0))
    assert rows.get("received", 0) == 11


def poison_that_kills(scene: Scene, off: str) -> tuple[dict[str, int], float]:
    """(rows of the ledger by state, seconds until none waited or patience ended)."""
    from django.db.models import Count

    from channels_app.models import InboundEvent
    from tests.faults.sabotage import KILLS

    web = scene.house.web()
    scene.call_webhook(web, scene.update(1, "801", text=KILLS)[1])
    for number in range(2, 12):
        scene.call_webhook(web, scene.update(number, "801")[1])
    scene.house.beat()
    scene.house.worker(off=off, pool="prefork")
    with timed() as taken, contextlib.suppress(AssertionError):
        until(lambda: waiting_rows() == 0, 30)
    rows = InboundEvent.objects.values_list("state").annotate(count=Count("id"))
    return dict(rows), taken[0]


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


def test_workers_are_told_to_go_one_after_another(scene, measured):
    """R-03: with replies under way and others that are due later."""
    from tickets.models import Message

    later, now = scaled(200, 500), scaled(400, 2000)
    chats = scene.open_chats(scene.own_app, 100)
    scene.house.beat()
    workers = [scene.house.worker(), scene.house.worker()]
    begun = timezone.now()
    # In chats of their own: a scheduled message holds nobody up, but its chat keeps its order.
    for number in range(later):
        scene.post(chats[number % 50], due_at=begun + timedelta(seconds=5 + number % 25))
    for number in range(now):
        scene.post(chats[50 + number % 50])
    drained = []
    for worker in workers:
        with timed() as taken:
            worker.signal(signal.SIGTERM)
            worker.popen.wait(90)
        drained.append(taken[0])
        scene.house.worker()
    scene.until_settled(90)
    app = scene.judge_app()
    late = [
        (sent_at - due_at).total_seconds()
        for due_at, sent_at in Message.objects.exclude(due_at=None).values_list("due_at", "sent_at")
    ]
    app.figures = {"slowest_drain_s": max(drained), "scheduled": len(late), "latest_s": round(max(late), 1)}
    measured("R-03", app)
    assert app.clean and not app.uncertain, app
    assert max(drained) <= 60 and max(late) <= 60


def test_control_scheduled_without_the_sweeper(scene, measured):
    """R-03 must fail: a worker that is killed takes along what was due later, when nobody sweeps."""
    chats = scene.open_chats(scene.own_app, 10)
    worker = scene.house.worker()
    for chat in chats:
        scene.post(chat, due_at=timezone.now() + timedelta(seconds=4))
    time.sleep(2)
    worker.kill()
    scene.house.worker()
    scene.settles(20)
    verdict = scene.judge_app()
    measured("R-03-", verdict)
    assert verdict.lost
