"""The test client for HTTP: requests, redirects, cookies, sessions, contexts, streamed responses.

Everything is asynchronous; the names and their meaning are those of Flask's client. What a request
consists of is decided in :mod:`.builder`; :mod:`.connection` sends it. Werkzeug's client matches
the cookies and follows the rules of redirects (:class:`~.cookies.Browser`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, Self, cast

from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request, Response

from ..typing import Receive, Scope, Send
from ..wrappers.request.awaitable import refusing
from .builder import (
    BuilderApp,
    client_environ,
    connection_scope,
    override_environ,
    request_environ,
    set_websocket_scheme,
)
from .connection import TestConnection
from .cookies import REDIRECTS, Browser, CookieMethods
from .methods import HTTPMethods
from .session import SessionTransaction, TransactionApp
from .websocket import TestWebsocket

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Scope key: a function that is given the request's context and ends it later, as the environ's
#: ``werkzeug.debug.preserve_context`` on Flask.
PRESERVE_CONTEXT = "asyncflask.preserve_context"


class ClientApp(BuilderApp, TransactionApp, Protocol):
    """The attributes of an app that the client uses."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> None: ...


class TestClient(HTTPMethods, CookieMethods):
    """An asynchronous test client with the interface of Flask's.

    ``app.test_client()`` makes one. Each request runs in a task of its own, on the test's event
    loop, and raises the errors that the app does not handle (``app.testing`` and
    ``PROPAGATE_EXCEPTIONS`` decide which these are). Inside ``async with client:`` the context of
    the last request is kept, so that the test can read ``session``, ``g`` or ``request``.

    Args:
        application: The app.
        response_wrapper: Class of the responses, by default the app's; Werkzeug's ``TestResponse``
            is mixed in.
        use_cookies: Keep cookies from one request to the next.
        allow_subdomain_redirects: Let ``follow_redirects`` leave for a subdomain.

    Source: ``Flask: testing.FlaskClient``.
    """

    __test__ = False  # Tells pytest that this is not a test.

    #: what :meth:`request` returns
    http_connection_class: type[TestConnection] = TestConnection
    #: what :meth:`websocket` returns
    websocket_connection_class: type[TestWebsocket] = TestWebsocket

    def __init__(
        self,
        application: ClientApp,
        response_wrapper: type[Response] | None = None,
        use_cookies: bool = True,
        allow_subdomain_redirects: bool = False,
    ) -> None:
        self.application = application
        self.preserve_context = False
        #: Defaults of every request, as WSGI environ keys; a test may change them.
        self.environ_base: dict[str, Any] = client_environ()
        #: The lifespan's state; every request gets a copy of it (ASGI: Lifespan State).
        self.state: dict[str, Any] | None = None
        #: ``(path, headers)`` of each resource that the last response pushed.
        self.push_promises: list[tuple[str, Headers]] = []
        self._browser = Browser(
            cast(Any, application),
            application.response_class if response_wrapper is None else response_wrapper,
            use_cookies,
            allow_subdomain_redirects,
        )
        self._new_contexts: list[AbstractAsyncContextManager[object]] = []
        self._contexts = AsyncExitStack()

    @property
    def app(self) -> ClientApp:
        """The app. (Quart's name; Flask's is ``application``.)"""
        return self.application

    @property
    def response_wrapper(self) -> type[TestResponse]:
        """The class of the responses."""
        return self._browser.response_wrapper

    # -- requests ----------------------------------------------------------------------------------

    @refusing("client")
    async def open(
        self,
        *args: Any,
        buffered: bool = False,
        follow_redirects: bool = False,
        http_version: str | None = None,
        root_path: str | None = None,
        scope_base: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestResponse:
        """Make a request and return the whole response.

        Args:
            args: A path or URL and further arguments of :class:`EnvironBuilder`; or one builder,
                WSGI environ or Werkzeug request.
            buffered: Accepted as in Flask; a response is always read to its end. Read an endless
                one with :meth:`request`.
            follow_redirects: Follow redirects; ``response.history`` has the intermediate ones.
            http_version: For example ``"2"``.
            root_path: Where the app is mounted; instead of the path of ``base_url``. The path may
                begin with it or omit it.
            scope_base: Keys that replace those of the ASGI scope.
            kwargs: Arguments of :class:`EnvironBuilder` (``data``, ``json``, ``query_string`` …).

        Raises:
            werkzeug.test.ClientRedirectError: The redirects lead round in a circle.
            RuntimeError: A redirect leads to another host.
            Exception: What the app did not handle.

        Source: ``Flask: testing.FlaskClient.open``.
        """
        self.raise_forgotten()
        environ = self.make_environ(args, kwargs, http_version, root_path)
        response = await self._send_request(environ, scope_base)
        history: list[TestResponse] = []
        while follow_redirects and response.status_code in REDIRECTS:
            response.history = tuple(history)
            builder = self._browser.after(response)
            history.append(response)
            response = await self._send_request(self.make_environ((builder,), {}), scope_base)
        response.history = tuple(history)
        return response

    def request(
        self,
        *args: Any,
        http_version: str | None = None,
        root_path: str | None = None,
        scope_base: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestConnection:
        """Make a request in steps: send the body in pieces, read the response as it arrives.

        Args:
            args: As for :meth:`open`.
            http_version: As for :meth:`open`.
            root_path: As for :meth:`open`.
            scope_base: As for :meth:`open`.
            kwargs: As for :meth:`open`. A body given here is sent at once, and no more can be sent.

        Returns:
            A connection, to be used with ``async with``.

        Source: ``Quart: QuartClient.request``.
        """
        self.raise_forgotten()
        environ = self.make_environ(args, kwargs, http_version, root_path)
        return self.http_connection_class(self, self._scope(environ, scope_base), environ)

    def websocket(
        self,
        *args: Any,
        subprotocols: list[str] | None = None,
        http_version: str | None = None,
        root_path: str | None = None,
        scope_base: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestWebsocket:
        """Open a websocket.

        Args:
            args: As for :meth:`open`.
            subprotocols: The subprotocols that the client offers, in order of preference.
            http_version: As for :meth:`open`.
            root_path: As for :meth:`open`.
            scope_base: As for :meth:`open`.
            kwargs: As for :meth:`open`. A scheme ``http`` becomes ``ws``, in ``base_url`` too.

        Returns:
            A connection, to be used with ``async with``.

        Source: ``Quart: QuartClient.websocket``.
        """
        self.raise_forgotten()
        set_websocket_scheme(kwargs)
        environ = self.make_environ(args, kwargs, http_version, root_path)
        scope = self._scope(environ, scope_base, "websocket")
        if subprotocols:
            scope["subprotocols"] = list(subprotocols)
            offer = ", ".join(subprotocols).encode("latin-1")
            scope["headers"].append((b"sec-websocket-protocol", offer))
        return self.websocket_connection_class(self, scope, environ)

    # -- session -----------------------------------------------------------------------------------

    def session_transaction(self, *args: Any, **kwargs: Any) -> SessionTransaction:
        """Read and change the session that the next request will find.

        Write ``async with client.session_transaction() as session:``. The session is saved when the
        block ends without an exception. With a synchronous session interface ``with`` works too.

        Args:
            args: As for ``app.test_request_context()``.
            kwargs: As for ``app.test_request_context()``.

        Raises:
            TypeError: The client keeps no cookies.

        Source: ``Flask: testing.FlaskClient.session_transaction``.
        """
        self.raise_forgotten()
        self._browser.require_cookies()
        return SessionTransaction(self, args, kwargs)

    # -- contexts ----------------------------------------------------------------------------------

    def __enter__(self) -> NoReturn:
        raise TypeError(
            "`with client:` was written for an asynchronous client. Write `async with client:`, and"
            " `await client.get(...)` inside it."
        )

    def __exit__(self, *details: object) -> None:
        """Never called; Python looks it up before it calls ``__enter__``."""

    async def __aenter__(self) -> Self:
        if self.preserve_context:
            raise RuntimeError(
                f"{self!r} is in an `async with` block already. Make a second client with"
                " app.test_client()."
            )
        self.preserve_context = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.preserve_context = False
        self._new_contexts.clear()
        await self._contexts.aclose()
        if exc_value is None:
            self.raise_forgotten()

    async def adopt_contexts(self) -> None:
        """Make the contexts that the last request left current in the test's own task.

        The connections call it when they end.
        """
        contexts, self._new_contexts[:] = self._new_contexts[:], []
        for context in contexts:
            await self._contexts.enter_async_context(context)

    # -- from arguments to messages ----------------------------------------------------------------

    def make_environ(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        http_version: str | None = None,
        root_path: str | None = None,
    ) -> WSGIEnvironment:
        """Make the WSGI environ that the arguments of :meth:`open` describe.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`; it is changed.
            http_version: As for :meth:`open`.
            root_path: As for :meth:`open`.
        """
        environ = request_environ(self.application, args, kwargs, self.environ_base)
        override_environ(environ, http_version, root_path)
        self._browser.add_cookies(environ)
        return environ

    def _scope(
        self, environ: WSGIEnvironment, scope_base: Mapping[str, Any] | None, kind: str = "http"
    ) -> Scope:
        scope = connection_scope(environ, kind)
        if self.state is not None:
            scope["state"] = self.state.copy()
        if self.preserve_context:
            scope[PRESERVE_CONTEXT] = self._new_contexts.append
        scope.update(scope_base or {})
        return scope

    def make_response(
        self, environ: WSGIEnvironment, status: int, headers: Headers, body: bytes
    ) -> TestResponse:
        """Make the response object of an app's answer.

        Args:
            environ: The environ of the request.
            status: The status code.
            headers: The response's headers.
            body: The whole body.
        """
        line = f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown').upper()}"
        response = self.response_wrapper([body], line, headers, request=Request(environ))
        response.json_module = cast(Any, self.application.json)
        return response

    def store_cookies(self, environ: WSGIEnvironment, headers: Headers) -> None:
        """Keep the cookies that a response sets.

        Args:
            environ: The environ of the request.
            headers: The response's headers.
        """
        self._browser.store_cookies(environ, headers)

    async def _send_request(
        self, environ: WSGIEnvironment, scope_base: Mapping[str, Any] | None
    ) -> TestResponse:
        await self._contexts.aclose()  # The context of the last request ends here.
        scope = self._scope(environ, scope_base)
        async with self.http_connection_class(self, scope, environ) as connection:
            await connection.send_complete()
        self.push_promises = connection.push_promises
        return await connection.as_response()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.application!r}>"
