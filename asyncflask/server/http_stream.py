"""One HTTP request: its ``receive()``, its ``send()``, and the task that its app runs in.

``protocol/http1.py`` reads and writes the bytes; ``http_protocol.py`` has sockets, flow control and
the next request. Websockets are in ``websocket_stream.py``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Container
from typing import Any, ClassVar, NoReturn, Protocol

from ..protocol import asgi_state
from ..protocol.asgi_state import ClientDisconnected
from ..protocol.events import Data, EndOfMessage, HTTPEvent, RequestHead
from ..protocol.http1 import HTTP1
from ..typing import Message, Scope
from .state import ServerState, log_request, logger

FILE_PIECE = 256 * 1024  # bytes per read of a file
CLIENT_CLOSED = 499  # nginx's status, for the log: the client disconnected before a response
#: A client that has closed its sending side counts as disconnected after so many seconds, if the
#: app waits for that and sends nothing. Until something is written both cases look the same.
QUIET = 2.0
EXTENSIONS: dict[str, dict[str, Any]] = {
    "http.response.early_hint": {},
    "http.response.pathsend": {},
    "http.response.trailers": {},
}


class StreamConnection(Protocol):
    """The connection of a stream, as far as streams use it."""

    server_state: ServerState
    http: HTTP1
    closing: bool
    full: asyncio.Event | None
    stream: Any
    websocket: Any

    @property
    def lost(self) -> bool:
        """Whether the connection is lost, so that nothing more can be sent."""

    def next_event(self) -> HTTPEvent | None:
        """Return the next event of the request."""

    def wait_for_body(self) -> None:
        """Note that the app waits for more of the body."""

    def write(self, data: bytes) -> None:
        """Write, if the connection is still open.

        Args:
            data: The bytes.
        """

    async def drain(self) -> None:
        """Wait until the client has read most of what was written."""

    def unsent(self) -> int:
        """Return how many bytes the client has not read yet."""

    def regulate(self) -> None:
        """Pause or resume reading."""

    def tick_http(self, now: float) -> None:
        """End a client that leaves a request unfinished.

        Args:
            now: The loop's time, in seconds.
        """

    def answered(self) -> None:
        """Continue after a complete response."""

    def fail(self, status: int, message: str) -> None:
        """End a request whose app did not complete its response.

        Args:
            status: The status of the response, if none has begun.
            message: Its text.
        """

    def linger(self) -> None:
        """Close, but let the client read the end of the response first."""

    def close(self) -> None:
        """Close once everything is written."""

    def abort(self) -> None:
        """Close at once."""


class Stream:
    """An app that runs for one request of a connection.

    Args:
        connection: The connection of the request.
        request: Its head.
        scope: The ASGI scope.
    """

    table: asgi_state.Table
    state: str
    task: asyncio.Task[None]
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
        """ASGI's ``send()``.

        Args:
            message: The message.
        """
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
            # Errors of an app whose client has disconnected are not reported.
            if self.open or not isinstance(error, ClientDisconnected):
                logger.error("%s failed.", self, exc_info=error)
        except BaseException as error:
            if asyncio.current_task() is not self.task:
                raise  # The coroutine is closed, by a loop that has ended.
            # A SystemExit would end the server if it were raised further; and any error must be
            # answered while the client waits.
            self.failed = True
            self._report_escaped(error)
        finally:
            self.connection.server_state.tasks.discard(self.task)
        if self.open:
            self.fail()

    def _report_escaped(self, error: BaseException) -> None:
        if not isinstance(error, asyncio.CancelledError) or not self.task.cancelling():
            logger.error("%s failed.", self, exc_info=error)
        elif (self.open or self.state == "COMPLETE") and not self.connection.server_state.stopping:
            # COMPLETE: asyncflask's apps close a websocket themselves before they are cancelled.
            logger.warning("%s was cancelled, and not by the server.", self)

    def __str__(self) -> str:
        return f"The app at {self.request.method} {self.scope['path']!r}"

    def fail(self) -> None:
        """End a response that the app did not complete."""
        raise NotImplementedError

    def half_closed(self) -> None:
        """The client sends no more, but may still read."""
        raise NotImplementedError

    def tick(self, now: float) -> None:
        """End the stream if its deadline has passed.

        Args:
            now: The loop's time, in seconds.
        """
        raise NotImplementedError

    def disconnect(self) -> None:
        """The client disconnected in the middle, or was refused."""
        if self.open:
            self.open = False
            self._log_unfinished()
        self.wake()

    def _log_unfinished(self) -> None:
        server_state = self.connection.server_state
        status = self.status if self.connection.http.answering else CLIENT_CLOSED
        if server_state.log_access and (status != CLIENT_CLOSED or not server_state.stopping):
            log_request(self.scope["client"], self.request, status, self.size)

    def refuse(self, message: Message, extensions: Container[str]) -> NoReturn:
        """Raise the error for a message that is sent after the end.

        Args:
            message: The message.
            extensions: ASGI's extensions, which allow further messages.

        Raises:
            IllegalMessage: The response was complete.
            ClientDisconnected: The client has left.
        """
        if self.state == "COMPLETE":
            asgi_state.advance(self.table, self.state, message, extensions)
        raise ClientDisconnected(f"{message.get('type')!r} was sent after the client had left.")

    def check_client(self) -> None:
        """Stop an app that still sends to a client that has disconnected.

        asyncio drops bytes that are written after a reset, and reports the reset in the loop's next
        round, which an app that never waits does not allow.

        Raises:
            ClientDisconnected: The connection is lost.
        """
        if self.connection.lost:
            self.disconnect()
            raise ClientDisconnected("The client left while it was sent something.")

    def wake(self) -> None:
        """Let a waiting ``receive()`` check again."""
        if self._changed is not None:
            self._changed.set()
            self._changed.clear()

    async def _change(self) -> None:
        if self._changed is None:
            self._changed = asyncio.Event()
        await self._changed.wait()

    def answered(self) -> None:
        """The response is complete: log it, and let the connection continue."""
        self.open = False
        server_state = self.connection.server_state
        if server_state.log_access:
            log_request(self.scope["client"], self.request, self.status, self.size)
        self.connection.answered()
        self.wake()


class HTTPStream(Stream):
    """An HTTP request and its response."""

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
            if self.open:  # The client may have broken the protocol.
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
            # RFC 9110 §10.1.1: the client waits with the body for a 100 response.
            self.connection.write(self.connection.http.informational(100))
            self._told_to_continue = True
        self.connection.wait_for_body()

    def discard_body(self) -> None:
        """Read the rest of a body that the app did not read, to find the next request."""
        while not self.body_ended:
            event = self.connection.next_event()
            if event is None:
                return
            self.body_ended = isinstance(event, EndOfMessage)

    def half_closed(self) -> None:
        """Let the app continue to answer, because the client may still read.

        A write shows whether it does: a disconnected client answers with a reset. If nothing is
        written, an app that waits for a disconnect is told after a while.
        """
        self._half_closed = True
        self._size_then = self.size
        self.wake()

    def tick(self, now: float) -> None:
        """End the stream if its deadline has passed.

        Args:
            now: The loop's time, in seconds.
        """
        if self._gone_at is not None and now >= self._gone_at:
            self._gone_at = float("inf")
            self._taken_for_gone = self.size == self._size_then
            self.wake()
        self.connection.tick_http(now)

    # -- the answer ----------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Send one of ASGI's ``http.response.…`` messages.

        Args:
            message: The message.

        Raises:
            ClientDisconnected: The client is gone.
        """
        if not self.open:
            self.refuse(message, EXTENSIONS)
        self.state = asgi_state.advance(self.table, self.state, message, EXTENSIONS)
        waiting = self.senders[message["type"]](self, message)
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
                # A file may grow meanwhile: only the announced length is sent.
                piece = await loop.run_in_executor(None, file.read, min(FILE_PIECE, size))
                if not self.open:  # The client disconnected during the read.
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
        """Answer 500 if nothing has been sent yet; otherwise abort the connection.

        The client of half a response must notice that it is incomplete. (RFC 9112 §8.)
        """
        if self._taken_for_gone:
            self.connection.abort()  # The app has sent everything.
            return
        if self.state != "WAITING":
            logger.error("%s did not complete its answer; the connection is closed.", self)
        elif not self.failed:
            logger.error("%s ended without an answer.", self)
        self.connection.fail(500, "The app failed.")

    #: The method for each message of an HTTP response.
    senders: ClassVar[dict[str, Callable[[Any, Message], Awaitable[None] | None]]] = {
        "http.response.start": _send_start,
        "http.response.body": _send_body,
        "http.response.trailers": _send_trailers,
        "http.response.early_hint": _send_early_hint,
        "http.response.pathsend": _send_path,
    }
