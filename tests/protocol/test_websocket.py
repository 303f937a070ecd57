"""WebSocket: what an app sends and hears, limits, and the end. (Frames: test_rfc6455.py.)"""

from __future__ import annotations

import tracemalloc
import zlib

import pytest
import wsproto.events
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping
from wsproto.extensions import PerMessageDeflate

from asyncflask.protocol.asgi_state import IllegalMessage
from asyncflask.protocol.events import BytesMessage, Disconnect, ProtocolError, TextMessage
from asyncflask.protocol.frame_limits import FrameLimits
from asyncflask.protocol.limits import Limits
from asyncflask.protocol.websocket import WebSocket

from .frames import (
    DEFLATE,
    accepted,
    answered_code,
    binary,
    close,
    exchange,
    frame,
    more,
    ping,
    request,
    text,
)


def _read(*sent, extensions=()):
    """What wsproto, as a client, makes of frames of ours."""
    client = Connection(ConnectionType.CLIENT, list(extensions))
    events = []
    for data in sent:
        client.receive_data(data)
        events += client.events()
    return events


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_a_message_is_one_frame_that_any_client_reads(size):
    websocket = accepted()

    (sent_text,) = _read(websocket.send("x" * size))
    (sent_bytes,) = _read(websocket.send(b"x" * size))

    assert (type(sent_text), sent_text.data) == (wsproto.events.TextMessage, "x" * size)
    assert (type(sent_bytes), sent_bytes.data) == (wsproto.events.BytesMessage, b"x" * size)


def test_an_empty_binary_message_is_delivered_as_bytes():
    """Quart 0.22 makes text of it (Autobahn 1.2.1, 9.8.1)."""
    assert exchange(accepted(), [binary(b"")])[0] == [BytesMessage(b"")]


@pytest.mark.parametrize(
    "offer", ["", "; server_no_context_takeover", "; server_max_window_bits=9"]
)
def test_long_messages_are_compressed_if_the_client_likes(offer):
    websocket = accepted((b"sec-websocket-extensions", b"permessage-deflate" + offer.encode()))
    extension = PerMessageDeflate()
    extension.finalize("permessage-deflate" + offer)
    sent = [websocket.send("abcd" * 500), websocket.send(b"abcd" * 500), websocket.send("short")]

    events = _read(*sent, extensions=[extension])

    assert [event.data for event in events] == ["abcd" * 500, b"abcd" * 500, "short"]
    assert len(sent[0]) < 200
    assert sent[2] == b"\x81\x05short"


def test_the_client_may_forget_its_window_after_each_message():
    offer = b"permessage-deflate; client_no_context_takeover"
    websocket = accepted((b"sec-websocket-extensions", offer))
    sent = b""
    for _ in range(2):
        deflater = zlib.compressobj(wbits=-15)
        payload = deflater.compress(b"abcd" * 9) + deflater.flush(zlib.Z_SYNC_FLUSH)
        sent += text(payload[:-4], rsv=4)

    assert exchange(websocket, [sent])[0] == [TextMessage("abcd" * 9)] * 2


def test_a_stream_that_ends_within_a_message_is_followed_by_another():
    """RFC 7692 §7.2.3.4, §7.2.3.5: BFINAL may be set."""
    deflater = zlib.compressobj(wbits=-15)
    final = deflater.compress(b"one ") + deflater.flush(zlib.Z_FINISH)
    deflater = zlib.compressobj(wbits=-15)
    second = deflater.compress(b"two") + deflater.flush(zlib.Z_SYNC_FLUSH)

    events, _ = exchange(accepted(*DEFLATE), [text(final + second[:-4], rsv=4)])

    assert events == [TextMessage("one two")]


def test_endless_streams_in_a_message_are_too_much():
    deflater = zlib.compressobj(wbits=-15)
    empty = deflater.flush(zlib.Z_FINISH)
    websocket = accepted(*DEFLATE)

    events, output = exchange(websocket, [binary(empty * 65, rsv=4)])

    assert (events[-1].code, answered_code(output)) == (1009, 1009)


def test_a_bomb_is_not_inflated_beyond_the_limit():
    """CVE-2018-1000518, aiohttp PR 11898."""
    deflater = zlib.compressobj(9, wbits=-15)
    bomb = deflater.compress(b"\x00" * 50_000_000) + deflater.flush(zlib.Z_SYNC_FLUSH)
    websocket = accepted(*DEFLATE, limits=Limits(message_bytes=100_000))
    sent = binary(bomb[:-4], rsv=4)
    tracemalloc.start()
    try:
        events, output = exchange(websocket, [sent])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (events[-1].code, answered_code(output)) == (1009, 1009)
    assert most < 1_000_000


def test_a_message_without_end_is_not_kept_beyond_the_limit():
    """Hypercorn's changelog: a websocket's memory had no bound."""
    websocket = accepted(limits=Limits(message_bytes=1000))
    kept = []
    for piece in [binary(b"x" * 100, fin=False), *[more(b"x" * 100, fin=False)] * 20]:
        websocket.receive(piece)
        end = websocket.next_event()
        kept.append(websocket.buffered)

    assert max(kept) == 1000
    assert (kept[-1], websocket.closed, end) == (0, True, None)


def test_what_comes_after_the_end_is_not_kept():
    """Hypercorn's changelog, likewise: nobody reads it."""
    websocket = accepted()
    exchange(websocket, [close()])
    websocket.receive(b"x" * 1000)

    assert websocket.buffered == 0


