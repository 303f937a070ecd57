"""ChunkedDecoder: a chunked body can be read in one way only, and its costs are bounded."""

from __future__ import annotations

import pytest

from asyncflask.protocol.chunked import ChunkedDecoder
from asyncflask.protocol.events import Data, EndOfMessage, ProtocolError
from asyncflask.protocol.limits import Limits


def _read(data, limits=None):
    chunks, buffer, events = ChunkedDecoder(limits or Limits()), bytearray(data), []
    while (event := chunks.read(buffer)) is not None:
        events.append(event)
        if isinstance(event, EndOfMessage):
            break
    return events, bytes(buffer)


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"5\r\nHello\r\n0\r\n\r\n", b"Hello"),
        (b"5\r\nHello\r\n1\r\n!\r\n0\r\n\r\n", b"Hello!"),
        (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"005\r\nHello\r\n000\r\n\r\n", b"Hello"),
        (b'5;name="v"; x\r\nHello\r\n0;last\r\n\r\n', b"Hello"),
        (b"5 ;x\r\nHello\r\n0\r\n\r\n", b"Hello"),
        (b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", b"\r\n0\r\n\r\n"),
    ],
)
def test_chunks_are_put_together(data, body):
    events, rest = _read(data)

    assert events == [Data(body), EndOfMessage([])]
    assert rest == b""


def test_a_body_without_data_has_an_end_only():
    assert _read(b"0\r\n\r\n") == ([EndOfMessage([])], b"")


def test_bytes_after_the_body_are_not_read():
    assert _read(b"0\r\n\r\nGET /")[1] == b"GET /"


def test_trailers_are_returned_in_lower_case():
    events, _ = _read(b"0\r\nX-Sum:  abc \r\nY: d\r\n\r\n")

    assert events == [EndOfMessage([(b"x-sum", b"abc"), (b"y", b"d")])]


@pytest.mark.parametrize(
    "data",
    [
        b"g\r\n",
        b"\r\n",
        b"-1\r\n",
        b"+5\r\n",
        b"0x5\r\n",
        b"5\n\r\n",
        b"5 \r\n",
        b" 5\r\n",
        b"5;a\nb\r\n",  # CVE-2024-52304
        b"5;a\rb\r\n",
        b"5;\x00\r\n",
        "٥\r\n".encode(),  # CVE-2025-69224
        b"f" * 16 + b"\r\n",
        b"5\r\nHelloX\n",
        b"5\r\nHello\n0",  # GHSA-vqfr-h8mv-ghfj, CVE-2025-43859
        b"5\r\nHelloGET / HTTP/1.1",
        b"0\r\nno colon\r\n\r\n",  # CVE-2025-53643
        b"0\r\n : x\r\n\r\n",
        b"0\r\nX: a\x00\r\n\r\n",
        b"0\r\nX: a\n\r\n\r\n",
        b"0\r\n\n\r\n",
    ],
)
def test_a_body_that_others_might_read_differently_is_a_400(data):
    with pytest.raises(ProtocolError) as caught:  # the status is what counts
        _read(data)

    assert caught.value.status == 400


@pytest.mark.parametrize("data", [b"", b"5", b"5\r", b"5\r\nHel", b"5\r\nHello", b"0\r\nX: a"])
def test_an_incomplete_body_needs_more_bytes(data):
    assert not any(isinstance(event, EndOfMessage) for event in _read(data)[0])


@pytest.mark.parametrize("data", [b"5;" + b"x" * 5000, b"5;" + b"x" * 5000 + b"\r\n"])
def test_an_endless_extension_is_a_400(data):
    with pytest.raises(ProtocolError, match="line of the request's body is too long"):
        _read(data)


def test_endless_trailers_are_a_431():
    """CVE-2026-22815, aiohttp: they count together."""
    many = b"0\r\n" + b"X: y\r\n" * 6
    long = b"0\r\n" + b"X: yyyyyyyyyy\r\n" * 3
    with pytest.raises(ProtocolError, match="more trailers than are accepted"):
        _read(many, Limits(headers=5))
    with pytest.raises(ProtocolError, match="more trailers than are accepted"):
        _read(long, Limits(header_bytes=30))


def test_one_byte_chunks_become_few_events():
    """CVE-2025-69229, aiohttp: thousands of chunks cost thousands of wake-ups."""
    events, _ = _read(b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n")

    assert [len(event.data) for event in events[:-1]] == [10_000]


def test_a_line_is_searched_once_however_it_comes():
    """CVE-2026-54277, aiohttp: limits hold across segments."""
    chunks, buffer = ChunkedDecoder(Limits()), bytearray()
    for byte in b"5;" + b"x" * 4000:
        buffer.append(byte)
        assert chunks.read(buffer) is None
    buffer += b"\r\nHello\r\n0\r\n\r\n"

    assert chunks.read(buffer) == Data(b"Hello")


def test_a_line_at_its_limit_is_taken_in_one_piece_and_byte_by_byte():
    data, limits = b"0\r\nX: " + b"y" * 20 + b"\r\n\r\n", Limits(header_bytes=23)
    chunks, buffer, events = ChunkedDecoder(limits), bytearray(), []
    for byte in data:
        buffer.append(byte)
        events.append(chunks.read(buffer))

    assert events[-1] == EndOfMessage([(b"x", b"y" * 20)])
    assert _read(data, limits)[0] == [events[-1]]
    with pytest.raises(ProtocolError, match="line of the request's body is too long"):
        _read(data, Limits(header_bytes=22))


def test_blanks_in_a_trailer_take_linear_time():
    """Many blanks and then a letter: a pattern that strips them itself would take minutes."""
    limits = Limits(header_bytes=1 << 20)

    assert _read(b"0\r\nX: a" + b" " * 1_000_000 + b"b\r\n\r\n", limits)[1] == b""
