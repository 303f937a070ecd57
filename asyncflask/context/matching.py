"""Which rule a connection matches: the rule, the view's arguments, or what refuses it."""

from __future__ import annotations

import functools
from typing import Any

from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.routing import RequestRedirect, Rule

from ..routing.rule import add_path
from ..wrappers.http_connection import path_below_root
from ..wrappers.request.headers import index_headers
from ..wrappers.request.target import take_apart
from .base import NO_ERROR
from .connection import ContextConnection

#: what an app may replace so that only the URL adapter finds the rule (``dispatch/overrides.py``)
_REPLACED_MATCHING = frozenset({"create_url_adapter", "url_map", "trusted_hosts"})


class ContextMatching(ContextConnection):
    """The part of a context that finds the rule for its connection."""

    #: whether the URL was matched, or is being matched
    matched = False
    #: the method that the rule is for; of a websocket GET
    method = "GET"
    #: the URL adapter, once it is made
    made_url_adapter: Any = NO_ERROR

    @property
    def matched_endpoint(self) -> str | None:
        """The endpoint that was matched."""
        rule: Rule | None = self.url_rule
        return None if rule is None else rule.endpoint

    @property
    def matched_blueprints(self) -> tuple[str, ...]:
        """Names of the blueprint that was matched and of its parents, innermost first."""
        rule = self.url_rule
        if rule is None or "." not in rule.endpoint:
            return ()
        return blueprint_path(rule.endpoint.rpartition(".")[0])

    @property
    def url_adapter(self) -> Any:
        """Werkzeug's URL adapter for this connection or, outside, ``SERVER_NAME``; or ``None``."""
        adapter = self.made_url_adapter
        if adapter is NO_ERROR:
            adapter = None
            try:
                adapter = self.app.create_url_adapter(self.request_or_websocket)
            except HTTPException as error:
                if self.request_context is not self:
                    raise
                self.routing_exception = error
            self.made_url_adapter = adapter
        return adapter

    @url_adapter.setter
    def url_adapter(self, value: object) -> None:
        self.set_attribute("made_url_adapter", value)
        self.replaced |= {"create_url_adapter"}  # From now on it decides what matches.

    @url_adapter.deleter
    def url_adapter(self) -> None:
        self.restore_attribute("made_url_adapter")

    def match_request(self) -> None:
        """Find the rule for the connection, once; a failure is kept as ``routing_exception``."""
        self.matched = True
        scope_type = self.scope_type
        if scope_type is None:
            return
        scope, websocket = self.scope, scope_type.websocket
        method = self.method = "GET" if websocket else scope["method"]
        app: Any = self.app
        if self.replaced and not self.replaced.isdisjoint(_REPLACED_MATCHING):
            self._match_with_adapter()
            return
        url_map = app.url_map
        trie = url_map.trie or url_map.compile()
        if url_map.host_matching or app.plans.needs_adapter:
            self._match_with_adapter()
            return
        path = path_below_root(scope) if scope.get("root_path") else scope["path"]
        try:
            found = trie.find(path, method, websocket)
        except Exception as error:  # of a converter
            self.routing_exception = error
            return
        if found.__class__ is tuple:
            self.url_rule, self.view_args = found
        elif found is None:
            self._match_with_adapter()
        else:
            self.routing_exception = found
            self.match_upgrade()

    def match_upgrade(self) -> None:
        """Let the facade match a request that was refused because its rule is for websockets."""

    def _match_with_adapter(self) -> None:
        if not self._has_path() and not self._has_whole_url():
            # SECURITY: a target such as "?a=b" or "@evil.test" (CVE-2026-54282) has no path; made
            # one, it would name another host in URLs. RFC 9112 §3.2.1: it begins with a slash.
            path = self.scope["path"]
            self.routing_exception = BadRequest(
                f"The request's path {path[:100]!r} does not begin with '/'."
            )
            return
        adapter = self.url_adapter
        if adapter is None:
            return
        try:
            self.url_rule, self.view_args = adapter.match(return_rule=True)
            add_path(self.url_rule)
        except RequestRedirect as redirect:
            if not adapter.server_name:
                # SECURITY: of `http:///evil.test/` and `//evil.test/` browsers take the first part
                # of the path for the host. The client of this request names none.
                redirect.new_url = "/" + redirect.new_url.partition("://")[2].lstrip("/")
            self.routing_exception = redirect
        except Exception as error:  # mostly HTTP errors; any of a converter
            self.routing_exception = error

    def _has_path(self) -> bool:
        path: str = self.scope["path"]
        return path[:1] == "/"

    def _has_whole_url(self) -> bool:
        """Tell whether the path is a whole URL; the scope then has that URL's path and host."""
        if not take_apart(self.scope):
            return False
        if self.header_names is not None:
            self.header_names = index_headers(self.scope["headers"])
        return True

    def match_at_push(self) -> None:
        """Match the URL at the first push, with the adapter if one was set before."""
        if self.matched:
            return
        if self.made_url_adapter is NO_ERROR or self.scope_type is None:
            self.match_request()
        else:
            self.matched = True
            if not self.scope_type.websocket:
                self.method = self.scope["method"]
            self._match_with_adapter()


@functools.lru_cache(maxsize=1024)
def blueprint_path(name: str) -> tuple[str, ...]:
    """``"a.b"`` → ``("a.b", "a")``. (Flask: helpers._splitblueprint_path.)

    Args:
        name: The dotted name of a blueprint.

    Returns:
        The name, and those of the blueprints around it, innermost first.
    """
    path = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        path.append(name)
    return tuple(path)
