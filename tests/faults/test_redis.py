"""R-06, R-07, R-08: a Redis that is away, that has forgotten everything, that is full, that would evict."""

import contextlib
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from tests.faults.house import Load, scaled, timed, waiting_rows
from tests.faults.scene import Scene
from tests.faults.screens import Screens
from tests.faults.traffic import Traffic
from tests.servers import until


def until_one_leaves(since: datetime, seconds: float) -> None:
    """A worker has sent something after that moment."""
    from tickets.models import Message

    until(lambda: Message.objects.filter(sent_at__gt=since).exists(), seconds, "a worker sends again")


def judge(scene: Scene, measured: Any, case: str, **figures: Any) -> None:
    app, bot, inbound = scene.judge_app(), scene.judge_telegram(), scene.judge_receiving()
    app.figures = figures
    for verdict in (app, bot, inbound):
        measured(case, verdict)
    assert app.clean and not app.uncertain, app
    assert bot.clean and not bot.uncertain, bot
    assert inbound.clean, inbound


@contextlib.contextmanager
def redis_away(scene: Scene, seconds: float) -> Iterator[None]:
    scene.house.redis.shut_down()
    time.sleep(seconds)
    scene.house.redis.start()
    yield


@pytest.mark.parametrize("seconds", [5, scaled(15, 60)])
def test_redis_goes_away_and_comes_back(scene, measured, seconds):
    """R-06: its contents are gone, nobody restarts anything."""
    [web] = scene.house.open(webs=1)
    traffic = Traffic(scene, web)
    with Screens(scene.shop, [web], 5) as screens:
        with Load(traffic.step, per_second=20):
            time.sleep(2)
            with redis_away(scene, seconds):
                back = timezone.now()
                with timed() as resumed:
                    until_one_leaves(back, 60)
                level = screens.until_level(60)
            time.sleep(1)
        traffic.finish()
        scene.until_settled(90)
        until(lambda: waiting_rows() == 0, 60, "all is taken in")
        screens.until_level(30)
        missing, doubled = screens.missing(), screens.doubled()
    judge(scene, measured, "R-06", slowest_call_s=traffic.slowest(), resumed_s=resumed[0], screens_level_s=level,
          missing=missing, doubled_on_screens=doubled)  # fmt: skip
    assert traffic.statuses("read") == {200} and traffic.statuses("webhook") == {200}
    assert missing == 0 and doubled == 0
    assert (
        scene.house.holds(traffic.slowest(), 2) and scene.house.holds(resumed[0], 15) and scene.house.holds(level, 10)
    )


def test_control_redis_goes_away_and_nobody_sweeps(scene, measured):
    """R-06 must fail: the wake-up calls of that time never came to be."""
    chats = scene.open_chats(scene.own_app, 5)
    scene.house.worker()
    scene.house.redis.shut_down()
    for chat in chats:
        scene.post(chat)
    scene.house.redis.start()
    scene.settles(15)
    verdict = scene.judge_app()
    measured("R-06-", verdict)
    assert verdict.lost


def queued_then_flushed(scene: Scene) -> None:
    """Everything that waits in the queues is forgotten before a worker looks."""
    chats = scene.open_chats(scene.own_app, 20)
    for number in range(100):
        scene.post(chats[number % 20])
    assert scene.house.redis.client.llen("default") > 0
    scene.house.redis.client.flushall()
    scene.house.worker()


