"""The segment trie: which rule does this path lead to?

It is compiled from the state machine that Werkzeug builds of a map's rules and gives the same
answers, or none. It never guesses: where the answer needs more than the rules (a redirect needs the
host, a path with `//` may have to be merged) or a converter's pattern is beyond us, `find` returns
None and the caller asks Werkzeug. What a rule says of methods, slashes and redirects is read from
the rule while matching, so a rule that is changed later is obeyed at once, as in Werkzeug.
`tests/properties/test_matching.py` holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from threading import RLock
from typing import Any, Protocol, TypeAlias

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Rule, ValidationError
from werkzeug.routing.exceptions import WebsocketMismatch
from werkzeug.routing.matcher import State
from werkzeug.routing.rules import RulePart

from .goal import Answer, Goal
from .shortcut import MANY_DIGITS, Shortcut, shortcuts

#: What a node is made of: by whom, of what, and whether there are variables before it.
Source: TypeAlias = "tuple[_Builder, State, bool]"
#: A part's pattern, groups and test: what stands in :class:`Edge`.
Shape: TypeAlias = tuple[re.Pattern[str] | None, tuple[str, ...], Callable[[str], object] | None]

#: Werkzeug's names for the groups of converters: this and a number.
_GROUP = "__werkzeug_"
#: How the pattern of a segment begins and ends when one converter takes all of it.
_WHOLE = (f"(?P<{_GROUP}0>", r")\Z")


class _AskWerkzeug(Exception):
    """The search came to a place where only Werkzeug has the answer."""


# PERF: goals, edges and nodes are no dataclasses: to make those takes 1.5 ms at each import, and a
# frozen one takes twice the time for each instance.


class Edge:
    """A way on for segments that match a pattern."""

    __slots__ = ("final", "groups", "node", "pattern", "suffixed", "test")

    def __init__(self, part: RulePart, shape: Shape, node: Node) -> None:
        #: None when Python cannot compile the pattern: Werkzeug shall meet and report that.
        self.pattern: re.Pattern[str] | None
        #: The pattern's groups that belong to converters; it may have others of the converters'.
        self.groups: tuple[str, ...]
        #: Tells the same, if the pattern is one converter for one whole segment.
        self.test: Callable[[str], object] | None
        self.pattern, self.groups, self.test = shape
        #: Takes the whole rest of the path.
        self.final = part.final
        #: The last group of the pattern is an optional slash at the end.
        self.suffixed = part.suffixed
        self.node = node


class Node:
    """A place in the trie, reached after some segments."""

    __slots__ = (
        *("certain", "closed", "depth", "edges"),
        *("goals", "shortcuts", "simple", "source", "static"),
    )

    #: Certain, and nothing but `static` and `simple` leads on: a segment they lack is a 404.
    closed: bool
    goals: tuple[Goal, ...]
    static: dict[str, Node]
    edges: tuple[Edge, ...]
    #: The edges as (test, node), up to the first that is not one converter for one whole segment.
    simple: tuple[tuple[Callable[[str], object], Node], ...]
    #: What is asked before these.
    shortcuts: tuple[Shortcut, ...]

    def __init__(self, source: Source, depth: int, certain: bool) -> None:
        #: What it is made of; None when it is made.
        self.source: Source | None = source
        #: The number of segments up to here, the empty one before the first slash included.
        self.depth = depth
        #: Who comes here has passed no other way on, so what fails here fails altogether.
        self.certain = certain


class Unvisited(Node):
    """A node where nobody has come yet; then it becomes a :class:`Node`.

    PERF: the first request to an app of 500 routes passes 4 of its 1,504 nodes; to make all of them
    took 5 ms, and more for the garbage collector.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        # Python comes here while the slot of that name is empty.
        source = self.source
        if source is not None:
            builder, state, varied = source
            builder.fill(self, state, varied)
        return object.__getattribute__(self, name)


