"""Promises of ``asyncflask._fast.cookies``: Werkzeug's result, or none."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.sansio.http import parse_cookie

from asyncflask._fast.cookies import find_cookie, parse_cookies

LATIN = st.text(st.characters(max_codepoint=255), max_size=40)
PIECES = st.lists(
    st.sampled_from(["a", "b=1", "=", ";", "; ", " ", "c=x y", '"q"', 'd="e;f"', "\\", "\t", "é"])
)


@given(st.one_of(LATIN, PIECES.map("".join)))
@example("a=1; b=2; a=3")
@example("a=b=c; d=")
@example("a=1;b=2")
@example("a=1; ")
@example("ba=1; a=2")
@example("a =1; a=2")
@example('b="; a=1"; a=2')
@example("a=1 2; a=3")
@example("b; a=1;c=2")
def test_cookies_are_parsed_as_werkzeug_does(text):
    expected = parse_cookie(text, cls=MultiDict)
    values = parse_cookies(text)

    assert values is None or list(values.items()) == list(expected.lists())
    for name in ("a", "b", "c", "d", "", "a=b", *expected):
        assert find_cookie(text, name) in (None, expected.get(name))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1", {"a": ["1"]}),
        ("a=1; b=2; a=3", {"a": ["1", "3"], "b": ["2"]}),
        ("a=b=c; d=", {"a": ["b=c"], "d": [""]}),
    ],
)
def test_cookies_as_browsers_send_them_need_no_library(text, values):
    assert parse_cookies(text) == values
    assert {name: find_cookie(text, name) for name in values} == {
        name: first for name, (first, *_) in values.items()
    }


@pytest.mark.parametrize("text", ['a="1"', "a=1;b=2", "=1", "a=1\0"])
def test_unusual_cookies_are_left_to_the_library(text):
    assert parse_cookies(text) is None


def test_a_name_that_occurs_earlier_is_left_to_the_library():
    assert find_cookie("ba=1; a=2", "a") is None
