"""permessage-deflate: what is agreed on, and the bytes of one message either way. (:rfc:`7692`.)

Which messages are compressed and how long one may be is ``websocket.py``'s; the grammar of the
header is ``handshake.py``'s. Nothing here inflates more than it was told that there is room for.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

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
# 32 KiB and 4 KiB are left. websockets' precedent: 12 bits and memory level 5 compress as well.
_WINDOW_BITS = 12
_MEMORY_LEVEL = 5
# zlib cannot compress with a window of 2**8, and what it inflates with is no less than 2**9.
_SMALLEST_BITS = 9

# §7.2.3.4: a message may consist of several streams of deflate, which hardly anybody makes use of.
# SECURITY: each costs a copy of what is left to inflate.
_MOST_STREAMS = 64

# §7.2.1, §7.2.2: what ends each message in deflate's own stream, and is not sent.
_TAIL = b"\x00\x00\xff\xff"


class TooLong(Exception):
    """A message inflates to more than there is room for."""


class Deflate:
    """Both directions of one connection; what they need is made with the first message.

    Args:
        deflate_bits: Base-two logarithm of the window that the client inflates with.
        inflate_bits: The same of the window that the client compresses with.
        deflate_fresh: Whether the client forgets its window after each message.
        inflate_fresh: Whether it compresses each message by itself.
        answer: What the handshake says of it.
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
        self._deflater: zlib._Compress | None = None
        self._inflater: zlib._Decompress | None = None
        self._streams = 0

    def compress(self, message: bytes) -> bytes:
        """Return the payload of a whole message. (§7.2.1.)"""
        deflater = self._deflater
        if deflater is None:
            deflater = zlib.compressobj(wbits=-self._deflate_bits, memLevel=_MEMORY_LEVEL)
        payload = deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH)
        self._deflater = None if self._deflate_fresh else deflater
        return payload[: -len(_TAIL)]

    def inflate(self, payload: bytes, room: int) -> bytes:
        """Return what a piece of a message's payload inflates to. (§7.2.2.)

        Args:
            payload: The next bytes, cut anywhere.
            room: How many bytes the message may still have.

        Raises:
            TooLong: There is more than ``room``, of which no more than that was inflated, or it
                consists of too many streams.
            zlib.error: This is not deflate's format.
        """
        inflated = b""
        while payload:
            inflater = self._inflater
            if inflater is None:
                inflater = self._inflater = zlib.decompressobj(-self._inflate_bits)
            # SECURITY: CVE-2018-1000518. One byte more than fits is all that a bomb is given.
            inflated += inflater.decompress(payload, room - len(inflated) + 1)
            if len(inflated) > room:
                raise TooLong
            payload = inflater.unused_data
            if inflater.eof:
                # §7.2.3.4: a stream may end (BFINAL) within a message, and another one begin.
                self._inflater = None
                self._streams += 1
                if self._streams > _MOST_STREAMS:
                    raise TooLong
        return inflated

    def end(self, room: int) -> bytes:
        """Return what is left of a message whose payload is complete.

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
    """Accept the first offer that can be met; the client lists what it likes best first. (§5.1.)"""
    for offer in offers:
        if offer.name == NAME:
            accepted = _accept(offer)
            if accepted is not None:
                return accepted
    return None


def _accept(offer: Extension) -> Deflate | None:
    """Return what is agreed on; ``None`` for parameters that §7 has us decline."""
    asked = dict(offer.parameters)
    if len(asked) != len(offer.parameters) or not all(map(_is_known, asked.items())):
        return None
    answer = [NAME]
    # §7.1.1.1 is a wish that has to be met, §7.1.1.2 a hint, with which we need no window either.
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
