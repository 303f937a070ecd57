"""The facade's app: Flask's class, with Flask's signatures, WSGI and ASGI.

Setup, websockets and the lifespan are the async API's; the steps of a request are in ``steps.py``.
How a request of an ASGI server is served is in ``wsgi/facade.py``.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from weakref import ref

import click
from werkzeug.datastructures import Headers as Headers
from werkzeug.datastructures import ImmutableDict as ImmutableDict
from werkzeug.exceptions import BadRequestKeyError as BadRequestKeyError
from werkzeug.exceptions import HTTPException as HTTPException
from werkzeug.exceptions import InternalServerError as InternalServerError
from werkzeug.routing import BuildError as BuildError
from werkzeug.routing import MapAdapter as MapAdapter
from werkzeug.routing import RequestRedirect as RequestRedirect
from werkzeug.routing import RoutingException as RoutingException
from werkzeug.routing import Rule as Rule
from werkzeug.serving import is_running_from_reloader
from werkzeug.utils import cached_property
from werkzeug.wsgi import get_host as get_host

from ..concurrency.pool import WorkerPool, logger
from ..debug.frames import cut_tracebacks
from ..debughelpers import warn_of_real_flask
from ..dispatch import overrides, urls
from ..helpers import get_debug_flag, get_load_dotenv
from ..typing import Receive, Scope, Send
from ..wsgi.facade import serve_request
from . import cli
from .call_interface import (
    CallableType,
    adapt_subclass,
    call_asgi,
    note_unserved_websockets,
    refuse_environ,
)
from .ctx import AppContext, RequestContext, _AppCtxGlobals
from .globals import _cv_app as _cv_app
from .globals import _cv_request as _cv_request
from .globals import current_app as current_app
from .globals import g as g
from .globals import request as request
from .globals import request_ctx as request_ctx
from .globals import session as session
from .held_body import held_body
from .helpers import BaseResponse as BaseResponse
from .helpers import get_flashed_messages as get_flashed_messages
from .helpers import send_from_directory
from .sansio.app import App as App
from .sansio.app import T_shell_context_processor as T_shell_context_processor
from .sansio.app import T_teardown as T_teardown
from .sansio.app import T_template_filter as T_template_filter
from .sansio.app import T_template_global as T_template_global
from .sansio.app import T_template_test as T_template_test
from .sessions import SecureCookieSessionInterface as SecureCookieSessionInterface
from .sessions import SessionInterface as SessionInterface
from .signals import appcontext_tearing_down as appcontext_tearing_down
from .signals import got_request_exception as got_request_exception
from .signals import request_finished as request_finished
from .signals import request_started as request_started
from .signals import request_tearing_down as request_tearing_down
from .steps import SyncSteps
from .templating import Environment as Environment
from .wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from .call_interface import WSGIOrASGIAnswer
    from .testing import FlaskClient, FlaskCliRunner


P = ParamSpec("P")
T = TypeVar("T")


class Flask(SyncSteps, metaclass=CallableType):
    """A Flask app: a WSGI and an ASGI callable, with Flask's names and behaviour.

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

    Source: ``Flask: Flask``.
    """

    app_ctx_globals_class = _AppCtxGlobals
    request_class: type[Request] = Request
    response_class: type[Response] = Response
    _template_proxies = {"g": g, "request": request, "session": session}
    test_client_class: type[FlaskClient] | None = None
    test_cli_runner_class: type[FlaskCliRunner] | None = None
    refuses_settings = False

    def _prepare_api(self) -> None:
        super()._prepare_api()
        warn_of_real_flask(f"The app {self!r}", stacklevel=3)

    def end_setup(self) -> None:
        """Note at the first request that setup is over. Flask does not report its faults."""
        if not self._got_first_request:
            self._got_first_request = True
            warn_of_real_flask(f"The app {self!r}", stacklevel=2)

    @cached_property
    def workers(self) -> WorkerPool:
        """The threads in which requests of an ASGI server run. Each request keeps its own."""
        pool = super().workers
        if not pool.affinity:
            pool.affinity = True
            logger.warning(
                "WORKER_AFFINITY = False is not used by the facade: each request of %r keeps its"
                " thread, as in Flask. Remove the key, or register its blueprints on an"
                " asyncflask.Flask.",
                self,
            )
        return pool

    # -- entry points ------------------------------------------------------------------------------

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        adapt_subclass(cls)

    if TYPE_CHECKING:
        # An override may be for WSGI alone, or for ASGI.
        def __call__(self, *args: Any, **kwargs: Any) -> WSGIOrASGIAnswer | Any: ...  # noqa: ANN401
    else:

        def __call__(self, environ, start_response=None, send=None):
            """Serve a WSGI request, or with three arguments an ASGI connection.

            With an ASGI scope alone it is an ASGI 2 application.
            """
            __traceback_hide__ = True  # Werkzeug's debugger leaves this frame out.
            if send is not None or start_response is None:
                return call_asgi(self, environ, start_response, send)
            if not isinstance(environ, dict):
                refuse_environ(self, environ)
            return self.wsgi_app(environ, start_response)

    async def asgi_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection; for servers that cannot detect the app's interface.

        Args:
            scope: The ASGI scope.
            receive: Returns the next message of the client.
            send: Sends a message to the client.
        """
        if scope["type"] == "http":
            await serve_request(self, scope, receive, send)
        else:
            await super().asgi_app(scope, receive, send)

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a WSGI request; replace it to apply WSGI middleware.

        Args:
            environ: The WSGI environ.
            start_response: The function of the server.

        Returns:
            The pieces of the body.

        Source: ``Flask: app.wsgi_app``.
        """
        ctx = self.request_context(environ)
        if not self._got_first_request:
            self.end_setup()
            note_unserved_websockets(self, environ)
        error: BaseException | None = None
        body: Iterable[bytes] | None = None
        try:
            try:
                ctx.push()
                response = self.full_dispatch_request()
            except Exception as raised:
                error = raised
                if _cv_request.get(None) is not ctx:
                    # No app context could be pushed for it; an error handler needs one.
                    ctx.become_current()
                response = self.handle_exception(raised)
            except BaseException as raised:
                error = raised
                raise
            body = response(environ, start_response)
            return body if ctx.held_end is None else held_body(ctx, response, body)
        finally:
            if body is None:
                ctx.end_held()  # Nothing is sent, so the pop below ends the context.
            keep = environ.get("werkzeug.debug.preserve_context")
            if keep is not None:
                keep(_cv_app.get())
                keep(_cv_request.get())
                cut_tracebacks(sys.exc_info()[1])  # The page is to begin with the app's code.
            if error is not None and self.should_ignore_error(error):
                error = None
            try:
                ctx.pop(error)
            finally:
                del error  # Its traceback refers to this frame: a cycle.

    def mount(
        self, prefix: str, app: object, interface: object = None, *, lifespan: bool = False
    ) -> None:
        """Not available on the facade, because a WSGI server may call the app.

        Args:
            prefix, app, interface, lifespan: Ignored.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(
            f"mount({prefix!r}) was called on {self!r}, which WSGI servers may serve as well. Mount"
            " it on an asyncflask.Flask, or write `app.wsgi_app = DispatcherMiddleware(...)`."
        )

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return the URL adapter of a request.

        Args:
            request: The request; ``None`` for an adapter of ``SERVER_NAME``.

        Returns:
            The adapter, or ``None`` if there is neither a request nor ``SERVER_NAME``.
        """
        return urls.create_adapter(self, request, _bind)

    # -- contexts ----------------------------------------------------------------------------------

    def app_context(self) -> AppContext:
        """Return a context for using the app outside of a request."""
        return AppContext(self)

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        """Return the context of a WSGI request.

        Args:
            environ: The WSGI environ.

        Returns:
            The context, for ``with``.
        """
        return RequestContext(self, environ)

    def test_request_context(self, *args: Any, **kwargs: Any) -> RequestContext:
        """Return the context of a request for tests and the shell.

        Args:
            args: As for the test client's ``get``: the path.
            kwargs: ``method``, ``headers``, ``json``, ``data``, ``query_string``, ``base_url`` …

        Returns:
            The context, for ``with``.
        """
        # Not imported with the app, which serves without it. As in Flask.
        from .testing import EnvironBuilder

        builder = EnvironBuilder(self, *args, **kwargs)
        try:
            return self.request_context(builder.get_environ())
        finally:
            builder.close()

    # -- files -------------------------------------------------------------------------------------

    def send_static_file(self, filename: str) -> Response:
        """Return a response with a file of the static folder.

        Args:
            filename: Path in the static folder.

        Returns:
            The response.

        Raises:
            NotFound: There is no such file inside the folder.
        """
        folder = self._static_folder_of(filename)
        return send_from_directory(folder, filename, max_age=self.get_send_file_max_age(filename))

    def _static_view(self) -> Callable[..., Response]:
        self_ref = ref(self)  # A reference to the app would be a cycle.
        # COMPAT: tools read its annotations; as in Flask it has none.
        return lambda **kw: self_ref().send_static_file(**kw)  # type: ignore[union-attr]  # it serves

    # -- serving and testing -----------------------------------------------------------------------

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: Any,
    ) -> None:
        """Serve the app with Werkzeug's development server, as Flask does.

        Args:
            host: Address to listen at.
            port: Port to listen at.
            debug: Turns debug mode on or off.
            load_dotenv: Whether ``.env`` and ``.flaskenv`` are read first.
            options: For :func:`werkzeug.serving.run_simple`.
        """
        if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
            if not is_running_from_reloader():
                click.secho(
                    " * app.run() was called by a module that the command line imports, and is"
                    " ignored. Write it below `if __name__ == '__main__':`.",
                    fg="red",
                )
            return
        if get_load_dotenv(load_dotenv):
            cli.load_dotenv()
            if "FLASK_DEBUG" in os.environ:
                self.debug = get_debug_flag()
        if debug is not None:
            self.debug = bool(debug)
        host, port = self._address(host, port)
        options.setdefault("use_reloader", self.debug)
        options.setdefault("use_debugger", self.debug)
        options.setdefault("threaded", True)
        cli.show_server_banner(self.debug, self.name)
        cli.show_unserved_websockets(self.url_map)
        from werkzeug.serving import run_simple

        try:
            run_simple(host, port, self, **options)
        finally:
            # The reloader may start the setup again in this process.
            self._got_first_request = False

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> FlaskClient:
        """Return a synchronous client that calls the app without a server.

        Args:
            use_cookies: Whether it keeps cookies from one request to the next.
            kwargs: For the client class.

        Returns:
            An object of ``test_client_class``, by default a ``FlaskClient``.
        """
        from .testing import FlaskClient

        cls = self.test_client_class or FlaskClient
        return cls(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: Any) -> FlaskCliRunner:
        """Return a runner for the app's commands.

        Args:
            kwargs: For the runner class.

        Returns:
            An object of ``test_cli_runner_class``, by default a ``FlaskCliRunner``.
        """
        from .testing import FlaskCliRunner

        cls: Any = self.test_cli_runner_class or FlaskCliRunner
        return cast("FlaskCliRunner", cls(self, **kwargs))


overrides.note_own_steps(Flask)

#: Flask's own signature, for tools that look at it; further arguments are ASGI's.
vars(Flask)["__call__"].__signature__ = inspect.Signature(
    [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for name in ("self", "environ", "start_response")
    ]
)

#: ``urls.bind_environ`` with the name of Flask's module: Werkzeug's warnings name the module of
#: their caller, and users filter them by it.
_bind = FunctionType(
    urls.bind_environ.__code__, {"__name__": "flask.app", "__builtins__": __builtins__}
)
