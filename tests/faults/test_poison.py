"""R-21: updates that nobody can read, followed by good ones from the same chat."""

from typing import Any

import httpx

from channels_app.models import InboundEvent
from omnisupport.health import ledger_state
from tests.faults.house import timed, waiting_rows
from tests.faults.sabotage import RAISES
from tests.faults.scene import Scene
from tests.servers import LiveServer, until
from tickets.models import Message

CHAT = "801"
FAILED = InboundEvent.State.FAILED


def poison(scene: Scene) -> list[Any]:
    """Not JSON, not UTF-8, no sender, no content, an unknown kind, four megabytes, and one that meets a bug of ours."""
    whose = {"from": {"id": int(CHAT), "first_name": None}, "chat": {"id": int(CHAT), "type": "private"}}
    return [
        b"{", b"\xff\xfe\x00 not utf-8", b"[" * 100_000,
        {"update_id": 9001, "message": {"message_id": 9001, "from": None, "chat": None, "date": None, "text": None}},
        {"update_id": 9002, "message": {**whose, "message_id": None, "date": "yesterday", "text": {"not": "text"}}},
        {"update_id": 9003, "something_new": {"from": whose["from"]}},
        {"update_id": 9004, "message": {**whose, "message_id": 9004, "date": 1790008407, "text": "я" * 2_000_000}},
        {"update_id": 9005, "message": {**whose, "message_id": 9005, "date": 1790008407, "text": RAISES}},
    ]  # fmt: skip


def feed(scene: Scene, web: LiveServer) -> list[int]:
    """Statuses that the provider got, for the poison and ten good updates behind it."""
    found = [scene.call_webhook(web, update, tries=1) for update in poison(scene)]
    for number in range(1, 11):
        entry, update = scene.update(number, CHAT)
        found.append(scene.call_webhook(web, update, entry, tries=1))
    return found


def good_ones(scene: Scene) -> int:
    return Message.objects.filter(external_id__in=list(scene.ledger.accepted)).count()


def test_poison_is_set_aside_and_the_good_ones_go_through(scene, measured):
    [web] = scene.house.open(webs=1, off="bad-parser")
    statuses = feed(scene, web)
    with timed() as taken:
        until(lambda: good_ones(scene) == 10, 60, "the good ones are visible")
    until(lambda: waiting_rows() == 0, 30, "nothing is tried for ever")
    verdict = scene.judge_receiving()
    failed = InboundEvent.objects.filter(state=FAILED)
    told = ledger_state()[1].get("telegram", 0)
    verdict.figures = {"good_visible_s": taken[0], "quarantined": failed.count(), "told_by_metrics": told}
    measured("R-21", verdict)
    assert set(statuses) == {200} and verdict.clean, verdict
    assert scene.house.holds(taken[0], 5)
    assert failed.count() == told and all(row.error and 1 <= row.attempts <= 5 for row in failed)
    met_a_bug = failed.get(event_key="9005")
    assert not InboundEvent.objects.exclude(state__in=[FAILED, "done", "ignored"]).exists()
    scene.house.stop_workers()
    replay_after_the_bug_is_mended(scene, web, met_a_bug)


def replay_after_the_bug_is_mended(scene: Scene, web: LiveServer, row: InboundEvent) -> None:
    scene.house.worker()
    token = scene.shop.token(scene.shop.admin)
    with web.client(scene.shop, Authorization=f"Bearer {token}") as http:
        answer: httpx.Response = http.post(f"/api/v1/inbound-events/{row.pk}/replay/")
    assert answer.status_code == 202, answer.text
    until(lambda: Message.objects.filter(text=RAISES).exists(), 30, "what failed is there after its replay")
    row.refresh_from_db()
    assert row.state == "done" and Message.objects.filter(text=RAISES).count() == 1


def test_control_attempts_are_not_counted(scene, measured):
    """R-21 must fail: what meets the bug is tried for ever and never set aside."""
    [web] = scene.house.open(webs=1, off="bad-parser,no-attempt-count")
    feed(scene, web)
    until(lambda: good_ones(scene) == 10, 60, "the good ones are visible")
    row = InboundEvent.objects.get(event_key="9005")
    measured("R-21-", state=str(row.state), attempts=row.attempts)
    assert row.state == InboundEvent.State.RECEIVED
