"""A connection that has no network between its two ends: asyncio's transport, and a client's hand.

The server's end keeps what :class:`asyncio.Transport` promises a protocol, flow control included.
The client's end is what ``wire.py`` makes its connections of; only :meth:`change` waits here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextvars import Context
from typing import Protocol

SERVER = ("127.0.0.1", 80)


class Receiver(Protocol):
    """What hears of a transport: ``asyncio.Protocol``, or one that reads from a buffer as well."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""

    def data_received(self, data: bytes) -> None:
        """Bytes came."""

    def eof_received(self) -> bool | None:
        """No more will come; whether the transport stays open."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""

    def pause_writing(self) -> None:
        """Too much is unread."""

    def resume_writing(self) -> None:
        """Enough was read."""


class MemoryTransport(asyncio.Transport):
    """Both ends of a connection.

    Args:
        client: The client's address.
    """

    def __init__(self, client: tuple[str, int]) -> None:
        super().__init__({"peername": client, "sockname": SERVER})
        self.underway: deque[bytes] = deque()
        self.arrived = bytearray()
        self.held = False
        self.ended = True
        self.aborted = False
        self.lost = True  # until it is open
        self.error: Exception | None = None
        self.delivering = False
        self._buffer = bytearray()
        self._high, self._low = 64 * 1024, 16 * 1024
        self._full = False
        self._paused = False
        self._closing = False
        self._eof = False
        self._changed: asyncio.Future[None] | None = None

    # -- the server's end: asyncio.Transport -------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._closing

    def close(self) -> None:
        """Read no more, and close once the client has read everything."""
        self._closing = True
        self._flush()

    def abort(self) -> None:
        """Close at once; what the client has not read is lost."""
        self.aborted = self.aborted or not self.lost
        self.lose(None)

    def is_reading(self) -> bool:
        """Whether the client's bytes are taken."""
        return not self._paused and not self._closing

    def pause_reading(self) -> None:
        """Leave the client's bytes in the network."""
        self._paused = True

    def resume_reading(self) -> None:
        """Take the client's bytes again."""
        self._paused = False
        self._deliver_soon()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes to the client."""
        if self._eof:
            raise RuntimeError("write() was called after write_eof(). Write before it.")
        if self.lost or (self._closing and not self._buffer):
            return
        self._buffer += data
        self._flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send bytes to the client."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Whether it can be closed in one direction."""
        return True

    def write_eof(self) -> None:
        """Send no more, but go on reading."""
        self._eof = True
        self._flush()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set when the protocol is told that the client does not read, and that it does again."""
        self._high = 64 * 1024 if high is None else high
        self._low = self._high // 4 if low is None else low
        self._regulate()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the client has not read."""
        return len(self._buffer)

    # -- the client's end --------------------------------------------------------------------------

    def open(self, protocol: Receiver, context: Context) -> None:
        """Connect to a server's protocol, which is called in ``context``."""
        self.ended = self.lost = False
        self._protocol = protocol
        self._context = context
        context.run(protocol.connection_made, self)

    def send(self, segments: list[bytes]) -> None:
        """Send segments, each of which arrives by itself; an empty one is the end."""
        self.underway += segments
        self._deliver_soon()

    def release(self, size: int | None) -> None:
        """Read so many bytes, or all and whatever comes."""
        self.held = size is not None
        self._flush(size)

    def take(self, size: int | None = None) -> bytes:
        """Return what was read."""
        data = bytes(self.arrived[:size])
        del self.arrived[:size]
        return data

    def lose(self, error: Exception | None) -> None:
        """Break the connection; the server hears of it in the loop's next round."""
        if self.lost:
            return
        self.lost = self.ended = self._closing = True
        self._buffer.clear()
        self.underway.clear()
        loop = asyncio.get_running_loop()
        loop.call_soon(self._tell_lost, error, context=self._context)
        self._notify()

    def _tell_lost(self, error: Exception | None) -> None:
        try:
            self._protocol.connection_lost(error)
        except Exception as mistake:
            self.error = mistake

    async def change(self) -> None:
        """Wait until something has come, or has ended."""
        self._changed = asyncio.get_running_loop().create_future()
        await self._changed

    def _notify(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    # -- in between --------------------------------------------------------------------------------

    def _deliver_soon(self) -> None:
        if self.underway and self.is_reading() and not self.delivering:
            self.delivering = True
            asyncio.get_running_loop().call_soon(self._deliver, context=self._context)

    def _deliver(self) -> None:
        """Give the server one segment, as a loop does whose socket has become readable."""
        self.delivering = False
        if not self.underway or not self.is_reading():
            return
        segment = self.underway.popleft()
        try:
            if segment:
                self._protocol.data_received(segment)
            elif not self._protocol.eof_received():
                self.close()
        except Exception as error:
            self.error = error
            self.abort()
        self._deliver_soon()

    def _flush(self, size: int | None = None) -> None:
        """Let the client read."""
        if not self.held or size is not None:
            self.arrived += self._buffer[:size]
            del self._buffer[:size]
        self._regulate()
        if not self._buffer:
            self.ended = self.ended or self._eof
            if self._closing:
                self.lose(None)
        self._notify()

    def _regulate(self) -> None:
        """Tell the protocol when to write and when to wait."""
        size = len(self._buffer)
        if not self._full and size > self._high:
            self._full = True
            self._protocol.pause_writing()
        elif self._full and size <= self._low:
            self._full = False
            self._protocol.resume_writing()
