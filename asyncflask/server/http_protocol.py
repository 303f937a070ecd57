"""One connection: passes bytes between a transport and ``protocol/``, and has its deadlines.

``http_stream.py`` and ``websocket_stream.py`` have the ``receive()`` and ``send()`` of a request; a
connection has one stream at a time. ``flow_control.py`` keeps to the client's pace, and the app's.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from ..protocol.events import ConnectionClosed, HTTPEvent, ProtocolError, RequestHead
from ..protocol.http1 import HTTP1
from ..protocol.websocket import WebSocket
from ..typing import Scope
from . import http_stream, websocket_stream
from .flow_control import FlowControl
from .http_stream import HTTPStream
from .state import ServerState, log_request, logger
from .websocket_stream import WebsocketStream

TOO_MANY = ProtocolError(503, "The server has no connection to spare. Try again later.")


class HTTPProtocol(FlowControl):
    """A client's connection.

    Args:
        server_state: The server that it belongs to.
    """

    def __init__(self, server_state: ServerState) -> None:
        super().__init__(server_state)
        self.stream: HTTPStream | WebsocketStream | None = None
        self.websocket: WebsocketStream | None = None
        self._half_closed = False
        self.http = HTTP1(server_state.config.limits, server_state.clock())
        self.http.server = server_state.server_header

    # -- asyncio.BufferedProtocol --------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or refuse the connection if there are too many.

        Args:
            transport: The transport of the connection.
        """
        transport = cast(asyncio.Transport, transport)  # uvloop has other classes.
        self.transport = transport
        if _has_lost_its_client(transport):
            self._lingering = True  # Its request is not read.
            self.abort()
            return
        config = self.server_state.config
        transport.set_write_buffer_limits(high=config.write_buffer)
        self._fixed_scope = _fixed_scope(transport, self.server_state)
        self.server_state.connections.add(self)
        if len(self.server_state.connections) > config.connections:
            logger.warning("A connection was refused: %d are open already.", config.connections)
            self.refuse(TOO_MANY)
        elif self.server_state.stopping:
            self.shut_down()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer into which the transport reads.

        All connections of a loop share it, so that reading allocates nothing.

        Args:
            sizehint: Not used.
        """
        return self.server_state.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Process the bytes that were read, before another connection uses the buffer.

        Args:
            nbytes: How many bytes they are.
        """
        self.data_received(bytes(self.server_state.read_buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Keep the data, and continue if the app waits for it.

        Args:
            data: The bytes; never empty.
        """
        if self._lingering:
            return
        websocket = self.websocket
        if websocket is not None:
            websocket.feed(data)
            return
        self.http.receive(data, self.server_state.clock())
        stream = self.stream
        if stream is None:
            self.advance()
        else:
            stream.wake()
            self.regulate()

    def eof_received(self) -> bool:
        """The client sends no more; its requests are still answered."""
        self._half_closed = True
        if self.websocket is not None:
            self.websocket.feed(b"")
        if self._lingering or self.websocket is not None:
            return False
        self.http.receive(b"", self.server_state.clock())
        if self.stream is None:
            self.advance()
        else:
            self.stream.half_closed()
        # A TLS connection cannot stay open in one direction.
        return (
            self.stream is not None
            and self.transport is not None
            and self.transport.can_write_eof()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake every task that waits for this client.

        Args:
            exc: The error of the transport, or ``None``; not used.
        """
        self.transport = None
        self.server_state.connections.discard(self)
        stream, self.stream, self.websocket = self.stream, None, None
        if self.full is not None:
            self.full.set()
            self.full = None
        if stream is not None:
            stream.disconnect()

    # -- requests ------------------------------------------------------------------------------

    def advance(self) -> None:
        """Begin with the next request, if it has arrived."""
        event = self.next_event()
        if isinstance(event, RequestHead):
            self._begin(event)
        elif isinstance(event, ConnectionClosed):
            self.close()
        if self._paused or self.http.buffered > self._queue_limit:
            self.regulate()

    def next_event(self) -> HTTPEvent | None:
        """Return the next event of the request; refuse a client that breaks the protocol."""
        if self._lingering or self.transport is None:
            return None
        try:
            return self.http.next_event(self.server_state.clock())
        except ProtocolError as error:
            self.refuse(error)
            return None

    def _begin(self, request: RequestHead) -> None:
        scope: Scope = {
            **self._fixed_scope,
            "type": "http",
            "http_version": request.http_version,
            "method": request.method,
            "path": request.path,
            "raw_path": request.raw_path,
            "query_string": request.query_string,
            "headers": request.headers,
            "extensions": http_stream.EXTENSIONS.copy(),
        }
        if self.server_state.state is not None:
            scope["state"] = self.server_state.state.copy()
        self.http.date = self.server_state.date
        stream: HTTPStream | WebsocketStream
        if request.upgrade == "websocket":
            try:
                protocol = WebSocket(request, self.server_state.config.limits)
            except ProtocolError as error:
                self.refuse(error)
                return
            stream = WebsocketStream(
                self, request, websocket_stream.scope_of(scope, protocol), protocol
            )
        else:
            stream = HTTPStream(self, request, scope)
        self.stream = stream
        stream.start()
        if self._half_closed:
            stream.half_closed()

    def answered(self) -> None:
        """Continue after a complete response: the next request, or the end."""
        stream, self.stream = self.stream, None
        if self.transport is None:
            return
        if isinstance(stream, HTTPStream) and stream.request.has_body and not stream.body_ended:
            stream.discard_body()
        if self._lingering:
            return
        if self.closing or not self.http.keep_alive:
            self.linger()
            return
        self.http.next_request(self.server_state.clock())
        if self._half_closed or self.http.buffered:
            self.advance()

    def wait_for_body(self) -> None:
        """Note that the app waits for more of the body."""
        self.http.wait_for_body(True, self.server_state.clock())
        self.regulate()

    # -- deadlines and the end -----------------------------------------------------------------

    def tick(self, now: float) -> None:
        """End the connection or request if its deadline has passed.

        Args:
            now: The loop's time, in seconds.
        """
        transport = self.transport
        if transport is None:
            return
        is_writing = self.stream is not None and self.stream.open
        if (self.full is not None or not is_writing) and self._tick_unread(now):
            return
        if self._ends_at is not None and now >= self._ends_at:
            self.abort()
        if self._lingering or transport.is_closing():
            return
        if self.stream is not None:
            self.stream.tick(now)
        else:
            self.tick_http(now)

    def tick_http(self, now: float) -> None:
        """End a client that leaves a request unfinished, or sends none.

        Args:
            now: The loop's time, in seconds.
        """
        deadline = self.http.deadline
        if deadline is None or now < deadline:
            return
        try:
            if self.http.expire(now):
                self.close()
        except ProtocolError as error:
            self.refuse(error)

    def refuse(self, error: ProtocolError) -> None:
        """Answer a client that broke the protocol, and close.

        The app of the current request is told that its client has disconnected.

        Args:
            error: What the client did wrong.
        """
        self.http.date = self.server_state.date
        answer = self.http.refusal(error)
        self.write(answer)
        self.linger()
        stream, self.stream = self.stream, None
        if stream is not None:
            if answer:
                stream.status = error.status
            stream.disconnect()
        elif answer and self.server_state.log_access:
            log_request(self._fixed_scope["client"], UNREADABLE, error.status, 0)

    def fail(self, status: int, message: str) -> None:
        """End a request whose app did not complete its response.

        Args:
            status: The status of the response, if none has begun.
            message: Its text.
        """
        answer = self.http.refusal(ProtocolError(status, message))
        if not answer:
            self.abort()
            return
        stream = self.stream
        if stream is not None:
            stream.status = status
            self.write(answer)
            self.closing = True
            stream.answered()

    def linger(self) -> None:
        """Close, but let the client read the end of the response first.

        If the client has sent bytes that were not read, closing resets the connection, and the
        response may be lost. (:rfc:`9112` §9.6.)
        """
        transport = self.transport
        if transport is None or self._lingering:
            return
        self._lingering = True
        if self._half_closed or not transport.can_write_eof():
            self.close()
            return
        self._ends_at = self.server_state.clock() + self.server_state.config.close_timeout
        transport.write_eof()
        self.regulate()

    def shut_down(self) -> None:
        """The server stops: close now, after ``idle_grace``, or after the current response."""
        self.closing = self.http.last = True
        if self.stream is None:
            self._close_if_idle()
        elif self.websocket is not None:
            self.websocket.shut_down()

    def _close_if_idle(self) -> None:
        """Close a connection without a request, unless its client may still send one."""
        idle_grace = self.server_state.config.idle_grace
        if not idle_grace or self._lingering:
            self.close()
        elif not self.http.buffered:
            self.http.deadline = self.server_state.clock() + idle_grace


UNREADABLE = RequestHead("-", b"-", "", b"", b"", [], "1.1", False, False, False, "")


def _fixed_scope(transport: asyncio.Transport, server_state: ServerState) -> dict[str, Any]:
    """Return the keys that all scopes of a connection have."""
    return {
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "scheme": "http" + server_state.scheme_suffix,
        "client": _address(transport.get_extra_info("peername")),
        "server": _address(transport.get_extra_info("sockname")),
        "root_path": server_state.config.root_path,
    }


def _has_lost_its_client(transport: asyncio.Transport) -> bool:
    """Return whether the client disconnected before its address could be read (uvloop).

    SECURITY: its request is not served, because limits and logs use the address.
    """
    if transport.get_extra_info("peername") is not None:
        return False
    name = transport.get_extra_info("sockname")
    return name is None or isinstance(name, tuple)  # A unix socket's clients have none.


def _address(name: object) -> tuple[str, int] | None:
    """Return host and port; ``None`` for a unix socket."""
    return (name[0], name[1]) if isinstance(name, tuple) else None
