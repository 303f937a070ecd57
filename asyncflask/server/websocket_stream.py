"""One websocket: its ``receive()`` and ``send()`` between an app and ``protocol/websocket.py``.

The response to the handshake may be an ordinary one (ASGI: Websocket Denial Response); then the
connection continues as HTTP.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar

from ..protocol import asgi_state
from ..protocol.events import Disconnect, RequestHead, TextMessage
from ..protocol.websocket import WebSocket
from ..typing import Message, Scope
from .http_stream import Stream, StreamConnection
from .state import log_request, logger

EXTENSIONS: dict[str, dict[str, Any]] = {"websocket.http.response": {}}
SLICE = 0.01  # seconds for which an app may read queued messages before other tasks run
MESSAGE_COST = 64  # bytes that each message counts in addition, to limit empty messages


def scope_of(scope: Scope, protocol: WebSocket) -> Scope:
    """Return the scope of a websocket, from that of its request.

    Args:
        scope: The scope of the request.
        protocol: The websocket, with the subprotocols that the client offers.

    Returns:
        The scope.
    """
    del scope["method"]
    scope["type"] = "websocket"
    scope["scheme"] = "wss" if scope["scheme"] == "https" else "ws"
    scope["subprotocols"] = protocol.subprotocols
    scope["extensions"] = EXTENSIONS.copy()
    return scope


class WebsocketStream(Stream):
    """A websocket, from the handshake to the end.

    Args:
        connection: Its connection.
        request: The opening handshake.
        scope: The ASGI scope.
        protocol: Reads and writes its frames.
    """

    table = asgi_state.WEBSOCKET
    state = "CONNECTING"
    _logged = False
    _gives_way_at = 0.0

    def __init__(
        self, connection: StreamConnection, request: RequestHead, scope: Scope, protocol: WebSocket
    ) -> None:
        super().__init__(connection, request, scope)
        self.protocol = protocol
        #: bytes of messages that the app has not read yet
        self.queued = 0
        self._to_app: deque[Message] = deque([{"type": "websocket.connect"}])
        self._farewell: Message = {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        config = connection.server_state.config
        self._deadline = connection.server_state.clock() + config.handshake_timeout
        self._asked = False

    # -- from the client -----------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Process bytes of the client; empty at the end of its stream.

        Args:
            data: The bytes.
        """
        self.protocol.receive(data)
        self._heard()
        self._read()

    @property
    def _is_full(self) -> bool:
        """Whether the queue is full, so that no more is read."""
        return self.queued > self.connection.server_state.config.body_queue

    def _heard(self) -> None:
        config = self.connection.server_state.config
        if self.state == "OPEN" and config.ping_interval:
            self._asked = False
            self._deadline = self.connection.server_state.clock() + config.ping_interval

    def _read(self) -> None:
        """Parse messages from the bytes, as long as the queue has room."""
        connection = self.connection
        limit = connection.server_state.config.body_queue
        while self.queued <= limit:
            event = self.protocol.next_event()
            if connection.full is None or self.protocol.closed:
                connection.write(self.protocol.output())
            if event is None:
                break
            if isinstance(event, Disconnect):
                self._end(event.code, event.reason)
                return
            self.queued += len(event.data) + MESSAGE_COST
            kind = "text" if isinstance(event, TextMessage) else "bytes"
            self._to_app.append({"type": "websocket.receive", kind: event.data})
        self.wake()
        connection.regulate()

    def _end(self, code: int, reason: str) -> None:
        """The websocket is closed; earlier messages are still delivered."""
        if self.open:
            self._farewell = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self.disconnect()
        connection = self.connection
        connection.stream = connection.websocket = None
        connection.close()  # Everything is written: a close frame, or its answer.

    async def receive(self) -> Message:
        """Return the next message of the client, or ``websocket.disconnect``."""
        if self._to_app and monotonic() > self._gives_way_at:
            # An app that never waits for a message lets other tasks run, too.
            await asyncio.sleep(0)
            self._gives_way_at = monotonic() + SLICE
        while not self._to_app:
            if not self.open:
                return dict(self._farewell)
            await self._change()
            self._gives_way_at = monotonic() + SLICE
        message = self._to_app.popleft()
        data = message.get("text")
        if data is None:
            data = message.get("bytes")
        if data is not None:
            full = self._is_full
            self.queued -= len(data) + MESSAGE_COST
            if full and self.open:
                self._heard()  # The client's deadline restarts.
                self._read()
        return message

    # -- from the app --------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Send one of ASGI's ``websocket.…`` messages.

        Args:
            message: The message.

        Raises:
            ClientDisconnected: The client is gone.
        """
        if not self.open:
            self.refuse(message, EXTENSIONS)
        state = asgi_state.advance(self.table, self.state, message, EXTENSIONS)
        self.senders[message["type"], self.state](self, message, state)
        self.state = state
        connection = self.connection
        if connection.full is not None and self.open:
            await connection.drain()

    def _accept(self, message: Message, state: str) -> None:
        protocol = self.protocol
        connection = self.connection
        headers = list(message.get("headers") or ())
        protocol.date = connection.server_state.date
        protocol.server = connection.server_state.server_header
        connection.write(protocol.accept(message.get("subprotocol"), headers))
        connection.websocket = self
        self.status = 101
        self.state = state
        self._heard()
        if not connection.server_state.config.ping_interval:
            self._deadline = float("inf")
        self.feed_if_any(connection.http.upgraded())
        if connection.server_state.stopping:
            self.shut_down()

    def feed_if_any(self, data: bytes) -> None:
        """Process what the client sent right after its handshake.

        Args:
            data: The bytes; nothing happens without any.
        """
        if data:
            self.feed(data)

    def _send_message(self, message: Message, state: str) -> None:
        text = message.get("text")
        self.connection.write(self.protocol.send(message["bytes"] if text is None else text))
        self.check_client()

    def _close(self, message: Message, state: str) -> None:
        code = message.get("code", 1000)
        reason = message.get("reason") or ""
        self.connection.write(self.protocol.close(code, reason))
        self._farewell = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self._leave()

    def _leave(self) -> None:
        """Deliver nothing more; the client has a while to answer the close.

        If its answer has already arrived, this is the end.
        """
        self.open = False
        self._to_app.clear()
        self.queued = 0
        self._deadline = (
            self.connection.server_state.clock() + self.connection.server_state.config.close_timeout
        )
        self._read()  # Resume reading, if it was paused.

    def _deny(self, message: Message, state: str) -> None:
        # ASGI: a close before the accept is a 403.
        self._start_denial({"status": 403}, state)
        self._send_denial({}, state)

    def _start_denial(self, message: Message, state: str) -> None:
        self.status = message["status"]
        # Bytes after the handshake may be frames, so no request follows.
        self.connection.http.last = True
        self.connection.http.start(self.status, message.get("headers") or ())

    def _send_denial(self, message: Message, state: str) -> None:
        data = message.get("body") or b""
        self.size += len(data)
        self.connection.write(self.connection.http.body(data, message.get("more_body", False)))
        if state == "COMPLETE":
            self.state = state
            self.answered()

    # -- the end -------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Send a ping to a silent client; close if it does not answer.

        Args:
            now: The loop's time, in seconds.
        """
        if not self.open and self.connection.unsent():
            # It may still read what was sent before the close; if not, it stalls.
            self._deadline = now + self.connection.server_state.config.close_timeout
        if now < self._deadline:
            return
        if self.connection.websocket is None:
            logger.error("%s neither accepted nor refused the websocket in time.", self)
            self.connection.fail(503, "The app did not answer in time.")
        elif self.state == "OPEN" and self.open and (not self._asked or self._is_full):
            # While the app does not read messages, its client's pongs wait behind them.
            self._asked = True
            self._deadline = now + self.connection.server_state.config.ping_interval
            self.connection.write(self.protocol.ping())
        else:
            self.connection.abort()

    def half_closed(self) -> None:
        """The client closed its sending side before the handshake was answered."""
        self.disconnect()
        self.connection.abort()

    def shut_down(self) -> None:
        """The server stops: close with 1012. (:rfc:`6455` §7.4.1; the IANA registry.)"""
        if self.open:
            self.connection.write(self.protocol.close(1012, "The server is restarted."))
            self._farewell = {"type": "websocket.disconnect", "code": 1012, "reason": ""}
            self._leave()

    def fail(self) -> None:
        """End a websocket that the app left open: 500 before the handshake, then 1011 or 1000."""
        if self.state != "OPEN":
            if not self.failed:
                logger.error("%s ended before it had answered the handshake.", self)
            self.connection.fail(500, "The app failed.")
            return
        code = 1011 if self.failed else 1000
        self.connection.write(self.protocol.close(code))
        self._leave()

    def disconnect(self) -> None:
        """The websocket is closed, or the client has disconnected."""
        if self.status == 101:
            self.open = False
            if not self._logged and self.connection.server_state.log_access:
                log_request(self.scope["client"], self.request, self.status, self.size)
            self._logged = True
        super().disconnect()

    #: The method for each message of a websocket, by state.
    senders: ClassVar[dict[tuple[str, str], Callable[[Any, Message, str], None]]] = {
        ("websocket.accept", "CONNECTING"): _accept,
        ("websocket.close", "CONNECTING"): _deny,
        ("websocket.http.response.start", "CONNECTING"): _start_denial,
        ("websocket.http.response.body", "DENYING"): _send_denial,
        ("websocket.send", "OPEN"): _send_message,
        ("websocket.close", "OPEN"): _close,
    }
