"""Values and texts without tags are what the serializer would not change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from asyncflask._fast.tags import needs_no_tags
from asyncflask.json.tag import TaggedJSONSerializer


class Scanning(TaggedJSONSerializer):
    """A serializer of another class looks for tags in every text."""


SERIALIZER, SCANNING = TaggedJSONSerializer(), Scanning()
KEYS = st.sampled_from(["a", "b", "", *SERIALIZER.tags, " t__", " x"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(' tdbu"\\', max_size=5)
    | st.sampled_from([b"x", Markup("<p>"), UUID(int=1), datetime(2024, 1, 1, tzinfo=UTC)]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
@example({" t": [1]})
@example([{" di": 1}])
def test_a_value_that_needs_no_tags_is_the_same_with_them(value):
    if needs_no_tags(value, SERIALIZER.tags):
        assert json.dumps(SERIALIZER.tag(value)) == json.dumps(value)


@given(VALUES)
@example({" t": [1]})
def test_a_text_without_tags_is_read_the_same_without_looking_for_them(value):
    text = json.dumps(SERIALIZER.tag(value), separators=(",", ":"))

    assert SERIALIZER.loads(text) == SCANNING.loads(text)


def test_usual_sessions_are_not_copied():
    session = {"user": 1, "name": "Ann", "cart": [1, 2.5, None], "flags": {"a": True, "b": False}}

    assert needs_no_tags(session, SERIALIZER.tags)
