"""JSON is written as :func:`json.dumps` writes it, errors included."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncflask._fast.json_encoder import make_encoder

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_a_text_is_that_of_json_dumps(value, ensure_ascii, sort_keys, separators):
    settings = {
        "ensure_ascii": ensure_ascii,
        "sort_keys": sort_keys,
        "default": str,
        "separators": separators,
    }

    encode, write = make_encoder(**settings)
    text = json.dumps(value, **settings)

    assert encode(value) == text
    assert write(value) == f"{text}\n".encode()


@pytest.fixture(params=["encode", "write"])
def encode(request):
    def default(value):
        raise TypeError(f"no JSON form: {value}")

    encode, write = make_encoder(
        ensure_ascii=True, sort_keys=True, default=default, separators=(",", ":")
    )
    return {"encode": encode, "write": write}[request.param]


def test_an_error_of_default_is_raised(encode):
    with pytest.raises(TypeError, match="no JSON form: 1j"):
        encode([1j])


def test_a_cycle_is_the_librarys_error(encode):
    cycle = []
    cycle.append(cycle)

    with pytest.raises(ValueError, match="Circular reference detected"):
        encode(cycle)


def test_without_the_encoder_of_cpython_the_library_is_asked(monkeypatch):
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    encode, write = make_encoder(
        ensure_ascii=True, sort_keys=True, default=str, separators=(",", ":")
    )

    assert encode([1, 1j]) == '[1,"1j"]'
    assert write([1, 1j]) == b'[1,"1j"]\n'
