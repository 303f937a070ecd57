"""permessage-deflate: negotiation, and the bytes of one message in both directions. (:rfc:`7692`.)

``websocket.py`` decides which messages are compressed and how long one may be; ``handshake.py``
parses the header. Inflating never exceeds the given room.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import Protocol

from .handshake import Extension

NAME = "permessage-deflate"

# §7.1.2: 8 to 15, "without leading zeros"; a parameter that may not have a value has none.
_BITS = re.compile("[89]|1[0-5]")
_MAY_BE_BARE = {
    "server_no_context_takeover",
    "client_no_context_takeover",
    "client_max_window_bits",
}
_MAY_HAVE_BITS = {"server_max_window_bits", "client_max_window_bits"}

# A window of 2**15 costs 256 KiB a connection for compressing and 32 KiB for inflating; of these,
# 32 KiB and 4 KiB remain. As in websockets: 12 bits and memory level 5 compress as well.
_WINDOW_BITS = 12
_MEMORY_LEVEL = 5
# zlib cannot compress with a window of 2**8, and inflates with 2**9 at least.
_SMALLEST_BITS = 9

# §7.2.3.4: a message may consist of several streams of deflate, which is rarely used.
# SECURITY: each costs a copy of the rest.
_MOST_STREAMS = 64

# §7.2.1, §7.2.2: the end of each message in deflate's own stream, which is not sent.
_TAIL = b"\x00\x00\xff\xff"


class _Compressor(Protocol):
    """What ``zlib.compressobj()`` returns; its class has no public name."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


class _Decompressor(Protocol):
    """What ``zlib.decompressobj()`` returns; its class has no public name."""

    @property
    def unused_data(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, /, max_length: int = ...) -> bytes: ...


class TooLong(Exception):
    """A message is too long after inflation."""


class Deflate:
    """Both directions of one connection; the states of zlib are created with the first message.

    Args:
        deflate_bits: Base-two logarithm of the window that the client inflates with.
        inflate_bits: The same of the window that the client compresses with.
        deflate_fresh: Whether the client resets its window after each message.
        inflate_fresh: Whether the client compresses each message separately.
        answer: The value for the handshake.
    """

    __slots__ = (
        "_deflate_bits",
        "_deflate_fresh",
        "_deflater",
        "_inflate_bits",
        "_inflate_fresh",
        "_inflater",
        "_streams",
        "answer",
    )

    def __init__(
        self,
        deflate_bits: int = _WINDOW_BITS,
        inflate_bits: int = 15,
        deflate_fresh: bool = False,
        inflate_fresh: bool = False,
        answer: bytes = b"",
    ) -> None:
        self.answer = answer
        self._deflate_bits = deflate_bits
        self._deflate_fresh = deflate_fresh
        self._inflate_bits = max(inflate_bits, _SMALLEST_BITS)
        self._inflate_fresh = inflate_fresh
        self._deflater: _Compressor | None = None
        self._inflater: _Decompressor | None = None
        self._streams = 0

    def compress(self, message: bytes) -> bytes:
        """Return the payload of a whole message. (§7.2.1.)

        Args:
            message: The message.

        Returns:
            The payload.
        """
        deflater = self._deflater
        if deflater is None:
            deflater = zlib.compressobj(wbits=-self._deflate_bits, memLevel=_MEMORY_LEVEL)
        payload = deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH)
        self._deflater = None if self._deflate_fresh else deflater
        return payload[: -len(_TAIL)]

    def inflate(self, payload: bytes, room: int) -> bytes:
        """Inflate a piece of a message's payload. (§7.2.2.)

        Args:
            payload: The next bytes.
            room: Maximum number of inflated bytes.

        Returns:
            The inflated bytes.

        Raises:
            TooLong: The message exceeds ``room``, or consists of too many streams. No more than
                ``room`` was inflated.
            zlib.error: The bytes are not in deflate's format.
        """
        inflated = b""
        while payload:
            inflater = self._inflater
            if inflater is None:
                inflater = self._inflater = zlib.decompressobj(-self._inflate_bits)
            # SECURITY: CVE-2018-1000518. A bomb inflates to one byte more than the room.
            inflated += inflater.decompress(payload, room - len(inflated) + 1)
            if len(inflated) > room:
                raise TooLong
            payload = inflater.unused_data
            if inflater.eof:
                # §7.2.3.4: a stream may end (BFINAL) in a message, and another one begin.
                self._inflater = None
                self._streams += 1
                if self._streams > _MOST_STREAMS:
                    raise TooLong
        return inflated

    def end(self, room: int) -> bytes:
        """Return the rest of a message whose payload is complete.

        Args:
            room: How many bytes the message may still grow by.

        Returns:
            The rest of the message.

        Raises:
            TooLong: As :meth:`inflate`.
            zlib.error: As :meth:`inflate`.
        """
        rest = b"" if self._inflater is None else self.inflate(_TAIL, room)
        self._streams = 0
        if self._inflate_fresh:
            self._inflater = None
        return rest


def negotiate(offers: Iterable[Extension]) -> Deflate | None:
    """Accept the first offer that can be met; the client's first choice comes first. (§5.1.)

    Args:
        offers: The extensions that the client offers.

    Returns:
        The extension; ``None`` if it offers none that can be met.
    """
    for offer in offers:
        if offer.name == NAME:
            accepted = _accept(offer)
            if accepted is not None:
                return accepted
    return None


def _accept(offer: Extension) -> Deflate | None:
    """Return the agreement; ``None`` for parameters that §7 requires to decline."""
    asked = dict(offer.parameters)
    if len(asked) != len(offer.parameters) or not all(map(_is_known, asked.items())):
        return None
    answer = [NAME]
    # §7.1.1.1 must be met; §7.1.1.2 is a hint, with which no window is needed either.
    fresh = [side for side in ("server", "client") if f"{side}_no_context_takeover" in asked]
    answer += [f"{side}_no_context_takeover" for side in fresh]
    bits = {"server": _WINDOW_BITS, "client": 15}
    for side in bits:
        parameter = f"{side}_max_window_bits"
        if parameter in asked:
            bits[side] = min(int(asked[parameter] or 15), _WINDOW_BITS)
            answer.append(f"{parameter}={bits[side]}")
    if bits["server"] < _SMALLEST_BITS:
        return None
    return Deflate(
        deflate_bits=bits["server"],
        inflate_bits=bits["client"],
        deflate_fresh="server" in fresh,
        inflate_fresh="client" in fresh,
        answer="; ".join(answer).encode("ascii"),
    )


def _is_known(parameter: tuple[str, str | None]) -> bool:
    name, value = parameter
    if value is None:
        return name in _MAY_BE_BARE
    return name in _MAY_HAVE_BITS and _BITS.fullmatch(value) is not None
