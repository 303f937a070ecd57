"""ResponseWriter: every client reads what the app sent, and nothing else."""

from __future__ import annotations

import pytest

from asyncflask.protocol.asgi_state import IllegalMessage
from asyncflask.protocol.events import RequestHead
from asyncflask.protocol.response_writer import ResponseWriter, informational


def _answer(method="GET", version="1.1", keep_alive=True, date=b"", server=b""):
    request = RequestHead(method, b"/", "/", b"/", b"", [], version, False, keep_alive, False, "")
    return ResponseWriter(request, date, server)


def _sent(*pieces, status=200, headers=(), **options):
    answer = _answer(**options)
    answer.start(status, headers)
    return b"".join(
        answer.body(piece, number < len(pieces) - 1) for number, piece in enumerate(pieces)
    )


def test_a_body_in_one_piece_gets_its_length():
    assert _sent(b"Hello") == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHello"


def test_a_body_in_pieces_is_chunked():
    """RFC 9112 §7.1."""
    assert _sent(b"Hello", b"", b"!").endswith(
        b"transfer-encoding: chunked\r\n\r\n5\r\nHello\r\n1\r\n!\r\n0\r\n\r\n"
    )


def test_a_body_in_pieces_ends_with_the_connection_for_http_1_0():
    """RFC 9112 §6.3, 8."""
    assert _sent(b"Hello", b"!", version="1.0") == (
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nHello!"
    )


def test_a_length_that_was_given_frames_the_pieces():
    sent = _sent(b"Hel", b"lo", headers=[(b"content-length", b"5")])

    assert sent.endswith(b"content-length: 5\r\n\r\nHello")


def test_nothing_is_written_before_the_body_begins():
    answer = _answer()
    answer.start(200, [])

    assert answer.begun is False


def test_date_and_server_are_written_if_the_app_gave_none():
    ours = {"date": b"today", "server": b"we"}

    assert b"\r\ndate: today\r\nserver: we\r\n" in _sent(b"", **ours)
    theirs = _sent(b"", headers=[(b"date", b"D"), (b"server", b"S")], **ours)
    assert b"\r\ndate: D\r\nserver: S\r\ncontent" in theirs


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"keep_alive": False}, b"\r\nconnection: close\r\n"),
        ({"headers": [(b"connection", b"Close, x")]}, b"\r\nconnection: close\r\n"),
        ({"version": "1.0"}, b"\r\nconnection: keep-alive\r\n"),
    ],
)
def test_connection_is_written_where_it_differs_from_the_default(options, line):
    """RFC 9112 §9.3."""
    assert line in _sent(b"", **options)
    assert b"connection" not in _sent(b"")


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(status):
    """RFC 9110 §6.4.1."""
    assert _sent(b"dropped", status=status).endswith(b"\r\n\r\n")
    assert b"content-length" not in _sent(b"", status=status)


def test_a_304_may_have_the_length_of_the_full_response():
    assert b"content-length: 5\r\n" in _sent(b"", status=304, headers=[(b"content-length", b"5")])
    assert b"content-length" not in _sent(b"", status=204, headers=[(b"content-length", b"5")])


def test_a_response_to_head_has_the_length_and_no_body():
    """RFC 9110 §9.3.2."""
    given = [(b"content-length", b"5")]

    assert _sent(b"Hello", method="HEAD") == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
    assert _sent(b"", method="HEAD", headers=given).endswith(b"content-length: 5\r\n\r\n")
    assert _sent(b"", method="HEAD") == b"HTTP/1.1 200 OK\r\n\r\n"
    assert _sent(b"a", b"b", method="HEAD") == b"HTTP/1.1 200 OK\r\n\r\n"


def test_an_unknown_status_has_no_reason():
    assert _sent(b"", status=599).startswith(b"HTTP/1.1 599 \r\n")


@pytest.mark.parametrize("status", [100, 101, 103, 0, 1000])
def test_a_status_that_is_no_final_answer_is_refused(status):
    with pytest.raises(IllegalMessage, match=f"status={status}; a final answer has 200"):
        _answer().start(status, [])


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([b"Hello!"], "body has 6 bytes, and its content-length says 5"),
        ([b"Hel"], "body has 3 bytes, and its content-length says 5"),
        ([b"Hello", b"!"], "body has 6 bytes, and its content-length says 5"),
        ([b"Hello!", b""], "body has 6 bytes so far, and its content-length says 5"),
    ],
)
def test_a_body_longer_or_shorter_than_its_length_is_an_error(pieces, message):
    with pytest.raises(IllegalMessage, match=message):
        _sent(*pieces, headers=[(b"content-length", b"5")])


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([(b"content-length", b"x")], "it is one number of bytes"),
        ([(b"content-length", b"5"), (b"content-length", b"6")], "it is one number of bytes"),
        ([(b"transfer-encoding", b"gzip")], "framed is the server's affair"),
        ([(b"x y", b"")], "A header named b'x y' was sent"),
        ([(b"", b"")], "A header named b'' was sent"),
        ([(b"x:y", b"")], "A header named b'x:y' was sent"),
        ([(b"x", b"a\r\nset-cookie: b")], "header b'x' has a control character in its value"),
        ([(b"x", b"a\nb")], "header b'x' has a control character"),
        ([(b"x", b"a\rb")], "header b'x' has a control character"),
        ([(b"x", b"\x00")], "header b'x' has a control character"),
        ([(b"x", b"\x7f")], "header b'x' has a control character"),
    ],
)
def test_a_header_that_would_be_read_as_something_else_is_refused(headers, message):
    r"""CVE-2023-49081, CVE-2020-7695, CVE-2012-2374: `\r\n` in a value is a second header."""
    with pytest.raises(IllegalMessage, match=message):
        _answer().start(200, headers)


