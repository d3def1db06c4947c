"""R-22: ten thousand messages in ten seconds to one workspace; its neighbour goes on as before."""

import time
from typing import Any

import psutil

from benchmarks.harness import flood
from channels_app.models import InboundEvent
from tests.cast import Workspace
from tests.faults.house import Load, p95, scaled, timed, waiting_rows
from tests.faults.scene import Scene
from tests.faults.screens import Screens
from tests.servers import LiveServer, Process, until
from tickets.models import Message

MESSAGES, SECONDS = scaled(2000, 10_000), scaled(2, 10)
CALM = scaled(8, 60)


class Neighbour:
    """Another workspace in which a customer writes five times a second."""

    def __init__(self, scene: Scene, rival: Workspace, web: LiveServer) -> None:
        self.scene, self._rival, self._web = Scene.beside(scene, rival), rival, web
        self._number = 1_000_000
        self.calm_until = 0

    def write(self, _turn: int) -> None:
        self._number += 1
        entry, update = self.scene.update(self._number, str(850_000 + self._number % 5))
        self.scene.call_webhook(self._web, update, entry)

    def end_of_calm(self) -> None:
        self.calm_until = self._number

    def until_taken_in(self) -> None:
        with self._rival.enter():
            until(lambda: waiting_rows() == 0, 60, "the neighbour's last one is taken in")

    def waits(self) -> tuple[list[float], list[float]]:
        """Seconds from the call of the webhook to the message in its conversation: (in the calm, in the burst)."""
        with self._rival.enter():
            taken = dict(InboundEvent.objects.values_list("event_key", "received_at"))
            made = Message.objects.filter(external_id__in=list(taken)).values_list("external_id", "created_at")
            waits = {int(key): (at - taken[key]).total_seconds() for key, at in made}
        calm = [wait for number, wait in waits.items() if number <= self.calm_until]
        return calm, [wait for number, wait in waits.items() if number > self.calm_until]


def memory(*processes: Process) -> int:
    return sum(psutil.Process(process.popen.pid).memory_info().rss for process in processes)


def flood_one_workspace(scene: Scene, rival: Workspace, threads: int) -> tuple[dict[str, Any], Neighbour]:
    """Figures of the burst, and the workspace beside it."""
    [web] = scene.house.open(webs=1, threads=threads)
    [worker] = scene.house.workers
    neighbour = Neighbour(scene, rival, web)
    pairs = [scene.update(number, str(800_000 + number % 200)) for number in range(1, MESSAGES + 1)]
    calls = [scene.webhook_request(update) for _entry, update in pairs]
    for entry, update in pairs[:50]:
        scene.call_webhook(web, update, entry)
    with Load(neighbour.write, per_second=5), Screens(scene.shop, [web], 3) as screens:
        time.sleep(CALM)
        neighbour.end_of_calm()
        before = memory(web.process, worker)
        found = flood([web.port], calls[50:], per_second=MESSAGES / SECONDS)
        with timed() as drained:
            until(lambda: waiting_rows() == 0, 600, "the burst is taken in")
        after = memory(web.process, worker)
        for place, (entry, update) in enumerate(pairs[50:]):
            if place in set(found.refused):
                scene.call_webhook(web, update, entry)
            scene.ledger.accept(entry)
        until(lambda: waiting_rows() == 0, 60, "what was refused is taken in too")
        level = screens.until_level(60)
        missing = screens.missing()
    neighbour.until_taken_in()
    calm, burst = neighbour.waits()
    found.latencies.sort()
    figures = {"messages": MESSAGES, "sent_in_s": round(found.seconds, 1), "refused": len(found.refused),
            "ack_p99_s": round(found.latencies[int(len(found.latencies) * 0.99)] / 1000, 2), "drained_s": drained[0],
            "neighbour_calm_p95_s": p95(calm), "neighbour_burst_p95_s": p95(burst),
            "memory_growth": round(after / before - 1, 2), "screens_level_s": level, "missing": missing}  # fmt: skip
    return figures, neighbour


def test_a_burst_in_one_workspace(scene, live_rival, measured):
    figures, neighbour = flood_one_workspace(scene, live_rival, threads=4)
    verdict, theirs = scene.judge_receiving(), neighbour.scene.judge_receiving()
    verdict.figures = figures
    measured("R-22", verdict)
    measured("R-22", theirs)
    assert verdict.clean and theirs.clean, (verdict, theirs)
    assert figures["missing"] == 0 and figures["memory_growth"] <= 0.3
    assert scene.house.holds(figures["ack_p99_s"], 1) and scene.house.holds(figures["drained_s"], 300)
    assert scene.house.holds(figures["neighbour_burst_p95_s"], 2 * figures["neighbour_calm_p95_s"])


def test_control_one_thread_for_everybody(scene, live_rival, measured):
    """R-22 must fail: the neighbour waits until the burst is over."""
    figures, _neighbour = flood_one_workspace(scene, live_rival, threads=1)
    measured("R-22-", **figures)
    assert figures["neighbour_burst_p95_s"] > 2 * figures["neighbour_calm_p95_s"]
