"""One HTTP request: its ``receive()``, its ``send()``, and the task that its app runs in.

Bytes and framing are ``protocol/http1.py``'s; sockets, flow control and what comes after the answer
``http_protocol.py``'s. A websocket is in ``websocket_stream.py``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ..protocol import asgi_state
from ..protocol.asgi_state import ClientDisconnected
from ..protocol.events import Data, EndOfMessage, HTTPEvent, RequestHead
from ..protocol.http1 import HTTP1
from ..typing import Message, Scope
from .state import ServerState, log_request, logger

FILE_PIECE = 256 * 1024  # bytes of a file that are read at a time
CLIENT_CLOSED = 499  # nginx's number, for the log, of a client that left before it was answered
#: Seconds after which a client that sends no more, and gets nothing, is taken for gone by an app
#: that waits for that. Closing one direction looks like closing both until something is written.
QUIET = 2.0
EXTENSIONS: dict[str, dict[str, Any]] = {
    "http.response.early_hint": {},
    "http.response.pathsend": {},
    "http.response.trailers": {},
}


class StreamConnection(Protocol):
    """The connection that carries a stream, as streams see it."""

    server_state: ServerState
    http: HTTP1
    closing: bool
    full: asyncio.Event | None
    stream: Any
    websocket: Any

    @property
    def lost(self) -> bool:
        """Whether nothing that is written will arrive."""

    def next_event(self) -> HTTPEvent | None:
        """Return the next event of the request."""

    def wait_for_body(self) -> None:
        """An app waits for more of the body."""

    def write(self, data: bytes) -> None:
        """Write, if the connection is still open."""

    async def drain(self) -> None:
        """Wait until the client has read most of what was written."""

    def unsent(self) -> int:
        """Return how many bytes the client has not read yet."""

    def regulate(self) -> None:
        """Pause or resume reading."""

    def tick_http(self, now: float) -> None:
        """End a client that leaves a request unfinished."""

    def answered(self) -> None:
        """Go on behind a complete answer."""

    def fail(self, status: int, message: str) -> None:
        """End a request whose app did not complete its answer."""

    def linger(self) -> None:
        """Close, but let the client read the end of what was written."""

    def close(self) -> None:
        """Close once everything is written."""

    def abort(self) -> None:
        """Close at once."""


class Stream:
    """An app that runs for one request of a connection.

    Args:
        connection: Where the request came.
        request: Its head.
        scope: What the app is called with.
    """

    table: asgi_state.Table
    state: str
    task: asyncio.Task[None]
    # PERF: what most requests leave as it is stands at the class.
    open = True
    failed = False
    status = 0
    size = 0
    _changed: asyncio.Event | None = None

    def __init__(self, connection: StreamConnection, request: RequestHead, scope: Scope) -> None:
        self.connection = connection
        self.request = request
        self.scope = scope

    async def receive(self) -> Message:
        """ASGI's ``receive()``."""
        raise NotImplementedError

    async def send(self, message: Message) -> None:
        """ASGI's ``send()``."""
        raise NotImplementedError

    def start(self) -> None:
        """Run the app."""
        self.task = asyncio.get_running_loop().create_task(self._run())
        self.connection.server_state.tasks.add(self.task)

    async def _run(self) -> None:
        try:
            await self.connection.server_state.app(self.scope, self.receive, self.send)
        except Exception as error:
            self.failed = True
            # What an app makes of a client that left is its own affair.
            if self.open or not isinstance(error, ClientDisconnected):
                logger.error("%s failed.", self, exc_info=error)
        except BaseException as error:
            if asyncio.current_task() is not self.task:
                raise  # The coroutine is closed, by a loop that has ended.
            # Raised on, a SystemExit would end the server; and whatever it is, it has to be
            # answered as long as the client waits.
            self.failed = True
            self._report_escaped(error)
        finally:
            # PERF: not a callback of the task's: that is one more round of the loop a request.
            self.connection.server_state.tasks.discard(self.task)
        if self.open:
            self.fail()

    def _report_escaped(self, error: BaseException) -> None:
        if not isinstance(error, asyncio.CancelledError) or not self.task.cancelling():
            logger.error("%s failed.", self, exc_info=error)
        elif (self.open or self.state == "COMPLETE") and not self.connection.server_state.stopping:
            # COMPLETE: our apps close a websocket themselves before they are cancelled.
            logger.warning("%s was cancelled, and not by the server.", self)

    def __str__(self) -> str:
        return f"The app at {self.request.method} {self.scope['path']!r}"

    def fail(self) -> None:
        """End what the app has left unfinished."""
        raise NotImplementedError

    def half_closed(self) -> None:
        """The client sends no more, though it may read on."""
        raise NotImplementedError

    def tick(self, now: float) -> None:
        """End what is overdue."""
        raise NotImplementedError

    def disconnect(self) -> None:
        """The client is gone in the middle, or has been refused."""
        if self.open:
            self.open = False
            self._log_unfinished()
        self.wake()

    def _log_unfinished(self) -> None:
        server_state = self.connection.server_state
        status = self.status if self.connection.http.answering else CLIENT_CLOSED
        if server_state.log_access and (status != CLIENT_CLOSED or not server_state.stopping):
            log_request(self.scope["client"], self.request, status, self.size)

    def check_client(self) -> None:
        """Stop an app that goes on sending to a client that is gone.

        asyncio drops what is written after a reset, and tells of that in the loop's next round,
        for which an app that never waits would leave no time.

        Raises:
            ClientDisconnected: Nothing that is written arrives any more.
        """
        if self.connection.lost:
            self.disconnect()
            raise ClientDisconnected("The client left while it was sent something.")

    def wake(self) -> None:
        """Let a waiting ``receive()`` look again."""
        if self._changed is not None:
            self._changed.set()
            self._changed.clear()

    async def _change(self) -> None:
        if self._changed is None:
            self._changed = asyncio.Event()
        await self._changed.wait()

    def answered(self) -> None:
        """The answer is complete: log it, and let the connection go on."""
        self.open = False
        server_state = self.connection.server_state
        if server_state.log_access:
            log_request(self.scope["client"], self.request, self.status, self.size)
        self.connection.answered()
        self.wake()


