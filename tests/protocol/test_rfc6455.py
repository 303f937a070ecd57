"""Cases after :rfc:`6455`, in the nine categories (and compression's two) of Autobahn's suite.

Each case runs whole, in single bytes and in threes. A case says what the client sends, which
events come of it, what is answered by itself, and with which code the websocket is failed.
"""

from __future__ import annotations

import itertools
import random
import struct
import zlib
from dataclasses import dataclass, field

import pytest
import wsproto.events
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import PerMessageDeflate

from asyncflask.protocol.events import BytesMessage, Disconnect, TextMessage
from asyncflask.protocol.limits import Limits

from .frames import (
    DEFLATE,
    KEY,
    accepted,
    answered_code,
    binary,
    close,
    control_frames,
    exchange,
    frame,
    more,
    ping,
    pong,
    text,
)


@dataclass
class Case:
    """What a client sends and what comes of it."""

    id: str
    sent: bytes
    events: list = field(default_factory=list)
    pongs: list = field(default_factory=list)
    code: int | None = None  # of our close frame


GOOD = "κόσμε-µ@ßöäüàá-UTF-8!!"
SIZES = (0, 1, 125, 126, 127, 128, 65535, 65536)
LIMIT = 1_000_000
FRAGMENTS = 1000
LIMITS = Limits(message_bytes=LIMIT, fragments=FRAGMENTS)


def _framing():
    for number, size in enumerate(SIZES):
        yield Case(f"1.1.{number}", text("*" * size), [TextMessage("*" * size)])
        yield Case(f"1.2.{number}", binary(b"\xfe" * size), [BytesMessage(b"\xfe" * size)])
        yield Case(f"1.unmasked.{size}", text("*" * size, masked=False), code=1002)
    both = text("a") + binary(b"b") + text("") + binary(b"")
    yield Case(
        "1.3", both, [TextMessage("a"), BytesMessage(b"b"), TextMessage(""), BytesMessage(b"")]
    )
    yield Case("1.mask of zeros", b"\x81\x81\0\0\0\0a", [TextMessage("a")])
    # §5.2: "the minimal number of bytes MUST be used to encode the length".
    for size in (0, 1, 125):
        long_form = struct.pack("!BBH", 0x82, 0x80 | 126, size)
        yield Case(f"1.longer.{size}.16", long_form + KEY + b"\0" * size, code=1002)
    for size in (0, 125, 126, 65535):
        long_form = struct.pack("!BBQ", 0x82, 0x80 | 127, size)
        yield Case(f"1.longer.{size}.64", long_form + KEY + b"\0" * size, code=1002)


def _pings():
    for number, payload in enumerate((b"", b"Hello", bytes(range(0, 250, 2)), b"\xff" * 125)):
        yield Case(f"2.{number + 1}", ping(payload), pongs=[payload])
    yield Case("2.5", ping(b"x" * 126), code=1002)
    yield Case("2.5.pong", pong(b"x" * 126), code=1002)
    yield Case("2.5.long", frame(9, b"", length=65536), code=1002)
    yield Case("2.7", pong())
    yield Case("2.8", pong(b"unasked"))
    yield Case("2.9", pong(b"unasked") + ping(b"p"), pongs=[b"p"])
    yield Case(
        "2.10", b"".join(ping(b"%d" % n) for n in range(10)), pongs=[b"%d" % n for n in range(10)]
    )
    yield Case(
        "2.11", text("a") + ping(b"p") + text("b"), [TextMessage("a"), TextMessage("b")], [b"p"]
    )
    yield Case("2.fragmented", ping(fin=False), code=1002)
    yield Case("2.unmasked", ping(masked=False), code=1002)