class Rules(Protocol):
    """What a trie asks of a map."""

    @property
    def lock(self) -> RLock:
        """Held while rules are added or compiled."""

    def update(self) -> None:
        """Sort the transitions of the state machine, if rules were added."""

    def outranked(self, rule: Rule) -> bool:
        """Tell whether another rule of the same endpoint has defaults for this one."""


class Trie:
    """The compiled rules of one map; replaced when they change."""

    __slots__ = (
        *("_any_domain", "_below", "_domains", "_slashes_in_front"),
        *("domains_matter", "static"),
    )

    def __init__(self, root: State, rules: Rules) -> None:
        """Compile a map's rules.

        Args:
            root: The start of Werkzeug's state machine, its transitions sorted.
            rules: The map.
        """
        #: There are rules with variables in the domain: whatever fails here may match there.
        self._any_domain = bool(root.dynamic)
        builder = _Builder(rules, closing=not self._any_domain)
        self._domains: dict[str, Node] = {
            domain: Unvisited((builder, state, False), 0, True)
            for domain, state in root.static.items()
        }
        #: Whether any rule is for another domain part than "".
        self.domains_matter = self._any_domain or not self._domains.keys() <= {""}
        #: The rules without variables and domain by full path, in the order Werkzeug tries them.
        self.static: dict[str, tuple[Rule, ...]] = {}
        if "" in root.static:
            self.static.update(_static_paths(root.static[""], ()))
        self._slashes_in_front = any(map(_has_slashes_in_front, root.static.values()))
        #: Where the first slash of a path leads to that is for no domain; its shortcuts are asked.
        self._below: Node | None = None
        if "" in self._domains and not self._slashes_in_front:
            self._below = self._domains[""].static.get("")

    def find(self, path: str, method: str, websocket: bool, domain: str = "") -> Answer:
        """Find the rule for a path; see `Map.find`."""
        if not domain:
            rules = self.static.get(path)
            if rules is not None:
                for rule in rules:
                    methods = rule.methods
                    if (methods is None or method in methods) and rule.websocket is websocket:
                        # A rule that others outrank is among these: it has defaults of its own.
                        if rule.defaults or rule.alias or rule.redirect_to is not None:
                            break
                        return rule, {}
        parts = path.split("/")
        below = self._below
        # PERF: all paths but bad ones begin with a slash, so the first part is not looked up.
        if below is not None and not domain and not parts[0] and path:
            node = below.static.get(parts[1])
            if node is None:
                node = below
            elif node.static:
                for part in parts[2:]:
                    following = node.static.get(part)
                    if following is None:
                        break
                    node = following
            try:
                for take, rule in node.shortcuts:
                    methods = rule.methods
                    # As in Werkzeug: no converter sees a path that is not for its rule's methods.
                    if (methods is None or method in methods) and rule.websocket is websocket:
                        if rule.defaults or rule.alias or rule.redirect_to is not None:
                            break
                        view_args = take(parts)
                        if view_args is not None:
                            return rule, view_args
            except ValidationError:
                start = self._domains[domain]
                return self._search(start, (), path, method, websocket, refused=True)
            except ValueError:
                if max(map(len, parts)) < MANY_DIGITS:
                    raise
                # It may be a number that `int` refuses to read; see Goal.answer().
        return self._walk(path, parts, method, websocket, domain)

    def _walk(
        self, path: str, parts: list[str], method: str, websocket: bool, domain: str
    ) -> Answer:
        """Follow the first choice at every turn, which is nearly always the right one.

        PERF: without remembering the way back it takes 0.9 µs for `/a/<int:x>/b/<y>`, the search
        2.2.
        """
        start = self._domains.get(domain)
        if start is None:
            return None if self._any_domain else NotFound()
        if self._slashes_in_front and path[:2] == "//":
            return None
        node = start
        values: list[str] = []
        for part in parts:
            static = node.static
            if part in static:
                node = static[part]
                continue
            for test, following in node.simple:
                if test(part):
                    values.append(part)
                    node = following
                    break
            else:
                if node.closed and part:
                    return NotFound()
                break
        else:
            for goal in node.goals:
                rule = goal.rule
                methods = rule.methods
                if (methods is None or method in methods) and rule.websocket == websocket:
                    try:
                        return goal.answer(values)
                    except ValidationError:
                        return self._search(start, (), path, method, websocket, refused=True)
        if node.certain:
            return self._search(node, tuple(values), path, method, websocket)
        return self._search(start, (), path, method, websocket)

    def _search(
        self,
        start: Node,
        values: tuple[str, ...],
        path: str,
        method: str,
        websocket: bool,
        refused: bool = False,
    ) -> Answer:
        # Werkzeug strips slashes in front, merges others, redirects, and folds the method's case.
        if path[:1] != "/" or "//" in path or method != method.upper():
            return None
        search = _Search(method, websocket)
        try:
            found = search.follow(start, path.split("/"), start.depth, values)
            if found is not None and not refused:
                goal, values = found
                return goal.answer(values)
        except _AskWerkzeug:
            return None
        except ValidationError:
            # Werkzeug does not try another rule then.
            pass
        return None if self._any_domain else search.refusal()


