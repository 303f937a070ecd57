"""Find the app that a command is for: import a module, then pick the app or call its factory.

An app is recognised by the methods of its class: ``cli/`` is below the app classes, and both
``asyncflask.Flask`` and ``asyncflask.flask.Flask`` are to be found. Which module is imported, and
when, is decided in :mod:`asyncflask.cli.context`.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType, TracebackType
from typing import Any, Literal, Protocol, TypeGuard, overload

import click
from werkzeug.routing import Map

from ..concurrency.execution_mode import ExecutionMode
from ..concurrency.inspection import is_async
from ..exceptions import with_article
from ..typing import Receive, Scope, Send

APP_NAMES = ("app", "application")
FACTORY_NAMES = ("create_app", "make_app")


class CommandContext(Protocol):
    """What the command line uses of an app context."""

    def switch_to(self, mode: ExecutionMode) -> object: ...

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
        /,
    ) -> bool | None: ...

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
        /,
    ) -> Awaitable[bool | None]: ...


class CommandApp(Protocol):
    """What the command line uses of an app."""

    debug: bool

    @property
    def import_name(self) -> str: ...

    @property
    def instance_path(self) -> str: ...

    @property
    def cli(self) -> click.Group: ...

    @property
    def url_map(self) -> Map: ...

    def app_context(self) -> CommandContext: ...

    async def finish_background_tasks(self) -> None: ...

    def make_shell_context(self) -> Mapping[str, Any]: ...

    def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> Awaitable[None]: ...


class NoAppException(click.UsageError):
    """No app could be found or loaded; the command ends with exit code 2.

    Source: ``Flask: cli.NoAppException``.
    """


def is_app(found: object) -> TypeGuard[CommandApp]:
    """Return whether an object is an app of asyncflask, of the async API or the facade.

    Args:
        found: Any object.
    """
    cls = type(found)
    # A proxy (`current_app`) forwards all attributes, but raises outside of a context.
    if isinstance(found, type) or hasattr(cls, "_get_current_object"):
        return False
    return all(hasattr(cls, name) for name in ("app_context", "make_shell_context", "ensure_async"))


def find_best_app(module: ModuleType) -> CommandApp:
    """Find the app in a module for which no name was given.

    In this order: ``app`` or ``application``; the module's only app under any name; the result of
    ``create_app()`` or ``make_app()``.

    Args:
        module: An imported module.

    Raises:
        NoAppException: There is none, or there are several.

    Source: ``Flask: cli.find_best_app``.
    """
    for name in APP_NAMES:
        app = getattr(module, name, None)
        if is_app(app):
            return app
    apps = {name: value for name, value in vars(module).items() if is_app(value)}
    if len({id(app) for app in apps.values()}) == 1:
        return next(iter(apps.values()))
    if apps:
        raise NoAppException(
            f"Module {module.__name__!r} has several apps: {', '.join(apps)}. Say which"
            f" one, for example `--app {module.__name__}:{next(iter(apps))}`."
        )
    found = dict(vars(module))
    for name in FACTORY_NAMES:
        factory = getattr(module, name, None)
        if inspect.isfunction(factory):
            app = _call_factory(factory, module, name, [], {})
            if is_app(app):
                return app
            found[f"{name}()"] = app
    other = next((name for name, value in found.items() if _is_foreign_app(value)), None)
    explained = "" if other is None else f" Its {other!r} is {_foreign_app(found[other])}"
    raise NoAppException(
        f"Module {module.__name__!r} has no asyncflask app and no factory create_app or make_app"
        f" that returns one.{explained} If it has another name, give it:"
        f" `--app {module.__name__}:name`."
    )


def _is_foreign_app(found: object) -> bool:
    """Return whether an object is an app of another framework."""
    return hasattr(type(found), "wsgi_app") or hasattr(type(found), "asgi_app")


def _foreign_app(app: object) -> str:
    """Return what an app of another framework is, and what to do with it."""
    return (
        f"{_named_class(app)}: import Flask from asyncflask, or from asyncflask.flask, instead; or"
        " run it as it is: asyncflask --as-flask ..."
    )


def find_app_by_string(module: ModuleType, app_name: str) -> CommandApp:
    """Find an app by the text after the colon of ``--app``.

    Args:
        module: An imported module.
        app_name: The name of an app or of a factory, or a call of a factory with literal
            arguments: ``"create_app('testing', debug=True)"``.

    Raises:
        NoAppException: It is neither, or it returns no app.

    Source: ``Flask: cli.find_app_by_string``.
    """
    name, args, kwargs = _parse_app_name(app_name)
    try:
        app = getattr(module, name)
    except AttributeError:
        raise NoAppException(
            f"Module {module.__name__!r} has no attribute {name!r}. Check the name after the colon"
            " of `--app module:name`."
        ) from None
    if inspect.isfunction(app):
        app = _call_factory(app, module, app_name, args, kwargs)
    if is_app(app):
        return app
    if _is_foreign_app(app):
        raise NoAppException(f"'{module.__name__}:{app_name}' is {_foreign_app(app)}")
    raise NoAppException(
        f"'{module.__name__}:{app_name}' is {_named_class(app)}, not an asyncflask app. Name an"
        " asyncflask.Flask instance or a function that returns one."
    )


def _named_class(found: object) -> str:
    cls = type(found)
    return with_article(f"{cls.__module__}.{cls.__qualname__}")


def _parse_app_name(app_name: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Parse ``name`` or ``name(args)``; only literals are evaluated."""
    try:
        expression = ast.parse(app_name.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        expression = None
    if isinstance(expression, ast.Name):
        return expression.id, [], {}
    if not isinstance(expression, ast.Call) or not isinstance(expression.func, ast.Name):
        raise NoAppException(
            f"Could not read {app_name!r}, after the colon of `--app`, as a plain name or as a"
            " call of one. Write `module:app` or `module:create_app('argument')`."
        )
    try:
        args = [ast.literal_eval(arg) for arg in expression.args]
        kwargs = {kw.arg: ast.literal_eval(kw.value) for kw in expression.keywords if kw.arg}
    except ValueError:
        raise NoAppException(
            f"The arguments in {app_name!r}, after the colon of `--app`, are not all literals."
            " Write strings, numbers, True, None, or lists and dicts of these; strings in quotes."
        ) from None
    return expression.func.id, args, kwargs


def _call_factory(
    factory: Callable[..., Any],
    module: ModuleType,
    call: str,
    args: list[Any],
    kwargs: dict[str, Any],
) -> object:
    if is_async(factory):
        raise NoAppException(
            f"The factory '{module.__name__}:{factory.__name__}' is `async def`, but apps are made"
            " outside of the event loop. Make it `def`, and do what must be awaited in a function"
            " decorated with `@app.before_serving`."
        )
    try:
        return factory(*args, **kwargs)
    except TypeError as error:
        if _was_entered(factory, error):
            raise
        raise NoAppException(
            f"The factory '{module.__name__}:{call}' could not be called so: {error}. Give it its"
            f" arguments: `--app \"{module.__name__}:{factory.__name__}('argument')\"`."
        ) from error


def _was_entered(function: Callable[..., Any], error: BaseException) -> bool:
    """Return whether ``error`` was raised inside ``function``, not by the attempt to call it."""
    return any(
        frame.f_code is function.__code__ for frame, _ in traceback.walk_tb(error.__traceback__)
    )


def prepare_import(path: str) -> str:
    """Return the module name of a file, and make that module importable.

    The first folder above it that is not a package is inserted at the start of :data:`sys.path`.

    Args:
        path: A file or folder, with or without ``.py``; a dotted name is left as it is.

    Returns:
        The name to import.

    Source: ``Flask: cli.prepare_import``.
    """
    path = os.path.realpath(path)
    stem, extension = os.path.splitext(path)
    if extension == ".py":
        path = stem
    if os.path.basename(path) == "__init__":
        path = os.path.dirname(path)
    folder, name = os.path.split(path)
    names = [name]
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.append(name)
    if sys.path[0] != folder:
        sys.path.insert(0, folder)
    return ".".join(reversed(names))


@overload
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: Literal[True] = True
) -> CommandApp: ...


