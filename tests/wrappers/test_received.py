"""Promises of ``asyncflask.wrappers.received``."""

from __future__ import annotations

import copy
import pickle

import pytest
from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.exceptions import BadRequestKeyError

from asyncflask.wrappers import received
from asyncflask.wrappers.received import decode_headers

PAIRS = [(b"via", b"a"), (b"x-word", b"caf\xe9"), (b"via", b"b"), (b"X-Odd", b"1")]
SHOWN = [("Via", "a"), ("X-Word", "café"), ("Via", "b"), ("X-Odd", "1")]


@pytest.fixture(name="headers", params=["single", "all"])
def _headers(request):
    """Headers that nobody looked at, and headers that were decoded."""
    headers = decode_headers(PAIRS)
    if request.param == "all":
        assert len(headers) == 4
    return headers


def test_a_header_is_found_by_its_name_in_any_case(headers):
    assert headers["X-Word"] == headers["x-word"] == headers.get("X-WORD") == "café"
    assert headers["x-odd"] == "1"
    assert headers.get("X-Odd", type=int) == 1
    assert "via" in headers


def test_the_first_of_several_is_found_and_all_stay_apart_in_their_order(headers):
    assert headers["Via"] == "a"
    assert headers.getlist("via") == ["a", "b"]
    assert list(headers) == SHOWN


def test_what_was_not_sent_is_werkzeugs_error(headers):
    with pytest.raises(BadRequestKeyError, match="400 Bad Request"):
        headers["Missing"]
    with pytest.raises(BadRequestKeyError, match="400 Bad Request"):
        headers["é"]
    assert headers.get("Missing") is None
    assert "Missing" not in headers


def test_they_are_werkzeugs_headers_otherwise(headers):
    assert isinstance(headers, WerkzeugHeaders)
    assert headers[0] == ("Via", "a")
    assert headers == WerkzeugHeaders(SHOWN)
    assert WerkzeugHeaders(SHOWN) == headers
    assert headers != WerkzeugHeaders()
    assert headers != SHOWN
    assert repr(headers) == repr(WerkzeugHeaders(SHOWN))
    with pytest.raises(AttributeError, match="'Headers' object has no attribute 'missing'"):
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
def test_copies_have_the_same_and_a_life_of_their_own(headers, copied):
    other = copied(headers)
    other["Via"] = "c"

    assert headers["Via"] == "a"
    assert list(other) == [("Via", "c"), ("X-Word", "café"), ("X-Odd", "1")]


def test_what_is_changed_is_found(headers):
    headers["X-Word"] = "new"
    del headers["Via"]
    headers.add("X-More", "2")

    assert headers["x-word"] == "new"
    assert "Via" not in headers
    assert headers["X-More"] == "2"


def test_names_that_clients_make_up_are_not_kept_for_ever():
    for number in range(3000):
        list(decode_headers([(b"x-%d" % number, b"")]))

    assert len(received._SEEN_NAMES) <= 1000
    assert list(decode_headers([(b"x-2999", b"")])) == [("X-2999", "")]