class _Search:
    """One depth-first search, and what it learnt of the rules it had to pass by."""

    __slots__ = ("_allowed", "_method", "_mismatch", "_websocket")

    def __init__(self, method: str, websocket: bool) -> None:
        self._method = method
        self._websocket = websocket
        self._allowed: set[str] = set()
        self._mismatch = False

    def follow(
        self, node: Node, parts: list[str], at: int, values: tuple[str, ...]
    ) -> tuple[Goal, tuple[str, ...]] | None:
        """Search below *node* for the segments from *at* on.

        Returns:
            The goal and the texts for its converters, or None.

        Raises:
            _AskWerkzeug: There may be a match, or a redirect, that only Werkzeug can decide on.
        """
        if at == len(parts):
            goal = self._choose(node.goals) or self._with_slash(node)
            return None if goal is None else (goal, values)
        part = parts[at]
        child = node.static.get(part)
        if child is not None:
            found = self.follow(child, parts, at + 1, values)
            if found is not None:
                return found
        for edge in node.edges:
            found = self._cross(edge, parts, at, values)
            if found is not None:
                return found
        if part == "" and at == len(parts) - 1:
            goal = self._choose([goal for goal in node.goals if not goal.rule.strict_slashes])
            return None if goal is None else (goal, values)
        return None

    def _cross(
        self, edge: Edge, parts: list[str], at: int, values: tuple[str, ...]
    ) -> tuple[Goal, tuple[str, ...]] | None:
        if edge.pattern is None:
            raise _AskWerkzeug
        match = edge.pattern.match("/".join(parts[at:]) if edge.final else parts[at])
        if match is None:
            return None
        values += tuple([match[name] for name in edge.groups])
        if not edge.final:
            return self.follow(edge.node, parts, at + 1, values)
        rest = [""] if edge.suffixed and match.groups()[-1] == "/" else []
        return self.follow(edge.node, rest, 0, values)

    def _choose(self, goals: Sequence[Goal]) -> Goal | None:
        for goal in goals:
            methods = goal.rule.methods
            if methods is not None and self._method not in methods:
                self._allowed.update(methods)
            elif goal.rule.websocket != self._websocket:
                self._mismatch = True
            else:
                return goal
        return None

    def _with_slash(self, node: Node) -> Goal | None:
        """Look for a rule with one slash more at the end."""
        child = node.static.get("")
        for goal in child.goals if child is not None else ():
            rule = goal.rule
            methods = rule.methods
            if (methods is None or self._method in methods) and rule.websocket == self._websocket:
                if rule.strict_slashes:
                    raise _AskWerkzeug
                return goal
        return None

    def refusal(self) -> HTTPException:
        """Return the answer to a path that leads nowhere, by what was seen on the way."""
        if self._allowed:
            return MethodNotAllowed(valid_methods=sorted(self._allowed))
        return WebsocketMismatch() if self._mismatch else NotFound()


