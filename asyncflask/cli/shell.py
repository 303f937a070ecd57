"""The command ``shell``: Python's console or IPython, in the app's context and with ``await``."""

from __future__ import annotations

import ast
import code
import inspect
import os
import sys
import types
from typing import Any

import click

from .._contextvars import current
from .context import CommandLoop, command_loop, with_appcontext
from .locate import CommandApp


@click.command("shell", short_help="Open a Python shell in the app's context.")
@with_appcontext
def shell_command() -> None:
    """Open an interactive Python shell in the app's context.

    It has the names that the app's shell_context_processor functions return, and `await` works at
    the prompt. It is IPython if that is installed.
    """
    ctx = current()
    assert ctx is not None, "with_appcontext pushed one"
    app: CommandApp = ctx.app
    namespace: dict[str, Any] = {}
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and os.path.isfile(startup):
        with open(startup, encoding="utf-8") as file:
            exec(compile(file.read(), startup, "exec"), namespace)
    namespace.update(app.make_shell_context())
    banner = (
        f"Python {sys.version} on {sys.platform}\n"
        f"App: {app.import_name}\n"
        f"Instance: {app.instance_path}"
    )
    loop = command_loop(click.get_current_context())
    if not (sys.stdin.isatty() and _run_ipython(namespace, loop, banner)):
        _complete_names_of(namespace)
        _Console(namespace, loop).interact(banner, exitmsg="")


def _run_ipython(namespace: dict[str, Any], loop: CommandLoop, banner: str) -> bool:
    """Open IPython with ``await`` on the command line's loop; return whether it is installed."""
    try:
        import IPython
        from traitlets.config import Config
    except ImportError:
        return False
    config: Any = Config()
    config.TerminalInteractiveShell.banner1 = f"{banner}\n"
    config.TerminalInteractiveShell.loop_runner = loop.run
    config.TerminalInteractiveShell.confirm_exit = False
    IPython.start_ipython(argv=[], user_ns=namespace, config=config)  # type: ignore[no-untyped-call,unused-ignore]  # typed or not, as installed
    return True


def _complete_names_of(namespace: dict[str, Any]) -> None:
    """Set up history and tab completion of ``namespace`` instead of ``__main__``."""
    hook = getattr(sys, "__interactivehook__", None)
    if hook is None:
        return
    try:
        import readline
        from rlcompleter import Completer
    except ImportError:
        pass
    else:
        readline.set_completer(Completer(namespace).complete)
    hook()


class _Console(code.InteractiveConsole):
    """Python's own console, with ``await`` at the prompt on the command line's event loop."""

    def __init__(self, namespace: dict[str, Any], loop: CommandLoop) -> None:
        super().__init__(namespace)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._namespace = namespace
        self._loop = loop

    def runcode(self, code: types.CodeType) -> None:
        """Run one input; an error is printed, not raised.

        Args:
            code: The compiled input.
        """
        try:
            result = types.FunctionType(code, self._namespace)()
            if inspect.iscoroutine(result):
                self._loop.run(result)
        except SystemExit:
            raise
        except BaseException:
            self.showtraceback()
