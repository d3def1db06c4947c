"""A TCP way to a server that can swallow everything, as a broken network does: no answer, no reset, no end."""

import asyncio
import contextlib
import socket
import threading


class Strait:
    """`with Strait(port) as way:` — connect to `way.port`; `way.close()` swallows, `way.open()` carries on."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        # Nobody is accepted while it is closed: beyond the backlog the kernel drops what asks to connect.
        self._listener.listen(1)
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._carries = asyncio.Event()
        self._carries.set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Strait":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._listener.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._carries.clear)

    def open(self) -> None:
        self._loop.call_soon_threadsafe(self._carries.set)

    def _run(self) -> None:
        self._loop.create_task(self._accept())
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _accept(self) -> None:
        while True:
            await self._carries.wait()
            near, _address = await self._loop.sock_accept(self._listener)
            near.setblocking(False)
            task = self._loop.create_task(self._carry(near))
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _carry(self, near: socket.socket) -> None:
        with near, socket.socket() as far, contextlib.suppress(OSError):
            far.setblocking(False)
            await self._carries.wait()
            await self._loop.sock_connect(far, ("127.0.0.1", self._target))
            there, back = asyncio.create_task(self._pump(near, far)), asyncio.create_task(self._pump(far, near))
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    async def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        while data := await self._loop.sock_recv(source, 65536):
            await self._carries.wait()
            await self._loop.sock_sendall(sink, data)
        # The end of a connection is a packet too.
        await self._carries.wait()