@overload
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: bool = True
) -> CommandApp | None: ...


def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: bool = True
) -> CommandApp | None:
    """Import a module and find the app in it.

    Args:
        module_name: The dotted name of the module.
        app_name: As for :func:`find_app_by_string`; ``None`` for :func:`find_best_app`.
        raise_if_not_found: Whether a module that does not exist is an error.

    Returns:
        The app; ``None`` if the module does not exist and this is no error.

    Raises:
        NoAppException: The module does not exist, or an import in it failed (then with the
            traceback), or there is no app in it.

    Source: ``Flask: cli.locate_app``.
    """
    try:
        __import__(module_name)
    except ImportError as error:
        inside = error.__traceback__ and error.__traceback__.tb_next
        if inside:
            lines = traceback.format_exception(type(error), error, inside)
            raise NoAppException(
                f"Module {module_name!r} was found, but an import in it failed:\n\n{''.join(lines)}"
            ) from None
        if not raise_if_not_found:
            return None
        raise NoAppException(
            f"Could not import {module_name!r} ({error}), looking in {sys.path[0]!r} first. Check"
            " the name after `--app`, and the directory that you are in."
        ) from None
    module = sys.modules[module_name]
    if app_name is None:
        return find_best_app(module)
    return find_app_by_string(module, app_name)
