"""The async API's app: :class:`Flask`, an ASGI application.

Its setup is in ``sansio/``; serving requests, starting, stopping and ``app.run()`` are in
``serving/``. Here are what of the two differs from the facade's app (``flask/app.py``): the classes
of requests and responses, the contexts, and the test clients.
"""

from __future__ import annotations

import typing as t

from . import typing as ft
from .ctx import Context
from .dispatch import overrides
from .dispatch.scope_types import HTTP, WEBSOCKET
from .exceptions import explain_missing_attributes
from .resources import LaterModule, later
from .serving.lifespan import AppLifespan
from .serving.run import Run
from .wrappers import Request, Response, SyncRequest, SyncWebsocket, Websocket
from .wsgi.input import WHOLE_BODY

if t.TYPE_CHECKING:
    from . import testing as clients
else:  # For typing.get_type_hints().
    clients = LaterModule("asyncflask.testing")


_REMOVED = "Flask 2.3 has removed it, and asyncflask has Flask 3.1's names."
#: Attributes that other versions and other kinds of apps have, and what is written here.
_OTHER_NAMES = {
    "wsgi_app": "This is an ASGI app: write `app.asgi_app = Middleware(app.asgi_app)` with ASGI"
    " middleware (asyncflask.middleware.proxy_fix in the place of Werkzeug's). The app of"
    " `asyncflask.flask` has a `wsgi_app`.",
    "before_first_request": f"{_REMOVED} Write `@app.before_serving`, or run the code where the app"
    " is made.",
    "json_encoder": f"{_REMOVED} Write a subclass of DefaultJSONProvider, and set"
    " `app.json_provider_class`.",
    "json_decoder": f"{_REMOVED} Write a subclass of DefaultJSONProvider, and set"
    " `app.json_provider_class`.",
    "env": f"{_REMOVED} Read `app.debug`.",
}


class CommonFlask(AppLifespan, Run):
    """What the apps of the three APIs have in common, whose contexts and test clients differ.

    See :data:`FacadeBase`.
    """

    websocket_class: type[Websocket] = Websocket
    #: what ``def`` callables see as ``request`` and ``websocket``
    sync_request_class: type[SyncRequest] = SyncRequest
    sync_websocket_class: type[SyncWebsocket] = SyncWebsocket
    test_cli_runner_class: type[clients.CliRunner] | None = later("asyncflask.testing", "CliRunner")

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


class Flask(CommonFlask):
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
    test_app_class: type[clients.TestApp] = later("asyncflask.testing", "TestApp")
    test_client_class: type[clients.TestClient] | None = later("asyncflask.testing", "TestClient")

    if t.TYPE_CHECKING:
        # Servers and middleware have types of their own for the three arguments: TypedDicts,
        # mappings. Whatever they are, an app is an application for all of them.
        async def __call__(
            self,
            scope: t.Any,  # noqa: ANN401
            receive: ft.AnyReceive,
            send: ft.AnySend,
        ) -> None: ...

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


if t.TYPE_CHECKING:
    # A checker compares an override with each class above it. In a subclass of a facade's app it is
    # to have the signature of Flask or Quart, not that of the async API.
    FacadeBase = CommonFlask
else:
    #: what the apps of the facades extend
    FacadeBase = Flask

overrides.note_own_steps(Flask)
explain_missing_attributes(Flask, _OTHER_NAMES)


def _made_up(
    app: Flask, kind: str, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
) -> tuple[ft.Scope, ft.Receive, ft.Send]:
    """Return scope, receive and send of a connection that a test describes."""
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
