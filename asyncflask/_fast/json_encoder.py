"""JSON written by an encoder that is made once, for :class:`json.JSONEncoder`.

PERF: ``JSONEncoder.encode()`` makes CPython's encoder for each call, which is half of the 1.2 µs
that a small object takes. The encoder cannot be kept together with the table of containers by which
it notices a cycle, because two threads would share the table; so a cycle is a ``RecursionError``,
and ``JSONEncoder`` says what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder
from typing import TypeAlias

Encode: TypeAlias = Callable[[object], str]
Write: TypeAlias = Callable[[object], bytes]


def make_encoder(
    *,
    ensure_ascii: bool,
    sort_keys: bool,
    default: Callable[[object], object],
    separators: tuple[str, str],
) -> tuple[Encode, Write]:
    """Make functions that write JSON; the parameters are those of :func:`json.dumps`.

    Args:
        ensure_ascii: Whether to escape what is not ASCII.
        sort_keys: Whether to sort the members of objects.
        default: Returns the JSON form of an object that :mod:`json` does not know.
        separators: Between items, and between a key and its value.

    Returns:
        A function that returns a value as text, and one that returns it as the body of a response:
        in UTF-8, with a line break at the end. They raise what :func:`json.dumps` raises, and may
        be called by several threads.
    """
    ask_library = json.JSONEncoder(
        ensure_ascii=ensure_ascii, sort_keys=sort_keys, default=default, separators=separators
    ).encode
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:  # not CPython
        return ask_library, lambda obj: f"{ask_library(obj)}\n".encode()
    quote = encoder.encode_basestring_ascii if ensure_ascii else encoder.encode_basestring
    item, key = separators
    chunks_of = make(None, default, quote, None, key, item, sort_keys, False, True)

    def encode(obj: object) -> str:
        try:
            return "".join(chunks_of(obj, 0))
        except RecursionError:
            return ask_library(obj)

    def write(obj: object) -> bytes:
        try:
            return f"{''.join(chunks_of(obj, 0))}\n".encode()
        except RecursionError:
            return f"{ask_library(obj)}\n".encode()

    return encode, write
