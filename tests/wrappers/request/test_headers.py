"""Promises of ``asyncflask.wrappers.request.headers``."""

from __future__ import annotations

import copy
import pickle

import pytest
from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.exceptions import BadRequestKeyError

from asyncflask.wrappers.request import headers
from asyncflask.wrappers.request.headers import (
    RequestHeaders,
    decode_headers,
    index_headers,
)
from asyncflask.wsgi.environ import _KEYS, _add_headers

PAIRS = [(b"via", b"a"), (b"x-word", b"caf\xe9"), (b"via", b"b"), (b"X-Odd", b"1")]
SHOWN = [("Via", "a,b"), ("X-Word", "café"), ("X-Odd", "1")]


def request_headers(pairs):
    return RequestHeaders.of_scope(pairs, index_headers(pairs))


@pytest.fixture(name="headers", params=["single", "all"])
def _headers(request):
    """Headers before and after they were decoded."""
    headers = request_headers(PAIRS)
    if request.param == "all":
        assert len(headers) == 3
    return headers


def test_a_header_is_found_by_its_name_in_any_case(headers):
    assert headers["X-Word"] == headers["x-word"] == headers.get("X-WORD") == "café"
    assert headers["x-odd"] == "1"
    assert headers.get("X-Odd", type=int) == 1
    assert "via" in headers


def test_lines_of_one_name_are_one_list_however_they_are_read(headers):
    """As in Flask. (A line that is missed may be the one that the proxy has added.)"""
    assert headers["Via"] == headers.get("via") == dict(headers)["Via"] == "a,b"
    assert list(headers) == list(headers.items()) == headers.to_wsgi_list() == SHOWN
    assert {name.lower(): value for name, value in headers}["via"] == "a,b"
    assert headers[0] == ("Via", "a,b")
    assert list(headers[:2]) == SHOWN[:2]


def test_getlist_has_the_lines_apart_and_in_their_order(headers):
    assert headers.getlist("via") == headers.get_all("Via") == ["a", "b"]
    assert headers.getlist("x-odd", type=int) == [1]
    assert headers.getlist("via", type=int) == headers.getlist("Missing") == []


@pytest.mark.parametrize(
    ("name", "joined"),
    [
        (b"accept", "1,2"),
        (b"authorization", "1,2"),
        (b"cookie", "1; 2"),
        (b"host", "1"),
        (b"content-type", "1"),
        (b"content-length", "1"),
    ],
)
def test_each_header_is_joined_as_in_the_environ_of_def_views(name, joined):
    pairs = [(name, b"1"), (b"x-other", b""), (name, b"2")]
    environ = {}
    _add_headers(environ, pairs)

    assert index_headers(pairs)[name].decode() == joined
    assert request_headers(pairs)[name.decode()] == joined
    assert environ.get("HTTP_" + name.decode().upper(), environ.get(_KEYS[name])) == joined
    assert dict(request_headers(pairs))[name.decode().title()] == joined


def test_lines_of_a_response_stay_apart():
    pairs = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]

    assert list(decode_headers(pairs)) == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


def test_a_missing_header_is_werkzeugs_error(headers):
    with pytest.raises(BadRequestKeyError, match="400 Bad Request"):
        headers["Missing"]
    with pytest.raises(BadRequestKeyError, match="400 Bad Request"):
        headers["é"]
    assert headers.get("Missing") is None
    assert "Missing" not in headers


def test_all_else_is_as_in_werkzeug(headers):
    assert isinstance(headers, WerkzeugHeaders)
    assert headers == WerkzeugHeaders(SHOWN)
    assert WerkzeugHeaders(SHOWN) == headers
    assert headers != WerkzeugHeaders()
    assert headers != SHOWN
    assert repr(headers) == f"RequestHeaders({SHOWN!r})"
    with pytest.raises(AttributeError, match="'RequestHeaders' object has no attribute 'missing'"):
        _ = headers.missing


@pytest.mark.parametrize(
    "copied",
    [
        WerkzeugHeaders.copy,
        copy.copy,
        copy.deepcopy,
        lambda headers: pickle.loads(pickle.dumps(headers)),
    ],
)
def test_copies_are_equal_and_independent(headers, copied):
    other = copied(headers)
    other["Via"] = "c"

    assert headers["Via"] == "a,b"
    assert list(other) == [("Via", "c"), ("X-Word", "café"), ("X-Odd", "1")]


def test_a_changed_header_is_found(headers):
    headers["X-Word"] = "new"
    del headers["Via"]
    headers.add("X-More", "2")

    assert headers["x-word"] == "new"
    assert "Via" not in headers
    assert headers["X-More"] == "2"


def test_unknown_header_names_are_not_cached_without_limit():
    for number in range(3000):
        list(decode_headers([(b"x-%d" % number, b"")]))

    assert len(headers._SEEN_NAMES) <= 1000
    assert list(decode_headers([(b"x-2999", b"")])) == [("X-2999", "")]
