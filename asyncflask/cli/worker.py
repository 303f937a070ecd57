"""A worker process of ``asyncflask run --workers N``: it loads the app as the command line does.

Only a worker process imports this module; an environment variable (:data:`APP`) names its app. The
process that has started it is in :mod:`.workers`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

import click

from ..config.environment import WORKERS, further_prefixes, read_also
from ..server import Config
from ..server.runner import Signals
from ..typing import ASGIApplication, Receive, Scope, Send
from .context import ScriptInfo
from .locate import CommandApp
from .workers import READY, REPLACE_ME, WorkerSettings

#: the variable with :class:`ScriptInfo`'s arguments and the further prefixes, as JSON
APP = "_ASYNCFLASK_WORKER_APP"
#: seconds in which a client may still use a connection of a worker that is being replaced
IDLE_GRACE = 2.0


def announce(info: ScriptInfo, workers: int) -> None:
    """Write into the environment which app the worker processes serve, and how many they are.

    Args:
        info: How this process loads the app.
        workers: The number of processes.

    Raises:
        click.UsageError: The app is made by a function of this process (``create_app``).
    """
    if info.create_app is not None:
        raise click.UsageError(
            "`--workers` starts processes that import the app, and this command makes it with a"
            " function of its own. Use `asyncflask --app module:factory run`."
        )
    os.environ[APP] = json.dumps([info.app_import_path, info.set_debug_flag, further_prefixes])
    os.environ[WORKERS] = str(workers)


def load_app() -> CommandApp:
    """Return the app, loaded as in the parent process."""
    path, debug, prefixes = json.loads(os.environ[APP])
    for prefix in prefixes:
        read_also(prefix)
    return ScriptInfo(path, set_debug_flag=debug).load_app()


def run_worker(settings: str, ready: str, alive: str) -> None:
    """Serve the app until a signal, or until the process that has started this one has ended.

    Args:
        settings: The :class:`WorkerSettings`, as JSON.
        ready: The descriptor to write to, once connections are accepted.
        alive: The descriptor that is closed when the other process ends.
    """
    how = WorkerSettings(**json.loads(settings))
    # The terminal sends it to all; the first process decides.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    Signals.again = signal.SIG_IGN
    threading.Thread(target=_end_with_parent, args=[int(alive)], daemon=True).start()
    app: ASGIApplication = load_app()
    if how.max_requests is not None:
        app = CountedApp(app, how.max_requests, lambda: _write(int(ready), REPLACE_ME))
    _serve(app, how, lambda: _write(int(ready), READY))


def _serve(app: ASGIApplication, how: WorkerSettings, ready: Callable[[], None]) -> None:
    listener = socket.socket(fileno=how.fileno)
    listener.setblocking(False)
    if how.server == "hypercorn":
        from .hypercorn import serve_with_hypercorn

        serve_with_hypercorn(
            app,
            listener,
            certfile=how.certfile,
            keyfile=how.keyfile,
            grace=how.grace,
            ready=ready,
        )
    else:
        from .serve import run_embedded, tls_context

        context = tls_context(how.certfile, how.keyfile, None)
        config = Config(ssl=context, grace=how.grace, idle_grace=IDLE_GRACE)
        run_embedded(app, listener, config, ready)


def _end_with_parent(alive: int) -> None:
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _write(descriptor: int, what: bytes) -> None:
    try:
        os.write(descriptor, what)
    except OSError:
        pass  # The process at the other end has just been killed.


class CountedApp:
    """An app that asks for its worker's replacement after so many requests.

    Args:
        app: The ASGI application.
        most: The number.
        full: Called once, at the last of them; further requests are served until the end.
    """

    def __init__(self, app: ASGIApplication, most: int, full: Callable[[], None]) -> None:
        self._app = app
        self._left = most
        self._full = full

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            self._left -= 1
            if not self._left:
                self._full()
        await self._app(scope, receive, send)


if __name__ == "__main__":
    run_worker(*sys.argv[1:])
