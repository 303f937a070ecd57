"""Values that the default tags of a session's JSON leave as they are.

PERF: most sessions hold plain values only. Tagging makes a copy of them, with a call of up to eight
``check()`` methods for each value.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

#: Exact types that JSON keeps; a subclass may have a tag of its own.
_PLAIN = frozenset({str, int, float, bool, type(None)})


def needs_no_tags(value: object, tags: Container[str]) -> bool:
    """Return whether ``value`` is the same with and without the default tags.

    Args:
        value: What is to be written.
        tags: The keys of the tags.

    Returns:
        ``True``; ``False`` if the serializer has to be called.
    """
    items: Any = value
    if type(value) is dict:
        if len(value) == 1 and next(iter(value)) in tags:
            return False  # It looks like a tagged value.
        items = value.values()
    elif type(value) is not list:
        return type(value) in _PLAIN
    for item in items:
        if type(item) in _PLAIN:  # Most are; it saves the call.
            continue
        if not needs_no_tags(item, tags):
            return False
    return True
