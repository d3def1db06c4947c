"""R-09: a network that swallows every packet to Redis: no answer, no reset, no end."""

import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from tests.faults.house import Load, scaled, timed, waiting_rows
from tests.faults.scene import Scene
from tests.faults.screens import Screens
from tests.faults.strait import Strait
from tests.faults.test_redis import judge, until_one_leaves
from tests.faults.traffic import Traffic
from tests.servers import until

SILENT = scaled(15, 90)


@pytest.fixture
def strait(scene: Scene) -> Any:
    """Between every process of the house and its Redis."""
    from django.conf import settings

    parts = urlsplit(settings.REDIS_URL)
    with Strait(int(parts.port or 0)) as way:
        scene.house.environment["REDIS_URL"] = settings.REDIS_URL.replace(f":{parts.port}/", f":{way.port}/")
        yield way


def test_redis_is_silent(scene, strait, measured):
    [web] = scene.house.open(webs=1)
    traffic = Traffic(scene, web)
    with Screens(scene.shop, [web], 3) as screens:
        with Load(traffic.step, per_second=20):
            time.sleep(2)
            strait.close()
            time.sleep(SILENT)
            strait.open()
            back = timezone.now()
            with timed() as resumed:
                until_one_leaves(back, 120)
        traffic.finish()
        scene.until_settled(120)
        until(lambda: waiting_rows() == 0, 60, "all is taken in")
        screens.until_level(30)
        missing, doubled = screens.missing(), screens.doubled()
    judge(scene, measured, "R-09", slowest_call_s=traffic.slowest(), calls=len(traffic.calls), resumed_s=resumed[0],
          missing=missing, doubled_on_screens=doubled)  # fmt: skip
    assert traffic.statuses("read") == {200} and traffic.statuses("webhook") == {200}
    assert missing == 0 and doubled == 0
    assert scene.house.holds(traffic.slowest(), 2) and scene.house.holds(resumed[0], 60)


def test_control_patient_with_redis(scene, strait, measured):
    """R-09 must fail: a client that waits as long as its defaults do hangs every reply."""
    web = scene.house.web(off="patient-with-redis")
    chat = scene.open_chats(scene.own_app, 1)[0]
    token = scene.shop.token(scene.shop.agent)
    scene.post_over_http(web, chat, token)
    strait.close()
    with timed() as taken:
        try:
            status = scene.post_over_http(web, chat, token).status_code
        except Exception:
            status = 0
    strait.open()
    measured("R-09-", status=status, call_s=taken[0])
    assert taken[0] > 5
