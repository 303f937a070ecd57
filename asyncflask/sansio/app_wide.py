"""A blueprint's registrations for the whole app: hooks, error handlers, names in templates.

Each is recorded, and registered on the app at the blueprint's first registration.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import typing as ft
from .blueprint_setup import Recorder
from .setupmethod import (
    F,
    T_after_request,
    T_after_websocket,
    T_before_request,
    T_before_serving,
    T_error_handler,
    T_teardown,
    T_template_context_processor,
    T_template_filter,
    T_template_global,
    T_template_test,
    T_url_defaults,
    T_url_value_preprocessor,
    T_while_serving,
    functions_of,
    name_decorator,
    setupmethod,
)


class AppWide(Recorder):
    """The decorators with ``app`` in their names."""

    def _on_app(self, registry: str, f: F) -> F:
        self.record_once(lambda state: functions_of(getattr(state.app, registry)).append(f))
        return f

    @setupmethod
    def before_app_request(self, f: T_before_request) -> T_before_request:
        """Register a function as ``before_request`` does, for every request of the app.

        Args:
            f: Called without arguments, as for :meth:`before_request`.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("before_request_funcs", f)

    @setupmethod
    def after_app_request(self, f: T_after_request) -> T_after_request:
        """Register a function as ``after_request`` does, for every request of the app.

        Args:
            f: Gets the response, and returns a response.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("after_request_funcs", f)

    @setupmethod
    def teardown_app_request(self, f: T_teardown) -> T_teardown:
        """Register a function as ``teardown_request`` does, for every request of the app.

        Args:
            f: Gets the error, or ``None``.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("teardown_request_funcs", f)

    @setupmethod
    def before_app_websocket(self, f: T_before_request) -> T_before_request:
        """Register a function as ``before_websocket`` does, for every websocket of the app.

        Args:
            f: Called without arguments, as for :meth:`before_websocket`.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("before_websocket_funcs", f)

    @setupmethod
    def after_app_websocket(self, f: T_after_websocket) -> T_after_websocket:
        """Register a function as ``after_websocket`` does, for every websocket of the app.

        Args:
            f: Gets the response or ``None``, and returns the same.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("after_websocket_funcs", f)

    @setupmethod
    def teardown_app_websocket(self, f: T_teardown) -> T_teardown:
        """Register a function as ``teardown_websocket`` does, for every websocket of the app.

        Args:
            f: Gets the error, or ``None``.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("teardown_websocket_funcs", f)

    @setupmethod
    def before_app_serving(self, f: T_before_serving) -> T_before_serving:
        """Register a function that runs before the app accepts the first request.

        Args:
            f: Called without arguments, ``def`` or ``async def``.

        Returns:
            ``f``, unchanged.
        """
        self.record_once(lambda state: state.app.before_serving(f))
        return f

    @setupmethod
    def while_app_serving(self, f: T_while_serving) -> T_while_serving:
        """Register a generator that runs around the serving of the app.

        Args:
            f: An ``async def`` generator with one ``yield``.

        Returns:
            ``f``, unchanged.
        """
        self.record_once(lambda state: state.app.while_serving(f))
        return f

    @setupmethod
    def after_app_serving(self, f: T_before_serving) -> T_before_serving:
        """Register a function that runs after the app has answered the last request.

        Args:
            f: Called without arguments, ``def`` or ``async def``.

        Returns:
            ``f``, unchanged.
        """
        self.record_once(lambda state: state.app.after_serving(f))
        return f

    @setupmethod
    def app_context_processor(
        self, f: T_template_context_processor
    ) -> T_template_context_processor:
        """Register a function as ``context_processor`` does, for every template of the app.

        Args:
            f: Called without arguments; returns a dictionary.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("template_context_processors", f)

    @setupmethod
    def app_url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Register a function as ``url_value_preprocessor`` does, for every request of the app.

        Args:
            f: Gets the endpoint and the view's arguments.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("url_value_preprocessors", f)

    @setupmethod
    def app_url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Register a function as ``url_defaults`` does, for every URL of the app.

        Args:
            f: Gets the endpoint and the values.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("url_default_functions", f)

    @setupmethod
    def app_errorhandler(
        self, code: type[Exception] | int
    ) -> Callable[[T_error_handler], T_error_handler]:
        """Register the decorated function as an error handler, for every request of the app.

        Args:
            code: Status code of an HTTP error, or a subclass of ``Exception``.

        Returns:
            The decorator, which returns the function unchanged.
        """

        def decorator(f: T_error_handler) -> T_error_handler:
            self.record_once(lambda state: state.app.errorhandler(code)(f))
            return f

        return decorator

    @setupmethod
    def app_template_filter(
        self, name: str | None = None
    ) -> Callable[[T_template_filter], T_template_filter]:
        """Register the decorated function as a Jinja filter, for every template of the app.

        Args:
            name: Name in templates; by default the function's name. The decorator may also be used
                without parentheses.

        Returns:
            The decorator, which returns the function unchanged.
        """
        return name_decorator(self.add_app_template_filter, name)

    @setupmethod
    def add_app_template_filter(
        self, f: ft.TemplateFilterCallable, name: str | None = None
    ) -> None:
        """Register a function as a Jinja filter, for every template of the app.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.record_once(lambda state: state.app.add_template_filter(f, name=name))

    @setupmethod
    def app_template_test(
        self, name: str | None = None
    ) -> Callable[[T_template_test], T_template_test]:
        """Register the decorated function as a Jinja test, for every template of the app.

        Args:
            name: Name in templates; by default the function's name. The decorator may also be used
                without parentheses.

        Returns:
            The decorator, which returns the function unchanged.
        """
        return name_decorator(self.add_app_template_test, name)

    @setupmethod
    def add_app_template_test(self, f: ft.TemplateTestCallable, name: str | None = None) -> None:
        """Register a function as a Jinja test, for every template of the app.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.record_once(lambda state: state.app.add_template_test(f, name=name))

    @setupmethod
    def app_template_global(
        self, name: str | None = None
    ) -> Callable[[T_template_global], T_template_global]:
        """Register the decorated function as a Jinja global, for every template of the app.

        Args:
            name: Name in templates; by default the function's name. The decorator may also be used
                without parentheses.

        Returns:
            The decorator, which returns the function unchanged.
        """
        return name_decorator(self.add_app_template_global, name)

    @setupmethod
    def add_app_template_global(
        self, f: ft.TemplateGlobalCallable, name: str | None = None
    ) -> None:
        """Register a function as a Jinja global, for every template of the app.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.record_once(lambda state: state.app.add_template_global(f, name=name))