def _reserved():
    for rsv in range(1, 8):
        yield Case(f"3.{rsv}.text", text("a", rsv=rsv), code=1002)
        yield Case(f"3.{rsv}.behind", text("a") + text("b", rsv=rsv), [TextMessage("a")], code=1002)
        yield Case(f"3.{rsv}.more", text("a", fin=False) + more("b", rsv=rsv), code=1002)
        yield Case(f"3.{rsv}.ping", ping(rsv=rsv), code=1002)
        yield Case(f"3.{rsv}.close", close(rsv=rsv), code=1002)


def _opcodes():
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield Case(f"4.{opcode}.empty", frame(opcode), code=1002)
        yield Case(f"4.{opcode}.payload", frame(opcode, b"x"), code=1002)
        yield Case(f"4.{opcode}.behind", text("a") + frame(opcode), [TextMessage("a")], code=1002)
        yield Case(f"4.{opcode}.within", text("a", fin=False) + frame(opcode), code=1002)


def _fragmentation():
    start, end = text("frag", fin=False), more("ment")
    yield Case("5.1", ping(fin=False) + more(b""), code=1002)
    yield Case("5.2", pong(fin=False) + more(b""), code=1002)
    yield Case("5.3", start + end, [TextMessage("fragment")])
    yield Case(
        "5.3.binary", binary(b"\xff", fin=False) + more(b"\xfe"), [BytesMessage(b"\xff\xfe")]
    )
    yield Case("5.4", text("", fin=False) + more("", fin=False) * 9 + more("a"), [TextMessage("a")])
    yield Case("5.5", start + more("", fin=False) + end, [TextMessage("fragment")])
    yield Case("5.6", start + ping(b"p") + end, [TextMessage("fragment")], [b"p"])
    yield Case("5.7", start + pong(b"p") + end, [TextMessage("fragment")])
    yield Case("5.8", start + ping(b"p" * 126) + end, code=1002)
    yield Case("5.9", more("x"), code=1002)
    yield Case("5.9.empty", more(""), code=1002)
    yield Case("5.9.behind", text("a") + more("x"), [TextMessage("a")], code=1002)
    yield Case("5.10", more("x", fin=False) + end, code=1002)
    yield Case("5.12", more("x", fin=False), code=1002)
    yield Case("5.15", start + end + more("x"), [TextMessage("fragment")], code=1002)
    yield Case("5.16", (more("x", fin=False) + text("y")) * 2, code=1002)
    yield Case("5.17", (more("x") + text("y")) * 2, code=1002)
    yield Case("5.18", start + text("b"), code=1002)
    yield Case("5.18.other type", start + binary(b"b"), code=1002)
    yield Case("5.18.empty", text("", fin=False) + text(""), code=1002)
    yield Case("5.18.unfinished", start + text("b", fin=False) + end, code=1002)
    yield Case("5.18.late", start + more("x", fin=False) + binary(b"b"), code=1002)
    yield Case("5.18.control", start + ping(b"p") + text("b"), [], [b"p"], code=1002)
    yield Case(
        "5.19",
        text("a", fin=False) + ping(b"1") + more("b", fin=False) + ping(b"2") + pong() + more("c"),
        [TextMessage("abc")],
        [b"1", b"2"],
    )
    yield Case(
        "5.20", binary(b"", fin=False) + more(b"", fin=False) + more(b""), [BytesMessage(b"")]
    )
    yield Case("5.21", start + end + start + end, [TextMessage("fragment")] * 2)
    yield Case("5.22", start + close(), [Disconnect(1000, "")], code=1000)


