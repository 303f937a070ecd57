"""The ``quart`` command: the async API's, which reads ``QUART_…`` variables as well."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from typing import Any

import click

from .. import cli as async_api
from ..cli import AppGroup as AppGroup
from ..cli import NoAppException as NoAppException
from ..cli import ScriptInfo as ScriptInfo
from ..cli import find_app_by_string as find_app_by_string
from ..cli import find_best_app as find_best_app
from ..cli import pass_script_info as pass_script_info
from ..cli import prepare_import as prepare_import
from ..cli import routes_command as routes_command
from ..cli import shell_command as shell_command
from ..cli.group import make_version_option, version_callback, version_of
from ..config.environment import load_dotenv as _load_dotenv
from ..config.environment import read_also
from .helpers import get_debug_flag as get_debug_flag
from .helpers import get_load_dotenv as get_load_dotenv
from .install import QUART_VERSION


def locate_app(module_name: str, app_name: str | None) -> Any:
    """Import a module and find its app.

    Args:
        module_name: The module.
        app_name: The app's name; ``None``: it is looked for.

    Returns:
        The app.

    Source: ``Quart: cli.locate_app``.
    """
    return async_api.locate_app(module_name, app_name)


def load_dotenv(path: str | os.PathLike[str] | None = None) -> bool:
    """Set environment variables from dotenv files.

    Args:
        path: A file; by default ``.env``, ``.flaskenv`` and ``.quartenv``.

    Returns:
        Whether any file defined a variable.

    Source: ``Quart: cli.load_dotenv``.
    """
    read_also("QUART")
    return _load_dotenv(path, load_defaults=path is None)


def with_appcontext(fn: Callable[..., Any] | None = None) -> Any:
    """Run a command's function inside the app's context.

    Args:
        fn: ``def`` or ``async def``; ``None`` where the decorator has parentheses.

    Returns:
        The function, which is ``def``; without ``fn``, a decorator.

    Source: ``Quart: cli.with_appcontext``.
    """
    return async_api.with_appcontext if fn is None else async_api.with_appcontext(fn)


def _versions() -> list[str]:
    return [
        f"Quart {QUART_VERSION} (on asyncflask {version_of('asyncflask')})",
        f"Werkzeug {version_of('Werkzeug')}",
    ]


get_version = version_callback(_versions)
version_option = make_version_option(get_version)


def _run_app(info: ScriptInfo, options: dict[str, Any]) -> None:
    # Worker processes load the app themselves.
    several = (options["workers"] or 1) > 1 or options["max_requests"]
    app = None if several else _load(info)
    if app is None or not _has_own_run(app):
        click.get_current_context().invoke(async_api.run_command, **options)
        return
    debug, cert, reload = get_debug_flag(), options["cert"], options["reload"]
    certfile, keyfile = cert if isinstance(cert, tuple) else (None, None)
    app.run(
        debug=debug,
        host=options["host"],
        port=options["port"],
        certfile=certfile,
        keyfile=keyfile,
        use_reloader=debug if reload is None else reload,
    )


def _load(info: ScriptInfo) -> Any:
    """Return the app; ``None`` if it cannot be loaded, which the async API's command reports."""
    try:
        return info.load_app()
    except Exception:
        return None


def _has_own_run(app: Any) -> bool:
    from .app import Quart  # an app has commands: that module comes after this one

    return "run" in vars(app) or getattr(type(app), "run", None) is not Quart.run


@async_api.pass_script_info
def _run_or_serve(info: ScriptInfo, /, **options: Any) -> None:
    _run_app(info, options)


#: serves as the async API's command does, or calls the ``run()`` that an app has of its own
run_command = copy(async_api.run_command)
run_command.callback = _run_or_serve


class QuartGroup(async_api.FlaskGroup):
    """A command that finds the app; see :class:`asyncflask.cli.FlaskGroup`.

    Args:
        add_default_commands: Whether it has ``run``, ``shell`` and ``routes``.
        create_app: Makes the app; ``None``: the app is imported as ``--app`` says.
        add_version_option: Whether it has ``--version``.
        load_dotenv: Whether ``.env`` and ``.flaskenv`` are loaded.
        set_debug_flag: Whether the environment's debug mode is set on the app.
        extra: As for :class:`click.Group`.

    Source: ``Quart: cli.QuartGroup``.
    """

    version_option = version_option
    plugin_groups = ("quart.commands", "asyncflask.commands")
    default_commands = (run_command, shell_command, routes_command)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Make click's context; ``QUART_…`` variables are read from here on.

        Args:
            info_name: Name of the command.
            args: Its arguments.
            parent: The context of the group above, if there is one.
            extra: For :class:`click.Context`.
        """
        read_also("QUART")
        return super().make_context(info_name, args, parent, **extra)


cli = QuartGroup(name="quart", help="Run and inspect a Quart application on asyncflask.")


def main() -> None:
    """Run the command ``quart``."""
    cli.main()
