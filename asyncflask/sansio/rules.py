"""The URL rules of an app: how they are added, matched, and built into URLs."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import werkzeug.routing
from werkzeug.routing import BuildError, MapAdapter

from .. import typing as ft
from .._contextvars import current
from ..dispatch import urls
from ..dispatch.protocols import LinkingApp
from ..routing import Map, Rule
from .configuration import Configuration
from .setupmethod import endpoint_of, setupmethod


class Rules(Configuration):
    """An app's map of rules."""

    url_rule_class: type[werkzeug.routing.Rule] = Rule
    url_map_class: type[werkzeug.routing.Map] = Map

    def __init__(self, host_matching: bool, subdomain_matching: bool) -> None:
        self.url_map: werkzeug.routing.Map = self.url_map_class(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching
        self.url_build_error_handlers: list[Callable[[Exception, str, dict[str, t.Any]], str]] = []

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a URL rule and, with ``view_func``, its view.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            endpoint: Name of the view; by default the function's name.
            view_func: The view, ``def`` or ``async def``; :meth:`endpoint` may register it later.
            provide_automatic_options: Whether the app answers OPTIONS; by default
                ``PROVIDE_AUTOMATIC_OPTIONS``, unless the rule lists it.
            options: For Werkzeug's ``Rule``: ``methods``, ``defaults``, ``host`` …

        Raises:
            AssertionError: The endpoint has another view function already.
            TypeError: ``methods`` is one string, the rule is no text, or the view no function.

        Source: ``Flask: app.add_url_rule``.
        """
        _refuse_no_view(rule, view_func)
        endpoint = endpoint_of(view_func) if endpoint is None else endpoint
        options["endpoint"] = endpoint
        methods, automatic = self._methods_of(rule, view_func, provide_automatic_options, options)
        url_rule = self.url_rule_class(rule, methods=methods, **options)
        url_rule.provide_automatic_options = automatic  # type: ignore[attr-defined]  # as in Flask
        self.url_map.add(url_rule)
        if view_func is None:
            return
        known = self.view_functions.get(endpoint)
        if known is not None and known != view_func:
            raise AssertionError(
                f"Rule {rule!r}: endpoint {endpoint!r} has another view function already,"
                f" {known!r}. Rename {view_func!r}, or give it an `endpoint=` of its own."
                " (Decorators that do not use functools.wraps are a common cause.)"
            )
        self.view_functions[endpoint] = view_func

    def _methods_of(
        self,
        rule: str,
        view_func: object,
        automatic: bool | None,
        options: dict[str, t.Any],
    ) -> tuple[set[str] | None, bool]:
        """Return the rule's methods, and whether OPTIONS is answered by itself."""
        methods = options.pop("methods", None)
        if options.get("websocket") and automatic is False:  # of add_websocket()
            return None, False
        if methods is None:
            methods = getattr(view_func, "methods", None) or ("GET",)
        if isinstance(methods, str):
            raise TypeError(
                f"Rule {rule!r}: methods={methods!r} is one string. Write a list:"
                f" methods=[{methods!r}]."
            )
        methods = {method.upper() for method in methods}
        required = set(getattr(view_func, "required_methods", ()))
        if automatic is None:
            automatic = getattr(view_func, "provide_automatic_options", None)
        if automatic is None:
            automatic = "OPTIONS" not in methods and self.config["PROVIDE_AUTOMATIC_OPTIONS"]
        if automatic:
            required.add("OPTIONS")
        return methods | required, bool(automatic)

    def create_url_adapter(
        self: LinkingApp,
        request: t.Any,  # noqa: ANN401  # an override's own class
    ) -> MapAdapter | None:
        """Return the URL adapter of a request or websocket.

        Args:
            request: The request or websocket; ``None`` for an adapter of ``SERVER_NAME``.

        Returns:
            The adapter, or ``None`` if there is neither a request nor ``SERVER_NAME``.
        """
        return urls.create_adapter(self, request)

    def url_for(
        self: LinkingApp,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: t.Any,
    ) -> str:
        """Build the URL of an endpoint.

        Args:
            endpoint: The endpoint; ``".name"`` is relative to the current blueprint.
            _anchor: Added as ``#anchor``.
            _method: Choose the rule by this method.
            _scheme: Scheme of the URL, which makes it external.
            _external: Whether scheme and host are included; outside of a request they are.
            values: Arguments of the rule; others become the query string.

        Returns:
            The URL.

        Raises:
            BuildError: No rule fits, and no handler in ``url_build_error_handlers`` returns a URL.
            RuntimeError: Outside of a request without ``SERVER_NAME``.
            ValueError: ``_scheme`` together with ``_external=False``.

        Source: ``Flask: app.url_for``.
        """
        return urls.build_url(
            self,
            current(),
            endpoint,
            anchor=_anchor,
            method=_method,
            scheme=_scheme,
            external=_external,
            values=values,
        )

    def inject_url_defaults(self: LinkingApp, endpoint: str, values: dict[str, t.Any]) -> None:
        """Call the ``url_defaults`` functions of an endpoint.

        Args:
            endpoint: The endpoint.
            values: The values of the URL, to which the functions add.
        """
        urls.inject_defaults(self, endpoint, values)

    def handle_url_build_error(
        self: LinkingApp, error: BuildError, endpoint: str, values: dict[str, t.Any]
    ) -> str:
        """Return a URL that ``url_build_error_handlers`` build instead.

        Args:
            error: The error of :meth:`url_for`.
            endpoint: The endpoint.
            values: The values of the URL.

        Returns:
            The URL.

        Raises:
            BuildError: No handler returns a URL.
        """
        return urls.handle_build_error(self, error, endpoint, values)


def _refuse_no_view(rule: object, view_func: object) -> None:
    """Refuse a rule or a view of a wrong type, which would fail in a request."""
    if not isinstance(rule, str):
        raise TypeError(f"The rule {rule!r:.100} is no text. Write a path, such as '/path'.")
    if isinstance(view_func, type) and hasattr(view_func, "as_view"):
        raise TypeError(
            f"Rule {rule!r}: {view_func.__qualname__} is a class, not a view. Write"
            f" view_func={view_func.__qualname__}.as_view('name')."
        )
    if view_func is not None and not callable(view_func):
        raise TypeError(
            f"Rule {rule!r}: the view {view_func!r:.100} cannot be called. Give the function"
            " without calling it."
        )
