"""What the commands of a command line share: the app, its context, and an event loop.

The app is loaded at most once, by :class:`ScriptInfo`. Its context is pushed once, synchronously,
so that callbacks of parameters and of groups see the same ``g`` as the command. The event loop is
made for the first ``async def`` command. From then on the context's teardown runs on it too, so
that what a command opened on the loop is closed on that loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import re
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import update_wrapper
from types import TracebackType
from typing import Any, TypeVar, cast

import click

from .._contextvars import context_var, current
from ..concurrency.execution_mode import COMMAND
from ..config.environment import further_prefixes, get_debug_flag, get_load_dotenv
from .locate import CommandApp, NoAppException, locate_app, prepare_import

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

LOOP_KEY = "asyncflask.cli.loop"
DEFAULT_FILES = ("wsgi.py", "app.py")


class ScriptInfo:
    """How the app of a command line is loaded; click's ``ctx.obj``.

    :class:`FlaskGroup` makes it; make one yourself to run commands on a certain app, as
    ``app.test_cli_runner()`` does.

    Args:
        app_import_path: ``module``, ``module:name``, ``module:factory(args)`` or a file instead of
            the module.
        create_app: Called, without arguments, instead of importing anything.
        set_debug_flag: Whether the environment's debug mode is set on the app.
        load_dotenv_defaults: Whether the group loads ``.env`` and ``.flaskenv``.

    Source: ``Flask: cli.ScriptInfo``.
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: Callable[..., CommandApp] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.data: dict[Any, Any] = {}
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = get_load_dotenv(load_dotenv_defaults)
        self._loaded_app: CommandApp | None = None

    def load_app(self) -> CommandApp:
        """Return the app, which is loaded at the first call.

        Without ``create_app`` and ``app_import_path``, ``wsgi.py`` and ``app.py`` in the current
        directory are tried.

        Raises:
            NoAppException: No app was found.
        """
        if self._loaded_app is not None:
            return self._loaded_app
        app = self._find_app()
        if self.set_debug_flag:
            app.debug = get_debug_flag()
        self._loaded_app = app
        return app

    def _find_app(self) -> CommandApp:
        if self.create_app is not None:
            return _made(self.create_app)
        if self.app_import_path:
            # The colon of a drive ("C:\app.py") is not the one before a name.
            path, *name = re.split(r":(?![\\/])", self.app_import_path, maxsplit=1)
            return locate_app(prepare_import(path), name[0] if name else None)
        for path in DEFAULT_FILES:
            app = locate_app(prepare_import(path), None, raise_if_not_found=False)
            if app is not None:
                return app
        raise NoAppException(
            "No app was named, and the current directory has no wsgi.py or app.py. Name it with"
            " `--app module:name`, or in the environment variable ASYNCFLASK_APP or FLASK_APP."
            f"{_quarts_variable()}"
        )


def _made(create_app: Callable[..., CommandApp | None]) -> CommandApp:
    app = create_app()
    if app is None:
        raise NoAppException(
            f"The function {create_app!r}, given as create_app, returned None instead of an app."
            " End it with `return app`."
        )
    return app


def _quarts_variable() -> str:
    """Return a sentence on the environment variable that Quart reads, if it is set."""
    named = "QUART" not in further_prefixes and os.environ.get("QUART_APP")
    return f" QUART_APP={named!r}, which Quart reads, is not read here." if named else ""


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)


