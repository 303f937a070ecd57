"""parse(): the values of a head, and heads that two readers could understand differently."""

from __future__ import annotations

import pytest

from asyncflask.protocol import request_parser
from asyncflask.protocol.events import ProtocolError
from asyncflask.protocol.limits import Limits
from asyncflask.protocol.request_parser import parse


def _head(line=b"GET / HTTP/1.1", *fields, host=b"Host: example.test"):
    lines = [line, *([host] if host else []), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _parse(*args, limits=None, **options):
    return parse(_head(*args, **options), limits or Limits())


def _refused(*args, **options):
    with pytest.raises(ProtocolError) as caught:  # the status is what counts
        _parse(*args, **options)
    return caught.value.status


# -- what is read ----------------------------------------------------------------------------------


def test_a_request_is_parsed_into_the_values_of_an_asgi_scope():
    request, length = _parse(b"GET /caf%C3%A9?a=b?c HTTP/1.1", b"X-Name:  Value \t")

    assert (request.method, request.path, request.raw_path) == ("GET", "/café", b"/caf%C3%A9")
    assert (request.query_string, request.http_version) == (b"a=b?c", "1.1")
    assert request.headers == [(b"host", b"example.test"), (b"x-name", b"Value")]
    assert (length, request.has_body, request.upgrade) == (0, False, "")


def test_methods_are_case_sensitive():
    """RFC 9110 §9.1."""
    assert _parse(b"get / HTTP/1.1")[0].method == "get"


def test_a_bad_percent_escape_stays_as_it_is():
    assert _parse(b"GET /%zz%4 HTTP/1.1")[0].path == "/%zz%4"


def test_two_slashes_at_the_beginning_are_a_path():
    """CVE-2020-28724, CVE-2021-21330: no host is made of them."""
    request, _ = _parse(b"GET //evil.test/a HTTP/1.1")

    assert (request.path, request.headers) == ("//evil.test/a", [(b"host", b"example.test")])


def test_the_host_of_an_absolute_target_counts():
    """RFC 9112 §3.2.2."""
    request, _ = _parse(b"GET http://other.test:80/a?b HTTP/1.1")

    assert (request.path, request.query_string) == ("/a", b"b")
    assert request.headers == [(b"host", b"other.test:80")]


def test_an_absolute_target_without_a_path_asks_for_the_root():
    assert _parse(b"GET http://other.test HTTP/1.1")[0].path == "/"
    assert _parse(b"GET http://other.test?a HTTP/1.1")[0].query_string == b"a"


def test_a_star_is_the_target_of_options():
    assert _parse(b"OPTIONS * HTTP/1.1")[0].path == "*"


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        (b"1.1", None, True),
        (b"1.1", b"close", False),
        (b"1.1", b"Upgrade, CLOSE", False),
        (b"1.0", None, False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_connection_and_version_tell_whether_another_request_may_follow(version, connection, kept):
    """RFC 9112 §9.3."""
    fields = [b"Connection: " + connection] if connection else []

    assert _parse(b"GET / HTTP/" + version, *fields)[0].keep_alive is kept


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([b"Content-Length: 0"], (0, False)),
        ([b"Content-Length: 12"], (12, True)),
        ([b"Transfer-Encoding: chunked"], (None, True)),
        ([b"Transfer-Encoding: CHUNKED"], (None, True)),
    ],
)
def test_the_bodys_framing(fields, expected):
    request, length = _parse(b"POST / HTTP/1.1", *fields)

    assert (length, request.has_body) == expected


def test_a_client_may_wait_for_a_100():
    waits = [b"Expect: 100-Continue", b"Content-Length: 5"]

    assert _parse(b"POST / HTTP/1.1", *waits)[0].expects_continue is True
    assert _parse(b"POST / HTTP/1.0", *waits)[0].expects_continue is False
    assert _parse(b"POST / HTTP/1.1", waits[0])[0].expects_continue is False
    assert _parse(b"POST / HTTP/1.0", b"Expect: magic")[0].expects_continue is False