BAD_UTF8 = {
    "lone continuation": b"\x80",
    "last continuation": b"\xbf",
    "all continuations": bytes(range(0x80, 0xC0)),
    "starts of two": b" ".join(bytes([byte]) for byte in range(0xC0, 0xE0)),
    "starts of three": b" ".join(bytes([byte]) for byte in range(0xE0, 0xF0)),
    "starts of four": b" ".join(bytes([byte]) for byte in range(0xF0, 0xF8)),
    "two bytes cut": b"\xc3",
    "three bytes cut": b"\xe2\x82",
    "four bytes cut": b"\xf0\x9f\x98",
    "second missing": b"\xe2a",
    "third missing": b"\xe2\x82a",
    "fourth missing": b"\xf0\x9f\x98a",
    "overlong slash": b"\xc0\xaf",
    "overlong slash 3": b"\xe0\x80\xaf",
    "overlong slash 4": b"\xf0\x80\x80\xaf",
    "overlong nul": b"\xc0\x80",
    "overlong nul 3": b"\xe0\x80\x80",
    "overlong nul 4": b"\xf0\x80\x80\x80",
    "last overlong of two": b"\xc1\xbf",
    "last overlong of three": b"\xe0\x9f\xbf",
    "last overlong of four": b"\xf0\x8f\xbf\xbf",
    "surrogate": b"\xed\xa0\x80",
    "low surrogate": b"\xed\xb0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "surrogate pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond unicode": b"\xf4\x90\x80\x80",
    "first beyond four": b"\xf5\x80\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "impossible FE": b"\xfe",
    "impossible FF": b"\xff",
    "latin-1": b"caf\xe9 au lait",
    "utf-16": b"\xff\xfea\x00",
}
GOOD_UTF8 = ["", GOOD, "\x00", "\0\0\0", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000"]
GOOD_UTF8 += ["\ufffd", "\U00010000", "\ufdd0", "\ufdef", "\ufeffa", "a\u0308"]
# Unicode's Corrigendum #9: what is no character may still be sent.
GOOD_UTF8 += [chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)]


def _utf8():
    for number, value in enumerate(GOOD_UTF8):
        data = value.encode()
        yield Case(f"6.good.{number}", text(data), [TextMessage(value)])
        pieces = [more(bytes([byte]), fin=False) for byte in data]
        whole = text(b"", fin=False) + b"".join(pieces) + more(b"")
        yield Case(f"6.good.{number}.pieces", whole, [TextMessage(value)])
    for name, data in BAD_UTF8.items():
        yield Case(f"6.bad.{name}", text(data), code=1007)
        yield Case(f"6.bad.{name}.inside", text(b"a" + data + b"b"), code=1007)
        split = text(data[:1], fin=False) + more(data[1:])
        yield Case(f"6.bad.{name}.split", split, code=1007)
        yield Case(f"6.bad.{name}.binary", binary(data), [BytesMessage(data)])
    # §8.1: as soon as it is seen, not when the message is complete.
    yield Case("6.4.early", text(GOOD.encode() + b"\xf4\x90", fin=False), code=1007)
    for piece in (b"\xff", b"a\xc0", b"\xed\xa0\x80", b"\xf5", b"\xe0\x80"):
        yield Case(f"6.4.{piece!r}.frame", frame(1, piece, length=1000), code=1007)
        fragment = text("a", fin=False) + more(piece, fin=False)
        yield Case(f"6.4.{piece!r}.fragment", fragment, code=1007)
    cut = text(b"\xce", fin=False) + ping() + more(b"\xba")
    yield Case("6.cut by a ping", cut, [TextMessage("κ")], [b""])


