"""A client's end of a websocket for tests: frames as :rfc:`6455` §5.2 draws them."""

from __future__ import annotations

import struct

from asyncflask.protocol.events import Disconnect, RequestHead
from asyncflask.protocol.limits import Limits
from asyncflask.protocol.websocket import WebSocket

KEY = b"\x37\xfa\x21\x3d"
HANDSHAKE = [
    (b"host", b"a"),
    (b"connection", b"Upgrade"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    (b"sec-websocket-version", b"13"),
]
DEFLATE = [(b"sec-websocket-extensions", b"permessage-deflate")]


def frame(opcode, payload=b"", *, fin=True, rsv=0, masked=True, length=None):
    """Make a frame; ``length`` announces another length than the payload has."""
    size = len(payload) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    mask = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    if not masked:
        return head + payload
    key = int.from_bytes((KEY * (len(payload) // 4 + 1))[: len(payload)], "big")
    data = (int.from_bytes(payload, "big") ^ key).to_bytes(len(payload), "big")
    return head + KEY + data


def text(payload, **options):
    """Make a text frame."""
    return frame(1, payload.encode() if isinstance(payload, str) else payload, **options)


def binary(payload, **options):
    """Make a binary frame."""
    return frame(2, payload, **options)


def more(payload, **options):
    """Make a continuation frame."""
    return frame(0, payload.encode() if isinstance(payload, str) else payload, **options)


def ping(payload=b"", **options):
    """Make a ping."""
    return frame(9, payload, **options)


def pong(payload=b"", **options):
    """Make a pong."""
    return frame(10, payload, **options)


def close(code=1000, reason=b"", **options):
    """Make a close frame."""
    return frame(8, struct.pack("!H", code) + reason, **options)


def request(*headers, method="GET", version="1.1", upgrade="websocket", handshake=HANDSHAKE):
    """Make the head of a handshake."""
    fields = [*handshake, *headers]
    return RequestHead(method, b"/", "/", b"/", b"", fields, version, False, True, False, upgrade)


def accepted(*headers, limits=None, **options):
    """Make a websocket that is open."""
    websocket = WebSocket(request(*headers), limits or Limits(), **options)
    websocket.accept()
    return websocket


def exchange(websocket, pieces):
    """Let a client send; return the events and the frames that were sent as replies."""
    events, output = [], b""
    for piece in pieces:
        websocket.receive(piece)
        while True:
            event = websocket.next_event()
            output += websocket.output()
            if event is None:
                break
            events.append(event)
            if isinstance(event, Disconnect):
                return events, output
    return events, output


def control_frames(output):
    """Read control frames of the server's, as pairs of opcode and payload."""
    found, at = [], 0
    while at < len(output):
        end = at + 2 + output[at + 1]
        found.append((output[at] & 15, output[at + 2 : end]))
        at = end
    return found


def answered_code(output):
    """Return the code of the close frame in ``output``, ``None`` without one."""
    codes = [payload[:2] for opcode, payload in control_frames(output) if opcode == 8]
    return struct.unpack("!H", codes[0])[0] if codes and codes[0] else None
