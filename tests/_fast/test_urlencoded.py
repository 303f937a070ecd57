"""Promises of ``asyncflask._fast.urlencoded``: the result of ``parse_qsl``, or none."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
import werkzeug.urls  # noqa: F401  # it registers the error handler `werkzeug.url_quote`
from hypothesis import example, given
from werkzeug.datastructures import MultiDict

from asyncflask._fast.urlencoded import parse_fields
from tests.made_up import URLENCODED


@given(URLENCODED)
@example(b"")
@example(b"a=b=c&d=%3D=e")
@example(b"a=1&b=2&a=3%26")
@example(b"%C3&\xa9=%C3")
@example(b"a=%1e&b=%1F")
@example(b"a=\x1e%41")
def test_fields_are_those_of_parse_qsl(data):
    values = parse_fields(data)

    if values is not None:
        pairs = parse_qsl(data.decode(), keep_blank_values=True, errors="werkzeug.url_quote")
        assert list(values.items()) == list(MultiDict(pairs).lists())


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"", {}),
        (b"a=1&b=two+words&a=3", {"a": ["1", "3"], "b": ["two words"]}),
        (b"a=%26%3D%C3%A9&b", {"a": ["&=é"], "b": [""]}),
    ],
)
def test_fields_as_browsers_send_them_need_no_library(data, values):
    assert parse_fields(data) == values


@pytest.mark.parametrize("data", [b"a=\xff", b"a=%C3", b"a=%zz", b"a=%1e", b"\xc3\xa9=%41"])
def test_unusual_fields_are_left_to_the_library(data):
    assert parse_fields(data) is None
