"""HTTP1: events from bytes in any pieces, deadlines, and what may follow a response."""

from __future__ import annotations

import pytest

from asyncflask.exceptions import RETRY_AFTER
from asyncflask.protocol.events import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    ProtocolError,
    RequestHead,
)
from asyncflask.protocol.http1 import HTTP1
from asyncflask.protocol.limits import Limits

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMITS = Limits(header_timeout=10, body_timeout=60, keep_alive_timeout=5)


def _http(data=b"", limits=LIMITS):
    http = HTTP1(limits, 0.0)
    if data:
        http.receive(data, 0.0)
    return http


def _events(http):
    events = []
    while (event := http.next_event(0.0)) is not None:
        events.append(event)
        if isinstance(event, ConnectionClosed):
            break
    return events


def _answer(http):
    http.start(200, [])
    return http.body(b"", False)


def test_a_request_and_its_end():
    request, end = _events(_http(GET))

    assert isinstance(request, RequestHead)
    assert end == EndOfMessage([])


@pytest.mark.parametrize("data", [POST + b"Hello", CHUNKED + b"5\r\nHello\r\n0\r\n\r\n"])
def test_a_body_comes_between(data):
    assert _events(_http(data))[1:] == [Data(b"Hello"), EndOfMessage([])]


@pytest.mark.parametrize("data", [GET, POST + b"Hello", CHUNKED + b"5\r\nHello\r\n0\r\n\r\n"])
def test_bytes_one_by_one_give_the_same(data):
    http, events = _http(), []
    for byte in data:
        http.receive(bytes([byte]), 0.0)
        events += _events(http)
    whole = _events(_http(data))

    assert events[0] == whole[0]
    assert b"".join(event.data for event in events if isinstance(event, Data)) == b"".join(
        event.data for event in whole if isinstance(event, Data)
    )
    assert events[-1] == whole[-1]


def test_a_large_body_comes_in_bounded_pieces():
    data = POST.replace(b"5", b"%d" % 1_000_000) + b"x" * 1_000_000

    pieces = [len(event.data) for event in _events(_http(data)) if isinstance(event, Data)]

    assert sum(pieces) == 1_000_000
    assert max(pieces) <= 256 * 1024


def test_a_piece_of_a_body_is_passed_on_without_a_copy():
    http = _http(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n" + b"a" * 1000)
    _events(http)
    piece = b"b" * 1000
    http.receive(piece, 0.0)
    assert http.buffered == 1000
    event = http.next_event(0.0)

    assert isinstance(event, Data)
    assert event.data is piece
    assert http.buffered == 0


@pytest.mark.parametrize("size", [1000, 1000 + len(GET)])
def test_pieces_that_are_not_asked_for_are_kept_in_order(size):
    http = _http(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n")
    body = bytes(range(250)) * 12
    _events(http)
    sent = body + GET
    for at in range(0, len(sent), size):
        http.receive(sent[at : at + size], 0.0)
    assert http.buffered == len(sent)
    events = _events(http)

    assert b"".join(event.data for event in events[:-1]) == body
    assert isinstance(events[-1], EndOfMessage)
    assert http.buffered == len(GET)


def test_a_next_request_in_the_last_piece_of_a_body_is_found():
    http = _http(POST)
    _events(http)
    http.receive(b"Hello" + GET, 0.0)
    assert _events(http) == [Data(b"Hello"), EndOfMessage([])]
    _answer(http)
    http.next_request(0.0)
    request, end = _events(http)

    assert request.method == "GET"
    assert end == EndOfMessage([])


def test_the_next_request_waits_for_the_answer():
    """CVE-2026-54273, aiohttp: thousands of pipelined requests are bytes, not requests."""
    http = _http(GET + POST + b"Hello")
    first = _events(http)
    waiting = http.buffered
    _answer(http)
    http.next_request(0.0)

    assert len(first) == 2
    assert waiting == len(POST) + 5
    assert [type(event) for event in _events(http)] == [RequestHead, Data, EndOfMessage]


def test_one_empty_line_before_a_request_is_ignored():
    """RFC 9112 §2.2."""
    assert isinstance(_events(_http(b"\r\n" + GET))[0], RequestHead)


def test_an_empty_line_in_two_segments_is_one():
    http = _http(b"\r")
    before = http.next_event(0.0)
    http.receive(b"\n", 0.0)
    between = http.next_event(0.0)
    http.receive(GET, 0.0)

    assert (before, between) == (None, None)
    assert isinstance(http.next_event(0.0), RequestHead)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("lines", [2, 3, 1000])
def test_many_empty_lines_are_a_400(lines, size):
    """RFC 9112 §2.2 allows one; many would keep the connection busy without a request."""
    data, http = b"\r\n" * lines + GET, _http()
    with pytest.raises(ProtocolError, match=r"malformed|not HTTP"):
        for start in range(0, len(data), size):
            http.receive(data[start : start + size], 0.0)
            http.next_event(0.0)


@pytest.mark.parametrize("size", [1, 1000])
def test_a_head_at_its_limit_is_taken_however_it_comes(size):
    data, http = GET[:-4] + b"a\r\n\r\n", _http(limits=Limits(header_bytes=len(GET) - 3))
    events = []
    for start in range(0, len(data), size):
        http.receive(data[start : start + size], 0.0)
        events += _events(http)

    assert [type(event) for event in events] == [RequestHead, EndOfMessage]


def test_a_clean_end_between_requests():
    http = _http()
    http.receive(b"", 0.0)

    assert _events(http) == [ConnectionClosed()]
    assert http.next_event(0.0) is None


def test_the_end_after_a_complete_request_is_no_error():
    http = _http(GET)
    http.receive(b"", 0.0)
    events = _events(http)
    _answer(http)
    http.next_request(0.0)

    assert [type(event) for event in events] == [RequestHead, EndOfMessage]
    assert _events(http) == [ConnectionClosed()]


@pytest.mark.parametrize(
    "data", [b"GET", GET[:-1], POST + b"Hell", CHUNKED + b"5\r\nHello\r\n", CHUNKED]
)
def test_an_end_in_the_middle_is_a_400(data):
    http = _http(data)
    http.receive(b"", 0.0)
    with pytest.raises(ProtocolError, match="ended before it was complete"):
        _events(http)


def test_after_an_error_nothing_more_is_read():
    http = _http(b"\x16\x03\x01 this is TLS")
    with pytest.raises(ProtocolError, match="not HTTP"):
        http.next_event(0.0)
    http.receive(GET, 0.0)

    assert http.next_event(0.0) is None
    assert http.buffered == 0


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 300, 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 300, 431),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 300 + b"\r\n\r\n", 431),
    ],
)
def test_a_head_beyond_the_limit_is_refused_before_its_end(data, status):
    with pytest.raises(ProtocolError) as caught:  # the status is what counts
        _events(_http(data, Limits(header_bytes=200)))

    assert caught.value.status == status


