"""Cases after :rfc:`6455`, in the nine categories (and compression's two) of Autobahn's suite.

Each case runs whole, in single bytes and in threes. A case says what the client sends, which
events come of it, what is answered by itself, and with which code the websocket is failed.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import pytest

from asyncflask.protocol.events import Binary, Disconnect, Text
from asyncflask.protocol.limits import Limits

from .frames import (
    DEFLATE,
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


def _framing():
    for number, size in enumerate(SIZES):
        yield Case(f"1.1.{number}", text("*" * size), [Text("*" * size)])
        yield Case(f"1.2.{number}", binary(b"\xfe" * size), [Binary(b"\xfe" * size)])
    yield Case("1.unmasked", text("a", masked=False), code=1002)


def _pings():
    for number, payload in enumerate((b"", b"Hello", bytes(range(0, 250, 2)), b"\xff" * 125)):
        yield Case(f"2.{number + 1}", ping(payload), pongs=[payload])
    yield Case("2.5", ping(b"x" * 126), code=1002)
    yield Case("2.7", pong())
    yield Case("2.8", pong(b"unasked"))
    yield Case("2.9", pong(b"unasked") + ping(b"p"), pongs=[b"p"])
    yield Case(
        "2.10", b"".join(ping(b"%d" % n) for n in range(10)), pongs=[b"%d" % n for n in range(10)]
    )
    yield Case("2.fragmented", ping(fin=False), code=1002)


def _reserved():
    for rsv in range(1, 8):
        yield Case(f"3.{rsv}.text", text("a", rsv=rsv), code=1002)
        yield Case(f"3.{rsv}.behind", text("a") + text("b", rsv=rsv), [Text("a")], code=1002)
        yield Case(f"3.{rsv}.ping", ping(rsv=rsv), code=1002)
        yield Case(f"3.{rsv}.close", close(rsv=rsv), code=1002)


def _opcodes():
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield Case(f"4.{opcode}.empty", frame(opcode), code=1002)
        yield Case(f"4.{opcode}.payload", frame(opcode, b"x"), code=1002)
        yield Case(f"4.{opcode}.behind", text("a") + frame(opcode), [Text("a")], code=1002)


def _fragmentation():
    start, end = text("frag", fin=False), more("ment")
    yield Case("5.1", ping(fin=False) + more(b""), code=1002)
    yield Case("5.2", pong(fin=False) + more(b""), code=1002)
    yield Case("5.3", start + end, [Text("fragment")])
    yield Case("5.6", start + ping(b"p") + end, [Text("fragment")], [b"p"])
    yield Case("5.9", more("x"), code=1002)
    yield Case("5.10", more("x", fin=False) + end, code=1002)
    yield Case("5.12", more("x", fin=False), code=1002)
    yield Case("5.15", start + end + more("x"), [Text("fragment")], code=1002)
    yield Case("5.18", start + text("b"), code=1002)
    yield Case("5.18b", start + binary(b"b"), code=1002)
    yield Case(
        "5.19",
        text("a", fin=False) + ping(b"1") + more("b", fin=False) + ping(b"2") + pong() + more("c"),
        [Text("abc")],
        [b"1", b"2"],
    )
    yield Case("5.20", binary(b"", fin=False) + more(b"", fin=False) + more(b""), [Binary(b"")])
    yield Case("5.21", start + end + start + end, [Text("fragment")] * 2)
    yield Case("5.22", start + close(), [Disconnect(1000, "")], code=1000)


BAD_UTF8 = {
    "lone continuation": b"\x80",
    "last continuation": b"\xbf",
    "two bytes cut": b"\xc3",
    "three bytes cut": b"\xe2\x82",
    "four bytes cut": b"\xf0\x9f\x98",
    "overlong slash": b"\xc0\xaf",
    "overlong slash 3": b"\xe0\x80\xaf",
    "overlong slash 4": b"\xf0\x80\x80\xaf",
    "overlong nul": b"\xc0\x80",
    "surrogate": b"\xed\xa0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "surrogate pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond unicode": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "impossible FE": b"\xfe",
    "impossible FF": b"\xff",
    "latin-1": b"caf\xe9 au lait",
}
GOOD_UTF8 = ["", GOOD, "\x00", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd"]
GOOD_UTF8 += ["\ufffe", "\uffff", "\U00010000", "\U0010ffff", "\ufdd0", "a\u0308"]


def _utf8():
    for number, value in enumerate(GOOD_UTF8):
        data = value.encode()
        yield Case(f"6.good.{number}", text(data), [Text(value)])
        pieces = [more(bytes([byte]), fin=False) for byte in data]
        whole = text(b"", fin=False) + b"".join(pieces) + more(b"")
        yield Case(f"6.good.{number}.pieces", whole, [Text(value)])
    for name, data in BAD_UTF8.items():
        yield Case(f"6.bad.{name}", text(data), code=1007)
        yield Case(f"6.bad.{name}.inside", text(b"a" + data + b"b"), code=1007)
        split = text(data[:1], fin=False) + more(data[1:])
        yield Case(f"6.bad.{name}.split", split, code=1007)
        yield Case(f"6.bad.{name}.binary", binary(data), [Binary(data)])
    # §8.1: as soon as it is seen, not when the message is complete.
    yield Case("6.4.early", text(GOOD.encode() + b"\xf4\x90", fin=False), code=1007)


def _closing():
    yield Case("7.1.1", text("a") + close(), [Text("a"), Disconnect(1000, "")], code=1000)
    yield Case("7.1.2", close() + close(), [Disconnect(1000, "")], code=1000)
    yield Case("7.1.3", close() + ping(b"late"), [Disconnect(1000, "")], code=1000)
    yield Case("7.1.4", close() + text("late"), [Disconnect(1000, "")], code=1000)
    yield Case("7.3.1", frame(8), [Disconnect(1005, "")])
    yield Case("7.3.2", frame(8, b"\x03"), code=1002)
    yield Case("7.3.4", close(1000, b"bye"), [Disconnect(1000, "bye")], code=1000)
    yield Case("7.3.5", close(1000, b"*" * 123), [Disconnect(1000, "*" * 123)], code=1000)
    yield Case("7.3.6", close(1000, b"*" * 124), code=1002)
    yield Case("7.5.1", close(1000, b"\xce\xba\xff"), code=1007)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield Case(f"7.7.{code}", close(code), [Disconnect(code, "")], code=code)
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(f"7.9.{code}", close(code), code=1002)


LIMIT = 1_000_000


def _sizes():
    for size in (262144, LIMIT):
        yield Case(f"9.1.{size}", text("x" * size), [Text("x" * size)])
        half = size // 2
        halves = binary(b"x" * half, fin=False) + more(b"x" * half)
        yield Case(f"9.4.{size}", halves, [Binary(b"x" * half * 2)])
    yield Case("9.over", frame(2, b"", length=LIMIT + 1), code=1009)
    yield Case("9.over.huge", frame(2, b"", length=2**62), code=1009)
    yield Case("9.over.sum", binary(b"x" * LIMIT, fin=False) + frame(0, b"", length=1), code=1009)
    yield Case("9.fragments", binary(b"", fin=False) + more(b"", fin=False) * 1100, code=1009)
    # §5.2: the highest bit of a length is no part of it.
    yield Case("9.negative", frame(2, b"", length=2**63), code=1002)


def _fragments_of_a_long_message():
    payload = "*" * 65536
    for size in (1300, 4096):
        parts = [payload[at : at + size] for at in range(0, len(payload), size)]
        sent = text(parts[0], fin=False)
        sent += b"".join(more(part, fin=False) for part in parts[1:-1]) + more(parts[-1])
        yield Case(f"10.1.{size}", sent, [Text(payload)])


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


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize(
    "case",
    _cases(
        *(_framing, _pings, _reserved, _opcodes, _fragmentation, _utf8, _closing, _sizes),
        _fragments_of_a_long_message,
    ),
)
def test_case(case, step):
    _check(case, accepted(limits=Limits(message_bytes=LIMIT, fragments=1024)), step)


# -- 12 and 13: permessage-deflate (RFC 7692) ----------------------------------------------------


def _deflated(data, bits=15):
    deflater = zlib.compressobj(wbits=-bits)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def _compressed():
    for size in (0, 16, 64, 1024, 65536):
        data = b"abcd" * (size // 4)
        payload = _deflated(data)
        yield Case(f"12.1.{size}", text(payload, rsv=4), [Text(data.decode())])
        yield Case(f"12.2.{size}", binary(payload, rsv=4), [Binary(data)])
        half = len(payload) // 2
        split = binary(payload[:half], fin=False, rsv=4) + ping(b"p") + more(payload[half:])
        yield Case(f"12.3.{size}", split, [Binary(data)], [b"p"])
    yield Case("12.plain", text("not compressed"), [Text("not compressed")])
    yield Case(
        "12.bits", binary(_deflated(b"a")[:1], fin=False, rsv=4) + more(b"", rsv=4), code=1002
    )
    yield Case("12.control", ping(rsv=4), code=1002)
    yield Case("12.garbage", binary(b"\xff\xff\xff\xff", rsv=4), code=1007)
    yield Case("12.utf8", text(_deflated(b"\xff"), rsv=4), code=1007)
    # CVE-2018-1000518: a few bytes that become many.
    yield Case("12.bomb", binary(_deflated(b"\x00" * (LIMIT + 1)), rsv=4), code=1009)


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("case", _cases(_compressed))
def test_case_with_compression(case, step):
    _check(case, accepted(*DEFLATE, limits=Limits(message_bytes=LIMIT, fragments=1024)), step)
