"""JSON is read as :func:`json.loads` reads it, or it is asked."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncflask._fast.json_decoder import decode_bytes, decode_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
SPACES = st.text(" \t\n\r", max_size=2)


@given(VALUES, SPACES, SPACES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-le"]))
def test_a_value_is_that_of_json_loads_or_none(value, before, after, encoding):
    text = f"{before}{json.dumps(value)}{after}"

    assert decode_text(text) in (value, None)
    assert decode_bytes(text.encode(encoding)) in (value, None)


@given(VALUES.filter(lambda value: value is not None))
def test_the_usual_text_is_read_without_the_library(value):
    text = json.dumps(value, separators=(",", ":"))

    assert decode_text(text) == decode_bytes(text.encode()) == value


@given(st.binary(max_size=20) | st.text('{}[],:01"a \0', max_size=20).map(str.encode))
@example(b"1\0")
@example(b"{} 1")
@example(b'"\xed\xa0\x80"')
def test_what_is_not_json_is_left_to_the_library(data):
    try:
        expected = json.loads(data)
    except ValueError:
        expected = None

    assert decode_bytes(data) in (expected, None)


@pytest.mark.parametrize("text", ["null", "", "nul", " 1"])
def test_the_library_is_asked(text):
    assert decode_text(text) is None
