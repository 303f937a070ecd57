"""The short ways for JSON give what the standard library gives, for any input."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from asyncflask import Flask

PROVIDER = Flask("json").json
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def _outcome(loads, data):
    try:
        return repr(loads(data))
    except (ValueError, RecursionError) as error:
        return type(error), str(error)


@given(
    st.one_of(
        st.tuples(
            VALUES.map(lambda value: json.dumps(value, ensure_ascii=False)),
            st.sampled_from(["", " ", "\r\n", "\t", "\f", "x", "\0", "]"]),
            st.sampled_from(["", " ", "\n", "\ufeff"]),
            st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]),
        ).map(lambda t: (t[2] + t[0] + t[1]).encode(t[3], "surrogatepass")),
        st.lists(
            st.sampled_from([b"{", b"}", b"[", b"]", b'"', b"a", b":", b",", b"1", b" ", b"\xff",
                             b"\xed\xa0\x80", b"\0", b"NaN", b"nul", b"\\u12"])
        ).map(b"".join),
    )
)  # fmt: skip
@example(b"")
@example(b"[")
@example(b"[1,")
@example(b'{"a":')
@example(b"[" * 100_000)
@example(b"{\0}\0")
def test_json_is_read_as_the_standard_library_does(data):
    assert _outcome(PROVIDER.loads, data) == _outcome(json.loads, data)
