"""Quart's app: the async API's, with Quart's signatures and defaults."""

from __future__ import annotations

import asyncio
import functools
import os
import typing as t
import warnings
from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction as iscoroutinefunction
from inspect import isgenerator

from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError, MapAdapter

from .._contextvars import current
from ..config.environment import NEGATIVE, read_variable
from ..context import Context
from ..debug.page import PRESERVE_CONTEXT
from ..dispatch import overrides
from ..dispatch.make_response import as_response
from ..exceptions import OutOfContext
from ..logging import one_line
from ..sansio.setupmethod import T_after_websocket as T_after_websocket
from ..sansio.setupmethod import T_before_serving as T_before_serving
from ..sansio.setupmethod import T_shell_context_processor as T_shell_context_processor
from ..sansio.setupmethod import T_teardown as T_teardown
from ..sansio.setupmethod import T_template_filter as T_template_filter
from ..sansio.setupmethod import T_template_global as T_template_global
from ..sansio.setupmethod import T_template_test as T_template_test
from ..sansio.setupmethod import T_websocket as T_websocket
from ..sansio.setupmethod import T_while_serving as T_while_serving
from ..serving.run import RUN_OPTIONS
from ..templating.rendering import TemplateApp, update_template_context_async
from ..typing import AnyReceive, AnySend, ExcInfo, Overridable
from .app_contexts import AppContexts
from .asgi import ASGIHTTPConnection, ASGILifespan, ASGIWebsocketConnection
from .config import DEFAULT_CONFIG, Config
from .debug import traceback_page
from .folders import AppFiles
from .hooks import AppHooks, WebsocketHooks
from .routing import QuartMap, QuartRule
from .runners import RUNNERS
from .sessions import SecureCookieSessionInterface
from .templating import Environment
from .testing import QuartClient, QuartCliRunner, TestApp
from .typing import (
    AfterServingCallable,
    BeforeWebsocketCallable,
    Event,
    ResponseReturnValue,
)
from .typing import AppOrBlueprintKey as AppOrBlueprintKey
from .utils import run_sync_iterable
from .wrappers import BaseRequestWebsocket, Request, Response, Websocket

T_after_serving = t.TypeVar("T_after_serving", bound=AfterServingCallable)
T_before_websocket = t.TypeVar("T_before_websocket", bound=BeforeWebsocketCallable)
P = t.ParamSpec("P")
T = t.TypeVar("T")


