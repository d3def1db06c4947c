"""R-20: updates that come several times and out of order, through four processes at once; statuses that overtake; an album."""

import json
import random
import uuid
from typing import Any

from benchmarks.harness import flood, http_request
from channels_app.models import InboundEvent
from tests.faults.house import scaled, timed, waiting_rows
from tests.faults.ledger import Verdict
from tests.faults.scene import SECRET, Scene
from tests.servers import LiveServer, until
from tests.standins.app import signed
from tests.standins.server import Answer, Request
from tickets.models import Attachment, Author, Contact, ContactAddress, Delivery, Message, Ticket

WINDOW = 50


def shuffled(updates: list[Any]) -> list[Any]:
    """Each one to five times, no copy further than a window from its place."""
    random.seed(20)
    copies = [
        (place + random.uniform(0, WINDOW), place) for place in range(len(updates)) for _ in range(random.randint(1, 5))
    ]
    return [updates[place] for _when, place in sorted(copies)]


def deliver(scene: Scene, webs: list[LiveServer], updates: list[dict[str, Any]]) -> None:
    """Until each was taken: whatever is not 2xx comes again."""
    waiting = [scene.webhook_request(update) for update in updates]
    ports = [web.port for web in webs]
    while waiting:
        found = flood(ports, waiting, connections=16)
        waiting = [waiting[place] for place in found.refused]


def written(scene: Scene, count: int) -> tuple[list[dict[str, Any]], set[str]]:
    """Updates of `count` messages, twenty to a chat, every tenth with an edit; keys of those that were edited."""
    updates, edited = [], set()
    for number in range(1, count + 1):
        entry, update = scene.update(number, str(800_000 + number // 20))
        updates.append(update)
        if number % 10 == 0:
            message = {**update["message"], "text": f"исправлено {entry.text}", "edit_date": 1790008407}
            updates.append({"update_id": count + number, "edited_message": message})
            edited.add(entry.key)
    return updates, edited


def take_in(scene: Scene, count: int, processes: int, off: str = "") -> tuple[Verdict, set[str]]:
    webs = scene.house.open(webs=processes, workers=2, off=off)
    updates, edited = written(scene, count)
    calls = shuffled(updates)
    with timed() as taken:
        deliver(scene, webs, calls)
    for entry in list(scene.ledger.entries.values()):
        scene.ledger.accept(entry)
    until(lambda: waiting_rows() == 0, scaled(180, 1800), "all is taken in")
    verdict = scene.judge_receiving(in_order=False)
    verdict.figures = {"calls": len(calls), "delivered_s": taken[0]}
    return verdict, edited


def test_updates_come_several_times_and_out_of_order(scene, measured):
    count = scaled(1000, 20_000)
    verdict, edited = take_in(scene, count, processes=4)
    people = count // 20 + 1
    verdict.figures |= {"people": Contact.objects.count(), "conversations": Ticket.objects.count()}
    measured("R-20", verdict)
    assert verdict.clean, verdict
    assert ContactAddress.objects.count() == Contact.objects.count() == Ticket.objects.count() == people
    texts = Message.objects.filter(external_id__in=edited).values_list("text", flat=True)
    assert len(texts) == len(edited) and all(text.startswith("исправлено") for text in texts)
    assert not InboundEvent.objects.filter(state=InboundEvent.State.FAILED).exists()


def test_control_without_the_providers_ids(scene, measured):
    """R-20 must fail: each copy is a new message."""
    verdict, _edited = take_in(scene, 100, processes=2, off="no-provider-ids")
    measured("R-20-", verdict)
    assert verdict.doubled


def test_an_album_of_a_stranger_is_one_conversation(scene, measured):
    """Ten pictures at the same moment, each three times, through four processes."""
    webs = scene.house.open(webs=4, workers=2)
    pictures = []
    for number in range(1, 11):
        scene.telegram.add_file(f"file{number}", b"\xff\xd8\xff\xe0 a picture")
        photo = {"file_id": f"file{number}", "file_unique_id": f"u{number}", "file_size": 14, "width": 1, "height": 1}
        _entry, update = scene.update(number, "900001", photo=[photo], media_group_id="album")
        update["message"]["caption"] = update["message"].pop("text")
        pictures.append(update)
    deliver(scene, webs, [picture for picture in pictures for _copy in range(3)])
    for entry in list(scene.ledger.entries.values()):
        scene.ledger.accept(entry)
    until(lambda: waiting_rows() == 0, 60, "all is taken in")
    until(lambda: Attachment.objects.filter(state=Attachment.State.READY).count() == 10, 60, "every picture is here")
    verdict = scene.judge_receiving(in_order=False)
    measured("R-20", verdict, people=Contact.objects.count(), conversations=Ticket.objects.count())
    assert verdict.clean, verdict
    assert Contact.objects.count() == Ticket.objects.count() == 1 and Attachment.objects.count() == 10


class Hasty:
    """The own app tells that a message was delivered and read before it confirms that it has it, and once more afterwards."""

    def __init__(self, scene: Scene, web: LiveServer) -> None:
        self._scene, self._web, self._handle = scene, web, scene.app.handle
        scene.app.handle = self._answer  # type: ignore[method-assign]

    def _answer(self, request: Request) -> Answer:
        event = json.loads(request.body)
        if event["type"] == "message":
            for state in ("read", "delivered"):
                self.tell(state, event["id"], event["to"])
            until(self._are_known, 30, "the statuses are taken in before the message is confirmed")
        return self._handle(request)

    def _are_known(self) -> bool:
        from django.db import connection

        try:
            with self._scene.shop.enter():
                return waiting_rows() == 0
        finally:
            connection.close()

    def tell(self, state: str, message: str, chat: str) -> None:
        body = json.dumps({"type": state, "id": uuid.uuid4().hex, "message_id": message, "from": {"id": chat}}).encode()
        headers = {name.replace("-", "_"): value for name, value in signed(SECRET, body).items()}
        path = f"/hooks/api/{self._scene.own_app.id}/"
        assert not flood([self._web.port], [http_request("POST", path, self._scene.shop.host, body, **headers)]).refused


def states_after(scene: Scene, off: str = "") -> list[str]:
    """Of ten replies whose statuses overtook them, after the old ones came once more."""
    [web] = scene.house.open(webs=1, workers=2, off=off)
    chats = scene.open_chats(scene.own_app, 5)
    hasty = Hasty(scene, web)
    entries = [scene.post(chats[number % 5]) for number in range(10)]
    scene.until_settled(120)
    for entry in entries:
        hasty.tell("sent", entry.key, entry.chat)
        hasty.tell("delivered", entry.key, entry.chat)
    until(lambda: waiting_rows() == 0, 30, "the old statuses are taken in")
    return list(Message.objects.exclude(author=Author.CONTACT).values_list("delivery", flat=True))


def test_statuses_that_overtake_their_message_never_go_back(scene, measured):
    states = states_after(scene)
    verdict = scene.judge_app()
    measured("R-20", verdict, read=states.count(Delivery.READ))
    assert verdict.clean and states == [Delivery.READ] * 10, states


def test_control_states_that_move_freely(scene, measured):
    """R-20 must fail: the last one to speak is believed."""
    states = states_after(scene, off="free-states")
    measured("R-20-", read=states.count(Delivery.READ))
    assert states != [Delivery.READ] * 10
