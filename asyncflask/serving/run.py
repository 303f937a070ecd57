"""Serving an app on this machine, for development: ``app.run()`` and ``app.run_task()``."""

from __future__ import annotations

import asyncio
import os
import typing as t
from collections.abc import Callable

from ..config.environment import (
    get_debug_flag,
    get_load_dotenv,
    load_dotenv,
    read_variable,
    set_debug_flag,
)
from .steps import Steps


class Run(Steps):
    """An app that serves itself."""

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: t.Any,
    ) -> None:
        """Serve the app on this machine, for development, until it is interrupted.

        Args:
            host: Address to listen at; ``127.0.0.1``, or that of ``SERVER_NAME``.
            port: Port to listen at; ``5000``, or that of ``SERVER_NAME``.
            debug: Turns debug mode on or off.
            load_dotenv: Whether ``.env`` and ``.flaskenv`` are read first.
            options: ``use_reloader`` and ``use_debugger`` (by default as ``debug``), ``server``
                (``"embedded"`` or ``"hypercorn"``), ``certfile``, ``keyfile``, ``ssl_context``,
                ``extra_files``, ``exclude_patterns``. Of those of Werkzeug's server, the values
                that ask for nothing else (``threaded=True``, ``processes=1`` …).

        Raises:
            RuntimeError: An event loop runs here; ``await app.run_task()`` serves in it.
            TypeError: There is no such option, or this server does not do what it asks for.
            ValueError: There is no such port.

        Source: ``Flask: app.run``. **Differs from Flask:** it serves with the embedded server.
        """
        if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
            # `asyncflask run` imports the module that calls this; it serves by itself.
            return
        check_run(self, options)
        from ..cli.serve import serve_locally

        self._prepare_run(debug, load_dotenv)
        host, port = self._address(host, port)
        options.setdefault("use_reloader", self.debug)
        options.setdefault("use_debugger", self.debug)
        if os.environ.get("WERKZEUG_RUN_MAIN") != "true":  # The reloader's first process says it.
            import click

            mode = "on" if self.debug else "off"
            click.echo(f" * Serving {self.name!r} (debug mode: {mode})", err=True)
        serve_locally(self, host, port, **options)

    def _prepare_run(self, debug: bool | None, dotenv: bool) -> None:
        if get_load_dotenv(dotenv):
            load_dotenv()
            if debug is None and read_variable("DEBUG") is not None:
                debug = get_debug_flag()
        if debug is not None:
            self.debug = bool(debug)
            set_debug_flag(self.debug)

    def _address(self, host: str | None, port: int | None) -> tuple[str, int]:
        server_name = self.config["SERVER_NAME"]
        known_host, _, known_port = (server_name or "").partition(":")
        found: object = port if port or port == 0 else known_port or 5000
        if isinstance(found, str) and found.strip().isdecimal():  # COMPAT: Flask takes text, too.
            found = int(found)
        if not isinstance(found, int):
            raise ValueError(
                f"app.run(port={found!r:.100}): no such port. Write a number from 0 to 65535."
            )
        return host or known_host or "127.0.0.1", found

    async def run_task(
        self,
        host: str = "127.0.0.1",
        port: int = 5000,
        debug: bool | None = None,
        ca_certs: str | None = None,
        certfile: str | None = None,
        keyfile: str | None = None,
        shutdown_trigger: Callable[..., t.Awaitable[None]] | None = None,
    ) -> None:
        """Serve the app in a loop that runs already, until ``shutdown_trigger`` returns.

        Args:
            host: Address to listen at, ``unix:path`` or ``fd:number``.
            port: Port to listen at.
            debug: Turns debug mode on or off.
            ca_certs: Certificate authorities of clients, in PEM format.
            certfile: A certificate in PEM format.
            keyfile: Its key.
            shutdown_trigger: Awaited; by default until SIGINT or SIGTERM.

        Source: ``Quart: app.run_task``.
        """
        import hypercorn.asyncio

        async def trigger() -> None:
            await t.cast(Callable[..., t.Awaitable[None]], shutdown_trigger)()
            self.stopping.set()

        if debug is not None:
            self.debug = debug
        config = hypercorn.Config()
        config.bind = [host if host.startswith(("unix:", "fd:")) else f"{host}:{port}"]
        config.ca_certs, config.certfile, config.keyfile = ca_certs, certfile, keyfile
        await hypercorn.asyncio.serve(
            self,
            config,
            shutdown_trigger=shutdown_trigger and trigger,
            mode="asgi",
        )


#: Options of Werkzeug's server: the values for which this server does the same anyway, and what to
#: write instead of others.
_WERKZEUG_OPTIONS: dict[str, tuple[tuple[t.Any, ...], str]] = {
    "threaded": ((True, None), "`def` views always run in worker threads (WORKER_POOL_SIZE)"),
    "processes": (
        (1, None),
        "start several processes by `asyncflask run --workers N`",
    ),
    "workers": (
        (1, None),
        "start several processes by `asyncflask run --workers N`",
    ),
    "request_handler": ((None,), "this server has no request handlers of Werkzeug's"),
    "static_files": ((None,), "use static_folder, or app.mount()"),
    "passthrough_errors": ((False, None), "set PROPAGATE_EXCEPTIONS"),
    "use_evalex": ((True, None), "set use_debugger=False"),
    "reloader_type": (("auto", "stat", "watchdog", None), "install watchfiles for a quicker one"),
    "reloader_interval": ((1, None), "install watchfiles for a quicker one"),
    "ca_certs": ((None,), "give ssl_context, which may ask clients for certificates"),
    "loop": ((None,), "serve in a loop of your own by `await app.run_task()`"),
}


def check_run(app: Run, options: dict[str, t.Any]) -> None:
    """Refuse what ``app.run()`` cannot do; remove options that change nothing.

    Args:
        app: The app.
        options: The keyword arguments of ``app.run()``, from which entries are removed.

    Raises:
        RuntimeError: An event loop runs in this thread.
        TypeError: An option that the embedded server does not have would change something.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError(
            f"{app!r}.run() was called where an event loop runs already, in an `async def` function"
            " or a notebook, and it would start a second one.\n\n"
            "    wrong: app.run()\n"
            "    right: await app.run_task()\n\n"
            "or call app.run() outside of all `async def` functions."
        )
    for name in [each for each in options if each not in RUN_OPTIONS]:
        value = options.pop(name)
        taken, remedy = _WERKZEUG_OPTIONS.get(name, ((), ""))
        if value not in taken:
            remedy = remedy or f"it has {', '.join(sorted(RUN_OPTIONS))}"
            raise TypeError(
                f"app.run({name}={value!r}): the embedded server has no such option; {remedy}."
                " Werkzeug's server, with its options, runs an app of asyncflask.flask.Flask."
            )


#: The options of ``app.run()``.
RUN_OPTIONS = frozenset(
    (
        *("use_reloader", "use_debugger", "server", "certfile", "keyfile"),
        *("ssl_context", "extra_files", "exclude_patterns"),
    )
)
