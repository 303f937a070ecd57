"""Promises of ``asyncflask._fast.multidict``: the result of ``MultiDict``, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from asyncflask._fast.multidict import make_multidict

VALUES = st.dictionaries(st.text(max_size=3), st.lists(st.text(max_size=3), min_size=1))


@pytest.mark.parametrize("make", [MultiDict, ImmutableMultiDict])
@given(values=VALUES)
def test_the_result_is_the_constructors(make, values):
    made = make_multidict(values, make)

    assert type(made) is make
    assert made == make(values)
    assert list(made.lists()) == list(make(values).lists())


def test_a_class_with_its_own_constructor_is_left_to_the_library():
    class Upper(MultiDict):
        def __init__(self, pairs=()):
            super().__init__((key.upper(), value) for key, value in pairs)

    assert make_multidict({"a": ["1"]}, Upper) is None