class Quart(WebsocketHooks, AppHooks, AppFiles, AppContexts):
    """A Quart app: an ASGI callable, with Quart's names and behaviour.

    Args:
        import_name: Name of the module or package the app is defined in, usually ``__name__``.
        static_url_path: URL prefix of the static files; the folder's name by default.
        static_folder: Folder of the static files, relative to ``root_path``.
        static_host: Host of the static route; needed with ``host_matching``.
        host_matching: Whether rules match by ``host=``.
        subdomain_matching: Kept; rules match by ``subdomain=`` as soon as there is a
            ``SERVER_NAME``.
        template_folder: Folder of the templates, relative to ``root_path``.
        instance_path: Folder of the deployment's own files; found beside the package by default.
        instance_relative_config: Whether relative names of config files begin there.
        root_path: Folder of the code; found from ``import_name`` by default.

    Source: ``Quart: Quart``.
    """

    asgi_http_class: t.Any = ASGIHTTPConnection
    asgi_lifespan_class: t.Any = ASGILifespan
    asgi_websocket_class: t.Any = ASGIWebsocketConnection
    config_class = Config
    default_config = DEFAULT_CONFIG
    event_class: Callable[[], Event] = asyncio.Event
    lock_class = asyncio.Lock
    request_class = Request
    response_class = Response
    websocket_class = Websocket
    session_interface = SecureCookieSessionInterface()
    url_map_class = QuartMap
    url_rule_class = QuartRule
    jinja_environment = Environment
    test_app_class: type[TestApp] = TestApp
    test_client_class: type[QuartClient] = QuartClient
    test_cli_runner_class: type[QuartCliRunner] = QuartCliRunner

    runners = RUNNERS
    is_left_by_cancelling = True
    refuses_settings = False

    _watched = overrides.WATCHED | {
        "asgi_http_class",
        "asgi_lifespan_class",
        "asgi_websocket_class",
    }

    def refresh_cached(self) -> None:
        """See which steps are replaced; other classes for connections replace ``asgi_app``."""
        super().refresh_cached()
        used = (self.asgi_http_class, self.asgi_lifespan_class, self.asgi_websocket_class)
        if used != (ASGIHTTPConnection, ASGILifespan, ASGIWebsocketConnection):
            self.replaced_steps |= {"asgi_app"}

    async def asgi_app(self, scope: t.Any, receive: AnyReceive, send: AnySend) -> None:
        """Serve one ASGI connection.

        Args:
            scope: The ASGI scope.
            receive: Returns the next message of the client.
            send: Sends a message to the client.

        Raises:
            RuntimeError: The scope's type is not one of ASGI 3.
        """
        classes = {"http": self.asgi_http_class, "websocket": self.asgi_websocket_class}
        connection = classes.get(scope["type"], self.asgi_lifespan_class)(self, scope)
        await connection(receive, send)

    def end_setup(self) -> None:
        """Note at the first request that setup has been used; more may follow."""
        self._got_first_request = True

    def make_config(self, instance_relative: bool = False) -> Config:
        """Return the configuration object, with the defaults and ``QUART_DEBUG``.

        Args:
            instance_relative: Whether relative file names begin at ``instance_path``.
        """
        config = super().make_config(instance_relative)
        named = os.environ.get("QUART_DEBUG")
        if named and read_variable("DEBUG") is None:
            config["DEBUG"] = named.lower() not in NEGATIVE
        return t.cast(Config, config)

    # -- setup -------------------------------------------------------------------------------------

    def _check_setup_finished(self, f_name: str) -> None:
        """Allow setup at any time, as Quart does."""

    @property
    def subdomain_matching(self) -> bool:
        """Whether rules match by ``subdomain=``: as soon as the app knows its ``SERVER_NAME``."""
        return self._subdomain_matching or self.config["SERVER_NAME"] is not None

    @subdomain_matching.setter
    def subdomain_matching(self, value: bool) -> None:
        self._subdomain_matching = value

    def handle_url_build_error(
        self, error: BuildError, endpoint: str, values: dict[str, t.Any]
    ) -> str:
        """Return a URL that ``url_build_error_handlers`` build instead, from the view's arguments.

        Args:
            error: The error of :meth:`url_for`.
            endpoint: The endpoint.
            values: The values of the URL.

        Returns:
            The URL.

        Raises:
            BuildError: No handler returns a URL.
        """
        options = ("_anchor", "_external", "_method", "_scheme")
        given = {name: value for name, value in values.items() if name not in options}
        return super().handle_url_build_error(error, endpoint, given)

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        """Return the URL adapter of a request or websocket.

        Args:
            request: The request or websocket; ``None`` for an adapter of ``SERVER_NAME``.
        """
        if request is not None or not self.config["PREFER_SECURE_URLS"]:
            return super().create_url_adapter(t.cast(t.Any, request))
        if self.config["SERVER_NAME"] is None:
            return None
        return self.url_map.bind(
            self.config["SERVER_NAME"],
            script_name=self.config["APPLICATION_ROOT"],
            url_scheme="https",
        )

    def sync_to_async(self, func: Callable[P, t.Any]) -> Callable[P, t.Awaitable[t.Any]]:
        """Return an awaitable version of a ``def`` function.

        Args:
            func: The function; the result of a generator function is iterated by ``async for``.
        """
        run = super().sync_to_async(func)

        @functools.wraps(func)
        async def runner(*args: P.args, **kwargs: P.kwargs) -> t.Any:
            result = await run(*args, **kwargs)
            return run_sync_iterable(result) if isgenerator(result) else result

        return runner

    # -- tests -------------------------------------------------------------------------------------

    def test_client(self, use_cookies: bool = True, **kwargs: t.Any) -> Overridable[QuartClient]:
        """Return a client that calls the app without a server.

        Args:
            use_cookies: Whether it keeps cookies from one request to the next.
            kwargs: For the client class.

        Returns:
            An object of ``test_client_class``.
        """
        return self.test_client_class(self, use_cookies=use_cookies, **kwargs)

    def test_app(self) -> Overridable[TestApp]:
        """Return the app for a test: ``async with app.test_app() as running:``."""
        return self.test_app_class(self)

    # -- templates and files -----------------------------------------------------------------------

    async def update_template_context(self, context: dict[str, t.Any]) -> None:
        """Add the names of the context processors to a template's context.

        Args:
            context: The template's context; its own names take precedence.
        """
        await update_template_context_async(t.cast(TemplateApp, self), current(), context)

    # -- responses and errors ----------------------------------------------------------------------

    async def make_response(
        self, result: ResponseReturnValue | HTTPException
    ) -> Overridable[Response]:
        """Return the response for a view's return value.

        Args:
            result: The return value.

        Raises:
            TypeError: A view may not return such a value.
        """
        try:
            return t.cast(Response, as_response(self, result))
        except OutOfContext as error:
            raise TypeError(
                f"make_response() was given {result!r} where no request is active, and such a value"
                " is no response. Give it a str, bytes, dict, list, Response, or a tuple of one of"
                " these with a status, headers, or both."
            ) from error

    async def make_default_options_response(self) -> Response:
        """Answer OPTIONS with the methods that the current URL allows."""
        return t.cast(Response, super().make_default_options_response())

    def log_exception(self, exception_info: ExcInfo) -> None:
        """Log an error that nothing handled.

        Args:
            exception_info: As :func:`sys.exc_info` returns it.
        """
        ctx = current()
        where = ""
        if ctx is not None and ctx.request_or_websocket is not None:
            connection = ctx.request_or_websocket
            is_websocket = isinstance(connection, Websocket)
            kind = "websocket" if is_websocket else f"request {connection.method}"
            where = f" on {kind} {connection.path}"
        self.logger.error("Exception%s", one_line(where), exc_info=exception_info)

    def answer_failure(self, ctx: Context, error: BaseException) -> Response | None:
        """Answer an error that :meth:`handle_exception` has raised: with its traceback.

        Args:
            ctx: The context.
            error: The error.

        Returns:
            The response; ``None`` if the server gets the error.
        """
        if not isinstance(error, Exception) or PRESERVE_CONTEXT in ctx.scope:
            return None
        # SECURITY: without testing or debugging, clients would read the app's code and data.
        if self.config["PROPAGATE_EXCEPTIONS"] and not self.testing:
            return None
        return traceback_page(error)

    # -- serving -----------------------------------------------------------------------------------

    def run(  # type: ignore[override]  # as Quart's
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        use_reloader: bool = True,
        loop: asyncio.AbstractEventLoop | None = None,
        ca_certs: str | None = None,
        certfile: str | None = None,
        keyfile: str | None = None,
        **kwargs: t.Any,
    ) -> None:
        """Serve the app on this machine, for development.

        Args:
            host: Address to listen at.
            port: Port to listen at.
            debug: Turns debug mode on or off.
            use_reloader: Whether the program restarts when a file of it changes.
            loop: Run in this loop, which does not run yet, without a reloader.
            ca_certs: Certificate authorities of clients, in PEM format.
            certfile: A certificate in PEM format.
            keyfile: Its key.
            kwargs: For the async API's :meth:`asyncflask.Flask.run`; others are warned of.
        """
        _drop_unknown(self, kwargs)
        if loop is not None or ca_certs is not None:
            address = self._address(host, port)
            task = self.run_task(*address, debug, ca_certs, certfile, keyfile)
            if loop is None:
                asyncio.run(task)
            else:
                loop.run_until_complete(task)
            return
        kwargs.update(use_reloader=use_reloader, certfile=certfile, keyfile=keyfile)
        super().run(host, port, debug, **kwargs)

    def run_task(
        self,
        host: str = "127.0.0.1",
        port: int = 5000,
        debug: bool | None = None,
        ca_certs: str | None = None,
        certfile: str | None = None,
        keyfile: str | None = None,
        shutdown_trigger: Callable[..., t.Awaitable[None]] | None = None,
    ) -> Coroutine[None, None, None]:
        """Serve the app in a loop that runs already, until ``shutdown_trigger`` returns.

        Args:
            host: Address to listen at.
            port: Port to listen at.
            debug: Turns debug mode on or off.
            ca_certs: Certificate authorities of clients, in PEM format.
            certfile: A certificate in PEM format.
            keyfile: Its key.
            shutdown_trigger: Awaited; by default until SIGINT or SIGTERM.

        Returns:
            A coroutine that ends when the server has shut down.
        """
        return super().run_task(host, port, debug, ca_certs, certfile, keyfile, shutdown_trigger)


overrides.note_own_steps(Quart)


def _drop_unknown(app: Quart, options: dict[str, t.Any]) -> None:
    """Warn of options that ``app.run()`` does not have, and remove them."""
    if unknown := sorted(options.keys() - RUN_OPTIONS - {"load_dotenv"}):
        warnings.warn(
            f"{app!r}.run() has no option {', '.join(unknown)}, and does without it. Its options"
            f" are {', '.join(sorted(RUN_OPTIONS))}; leave out all others.",
            stacklevel=3,
        )
        for name in unknown:
            del options[name]
