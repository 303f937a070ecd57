"""Limits of websocket messages, checked on each frame's header and during decompression.

wsproto parses the frames, without a limit. It passes them to its extensions, so
:class:`FrameLimits` is one. wsproto checks the limits of control frames itself. (:rfc:`6455` §5.5.)
"""

from __future__ import annotations

import zlib

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

from .deflate import Deflate, TooLong
from .limits import Limits

_CONTINUATION = Opcode.CONTINUATION
_CLOSE = Opcode.CLOSE
_NO_BITS = RsvBits(False, False, False)
_COMPRESSED_BIT = RsvBits(True, False, False)


class FrameLimits(Extension):
    """Checks the limits of messages on each frame's header, and inflates within them.

    wsproto calls the hooks as it does for an extension. It passes an incomplete header again, so
    only the end of a frame may count.

    Args:
        limits: ``message_bytes`` and ``fragments``.
        deflate: The agreement with the client.

    Attributes:
        reason: Why a frame was refused, for the close frame.
    """

    name = "bounds"

    def __init__(self, limits: Limits, deflate: Deflate | None) -> None:
        self.reason = ""
        self._limits = limits
        self._deflate = deflate
        self._is_data = False
        self._compressed = False
        self._frames = 0  # Complete frames of the current message.
        self._size = 0  # Of the current message, after inflation.
        self._announced = 0  # Of the current frame.
        self._received = 0  # Before inflation.

    def offer(self) -> bool:
        """Offer nothing: this extension only checks."""
        return False

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Refuse a frame that is out of order or too long, before its payload is read.

        Args:
            proto: The state of wsproto's decoder.
            opcode: The kind of the frame.
            rsv: Its reserved bits.
            payload_length: The length of its payload, in bytes.

        Returns:
            The reserved bits that this extension uses, or the reason for closing.
        """
        self._is_data = opcode < _CLOSE
        if not self._is_data:
            return _NO_BITS
        # §5.4: fragments of one message are not interleaved with another's.
        if (opcode is _CONTINUATION) is not (self._frames > 0):
            return self._refuse(CloseReason.PROTOCOL_ERROR, "A fragment out of order.")
        if self._frames == 0:
            self._compressed = rsv.rsv1
        self._announced = payload_length
        # SECURITY: CVE-2026-54274 (aiohttp). Do not wait for a frame that is announced and never
        # finished. Deflate may lengthen incompressible data, by an eighth at most.
        room = self._limits.message_bytes
        if self._compressed:
            room += (room >> 3) + 64
        if self._received + payload_length > room:
            return self._refuse(CloseReason.MESSAGE_TOO_BIG, "The message is too big.")
        if self._frames >= self._limits.fragments:
            return self._refuse(CloseReason.MESSAGE_TOO_BIG, "The message has too many fragments.")
        # RFC 7692 §6: only the first frame of a message says that it is compressed.
        if self._deflate is not None and self._frames == 0:
            return _COMPRESSED_BIT
        return _NO_BITS

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """Inflate a piece of a frame.

        Args:
            proto: The state of wsproto's decoder.
            data: The piece, unmasked.

        Returns:
            The inflated bytes, or the reason for closing.
        """
        if not (self._is_data and self._compressed):
            return bytes(data)  # COMPAT: wsproto 1.2 has a bytearray here.
        return self._inflated(data, False)

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """Count a frame, and reset the counts at the end of a message.

        Args:
            proto: The state of wsproto's decoder.
            fin: Whether the frame ends its message.

        Returns:
            The rest of the message, if there is one, or the reason for closing.
        """
        if not self._is_data:
            return None
        self._frames += 1
        self._received += self._announced
        if not fin:
            return None
        rest = self._inflated(b"", True) if self._compressed else None
        self._frames = self._size = self._received = 0
        return rest

    def _inflated(self, data: bytes, end: bool) -> bytes | CloseReason:
        assert self._deflate is not None  # Otherwise wsproto has refused the bit.
        room = self._limits.message_bytes - self._size
        try:
            if end:
                inflated = self._deflate.end(room)
            else:
                inflated = self._deflate.inflate(data, room)
        except TooLong:
            return self._refuse(CloseReason.MESSAGE_TOO_BIG, "The message is too big, inflated.")
        except zlib.error:
            return self._refuse(CloseReason.INVALID_FRAME_PAYLOAD_DATA, "Compressed wrongly.")
        self._size += len(inflated)
        return inflated

    def _refuse(self, code: CloseReason, reason: str) -> CloseReason:
        self.reason = reason
        return code
