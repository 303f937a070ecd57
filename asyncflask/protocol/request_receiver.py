"""The requests of an HTTP/1.1 connection: bytes in, events out.

``request_parser.py`` reads heads, ``chunked.py`` reads chunked bodies. ``http1.py`` has the
responses. Section numbers alone are :rfc:`9112`'s.
"""

from __future__ import annotations

from .chunked import ChunkedDecoder
from .events import ConnectionClosed, Data, EndOfMessage, HTTPEvent, ProtocolError, RequestHead
from .limits import Limits
from .request_parser import parse

# The next part from the client.
HEAD = "HEAD"
LENGTH = "LENGTH"  # a body whose length is known
CHUNKED = "CHUNKED"
END = "END"  # nothing more of this request; the caller was not told yet
DONE = "DONE"  # nothing more, until next_request()
FAILED = "FAILED"  # nothing more at all

_PIECE = 256 * 1024  # bytes of a body that one event has at most


class RequestReceiver:
    """What one client sends.

    Args:
        limits: The limits.
        now: The time, in seconds of the caller's clock.

    Attributes:
        deadline: When to call :meth:`expire`; ``None`` while the server does not wait.
    """

    __slots__ = (
        *("deadline", "_buffer", "_decoder", "_eof", "_left", "_limits", "_next", "_piece"),
        *("_request", "_searched", "_waits"),
    )

    def __init__(self, limits: Limits, now: float) -> None:
        self.deadline: float | None = now + limits.header_timeout
        self._limits = limits
        self._buffer = bytearray()
        #: PERF: what came last, as it came, if nothing is in the buffer and all of it may be body:
        #: a long one that is read as fast as it comes is never copied.
        self._piece = b""
        self._searched = 0
        self._eof = False
        self._next = HEAD
        self._left = 0
        self._decoder: ChunkedDecoder | None = None
        self._request: RequestHead | None = None
        self._waits = False

    @property
    def buffered(self) -> int:
        """Number of received bytes without an event yet."""
        return len(self._buffer) + len(self._piece)

    def receive(self, data: bytes, now: float) -> None:
        """Keep bytes of the client.

        Args:
            data: The bytes; none mean that the client sends no more.
            now: The time, in seconds of the caller's clock.
        """
        if not data:
            self._eof = True
            return
        if self._next is FAILED:
            return
        if self._next is HEAD and not self._buffer:
            self.deadline = now + self._limits.header_timeout
        elif self._waits:
            self.deadline = now + self._limits.body_timeout
        if self._next is LENGTH and not self._buffer:
            if not self._piece and len(data) <= _PIECE:
                self._piece = data
                return
            self._buffer += self._piece
            self._piece = b""
        self._buffer += data

    def next_event(self, now: float) -> HTTPEvent | None:
        """Return the next event, or ``None``.

        ``None`` if more data is needed, or if the request is complete and its response is not.

        Args:
            now: The time; not used by this protocol.

        Raises:
            ProtocolError: The client broke the protocol or a limit; see :meth:`refusal`.
        """
        try:
            event = self._read()
            if event is None and self._eof and self._next not in (DONE, FAILED):
                event = self._ended()
        except ProtocolError:
            self._next = FAILED
            self._buffer.clear()
            self._piece = b""
            self.deadline = None
            raise
        if event is not None and self._waits:
            self.wait_for_body(False, now)
        return event

    def _read(self) -> HTTPEvent | None:
        if self._next is HEAD:
            return self._read_head() if self._buffer else None
        if self._next is DONE:
            return None
        if self._next is LENGTH:
            return self._read_piece()
        if self._next is CHUNKED:
            assert self._decoder is not None
            event = self._decoder.read(self._buffer)
            if isinstance(event, EndOfMessage):
                self._next = DONE
            return event
        if self._next is END:
            self._next = DONE
            return EndOfMessage([])
        return None

    def _read_head(self) -> RequestHead | None:
        buffer = self._buffer
        if buffer[:2] == b"\r\n" and self._searched == 0:
            # §2.2: one empty line before the request line is allowed.
            del buffer[:2]
            self._searched = 1
        # The first error is reported, however the head arrives.
        if buffer and not 0x21 <= buffer[0] <= 0x7E and buffer != b"\r":
            raise ProtocolError(400, "What was sent is not HTTP.")
        end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3))
        longest = self._limits.header_bytes
        if end < 0 or end > longest:
            self._check_unfinished(longest)
            return None
        head = bytes(buffer[: end + 4])
        del buffer[: end + 4]
        self._searched = 0
        self.deadline = None
        request, length = parse(head, self._limits)
        self._request = request
        if length is None:
            self._next, self._decoder = CHUNKED, ChunkedDecoder(self._limits)
        elif length:
            self._next, self._left = LENGTH, length
        else:
            self._next = END
        return request

    def _check_unfinished(self, longest: int) -> None:
        """Refuse bytes that cannot become a head, without waiting for its end."""
        buffer = self._buffer
        if buffer == b"\r" or not buffer:
            return
        # §2.2: a line that ends with LF alone is malformed, and its client would wait forever.
        # What follows a head that is too long does not count, however much of it has arrived.
        looked, end = self._searched, longest + 4
        if buffer.count(b"\n", looked, end) != buffer.count(b"\r\n", max(0, looked - 1), end):
            raise ProtocolError(400, "A line of the request's head ends with LF alone.")
        # SECURITY: bytes are searched only once (CVE-2026-54277, aiohttp).
        self._searched = len(buffer)
        if len(buffer) > longest + 3:  # Three bytes of the empty line may have arrived.
            if buffer.find(b"\r\n", 0, longest) < 0:
                raise ProtocolError(414, f"The request line has more than {longest} bytes.")
            raise ProtocolError(431, f"The request's head has more than {longest} bytes.")

    def _read_piece(self) -> Data | EndOfMessage | None:
        if not self._left:
            self._next = DONE
            return EndOfMessage([])
        buffer = self._buffer
        data, self._piece = self._piece, b""
        if not data:
            with memoryview(buffer) as view:
                data = bytes(view[: min(self._left, _PIECE)])
            if not data:
                return None
            del buffer[: len(data)]
        elif len(data) > self._left:
            buffer += data[self._left :]
            data = data[: self._left]
        self._left -= len(data)
        return Data(data)

    def _ended(self) -> ConnectionClosed:
        """The client closed its side before the end of a request. (§8.)"""
        if self._next is HEAD and not self._buffer:
            self._next = FAILED
            self.deadline = None
            return ConnectionClosed()
        raise ProtocolError(400, "The request ended before it was complete.")

    def wait_for_body(self, waiting: bool, now: float) -> None:
        """Note whether the app waits for more of the body: only then the deadline applies.

        Args:
            waiting: Whether it waits.
            now: The time, in seconds of the caller's clock.
        """
        self._waits = waiting
        self.deadline = now + self._limits.body_timeout if waiting else None

    def expire(self, now: float) -> bool:
        """Check the deadline.

        Args:
            now: The time, in seconds of the caller's clock.

        Returns:
            ``True`` if the connection may be closed without a response.

        Raises:
            ProtocolError: A request that has begun is overdue (408).
        """
        if self.deadline is None or now < self.deadline:
            return False
        self.deadline = None
        if self._next is HEAD and not self._buffer:
            self._next = FAILED
            return True
        self._next = FAILED
        raise ProtocolError(408, "The request was not complete in time.")

    def upgraded(self) -> bytes:
        """Return the bytes after the head, for the next protocol. (RFC 9110 §7.8.)"""
        data = bytes(self._buffer)
        self._buffer.clear()
        self._next = FAILED
        self.deadline = None
        return data

    def next_request(self, now: float) -> None:
        """Continue after a complete request, whose response is complete.

        Args:
            now: The time, in seconds of the caller's clock.
        """
        self._request = self._decoder = None
        self._next = HEAD
        self._waits = False
        limits = self._limits
        self.deadline = now + (limits.header_timeout if self._buffer else limits.keep_alive_timeout)
