"""An asyncio transport without a network, whose other end is in the hands of a test.

The server's end keeps the contract of :class:`asyncio.Transport`, flow control included.
``wire.py`` uses the client's end, of which only :meth:`MemoryTransport.change` waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextvars import Context
from typing import Protocol

SERVER = ("127.0.0.1", 80)


class Receiver(Protocol):
    """The protocol that a transport calls: an ``asyncio.Protocol`` or ``BufferedProtocol``."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open.

        Args:
            transport: What the protocol writes to.
        """

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived.

        Args:
            data: The bytes.
        """

    def eof_received(self) -> bool | None:
        """No more bytes will arrive.

        Returns:
            Whether the transport stays open for writing.
        """

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed.

        Args:
            exc: The error that closed it, if there was one.
        """

    def pause_writing(self) -> None:
        """The client reads too slowly: write no more."""

    def resume_writing(self) -> None:
        """The client has read enough: write again."""


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
        """Whether it is closed or will be once its buffer is empty."""
        return self._closing

    def close(self) -> None:
        """Stop reading, and close once the client has read everything."""
        self._closing = True
        self._flush()

    def abort(self) -> None:
        """Close at once; bytes that the client has not read are lost."""
        self.aborted = self.aborted or not self.lost
        self.lose(None)

    def is_reading(self) -> bool:
        """Whether the client's bytes are delivered."""
        return not self._paused and not self._closing

    def pause_reading(self) -> None:
        """Stop delivering the client's bytes."""
        self._paused = True

    def resume_reading(self) -> None:
        """Deliver the client's bytes again."""
        self._paused = False
        self._deliver_soon()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes to the client.

        Args:
            data: The bytes.

        Raises:
            RuntimeError: :meth:`write_eof` was called before.
        """
        if self._eof:
            raise RuntimeError("write() was called after write_eof(). Write before it.")
        if self.lost or (self._closing and not self._buffer):
            return
        self._buffer += data
        self._flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send pieces of bytes to the client.

        Args:
            list_of_data: The pieces.
        """
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Whether :meth:`write_eof` is supported."""
        return True

    def write_eof(self) -> None:
        """Close the direction to the client; reading goes on."""
        self._eof = True
        self._flush()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set when the protocol has to stop writing and when it may go on.

        Args:
            high: Unread bytes above which it has to stop; 64 KiB by default.
            low: Unread bytes below which it may go on; a quarter of ``high`` by default.
        """
        self._high = 64 * 1024 if high is None else high
        self._low = self._high // 4 if low is None else low
        self._regulate()

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the client has not read."""
        return len(self._buffer)

    # -- the client's end --------------------------------------------------------------------------

    def open(self, protocol: Receiver, context: Context) -> None:
        """Connect to a server's protocol.

        Args:
            protocol: The protocol.
            context: The context that its methods are called in.
        """
        self.ended = self.lost = False
        self._protocol = protocol
        self._context = context
        context.run(protocol.connection_made, self)

    def send(self, segments: list[bytes]) -> None:
        """Send segments, each of which is delivered by itself.

        Args:
            segments: The segments; an empty one closes this direction.
        """
        self.underway += segments
        self._deliver_soon()

    def release(self, size: int | None) -> None:
        """Read some of the server's bytes.

        Args:
            size: How many; ``None`` for all, and all that follow.
        """
        self.held = size is not None
        self._flush(size)

    def take(self, size: int | None = None) -> bytes:
        """Return bytes that were read, and remove them.

        Args:
            size: How many; ``None`` for all.
        """
        data = bytes(self.arrived[:size])
        del self.arrived[:size]
        return data

    def lose(self, error: Exception | None) -> None:
        """Break the connection; the server's protocol is told in the next round of the loop.

        Args:
            error: The error that the protocol is given.
        """
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
        """Wait until bytes have arrived, or the connection has ended."""
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
        """Deliver one segment to the server, as a loop does whose socket has become readable."""
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
        """Move bytes from the server's buffer to the client's."""
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
        """Tell the protocol to stop writing, or to go on."""
        size = len(self._buffer)
        if not self._full and size > self._high:
            self._full = True
            self._protocol.pause_writing()
        elif self._full and size <= self._low:
            self._full = False
            self._protocol.resume_writing()
