"""A chunked body: sizes, data, trailers. (:rfc:`9112` §7.1.)

It is not read by h11, which accepts a bare LF as the end of a trailer, and so may find another end
of the body than a proxy in front.
"""

from __future__ import annotations

import re

from .events import Data, EndOfMessage, Headers, ProtocolError
from .limits import Limits

# §7.1: a size of more digits is an attack. Extensions are ignored (§7.1.1).
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
# White space is stripped separately: a pattern for it at the end takes quadratic time.
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)")
_LINE = 4096  # bytes of a line with a size and its extensions
_PIECE = 64 * 1024  # from so many bytes on, no more chunks are joined in one event


class ChunkedDecoder:
    """Reads one chunked body from a connection's buffer.

    Args:
        limits: ``header_bytes`` and ``headers`` limit the trailers.
    """

    __slots__ = ("_left", "_limits", "_searched", "_trailer_bytes", "_trailers")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left: int | None = None  # Of the current chunk; None before a size.
        self._searched = 0
        self._trailers: Headers | None = None
        self._trailer_bytes = 0

    def read(self, buffer: bytearray) -> Data | EndOfMessage | None:
        """Remove the next event's bytes from ``buffer``; return ``None`` while there are too few.

        Args:
            buffer: The bytes that were received and not processed; the event's are removed.

        Returns:
            A piece of the body, the end of the message with its trailers, or ``None``.

        Raises:
            ProtocolError: The bytes are not a chunked body, or the trailers exceed the limits.
        """
        # SECURITY: thousands of small chunks in one read are one event (CVE-2025-69229, aiohttp).
        data = bytearray()
        while self._trailers is None and len(data) < _PIECE:
            if not self._left and not self._next_chunk(buffer):
                break
            if self._trailers is not None or self._left is None:
                break
            piece = buffer[: self._left]
            del buffer[: self._left]
            data += piece
            self._left -= len(piece)
            if self._left:
                break
        if data:
            return Data(bytes(data))
        return self._end(buffer) if self._trailers is not None else None

    def _next_chunk(self, buffer: bytearray) -> bool:
        """Read the end of the last chunk and the size of the next, if both have arrived."""
        if self._left == 0:
            if len(buffer) < 2:
                return False
            if buffer[:2] != b"\r\n":
                raise ProtocolError(400, "A chunk is longer than it says.")
            del buffer[:2]
            self._left = None
        line = self._line(buffer, _LINE, 400)
        if line is None:
            return False
        match = _SIZE.fullmatch(line)
        if match is None:
            raise ProtocolError(400, "The size of a chunk is not a hexadecimal number.")
        self._left = int(match[1], 16)
        if self._left == 0:
            self._trailers = []
        return True

    def _end(self, buffer: bytearray) -> EndOfMessage | None:
        """Read the trailers and the empty line. (§7.1.2.)"""
        assert self._trailers is not None
        while (line := self._line(buffer, self._limits.header_bytes, 431)) is not None:
            if not line:
                return EndOfMessage(self._trailers)
            # SECURITY: CVE-2026-22815 (aiohttp): they are counted together, however they arrive.
            self._trailer_bytes += len(line)
            field = _FIELD.fullmatch(line)
            if field is None:
                raise ProtocolError(400, "A trailer of the request is malformed.")
            self._trailers.append((field[1].lower(), field[2].strip(b" \t")))
            many = len(self._trailers) > self._limits.headers
            if many or self._trailer_bytes > self._limits.header_bytes:
                raise ProtocolError(431, "The request has more trailers than are accepted.")
        return None

    def _line(self, buffer: bytearray, longest: int, status: int) -> bytes | None:
        # SECURITY: bytes are searched only once (CVE-2026-54277, aiohttp).
        end = buffer.find(b"\r\n", max(0, self._searched - 1))
        if end < 0:
            # RFC 9112 §2.2: a line that ends with LF alone is always an error.
            if buffer.find(b"\n", self._searched) >= 0:
                raise ProtocolError(400, "A line of the request's body ends with LF alone.")
            self._searched = len(buffer)
            if self._searched > longest + 1:  # The CR may have arrived.
                raise ProtocolError(status, "A line of the request's body is too long.")
            return None
        self._searched = 0
        if end > longest:
            raise ProtocolError(status, "A line of the request's body is too long.")
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        return line
