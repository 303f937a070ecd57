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
        ``True``; ``False`` if the serializer has to be asked.
    """
    items: Any = value
    if value.__class__ is dict:
        if len(value) == 1 and next(iter(value)) in tags:
            return False  # It looks like a tagged value.
        items = value.values()
    elif value.__class__ is not list:
        return value.__class__ in _PLAIN
    for item in items:  # PERF: a generator costs more than a session's few values
        if item.__class__ not in _PLAIN and not needs_no_tags(item, tags):
            return False
    return True