def test_a_head_in_small_segments_is_held_to_the_same_limit():
    """CVE-2026-54277, aiohttp."""
    http = _http(limits=Limits(header_bytes=200))
    with pytest.raises(ProtocolError, match="more than 200 bytes"):
        for _ in range(300):
            http.receive(b"a", 0.0)
            http.next_event(0.0)


# -- what may follow -------------------------------------------------------------------------------


def test_a_connection_goes_on_if_nothing_forbids_it():
    http = _http(GET)
    http.next_event(0.0)
    before = http.keep_alive
    _answer(http)

    assert (before, http.keep_alive) == (False, True)


@pytest.mark.parametrize("data", [GET.replace(b"1.1", b"1.0"), POST, POST + b"Hel", CHUNKED])
def test_a_connection_ends_after_an_unread_body_and_after_http_1_0(data):
    """CVE-2022-29361: the rest of a body would be taken for a request."""
    http = _http(data)
    http.next_event(0.0)
    _answer(http)

    assert http.keep_alive is False


def test_the_last_response_has_connection_close():
    http = _http(GET)
    http.next_event(0.0)
    http.last = True

    assert b"\r\nconnection: close\r\n" in _answer(http)
    assert http.keep_alive is False


def test_an_upgrade_returns_the_bytes_after_the_head():
    http = _http(GET + b"\x81\x00")
    http.next_event(0.0)

    assert http.upgraded() == b"\x81\x00"
    assert http.next_event(0.0) is None


def test_no_100_is_sent_to_http_1_0():
    old, new = _http(GET.replace(b"1.1", b"1.0")), _http(GET)
    old.next_event(0.0)
    new.next_event(0.0)

    assert old.informational(100) == b""
    assert new.informational(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert _http().informational(100) == b""


def test_no_100_is_sent_in_the_middle_of_a_response():
    http = _http(GET)
    http.next_event(0.0)
    http.start(200, [])
    http.body(b"a", True)

    assert http.informational(103, [(b"link", b"</a>")]) == b""


@pytest.mark.parametrize(
    ("data", "said"), [(POST, True), (CHUNKED, True), (POST + b"Hello", False)]
)
def test_a_response_to_an_unread_body_has_connection_close(data, said):
    """RFC 9112 §9.6."""
    http = _http(data)
    http.next_event(0.0)

    assert (b"\r\nconnection: close\r\n" in _answer(http)) is said


# -- refusals --------------------------------------------------------------------------------------


def test_a_refusal_is_a_complete_response():
    http = _http(b"bad\r\n\r\n")
    http.date = b"today"
    with pytest.raises(ProtocolError) as caught:  # the answer is what counts
        http.next_event(0.0)
    answer = http.refusal(caught.value)

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\ndate: today\r\n" in answer
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b".\n")


