"""Promises of ``asyncflask.wrappers.request.urlencoded``; ``parse_qsl`` is the oracle."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict as WerkzeugImmutableMultiDict
from werkzeug.datastructures import MultiDict
from werkzeug.sansio.request import Request

from asyncflask.datastructures import ImmutableMultiDict
from asyncflask.wrappers.request.urlencoded import parse_urlencoded
from tests.made_up import URLENCODED


class InOrder(MultiDict):
    """One with a constructor of its own, that sees the pairs as they were sent."""

    def __init__(self, pairs=()):
        self.pairs = list(pairs)
        super().__init__(self.pairs)


def _expected(text):
    return parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote")


@given(URLENCODED)
@example(b"")
@example(b"a=b=c&d=%3D=e")
@example(b"a=1&b=2&a=3%26")
@example(b"%C3&\xa9=%C3")
@example(b"a=%1e&b=%1F")
@example(b"a=\x1e%41")
def test_fields_are_what_parse_qsl_says(data):
    pairs = _expected(data.decode(errors="replace"))

    made = parse_urlencoded(data, ImmutableMultiDict, "replace")

    assert made == MultiDict(pairs)
    assert list(made) == list(MultiDict(pairs))
    assert parse_urlencoded(data, InOrder, "replace").pairs == pairs
    assert parse_urlencoded(data, dict, "replace") == dict(pairs)


@given(URLENCODED.filter(bytes.isascii))
def test_arguments_are_what_werkzeug_says(data):
    request = Request("GET", "http", None, "", "/", data, {}, None)

    assert parse_urlencoded(data, ImmutableMultiDict, "replace") == request.args


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=8))
def test_the_result_of_urlencode_is_read(pairs):
    pairs = [pair for pair in pairs if pair != ("", "")]

    data = urlencode(pairs, errors="surrogatepass").encode()

    assert list(parse_urlencoded(data, InOrder).pairs) == _expected(data.decode())


def test_bytes_that_are_no_utf8_are_refused_on_request():
    for data in (b"a=\xff", b"a=%41\xff"):
        with pytest.raises(UnicodeDecodeError, match="invalid start byte"):
            parse_urlencoded(data, ImmutableMultiDict)


def test_the_result_is_immutable_and_of_the_class_that_was_asked_for():
    for cls in (WerkzeugImmutableMultiDict, ImmutableMultiDict):
        made = parse_urlencoded(b"a=1&a=2", cls)

        assert type(made) is cls
        assert made.getlist("a") == ["1", "2"]
        with pytest.raises(TypeError, match="immutable"):
            made["a"] = "3"
