"""What registers something: :func:`setupmethod`, and the types of what the decorators take.

Each part of an app or a blueprint whose methods register something derives from :class:`Setup`.
"""

from __future__ import annotations

import functools
import inspect
import typing as t
from collections.abc import Callable

from .. import typing as ft
from .._invalidation import HookRegistry

F = t.TypeVar("F", bound=Callable[..., t.Any])
# The decorators return what they are given; the bounds are the signatures that they accept.
T_after_request = t.TypeVar("T_after_request", bound=ft.AfterRequestCallable)
T_after_websocket = t.TypeVar("T_after_websocket", bound=ft.AfterWebsocketCallable)
T_before_request = t.TypeVar("T_before_request", bound=ft.BeforeRequestCallable)
T_before_serving = t.TypeVar("T_before_serving", bound=ft.BeforeServingCallable)
T_error_handler = t.TypeVar("T_error_handler", bound=ft.ErrorHandlerCallable)
T_route = t.TypeVar("T_route", bound=ft.RouteCallable)
T_shell_context_processor = t.TypeVar(
    "T_shell_context_processor", bound=ft.ShellContextProcessorCallable
)
T_teardown = t.TypeVar("T_teardown", bound=ft.TeardownCallable)
T_template_context_processor = t.TypeVar(
    "T_template_context_processor", bound=ft.TemplateContextProcessorCallable
)
T_template_filter = t.TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = t.TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = t.TypeVar("T_template_test", bound=ft.TemplateTestCallable)
T_url_defaults = t.TypeVar("T_url_defaults", bound=ft.URLDefaultCallable)
T_url_value_preprocessor = t.TypeVar(
    "T_url_value_preprocessor", bound=ft.URLValuePreprocessorCallable
)
T_websocket = t.TypeVar("T_websocket", bound=ft.WebsocketCallable)
T_while_serving = t.TypeVar("T_while_serving", bound=ft.WhileServingCallable)

#: what was registered, by the blueprint's name; the app's own by ``None``
Registry: t.TypeAlias = dict[ft.AppOrBlueprintKey, list[F]]


class Setup:
    """What has a time of setup, after which it refuses to register more."""

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError("An app and a blueprint each know when their setup is over.")


def functions_of(registry: Registry[F]) -> list[F]:
    """Return the list of functions for all requests. COMPAT: of a plain dictionary as well.

    Args:
        registry: The registry of an app or a blueprint.

    Returns:
        The list, which the registry keeps.
    """
    noticed = isinstance(registry, HookRegistry)
    functions: list[F] = registry[None] if noticed else registry.setdefault(None, [])
    return functions


def setupmethod(f: F) -> F:
    """Mark a method that registers something: it refuses once setup is over.

    Args:
        f: The method.

    Returns:
        The method with a check before it.
    """
    name = f.__name__
    takes_function = f.__code__.co_varnames[1:2] == ("f",)

    @functools.wraps(f)
    def wrapper(self: Setup, *args: object, **kwargs: object) -> object:
        self._check_setup_finished(name)
        if takes_function and "f" not in kwargs:
            _refuse_no_function(name, args)
        return f(self, *args, **kwargs)

    return t.cast(F, wrapper)


def _refuse_no_function(name: str, args: tuple[object, ...]) -> None:
    """Refuse what is registered and cannot be called, which would fail in a request."""
    if not args:
        raise TypeError(f"{name}() was called without a function. Write `@app.{name}` above it.")
    if not callable(args[0]):
        raise TypeError(
            f"{name}() was given {args[0]!r:.100}, which is no function. Write `@app.{name}` above"
            " the function, or give it without calling it."
        )


def endpoint_of(view_func: ft.RouteCallable | None) -> str:
    """Return the endpoint a view gets when none is given: its name.

    Args:
        view_func: The view.

    Returns:
        The endpoint.

    Raises:
        AssertionError: There is no view either.
    """
    if view_func is None:
        raise AssertionError(
            "A rule was added with neither `endpoint` nor `view_func`. Give one of the two."
        )
    return view_func.__name__


def refuse_function(name: str, rule: object, example: str = "'/path'") -> None:
    """Refuse a view in the place of its rule, which would be a decorator that is never applied.

    Args:
        name: The name of the decorator, for the message.
        rule: What was given in the place of the rule.
        example: What is to be given instead, for the message.

    Raises:
        TypeError: A function was given.
    """
    if inspect.isfunction(rule):
        raise TypeError(
            f"@{name} was written without parentheses, so {rule.__qualname__}() was given to it in"
            f" the place of {example}, and nothing would be registered.\n\n"
            f"    wrong: @app.{name}\n"
            f"    right: @app.{name}({example})"
        )


def name_decorator(add: Callable[..., None], name: object) -> Callable[[F], F]:
    """Return a decorator that registers a function under a name.

    Args:
        add: Registers the function; by its own name where ``name`` is not given or ``None``.
        name: The name; or the function itself, where the decorator has no parentheses.

    Returns:
        The decorator, or the function itself.
    """
    if callable(name):
        add(name)
        return t.cast("Callable[[F], F]", name)

    def decorator(f: F) -> F:
        add(f, name=name)
        return f

    return decorator
