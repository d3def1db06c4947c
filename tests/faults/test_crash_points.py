"""R-05: a process dies after the commit and before the wake-up call, or after a side effect and before its commit."""

import httpx
import pytest

from tests.faults.house import timed, waiting_rows
from tests.faults.scene import Scene
from tests.servers import until
from tickets.models import Message


def commit_and_die(scene: Scene) -> str:
    """An agent's reply is committed by a web process that dies before it could tell anybody. Returns the chat."""
    chat = scene.open_chats(scene.own_app, 1)[0]
    web = scene.house.web(off="dies-after-commit")
    entry = scene.entry(chat)
    with pytest.raises(httpx.HTTPError):
        scene.post_over_http(web, chat, scene.shop.token(scene.shop.agent), entry)
    assert web.process.popen.wait(10) == 9
    assert Message.objects.filter(client_id=entry.key).exists()
    # What is committed is promised, whether or not the answer got through.
    scene.ledger.accept(entry)
    return chat


def test_a_committed_reply_leaves_without_its_wake_up_call(scene, measured):
    scene.house.open()
    commit_and_die(scene)
    taken = scene.until_settled(40)
    verdict = scene.judge_app()
    verdict.figures = {"relayed_s": taken}
    measured("R-05", verdict)
    assert verdict.clean and scene.house.holds(taken, 10), verdict


def test_control_published_and_never_looked_at_again(scene, measured):
    """R-05 must fail: without the relay a reply is as lost as its wake-up call."""
    scene.house.worker()
    commit_and_die(scene)
    scene.settles(12)
    verdict = scene.judge_app()
    measured("R-05-", verdict)
    assert verdict.lost


def test_a_stored_update_is_taken_in_without_its_wake_up_call(scene, measured):
    """The provider got no answer and calls again, at another process."""
    [other] = scene.house.open(webs=1)
    dying = scene.house.web(off="dies-after-storing")
    entry, update = scene.update(1, "801")
    assert scene.call_webhook(dying, update, entry, tries=1) == 0
    scene.ledger.accept(entry)
    with timed() as taken:
        until(lambda: Message.objects.filter(text=entry.text).exists(), 40, "it is taken in")
    scene.call_webhook(other, update, entry)
    until(lambda: waiting_rows() == 0, 20)
    verdict = scene.judge_receiving()
    verdict.figures = {"relayed_s": taken[0]}
    measured("R-05", verdict)
    assert verdict.clean and scene.house.holds(taken[0], 10), verdict


@pytest.mark.parametrize("keyed", [True, False])
def test_a_worker_dies_between_sending_and_its_commit(scene, measured, keyed):
    """A provider that knows keys is asked again under the same; of another nobody can tell, and no one sends twice."""
    chats = scene.open_chats(scene.own_app if keyed else scene.bot, 5)
    scene.house.beat()
    worker = scene.house.worker(off="dies-after-sending", wait=False)
    for number in range(10):
        scene.post(chats[number % 5])
    assert worker.popen.wait(60) == 9
    scene.house.worker(wait=False)
    scene.until_settled(60)
    verdict = scene.judge_app() if keyed else scene.judge_telegram()
    measured("R-05", verdict)
    assert verdict.clean, verdict
    # The pool has four threads: whatever the others had in their hands when the process ended is as unknown.
    assert len(verdict.uncertain) == 0 if keyed else 1 <= len(verdict.uncertain) <= 4


def test_control_sent_before_anybody_noted_it(scene, measured):
    """R-05 must fail: a side effect without a row that says so goes out again."""
    chats = scene.open_chats(scene.bot, 5)
    scene.house.beat()
    worker = scene.house.worker(off="no-claim,dies-after-sending", wait=False)
    for chat in chats:
        scene.post(chat)
    worker.popen.wait(60)
    scene.house.worker(off="no-claim", wait=False)
    scene.settles(30)
    verdict = scene.judge_telegram()
    measured("R-05-", verdict)
    assert verdict.doubled
