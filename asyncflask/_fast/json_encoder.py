"""JSON written by an encoder that is made once, for :class:`json.JSONEncoder`.

PERF: ``JSONEncoder.encode()`` makes CPython's encoder for each call, which is half of the 1.2 µs
that a small object takes. The encoder cannot be kept together with the table of containers by which
it notices a cycle, because two threads would share the table; so a cycle is a ``RecursionError``.
"""

from __future__ import annotations

from collections.abc import Callable
from json import encoder
from typing import Any


def make_encoder(
    *,
    ensure_ascii: bool,
    sort_keys: bool,
    default: Callable[[Any], Any],
    separators: tuple[str, str],
) -> Callable[[Any], str | None]:
    """Make a function that writes JSON; the parameters are those of :func:`json.dumps`.

    Args:
        ensure_ascii: Whether to escape what is not ASCII.
        sort_keys: Whether to sort the members of objects.
        default: Returns the JSON form of an object that :mod:`json` does not know.
        separators: Between items, and between a key and its value.

    Returns:
        A function that returns the JSON of a value; ``None`` if :class:`json.JSONEncoder` has to be
        asked. It raises what ``default`` raises, and may be called by several threads.
    """
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:  # not CPython
        return lambda obj: None
    quote = encoder.encode_basestring_ascii if ensure_ascii else encoder.encode_basestring
    item, key = separators
    chunks_of = make(None, default, quote, None, key, item, sort_keys, False, True)

    def encode(obj: object) -> str | None:
        try:
            return "".join(chunks_of(obj, 0))
        except RecursionError:
            return None  # JSONEncoder says whether it is a cycle.

    return encode
