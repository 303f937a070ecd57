"""The server's side of a websocket: bytes in, messages out, and messages in, bytes out.

wsproto reads the frames; ``frame_limits.py`` checks the limits of a message on their headers,
before a payload is stored. ``handshake.py`` has the opening handshake, ``deflate.py`` the
compression. Section numbers alone are those of :rfc:`6455`.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable
from struct import Struct

from wsproto.frame_protocol import CloseReason, FrameDecoder, Opcode, ParseFailed

from .asgi_state import CLOSE_CODES, REASON_BYTES, IllegalMessage
from .deflate import negotiate
from .events import (
    BytesMessage,
    Disconnect,
    ProtocolError,
    RequestHead,
    TextMessage,
    WebsocketEvent,
)
from .frame_limits import FrameLimits
from .handshake import Handshake
from .limits import Limits

# §5.5: the maximum payload of a control frame.
_CONTROL_BYTES = 125

# SECURITY: maximum size of pongs for a client that sends pings and does not read. §5.5.3: the last
# pong is enough.
_PONG_BYTES = 65536

# A shorter message is not compressed: this saves little, and costs more than all the rest.
_WORTH_COMPRESSING = 128

# §5.2: the first byte of a frame that is a whole message; the payload's length follows.
_FIN = 0x80
_RSV1 = 0x40
_MEDIUM = Struct("!BBH")
_LONG = Struct("!BBQ")
_CODE = Struct("!H")

_TEXT = Opcode.TEXT
_PING = Opcode.PING
_CLOSE = Opcode.CLOSE

_UTF8 = getincrementaldecoder("utf-8")

# States: what may still be sent and what is still read.
_CONNECTING = "CONNECTING"
_OPEN = "OPEN"
_CLOSING = "CLOSING"  # The server's close frame is sent, the client's has not arrived.
_CLOSED = "CLOSED"


class WebSocket:
    """The server's side of one websocket connection. (:rfc:`6455`, :rfc:`7692`.)

    Args:
        request: The head of the client's handshake.
        limits: ``message_bytes`` and ``fragments`` per message; ``header_bytes`` until accepted.
        compress: Whether permessage-deflate is accepted.

    Attributes:
        subprotocols: The subprotocols that the client offers.
        closed: Nothing more is read or sent; the transport may be closed after :meth:`output`.
        date: Value of the header ``Date``; none is written if it is empty.
        server: Value of the header ``Server``; none is written if it is empty.

    Raises:
        ProtocolError: The handshake is malformed (400), or has another version (426).
    """

    __slots__ = (
        "_checker",
        "_deflate",
        "_eof",
        "_frame_limits",
        "_frames",
        "_handshake",
        "_limits",
        "_message",
        "_opcode",
        "_output",
        "_state",
        "closed",
        "date",
        "server",
        "subprotocols",
    )

    def __init__(self, request: RequestHead, limits: Limits, *, compress: bool = True) -> None:
        self._handshake: Handshake | None = Handshake(request)
        self._limits = limits
        self.subprotocols = self._handshake.subprotocols
        self.date = b""
        self.server = b""
        self.closed = False
        self._deflate = negotiate(self._handshake.extensions) if compress else None
        self._frame_limits = FrameLimits(limits, self._deflate)
        self._frames = FrameDecoder(False, [self._frame_limits])
        self._state = _CONNECTING
        self._eof = False
        self._output = bytearray()
        # The current message: its type, its bytes, and the decoder that checks text.
        self._opcode: Opcode | None = None
        self._message = bytearray()
        self._checker = _UTF8()

    # -- the handshake -----------------------------------------------------------------------------

    def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> bytes:
        """Return the 101 that opens the websocket, or nothing if the client has disconnected.

        Args:
            subprotocol: One of :attr:`subprotocols`.
            headers: The headers of the app.

        Raises:
            IllegalMessage: The websocket is already accepted, the subprotocol was not offered, or a
                header is malformed or belongs to the handshake.

        Source: ``ASGI: websocket.accept``, §4.2.2.
        """
        if self._state is _CLOSED:
            return b""
        if self._handshake is None:
            raise IllegalMessage("'websocket.accept' was sent twice. Accept a websocket once.")
        headers = [*headers]
        given = {name.lower() for name, _ in headers}
        for name, value in ((b"Date", self.date), (b"Server", self.server)):
            if value and name.lower() not in given:
                headers.append((name, value))
        extension = self._deflate.answer if self._deflate else b""
        answer = self._handshake.answer(subprotocol, extension, headers)
        self._handshake = None
        self._state = _OPEN
        return answer

    # -- from the client ---------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Number of received bytes without an event yet."""
        return len(self._frames.buffer) + len(self._message)

    def receive(self, data: bytes) -> None:
        """Keep bytes of the client; ``b""`` means that it sends no more.

        Args:
            data: The bytes, cut anywhere.
        """
        if not data:
            self._eof = True
        elif not self.closed:
            self._frames.receive_bytes(data)

    def next_event(self) -> WebsocketEvent | None:
        """Return the next message, or the end, once; ``None`` while more data is needed.

        Pings and the client's close are answered: call :meth:`output` after each call. A message
        that breaks the protocol or a limit ends the websocket with a :class:`Disconnect`.

        Raises:
            ProtocolError: The client sends more than is kept before it is accepted (400).
        """
        if self.closed:
            return None
        if self._state is _CONNECTING:
            return self._early()
        process = self._frames.process_buffer
        try:
            while (frame := process()) is not None:
                opcode, payload, ended, last = frame
                assert isinstance(payload, bytes)  # The decoder returns undecoded frames.
                event = self._process(opcode, payload, ended and last)
                if event is not None:
                    return event
        except UnicodeDecodeError:
            # §8.1
            return self._fail(CloseReason.INVALID_FRAME_PAYLOAD_DATA, "Text that is not UTF-8.")
        except ParseFailed as error:
            return self._fail(error.code, self._frame_limits.reason or str(error))
        if self._eof:
            return self._end(1006, "")  # §7.1.5
        return None

    def _process(self, opcode: Opcode, payload: bytes, complete: bool) -> WebsocketEvent | None:
        """Handle a frame, or the part of it that has arrived; return the event that it completes.

        ``opcode`` is the message's type, also of a continuation; ``complete``: it ends here.
        """
        if opcode >= _CLOSE:
            return self._control(opcode, payload)
        if self._state is _CLOSING:
            return None  # The app has closed and reads no more.
        if complete and self._opcode is None:
            return TextMessage(payload.decode()) if opcode is _TEXT else BytesMessage(payload)
        return self._piece(opcode, payload, complete)

    def _early(self) -> Disconnect | None:
        """Check bytes that arrived before the websocket was accepted.

        §4.1 has the client wait; other clients are allowed, within the limits of a head.
        """
        if self._eof:
            return self._end(1006, "")
        if self.buffered > self._limits.header_bytes:
            raise ProtocolError(400, "The client sent too much before the websocket was accepted.")
        return None

    def _control(self, opcode: Opcode, payload: bytes) -> Disconnect | None:
        """Handle a control frame. (§5.5.)"""
        if opcode is _CLOSE:
            return self._closed_by_client(payload)
        if opcode is _PING:
            # §5.5.2: a ping is answered unless a close frame was received.
            if len(self._output) > _PONG_BYTES:
                self._output.clear()
            self._output += _frame(_FIN | Opcode.PONG, payload)
        return None

    def _closed_by_client(self, payload: bytes) -> Disconnect:
        """Handle a close frame, and answer it if it is not an answer itself. (§5.5.1.)"""
        if not payload:
            code = 1005  # §7.1.5
        elif len(payload) == 1 or _CODE.unpack_from(payload)[0] not in CLOSE_CODES:
            return self._fail(CloseReason.PROTOCOL_ERROR, "A close frame without a valid code.")
        else:
            (code,) = _CODE.unpack_from(payload)
        reason = payload[2:].decode()
        if self._state is _OPEN:
            self._output += _frame(_FIN | _CLOSE, payload[:2])
        return self._end(code, reason)

    def _piece(
        self, opcode: Opcode, payload: bytes, complete: bool
    ) -> TextMessage | BytesMessage | None:
        """Join the pieces of a message, whether frames or reads.

        SECURITY: aiohttp's PR 13350. The pieces are not kept as objects, each of which needs more
        memory than its bytes; text is checked as it arrives (§8.1), and decoded at its end.
        """
        if self._opcode is None:
            self._opcode = opcode
        if self._opcode is _TEXT:
            self._checker.decode(payload, complete)
        self._message += payload
        if not complete:
            return None
        text, message = self._opcode is _TEXT, self._message
        self._opcode, self._message = None, bytearray()
        return TextMessage(message.decode()) if text else BytesMessage(bytes(message))

    def _fail(self, code: int, reason: str) -> Disconnect:
        """Fail the connection: send the reason, and read no more. (§7.1.7.)"""
        if self._state is _OPEN:
            self._output += _close_frame(code, reason)
        return self._end(code, reason)

    def _end(self, code: int, reason: str) -> Disconnect:
        self._state = _CLOSED
        self.closed = True
        self._message = bytearray()
        self._frames.buffer.buffer.clear()
        return Disconnect(int(code), reason)

    # -- to the client -----------------------------------------------------------------------------

    def output(self) -> bytes:
        """Return the bytes to write that the app has not sent: pongs, and close frames."""
        if not self._output:
            return b""
        due = bytes(self._output)
        self._output.clear()
        return due

    def send(self, data: str | bytes) -> bytes:
        """Return a message's frame; nothing if either side has closed.

        Args:
            data: The message; text is sent as UTF-8.

        Raises:
            IllegalMessage: The websocket is not accepted yet, or the text has a surrogate.

        Source: ``ASGI: websocket.send``, §5.6.
        """
        if self._state is not _OPEN:
            self._check_accepted("websocket.send")
            return b""
        first = _FIN | Opcode.BINARY
        if isinstance(data, str):
            first = _FIN | _TEXT
            data = _encoded("websocket.send", "text", data)
        if self._deflate is not None and len(data) >= _WORTH_COMPRESSING:
            return _frame(first | _RSV1, self._deflate.compress(data))
        return _frame(first, data)

    def ping(self, payload: bytes = b"") -> bytes:
        """Return a ping, which a connected client answers; nothing if either side has closed.

        Args:
            payload: At most 125 bytes, which the pong returns. (§5.5.2.)

        Raises:
            ValueError: The payload is longer.
        """
        if len(payload) > _CONTROL_BYTES:
            raise ValueError(
                f"A ping has room for 125 bytes, and the payload has {len(payload)}. Shorten it."
            )
        return _frame(_FIN | _PING, payload) if self._state is _OPEN else b""

    def close(self, code: int = 1000, reason: str = "") -> bytes:
        """Return the close frame; nothing if either side has closed.

        The client's answer is a :class:`Disconnect`; messages before it are discarded.

        Args:
            code: 1000 to 1003, 1007 to 1014, 3000 to 4999. (§7.4.)
            reason: At most 123 bytes of UTF-8.

        Raises:
            IllegalMessage: The websocket is not accepted yet, or code or reason are not allowed.

        Source: ``ASGI: websocket.close``, §5.5.1.
        """
        if code not in CLOSE_CODES:
            raise IllegalMessage(
                f"'websocket.close' was sent with code={code!r}, which a close frame must not"
                " have. Use 1000 (normal), 1001 (going away), 1008 (policy), 1011 (error), or"
                " your own from 4000 to 4999."
            )
        size = len(_encoded("websocket.close", "reason", reason))
        if size > REASON_BYTES:
            raise IllegalMessage(
                f"'websocket.close' was sent with reason={reason[:40]!r}… of {size} bytes; a close"
                f" frame has room for {REASON_BYTES}. Send the details as a message before."
            )
        if self._state is not _OPEN:
            self._check_accepted("websocket.close")
            return b""
        self._state = _CLOSING
        self._opcode, self._message = None, bytearray()
        return _close_frame(code, reason)

    def _check_accepted(self, message: str) -> None:
        if self._state is _CONNECTING:
            raise IllegalMessage(
                f"{message!r} was sent to a websocket that is not accepted yet. Send"
                " 'websocket.accept' before, or refuse it with an HTTP response."
            )


def _frame(first: int, payload: bytes) -> bytes:
    """Return a whole frame; a server does not mask. (§5.1, §5.2.)"""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return _MEDIUM.pack(first, 126, size) + payload
    return _LONG.pack(first, 127, size) + payload


def _close_frame(code: int, reason: str) -> bytes:
    return _frame(_FIN | _CLOSE, _CODE.pack(code) + reason.encode())


def _encoded(message: str, field: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise IllegalMessage(
            f"{message!r} was sent with {field}={text[:40]!r}, whose character {error.start} is a"
            " surrogate, for which UTF-8 has no bytes. Decode or replace it before."
        ) from None
