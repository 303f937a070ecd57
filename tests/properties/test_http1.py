"""HTTP/1.1: no split of a stream matters, no bytes but errors, and h11 reads what we write."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import h11
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asyncflask.protocol.events import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    HTTPEvent,
    ProtocolError,
    RequestHead,
)
from asyncflask.protocol.http1 import HTTP1
from asyncflask.protocol.limits import Limits

LIMITS = Limits(header_bytes=2000, headers=20)
#: fields that mean something to the protocol
MEANT = {"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade"}
OURS = {b"content-length", b"transfer-encoding", b"connection"}

tokens = st.text("!#$%&'*+-.^_`|~" + string.ascii_letters + string.digits, min_size=1, max_size=9)
names = tokens.filter(lambda name: name.lower() not in MEANT).map(str.encode)
values = st.binary(max_size=20).map(
    lambda value: bytes(byte for byte in value if (byte >= 0x20 and byte != 0x7F) or byte == 9)
)
fields = st.lists(st.tuples(names, values), max_size=4)
paths = st.text("/-._~!$&'()*+,;=:@" + string.ascii_letters + string.digits, max_size=20).map(
    lambda path: b"/" + path.encode()
)
queries = st.none() | st.text("/?-._~=&%" + string.ascii_letters, max_size=20).map(str.encode)


@dataclass
class Sent:
    """A request as it is sent, and what ought to be read of it."""

    data: bytes
    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b:%b\r\n" % pair for pair in headers)


def _read(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value.strip(b" \t")) for name, value in headers]


@st.composite
def chunks(draw: st.DrawFn, body: bytes) -> bytes:
    """Draw a chunked body without its trailers."""
    sent = b""
    while body:
        size = draw(st.integers(1, len(body)))
        extension = draw(st.sampled_from([b"", b";a", b' ; a="b"', b";" + b"x" * 30]))
        sent += b"%x%b\r\n%b\r\n" % (size, extension, body[:size])
        body = body[size:]
    return sent + b"0\r\n"


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    """Draw a valid request."""
    method = draw(tokens.filter(lambda method: method != "CONNECT"))
    target = draw(paths)
    query = draw(queries)
    if query is not None:
        target += b"?" + query
    headers = [(b"Host", b"a"), *draw(fields)]
    body = draw(st.binary(max_size=60))
    framing = draw(st.sampled_from(["none", "length", "chunked"]))
    if framing == "none":
        body = b""
    elif framing == "length":
        headers.append((b"Content-Length", b" %d" % len(body)))
    else:
        headers.append((b"Transfer-Encoding", b" chunked"))
    trailers = draw(fields) if framing == "chunked" else []
    sent = draw(chunks(body)) + _lines(trailers) + b"\r\n" if framing == "chunked" else body
    empty = draw(st.sampled_from([b"", b"\r\n"]))
    head = b"%b%b %b HTTP/1.1\r\n%b\r\n" % (empty, method.encode(), target, _lines(headers))
    return Sent(head + sent, method, target, _read(headers), body, _read(trailers))


def _pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(edges)]


def _drive(pieces: list[bytes]) -> tuple[HTTP1, list[HTTPEvent], int]:
    """Answer whatever is asked; return the events, and the status of an error or 0."""
    http, events = HTTP1(LIMITS, 0.0), []
    try:
        for piece in [*pieces, b""]:
            http.receive(piece, 0.0)
            while (event := http.next_event(0.0)) is not None:
                events.append(event)
                if isinstance(event, EndOfMessage) and not _answered(http):
                    return http, events, 0
    except ProtocolError as error:
        refused = error
    else:
        return http, events, 0
    assert http.refusal(refused).startswith(b"HTTP/1.1 %d " % refused.status)
    assert http.next_event(0.0) is None
    return http, events, refused.status


def _answered(http: HTTP1) -> bool:
    http.start(200, [])
    http.body(b"", False)
    if http.keep_alive:
        http.next_request(0.0)
        return True
    return False


def _bodies_joined(events: list[HTTPEvent]) -> list[Any]:
    joined: list[Any] = []
    for event in events:
        if isinstance(event, Data):
            assert event.data
            if joined and isinstance(joined[-1], bytes):
                joined[-1] += event.data
            else:
                joined.append(event.data)
        else:
            joined.append(event)
    return joined


cuts = st.lists(st.integers(0, 100_000), max_size=30)


@settings(deadline=None)
@given(st.lists(requests(), min_size=1, max_size=4), cuts)
def test_any_split_of_a_valid_stream_is_read_as_it_was_meant(sent, cuts):
    data = b"".join(request.data for request in sent)
    _, events, status = _drive(_pieces(data, cuts))
    expected: list[Any] = []
    for request in sent:
        expected.append((request.method, request.target, request.headers))
        expected += [request.body] if request.body else []
        expected.append(EndOfMessage(request.trailers))
    read = [
        (event.method, event.target, event.headers) if isinstance(event, RequestHead) else event
        for event in _bodies_joined(events)
    ]

    assert status == 0
    assert read == [*expected, ConnectionClosed()]


@settings(deadline=None, max_examples=30)
@given(st.lists(requests(), min_size=1, max_size=3))
def test_byte_by_byte_is_a_split_like_any_other(sent):
    data = b"".join(request.data for request in sent)
    bytewise = _drive([bytes([byte]) for byte in data])
    whole = _drive([data])

    assert _bodies_joined(bytewise[1]) == _bodies_joined(whole[1])
    assert bytewise[2] == whole[2] == 0


#: what requests are made of, to be put where it does not belong
BITS = [
    *(b"\r\n", b"\r", b"\n", b"\r\n\r\n", b" ", b"\t", b":", b"\x00", b"\x0b", b"\x7f", b"\x85"),
    *(b"GET / HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"CONNECT ", b"http://a", b"*", b"#", b"//"),
    *(b"Host: b\r\n", b"Host:\r\n", b"Content-Length: 5\r\n", b"Content-Length: 5, 5\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"0\r\n\r\n", b"5\r\n"),
    *(b"Connection: close\r\n", b"Expect: x\r\n", b"Upgrade: websocket\r\n", b"f" * 17, b"-1"),
    *("٥".encode(), b"%zz", b"[::1]", b"a" * 2100, b"A: b\r\n" * 21),
]
mutations = st.lists(
    st.tuples(
        st.integers(0, 100_000), st.integers(0, 3), st.sampled_from(BITS) | st.binary(max_size=3)
    ),
    max_size=5,
)


def _mutated(data: bytes, mutations: list[tuple[int, int, bytes]]) -> bytes:
    for place, removed, put in mutations:
        start = place % (len(data) + 1)
        data = data[:start] + put + data[start + removed :]
    return data


def _heads(events: list[HTTPEvent]) -> list[RequestHead]:
    return [event for event in events if isinstance(event, RequestHead)]


@settings(deadline=None, max_examples=300)
@given(st.lists(requests(), max_size=3), mutations, cuts)
@example([], [(0, 0, b"\r"), (1, 0, b"\n")], [1])
@example([], [(0, 0, b"a" * 2010 + b"\n")], [2004])
def test_a_broken_stream_is_an_error_or_a_request_however_it_is_split(sent, mutations, cuts):
    data = _mutated(b"".join(request.data for request in sent), mutations)
    split, whole = _drive(_pieces(data, cuts)), _drive([data])

    assert _heads(split[1]) == _heads(whole[1])
    assert split[2] == whole[2]


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(BITS)).map(b"".join), cuts)
def test_whatever_bytes_come_only_protocol_errors_are_raised(data, cuts):
    http, events, status = _drive(_pieces(data, cuts))

    assert status in (0, 400, 414, 417, 431, 501, 505)
    assert http.buffered <= len(data)
    assert status or isinstance(events[-1], ConnectionClosed | EndOfMessage)


# -- answers ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=300)
@given(
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    version=st.sampled_from(["1.1", "1.0"]),
    connection=st.sampled_from([b"", b"Connection: close\r\n", b"Connection: keep-alive\r\n"]),
    status=st.sampled_from([200, 201, 204, 304, 404, 426, 500, 599]) | st.integers(200, 999),
    headers=fields,
    pieces=st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    measured=st.booleans(),
    trailers=st.none() | fields,
)
def test_h11_reads_what_was_answered(
    method, version, connection, status, headers, pieces, measured, trailers
):
    http = HTTP1(LIMITS, 0.0)
    http.date = b"today"
    head = b"%b / HTTP/%b\r\nHost: a\r\n%b\r\n" % (method.encode(), version.encode(), connection)
    http.receive(head, 0.0)
    http.next_event(0.0)
    body = b"".join(pieces)
    length = [(b"content-length", b"%d" % len(body))] if measured else []
    allowed = [pair for pair in trailers or [] if pair[0].lower() not in NO_TRAILERS]

    http.start(status, headers + length, trailers=trailers is not None)
    sent = b"".join(
        http.body(piece, number < len(pieces) - 1) for number, piece in enumerate(pieces)
    )
    sent += http.trailers(allowed) if trailers is not None else b""
    client, response, got, got_trailers = _read_by_h11(method, sent)

    assert response.status_code == status
    theirs = [pair for pair in response.headers if pair[0] not in OURS]
    dated = any(name.lower() == b"date" for name, _ in headers)
    assert theirs == _read(headers) + ([] if dated else [(b"date", b"today")])
    assert got == (b"" if method == "HEAD" or status in (204, 304) else body)
    is_chunked = (b"transfer-encoding", b"chunked") in list(response.headers)
    assert got_trailers == (_read(allowed) if is_chunked else [])
    assert http.keep_alive is (client.their_state is h11.DONE)


NO_TRAILERS = {b"content-type", b"content-encoding", b"set-cookie"}


def _read_by_h11(method: str, sent: bytes) -> tuple[h11.Connection, Any, bytes, list[Any]]:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(sent)
    response = client.next_event()
    assert isinstance(response, h11.Response)
    body = b""
    while (event := client.next_event()) is not h11.NEED_DATA:
        if isinstance(event, h11.EndOfMessage):
            return client, response, body, list(event.headers)
        body += event.data
    client.receive_data(b"")  # The body ends with the connection.
    assert isinstance(client.next_event(), h11.EndOfMessage)
    return client, response, body, []
