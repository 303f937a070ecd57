"""The trie: which rule matches a path?

`Map` compiles it from the state machine that Werkzeug makes of the rules (``nodes.py``). The
answers are Werkzeug's. There are three ways to one, each for what the one before it leaves over: a
dict of the rules without variables; functions made of rules (`compiled.py`); a search of the trie.
The answer is None where it needs more than the rules: a redirect needs the host, and a path with
`//` may have to be merged. Methods, slashes and redirects are read from the rule during matching,
so changing a rule takes effect at once, as in Werkzeug. `tests/properties/test_matching.py`
compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Rule, ValidationError
from werkzeug.routing.exceptions import WebsocketMismatch
from werkzeug.routing.matcher import State

from .nodes import AskWerkzeug, CompiledRules, IsOutranked, Leaf, Match, Node, make_node

#: Digits from which on `int` may refuse a number (`sys.set_int_max_str_digits` allows no less).
MANY_DIGITS = 640


class Trie:
    """The compiled rules of one map; replaced when they change.

    Args:
        root: The root of Werkzeug's state machine, its transitions sorted.
        is_outranked: Whether another rule of the same endpoint has defaults for a rule.
    """

    __slots__ = ("_compiled", "_has_domains", "_top", "static")

    def __init__(self, root: State, is_outranked: IsOutranked) -> None:
        #: Whether any rule is for a subdomain or host. Werkzeug then matches all paths.
        self._has_domains = bool(root.dynamic) or not root.static.keys() <= {""}
        state = State() if self._has_domains or not root.static else root.static[""].static[""]
        #: The node behind the first slash.
        self._top = make_node(state, is_outranked)
        #: The functions made of rules by their first segment, where the second one is a variable.
        self._compiled: dict[str, dict[int, CompiledRules]] = {}
        #: The rules without variables by path, in the order Werkzeug tries them.
        self.static: dict[str, tuple[Rule, ...]] = dict(_static_paths(state, ""))

    def find(self, path: str, method: str, websocket: bool) -> Match:
        """Find the rule for a path; see `Map.find`.

        Args:
            path: The decoded path below the root path.
            method: The HTTP method; GET for a websocket.
            websocket: Whether the connection is a websocket.
        """
        rules = self.static.get(path)
        if rules is None:
            segments = path.split("/")
            if segments[0] or not path:
                return None  # Werkzeug puts a slash in front.
            return self._find_compiled(segments, method, websocket)
        for rule in rules:
            methods = rule.methods
            if (methods is None or method in methods) and rule.websocket is websocket:
                # A rule that others outrank is among these: it has defaults of its own.
                if rule.defaults or rule.alias or rule.redirect_to is not None:
                    break
                return rule, {}
        return self._search(path.split("/"), method, websocket)

    def _find_compiled(self, segments: list[str], method: str, websocket: bool) -> Match:
        compiled = self._compiled.get(segments[1]) or self._compile(segments)
        try:
            for rule, match in compiled.get(len(segments), ()):
                methods = rule.methods
                # As in Werkzeug: no converter sees a path that is not for its rule's methods.
                if (methods is None or method in methods) and rule.websocket is websocket:
                    if rule.defaults or rule.alias or rule.redirect_to is not None:
                        break
                    view_args = match(segments)
                    if view_args is not None:
                        return rule, view_args
        except ValueError as error:
            if not _is_refusal(error, segments):
                raise
            # Werkzeug tries no other rule then; the search tells which methods are allowed.
            return self._search(segments, method, websocket, refused=True)
        return self._search(segments, method, websocket)

    def _compile(self, segments: list[str]) -> dict[int, CompiledRules]:
        """Return the compiled rules that have a path's first segments, before any variable."""
        if self._is_unknown(segments[1]):
            return {}
        node = self._top.descend(segments)
        compiled = node.compile() if node.compiled is None else node.compiled
        if node.depth == 2 and not node.static:
            self._compiled[segments[1]] = compiled
        return compiled

    def _is_unknown(self, first: str) -> bool:
        return bool(first) and first not in self._top.static and not self._top.edges

    def _search(
        self, segments: list[str], method: str, websocket: bool, refused: bool = False
    ) -> Match:
        # Werkzeug folds the method's case, and may redirect a path with `//` to the one with `/`.
        if self._has_domains or method != method.upper() or "" in segments[1:-1]:
            return None
        if self._is_unknown(segments[1]):
            return NotFound()
        search = _Search(segments, method, websocket)
        try:
            found = search.follow(self._top, 1, ())
            if found is not None and not refused:
                leaf, texts = found
                return leaf.match(texts)
        except AskWerkzeug:
            return None
        except ValidationError:
            pass
        return search.refusal()


