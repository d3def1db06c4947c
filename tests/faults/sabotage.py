"""Runs a process of the product with a protection switched off or with a crash point in it: for the faults alone.

python -m tests.faults.sabotage no-client-ids uvicorn omnisupport.asgi:application --port 8000
python -m tests.faults.sabotage dies-after-sending celery -A omnisupport worker
"""

import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnisupport.settings")
# Bytes in a webhook's body that make its parser fail, or end the whole process as a bug in a library would.
RAISES, KILLS = "raises-in-parser", "kills-the-worker"


def _die_once(name: str) -> bool:
    """True the first time in this story; the process that is started afterwards lives."""
    mark = Path(os.environ["FAULTS_MARKS"]) / name
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def dies_after_commit() -> None:
    """Between the commit of a message and the wake-up call for it."""
    from tenants.events import log

    wakes = log.wake_dispatcher

    def die() -> None:
        if _die_once("dies-after-commit"):
            os._exit(9)
        wakes()

    log.wake_dispatcher = die


def dies_after_storing() -> None:
    """Between the commit of a ledger row and the wake-up call for its channel; the provider gets no answer."""
    from channels_app.ingress import Waker

    add = Waker.add

    def die(self: Waker, *args: Any) -> None:
        if _die_once("dies-after-storing"):
            os._exit(9)
        add(self, *args)

    Waker.add = die  # type: ignore[method-assign]


def dies_after_sending() -> None:
    """The provider has the message, nothing of that is committed."""
    from channels_app.services import delivery

    finish = delivery._after_success

    def die(*args: Any) -> None:
        if _die_once("dies-after-sending"):
            os._exit(9)
        finish(*args)

    delivery._after_success = die


def no_claim() -> None:
    """Sends first, writes afterwards: what a worker has in its hands is still `queued`."""
    from tickets.models import Delivery
    from tickets.services import delivery as states

    update = states.Message.objects.filter

    def claim(address_id: int) -> Any:
        return (
            update(address_id=address_id, delivery=Delivery.QUEUED)
            .select_related("ticket", "address", "reply_to", "user")
            .order_by("id")
            .first()
        )

    from channels_app.services import delivery

    delivery.claim_next = claim  # type: ignore[assignment]
    for state in (Delivery.SENT, Delivery.DELIVERED):
        states._FROM[state].append("queued")


def free_states() -> None:
    """Any state may follow any other."""
    from tickets.models import Delivery
    from tickets.services import delivery as states

    for allowed in states._FROM.values():
        allowed[:] = list(Delivery.values)


def plain_acknowledgement() -> None:
    """Celery's defaults: a task is acknowledged before it runs, and lost with its process."""
    from omnisupport.celery import app

    app.conf.task_acks_late = False
    app.conf.task_reject_on_worker_lost = False


def bad_parser() -> None:
    from channels_app.telegram import adapter

    parse = adapter.parse_update

    def fail(body: bytes) -> Any:
        if RAISES.encode() in body:
            raise ZeroDivisionError("a bug in the parser")
        if KILLS.encode() in body:
            os._exit(9)
        return parse(body)

    adapter.parse_update = fail


def no_attempt_count() -> None:
    """A row is begun without a note of it: nobody learns that it has killed workers before."""
    from channels_app.services import inbound

    inbound._begin = lambda rows: None  # type: ignore[assignment]


def no_provider_ids() -> None:
    """Whatever the provider calls its updates and messages, to us each is new."""
    from channels_app import ingress
    from channels_app.services import inbound

    receive = inbound.receive.receive_message
    ingress._event_key = lambda *_args: uuid.uuid4().hex

    def forget(*, incoming: Any, **rest: Any) -> Any:
        return receive(incoming=replace(incoming, external_id=uuid.uuid4().hex), **rest)

    inbound.receive.receive_message = forget


def no_client_ids() -> None:
    from tickets import api

    post = api.post_message
    api.post_message = lambda **given: post(**{**given, "client_id": uuid.uuid4()})


def no_pauses() -> None:
    """A provider's `retry_after` is not listened to."""
    from channels_app.services import delivery

    delivery._later = lambda message, started, reason, _seconds: delivery._finish(
        message, started, delivery.Delivery.FAILED, reason
    )


def pauses_for_all() -> None:
    """One chat's pause holds up the whole bot."""
    from channels_app.telegram import client

    class Whole(client.TransportError):
        def __init__(self, reason: str, **given: Any) -> None:
            super().__init__(reason, **{**given, "whole_channel": given.get("retry_after") is not None})

    client.TransportError = Whole  # type: ignore[misc]


def patient_with_redis() -> None:
    """Waits for Redis as long as its client's defaults do."""
    from omnisupport.lib import redis as ours

    ours.stands_still = lambda: False
    from django.conf import settings

    settings.REDIS_OPTIONS.update(socket_timeout=None, socket_connect_timeout=None)


def no_answer_to_since() -> None:
    """Whoever comes back is not told what was missed."""
    from tickets import consumers

    consumers.frames_since = lambda _seq: []


def turns_for_anybody() -> None:
    """Whoever is woken takes the turn of the assistant, and nobody looks again before it speaks."""
    from ai_assistant.services import answering, turns

    claim, post = answering.claim, answering.post_message

    def take(ticket: Any, messages: Any) -> Any:
        return turns.receipts_of(messages[-1]).first() or claim(ticket, messages)

    answering.claim = take
    answering.seconds_to_wait = lambda _ticket_id: 0.0
    answering._is_still_ours = lambda *_args: True
    answering.post_message = lambda **given: post(**{**given, "client_id": uuid.uuid4()})


_SABOTAGES: dict[str, Callable[[], None]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        dies_after_commit, dies_after_storing, dies_after_sending, no_claim, free_states, plain_acknowledgement, bad_parser,
        no_attempt_count, no_provider_ids, no_client_ids, no_pauses, pauses_for_all, patient_with_redis,
        no_answer_to_since, turns_for_anybody,
    )
}  # fmt: skip


def main() -> None:
    names, program, *arguments = sys.argv[1:]
    import django

    django.setup()
    for name in names.split(","):
        _SABOTAGES[name]()
    sys.argv = [program, *arguments]
    if program == "celery":
        from celery.__main__ import main as run
    else:
        from uvicorn.main import main as run
    run()


if __name__ == "__main__":
    main()
