"""The async face of the app: :class:`Flask`, an ASGI application.

Setup is in :mod:`asyncflask.sansio.app`. Here are the steps that serve a connection, as methods
that a subclass may override or a caller may replace (each calls ``dispatch/``), and what starts,
serves, tests and stops an app.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import typing as t
from collections.abc import AsyncIterator, Callable
from types import FunctionType

from werkzeug.exceptions import HTTPException

from . import typing as ft
from ._contextvars import current
from .asgi import run_shutdown, run_startup, serve
from .ctx import NO_ERROR, Context
from .dispatch import background, errors, overrides, pipeline, setup_check, teardown
from .dispatch.invoke import emit
from .dispatch.scope_types import HTTP, WEBSOCKET
from .environment import (
    get_debug_flag,
    get_load_dotenv,
    load_dotenv,
    read_variable,
    set_debug_flag,
)
from .exceptions import OutOfContext, explain_missing_attributes
from .logging import one_line
from .resources import LaterModule, later
from .sansio.app import App
from .sansio.scaffold import F, setupmethod
from .signals import got_background_exception
from .templating.loading import has_templates
from .wrappers import Request, Response, SyncRequest, SyncWebsocket, Websocket
from .wsgi.input import WHOLE_BODY
from .wsgi.mount import Interface, Mount, Stop, make_mount, start_mounted, stop_mounted

if t.TYPE_CHECKING:
    from . import testing as clients
    from .debug.debugger import Debugger
else:  # For typing.get_type_hints().
    clients = LaterModule("asyncflask.testing")


P = t.ParamSpec("P")


def _explained(function: F) -> F:
    """Return a copy of ``serve`` whose name says, in Python's own error, how to serve the app.

    A WSGI server calls the app with two arguments, and Python's TypeError, which begins with the
    qualified name, is all that its log has. A function around this one could say more, but every
    request would pay for it, and servers look whether this is ``async def``.
    """
    copy = FunctionType(function.__code__, function.__globals__, "__call__")
    copy.__kwdefaults__, copy.__doc__ = function.__kwdefaults__, function.__doc__
    copy.__annotations__ = function.__annotations__
    copy.__qualname__ = (
        "This is an ASGI app, and was called as a WSGI or RSGI app. Serve it with hypercorn,"
        " uvicorn, `gunicorn -k uvicorn.workers.UvicornWorker` or `granian --interface asgi`."
        " Flask.__call__"
    )
    return t.cast(F, copy)


_REMOVED = "Flask 2.3 has removed it, and asyncflask has Flask 3.1's names."
#: Attributes that other versions and other kinds of apps have, and what is written here.
_OTHER_NAMES = {
    "wsgi_app": "This is an ASGI app: write `app.asgi_app = Middleware(app.asgi_app)` with ASGI"
    " middleware (hypercorn's ProxyFixMiddleware in the place of Werkzeug's ProxyFix). The app of"
    " `asyncflask.flask` has a `wsgi_app`.",
    "before_first_request": f"{_REMOVED} Write `@app.before_serving`, or run the code where the app"
    " is made.",
    "json_encoder": f"{_REMOVED} Write a subclass of DefaultJSONProvider, and set"
    " `app.json_provider_class`.",
    "json_decoder": f"{_REMOVED} Write a subclass of DefaultJSONProvider, and set"
    " `app.json_provider_class`.",
    "env": f"{_REMOVED} Read `app.debug`.",
}


class Flask(App):
    """A Flask application on a native event loop; an ASGI callable.

    ``async def`` views and hooks run on the loop and get an awaitable ``request``. ``def`` views
    and hooks run in a worker thread and get Flask's synchronous ``request``.

    Args:
        import_name: Name of the module or package the app is defined in, usually ``__name__``.
        static_url_path: URL prefix of the static files; the folder's name by default.
        static_folder: Folder of the static files, relative to ``root_path``.
        static_host: Host of the static route; needed with ``host_matching``.
        host_matching: Whether rules match by ``host=``.
        subdomain_matching: Whether rules match by ``subdomain=``, below ``SERVER_NAME``.
        template_folder: Folder of the templates, relative to ``root_path``.
        instance_path: Folder of the deployment's own files; found beside the package by default.
        instance_relative_config: Whether relative names of config files begin there.
        root_path: Folder of the code; found from ``import_name`` by default.

    Source: ``Flask: Flask``, ``Quart: Quart``, ASGI 3.
    """

    request_class: type[Request] = Request
    response_class: type[Response] = Response
    websocket_class: type[Websocket] = Websocket
    #: what ``def`` callables see as ``request`` and ``websocket``
    sync_request_class: type[SyncRequest] = SyncRequest
    sync_websocket_class: type[SyncWebsocket] = SyncWebsocket
    test_app_class: type[clients.TestApp] = later("asyncflask.testing", "TestApp")
    test_client_class: type[clients.TestClient] | None = later("asyncflask.testing", "TestClient")
    test_cli_runner_class: type[clients.CliRunner] | None = later("asyncflask.testing", "CliRunner")

    #: the steps whose answer is awaited on the loop, and returned where a thread may block
    _awaited_steps: t.ClassVar[frozenset[str]] = overrides.AWAITED

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        super().__init_subclass__(**kwargs)
        overrides.prepare_class(cls, cls._awaited_steps)

    @classmethod
    def _prepared(cls, name: str, value: object) -> t.Any:
        """Return a step that is assigned in the form in which every caller gets its answer."""
        return overrides.prepare(value) if name in cls._awaited_steps else value

    def _prepare_api(self) -> None:
        self.serving_generators: list[AsyncIterator[None]] = []
        self.background_tasks: set[asyncio.Task[None]] = set()
        #: the applications that :meth:`mount` was given, the longest prefix first
        self.mounts: list[Mount] = []
        #: what shuts down those of them that were started
        self._stop_mounted: list[Stop] = []
        #: the lifespan scope's ``state``, for ``before_serving`` functions to fill
        self.lifespan_state: dict[str, t.Any] = {}
        #: set when shutdown begins, for background tasks to wait for
        self.shutdown_event = asyncio.Event()

    # -- debugger ----------------------------------------------------------------------------------

    _use_debugger = False

    @property
    def use_debugger(self) -> bool:
        """Whether, in debug mode, errors are answered by :attr:`debugger`; off by default.

        ``asyncflask run --debugger`` and ``app.run(use_debugger=True)`` set it.
        """
        return self._use_debugger

    @use_debugger.setter
    def use_debugger(self, value: bool) -> None:
        self._use_debugger = bool(value)
        self._refresh()

    @functools.cached_property
    def debugger(self) -> Debugger:
        """Werkzeug's interactive debugger, for this app: its ``trusted_hosts`` and its ``pin``."""
        # PERF: it imports a good part of Werkzeug, which only debugging needs.
        from .debug.debugger import Debugger

        return Debugger(self)

    def _end_setup(self) -> None:
        """Note at the first request that setup is over, and log what part of it has no effect."""
        self._got_first_request = True
        for fault in setup_check.find_faults(self):
            self.logger.warning("%s", fault)

    # -- ASGI --------------------------------------------------------------------------------------

    #: Serves one ASGI connection, through :meth:`asgi_app` where that was replaced.
    __call__ = _explained(serve)

    async def asgi_app(self, scope: ft.Scope, receive: ft.Receive, send: ft.Send) -> None:
        """Serve one ASGI connection.

        Replace it to apply middleware and keep the app object:
        ``app.asgi_app = Middleware(app.asgi_app)``, as with Flask's ``wsgi_app``.

        Args:
            scope: The ASGI scope.
            receive: Returns the next message of the client.
            send: Sends a message to the client.

        Raises:
            RuntimeError: The scope's type is not one of ASGI 3.
        """
        await serve(self, scope, receive, send, wrapped=False)

    # -- steps (each may be overridden or replaced) ------------------------------------------------

    @overrides.own_step
    async def full_dispatch_request(self) -> Response:
        """Run hooks, view and error handlers, and return the response."""
        result: Response = await pipeline.full_dispatch(self, _require_context())
        return result

    @overrides.own_step
    async def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Run URL value preprocessors and ``before_request`` functions.

        Returns:
            The return value of the first function that returns one, otherwise ``None``.
        """
        result: ft.ResponseReturnValue | None = await pipeline.preprocess(self, _require_context())
        return result

    @overrides.own_step
    async def dispatch_request(self) -> ft.ResponseReturnValue | None:
        """Call the view that was matched, and return its return value."""
        result: ft.ResponseReturnValue | None = await pipeline.dispatch_or_raise(
            self, _require_context()
        )
        return result

    @overrides.own_step
    async def finalize_request(
        self, rv: ft.ResponseReturnValue | HTTPException, from_error_handler: bool = False
    ) -> Response:
        """Make a response of a view's return value, and run :meth:`process_response`.

        Args:
            rv: The return value of a view, or an HTTP error.
            from_error_handler: Whether an error of :meth:`process_response` is only logged.

        Returns:
            The response.
        """
        result: Response = await pipeline.finalize(self, _require_context(), rv, from_error_handler)
        return result

    @overrides.own_step
    async def process_response(self, response: Response) -> Response:
        """Run ``after_request`` functions and save the session.

        Args:
            response: The response.

        Returns:
            The response to send.
        """
        result: Response = await pipeline.process(self, _require_context(), response)
        return result

    @overrides.own_step
    async def handle_exception(self, e: Exception) -> Response:
        """Answer an error that nothing handled with 500, or raise it again.

        Args:
            e: The error.

        Returns:
            The response of the handler of 500, or of ``InternalServerError``.

        Raises:
            Exception: ``e``, as ``PROPAGATE_EXCEPTIONS`` says.
        """
        result: Response = await pipeline.handle_exception(self, _require_context(), e)
        return result

    @overrides.own_step
    async def handle_http_exception(
        self, e: HTTPException
    ) -> HTTPException | ft.ResponseReturnValue:
        """Answer an HTTP error by its handler; without a handler the error is its own response.

        Args:
            e: The error.

        Returns:
            The handler's return value, or ``e``.
        """
        result: HTTPException | ft.ResponseReturnValue = await errors.handle_http(
            self, _require_context(), e
        )
        return result

    @overrides.own_step
    async def handle_user_exception(self, e: Exception) -> HTTPException | ft.ResponseReturnValue:
        """Answer an error of a view or hook by its handler.

        Args:
            e: The error.

        Returns:
            The handler's return value.

        Raises:
            Exception: ``e``, if it has no handler.
        """
        result: HTTPException | ft.ResponseReturnValue = await errors.handle_user(
            self, _require_context(), e
        )
        return result

    def raise_routing_exception(self, request: Request | Websocket) -> t.NoReturn:
        """Raise the error of matching.

        Args:
            request: The request.

        Raises:
            HTTPException: The error.
        """
        assert request.routing_exception is not None
        raise request.routing_exception

    def log_exception(self, exc_info: ft.ExcInfo) -> None:
        """Log an error that nothing handled.

        Args:
            exc_info: As :func:`sys.exc_info` returns it.
        """
        ctx = current()
        connection = None if ctx is None else ctx.request_or_websocket
        where = "" if connection is None else f" on {connection.path} [{connection.method}]"
        self.logger.error("Exception%s", one_line(where), exc_info=exc_info)

    @overrides.own_step
    async def do_teardown_request(self, exc: BaseException | None = NO_ERROR) -> None:
        """Run the ``teardown_request`` functions.

        Args:
            exc: The error for the functions; by default the one that is being handled.
        """
        await self._attempt_all(teardown.end_connection, exc)

    @overrides.own_step
    async def do_teardown_appcontext(self, exc: BaseException | None = NO_ERROR) -> None:
        """Run the ``teardown_appcontext`` functions.

        Args:
            exc: The error for the functions; by default the one that is being handled.
        """
        await self._attempt_all(teardown.end_app, exc)

    async def _attempt_all(self, part: t.Any, exc: BaseException | None) -> None:
        failures: list[BaseException] = []
        error = sys.exc_info()[1] if exc is NO_ERROR else exc
        await part(self, current(), error, failures)
        teardown.raise_first(self, failures)

    # A websocket has the same steps; the scope type of the current context says which is meant.
    full_dispatch_websocket = full_dispatch_request
    preprocess_websocket = preprocess_request
    dispatch_websocket = dispatch_request
    finalize_websocket = finalize_request
    postprocess_websocket = process_response
    handle_websocket_exception = handle_exception
    do_teardown_websocket = do_teardown_request

    # -- contexts ----------------------------------------------------------------------------------

    def request_context(
        self,
        scope: ft.Scope,
        receive: ft.Receive | None = None,
        send: ft.Send | None = None,
    ) -> Context:
        """Return the context of an HTTP scope.

        **Differs from Flask:** it takes an ASGI scope, not a WSGI environ.

        Args:
            scope: The ASGI scope.
            receive: Returns the next message of the client; needed for the body.
            send: Sends a message to the client.

        Returns:
            The context, for ``async with``.
        """
        return Context(self, HTTP, scope, receive, send)

    def websocket_context(
        self,
        scope: ft.Scope,
        receive: ft.Receive | None = None,
        send: ft.Send | None = None,
    ) -> Context:
        """Return the context of a websocket scope.

        Args:
            scope: The ASGI scope.
            receive: Returns the next message of the client.
            send: Sends a message to the client.

        Returns:
            The context, for ``async with``.
        """
        return Context(self, WEBSOCKET, scope, receive, send)

    def test_request_context(self, *args: t.Any, **kwargs: t.Any) -> Context:
        """Return the context of a request for tests and the shell.

        Args:
            args: As for the test client's ``get``: the path.
            kwargs: ``method``, ``headers``, ``json``, ``data``, ``query_string``, ``base_url`` …

        Returns:
            The context, for ``async with`` or ``with``.

        Source: ``Flask: app.test_request_context``.
        """
        return self.request_context(*_made_up(self, "http", args, kwargs))

    def test_websocket_context(self, *args: t.Any, **kwargs: t.Any) -> Context:
        """Return the context of a websocket handshake for tests.

        Args:
            args: As for the test client's ``websocket``: the path.
            kwargs: ``headers``, ``query_string``, ``subprotocols`` …

        Returns:
            The context, for ``async with``.
        """
        return self.websocket_context(*_made_up(self, "websocket", args, kwargs))

    # -- serving -----------------------------------------------------------------------------------

    @setupmethod
    def mount(
        self,
        prefix: str,
        app: object,
        interface: Interface | None = None,
        *,
        lifespan: bool = False,
    ) -> None:
        """Let another application answer everything below ``prefix``.

        For moving an app over step by step: the old one keeps its URLs. Sessions are shared where
        ``SECRET_KEY`` and the settings of the session cookie agree. Hooks and error handlers of
        this app do not run for it; ``startup`` and ``shutdown`` of a mounted app of ours do, once
        if it is mounted several times. The prefix alone is redirected (308) to the slash.

        Args:
            prefix: Such as ``"/old"``; the application sees it as its root path.
            app: An ASGI application, or a WSGI one, which runs in a worker thread.
            interface: ``"asgi"`` or ``"wsgi"``, where the application does not show it.
            lifespan: Start and shut down an ASGI application that is none of ours as well; if it
                fails to, this app fails to. Its requests have its lifespan's state.

        Raises:
            ValueError: The prefix is none, or ``lifespan`` is given for a WSGI application.
            TypeError: ``interface`` is needed.
        """
        self.mounts.append(make_mount(prefix, app, interface, lifespan))
        self._refresh()
        self.mounts.sort(key=lambda mount: len(mount.prefix), reverse=True)

    async def startup(self) -> None:
        """Run the functions of the startup; the lifespan protocol calls this."""
        self.shutdown_event = asyncio.Event()  # A new one: an app may be served a second time.
        if any(map(has_templates, (self, *self.iter_blueprints()))):
            # PERF: imports Jinja, for which no request then waits (15 ms).
            type(self).jinja_environment  # noqa: B018  # looking imports
        await run_startup(self)
        self._stop_mounted = await start_mounted(self, self.mounts)

    async def shutdown(self) -> None:
        """Wait for background tasks, run the functions of the shutdown, and end idle workers."""
        self.shutdown_event.set()
        try:
            await background.drain(self, self.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"])
            stops, self._stop_mounted = self._stop_mounted, []
            await stop_mounted(stops, self.logger)
        finally:
            await run_shutdown(self)
            self.workers.trim()

    def add_background_task(
        self, func: Callable[P, object], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Start work that goes on after the response, in an app context of its own.

        Args:
            func: ``async def`` runs on the loop, ``def`` in a worker thread.
            args: Its arguments.
            kwargs: Its keyword arguments.

        Raises:
            RuntimeError: No event loop runs here.

        Source: ``Quart: app.add_background_task``.
        """
        background.start(self, func, args, kwargs)

    async def handle_background_exception(self, error: Exception) -> None:
        """Log the error of a background task, after the signal ``got_background_exception``.

        Args:
            error: The error.
        """
        if got_background_exception.receivers:
            ctx = current() or self.app_context()
            await emit(ctx, got_background_exception, self, exception=error)
        task = asyncio.current_task()
        name = "?" if task is None else task.get_name()
        self.logger.error("Background task %r failed.", name, exc_info=error)

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

        Source: ``Flask: app.run``. **Differs from Flask:** it serves with the embedded server.
        """
        if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
            # `asyncflask run` imports the module that calls this; it serves by itself.
            return
        _check_run(self, options)
        # PERF: only who serves needs the server and its protocols.
        from .cli.serve import serve_locally

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
        if not port and port != 0:
            port = int(known_port or 5000)
        return host or known_host or "127.0.0.1", int(port)

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
            host: Address to listen at.
            port: Port to listen at.
            debug: Turns debug mode on or off.
            ca_certs: Certificate authorities of clients, in PEM format.
            certfile: A certificate in PEM format.
            keyfile: Its key.
            shutdown_trigger: Awaited; by default until SIGINT or SIGTERM.

        Source: ``Quart: app.run_task``.
        """
        import hypercorn.asyncio

        if debug is not None:
            self.debug = debug
        config = hypercorn.Config()
        config.bind = [f"{host}:{port}"]
        config.ca_certs, config.certfile, config.keyfile = ca_certs, certfile, keyfile
        await hypercorn.asyncio.serve(
            self,  # type: ignore[arg-type]  # an ASGI app, spelled with TypedDicts there
            config,
            shutdown_trigger=shutdown_trigger,
            mode="asgi",
        )

    # -- testing -----------------------------------------------------------------------------------

    def test_app(self) -> clients.TestApp:
        """Return the app for a test: ``async with app.test_app() as running:``."""
        return self.test_app_class(self)

    def test_client(self, use_cookies: bool = True, **kwargs: t.Any) -> clients.TestClient:
        """Return a client that calls the app without a server.

        Args:
            use_cookies: Whether it keeps cookies from one request to the next.
            kwargs: For the client class.

        Returns:
            An object of ``test_client_class``, by default a :class:`.TestClient`.
        """
        from .testing import TestClient

        cls = self.test_client_class or TestClient
        # The client takes the response class from the app: Quart's clients have no such argument.
        return cls(self, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: t.Any) -> clients.CliRunner:
        """Return a runner for the app's commands.

        Args:
            kwargs: For the runner class.

        Returns:
            An object of ``test_cli_runner_class``, by default a :class:`.CliRunner`.
        """
        from .testing import CliRunner

        cls: t.Any = self.test_cli_runner_class or CliRunner
        return t.cast(CliRunner, cls(self, **kwargs))


