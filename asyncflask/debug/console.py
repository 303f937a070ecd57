"""What the debugger's console evaluates in: a frame, and the context of the request that failed.

Consoles are Werkzeug's; here they learn ``await``. Evaluation runs in a worker thread, what is
awaited on the event loop that serves.
"""

from __future__ import annotations

import ast
import inspect
from codeop import CommandCompiler
from threading import Lock
from types import CodeType, FunctionType, TracebackType
from typing import Any

from werkzeug.debug.console import Console, _InteractiveConsole

from ..concurrency.bridge import run_alone
from ..concurrency.workers import leased_here

_INPUT = "<debugger>"  # Werkzeug's file name of what is typed


class Frame:
    """A namespace with a console, made when somebody types into it.

    Args:
        global_names: The frame's global names.
        local_names: Its local ones.
    """

    def __init__(self, global_names: dict[str, Any], local_names: dict[str, Any]) -> None:
        self._names = global_names, local_names
        self._console: Console | None = None

    def eval(self, code: str) -> str:
        """Evaluate one line of input, and return what the console shows, as HTML."""
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
        """Run one input; whatever it raises is shown, ``SystemExit`` too."""
        try:
            if code.co_flags & inspect.CO_COROUTINE:
                _wait_for(FunctionType(code, self.locals)())
            else:
                exec(code, self.locals)
        except BaseException as error:
            error.__traceback__ = _from_input(error.__traceback__)
            self.showtraceback()

    def showsyntaxerror(self, filename: str | None = None, **kwargs: Any) -> None:
        """Show what is wrong with an input."""
        # CPython 3.13 hands on the source, too, which Werkzeug's does not take.
        super().showsyntaxerror(filename)


def _wait_for(coro: Any) -> None:
    lease = leased_here()
    if lease is None:
        run_alone(coro)
    else:
        lease.wait_for(coro)


def _from_input(tb: TracebackType | None) -> TracebackType | None:
    """Leave away how the input was reached; Werkzeug leaves away one more frame."""
    found = tb
    while found is not None and not _is_input(found.tb_next):
        found = found.tb_next
    return found or tb


def _is_input(tb: TracebackType | None) -> bool:
    return tb is not None and tb.tb_frame.f_code.co_filename == _INPUT


class Again:
    """The context of what failed, current again while something is evaluated.

    As in Flask, leaving it runs the teardown functions once more: they close what the input opened.

    Args:
        ctx: One of ours, or any other context manager that was kept.
    """

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx
        self._ours = hasattr(ctx, "lane")
        # One at a time: a context knows one worker, and the order of its pushes.
        self._lock = Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            if self._ours and self._ctx.async_view is None:
                # What a `def` view sees: the synchronous request, of this thread.
                self._ctx.lease = leased_here()
            self._ctx.__enter__()
        except BaseException:
            self._leave()
            raise

    def __exit__(self, *exc_info: Any) -> None:
        try:
            self._ctx.__exit__(None, None, None)
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._ours:
            self._ctx.lease = None
        self._lock.release()


class InApp:
    """A new context of the app for each evaluation, for the console that belongs to no request.

    Args:
        app: The app.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._entered: list[Any] = []

    def __enter__(self) -> None:
        ctx = self._app.app_context()
        ctx.lease = leased_here()
        ctx.__enter__()
        self._entered.append(ctx)

    def __exit__(self, *exc_info: Any) -> None:
        ctx = self._entered.pop()
        try:
            ctx.__exit__(None, None, None)
        finally:
            ctx.lease = None