@pytest.mark.parametrize(
    ("fields", "upgrade"),
    [
        ([b"Connection: Upgrade", b"Upgrade: WebSocket"], "websocket"),
        ([b"Connection: keep-alive, upgrade", b"Upgrade: h2c, websocket"], "websocket"),
        ([b"Connection: Upgrade", b"Upgrade: h2c"], ""),
        ([b"Upgrade: websocket"], ""),
        ([b"Connection: close", b"Upgrade: websocket"], ""),
    ],
)
def test_an_upgrade_counts_only_if_connection_names_it(fields, upgrade):
    """RFC 9110 §7.8."""
    assert _parse(b"GET / HTTP/1.1", *fields)[0].upgrade == upgrade


def test_http_1_0_cannot_upgrade():
    fields = [b"Connection: Upgrade", b"Upgrade: websocket"]

    assert _parse(b"GET / HTTP/1.0", *fields)[0].upgrade == ""


@pytest.mark.parametrize(
    "host", [b"a", b"a:1", b"a-b.test", b"127.0.0.1:80", b"[::1]:80", b"x%41", b"a:"]
)
def test_a_host_with_or_without_a_port(host):
    assert _parse(host=b"Host: " + host)[0].headers == [(b"host", host)]


def test_http_1_0_needs_no_host():
    assert _parse(b"GET / HTTP/1.0", host=None)[0].headers == []


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        # CVE-2023-47641, CVE-2022-24761, CVE-2018-1000164: two lengths.
        [b"Transfer-Encoding: chunked", b"Content-Length: 5"],
        # CVE-2019-16789, CVE-2022-31015: a length of more than one reading.
        [b"Content-Length: 5", b"Content-Length: 6"],
        [b"Content-Length: 5", b"Content-Length: 5"],
        [b"Content-Length: 5, 5"],
        [b"Content-Length: +5"],
        [b"Content-Length: -5"],
        [b"Content-Length: 0x5"],
        [b"Content-Length: 5_0"],
        [b"Content-Length:"],
        # CVE-2025-69224: digits of other scripts.
        ["Content-Length: ٥".encode()],
        [b"Content-Length: " + b"9" * 19],
        # CVE-2024-23829, CVE-2019-16792: names that other readers trim.
        [b"Content-Length : 5"],
        [b" Content-Length: 5"],
        [b"Transfer-Encoding\x0b: chunked"],
        [b"No colon"],
        [b": no name"],
        [b"Na\xc3\xa4me: x"],
        [b"X: a", b" folded"],
        [b"X: a", b"\tfolded"],
        # CVE-2023-37276, CVE-2023-47627, CVE-2019-16785: ends a line for others.
        [b"X: a\nY: b"],
        [b"X: a\rY: b"],
        [b"X: a\x00b"],
        [b"X: a\x1bb"],
        [b"X: a\x7fb"],
        # CVE-2026-34525: two hosts.
        [b"Host: other.test"],
    ],
)
def test_an_ambiguous_field_is_a_400(fields):
    assert _refused(b"POST / HTTP/1.1", *fields) == 400


@pytest.mark.parametrize(
    ("codings", "status"),
    [
        # RFC 9112 §6.3, 4.: the end of the body is not known.
        ([b"gzip"], 400),
        ([b"chunked, gzip"], 400),
        ([b"chunked", b"identity"], 400),
        ([b"identity"], 400),
        ([b"xchunked"], 400),
        ([b"chunked;q=1"], 400),
        ([b""], 400),
        # §6.1: the coding before is not understood.
        ([b"gzip, chunked"], 501),
        ([b"chunked, Chunked"], 501),
        ([b"chunked", b"chunked"], 501),
    ],
)
def test_a_transfer_coding_other_than_chunked_is_refused(codings, status):
    """CVE-2020-5236, CVE-2019-16786."""
    fields = [b"Transfer-Encoding: " + coding for coding in codings]

    assert _refused(b"POST / HTTP/1.1", *fields) == status


