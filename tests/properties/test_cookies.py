"""Short ways for cookies give what Werkzeug gives, for any input."""

from __future__ import annotations

import warnings

from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.http import dump_cookie
from werkzeug.sansio.http import parse_cookie

from asyncflask import Response
from asyncflask.wrappers.http_connection import find_cookie, parse_cookies

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
    expected = parse_cookie(text, cls=ImmutableMultiDict)

    assert list(parse_cookies(text, ImmutableMultiDict).items(multi=True)) == list(
        expected.items(multi=True)
    )
    for name in ("a", "b", "c", "d", "", "a=b", *expected):
        assert find_cookie(text, name) == expected.get(name)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "path": st.sampled_from([None, "/", "/a b"]),
        "domain": st.sampled_from([None, "shop.example", ".shop.example:80"]),
        "secure": st.booleans(),
        "httponly": st.booleans(),
        "samesite": st.sampled_from([None, "lax", "Strict"]),
        "partitioned": st.booleans(),
        "max_age": st.sampled_from([None, 5]),
    },
)


@given(st.sampled_from(["name", "a.b-c", "ü", "a b"]), LATIN, OPTIONS)
@example("name", "a.b~c+d/e=", {})
@example("name", "x" * 5000, {})
def test_cookies_are_set_as_werkzeug_does(key, value, options):
    def ours():
        response = Response()
        response.set_cookie(key, value, **options)
        return response.headers["Set-Cookie"]

    answers = []
    for way in (ours, lambda: dump_cookie(key, value, **options)):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                header = way().split("; Expires")[0]
            except ValueError:  # A control character: in the header, and refused there.
                header = None
        answers.append((header, [str(warning.message) for warning in told]))

    if answers[0][0] is not None:
        assert answers[0] == answers[1]
    else:
        assert not answers[1][0].isprintable()