def test_two_bad_values_are_found_even_where_their_line_breaks_add_up():
    with pytest.raises(IllegalMessage, match="control character"):
        _answer().start(200, iter([(b"x", b"\r\n"), (b"y", b"")]))


def test_a_transfer_encoding_of_the_app_is_left_to_the_server():
    sent = _sent(b"a", b"b", headers=[(b"transfer-encoding", b"chunked")])

    assert sent.count(b"chunked") == 1


def test_the_same_length_twice_is_written_once():
    twice = [(b"content-length", b"1"), (b"content-length", b"1")]

    assert _sent(b"a", headers=twice).count(b"content-length") == 1


def test_a_length_can_be_told_later():
    answer = _answer()
    answer.start(200, [])
    answer.add_length(2)
    answer.add_length(3)

    assert answer.body(b"a", True) + answer.body(b"b", False) == (
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab"
    )


def _with_trailers(headers, **options):
    answer = _answer(**options)
    answer.start(200, [], True)
    sent = answer.body(b"a", True) + answer.body(b"", False)
    return sent + answer.trailers(headers)


def test_trailers_end_a_chunked_body():
    """RFC 9112 §7.1.2."""
    assert _with_trailers([(b"x-sum", b"1")]).endswith(b"\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n")


def test_trailers_may_come_in_several_messages():
    answer = _answer()
    answer.start(200, [], True)
    sent = answer.body(b"a", False) + answer.trailers([(b"x", b"1")], True)
    sent += answer.trailers([(b"y", b"2")])

    assert sent.endswith(b"0\r\nx: 1\r\ny: 2\r\n\r\n")


def test_trailers_are_dropped_where_they_cannot_be_sent():
    assert _with_trailers([(b"x", b"1")], version="1.0").endswith(b"\r\n\r\na")


@pytest.mark.parametrize("header", [(b"content-length", b"1"), (b"x", b"\n"), (b"a b", b"")])
def test_a_trailer_that_may_not_be_one_is_refused(header):
    """RFC 9110 §6.5.1."""
    with pytest.raises(IllegalMessage, match=r"cannot be sent here|A header named"):
        _with_trailers([header])


def test_an_early_hint_is_written_before_the_response():
    """RFC 8297 §2."""
    assert informational(103, [(b"link", b"</a.css>")]) == (
        b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
    )
    assert informational(199, []) == b"HTTP/1.1 199 \r\n\r\n"
    with pytest.raises(IllegalMessage, match="cannot be sent here"):
        informational(103, [(b"content-length", b"1")])


def test_header_names_are_not_cached_without_limit():
    for number in range(3000):
        _sent(b"", headers=[(b"x-%d" % number, b"")])
    with pytest.raises(IllegalMessage, match="A header named b'x y'"):
        _sent(b"", headers=[(b"x y", b"")])


def test_the_value_that_is_refused_is_the_one_that_is_wrong():
    with pytest.raises(IllegalMessage, match="header b'y' has a control character"):
        _answer().start(200, [(b"x", b"a"), (b"y", b"\x00")])


def test_names_are_written_in_lower_case_and_accepted_in_any():
    """`Content-Length` beside a `content-length` of ours would end the body twice."""
    sent = _sent(b"a", b"b", headers=[(b"Content-Length", b"2"), (b"X-Y", b"z"), (b"Date", b"D")])

    assert sent == b"HTTP/1.1 200 OK\r\nx-y: z\r\ndate: D\r\ncontent-length: 2\r\n\r\nab"


def test_an_upgrade_header_is_named_in_connection_too():
    """RFC 9110 §7.8."""
    sent = _sent(b"", status=426, headers=[(b"upgrade", b"h2c")])

    assert b"\r\nupgrade: h2c\r\nconnection: upgrade\r\n" in sent


def test_a_trailer_named_date_is_not_taken_for_the_heads():
    _with_trailers([(b"date", b"later")])

    assert b"date: ours" not in _sent(b"", headers=[(b"date", b"theirs")], date=b"ours")
