"""Cookies are set as Werkzeug sets them, for any input."""

from __future__ import annotations

import warnings

from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import dump_cookie

from asyncflask import Response

LATIN = st.text(st.characters(max_codepoint=255), max_size=40)

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
