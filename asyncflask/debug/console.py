"""The debugger's consoles: Werkzeug's, with ``await``, in the context of the failed request.

Input is evaluated in a worker thread; what it awaits runs on the event loop that serves the app.
"""

from __future__ import annotations

import ast
import inspect
from codeop import CommandCompiler
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from threading import Lock
from types import CodeType, FunctionType, TracebackType
from typing import Any, Protocol

from werkzeug.debug.console import Console, _InteractiveConsole

from ..concurrency.bridge import run_alone
from ..concurrency.inspection import is_async
from ..concurrency.workers import leased_here
from ..context import Context

_INPUT = "<debugger>"  # Werkzeug's file name of an input


class ConsoleFrame:
    """A namespace with a console, which is made at the first input.

    Args:
        global_names: The frame's global names.
        local_names: The frame's local names.
    """

    def __init__(self, global_names: dict[str, Any], local_names: dict[str, Any]) -> None:
        self._names = global_names, local_names
        self._console: Console | None = None

    def eval(self, code: str) -> str:
        """Evaluate one line of input.

        Args:
            code: The input.

        Returns:
            The console's output, as HTML.
        """
        if self._console is None:
            self._console = _AwaitingConsole(*self._names)
        return self._console.eval(code)


class _AwaitingConsole(Console):
    """Werkzeug's console with another interpreter."""

    def __init__(self, global_names: dict[str, Any], local_names: dict[str, Any]) -> None:
        self._ipy = _Interpreter(global_names, local_names)


class _Interpreter(_InteractiveConsole):
    """Werkzeug's interpreter, with ``await`` at the prompt."""

    def __init__(self, global_names: dict[str, Any], local_names: dict[str, Any]) -> None:
        super().__init__(global_names, local_names)
        compiler = CommandCompiler()
        compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        loader = self.loader

        def compile_input(source: str, filename: str, symbol: str) -> CodeType | None:
            code = compiler(source, filename, symbol)
            if code is not None:
                loader.register(code, source)
            return code

        self.compile = compile_input  # type: ignore[assignment]  # as Werkzeug replaces it

    def runcode(self, code: CodeType) -> None:
        """Run one input and show what it raises, also ``SystemExit``.

        Args:
            code: The compiled input.
        """
        try:
            if code.co_flags & inspect.CO_COROUTINE:
                _wait_for(FunctionType(code, self.locals)())
            else:
                exec(code, self.locals)
        except BaseException as error:
            error.__traceback__ = _from_input(error.__traceback__)
            self.showtraceback()

    def showsyntaxerror(self, filename: str | None = None, **kwargs: Any) -> None:
        """Show the syntax error of an input.

        Args:
            filename: The name of the input.
            kwargs: CPython 3.13 passes the source, which Werkzeug's method does not accept.
        """
        super().showsyntaxerror(filename)


def _wait_for(coro: Coroutine[Any, Any, object]) -> None:
    lease = leased_here()
    if lease is None:
        run_alone(coro)
    else:
        lease.wait_for(coro)


def _from_input(tb: TracebackType | None) -> TracebackType | None:
    """Remove the frames outside of the input but one, which Werkzeug removes."""
    found = tb
    while found is not None and not _is_input(found.tb_next):
        found = found.tb_next
    return found or tb


def _is_input(tb: TracebackType | None) -> bool:
    return tb is not None and tb.tb_frame.f_code.co_filename == _INPUT


class ReenteredContext:
    """The context of a failed request, which is current again while an input is evaluated.

    As in Flask, leaving it runs the teardown functions again: they close what the input opened.

    Args:
        ctx: A context of asyncflask, or any other context manager that was kept.
    """

    def __init__(self, ctx: AbstractContextManager[object]) -> None:
        self._ctx = ctx
        # One input at a time: a context has one worker and one order of pushes.
        self._lock = Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            ctx = self._ctx
            if isinstance(ctx, Context) and not _is_async_view(ctx):
                # As in a `def` view, `request` is the synchronous one.
                ctx.lease = leased_here()
            self._ctx.__enter__()
        except BaseException:
            self._leave()
            raise

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._ctx.__exit__(None, None, None)
        finally:
            self._leave()

    def _leave(self) -> None:
        if isinstance(self._ctx, Context):
            self._ctx.lease = None
        self._lock.release()


class ConsoleApp(Protocol):
    """The method of an app that its console needs."""

    def app_context(self) -> Context: ...


class NewAppContext:
    """A new app context for each input, for the console without a request.

    Args:
        app: The app.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._entered: list[Context] = []

    def __enter__(self) -> None:
        ctx = self._app.app_context()
        ctx.lease = leased_here()
        ctx.__enter__()
        self._entered.append(ctx)

    def __exit__(self, *exc_info: object) -> None:
        ctx = self._entered.pop()
        try:
            ctx.__exit__(None, None, None)
        finally:
            ctx.lease = None


def _is_async_view(ctx: Context) -> bool:
    """Return whether the view that failed is ``async def`` and ran on the loop."""
    app: Any = ctx.app
    view = app.view_functions.get(ctx.matched_endpoint)
    return not ctx.synchronous and view is not None and is_async(view)
