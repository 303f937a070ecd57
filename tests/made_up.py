"""Inputs that Hypothesis makes up, for tests in several folders."""

from __future__ import annotations

from hypothesis import strategies as st

_ESCAPES = st.integers(0, 255).flatmap(
    lambda byte: st.sampled_from([f"%{byte:02x}".encode(), f"%{byte:02X}".encode()])
)
_PIECES = st.one_of(
    st.sampled_from(
        [b"a", b"b=1", b"=", b"&", b"&&", b"+", b";", b"%", b"%4", b"%zz", b"%%", b"\0", b"\x1e",
         b"\x1f", b"%C3%A9", b"%C3", b"%ED%A0%80", "é".encode(), "\u20ac=".encode()]
    ),
    _ESCAPES,
)  # fmt: skip
#: Bytes that may be an urlencoded form.
URLENCODED = st.lists(_PIECES, max_size=20).map(b"".join)