#: Options of Werkzeug's server: the values for which this server does the same anyway, and what to
#: write instead of others.
_WERKZEUG_OPTIONS: dict[str, tuple[tuple[t.Any, ...], str]] = {
    "threaded": ((True, None), "`def` views always run in worker threads (WORKER_POOL_SIZE)"),
    "processes": (
        (1, None),
        "start several processes by `asyncflask run --server hypercorn --workers N`",
    ),
    "workers": (
        (1, None),
        "start several processes by `asyncflask run --server hypercorn --workers N`",
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


def _check_run(app: Flask, options: dict[str, t.Any]) -> None:
    """Refuse what ``app.run()`` cannot do; remove options that change nothing."""
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
    for name in [each for each in options if each not in _RUN_OPTIONS]:
        value = options.pop(name)
        taken, remedy = _WERKZEUG_OPTIONS.get(name, ((), ""))
        if value not in taken:
            remedy = remedy or f"it has {', '.join(sorted(_RUN_OPTIONS))}"
            raise TypeError(
                f"app.run({name}={value!r}): the embedded server has no such option; {remedy}."
                " Werkzeug's server, with its options, runs an app of asyncflask.flask.Flask."
            )


_RUN_OPTIONS = frozenset(
    (
        *("use_reloader", "use_debugger", "server", "certfile", "keyfile"),
        *("ssl_context", "extra_files", "exclude_patterns"),
    )
)


Flask._untouched = overrides.untouched(Flask)
explain_missing_attributes(Flask, _OTHER_NAMES)


def _require_context() -> Context:
    ctx: Context | None = current()
    if ctx is None or ctx.request_context is None:
        raise OutOfContext(
            "Working outside of request context: a step of serving a request was called where no"
            " request context is active. Call it"
            " inside `async with app.test_request_context(...)`."
        )
    return ctx.request_context


def _made_up(
    app: Flask, kind: str, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
) -> tuple[ft.Scope, ft.Receive, ft.Send]:
    """Return scope, receive and send of a connection that a test describes."""
    # PERF: an app that only serves does not import the test clients.
    from .testing.builder import EnvironBuilder, body_messages, connection_scope, take_body

    builder = EnvironBuilder(app, *args, **kwargs)
    try:
        environ = builder.get_environ()
        messages = list(body_messages(take_body(environ)))
    finally:
        builder.close()

    async def receive() -> ft.Message:
        return messages.pop(0) if messages else {"type": f"{kind}.disconnect"}

    async def send(message: ft.Message) -> None:
        pass  # The test reads no messages.

    return {**connection_scope(environ, kind), WHOLE_BODY: True}, receive, send