class _Builder:
    """Makes nodes of Werkzeug's states."""

    def __init__(self, rules: Rules, closing: bool) -> None:
        self._rules = rules
        self._closing = closing
        #: PERF: 500 rules have but a few patterns. By content; a final part has one of its own.
        self._shapes: dict[tuple[str, bool], Shape] = {}

    def fill(self, node: Node, state: State, varied: bool) -> None:
        """Make what leads on from a node."""
        with self._rules.lock:
            if node.source is not None:  # Another thread may have been quicker.
                # Rules may have been added since, by a thread that will replace this trie.
                self._rules.update()
                self._fill(node, state, varied)
                node.source = None
                # PERF: what has a `__getattr__`, Python reads slowly.
                node.__class__ = Node

    def _fill(self, node: Node, state: State, varied: bool) -> None:
        depth, certain = node.depth, node.certain
        static: dict[str, Node] = {}
        for text, following in state.static.items():
            # A slash at the end may have been one too many. Above depth 1 it is the path's first.
            alone = not state.dynamic and (text != "" or depth == 0)
            static[text] = Unvisited((self, following, varied), depth + 1, certain and alone)
        edges = []
        for part, following in state.dynamic:
            alone = part is state.dynamic[-1][0]
            child = Unvisited((self, following, True), depth + 1, certain and alone)
            edges.append(Edge(part, self._shape(part), child))
        simple = tuple(_simple(edges))
        node.static = static
        node.edges = tuple(edges)
        node.simple = simple
        node.goals = tuple(map(self._goal, state.rules))
        node.shortcuts = ()
        if state.dynamic and not varied and depth > 0:
            node.shortcuts = shortcuts(state, depth, self._test_of, self._goal)
        # At depth 0 the path has no slash in front, and Werkzeug puts one there.
        node.closed = self._closing and certain and depth > 0 and len(simple) == len(edges)

    def _goal(self, rule: Rule) -> Goal:
        return Goal(rule, self._rules.outranked(rule))

    def _test_of(self, part: RulePart) -> Callable[[str], object] | None:
        return self._shape(part)[2]

    def _shape(self, part: RulePart) -> Shape:
        key = part.content, part.final
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = _shape_of(part)
        return shape


def _shape_of(part: RulePart) -> Shape:
    try:
        pattern = re.compile(part.content)
    except re.error:
        return None, (), None
    # They are in the order of the pattern, which is that of the rule.
    groups = tuple(name for name in pattern.groupindex if name.startswith(_GROUP))
    return pattern, groups, None if part.final else _segment_test(pattern)


def _simple(edges: Sequence[Edge]) -> Iterator[tuple[Callable[[str], object], Node]]:
    for edge in edges:
        if edge.test is None:
            return
        yield edge.test, edge.node


def _segment_test(pattern: re.Pattern[str]) -> Callable[[str], object] | None:
    """Return a test for a pattern of one converter that takes all of a segment, else None."""
    text = pattern.pattern
    begin, end = _WHOLE
    if not text.startswith(begin) or not text.endswith(end) or text.count(_GROUP) > 1:
        return None
    inner = text[len(begin) : -len(end)]
    if inner in _QUICK_TESTS:
        return _QUICK_TESTS[inner]
    try:
        # With text after the converter, what is between the outer parentheses is not balanced.
        re.compile(inner)
    except re.error:
        return None
    return None if pattern.match("") else pattern.match


#: PERF: a quarter of the pattern's time. What `\d` takes for a digit, `isdecimal` does.
_QUICK_TESTS: dict[str, Callable[[str], object]] = {"[^/]{1,}": bool, r"\d+": str.isdecimal}


def _static_paths(state: State, parts: tuple[str, ...]) -> Iterator[tuple[str, tuple[Rule, ...]]]:
    if state.rules:
        path = "/".join(parts)
        if not path.startswith("//"):
            yield path, tuple(state.rules)
    for part, following in state.static.items():
        yield from _static_paths(following, (*parts, part))


def _has_slashes_in_front(domain: State) -> bool:
    # Rules such as `//x`, which Werkzeug never finds, for it strips slashes before it looks.
    first = domain.static.get("")
    second = None if first is None else first.static.get("")
    return second is not None and bool(second.static or second.dynamic)
