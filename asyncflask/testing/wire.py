"""Raw bytes to the embedded server and back, in memory, without a socket.

The server's own ``HTTPProtocol`` runs on the transport of ``memory_transport.py``, with a clock
that the test moves. The app is any ASGI callable. A test sends and expects bytes; requests and
responses as objects are in ``client.py``.
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

#: Bytes that are delivered to the server at a time at most, as by asyncio's transports.
SEGMENT = 256 * 1024
#: Seconds of the test's clock between two checks of the deadlines, as in ``server/serve.py``.
TICK = 0.5
#: Rounds of the loop in which an app may answer; the ``receive()`` of a ``def`` view takes a dozen.
ROUNDS = 24
#: Real seconds to wait for an app that waits for something else than its client.
REST = 0.25
#: Real seconds that an app has to end after its client has disconnected.
GRACE = 1.0

CLIENT = ("127.0.0.1", 50_000)


class WireConnection:
    """A client's connection: it sends and receives bytes, and can misbehave as clients do.

    :meth:`WireClient.connect` makes one.

    Args:
        backend: The server that it is connected to.
    """

    #: Real seconds that :meth:`receive` waits before it raises an error.
    patience = 5.0

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        #: The connection in memory.
        self.transport = MemoryTransport(backend.client)

    async def send(self, data: bytes, *, split: int = SEGMENT) -> None:
        """Send bytes, and wait until the app has done what it can with them.

        If the server has paused reading, the rest of the bytes is :attr:`unread`.

        Args:
            data: The bytes.
            split: How many of them are delivered at a time; 1 is the slowest network.

        Raises:
            BrokenPipeError: The connection is closed, or not open yet.
        """
        if self.transport.lost:
            raise BrokenPipeError(
                f"{data[:40]!r} was sent to a connection that is closed, or not open yet. Send it"
                " inside `async with`, and check `closed` before."
            )
        self.transport.send([data[at : at + split] for at in range(0, len(data), split)])
        await self._settle()

    async def receive(self) -> bytes:
        """Wait for bytes from the server, and return all that have arrived once the app is idle.

        Returns:
            The bytes; ``b""`` if the server has closed its end.

        Raises:
            TimeoutError: Nothing arrived within :attr:`patience` seconds.
            RuntimeError: It was called between :meth:`hold` and :meth:`release`.
        """
        await self._until(lambda: bool(self.transport.arrived))
        return self.transport.take()

    async def receive_until(self, end: bytes) -> bytes:
        """Wait for certain bytes, and return everything up to their end.

        Args:
            end: The bytes.

        Returns:
            The bytes, their end included.

        Raises:
            EOFError: The server closed its end before it sent them.
            TimeoutError: They did not arrive within :attr:`patience` seconds.
        """
        arrived = self.transport.arrived
        await self._until(lambda: end in arrived)
        if end not in arrived:
            raise EOFError(f"The server closed before it sent {end!r}: {self.transport.take()!r}.")
        return self.transport.take(arrived.index(end) + len(end))

    async def receive_all(self) -> bytes:
        """Wait until the server has closed its end, and return everything that has arrived.

        Raises:
            TimeoutError: It did not close within :attr:`patience` seconds.
        """
        await self._until(lambda: False)
        return self.transport.take()

    async def half_close(self) -> None:
        """Close the direction to the server; reading goes on."""
        self.transport.send([b""])
        await self._settle()

    async def disconnect(self) -> None:
        """Break the connection, as a client does whose network fails."""
        self.transport.lose(ConnectionResetError("The client has reset the connection."))
        await self._settle()

    def hold(self) -> None:
        """Stop reading: what the server writes stays in its buffer, until it has to wait."""
        self.transport.held = True

    async def release(self, size: int | None = None) -> None:
        """Read again.

        Args:
            size: Read this many bytes only, and stop again.
        """
        self.transport.release(size)
        await self._settle()

    @property
    def closed(self) -> bool:
        """Whether the server has closed its end: nothing arrives any more."""
        return self.transport.ended

    @property
    def aborted(self) -> bool:
        """Whether the server has broken the connection, which is an error for the client."""
        return self.transport.aborted

    @property
    def unread(self) -> int:
        """Number of bytes that were sent but not delivered, as the server has paused reading."""
        return sum(map(len, self.transport.underway))

    @property
    def unsent(self) -> int:
        """Number of bytes that the server has written and the client has not read."""
        return self.transport.get_write_buffer_size()

    async def _settle(self) -> None:
        await self._backend.settle()
        self._raise_error()

    async def _until(self, condition: Callable[[], bool]) -> None:
        transport = self.transport
        await self._backend.settle()
        try:
            async with asyncio.timeout(self.patience):
                while not condition() and not transport.ended:
                    if transport.held:
                        raise RuntimeError(
                            "The client was to receive something, but it has not read since"
                            " hold(). Call release() first."
                        )
                    await transport.change()
        except TimeoutError:
            raise TimeoutError(
                f"Timed out after {self.patience:g} s waiting for data; received so far:"
                f" {bytes(transport.arrived[:80])!r}. If the app waits for more of the request,"
                " send() it; if it waits for a timeout of the server, advance() the clock."
            ) from None
        await self._settle()

    def _raise_error(self) -> None:
        error, self.transport.error = self.transport.error, None
        if error is not None:
            raise error


class WireClient(WireConnection):
    r"""A server in memory, and the first connection to it.

    Entering runs the app's startup, leaving its shutdown. In between the app is served by the
    embedded server's own code. ::

        async with WireClient(app) as wire:
            await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

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
        self._backend.connect(self.transport)
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
        """Return one more connection to the same server."""
        connection = WireConnection(self._backend)
        self._backend.connect(connection.transport)
        return connection

    async def advance(self, seconds: float) -> None:
        """Move the server's clock, so that its timeouts expire.

        An app's own ``asyncio.sleep()`` takes real time.

        Args:
            seconds: By how much.
        """
        await self._backend.advance(seconds)
        self._raise_error()

    async def stop(self) -> None:
        """Stop the server: requests are finished, then their connections are closed."""
        self._backend.stop()
        await self._settle()

    async def finish(self) -> None:
        """Wait until no request and no websocket is running.

        Raises:
            TimeoutError: Some still are after :attr:`patience` seconds.
        """
        tasks = self._backend.server_state.tasks
        try:
            async with asyncio.timeout(self.patience):
                while tasks:
                    await asyncio.wait(tasks)
        except TimeoutError:
            raise TimeoutError(
                f"{self.running} requests are still running after {self.patience:g} seconds. Each"
                " waits for something else than its client: end that in the test first."
            ) from None
        await self._settle()

    @property
    def running(self) -> int:
        """Number of requests and websockets that are running."""
        return len(self._backend.server_state.tasks)

    @property
    def connections(self) -> int:
        """Number of the server's open connections."""
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
        # Contexts that the test pushes later are not the server's.
        self.context = contextvars.copy_context()
        await self._lifespan.start()
        if self._lifespan.supported:
            self.server_state.state = self._lifespan.state

    def connect(self, transport: MemoryTransport) -> None:
        """Open a connection.

        Args:
            transport: The connection in memory.
        """
        self.transports.append(transport)
        transport.open(HTTPProtocol(self.server_state), self.context)

    async def end(self) -> None:
        """Disconnect all clients, wait for the app's requests, and run its shutdown."""
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
        """Do the first step of the server's shutdown."""
        self.server_state.stopping = True
        for connection in list(self.server_state.connections):
            connection.shut_down()

    async def advance(self, seconds: float) -> None:
        """Move the clock, in the steps in which the server checks its deadlines.

        Args:
            seconds: By how much.
        """
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + TICK, end)
            self.server_state.tick()
            await asyncio.sleep(0)
        await self.settle()

    async def settle(self) -> None:
        """Wait until the app waits for its client; for an app that does something else, a while.

        Otherwise a test could move the clock before the app has asked for the body that is to be
        late.
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
        """Run the app, and count whether it waits for its client."""
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