def test_http_1_0_has_no_transfer_coding():
    """RFC 9112 §6.1."""
    assert _refused(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked") == 400


@pytest.mark.parametrize(
    "target",
    [
        b"?a=b",
        b"@evil.test",  # CVE-2026-54282
        b"a/b",
        b"*",
        b"/a#b",
        b"http://",
        b"http:///a",
        b"http://user@evil.test/",
        b"http://a b/",
        b"ftp://a/",
        b"/a\x00b",
        b"/a\x7fb",
        "/é".encode(),
        b"/a b",
        b"",
    ],
)
def test_a_target_without_a_path_of_its_own_is_a_400(target):
    assert _refused(b"GET " + target + b" HTTP/1.1") == 400


@pytest.mark.parametrize(
    "host",
    [
        *(b"", b"a/?x", b"a@b", b"a b", b"a:b", b"a:123456", b"[::1", b"a#", b"\xc3\xa4"),
        *(b"a:65536", b"[::::]", b"[]", b"[1.2.3.4]", b"[::1]a", b"a%4", b"a\\b", b"a,b c"),
    ],
)
def test_an_invalid_host_is_a_400(host):
    """CVE-2026-48710, GHSA-86qp-5c8j-p5mr: `Host: a/?x` would change the URL's path."""
    assert _refused(host=b"Host: " + host) == 400


def test_two_hosts_are_a_400_in_any_version():
    """CVE-2026-34525, aiohttp."""
    assert _refused(b"GET / HTTP/1.0", b"Host: other.test") == 400


def test_hosts_are_not_cached_without_limit():
    for number in range(2000):
        _parse(host=b"Host: h%d" % number)
    long = b"a" * 1000

    assert len(request_parser._hosts) <= 256
    assert _parse(host=b"Host: " + long)[0].headers == [(b"host", long)]
    assert _refused(host=b"Host: a/?x") == 400


def test_http_1_1_without_a_host_is_a_400():
    assert _refused(host=None) == 400


@pytest.mark.parametrize("line", [b"GET /", b"GET  / HTTP/1.1", b"/ HTTP/1.1", b"GET / HTTP/1.1x"])
def test_a_request_line_of_another_shape_is_a_400(line):
    assert _refused(line) == 400


@pytest.mark.parametrize("version", [b"2.0", b"0.9", b"1.2"])
def test_another_version_is_a_505(version):
    assert _refused(b"GET / HTTP/" + version) == 505


def test_connect_is_a_501():
    """Hypercorn issue 277."""
    assert _refused(b"CONNECT example.test:80 HTTP/1.1") == 501


def test_another_expectation_is_a_417():
    """RFC 9110 §10.1.1."""
    assert _refused(b"POST / HTTP/1.1", b"Expect: magic", b"Content-Length: 5") == 417
    assert _refused(b"GET / HTTP/1.1", b"Expect: 100-continue", b"Expect: magic") == 417


def test_more_fields_than_allowed_are_a_431():
    fields = [b"X-%d: y" % number for number in range(5)]

    assert _refused(b"GET / HTTP/1.1", *fields, limits=Limits(headers=5)) == 431
    assert _parse(b"GET / HTTP/1.1", *fields, limits=Limits(headers=6))


@pytest.mark.parametrize(
    ("line", "field", "quoted"),
    [
        (b"GET  / HTTP/1.1", b"X-A: b", "request line: b'GET  / HTTP/1.1'."),
        (b"GET / HTTP/1.1", b"so 'bad'", "header line: b\"so \\'bad\\'\"."),
    ],
)
def test_the_error_for_a_malformed_line_quotes_it(line, field, quoted):
    with pytest.raises(ProtocolError) as caught:
        _parse(line, field)
    assert str(caught.value) == f"The request is malformed: illegal {quoted}"


def test_a_malformed_head_is_a_400():
    with pytest.raises(ProtocolError, match="malformed"):
        parse(b"\r\n\r\n", Limits())


def test_the_quotation_of_a_bad_head_is_limited():
    with pytest.raises(ProtocolError, match="malformed") as caught:
        _parse(b"GET / HTTP/1.1", b"x" * 60_000)

    assert len(str(caught.value)) < 300


def test_blanks_in_a_length_take_linear_time():
    """Like CVE-2019-16792: a pattern that strips blanks itself would take minutes for these."""
    assert _refused(b"POST / HTTP/1.1", b"Content-Length: 5" + b" " * 1_000_000 + b",5") == 400


@pytest.mark.parametrize(
    "line",
    [b"GET\r / HTTP/1.1", b"G\nET / HTTP/1.1", b"GET / HTTP/1.1\r", b"GET /\n HTTP/1.1"],
)
def test_a_line_break_in_the_request_line_is_a_400(line):
    """CVE-2023-49081 and CVE-2023-49082, aiohttp: in the version, and in the method."""
    assert _refused(line) == 400