class HTTPStream(Stream):
    """An HTTP request and its answer."""

    table = asgi_state.HTTP
    state = "WAITING"
    body_ended = False
    _half_closed = False
    _size_then = 0
    _taken_for_gone = False
    _gone_at: float | None = None
    _told_to_continue = False

    # -- the request's body --------------------------------------------------------------------

    async def receive(self) -> Message:
        """Return the next piece of the body, or ``http.disconnect``.

        A body's bytes are parsed only when the app asks for them.
        """
        while self.open:
            if not self.body_ended:
                message = self._next_message()
                if message is not None:
                    return message
            elif self._taken_for_gone:
                break
            if self.open:  # Reading may have shown that the client breaks the protocol.
                await self._wait()
        return {"type": "http.disconnect"}

    async def _wait(self) -> None:
        if self._half_closed and self._gone_at is None:
            self._gone_at = self.connection.server_state.clock() + QUIET
        try:
            await self._change()
        except asyncio.CancelledError:
            if self.open:  # The app no longer waits, so the client cannot be late.
                self.connection.http.wait_for_body(False, self.connection.server_state.clock())
            raise

    def _next_message(self) -> Message | None:
        event = self.connection.next_event()
        if isinstance(event, Data):
            after = self.connection.next_event()
            if isinstance(after, Data):
                event.data += after.data
                after = None
            self.body_ended = isinstance(after, EndOfMessage)
            return {"type": "http.request", "body": event.data, "more_body": not self.body_ended}
        if isinstance(event, EndOfMessage):
            self.body_ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if self.open:
            self._ask_for_more()
        return None

    def _ask_for_more(self) -> None:
        if self.request.expects_continue and not self._told_to_continue:
            # RFC 9110 §10.1.1: the client holds the body back until it is told to go on.
            self.connection.write(self.connection.http.informational(100))
            self._told_to_continue = True
        self.connection.wait_for_body()

    def discard_body(self) -> None:
        """Read what has come of a body that the app left, so that the next request is found."""
        while not self.body_ended:
            event = self.connection.next_event()
            if event is None:
                return
            self.body_ended = isinstance(event, EndOfMessage)

    def half_closed(self) -> None:
        """Let an app go on that answers, for the client may still read.

        Whether it does is shown by what is written to it: one that is gone answers with a reset.
        Where nothing is written, an app that waits for the client to leave is told after a while.
        """
        self._half_closed = True
        self._size_then = self.size
        self.wake()

    def tick(self, now: float) -> None:
        """End what is overdue."""
        if self._gone_at is not None and now >= self._gone_at:
            self._gone_at = float("inf")
            self._taken_for_gone = self.size == self._size_then
            self.wake()
        self.connection.tick_http(now)

    # -- the answer ----------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Send one of ASGI's ``http.response.…`` messages."""
        if not self.open:
            if self.state == "COMPLETE":
                # Raises IllegalMessage, which names the mistake.
                asgi_state.advance(self.table, self.state, message, EXTENSIONS)
            raise ClientDisconnected(f"{message.get('type')!r} was sent after the client had left.")
        self.state = asgi_state.advance(self.table, self.state, message, EXTENSIONS)
        waiting = SENDERS[message["type"]](self, message)
        if waiting is not None:
            await waiting
        connection = self.connection
        if connection.full is not None and self.open:
            await connection.drain()

    def _send_start(self, message: Message) -> None:
        self.status = message["status"]
        self.connection.http.start(
            self.status, message.get("headers") or (), trailers=message.get("trailers", False)
        )

    def _send_body(self, message: Message) -> None:
        data = message.get("body") or b""
        self.size += len(data)
        self.connection.write(self.connection.http.body(data, message.get("more_body", False)))
        if self.state == "COMPLETE":
            self.answered()
        else:
            self.check_client()

    def _send_trailers(self, message: Message) -> None:
        headers = list(message.get("headers") or ())
        more = message.get("more_trailers", False)
        self.connection.write(self.connection.http.trailers(headers, more))
        if self.state == "COMPLETE":
            self.answered()

    def _send_early_hint(self, message: Message) -> None:
        # RFC 8297 §2.
        links = [(b"link", link) for link in message.get("links", ())]
        self.connection.write(self.connection.http.informational(103, links))

    async def _send_path(self, message: Message) -> None:
        """Send a file, read in another thread. (ASGI: Path Send.)"""
        loop = asyncio.get_running_loop()
        with await loop.run_in_executor(None, open, message["path"], "rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.connection.http.add_length(size)
            more = True
            while more:
                # A file may grow meanwhile: no more of it is sent than was announced.
                piece = await loop.run_in_executor(None, file.read, min(FILE_PIECE, size))
                if not self.open:  # The client has left while it was read.
                    return
                size -= len(piece)
                more = bool(piece) and size > 0
                self._send_piece(piece, more)
                if more and self.connection.lost:
                    self.disconnect()
                    return
                if self.connection.full is not None:
                    await self.connection.drain()

    def _send_piece(self, data: bytes, more: bool) -> None:
        self.size += len(data)
        self.connection.write(self.connection.http.body(data, more))
        if not more:
            self.answered()

    def fail(self) -> None:
        """Answer 500 where nothing has been sent yet, else cut the connection off.

        A client that has got half an answer has to see that it is half. (RFC 9112 §8.)
        """
        if self._taken_for_gone:
            self.connection.abort()  # The app did what it should.
            return
        if self.state != "WAITING":
            logger.error("%s did not complete its answer; the connection is closed.", self)
        elif not self.failed:
            logger.error("%s ended without an answer.", self)
        self.connection.fail(500, "The app failed.")


#: What each message of an HTTP response does.
SENDERS: dict[str, Callable[[Any, Message], Awaitable[None] | None]] = {
    "http.response.start": HTTPStream._send_start,
    "http.response.body": HTTPStream._send_body,
    "http.response.trailers": HTTPStream._send_trailers,
    "http.response.early_hint": HTTPStream._send_early_hint,
    "http.response.pathsend": HTTPStream._send_path,
}