def _closing():
    yield Case("7.1.1", text("a") + close(), [TextMessage("a"), Disconnect(1000, "")], code=1000)
    yield Case("7.1.2", close() + close(), [Disconnect(1000, "")], code=1000)
    yield Case("7.1.3", close() + ping(b"late"), [Disconnect(1000, "")], code=1000)
    yield Case("7.1.4", close() + text("late"), [Disconnect(1000, "")], code=1000)
    yield Case("7.1.5", text("a", fin=False) + close(), [Disconnect(1000, "")], code=1000)
    large = [TextMessage("x" * 262144), Disconnect(1000, "")]
    yield Case("7.1.6", text("x" * 262144) + close(), large, code=1000)
    yield Case("7.2.unmasked", close(masked=False), code=1002)
    yield Case("7.2.fragmented", close(fin=False), code=1002)
    yield Case("7.3.1", frame(8), [Disconnect(1005, "")])
    yield Case("7.3.2", frame(8, b"\x03"), code=1002)
    yield Case("7.3.3", close(1001), [Disconnect(1001, "")], code=1001)
    yield Case("7.3.4", close(1000, b"bye"), [Disconnect(1000, "bye")], code=1000)
    yield Case("7.3.5", close(1000, b"*" * 123), [Disconnect(1000, "*" * 123)], code=1000)
    yield Case("7.3.6", close(1000, b"*" * 124), code=1002)
    yield Case("7.5.good", close(1000, "κ".encode()), [Disconnect(1000, "κ")], code=1000)
    for name, reason in BAD_UTF8.items():
        yield Case(f"7.5.{name}", close(1000, reason), code=1007)
    # IANA's "WebSocket Close Code Number Registry" has 1012 to 1014 besides §7.4.1.
    for code in (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999):
        yield Case(f"7.7.{code}", close(code), [Disconnect(code, "")], code=code)
        yield Case(f"7.7.{code}.why", close(code, b"why"), [Disconnect(code, "why")], code=code)
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32768, 65535):
        yield Case(f"7.9.{code}", close(code), code=1002)
        yield Case(f"7.9.{code}.why", close(code, b"why"), code=1002)


def _sizes():
    for size in (262144, LIMIT):
        yield Case(f"9.1.{size}", text("x" * size), [TextMessage("x" * size)])
        yield Case(f"9.2.{size}", binary(b"x" * size), [BytesMessage(b"x" * size)])
    for size in (64, 256, 1024, 4096, 65536):
        fragments = more(b"*" * size, fin=False) * 14 + more(b"")
        whole = b"*" * size * 15
        yield Case(
            f"9.3.{size}", text(whole[:size], fin=False) + fragments, [TextMessage(whole.decode())]
        )
        yield Case(
            f"9.4.{size}", binary(whole[:size], fin=False) + fragments, [BytesMessage(whole)]
        )
    yield Case("9.5", text("a") * 1000, [TextMessage("a")] * 1000)
    yield Case("9.7", ping(b"x") * 1000, pongs=[b"x"] * 1000)


def _limits():
    for kind, name in ((text, "text"), (binary, "binary")):
        yield Case(f"9.over.{name}", kind(b"*" * (LIMIT + 1)), code=1009)
        yield Case(f"9.over.{name}.announced", kind(b"", length=LIMIT + 1), code=1009)
        yield Case(f"9.over.{name}.huge", kind(b"", length=2**62), code=1009)
        full = kind(b"x" * LIMIT, fin=False) + more(b"", fin=False)
        yield Case(f"9.over.{name}.sum", full + frame(0, b"", length=1), code=1009)
        yield Case(f"9.full.{name}.ping", full + ping(b"p"), pongs=[b"p"])
    fragments = binary(b"", fin=False) + more(b"", fin=False) * (FRAGMENTS - 2)
    yield Case("9.fragments", fragments + more(b"x"), [BytesMessage(b"x")])
    yield Case("9.fragments.pings", fragments + ping() + more(b"x"), [BytesMessage(b"x")], [b""])
    yield Case("9.fragments.twice", (fragments + more(b"x")) * 2, [BytesMessage(b"x")] * 2)
    yield Case("9.fragments.over", fragments + more(b"", fin=False) + more(b"x"), code=1009)
    # §5.2: the highest bit of a length is no part of it.
    yield Case("9.negative", frame(2, b"", length=2**63), code=1002)


def _fragments_of_a_long_message():
    payload = "*" * 65536
    for size in (1300, 4096, 65535):
        parts = [payload[at : at + size] for at in range(0, len(payload), size)]
        sent = text(parts[0], fin=False)
        sent += b"".join(more(part, fin=False) for part in parts[1:-1]) + more(parts[-1])
        yield Case(f"10.1.{size}", sent, [TextMessage(payload)])


