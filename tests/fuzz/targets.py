"""What is fuzzed: functions of bytes that raise only if the protocol layer breaks a promise."""

from __future__ import annotations

import zlib

import h11

from asyncflask.protocol.chunked import ChunkedDecoder
from asyncflask.protocol.events import Data, Disconnect, EndOfMessage, ProtocolError, RequestHead
from asyncflask.protocol.http1 import HTTP1
from asyncflask.protocol.limits import Limits
from asyncflask.protocol.websocket import WebSocket

LIMITS = Limits(header_bytes=4096, message_bytes=4096, fragments=16)
KEY = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")
OPENING = [
    (b"connection", b"upgrade"),
    (b"upgrade", b"websocket"),
    KEY,
    (b"sec-websocket-version", b"13"),
]


class Broken(AssertionError):
    """A promise was broken."""


def _http(pieces: list[bytes]) -> list[object]:
    """Read and answer requests until nothing more comes; an error ends the list."""
    http, events = HTTP1(LIMITS, 0.0), []
    for piece in pieces:
        http.receive(piece, 0.0)
        while True:
            try:
                event = http.next_event(0.0)
            except ProtocolError as error:
                http.refusal(error)
                return [*events, error.status]
            if event is None:
                break
            events.append(event)
            if isinstance(event, EndOfMessage):
                http.start(200, [])
                http.body(b"ok", False)
                if not http.keep_alive:
                    return events
                http.next_request(0.0)
    return events


def _joined(events: list[object]) -> list[object]:
    """Put the pieces of a body together: where they are cut does not matter."""
    joined: list[object] = []
    for event in events:
        if isinstance(event, Data) and joined and isinstance(joined[-1], bytes):
            joined[-1] += event.data
        else:
            joined.append(event.data if isinstance(event, Data) else event)
    return joined


def http1(data: bytes) -> None:
    """Any bytes are requests or a ProtocolError, and the same ones wherever they are split."""
    whole = _joined(_http([data]))
    cut = data[0] + 1 if data else 0  # An empty piece would be the client's end.
    split = _joined(_http([data[:cut], *(bytes([byte]) for byte in data[cut:])]))
    if whole != split and not (isinstance(whole[-1], int) and isinstance(split[-1], int)):
        raise Broken(f"whole {whole!r}, split {split!r}")


def differs_from_h11(data: bytes) -> None:
    """A head that is accepted means to h11 what it means here."""
    http = HTTP1(LIMITS, 0.0)
    http.receive(data, 0.0)
    try:
        ours = http.next_event(0.0)
    except ProtocolError:
        return
    if not isinstance(ours, RequestHead):
        return
    other = h11.Connection(h11.SERVER)
    other.receive_data(data.removeprefix(b"\r\n"))
    theirs = other.next_event()
    if not isinstance(theirs, h11.Request):
        raise Broken(f"h11 has {theirs!r} for {ours!r}")
    if (ours.method.encode(), ours.target) != (theirs.method, theirs.target):
        raise Broken(f"{ours!r} is {theirs!r} to h11")
    names = {name for name, _ in theirs.headers}
    if ours.has_body and not names & {b"content-length", b"transfer-encoding"}:
        raise Broken(f"{ours!r} has a body, {theirs!r} none")


def chunked(data: bytes) -> None:
    """Any bytes are chunks or a ProtocolError, and nothing is read twice."""
    chunks, buffer, read = ChunkedDecoder(LIMITS), bytearray(data), 0
    try:
        while (event := chunks.read(buffer)) is not None:
            if isinstance(event, EndOfMessage):
                break
            read += len(event.data)
    except ProtocolError:
        return
    if read + len(buffer) > len(data):
        raise Broken("More was read than came.")


def _websocket(data: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    head = RequestHead("GET", b"/", "/", b"/", b"", headers, "1.1", False, True, False, "websocket")
    websocket = WebSocket(head, LIMITS)
    websocket.accept()
    half = len(data) // 2
    for piece in (data[:half], data[half:], b""):
        websocket.receive(piece)
        while (event := websocket.next_event()) is not None:
            websocket.output()
            if isinstance(event, Disconnect):
                return
            if len(event.data) > LIMITS.message_bytes:
                raise Broken("A message beyond the limit.")
    raise Broken("No end.")


def frames(data: bytes) -> None:
    """Any bytes behind the handshake are messages and an end."""
    _websocket(data, OPENING)


def compressed_frames(data: bytes) -> None:
    """So are any bytes where compression was agreed on."""
    _websocket(data, [*OPENING, (b"sec-websocket-extensions", b"permessage-deflate")])


def handshakes(data: bytes) -> None:
    """Any values of the handshake's fields are a websocket or a ProtocolError."""
    protocols, _, rest = data.partition(b"\n")
    extensions, _, key = rest.partition(b"\n")
    headers = [
        *((name, key or value) if name == KEY[0] else (name, value) for name, value in OPENING),
        (b"sec-websocket-protocol", protocols),
        (b"sec-websocket-extensions", extensions),
    ]
    head = RequestHead("GET", b"/", "/", b"/", b"", headers, "1.1", False, True, False, "websocket")
    try:
        websocket = WebSocket(head, LIMITS)
    except ProtocolError:
        return
    chosen = websocket.subprotocols[0] if websocket.subprotocols else None
    if websocket.accept(chosen).count(b"\r\n\r\n") != 1:
        raise Broken("The answer has no end, or two.")


_GET = b"GET /a?b HTTP/1.1\r\nHost: a\r\n"
_HELLO = zlib.compress(b"Hello", wbits=-15)
_FRAMES = [
    b"\x81\x85\x00\x00\x00\x00Hello",
    b"\x01\x83\x00\x00\x00\x00Hel\x89\x80\x00\x00\x00\x00\x80\x82\x00\x00\x00\x00lo",
    b"\x82\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126,
    b"\x88\x82\x00\x00\x00\x00\x03\xe8",
]
_REQUESTS = [
    _GET + b"\r\n",
    b"\r\n" + _GET + b"Connection: close\r\n\r\n" + _GET + b"\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nHello" + _GET + b"\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;x=y\r\nHello\r\n0\r\nA: b\r\n\r\n",
    b"OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET http://a:80/ HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    b"GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
]

#: each target, and what its fuzzing begins with
TARGETS = {
    "http1": (http1, _REQUESTS),
    "differs_from_h11": (differs_from_h11, _REQUESTS),
    "chunked": (
        chunked,
        [b"5;x=y\r\nHello\r\n0\r\nA: b\r\n\r\n", b"0\r\n\r\n", b"A\r\n0123456789\r\n"],
    ),
    "frames": (frames, _FRAMES),
    "compressed_frames": (
        compressed_frames,
        [*_FRAMES, bytes([0xC1, 0x80 | len(_HELLO), 0, 0, 0, 0]) + _HELLO],
    ),
    "handshakes": (
        handshakes,
        [b"a, b\npermessage-deflate; client_max_window_bits=9\n", b'a\nx; y="z"\n' + KEY[1]],
    ),
}
