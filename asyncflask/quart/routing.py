"""URL rules and their map, with the methods that Quart adds to Werkzeug's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from werkzeug.routing import MapAdapter

from ..dispatch.urls import bind_connection
from ..routing import Map, Rule


class QuartRule(Rule):
    """A URL rule.

    Args:
        string: The rule: ``"/user/<int:id>"``.
        defaults: Values of arguments that the rule does not take from the path.
        subdomain: The subdomain, below ``SERVER_NAME``.
        methods: The methods; ``None``: all.
        endpoint: The name of the view.
        strict_slashes: Whether a missing slash at the end is redirected.
        merge_slashes: Whether several slashes count as one.
        host: The host, with host matching.
        websocket: Whether it is for websockets.
        provide_automatic_options: Whether the app answers OPTIONS.
        options: What else Werkzeug's rule takes.

    Source: ``Quart: routing.QuartRule``.
    """

    def __init__(
        self,
        string: str,
        defaults: Mapping[str, Any] | None = None,
        subdomain: str | None = None,
        methods: Iterable[str] | None = None,
        endpoint: str | None = None,
        strict_slashes: bool | None = None,
        merge_slashes: bool | None = None,
        host: str | None = None,
        websocket: bool = False,
        provide_automatic_options: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            string,
            defaults=defaults,
            subdomain=subdomain,
            methods=methods,
            endpoint=endpoint,
            strict_slashes=strict_slashes,
            merge_slashes=merge_slashes,
            host=host,
            websocket=websocket,
            **options,
        )
        self.provide_automatic_options = provide_automatic_options


class QuartMap(Map):
    """The rules of an app.

    Source: ``Quart: routing.QuartMap``.
    """

    def bind_to_request(
        self, request: Any, subdomain: str | None, server_name: str | None
    ) -> MapAdapter:
        """Return the adapter that matches and builds URLs for a request or websocket.

        Args:
            request: The request or websocket.
            subdomain: The subdomain; ``None``: the part of the host before ``server_name``.
            server_name: The app's host; ``None``: that of the request.
        """
        return bind_connection(self, request, server_name, subdomain)
