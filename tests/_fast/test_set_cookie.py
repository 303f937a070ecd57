"""Promises of ``asyncflask._fast.set_cookie``: Werkzeug's header, or none."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import dump_cookie

from asyncflask._fast.set_cookie import dump_plain_cookie

NAMES = ("path", "domain", "secure", "httponly", "samesite", "partitioned")
OPTIONS = st.tuples(
    st.sampled_from([None, "/", "/a b"]),
    st.sampled_from([None, "shop.example", ".shop.example:80"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "lax", "Strict"]),
    st.booleans(),
)
PLAIN = ("/", None, False, True, "Lax", False)
TEXTS = st.text(st.characters(max_codepoint=255), max_size=20)


@given(st.sampled_from(["name", "a.b-c", "ü", "a b"]), TEXTS, OPTIONS)
@example("name", "a.b~c+d/e=", PLAIN)
@example("name", "", PLAIN)
def test_a_cookie_is_written_as_werkzeug_does(key, value, options):
    header = dump_plain_cookie(key, value, options)

    named = dict(zip(NAMES, options, strict=True))
    assert header is None or header == dump_cookie(key, value, max_size=0, **named)


def test_a_signed_session_needs_no_library():
    assert dump_plain_cookie("session", "eyJ9.a-b_c", PLAIN) == (
        "session=eyJ9.a-b_c; HttpOnly; Path=/; SameSite=Lax"
    )


@pytest.mark.parametrize(("key", "value"), [("a b", "1"), ("a", "1 2"), ("a", "1\n"), ("a", "é")])
def test_a_cookie_to_quote_is_left_to_the_library(key, value):
    assert dump_plain_cookie(key, value, PLAIN) is None


def test_a_wrong_samesite_is_refused():
    with pytest.raises(ValueError, match="SameSite must be"):
        dump_plain_cookie("a", "1", ("/", None, False, True, "Loose", False))
