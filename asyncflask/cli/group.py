"""The groups that commands are registered with, and the group that is the command itself.

:class:`AppGroup` is what ``app.cli`` and ``blueprint.cli`` are. :class:`FlaskGroup` loads an app
and adds the app's commands, and those of installed packages, to its own.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import traceback
from collections.abc import Callable, Iterable, Iterator
from inspect import unwrap
from typing import Any, ClassVar, overload

import click

from ..concurrency.inspection import is_async
from ..config.environment import has_dotenv, load_dotenv
from .commands import debug_option, routes_command, run_command
from .context import ScriptInfo, push_app_context, run_async, with_appcontext
from .locate import CommandApp, NoAppException
from .new import new_command
from .options import Option
from .port import port_command
from .shell import shell_command

# Later ones win: a package may have a command for each framework.
PLUGIN_GROUPS = ("flask.commands", "asyncflask.commands")


class AppGroup(click.Group):
    """A group whose commands run inside the app's context and may be ``async def``.

    It does not find the app; :class:`FlaskGroup` does.

    Source: ``Flask: cli.AppGroup``.
    """

    @overload
    def command(self, f: Callable[..., Any], /) -> click.Command: ...
    @overload
    def command(
        self, *args: Any, **kwargs: Any
    ) -> Callable[[Callable[..., Any]], click.Command]: ...
    def command(
        self, *args: Any, **kwargs: Any
    ) -> click.Command | Callable[[Callable[..., Any]], click.Command]:
        """Register a function as a command, inside :func:`with_appcontext`.

        Args:
            args: As for :meth:`click.Group.command`.
            kwargs: As there; ``with_appcontext=False`` runs the function without a context.

        Returns:
            A decorator, or the command if the function itself was given.
        """
        if args and callable(args[0]):  # @app.cli.command, without parentheses
            return self.command(**kwargs)(args[0])
        wanted = kwargs.pop("with_appcontext", True)
        register: Callable[..., click.Command] = super().command(*args, **kwargs)

        def decorator(f: Callable[..., Any]) -> click.Command:
            return register(with_appcontext(f) if wanted else f)

        return decorator

    @overload
    def group(self, f: Callable[..., Any], /) -> click.Group: ...
    @overload
    def group(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Group]: ...
    def group(
        self, *args: Any, **kwargs: Any
    ) -> click.Group | Callable[[Callable[..., Any]], click.Group]:
        """Register a function as a group of commands, by default an :class:`AppGroup`.

        Args:
            args: As for :meth:`click.Group.group`.
            kwargs: As there.

        Returns:
            A decorator, or the group if the function itself was given.
        """
        if args and callable(args[0]):
            return self.group(**kwargs)(args[0])
        kwargs.setdefault("cls", AppGroup)
        register: Callable[..., click.Group] = super().group(*args, **kwargs)
        return register

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Register a command that was made elsewhere; its function may be ``async def``.

        Args:
            cmd: The command.
            name: Its name; ``None``: that of ``cmd``.
        """
        if cmd.callback is not None and is_async(unwrap(cmd.callback)):
            cmd.callback = run_async(cmd.callback)
        super().add_command(cmd, name)


# -- options of the command itself -----------------------------------------------------------------


VersionCallback = Callable[[click.Context, click.Parameter, bool], None]


def version_callback(lines: Callable[[], Iterable[str]]) -> VersionCallback:
    """Make the function that an option ``--version`` calls: it prints versions and ends.

    Args:
        lines: Called for the lines below Python's version.

    Returns:
        The function, with Flask's name and parameters.

    Source: ``Flask: cli.get_version``.
    """

    def get_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            for line in (f"Python {platform.python_version()}", *lines()):
                click.echo(line, color=ctx.color)
            ctx.exit()

    return get_version


def version_of(distribution: str) -> str:
    """Return the version of an installed distribution.

    Args:
        distribution: Its name.
    """
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"  # run from a source tree


def make_version_option(callback: VersionCallback) -> click.Option:
    """Make the option ``--version``.

    Args:
        callback: Made by :func:`version_callback`.
    """
    return click.Option(
        ["--version"],
        help="Show the versions that a bug report needs.",
        expose_value=False,
        callback=callback,
        is_flag=True,
        is_eager=True,
    )


def _own_versions() -> Iterable[str]:
    return (f"{name} {version_of(name)}" for name in ("asyncflask", "Werkzeug", "hypercorn"))


get_version = version_callback(_own_versions)
version_option = make_version_option(get_version)


