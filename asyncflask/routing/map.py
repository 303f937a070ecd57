"""Werkzeug's map with a quick way to ask it: `Map.find`.

Adding rules, binding and building are Werkzeug's; how a path is matched is in `matcher.py`. The
rule kept here: what was compiled from the rules is thrown away when they change, under a lock.
"""

from __future__ import annotations

import typing as t
from threading import RLock

import werkzeug.routing
from werkzeug.routing import RuleFactory

from .goal import Answer
from .matcher import Trie

_Rule = werkzeug.routing.Rule


class Map(werkzeug.routing.Map):
    """Hold an app's rules, find the rule for a path and build URLs.

    The constructor and the methods that Werkzeug's map has are Werkzeug's. `find` answers what
    `MapAdapter.match` answers in a fraction of the time, whatever the number of rules.

    Source: Flask: `Flask.url_map_class`.
    """

    #: Held while rules are added or compiled; re-entrant, as a rule factory may use the map.
    lock_class = staticmethod(RLock)  # type: ignore[assignment]  # a function before 3.14

    #: What the rules were compiled to; None until somebody asks, and when they have changed.
    #: (A class attribute, so that the constructor stays Werkzeug's.)
    trie: Trie | None = None

    def find(self, path: str, method: str, websocket: bool, host: str = "") -> Answer:
        """Find the rule for a path, as far as the rules alone can tell.

        Args:
            path: The decoded path below the root path, as in ASGI's `path` or WSGI's `PATH_INFO`.
            method: The HTTP method in upper case; GET for a websocket.
            websocket: Whether a websocket is asked for.
            host: The domain part, as `MapAdapter` has it: with `host_matching` the host in lower
                case, with its port if that is not the scheme's own; else the subdomain, which is
                `default_subdomain` for an app that does not match subdomains.

        Returns:
            The rule and a new dict of view arguments; or a new `NotFound`, `MethodNotAllowed` or
            `WebsocketMismatch`, which is not raised; or None: ask
            `MapAdapter.match(return_rule=True)`, which knows how to redirect.

        Raises:
            Exception: Whatever a converter raises other than `ValidationError`.
        """
        return (self.trie or self.compile()).find(path, method, websocket, host)

    @property
    def needs_host(self) -> bool:
        """Whether a rule names a domain; without, `find` needs the host only to refuse it."""
        return self.host_matching or (self.trie or self.compile()).domains_matter

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
        """Throw away what was compiled from the rules; the next `find` compiles anew."""
        with self._remap_lock:
            self.trie = None

    def compile(self) -> Trie:
        """Compile the rules, unless they are; return :attr:`trie`."""
        with self._remap_lock:
            if self.trie is None:
                self.update()
                self.trie = Trie(self._matcher._root, self)
            return self.trie

    @property
    def lock(self) -> t.Any:
        """The lock of `lock_class`."""
        return self._remap_lock

    def outranked(self, rule: _Rule) -> bool:
        """Tell whether another rule of the same endpoint has defaults for this one."""
        return any(
            other.defaults and other.provides_defaults_for(rule)
            for other in self._rules_by_endpoint[rule.endpoint]
        )


#: Methods of a map by which Werkzeug matches; `find` knows nothing of a subclass's own.
_MATCHING = ("bind", "bind_to_environ", "update")


def asks_werkzeug(url_map: object) -> bool:
    """Tell whether rules have to be found by `bind_to_environ` and `match`, without `Map.find`.

    That is so for a map of Werkzeug's own class, and for one that has its own way of matching.

    Args:
        url_map: An app's map, or None before it has one.
    """
    if url_map is None:
        return False
    if not isinstance(url_map, Map):
        return True
    # PERF: not `vars(url_map)`: once `__dict__` was asked for, CPython reads an object's attributes
    # in a slower way, which is 2 % of a plain request.
    return any(
        getattr(getattr(url_map, name), "__func__", None) is not getattr(Map, name)
        for name in _MATCHING
    )
