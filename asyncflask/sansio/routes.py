"""The routes of an app or a blueprint: URL rules and their views."""

from __future__ import annotations

import inspect
import typing as t
from collections.abc import Callable

from .. import typing as ft
from .._invalidation import NoticedDict
from .setupmethod import F, Setup, T_route, T_websocket, refuse_function, setupmethod


class Routes(Setup):
    """The decorators of views, and the registry that they fill."""

    def __init__(self) -> None:
        self.view_functions: dict[str, ft.RouteCallable] = NoticedDict()

    @setupmethod
    def route(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a URL rule.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: For :meth:`add_url_rule` and Werkzeug's ``Rule``: ``methods``, ``endpoint`` …

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: The decorator has no parentheses.

        Source: ``Flask: app.route``.
        """
        refuse_function("route", rule)

        def decorator(f: T_route) -> T_route:
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **options)
            return f

        return decorator

    @setupmethod
    def get(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for GET.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("GET", rule, options)

    @setupmethod
    def post(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for POST.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("POST", rule, options)

    @setupmethod
    def put(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for PUT.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("PUT", rule, options)

    @setupmethod
    def delete(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for DELETE.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("DELETE", rule, options)

    @setupmethod
    def patch(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for PATCH.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("PATCH", rule, options)

    def _method_route(
        self, method: str, rule: str, options: dict[str, t.Any]
    ) -> Callable[[T_route], T_route]:
        refuse_function(method.lower(), rule)
        if "methods" in options:
            raise TypeError(
                f"`methods={options['methods']!r}` was given to @{method.lower()}({rule!r}), which"
                f" is for {method} alone. Use @route({rule!r}, methods=[...])."
            )
        return self.route(rule, methods=[method], **options)

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
            view_func: The view, ``def`` or ``async def``.
            provide_automatic_options: Whether the app answers OPTIONS; by default
                ``PROVIDE_AUTOMATIC_OPTIONS``, unless the rule lists it.
            options: For Werkzeug's ``Rule``: ``methods``, ``defaults``, ``subdomain`` …

        Raises:
            NotImplementedError: A subclass has to define this method.
        """
        raise NotImplementedError("Apps and blueprints each register rules in their own way.")

    @setupmethod
    def websocket(self, rule: str, **options: t.Any) -> Callable[[T_websocket], T_websocket]:
        """Register the decorated function as the view of a websocket rule.

        Args:
            rule: URL rule, such as ``"/ws/<room>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: The decorator has no parentheses.

        Source: ``Quart: app.websocket``.
        """
        refuse_function("websocket", rule)

        def decorator(f: T_websocket) -> T_websocket:
            endpoint = options.pop("endpoint", None)
            self.add_websocket(rule, endpoint, f, **options)
            return f

        return decorator

    @setupmethod
    def add_websocket(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.WebsocketCallable | None = None,
        **options: t.Any,
    ) -> None:
        """Register a websocket rule and, with ``view_func``, its view.

        Args:
            rule: URL rule, such as ``"/ws/<room>"``.
            endpoint: Name of the view; by default the function's name.
            view_func: The view, ``def`` or ``async def``.
            options: For Werkzeug's ``Rule``.

        Raises:
            TypeError: The view is a generator.

        Source: ``Quart: app.add_websocket``.
        """
        if inspect.isasyncgenfunction(view_func) or inspect.isgeneratorfunction(view_func):
            raise TypeError(
                f"The websocket view {view_func.__qualname__}() of {rule!r} has a `yield`, so it is"
                " a generator, and what it yields is not sent.\n\n"
                "    wrong: yield message\n"
                "    right: await websocket.send(message)    # without `await` in a `def` view"
            )
        view = t.cast("ft.RouteCallable | None", view_func)  # It may return None as well.
        self.add_url_rule(
            rule, endpoint, view, provide_automatic_options=False, websocket=True, **options
        )

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """Register the decorated function as the view of an endpoint; add its rule separately.

        Args:
            endpoint: Name of the view.

        Returns:
            The decorator, which returns the function unchanged.
        """

        def decorator(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorator
