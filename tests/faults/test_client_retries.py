"""R-24: an agent's browser got no answer and sends the same reply again: at once, at another process, a day later."""

from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from tests.faults.ledger import Verdict
from tests.faults.scene import Scene, at_once
from tickets.models import Message


def send_again_and_again(scene: Scene, off: str = "") -> tuple[Verdict, list[int], set[str]]:
    """(verdict, statuses, ids that the replies carried). The first process commits and dies before it answers."""
    chat = scene.open_chats(scene.own_app, 1)[0]
    first = scene.house.web(off=",".join(filter(None, [off, "dies-after-commit"])))
    others = scene.house.open(webs=2, off=off)
    token, entry = scene.shop.token(scene.shop.agent), scene.entry(chat)
    with pytest.raises(httpx.HTTPError):
        scene.post_over_http(first, chat, token, entry)
    answers = at_once(lambda number: scene.post_over_http(others[number % 2], chat, token, entry), 5)
    Message.objects.filter(text=entry.text).update(created_at=timezone.now() - timedelta(hours=25))
    answers += [scene.post_over_http(web, chat, token, entry) for web in others]
    scene.until_settled(60)
    return scene.judge_app(), [answer.status_code for answer in answers], {answer.json()["id"] for answer in answers}


def test_the_same_client_id_is_one_message(scene, measured):
    verdict, statuses, ids = send_again_and_again(scene)
    measured("R-24", verdict, answers=len(statuses), ids=len(ids))
    assert verdict.clean, verdict
    assert set(statuses) == {201} and len(ids) == 1


def test_control_without_client_ids(scene, measured):
    """R-24 must fail: each try is a message, and each of them leaves."""
    verdict, _statuses, ids = send_again_and_again(scene, off="no-client-ids")
    measured("R-24-", verdict, ids=len(ids))
    assert verdict.doubled and len(ids) > 1
