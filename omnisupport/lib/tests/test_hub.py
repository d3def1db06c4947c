"""A slow reader never holds up the others, never grows without bound, and learns that it missed something."""

import asyncio
from typing import Any

from omnisupport.lib.hub import QUEUE_LIMIT, RESYNC, Hub, Socket, publish
from omnisupport.lib.redis import redis_client


class Connection:
    """A connection that takes frames until `pause`, then makes the sender wait."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.got: list[str] = []

    async def send(self, message: dict[str, Any]) -> None:
        await self.open.wait()
        self.got.append(message["text"])


async def test_frames_are_written_at_once_and_in_order():
    connection = Connection()
    socket = Socket(connection.send)
    for number in range(3):
        socket.offer(str(number))
    assert connection.got == ["0", "1", "2"]


async def test_a_paused_connection_catches_up_in_order():
    connection = Connection()
    socket = Socket(connection.send)
    connection.open.clear()
    for number in range(5):
        socket.offer(str(number))
    assert connection.got == []
    connection.open.set()
    await asyncio.sleep(0.01)
    socket.offer("5")
    await asyncio.sleep(0.01)
    assert connection.got == ["0", "1", "2", "3", "4", "5"]


async def test_a_reader_that_stopped_is_told_to_resync():
    connection = Connection()
    socket = Socket(connection.send)
    connection.open.clear()
    for number in range(QUEUE_LIMIT * 3):
        socket.offer(str(number))
    connection.open.set()
    await asyncio.sleep(0.05)
    assert RESYNC in connection.got
    assert len(connection.got) <= QUEUE_LIMIT + 1
    assert connection.got[-1] == str(QUEUE_LIMIT * 3 - 1)


async def test_a_broken_connection_is_left_alone():
    async def send(message: dict[str, Any]) -> None:
        raise ConnectionResetError

    socket = Socket(send)
    socket.offer("x")
    socket.offer("y")


async def test_closing_ends_a_waiting_write():
    connection = Connection()
    socket = Socket(connection.send)
    connection.open.clear()
    socket.offer("x")
    socket.close()
    await asyncio.sleep(0.01)
    connection.open.set()
    await asyncio.sleep(0.01)
    assert connection.got == []


async def test_a_crowd_that_joins_at_once_hears_everything():
    """redis-py connects on first use: joins that raced here left the hub deaf."""
    for _round in range(5):
        hub = Hub()
        crowd = [Connection() for _ in range(60)]
        await asyncio.gather(
            *(hub.join(Socket(c.send), group) for n, c in enumerate(crowd) for group in ("all", f"own-{n}"))
        )
        await asyncio.to_thread(publish, "all", {"n": 1})
        await asyncio.sleep(0.2)
        assert [len(c.got) for c in crowd] == [1] * 60
        await hub.close()


async def test_after_redis_was_away_everybody_is_told_to_resync():
    hub = Hub()
    connection = Connection()
    await hub.join(Socket(connection.send), "all")
    await asyncio.to_thread(redis_client().client_kill_filter, _type="pubsub")
    await asyncio.sleep(1.2)
    await asyncio.to_thread(publish, "all", {"n": 2})
    await asyncio.sleep(0.2)
    assert connection.got == [RESYNC, '{"n":2}']
    await hub.close()
