"""The nodes of the trie: segments and variables of rules, made of Werkzeug's state machine.

A state of Werkzeug's machine is a node, a part of a rule with variables an edge, a rule a leaf.
Rules below a node become functions (``compiled.py``) where nothing but their order decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, IntegerConverter, Rule, ValidationError
from werkzeug.routing.matcher import State
from werkzeug.routing.rules import RulePart

from .compiled import Conversion, SegmentsMatcher, Variable, compile_rule
from .internals import converters_of
from .rule import add_path

#: The rule and its view arguments; or a refusal, returned and not raised; or None: ask Werkzeug.
Match: TypeAlias = tuple[Rule, dict[str, Any]] | HTTPException | None
#: Whether a segment matches.
SegmentTest: TypeAlias = Callable[[str], object]
#: Whether another rule of the same endpoint has defaults for a rule.
IsOutranked: TypeAlias = Callable[[Rule], bool]
#: Rules with the functions made of them.
CompiledRules: TypeAlias = tuple[tuple[Rule, SegmentsMatcher], ...]

#: With more rules of one number of segments below a node, the search is quicker.
MOST = 8

#: How Werkzeug names the groups of converters: this and a number.
_GROUP = "__werkzeug_"
#: The pattern of a segment that is a single variable, around the converter's own pattern.
_WHOLE_SEGMENT = re.compile(rf"\(\?P<{_GROUP}0>(?P<converter>.*)\)\\Z", re.DOTALL)
#: Tests that accept what these patterns accept, `isdecimal` what `\d` does.
#: PERF: a request with two variables takes 9 % more without them.
_FAST_TESTS: dict[str, SegmentTest] = {"[^/]{1,}": bool, r"\d+": str.isdecimal}


class AskWerkzeug(Exception):
    """There may be a match or a redirect that only Werkzeug can decide on."""


class Leaf:
    """A rule at the end of a path.

    Args:
        rule: The rule.
        outranked: Whether another rule of the endpoint has defaults for it: Werkzeug may redirect.
    """

    __slots__ = ("arguments", "outranked", "rule")

    def __init__(self, rule: Rule, outranked: bool) -> None:
        add_path(rule)
        self.rule = rule
        self.outranked = outranked
        #: The name of each variable, and its conversion.
        self.arguments = tuple(
            (str(name), _conversion(converter)) for name, converter in converters_of(rule).items()
        )

    def match(self, texts: Sequence[str]) -> Match:
        """Return the rule and its view arguments, or None where Werkzeug has to redirect.

        Args:
            texts: The texts of the variables, in the order of the rule.

        Raises:
            ValidationError: A converter refused its text.
        """
        rule = self.rule
        if self.outranked or rule.alias or rule.redirect_to is not None:
            return None
        view_args = {
            name: text if conversion is None else conversion(text)
            for (name, conversion), text in zip(self.arguments, texts, strict=False)
        }
        if rule.defaults:
            view_args.update(rule.defaults)
        return rule, view_args


def _conversion(converter: BaseConverter) -> Conversion:
    """Return what makes a value of a text; None where the text is the value."""
    cls = type(converter)
    if cls.to_python is BaseConverter.to_python and "to_python" not in vars(converter):
        return None
    if cls is IntegerConverter and isinstance(converter, IntegerConverter):
        is_plain = (converter.fixed_digits, converter.min, converter.max) == (0, None, None)
        return _read_int if is_plain else converter.to_python
    return converter.to_python


def _read_int(text: str) -> int:
    # SECURITY: `int` refuses numbers of thousands of digits, which is a 404 and not a 500.
    try:
        return int(text)
    except ValueError:
        raise ValidationError from None


class Edge:
    """A part of a rule with variables, and the node that it leads to.

    Args:
        part: One segment; or, with a converter such as `path`, all segments that are left.
        node: The node.
    """

    __slots__ = ("_groups", "_part", "_pattern", "node", "test")

    def __init__(self, part: RulePart, node: Node) -> None:
        self.node = node
        self._part = part
        #: None if Python cannot compile it. Werkzeug then raises the error.
        self._pattern = _compile_pattern(part.content)
        #: The groups of the rule's converters; a converter's pattern may have groups of its own.
        self._groups: tuple[str, ...] = ()
        if self._pattern is not None:
            names = self._pattern.groupindex
            self._groups = tuple(name for name in names if name.startswith(_GROUP))
        #: The same as the pattern, for a segment that is a single variable; else None.
        self.test = None if part.final else _segment_test(part.content)

    def match(self, segments: list[str], at: int) -> tuple[tuple[str, ...], int] | None:
        """Match the next segments.

        Args:
            segments: All segments of the path.
            at: The index of the next one.

        Returns:
            The texts of the variables, and the index of the next segment; None without a match.

        Raises:
            AskWerkzeug: The pattern cannot be compiled.
        """
        if self._pattern is None:
            raise AskWerkzeug
        part = self._part
        match = self._pattern.match("/".join(segments[at:]) if part.final else segments[at])
        if match is None:
            return None
        following = at + 1
        if part.final:
            # The last group of such a pattern is an optional slash, for which "" is left.
            following = len(segments) - (part.suffixed and match.groups()[-1] == "/")
        return tuple([match[name] for name in self._groups]), following


class Node:
    """A state of the match: the segments and edges that lead on, and the rules that end here.

    Args:
        depth: The number of segments before it, with the empty one before the first slash.
        static: The nodes behind segments of the same text.
        edges: In the order in which Werkzeug tries them.
        leaves: In the same order.
    """

    __slots__ = ("compiled", "depth", "edges", "leaves", "static")

    def __init__(
        self,
        depth: int,
        static: dict[str, Node],
        edges: tuple[Edge, ...],
        leaves: tuple[Leaf, ...],
    ) -> None:
        self.depth = depth
        self.static = static
        self.edges = edges
        self.leaves = leaves
        #: What :meth:`compile` returned; None until a path leads here.
        self.compiled: dict[int, CompiledRules] | None = None

    def descend(self, segments: list[str]) -> Node:
        """Return the last node below this one that the segments lead to without a variable.

        Args:
            segments: All segments of the path.
        """
        node = self
        for segment in segments[node.depth :]:
            following = node.static.get(segment)
            if following is None:
                break
            node = following
        return node

    def compile(self) -> dict[int, CompiledRules]:
        """Make functions of the rules below this node, which has no variables before it.

        Returns:
            By a path's number of segments, the rules in the order of the search; empty where more
            than that decides: a converter that takes slashes, or a redirect to a slash at the end.
        """
        self.compiled = _compile_rules(self)
        return self.compiled


def make_node(state: State, is_outranked: IsOutranked, depth: int = 1) -> Node:
    """Make the node of a state, and those below it.

    Args:
        state: A state of Werkzeug's machine, its transitions sorted.
        is_outranked: Whether another rule of the same endpoint has defaults for a rule.
        depth: The number of segments before it, with the empty one before the first slash.

    Returns:
        The node.
    """

    def make(following: State) -> Node:
        return make_node(following, is_outranked, depth + 1)

    static = {text: make(following) for text, following in state.static.items()}
    if depth == 1 and "" in static:
        # Werkzeug strips slashes in front before it looks, so it never finds a rule `//x`.
        # Of a rule `//` it takes the last slash for one that the path `/` lacks.
        first, with_slash = state.static[""], state.static[""].static.get("")
        more = {} if with_slash is None else {"": State(rules=with_slash.rules)}
        static[""] = make(State(rules=first.rules, static=more))
    return Node(
        depth,
        static,
        tuple([Edge(part, make(following)) for part, following in state.dynamic]),
        tuple([Leaf(rule, is_outranked(rule)) for rule in state.rules]),
    )


class _NotCompiled(Exception):
    """Below a node, more than the order of the rules decides which one matches."""


def _compile_rules(node: Node) -> dict[int, CompiledRules]:
    if not node.edges:
        return {}
    compiled: dict[int, list[tuple[Rule, SegmentsMatcher]]] = {}
    try:
        for segments, leaf in list(_rules_below(node, ())):
            rules = compiled.setdefault(node.depth + len(segments), [])
            if leaf.outranked or len(rules) == MOST:
                return {}
            arguments = [
                (name, int if conversion is _read_int else conversion)
                for name, conversion in leaf.arguments
            ]
            matcher = compile_rule(segments, node.depth, arguments)
            rules.append((leaf.rule, matcher))
    except (_NotCompiled, ValueError):
        return {}
    return {number: tuple(rules) for number, rules in compiled.items()}


def _rules_below(
    node: Node, segments: tuple[str | Variable, ...]
) -> Iterator[tuple[tuple[str | Variable, ...], Leaf]]:
    """Yield the rules below a node in the order of the search, each with its segments."""
    ways: list[tuple[str | Variable, Node]] = []
    for text, child in node.static.items():
        if text != "":
            ways.append((text, child))
        elif node.depth > 1:
            raise _NotCompiled  # Paths without that slash are redirected.
    for edge in node.edges:
        if edge.test is None:
            raise _NotCompiled
        ways.append((Variable(edge.test), edge.node))
    for way, child in ways:
        following = (*segments, way)
        for leaf in child.leaves:
            yield following, leaf
        yield from _rules_below(child, following)


@lru_cache
def _compile_pattern(content: str) -> re.Pattern[str] | None:
    try:
        return re.compile(content)
    except re.error:
        return None


@lru_cache
def _segment_test(content: str) -> SegmentTest | None:
    """Return a test for a pattern of one converter that takes all of a segment, else None."""
    pattern = _compile_pattern(content)
    whole = _WHOLE_SEGMENT.fullmatch(content)
    if pattern is None or whole is None or content.count(_GROUP) > 1:
        return None
    converter = whole["converter"]
    if converter in _FAST_TESTS:
        return _FAST_TESTS[converter]
    # With text behind the converter, what is between the outer parentheses is not balanced.
    if _compile_pattern(converter) is None or pattern.match(""):
        return None
    return pattern.match
