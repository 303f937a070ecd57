"""The hooks of an app or a blueprint: functions that run before, after and around each view.

The registries are Flask's: lists of functions by the blueprint's name, ``None`` for the app's own.
"""

from __future__ import annotations

from .. import typing as ft
from .._invalidation import HookRegistry
from .setupmethod import (
    Registry,
    Setup,
    T_after_request,
    T_after_websocket,
    T_before_request,
    T_teardown,
    T_template_context_processor,
    T_url_defaults,
    T_url_value_preprocessor,
    functions_of,
    setupmethod,
)


class Hooks(Setup):
    """The decorators of hooks, and the registries that they fill."""

    def __init__(self) -> None:
        self.before_request_funcs: Registry[ft.BeforeRequestCallable] = HookRegistry(list)
        self.after_request_funcs: Registry[ft.AfterRequestCallable] = HookRegistry(list)
        self.teardown_request_funcs: Registry[ft.TeardownCallable] = HookRegistry(list)
        self.before_websocket_funcs: Registry[ft.BeforeWebsocketCallable] = HookRegistry(list)
        self.after_websocket_funcs: Registry[ft.AfterWebsocketCallable] = HookRegistry(list)
        self.teardown_websocket_funcs: Registry[ft.TeardownCallable] = HookRegistry(list)
        self.template_context_processors: Registry[ft.TemplateContextProcessorCallable] = (
            HookRegistry(list)
        )
        self.url_value_preprocessors: Registry[ft.URLValuePreprocessorCallable] = HookRegistry(list)
        self.url_default_functions: Registry[ft.URLDefaultCallable] = HookRegistry(list)

    @setupmethod
    def before_request(self, f: T_before_request) -> T_before_request:
        """Register a function that runs before each view.

        Args:
            f: Called without arguments. A return value that is not ``None`` becomes the response,
                and the view is skipped.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.before_request_funcs).append(f)
        return f

    @setupmethod
    def after_request(self, f: T_after_request) -> T_after_request:
        """Register a function that runs after each view; the last registered runs first.

        Args:
            f: Gets the response, and returns a response.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.after_request_funcs).append(f)
        return f

    @setupmethod
    def teardown_request(self, f: T_teardown) -> T_teardown:
        """Register a function that runs at the end of each request's context, even after an error.

        Args:
            f: Gets the error, or ``None``; its return value is ignored.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.teardown_request_funcs).append(f)
        return f

    @setupmethod
    def before_websocket(self, f: T_before_request) -> T_before_request:
        """Register a function that runs before each websocket view.

        Args:
            f: Called without arguments. A return value that is not ``None`` refuses the websocket,
                and is the response.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.before_websocket_funcs).append(f)
        return f

    @setupmethod
    def after_websocket(self, f: T_after_websocket) -> T_after_websocket:
        """Register a function that runs after each websocket view.

        Args:
            f: Gets the response of a refused websocket, otherwise ``None``, and returns the same.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.after_websocket_funcs).append(f)
        return f

    @setupmethod
    def teardown_websocket(self, f: T_teardown) -> T_teardown:
        """Register a function that runs at the end of each websocket's context, after errors too.

        Args:
            f: Gets the error, or ``None``; its return value is ignored.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.teardown_websocket_funcs).append(f)
        return f

    @setupmethod
    def context_processor(self, f: T_template_context_processor) -> T_template_context_processor:
        """Register a function that adds names to the context of every template.

        Args:
            f: Called without arguments; returns a dictionary.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.template_context_processors).append(f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Register a function that runs after matching, before the other hooks.

        Args:
            f: Gets the endpoint and the dictionary of the view's arguments, which it may change.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.url_value_preprocessors).append(f)
        return f

    @setupmethod
    def url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Register a function that runs before each URL is built.

        Args:
            f: Gets the endpoint and the dictionary of values, to which it may add.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.url_default_functions).append(f)
        return f
