"""How fast a client is written to and read from.

``send()`` waits while the client does not read. Reading pauses while more is buffered than the
settings allow, so a client is never read faster than the app asks for data.
"""

from __future__ import annotations

import asyncio
import sys

from ..protocol.http1 import HTTP1
from .http_stream import HTTPStream
from .state import ServerState
from .websocket_stream import WebsocketStream


class FlowControl(asyncio.BufferedProtocol):
    """A connection's transport, and its deadlines for a client that does not read.

    Args:
        server_state: The server that it belongs to.
    """

    http: HTTP1
    stream: HTTPStream | WebsocketStream | None
    websocket: WebsocketStream | None

    def __init__(self, server_state: ServerState) -> None:
        self.server_state = server_state
        self.transport: asyncio.Transport | None = None
        self.closing = False
        #: set while the client does not read what is written
        self.full: asyncio.Event | None = None
        self._lingering = False
        self._ends_at: float | None = None
        self._stalls_at: float | None = None
        self._unsent = 0
        self._paused = False
        self._queue_limit = server_state.config.body_queue

    def pause_writing(self) -> None:
        """The client reads slower than the app writes: ``send()`` now waits."""
        self.full = asyncio.Event()
        self._unsent = self.unsent()
        self._stalls_at = self.server_state.clock() + self.server_state.config.write_timeout

    def resume_writing(self) -> None:
        """The client has read enough: ``send()`` continues."""
        if self.full is not None:
            self.full.set()
            self.full = None
        self._unsent = sys.maxsize  # Whatever tick() finds next is less.
        if self.websocket is not None:
            self.write(self.websocket.protocol.output())  # delayed pongs

    def regulate(self) -> None:
        """Pause reading while the buffer is full, and resume it afterwards."""
        websocket = self.websocket
        waiting = self.http.buffered if websocket is None else websocket.queued
        paused = waiting > self._queue_limit and not self._lingering
        if paused == self._paused or self.transport is None:
            return
        self._paused = paused
        if paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Write, if the connection is still open.

        Args:
            data: The bytes.
        """
        if data and self.transport is not None:
            self.transport.write(data)

    @property
    def lost(self) -> bool:
        """Whether the connection is lost, so that nothing more can be sent."""
        return self.transport is None or self.transport.is_closing()

    async def drain(self) -> None:
        """Wait until the client has read most of what was written."""
        full = self.full
        if full is not None:
            await full.wait()

    def unsent(self) -> int:
        """Return how many bytes the client has not read yet."""
        return self.transport.get_write_buffer_size() if self.transport is not None else 0

    def _tick_unread(self, now: float) -> bool:
        """Allow a client to read slowly; nothing is written meanwhile.

        Returns:
            Whether the connection only waits for that.
        """
        unsent = self.unsent()
        if not unsent:
            if self._stalls_at is not None:
                self._all_read(now)
            return False
        if self._stalls_at is None or unsent < self._unsent:
            self._stalls_at = now + self.server_state.config.write_timeout
        elif now >= self._stalls_at:
            self.abort()
        self._unsent = unsent
        return self.stream is None

    def _all_read(self, now: float) -> None:
        """Restart the deadline for the client's next bytes."""
        self._stalls_at = None
        config = self.server_state.config
        if self._ends_at is not None:
            self._ends_at = now + config.close_timeout
        if self.stream is None and self.http.deadline is not None:
            again = now + config.limits.keep_alive_timeout
            self.http.deadline = max(self.http.deadline, again)

    def close(self) -> None:
        """Close once everything is written."""
        self.closing = True
        if self.transport is not None and not self.transport.is_closing():
            self._ends_at = self.server_state.clock() + self.server_state.config.close_timeout
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()
