"""Raw bytes to the embedded server and back, in memory: no socket, and a clock that the test moves.

The server's own ``HTTPProtocol`` runs on the transport of ``memory.py``; the app is any ASGI
callable. Nothing of HTTP is known here: what a test sends and expects is bytes. Requests and
responses as objects are ``client.py``'s.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from types import TracebackType

from ..protocol.header_names import reporting_app
from ..server import Config
from ..server.http_protocol import HTTPProtocol
from ..server.lifespan import Lifespan
from ..server.state import ServerState
from ..typing import ASGIApplication, Message, Receive, Scope, Send
from .memory_transport import MemoryTransport

SEGMENT = 256 * 1024  # bytes that the server is given at a time at most, as by asyncio's transports
TICK = 0.5  # seconds of the test's clock between two looks at the deadlines, as in server/serve.py
ROUNDS = 24  # rounds of the loop for what is under way; a `def` view's receive() takes a dozen
REST = 0.25  # real seconds that an app gets to come to rest which does something else
GRACE = 1.0  # real seconds that an app gets to end after its client has left

CLIENT = ("127.0.0.1", 50_000)


class WireConnection:
    """A client's connection: bytes out, bytes in, and the ways in which clients misbehave.

    :meth:`WireClient.connect` makes it.

    Args:
        backend: The server that it leads to.
    """

    #: Real seconds that :meth:`receive` waits before it gives up.
    patience = 5.0

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._transport = MemoryTransport(backend.client)

    async def send(self, data: bytes, *, split: int = SEGMENT) -> None:
        """Send bytes, and let the app do what it does about them.

        The server may have paused reading; what it does not take is :attr:`unread`.

        Args:
            data: The bytes.
            split: How many of them the server is given at a time; 1 is the slowest network.

        Raises:
            BrokenPipeError: The connection is closed, or not open yet.
        """
        if self._transport.lost:
            raise BrokenPipeError(
                f"{data[:40]!r} was sent to a connection that is not open, or not any more. Send it"
                " inside `async with`, and look at `closed` before."
            )
        self._transport.send([data[at : at + split] for at in range(0, len(data), split)])
        await self._settle()

    async def receive(self) -> bytes:
        """Wait for bytes of the server's, and return all that have come once the app is at rest.

        Returns:
            The bytes; ``b""`` when the server has closed its end.

        Raises:
            TimeoutError: Nothing has come for :attr:`patience` seconds.
            RuntimeError: It was called between :meth:`hold` and :meth:`release`.
        """
        await self._until(lambda: bool(self._transport.arrived))
        return self._transport.take()

    async def receive_until(self, end: bytes) -> bytes:
        """Wait until ``end`` has come, and return all before it, and itself.

        Raises:
            EOFError: The server closed its end before.
            TimeoutError: It has not come for :attr:`patience` seconds.
        """
        arrived = self._transport.arrived
        await self._until(lambda: end in arrived)
        if end not in arrived:
            raise EOFError(f"The server closed before it sent {end!r}: {self._transport.take()!r}.")
        return self._transport.take(arrived.index(end) + len(end))

    async def receive_all(self) -> bytes:
        """Wait until the server has closed its end, and return all that has come.

        Raises:
            TimeoutError: It has not closed for :attr:`patience` seconds.
        """
        await self._until(lambda: False)
        return self._transport.take()

    async def half_close(self) -> None:
        """Send no more, but go on reading."""
        self._transport.send([b""])
        await self._settle()

    async def disconnect(self) -> None:
        """Vanish without a word, as a client does whose network breaks."""
        self._transport.lose(ConnectionResetError("The client has reset the connection."))
        await self._settle()

    def hold(self) -> None:
        """Read no more: what the server writes stays in its buffer, until it has to wait."""
        self._transport.held = True

    async def release(self, size: int | None = None) -> None:
        """Read on.

        Args:
            size: Read only so many bytes, and hold again.
        """
        self._transport.release(size)
        await self._settle()

    @property
    def closed(self) -> bool:
        """Whether the server has closed its end: behind what has come, nothing more comes."""
        return self._transport.ended

    @property
    def aborted(self) -> bool:
        """Whether the server cut the connection off, so that the client notices something amiss."""
        return self._transport.aborted

    @property
    def unread(self) -> int:
        """Bytes that were sent but not taken, since the server has paused reading."""
        return sum(map(len, self._transport.underway))

    @property
    def unsent(self) -> int:
        """Bytes that the server has written while the client does not read."""
        return self._transport.get_write_buffer_size()

    async def _settle(self) -> None:
        await self._backend.settle()
        self._raise_error()

    async def _until(self, condition: Callable[[], bool]) -> None:
        transport = self._transport
        await self._backend.settle()
        try:
            async with asyncio.timeout(self.patience):
                while not condition() and not transport.ended:
                    if transport.held:
                        raise RuntimeError(
                            "Something was to be received, but the client does not read since"
                            " hold(). Call release() first."
                        )
                    await transport.change()
        except TimeoutError:
            raise TimeoutError(
                f"What was waited for has not come within {self.patience:g} seconds; what has is"
                f" {bytes(transport.arrived[:80])!r}. If the app waits for more of the request,"
                " send() it; if for the time, advance() it."
            ) from None
        await self._settle()

    def _raise_error(self) -> None:
        error, self._transport.error = self._transport.error, None
        if error is not None:
            raise error


class WireClient(WireConnection):
    r"""A server in memory, and the first connection to it.

    Entering runs the app's startup, leaving its shutdown; in between the app is served as the
    embedded server would. ::

        async with WireClient(app) as wire:
            await wire.send(b"GET / HTTP/1.1\\r\\nHost: a\r\n\r\n")

            assert (await wire.receive()).startswith(b"HTTP/1.1 200 OK\r\n")

    Args:
        app: Any ASGI callable.
        config: The server's settings.
        client: What the app sees as the client's address.
    """

    def __init__(
        self,
        app: ASGIApplication,
        config: Config | None = None,
        *,
        client: tuple[str, int] = CLIENT,
    ) -> None:
        super().__init__(Backend(app, config or Config(), client))

    async def __aenter__(self) -> WireClient:
        await self._backend.start()
        self._backend.connect(self._transport)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._backend.end()
        if exc_value is None:
            self._raise_error()

    def connect(self) -> WireConnection:
        """Open one more connection to the same server."""
        connection = WireConnection(self._backend)
        self._backend.connect(connection._transport)
        return connection

    async def advance(self, seconds: float) -> None:
        """Move the server's clock on; what is overdue then is ended.

        It is the clock of the server's timeouts. An app's own ``asyncio.sleep()`` takes real time.
        """
        await self._backend.advance(seconds)
        self._raise_error()

    async def stop(self) -> None:
        """Tell the server to stop: what runs is finished, and no connection lives on."""
        self._backend.stop()
        await self._settle()

    async def finish(self) -> None:
        """Wait until the app is at work on no request and no websocket.

        Raises:
            TimeoutError: It still is after :attr:`patience` seconds.
        """
        tasks = self._backend.server_state.tasks
        try:
            async with asyncio.timeout(self.patience):
                while tasks:
                    await asyncio.wait(tasks)
        except TimeoutError:
            raise TimeoutError(
                f"The app is still at work on {self.running} requests after {self.patience:g}"
                " seconds. Each waits for something that is not its client."
            ) from None
        await self._settle()

    @property
    def running(self) -> int:
        """How many requests and websockets the app is at work on."""
        return len(self._backend.server_state.tasks)

    @property
    def connections(self) -> int:
        """How many connections the server has."""
        return len(self._backend.server_state.connections)


class Backend:
    """The server that the connections of a :class:`WireClient` share.

    Args:
        app: The ASGI application.
        config: The server's settings.
        client: The client's address.
    """

    def __init__(self, app: ASGIApplication, config: Config, client: tuple[str, int]) -> None:
        self.client = client
        self.now = 0.0
        self.server_state = ServerState(self._run, config, lambda: self.now)
        self.context = contextvars.copy_context()
        self.transports: list[MemoryTransport] = []
        self._app = reporting_app(app)
        self._lifespan = Lifespan(app)
        self._waiting = 0

    async def start(self) -> None:
        """Run the app's startup."""
        # What a test pushes later is not what its server was started with.
        self.context = contextvars.copy_context()
        await self._lifespan.start()
        if self._lifespan.supported:
            self.server_state.state = self._lifespan.state

    def connect(self, transport: MemoryTransport) -> None:
        """Open a connection."""
        self.transports.append(transport)
        transport.open(HTTPProtocol(self.server_state), self.context)

    async def end(self) -> None:
        """Let all clients leave, see the app's work to its end, run its shutdown."""
        for transport in self.transports:
            transport.lose(None)
        tasks = set(self.server_state.tasks)
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=GRACE)
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            await self._lifespan.stop(self.server_state.config.lifespan_timeout)

    def stop(self) -> None:
        """Do what the server does first when it is stopped."""
        self.server_state.stopping = True
        for connection in list(self.server_state.connections):
            connection.shut_down()

    async def advance(self, seconds: float) -> None:
        """Move the clock, in steps as the server's."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + TICK, end)
            self.server_state.tick()
            await asyncio.sleep(0)
        await self.settle()

    async def settle(self) -> None:
        """Let the app run until it waits for the wire; one that does something else gets a while.

        Without that, a test that goes on to move the clock would do so before an app has even
        asked for the body that is to be late.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + REST
        while True:
            for _ in range(ROUNDS):
                await asyncio.sleep(0)
            delivering = any(transport.delivering for transport in self.transports)
            working = len(self.server_state.tasks) > self._waiting
            if not delivering and (not working or loop.time() > until):
                return
            await asyncio.sleep(0.001 if working else 0)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, and know when it waits for the wire."""
        waits = 0

        def note(change: int) -> None:
            nonlocal waits
            before, waits = waits, waits + change
            self._waiting += bool(waits) - bool(before)

        async def noted_receive() -> Message:
            note(+1)
            try:
                return await receive()
            finally:
                note(-1)

        async def noted_send(message: Message) -> None:
            note(+1)
            try:
                await send(message)
            finally:
                note(-1)

        await self._app(scope, noted_receive, noted_send)
