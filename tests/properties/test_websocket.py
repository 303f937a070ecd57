"""WebSocket: what hypothesis makes up, cut anywhere, against what it was made of and wsproto."""

from __future__ import annotations

import zlib

import wsproto.events
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Message
from wsproto.extensions import PerMessageDeflate

from asyncflask.protocol.events import BytesMessage, Disconnect, TextMessage
from asyncflask.protocol.limits import Limits

from ..protocol.frames import (
    DEFLATE,
    accepted,
    close,
    control_frames,
    exchange,
    frame,
    ping,
    pong,
)

SMALL = Limits(message_bytes=4096, fragments=16)

_texts = st.text(max_size=400)
_payloads = st.binary(max_size=400)
_messages = st.lists(st.one_of(_texts, _payloads), max_size=6)
_cuts = st.lists(st.integers(min_value=0, max_value=10_000), max_size=12)


def _cut(data, cuts):
    """Cut bytes at some places, or into single ones for want of places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} - {0, len(data)})
    pairs = zip([0, *places], [*places, len(data)], strict=True)
    return [data[start:end] for start, end in pairs if start < end] if cuts else _bytes(data)


def _bytes(data):
    return [data[at : at + 1] for at in range(len(data))]


@st.composite
def _streams(draw, compressed=False):
    """Frames of a client, and the events that are in them; pings between any two frames."""
    sent, events, pongs = b"", [], []
    deflater = zlib.compressobj(wbits=-15)
    for message in draw(_messages):
        text = isinstance(message, str)
        data = message.encode() if text else message
        events.append(TextMessage(message) if text else BytesMessage(message))
        rsv = 4 if compressed and draw(st.booleans()) else 0
        if rsv:
            data = (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
        pieces = _cut(data, draw(st.lists(st.integers(0, 500), min_size=1, max_size=3))) or [b""]
        for number, piece in enumerate(pieces):
            first, last = number == 0, number == len(pieces) - 1
            opcode = (1 if text else 2) if first else 0
            sent += frame(opcode, piece, fin=last, rsv=rsv if first else 0)
            control = draw(st.sampled_from(["", "", "ping", "pong"]))
            if control == "ping":
                pongs.append(draw(st.binary(max_size=125)))
                sent += ping(pongs[-1])
            elif control:
                sent += pong(b"unasked")
    if draw(st.booleans()):
        code = draw(st.sampled_from([1000, 1001, 1011, 1014, 3000, 4999]))
        reason = draw(st.text(max_size=30))
        sent += close(code, reason.encode())
        events.append(Disconnect(code, reason))
    return sent, events, pongs


def _check_stream(stream, cuts, *headers):
    sent, expected, pongs = stream
    events, output = exchange(accepted(*headers), _cut(sent, cuts))

    assert events == expected
    assert [payload for opcode, payload in control_frames(output) if opcode == 10] == pongs


@given(_streams(), _cuts)
def test_a_stream_gives_the_same_events_wherever_it_is_cut(stream, cuts):
    _check_stream(stream, cuts)


@given(_streams(compressed=True), _cuts)
def test_a_compressed_stream_gives_the_same_events_wherever_it_is_cut(stream, cuts):
    """With pings between the frames of a compressed message, which wsproto's own does not read."""
    _check_stream(stream, cuts, *DEFLATE)


def _garbage(stream, position, data):
    sent = stream[0]
    at = position % (len(sent) + 1)
    return sent[:at] + data + sent[at:]


def _check_garbage(data, cuts, *headers):
    whole, _ = exchange(accepted(*headers, limits=SMALL), [data, b""])
    cut, _ = exchange(accepted(*headers, limits=SMALL), [*_cut(data, cuts), b""])

    assert isinstance(whole[-1], Disconnect)
    assert not any(isinstance(event, Disconnect) for event in whole[:-1])
    assert all(len(event.data) <= SMALL.message_bytes for event in whole[:-1])
    # What is compressed may be wrong in two ways at once, the first of which depends on the cuts.
    assert cut[:-1] == whole[:-1]
    assert headers or cut == whole


@settings(max_examples=300)
@given(st.binary(max_size=300), _cuts)
def test_random_bytes_end_the_websocket_the_same_way_wherever_they_are_cut(data, cuts):
    _check_garbage(data, cuts)
    _check_garbage(data, cuts, *DEFLATE)


@settings(max_examples=300)
@given(_streams(), st.integers(0, 10_000), st.binary(max_size=20), _cuts)
def test_bytes_that_do_not_belong_into_a_stream_never_raise(stream, position, data, cuts):
    _check_garbage(_garbage(stream, position, data), cuts)


@settings(max_examples=300)
@given(_streams(compressed=True), st.integers(0, 10_000), st.binary(max_size=20), _cuts)
def test_nor_do_they_in_a_compressed_stream(stream, position, data, cuts):
    _check_garbage(_garbage(stream, position, data), cuts, *DEFLATE)


_OFFERS = st.sampled_from(
    [
        None,
        "",
        "; server_no_context_takeover",
        "; client_no_context_takeover",
        "; server_max_window_bits=9",
        "; client_max_window_bits",
        "; server_max_window_bits=15; client_max_window_bits=10; client_no_context_takeover",
    ]
)
_long_messages = st.lists(
    st.one_of(_texts, _payloads, st.text(max_size=4).map(lambda text: text * 300)), max_size=6
)


def _pair(offer):
    """A websocket of ours, and wsproto's client with what the two have agreed on."""
    if offer is None:
        return accepted(), Connection(ConnectionType.CLIENT)
    websocket = accepted((b"sec-websocket-extensions", b"permessage-deflate" + offer.encode()))
    extension = PerMessageDeflate()
    extension.finalize(websocket._deflate.answer.decode())
    return websocket, Connection(ConnectionType.CLIENT, [extension])


@given(_OFFERS, _long_messages, _cuts)
def test_what_is_sent_is_what_wsproto_reads_as_a_client(offer, messages, cuts):
    websocket, client = _pair(offer)
    sent = b"".join(map(websocket.send, messages)) + websocket.close(1001, "bye")
    read, end = [], None
    for piece in _cut(sent, cuts or [0]):
        client.receive_data(piece)
        for event in client.events():
            if isinstance(event, CloseConnection):
                end = (event.code, event.reason)
            else:
                read.append(event)

    assert _whole(read) == messages
    assert end == (1001, "bye")


def _whole(events):
    """Put together what wsproto hands out in pieces."""
    messages, pieces = [], []
    for event in events:
        pieces.append(event.data)
        if event.message_finished:
            messages.append(type(event.data)().join(pieces))
            pieces = []
    return messages


@given(_OFFERS, _long_messages, _cuts)
def test_what_wsproto_sends_as_a_client_is_what_is_read(offer, messages, cuts):
    websocket, client = _pair(offer)
    sent = b"".join(client.send(_event(message)) for message in messages)

    events, _ = exchange(websocket, _cut(sent, cuts or [0]))

    assert [event.data for event in events] == messages
    assert [type(event) for event in events] == [
        TextMessage if isinstance(message, str) else BytesMessage for message in messages
    ]


def _event(message: str | bytes) -> Message:
    if isinstance(message, str):
        return wsproto.events.TextMessage(message)
    return wsproto.events.BytesMessage(message)
