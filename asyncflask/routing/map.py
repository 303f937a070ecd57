"""Werkzeug's map with a faster match: `Map.find`.

Adding rules, binding and building are Werkzeug's; `trie.py` matches paths. This module discards the
compiled trie when rules are added, under a lock.
"""

from __future__ import annotations

from threading import RLock

import werkzeug.routing
from werkzeug.routing import RuleFactory

from .internals import root_of
from .nodes import Match
from .trie import Trie

_Rule = werkzeug.routing.Rule


class Map(werkzeug.routing.Map):
    """An app's rules: finds the rule for a path and builds URLs.

    The constructor and inherited methods are Werkzeug's. `find` returns what `MapAdapter.match`
    returns, in a fraction of the time and independently of the number of rules.

    Source: Flask: `Flask.url_map_class`.
    """

    #: Held while rules are added or compiled; re-entrant, as a rule factory may use the map.
    lock_class = staticmethod(RLock)  # type: ignore[assignment]  # a function before 3.14

    #: The compiled rules; None before the first match and after a change of the rules.
    #: (A class attribute, so that the constructor stays Werkzeug's.)
    trie: Trie | None = None

    def find(self, path: str, method: str, websocket: bool) -> Match:
        """Find the rule for a path, where the rules alone decide it.

        Where `host_matching` is on, ask Werkzeug instead.

        Args:
            path: The decoded path below the root path, as in ASGI's `path` or WSGI's `PATH_INFO`.
            method: The HTTP method in upper case; GET for a websocket.
            websocket: Whether the connection is a websocket.

        Returns:
            The rule and a new dict of view arguments; or a new `NotFound`, `MethodNotAllowed` or
            `WebsocketMismatch`, which is not raised; or None, also if any rule has a subdomain or
            host: call `MapAdapter.match(return_rule=True)`, which can redirect.

        Raises:
            Exception: Any exception of a converter other than `ValidationError`.
        """
        return (self.trie or self.compile()).find(path, method, websocket)

    def add(self, rulefactory: RuleFactory) -> None:
        """Bind a rule, or all rules of a factory, to this map.

        May be called while other threads match.

        Args:
            rulefactory: A `Rule`, or a factory such as `Submount`.

        Raises:
            RuntimeError: The rule is bound to a map already.
            LookupError: The rule names a converter that the map does not have.
            ValueError: The rule cannot be parsed.
        """
        with self._remap_lock:
            try:
                super().add(rulefactory)
            finally:
                self.forget()

    def forget(self) -> None:
        """Discard the compiled rules; the next `find` compiles them again."""
        with self._remap_lock:
            self.trie = None

    def compile(self) -> Trie:
        """Return :attr:`trie`, compiled now if it is None."""
        with self._remap_lock:
            if self.trie is None:
                self.update()
                self.trie = Trie(root_of(self), self.outranked)
            return self.trie

    def outranked(self, rule: _Rule) -> bool:
        """Return whether another rule of the same endpoint has defaults for a rule.

        Args:
            rule: A rule of this map.
        """
        return any(
            other.defaults and other.provides_defaults_for(rule)
            for other in self._rules_by_endpoint[rule.endpoint]
        )


#: Methods of a map that Werkzeug's match uses; `find` does not call a subclass's override.
_MATCHING = ("bind", "bind_to_environ", "update")


def asks_werkzeug(url_map: object) -> bool:
    """Return whether rules must be matched by `bind_to_environ` and `match` instead of `Map.find`.

    True for a map of Werkzeug's own class, and for one that overrides how it matches.

    Args:
        url_map: An app's map, or None before the app has one.
    """
    if url_map is None:
        return False
    if not isinstance(url_map, Map):
        return True
    # Not `vars(url_map)`: reading `__dict__` makes CPython's later attribute access slower.
    return any(
        getattr(getattr(url_map, name), "__func__", None) is not getattr(Map, name)
        for name in _MATCHING
    )
