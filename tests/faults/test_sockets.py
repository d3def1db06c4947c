"""R-04: one of two ASGI processes is killed, then both are started anew under many sockets."""

import signal
import time
from typing import Any

import psycopg

from tenants.lease import conninfo
from tests.faults.house import House, Load, scaled
from tests.faults.scene import Scene
from tests.faults.screens import Screens
from tests.servers import LiveServer

SOCKETS = scaled(120, 2000)
# Of a process: Django's pool, the ingress' pool, the sign of life.
CONNECTIONS = 8 + 8 + 1


class Connections:
    """The most connections to the database that were open at one moment."""

    def __init__(self) -> None:
        self._database = psycopg.connect(conninfo(), autocommit=True)
        self.most = 0

    def look(self, _turn: int) -> None:
        row = self._database.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
        self.most = max(self.most, int(row[0]) if row else 0)


def write_on(scene: Scene) -> Any:
    chats = scene.open_chats(scene.own_app, 10)
    return lambda number: scene.post(chats[number % 10])


def start_anew(house: House, servers: list[LiveServer]) -> None:
    """Everybody at once, on the same ports."""
    for server in servers:
        server.process.signal(signal.SIGTERM)
    for server in servers:
        server.process.signal(signal.SIGKILL)
        server.process.popen.wait(20)
    for place, server in enumerate(servers):
        servers[place] = house.web(port=server.port)


def test_web_processes_are_killed_and_started_anew(scene, measured):
    servers = scene.house.open(webs=2)
    connections = Connections()
    post = write_on(scene)
    with Screens(scene.shop, servers, SOCKETS) as screens, Load(connections.look, per_second=20):
        with Load(post, per_second=10):
            time.sleep(1)
            servers[0].process.kill()
            level_after_kill = screens.until_level(30)
            one_killed = screens.away_p95()
            servers[0] = scene.house.web(port=servers[0].port)
            screens.forget_pauses()
            start_anew(scene.house, servers)
            level_after_restart = screens.until_level(60)
        scene.until_settled(60)
        screens.until_level(60)
        missing, doubled, restarted = screens.missing(), screens.doubled(), screens.away_p95()
    verdict = scene.judge_app()
    # Two web processes, the worker, beat, and this test with its threads.
    cap = CONNECTIONS * 2 + 9 + 2 + 6
    measured("R-04", verdict, sockets=SOCKETS, missing=missing, doubled_on_screens=doubled, away_p95_s=one_killed,
             away_p95_after_restart_s=restarted, level_s=f"{level_after_kill}/{level_after_restart}",
             connections=connections.most, cap=cap)  # fmt: skip
    assert missing == 0 and doubled == 0 and verdict.clean, verdict
    assert connections.most <= cap
    assert scene.house.holds(one_killed, 5) and scene.house.holds(restarted, 30)


def test_control_nobody_answers_since(scene, measured):
    """R-04 must fail: whoever comes back is not told what was missed."""
    servers = scene.house.open(webs=2, off="no-answer-to-since")
    post = write_on(scene)
    with Screens(scene.shop, servers, 10) as screens:
        with Load(post, per_second=20):
            time.sleep(1)
            servers[0].process.kill()
            time.sleep(3)
        scene.until_settled(60)
        screens.until_level(8)
        missing = screens.missing()
    measured("R-04-", missing=missing)
    assert missing > 0