def test_redis_forgets_everything(scene, measured):
    """R-07."""
    from tests.cast import PASSWORD

    web = scene.house.web()
    agent = scene.shop.client(scene.shop.agent)
    cookies = {name: morsel.value for name, morsel in agent.cookies.items()}
    scene.house.beat()
    queued_then_flushed(scene)
    with timed() as driven:
        scene.until_settled(120)
    traffic = Traffic(scene, web)
    with Load(traffic.step, per_second=20):
        for _flush in range(scaled(5, 20)):
            time.sleep(1)
            scene.house.redis.client.flushall()
    traffic.finish()
    scene.until_settled(90)
    until(lambda: waiting_rows() == 0, 60, "all is taken in")
    with web.client(scene.shop) as http:
        inbox = http.get("/inbox/", cookies=cookies).status_code
        guess = {"email": "agent@example.com", "password": PASSWORD + "?"}
        guesses = [http.post("/api/v1/auth/token/", json=guess).status_code for _ in range(12)]
    judge(scene, measured, "R-07", driven_s=driven[0], still_logged_in=inbox == 200, refused_guesses=guesses.count(429))
    assert inbox == 200
    assert guesses[0] == 401 and guesses[-1] == 429
    assert scene.house.holds(driven[0], 60)


def test_control_redis_forgets_and_nobody_sweeps(scene, measured):
    """R-07 must fail."""
    queued_then_flushed(scene)
    scene.settles(15)
    verdict = scene.judge_app()
    measured("R-07-", verdict)
    assert verdict.lost


def ready(web: Any) -> bool:
    import httpx

    return (
        httpx.get(f"http://127.0.0.1:{web.port}/readyz", headers={"Host": "localhost"}, timeout=10).status_code == 200
    )


def fill_while_tasks_wait(scene: Scene, chats: list[str]) -> None:
    """The worker takes messages out of the queue and cannot note that it has them."""
    [worker] = scene.house.workers
    worker.signal(signal.SIGSTOP)
    for chat in chats:
        scene.post(chat)
    scene.house.redis.client.config_set("maxmemory", 1)
    worker.signal(signal.SIGCONT)


def test_redis_is_full(scene, measured):
    """R-08: it answers, but takes nothing in."""
    [web] = scene.house.open(webs=1)
    traffic = Traffic(scene, web)
    until(lambda: ready(web), 60, "all is well before")
    fill_while_tasks_wait(scene, traffic.chats)
    with Load(traffic.step, per_second=10), timed() as alarm:
        until(lambda: not ready(web), 90, "somebody is told")
    scene.house.redis.client.config_set("maxmemory", 0)
    back = timezone.now()
    scene.post(traffic.chats[0])
    with timed() as resumed:
        until_one_leaves(back, 60)
    traffic.finish()
    scene.until_settled(90)
    until(lambda: waiting_rows() == 0, 60, "all is taken in")
    until(lambda: ready(web), 60, "the alarm ends")
    judge(scene, measured, "R-08", alarm_s=alarm[0], resumed_s=resumed[0], slowest_call_s=traffic.slowest())
    assert traffic.statuses("read") == {200} and traffic.statuses("reply") == {201}
    assert traffic.statuses("webhook") == {200}
    assert alarm[0] <= 60


def test_control_redis_is_full_and_nobody_sweeps(scene, measured):
    """R-08 must fail."""
    chats = scene.open_chats(scene.own_app, 5)
    scene.house.worker()
    scene.house.redis.client.config_set("maxmemory", 1)
    for chat in chats:
        scene.post(chat)
    scene.house.redis.client.config_set("maxmemory", 0)
    scene.settles(15)
    verdict = scene.judge_app()
    measured("R-08-", verdict)
    assert verdict.lost


@pytest.mark.parametrize(("policy", "starts"), [("noeviction", True), ("allkeys-lru", False)])
def test_a_broker_that_evicts_is_refused(scene, measured, policy, starts):
    """R-08: by web and worker, before they serve; the twin with a safe policy starts."""
    scene.house.environment |= {"ENVIRONMENT": "production", "QDRANT_URL": "http://127.0.0.1:9"}
    scene.house.redis.client.config_set("maxmemory-policy", policy)
    worker = scene.house.worker(wait=False)
    if starts:
        scene.house.until_workers(1)
    else:
        until(lambda: worker.popen.poll() is not None, 60, "the worker gives up")
        assert worker.popen.returncode != 0
    measured("R-08", policy=policy, starts=worker.popen.poll() is None)