def test_no_refusal_is_written_into_a_response_that_has_begun():
    http = _http(POST)
    http.next_event(0.0)
    http.start(200, [])
    http.body(b"a", True)

    assert http.refusal(ProtocolError(408, "Late.")) == b""


def test_a_426_names_the_supported_version():
    """RFC 6455 §4.4, RFC 9110 §15.5.22."""
    http = _http(GET)
    http.next_event(0.0)

    answer = http.refusal(ProtocolError(426, "Version 13."))

    assert b"\r\nupgrade: websocket\r\n" in answer
    assert b"\r\nsec-websocket-version: 13\r\n" in answer


def test_a_503_says_when_to_come_back():
    """RFC 9110 §10.2.3. Not all clients at the same second."""
    http = _http(GET)
    http.next_event(0.0)

    answer = http.refusal(ProtocolError(503, "Too many connections."))

    seconds = int(answer.partition(b"\r\nretry-after: ")[2].partition(b"\r\n")[0])
    assert seconds in range(RETRY_AFTER[0], RETRY_AFTER[1] + 1)


def test_headers_that_an_app_adds_are_written():
    http = _http(GET)
    http.next_event(0.0)
    http.start(200, [], trailers=True)
    sent = http.body(b"a", False) + http.trailers([(b"x", b"1")])

    assert sent.endswith(b"1\r\na\r\n0\r\nx: 1\r\n\r\n")


def test_a_length_may_be_given_after_the_start():
    http = _http(GET)
    http.next_event(0.0)
    http.start(200, [])
    http.add_length(2)

    assert http.body(b"a", True).endswith(b"content-length: 2\r\n\r\na")


# -- deadlines -------------------------------------------------------------------------------------


def _expired(http, now):
    try:
        return http.expire(now)
    except ProtocolError as error:
        return error.status


def test_a_connection_without_a_request_is_closed():
    http = _http()

    assert [_expired(http, now) for now in (9.9, 10, 11)] == [False, True, False]


def test_a_head_that_takes_too_long_is_a_408():
    http = _http()
    http.receive(b"GET", 4.0)
    http.receive(b" /", 13.0)

    assert http.deadline == 14.0, "It counts from the first byte."
    assert _expired(http, 14.0) == 408


def test_between_requests_the_time_is_shorter():
    http = _http(GET)
    _events(http)
    _answer(http)
    http.next_request(100.0)

    assert http.deadline == 105.0
    assert _expired(http, 105.0) is True


def test_a_request_that_was_begun_ahead_has_a_heads_time():
    http = _http(GET + b"GET")
    _events(http)
    _answer(http)
    http.next_request(100.0)

    assert http.deadline == 110.0
    assert _expired(http, 110.0) == 408


def test_while_the_app_works_there_is_no_deadline():
    http = _http(POST)
    http.next_event(0.0)

    assert http.deadline is None
    assert _expired(http, 1e9) is False


def test_a_body_is_overdue_only_while_it_is_waited_for():
    http = _http(POST)
    http.next_event(0.0)
    http.wait_for_body(True, 10.0)
    http.receive(b"H", 50.0)
    waiting = http.deadline
    http.next_event(50.0)

    assert (waiting, http.deadline) == (110.0, None)


def test_a_body_that_does_not_come_is_a_408():
    http = _http(POST)
    http.next_event(0.0)
    http.wait_for_body(True, 10.0)

    assert _expired(http, 70.0) == 408


# -- lines that end with LF alone ------------------------------------------------------------------

BARE = [
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET / HTTP/1.1\n",
    b"GET / HTTP/1.1\r\nHost: a\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    CHUNKED + b"5\n",
    CHUNKED + b"5\r\nHello\r\n0\r\na: b\n",
    CHUNKED + b"5\r\nHello\r\n0\n\n",
]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("data", BARE)
def test_a_line_that_ends_with_lf_alone_is_refused_before_the_next_one_is_waited_for(data, size):
    http = _http()
    with pytest.raises(ProtocolError, match=r"LF alone|malformed|not HTTP|control") as raised:
        for at in range(0, len(data), size):
            http.receive(data[at : at + size], 0.0)
            _events(http)

    assert raised.value.status == 400


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_lines_that_end_with_crlf_may_be_cut_anywhere(size):
    http, events = _http(), []
    data = CHUNKED + b"5\r\nHello\r\n0\r\na: b\r\n\r\n"
    for at in range(0, len(data), size):
        http.receive(data[at : at + size], 0.0)
        events += _events(http)

    assert b"".join(event.data for event in events if isinstance(event, Data)) == b"Hello"
    assert events[-1] == EndOfMessage([(b"a", b"b")])