def _set_app(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        ctx.ensure_object(ScriptInfo).app_import_path = value
    return value


# Eager, so that the app's commands are known when --help lists them.
_app_option = Option(
    ["-A", "--app"],
    metavar="IMPORT",
    help=(
        "The app: 'module', 'module:name' or 'module:factory(args)', where the module is a dotted"
        " name or a file. Without a name, app, application, create_app and make_app are tried."
    ),
    is_eager=True,
    expose_value=False,
    callback=_set_app,
)


def _load_env_file(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not has_dotenv():
        raise click.BadParameter(
            f"{value!r} cannot be read without python-dotenv. Run `pip install python-dotenv`.",
            ctx,
            param,
        )
    defaults = ctx.ensure_object(ScriptInfo).load_dotenv_defaults
    if value is not None or defaults:
        load_dotenv(value, load_defaults=defaults)
    return value


# Eager and first, so that the files can set what the other options read.
_env_file_option = Option(
    ["-e", "--env-file"],
    type=click.Path(exists=True, dir_okay=False),
    help=(
        "Set environment variables from this file, before '.env' and '.flaskenv'. Variables that"
        " are set already are not changed. Needs python-dotenv."
    ),
    is_eager=True,
    expose_value=False,
    callback=_load_env_file,
)


class FlaskGroup(AppGroup):
    """A command that finds the app and offers the app's commands as well as its own.

    Make one with ``create_app`` for a command of your own project.

    Args:
        add_default_commands: Whether it has ``run``, ``shell`` and ``routes``.
        create_app: Makes the app; ``None``: the app is imported as ``--app`` says.
        add_version_option: Whether it has ``--version``.
        load_dotenv: Whether ``.env`` and ``.flaskenv`` are loaded.
        set_debug_flag: Whether the environment's debug mode is set on the app.
        extra: As for :class:`click.Group`.

    Source: ``Flask: cli.FlaskGroup``.
    """

    #: the commands that every app has; the facade has others
    default_commands: ClassVar[tuple[click.Command, ...]] = (
        run_command,
        shell_command,
        routes_command,
    )
    version_option: ClassVar[click.Option] = version_option
    #: the groups of entry points that packages register their commands in
    plugin_groups: tuple[str, ...] = PLUGIN_GROUPS

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., CommandApp] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: Any,
    ) -> None:
        params: list[click.Parameter] = list(extra.pop("params", None) or ())
        # Options with callbacks, so that a project may give the group a callback of its own.
        params.extend((_env_file_option, _app_option, debug_option))
        if add_version_option:
            params.append(self.version_option)
        settings = extra.setdefault("context_settings", {})
        settings.setdefault("auto_envvar_prefix", "FLASK")
        super().__init__(params=params, **extra)
        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        if add_default_commands:
            for command in self.default_commands:
                self.add_command(command)
        self._plugins_are_loaded = False

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Make click's context, with a :class:`ScriptInfo` as its object.

        Args:
            info_name: Name of the command.
            args: Its arguments.
            parent: The context of the group above, if there is one.
            extra: For :class:`click.Context`.
        """
        # An `app.run()` at the end of the imported module must not start a server.
        os.environ["FLASK_RUN_FROM_CLI"] = "true"
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv,
            )
        return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line; before a help page, find the app that the environment names.

        Args:
            ctx: click's context.
            args: The arguments.

        Returns:
            The arguments that are left.
        """
        if (not args and self.no_args_is_help) or (
            len(args) == 1 and args[0] in self.get_help_option_names(ctx)
        ):
            _env_file_option.handle_parse_result(ctx, {}, [])
            _app_option.handle_parse_result(ctx, {}, [])
        try:
            return super().parse_args(ctx, args)
        except BaseException:
            # click closes a context that was entered; --help ends before that, and its list of
            # commands has pushed the app's context.
            ctx.close()
            raise

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command of this group, of a package, or of the app, looked for in that order.

        For a command of the app, the app's context is pushed.

        Args:
            ctx: click's context.
            name: The command's name.

        Returns:
            The command; ``None`` if there is none.
        """
        # PERF: packages are imported for their own commands alone: some take seconds.
        if any(entry.name == name for _, entry in _plugins(self.plugin_groups)):
            self._load_plugins(ctx)
        command = super().get_command(ctx, name)
        if command is not None:
            return command
        try:
            app = ctx.ensure_object(ScriptInfo).load_app()
        except NoAppException as error:
            _echo_error(error.format_message())
            return None
        push_app_context(ctx, app)
        command = app.cli.get_command(ctx, name)
        if command is None:
            self._load_plugins(ctx)  # It names the ones that cannot be imported.
            command = super().get_command(ctx, name)
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands; an app that cannot be loaded adds none.

        Args:
            ctx: click's context.
        """
        self._load_plugins(ctx)
        names = set(super().list_commands(ctx))
        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx))
        except NoAppException as error:
            _echo_error(error.format_message())
        except Exception:
            _echo_error(traceback.format_exc())
        return sorted(names)

    def _load_plugins(self, ctx: click.Context) -> None:
        if self._plugins_are_loaded:
            return
        self._plugins_are_loaded = True
        # The app comes first: its module may call `asyncflask.flask.install()`, which has to run
        # before a package imports `flask`. An error of the app is shown where the app is needed.
        with contextlib.suppress(Exception):
            ctx.ensure_object(ScriptInfo).load_app()
        for group, entry in _plugins(self.plugin_groups):
            try:
                self.add_command(entry.load(), entry.name)
            except Exception as error:
                # A broken package must not remove `run`.
                _echo_error(
                    f"The command {entry.name!r} of {entry.value!r} ({group}) could not be"
                    f" loaded: {error!r}. Update or uninstall the package it comes from."
                )


def _plugins(groups: Iterable[str]) -> Iterator[tuple[str, importlib.metadata.EntryPoint]]:
    """Find the commands of installed packages, without importing them."""
    for group in groups:
        for entry in importlib.metadata.entry_points(group=group):
            yield group, entry


def _echo_error(text: str) -> None:
    click.secho(f"Error: {text}\n", err=True, fg="red")


cli = FlaskGroup(
    name="asyncflask",
    help="""\
Serve, inspect and manage an asyncflask app.

Name the app with '--app', with the environment variable ASYNCFLASK_APP or FLASK_APP, or put it
into 'wsgi.py' or 'app.py' in the current directory.
""",
)
# Not of every FlaskGroup: a project's own command has its app already.
cli.add_command(new_command)
cli.add_command(port_command)


def main() -> None:
    """Run the command ``asyncflask``."""
    cli.main()