def _cases(*groups):
    return [pytest.param(case, id=case.id) for group in groups for case in group()]


def _check(case, websocket, step):
    sent = case.sent
    step = max(step, len(sent) // 5000) if step else max(1, len(sent))
    pieces = [sent[at : at + step] for at in range(0, len(sent), step)]
    events, output = exchange(websocket, pieces)
    failed = case.code is not None and not any(isinstance(e, Disconnect) for e in case.events)
    expected = case.events if not failed else case.events + events[-1:]

    assert events == expected
    assert [payload for opcode, payload in control_frames(output) if opcode == 10] == case.pongs
    assert answered_code(output) == case.code
    if failed:
        assert (type(events[-1]), events[-1].code) == (Disconnect, case.code)


UNCOMPRESSED = (_framing, _pings, _opcodes, _fragmentation, _utf8, _closing, _sizes, _limits)


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize("case", _cases(*UNCOMPRESSED, _reserved, _fragments_of_a_long_message))
def test_case(case, step):
    _check(case, accepted(limits=LIMITS), step)


@pytest.mark.parametrize("case", _cases(*UNCOMPRESSED))
def test_case_is_the_same_where_compression_was_agreed_on(case):
    """:rfc:`7692` §6: each message may be compressed or not."""
    _check(case, accepted(*DEFLATE, limits=LIMITS), 0)


# -- 12 and 13: permessage-deflate (RFC 7692) ------------------------------------------------------


def _flushed(deflater, data):
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def _deflated(data):
    return _flushed(zlib.compressobj(wbits=-15), data)


BITS = b"".join(b"%d " % number for number in range(3000))
NOISE = random.Random(1).randbytes(LIMIT)


def _compressed():
    for size in (0, 16, 64, 1024, 65536):
        data = b"abcd" * (size // 4)
        payload = _deflated(data)
        yield Case(f"12.1.{size}", text(payload, rsv=4), [TextMessage(data.decode())])
        yield Case(f"12.2.{size}", binary(payload, rsv=4), [BytesMessage(data)])
        half = len(payload) // 2
        split = binary(payload[:half], fin=False, rsv=4) + ping(b"p") + more(payload[half:])
        yield Case(f"12.3.{size}", split, [BytesMessage(data)], [b"p"])
    for level, bits in itertools.product((0, 1, 6, 9), (9, 12, 15)):
        deflater = zlib.compressobj(level, wbits=-bits)
        sent = b"".join(binary(_flushed(deflater, data), rsv=4) for data in (BITS, BITS, b""))
        yield Case(
            f"12.4.{level}.{bits}",
            sent,
            [BytesMessage(BITS), BytesMessage(BITS), BytesMessage(b"")],
        )
    mixed = text(_deflated(b"a"), rsv=4) + text("b") + text(_deflated(b"c"), rsv=4)
    yield Case("12.mixed", mixed, [TextMessage("a"), TextMessage("b"), TextMessage("c")])
    yield Case("12.limit", binary(_deflated(bytes(LIMIT)), rsv=4), [BytesMessage(bytes(LIMIT))])
    # Deflate makes this longer than it is, and than the limit.
    yield Case("12.limit.noise", binary(_deflated(NOISE), rsv=4), [BytesMessage(NOISE)])


def _examples():
    """What :rfc:`7692` §7.2.3 shows, §7.2.3.2 to §7.2.3.6 behind a message as well."""
    hello, final = "f248cdc9c90700", "f348cdc9c9070000"
    messages = {
        "1": [hello],
        "2": [hello, "f200110000"],
        "2.apart": [hello, hello],
        "3": ["000500faff48656c6c6f00"],
        "3.behind": [hello, "000500faff48656c6c6f00", "f200110000"],
        "4": [final],
        "4.behind": [hello, final, hello],
        "5": ["f248050000 00ffffcac9c90700"],
        "6": ["00"],
        "6.between": [hello, "00", "f200110000"],
    }
    for number, payloads in messages.items():
        sent = b"".join(text(bytes.fromhex(payload), rsv=4) for payload in payloads)
        texts = [TextMessage("" if payload == "00" else "Hello") for payload in payloads]
        yield Case(f"7.2.3.{number}", sent, texts)
    first, second = bytes.fromhex(hello[:6]), bytes.fromhex(hello[6:])
    for control, name in ((b"", "nothing"), (ping(), "ping"), (pong(), "pong")):
        sent = text(first, fin=False, rsv=4) + control + more(second)
        yield Case(f"7.2.3.1.{name}", sent, [TextMessage("Hello")], [b""] if name == "ping" else [])


def _wrongly_compressed():
    start = binary(_deflated(b"a")[:1], fin=False, rsv=4)
    yield Case("12.bits", start + more(b"", rsv=4), code=1002)
    for rsv in (1, 2, 3, 5, 6, 7):
        yield Case(f"12.rsv.{rsv}", text(b"", rsv=rsv), code=1002)
    for control in (ping, pong, close):
        yield Case(f"12.control.{control.__name__}", control(rsv=4), code=1002)
        yield Case(f"12.control.{control.__name__}.within", start + control(rsv=4), code=1002)
    yield Case("12.garbage", binary(b"\xff\xff\xff\xff", rsv=4), code=1007)
    garbage = binary(_deflated(b"a"), rsv=4) + binary(b"\xff" * 9, rsv=4)
    yield Case("12.garbage.behind", garbage, [BytesMessage(b"a")], code=1007)
    for name, data in BAD_UTF8.items():
        yield Case(f"12.utf8.{name}", text(_deflated(data), rsv=4), code=1007)
    # CVE-2018-1000518: a few bytes that become many.
    bomb = _deflated(bytes(LIMIT + 1))
    yield Case("12.bomb", binary(bomb, rsv=4), code=1009)
    pieces = binary(bomb[:9], fin=False, rsv=4) + more(bomb[9:-9], fin=False) + more(bomb[-9:])
    yield Case("12.bomb.fragments", pieces, code=1009)
    yield Case("12.bomb.text", text(bomb, rsv=4), code=1009)
    yield Case("12.announced", frame(2, b"", rsv=4, length=2 * LIMIT), code=1009)


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("case", _cases(_compressed, _examples, _wrongly_compressed))
def test_case_with_compression(case, step):
    _check(case, accepted(*DEFLATE, limits=LIMITS), step)


OFFERS = [
    "",
    "; server_no_context_takeover",
    "; client_no_context_takeover",
    "; server_no_context_takeover; client_no_context_takeover",
    "; client_max_window_bits",
    *(f"; client_max_window_bits={bits}" for bits in range(9, 16)),
    *(f"; server_max_window_bits={bits}" for bits in range(9, 16)),
    "; server_max_window_bits=9; client_max_window_bits=9; server_no_context_takeover",
]


@pytest.mark.parametrize("size", [0, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072])
@pytest.mark.parametrize("offer", OFFERS)
def test_case_13_parameters_are_kept_to(offer, size):
    """Message after message both ways, with wsproto as the client."""
    websocket = accepted((b"sec-websocket-extensions", f"permessage-deflate{offer}".encode()))
    extension = PerMessageDeflate()
    extension.finalize(websocket._deflate.answer.decode())
    client = Connection(ConnectionType.CLIENT, [extension])
    messages = [f"{number} κόσμε " * (size // 10) for number in range(5)]
    heard, read = [], []
    for message in messages:
        heard += exchange(websocket, [bytes(client.send(wsproto.events.TextMessage(message)))])[0]
        client.receive_data(websocket.send(message))
        read.append("".join(event.data for event in client.events()))

    assert heard == [TextMessage(message) for message in messages]
    assert read == messages