class CommandLoop:
    """The event loop of a command line, made for the first coroutine.

    Ctrl-C cancels the coroutine, lets its ``finally`` blocks run, and raises
    :class:`KeyboardInterrupt`, which click answers with "Aborted!".
    """

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self._thread: ThreadPoolExecutor | None = None

    @property
    def started(self) -> bool:
        """Whether a coroutine was run."""
        return self._runner is not None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run ``coroutine`` to its end, with the caller's context variables.

        Where a loop runs in this thread already (a command invoked in an ``async def`` test), the
        command's loop gets a thread of its own, and the caller's loop is blocked meanwhile, as
        it does for a ``def`` command.

        Args:
            coroutine: The coroutine.

        Returns:
            Its result.
        """
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
            if _in_running_loop():
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="asyncflask-cli")
        variables = contextvars.copy_context()
        if self._thread is None:
            return self._runner.run(coroutine, context=variables)
        context = click.get_current_context()
        return self._thread.submit(self._run_there, context, coroutine, variables).result()

    def _run_there(
        self,
        context: click.Context,
        coroutine: Coroutine[Any, Any, T],
        variables: contextvars.Context,
    ) -> T:
        assert self._runner is not None
        with context.scope(cleanup=False):  # click keeps its context per thread.
            return self._runner.run(coroutine, context=variables)

    def close(self) -> None:
        """Cancel the tasks that still run on the loop, and close it."""
        runner, self._runner = self._runner, None
        thread, self._thread = self._thread, None
        if thread is not None and runner is not None:
            thread.submit(runner.close).result()
            thread.shutdown()
        elif runner is not None:
            runner.close()


def _in_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def command_loop(ctx: click.Context) -> CommandLoop:
    """Return the loop of a command line, which is closed when click's root context is closed.

    Args:
        ctx: click's context of any of its commands.
    """
    root = ctx.find_root()
    loop: CommandLoop | None = root.meta.get(LOOP_KEY)
    if loop is None:
        loop = root.meta[LOOP_KEY] = CommandLoop()
        root.call_on_close(loop.close)
    return loop


class _PushedContext:
    """An app context from its push to its pop, which runs on the command's loop if there is one."""

    def __init__(self, app: CommandApp, loop: CommandLoop) -> None:
        self._loop = loop
        self._app = app
        self._context = app.app_context()
        self._before: Any = None

    def __enter__(self) -> None:
        self._before = context_var.get()
        self._context.__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if not self._loop.started:
            self._context.__exit__(exc_type, exc_value, tb)
            return
        try:
            self._loop.run(self._pop(exc_type, exc_value, tb))
        finally:
            # It was popped in the variables of the loop's task, which are a copy of ours.
            context_var.set(self._before)

    async def _pop(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # `async def` teardown functions run on the loop, `def` ones in this thread, not on a
        # worker: a sqlite3 connection has to be closed in the thread that opened it.
        self._context.switch_to(COMMAND)
        try:
            await self._app.finish_background_tasks()  # Their loop ends with the command.
        finally:
            await self._context.__aexit__(exc_type, exc_value, tb)


def push_app_context(ctx: click.Context, app: CommandApp) -> None:
    """Push an app context that is popped when ``ctx`` closes, unless ``app`` is the current one.

    Args:
        ctx: click's context.
        app: The app.
    """
    now = current()
    if now is None or now.app is not app:
        # The loop is registered first, so that it closes after the context was popped.
        ctx.with_resource(_PushedContext(app, command_loop(ctx)))


def with_appcontext(f: F) -> F:
    """Run a command's function inside the app's context, which is pushed if there is none.

    Commands of ``app.cli`` and ``blueprint.cli`` always have one; this is for commands that are
    registered elsewhere.

    Args:
        f: The function below the decorators of click's options; ``def`` or ``async def``.

    Returns:
        A ``def`` function with the same parameters.

    Source: ``Flask: cli.with_appcontext``.
    """

    @click.pass_context
    def in_app_context(ctx: click.Context, /, *args: Any, **kwargs: Any) -> object:
        if current() is None:
            push_app_context(ctx, ctx.ensure_object(ScriptInfo).load_app())
        return _finished(ctx, ctx.invoke(f, *args, **kwargs))

    return cast(F, update_wrapper(in_app_context, f))  # It has the signature of f.


def run_async(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make a ``def`` function that runs an ``async def`` one on the command line's loop.

    Args:
        f: The ``async def`` function.
    """

    @click.pass_context
    def on_loop(ctx: click.Context, /, *args: Any, **kwargs: Any) -> object:
        return _finished(ctx, f(*args, **kwargs))

    return update_wrapper(on_loop, f)


def _finished(ctx: click.Context, result: object) -> object:
    # click's pass_* decorators hide whether the function is `async def`; its result shows it.
    if inspect.iscoroutine(result):
        return command_loop(ctx).run(result)
    return result