def _is_refusal(error: ValueError, segments: list[str]) -> bool:
    """Return whether a converter has refused a segment, not failed.

    A compiled rule calls `int` itself, which refuses numbers of very many digits.
    """
    return isinstance(error, ValidationError) or max(map(len, segments)) >= MANY_DIGITS


class _Search:
    """A depth-first search, in Werkzeug's order, and the rules that it had to pass by.

    Args:
        segments: The segments of the path.
        method: The HTTP method, in upper case.
        websocket: Whether a websocket is asked for.
    """

    def __init__(self, segments: list[str], method: str, websocket: bool) -> None:
        self._segments = segments
        self._method = method
        self._websocket = websocket
        self._passed: list[Rule] = []

    def follow(
        self, node: Node, at: int, texts: tuple[str, ...]
    ) -> tuple[Leaf, tuple[str, ...]] | None:
        """Search below a node.

        Args:
            node: The node.
            at: The index of the next segment.
            texts: The texts of the variables before it.

        Returns:
            The leaf and the texts of its variables; None without a match.

        Raises:
            AskWerkzeug: There may be a match or a redirect that only Werkzeug can decide on.
        """
        if at == len(self._segments):
            return _with_texts(self._choose(node.leaves) or self._choose_with_slash(node), texts)
        segment = self._segments[at]
        if segment in node.static:
            found = self.follow(node.static[segment], at + 1, texts)
            if found is not None:
                return found
        for edge in node.edges:
            match = edge.match(self._segments, at)
            if match is not None:
                more, following = match
                found = self.follow(edge.node, following, texts + more)
                if found is not None:
                    return found
        if segment == "" and at == len(self._segments) - 1:
            lenient = [leaf for leaf in node.leaves if not leaf.rule.strict_slashes]
            return _with_texts(self._choose(lenient), texts)
        return None

    def _choose(self, leaves: Sequence[Leaf]) -> Leaf | None:
        for leaf in leaves:
            if self._lacks_method(leaf.rule) or leaf.rule.websocket != self._websocket:
                self._passed.append(leaf.rule)
            else:
                return leaf
        return None

    def _choose_with_slash(self, node: Node) -> Leaf | None:
        """Choose a rule that has one slash more at the end."""
        child = node.static.get("")
        for leaf in child.leaves if child is not None else ():
            rule = leaf.rule
            if not self._lacks_method(rule) and rule.websocket == self._websocket:
                if rule.strict_slashes:
                    raise AskWerkzeug
                return leaf
        return None

    def _lacks_method(self, rule: Rule) -> bool:
        return rule.methods is not None and self._method not in rule.methods

    def refusal(self) -> HTTPException:
        """Return the error for a path without a match."""
        allowed: set[str] = set()
        is_mismatch = False
        for rule in self._passed:
            if self._lacks_method(rule):
                allowed.update(rule.methods or ())
            else:
                is_mismatch = True
        if allowed:
            return MethodNotAllowed(valid_methods=sorted(allowed))
        return WebsocketMismatch() if is_mismatch else NotFound()


def _with_texts(leaf: Leaf | None, texts: tuple[str, ...]) -> tuple[Leaf, tuple[str, ...]] | None:
    return None if leaf is None else (leaf, texts)


def _static_paths(state: State, path: str) -> Iterator[tuple[str, tuple[Rule, ...]]]:
    """Yield the rules without variables below a path."""
    for segment, following in state.static.items():
        below = f"{path}/{segment}"
        # Werkzeug strips slashes in front before it looks, so it never finds a rule `//x`.
        if following.rules and not below.startswith("//"):
            yield below, tuple(following.rules)
        yield from _static_paths(following, below)
