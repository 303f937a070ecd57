"""Where few rules are left, each is a function of the path's segments.

PERF: the next variable of a path decides between hundreds of rules or between two. For a few, going
on from segment to segment costs more than asking each of them: 0.93 → 0.74 µs for
`/a/<x>/b/<int:y>`. They are asked in the order in which the trie would come to them; where anything
but that order has a say (a slash at the end, a converter that takes slashes) there are no
shortcuts. What none of them takes goes the trie's way as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from werkzeug.routing import Rule
from werkzeug.routing.matcher import State
from werkzeug.routing.rules import RulePart

from .goal import Goal

#: Makes view arguments of a path's segments, or None; and the rule that they are for.
Shortcut: TypeAlias = tuple[Callable[[list[str]], dict[str, Any] | None], Rule]
#: Tells whether a segment is one for a converter that takes all of it; None for any other part.
TestOf: TypeAlias = Callable[[RulePart], Callable[[str], object] | None]

MOST = 4
"""Rules for which shortcuts are worth while."""


MANY_DIGITS = 640
"""Digits from which on `int` may refuse a number (sys.set_int_max_str_digits allows no less)."""


class _Variable(NamedTuple):
    """A segment that is a variable."""

    test: Callable[[str], object]


_Segments: TypeAlias = tuple[str | _Variable, ...]


class _NoShortcut(Exception):
    """Below the node there is something that only the trie can decide."""


def shortcuts(
    state: State, depth: int, test_of: TestOf, goal_of: Callable[[Rule], Goal]
) -> tuple[Shortcut, ...]:
    """Return the shortcuts to the rules below a node that is reached without variables.

    Args:
        state: What the node is made of.
        depth: The number of segments up to the node.
        test_of: Gives the test of a part.
        goal_of: Gives the goal of a rule.

    Returns:
        None at all if there are too many rules, or one of them is beyond shortcuts.
    """
    found: list[Shortcut] = []
    try:
        for segments, rule in _below(state, (), test_of):
            if len(found) == MOST:
                return ()
            goal = goal_of(rule)
            if goal.outranked:
                return ()
            found.append((_taker(segments, depth, goal), rule))
    except _NoShortcut:
        return ()
    return tuple(found)


def _below(state: State, segments: _Segments, test_of: TestOf) -> Iterator[tuple[_Segments, Rule]]:
    """Walk the rules below a state in the trie's order, each with the segments that lead there."""
    ways: list[tuple[str | _Variable, State]] = []
    for text, following in state.static.items():
        if text == "":
            raise _NoShortcut  # With a slash at the end, others are redirected to it.
        ways.append((text, following))
    for part, following in state.dynamic:
        test = test_of(part)
        if test is None:
            raise _NoShortcut
        ways.append((_Variable(test), following))
    for way, following in ways:
        onward = (*segments, way)
        for rule in following.rules:
            yield onward, rule
        yield from _below(following, onward, test_of)


def _taker(segments: Sequence[str | _Variable], depth: int, goal: Goal) -> Any:
    """Write the function that takes a path's segments for a rule.

    For `/a/<x>/b/<int:y>`, below `/a`, that is::

        lambda parts: {"x": parts[2], "y": make_4(parts[4])} if (
            len(parts) == 5 and parts[2] and parts[3] == "b" and test_4(parts[4])) else None
    """
    names: dict[str, Any] = {}
    conditions, items = [f"len(parts) == {depth + len(segments)}"], []
    arguments = iter(goal.arguments)
    for at, segment in enumerate(segments, depth):
        part = f"parts[{at}]"
        if isinstance(segment, str):
            conditions.append(f"{part} == {segment!r}")
            continue
        name, make = next(arguments, (None, None))
        if name is None:
            raise _NoShortcut  # One name stands there twice.
        names |= {f"test_{at}": segment.test, f"make_{at}": make}
        conditions.append(part if segment.test is bool else f"test_{at}({part})")
        items.append(f"{name!r}: {part if make is None else f'make_{at}({part})'}")
    source = f"lambda parts: {{{', '.join(items)}}} if {' and '.join(conditions)} else None"
    return eval(source, names)  # names and texts come out of repr()