def test_an_announced_frame_that_is_too_long_is_not_waited_for():
    """CVE-2026-54274, aiohttp."""
    websocket = accepted(limits=Limits(message_bytes=1000))

    events, output = exchange(websocket, [frame(2, b"", length=1001)])

    assert (events[-1].code, answered_code(output)) == (1009, 1009)


def test_a_frame_in_tiny_reads_is_kept_as_bytes_alone():
    """Aiohttp PR 13350: a piece is not an object that is kept."""
    websocket = accepted()
    whole = binary(b"x" * 20_000)
    for byte in whole[:-1]:
        websocket.receive(bytes([byte]))
        assert websocket.next_event() is None
    kept = websocket.buffered
    websocket.receive(whole[-1:])

    assert kept <= 20_000
    assert websocket.next_event() == BytesMessage(b"x" * 20_000)


def test_fragments_are_bounded():
    websocket = accepted(limits=Limits(fragments=5))
    events, _ = exchange(websocket, [binary(b"", fin=False) + more(b"", fin=False) * 5])

    assert events[-1].code == 1009


def test_pings_are_answered_by_themselves_and_sent_on_wish():
    _, output = exchange(accepted(), [ping(b"there?")])
    (asked,) = _read(accepted().ping(b"here?"))

    assert output == b"\x8a\x06there?"
    assert (type(asked), asked.payload) == (Ping, b"here?")


def test_a_ping_has_room_for_125_bytes():
    assert len(accepted().ping(b"x" * 125)) == 127
    with pytest.raises(ValueError, match="room for 125 bytes, and the payload has 126"):
        accepted().ping(b"x" * 126)


def test_pongs_that_nobody_takes_are_bounded():
    """§5.5.3: the last ping may be answered alone."""
    websocket = accepted()
    for number in range(10_000):
        websocket.receive(ping(b"%0100d" % number))
        assert websocket.next_event() is None
    output = websocket.output()

    assert len(output) < 2 * 65536
    assert output.endswith(b"%0100d" % 9_999)


def test_a_close_of_ours_waits_for_the_clients():
    websocket = accepted()
    (said,) = _read(websocket.close(1001, "bye"))
    before = websocket.closed
    events, output = exchange(websocket, [text("late") + ping() + close(1001)])

    assert (type(said), said.code, said.reason) == (CloseConnection, 1001, "bye")
    assert (before, websocket.closed) == (False, True)
    assert events == [Disconnect(1001, "")]
    assert answered_code(output) is None


def test_a_mistake_behind_a_close_of_ours_gets_no_second_close():
    """RFC 6455 §5.5.1."""
    websocket = accepted()
    websocket.close()
    events, output = exchange(websocket, [text("a", masked=False)])

    assert (events[-1].code, output) == (1002, b"")


def test_a_message_half_here_at_a_close_of_ours_is_dropped():
    websocket = accepted()
    exchange(websocket, [text("half", fin=False)])
    websocket.close()
    events, _ = exchange(websocket, [more(b"\xff", fin=False) + more("a") + close()])

    assert events == [Disconnect(1000, "")]


def test_after_a_close_nothing_is_sent():
    websocket = accepted()
    websocket.close()

    assert (websocket.send("a"), websocket.ping(), websocket.close()) == (b"", b"", b"")


def test_after_the_end_nothing_is_heard():
    websocket = accepted()
    exchange(websocket, [close()])
    websocket.receive(text("late"))

    assert websocket.next_event() is None


def test_a_client_that_vanishes_is_a_1006():
    """RFC 6455 §7.1.5."""
    assert exchange(accepted(), [text("a")[:3], b""])[0] == [Disconnect(1006, "")]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
def test_a_code_that_may_not_be_sent_is_refused(code):
    """RFC 6455 §7.4.1."""
    with pytest.raises(IllegalMessage, match=f"code={code}, which a close frame must not"):
        accepted().close(code)


def test_a_reason_that_is_too_long_is_refused():
    with pytest.raises(IllegalMessage, match="of 124 bytes; a close frame has room for 123"):
        accepted().close(1000, "é" * 62)


def test_a_surrogate_cannot_be_sent():
    with pytest.raises(IllegalMessage, match="character 1 is a surrogate"):
        accepted().send("a\ud800")


@pytest.mark.parametrize("send", [lambda w: w.send("a"), lambda w: w.close()])
def test_nothing_is_sent_before_the_handshake_is_answered(send):
    with pytest.raises(IllegalMessage, match="not accepted yet"):
        send(WebSocket(request(), Limits()))


def test_what_comes_before_the_accept_waits():
    websocket = WebSocket(request(), Limits())
    websocket.receive(text("early"))
    before = websocket.next_event()
    websocket.accept()

    assert before is None
    assert websocket.next_event() == TextMessage("early")


def test_too_much_before_the_accept_is_a_400():
    websocket = WebSocket(request(), Limits(header_bytes=100))
    websocket.receive(b"x" * 101)
    with pytest.raises(ProtocolError, match="too much before"):
        websocket.next_event()


def test_a_client_that_leaves_before_the_accept_is_gone():
    websocket = WebSocket(request(), Limits())
    websocket.receive(b"")

    assert websocket.next_event() == Disconnect(1006, "")
    assert websocket.accept() == b""


def test_frame_limits_are_never_offered_as_an_extension():
    assert FrameLimits(Limits(), None).offer() is False
