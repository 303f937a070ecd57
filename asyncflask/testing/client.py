"""The test client for HTTP: requests, redirects, cookies, sessions, contexts, streamed responses.

Everything is asynchronous; the names and their meaning are those of Flask's client. What a request
consists of is decided in :mod:`.builder`, the traffic in :mod:`.connection`. Cookie matching
and the rules of redirects are Werkzeug's and stay in its client, of which :class:`_Browser` is one.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from contextlib import AsyncExitStack
from copy import copy
from types import TracebackType
from typing import Any, NoReturn, Protocol, cast
from urllib.parse import urlsplit

import werkzeug.test
from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.test import Cookie, TestResponse
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import get_current_url

from ..typing import Receive, Scope, Send
from ..wrappers.request.awaitable import refusing
from ..wrappers.unawaited import NotesForgotten
from .builder import BuilderApp, EnvironBuilder, body_of, connection_scope
from .connection import TestConnection
from .cookies import cookie_to_delete, cookie_to_set, with_server_name
from .session import SessionTransaction
from .websocket import TestWebsocket

#: Where the core finds the function that wants to keep a request's context (Flask's
#: ``werkzeug.debug.preserve_context``).
PRESERVE_CONTEXT = "asyncflask.preserve_context"

#: What a server offers to HTTP/2 and HTTP/3 requests.
_PUSH_EXTENSIONS = ("http.response.push", "http.response.early_hint")


class ClientApp(BuilderApp, Protocol):
    """What the client asks of an app."""

    session_interface: Any

    async def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> None: ...

    def test_request_context(self, *args: Any, **kwargs: Any) -> Any: ...

    @property
    def response_class(self) -> Any: ...


class _Browser(werkzeug.test.Client):
    """Werkzeug's client as far as it does no I/O: the cookie jar and the rules of redirects."""

    def open(self, builder: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # see above
        return builder

    def after(self, response: TestResponse) -> werkzeug.test.EnvironBuilder:
        """Return the request that a redirect leads to."""
        return cast(werkzeug.test.EnvironBuilder, self.resolve_redirect(response))

    def add_cookies(self, environ: dict[str, Any]) -> None:
        """Put the cookies that belong to a request into its environ."""
        self._add_cookies_to_wsgi(environ)

    def store_cookies(self, environ: dict[str, Any], headers: Headers) -> None:
        """Keep the cookies that the answer to a request sets."""
        url = urlsplit(get_current_url(environ))
        cookies = headers.getlist("Set-Cookie")
        self._update_cookies_from_response(url.hostname or "localhost", url.path, cookies)

    def require_cookies(self) -> None:
        if self._cookies is None:
            raise TypeError(
                "Sessions need cookies, and this client was made with use_cookies=False."
                " Create it with app.test_client()."
            )


class TestClient(NotesForgotten):
    """An asynchronous test client with the interface of Flask's.

    Made by ``app.test_client()``. Requests run in the test's own event loop, each in a task of its
    own. Errors that the app does not handle are raised by the request (``app.testing`` and
    ``PROPAGATE_EXCEPTIONS`` decide which these are). Inside ``async with client:`` the context of
    the last request stays, so that ``session``, ``g`` or ``request`` can be looked at.

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
        #: Defaults of every request, as WSGI environ keys; change them as you like.
        self.environ_base: dict[str, Any] = {
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_USER_AGENT": f"Werkzeug/{importlib.metadata.version('werkzeug')}",
        }
        #: The lifespan's state, of which every request gets a copy (ASGI: Lifespan State).
        self.state: dict[str, Any] | None = None
        #: ``(path, headers)`` of what the last request pushed.
        self.push_promises: list[tuple[str, Headers]] = []
        self._browser = _Browser(
            cast(Any, application),
            application.response_class if response_wrapper is None else response_wrapper,
            use_cookies,
            allow_subdomain_redirects,
        )
        self._new_contexts: list[Any] = []
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
            http_version: Such as ``"2"``.
            root_path: Where the app is mounted; instead of the path of ``base_url``. The path may
                begin with it or leave it out.
            scope_base: Put over the ASGI scope.
            kwargs: Arguments of :class:`EnvironBuilder` (``data``, ``json``, ``query_string`` …).

        Raises:
            werkzeug.test.ClientRedirectError: The redirects go round in a circle.
            RuntimeError: A redirect leads to another host.
            Exception: What the app did not handle.

        Source: ``Flask: testing.FlaskClient.open``.
        """
        self.raise_forgotten()
        environ = self.make_environ(args, kwargs, http_version, root_path)
        response = await self._exchange(environ, scope_base)
        history: list[TestResponse] = []
        seen = set()
        while follow_redirects and response.status_code in {301, 302, 303, 305, 307, 308}:
            entry = (response.location, response.status_code)
            if entry in seen:
                raise werkzeug.test.ClientRedirectError(
                    f"A {entry[1]} redirect to {entry[0]!r} was followed already: the redirects go"
                    " round in a circle."
                )
            seen.add(entry)
            response.history = tuple(history)
            history.append(response)
            builder = self._browser.after(response)
            environ = self.make_environ((builder,), {})
            response = await self._exchange(environ, scope_base)
        response.history = tuple(history)
        return response

    @refusing("client")
    async def get(self, *args: Any, **kw: Any) -> TestResponse:
        """Call :meth:`open` with ``method="GET"``."""
        kw["method"] = "GET"
        return await self.open(*args, **kw)

    @refusing("client")
    async def post(self, *args: Any, **kw: Any) -> TestResponse:
        """Call :meth:`open` with ``method="POST"``."""
        kw["method"] = "POST"
        return await self.open(*args, **kw)

    @refusing("client")
    async def put(self, *args: Any, **kw: Any) -> TestResponse:
        """Call :meth:`open` with ``method="PUT"``."""
        kw["method"] = "PUT"
        return await self.open(*args, **kw)

    @refusing("client")
    async def delete(self, *args: Any, **kw: Any) -> TestResponse:
        """Call :meth:`open` with ``method="DELETE"``."""
        kw["method"] = "DELETE"
        return await self.open(*args, **kw)

    @refusing("client")
    async def patch(self, *args: Any, **kw: Any) -> TestResponse:
        """Call :meth:`open` with ``method="PATCH"``."""
        kw["method"] = "PATCH"
        return await self.open(*args, **kw)

    @refusing("client")
    async def options(self, *args: Any, **kw: Any) -> TestResponse:
        """Call :meth:`open` with ``method="OPTIONS"``."""
        kw["method"] = "OPTIONS"
        return await self.open(*args, **kw)

    @refusing("client")
    async def head(self, *args: Any, **kw: Any) -> TestResponse:
        """Call :meth:`open` with ``method="HEAD"``."""
        kw["method"] = "HEAD"
        return await self.open(*args, **kw)

    @refusing("client")
    async def trace(self, *args: Any, **kw: Any) -> TestResponse:
        """Call :meth:`open` with ``method="TRACE"``."""
        kw["method"] = "TRACE"
        return await self.open(*args, **kw)

    def request(
        self,
        *args: Any,
        http_version: str | None = None,
        root_path: str | None = None,
        scope_base: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestConnection:
        """Make a request step by step: send the body in pieces, read the response as it comes.

        Args:
            args: As for :meth:`open`.
            http_version: As for :meth:`open`.
            root_path: As for :meth:`open`.
            scope_base: As for :meth:`open`.
            kwargs: As for :meth:`open`. A body given here is sent at once and is complete.

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
            subprotocols: What the client offers, in order of preference.
            http_version: As for :meth:`open`.
            root_path: As for :meth:`open`.
            scope_base: As for :meth:`open`.
            kwargs: As for :meth:`open`; ``scheme`` is ``"ws"``, and of a ``base_url`` too.

        Returns:
            A connection, to be used with ``async with``.

        Source: ``Quart: QuartClient.websocket``.
        """
        self.raise_forgotten()
        if not kwargs.get("base_url") and not kwargs.get("scheme"):
            kwargs.setdefault("url_scheme", "ws")
        for name in ("base_url", "scheme", "url_scheme"):
            value = kwargs.get(name)
            if isinstance(value, str) and value.startswith("http"):
                kwargs[name] = "ws" + value.removeprefix("http")  # and https is wss
        environ = self.make_environ(args, kwargs, http_version, root_path)
        scope = self._scope(environ, scope_base, "websocket")
        if subprotocols:
            scope["subprotocols"] = list(subprotocols)
            offer = ", ".join(subprotocols).encode("latin-1")
            scope["headers"].append((b"sec-websocket-protocol", offer))
        return self.websocket_connection_class(self, scope, environ)

    # -- cookies and session -----------------------------------------------------------------------

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Cookie | None:
        """Return the cookie that is kept under ``(domain, path, key)``, or ``None``.

        Source: ``Flask: testing.FlaskClient.get_cookie``.
        """
        return self._browser.get_cookie(key, domain, path)

    @with_server_name(cookie_to_set)
    def set_cookie(
        self,
        key: str,
        value: str = "",
        *,
        domain: str = "localhost",
        origin_only: bool = True,
        path: str = "/",
        **kwargs: Any,
    ) -> None:
        """Keep a cookie, to be sent with the requests it matches.

        Quart's ``set_cookie(server_name, key, value, ...)`` does the same.

        Args:
            key: Its name.
            value: Its value.
            domain: The host it belongs to.
            origin_only: Whether subdomains of ``domain`` do not get it.
            path: Only sent with this path and those below it.
            kwargs: As :func:`werkzeug.http.dump_cookie` takes them.

        Source: ``Flask: testing.FlaskClient.set_cookie``.
        """
        self._browser.set_cookie(
            key, value, domain=domain, origin_only=origin_only, path=path, **kwargs
        )

    @with_server_name(cookie_to_delete)
    def delete_cookie(self, key: str, *, domain: str = "localhost", path: str = "/") -> None:
        """Forget a cookie.

        Quart's ``delete_cookie(server_name, key, ...)`` does the same.

        Source: ``Flask: testing.FlaskClient.delete_cookie``.
        """
        self._browser.delete_cookie(key, domain=domain, path=path)

    def session_transaction(self, *args: Any, **kwargs: Any) -> SessionTransaction:
        """Read and change the session that the next request will find.

        ``async with client.session_transaction() as session:``; the session is saved when the block
        ends without an exception. With a synchronous session interface plain ``with`` works too.

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
            " `await client.get(...)` in it."
        )

    def __exit__(self, *details: object) -> None:
        """Never reached; Python looks for it before it enters."""

    async def __aenter__(self) -> TestClient:
        if self.preserve_context:
            raise RuntimeError(
                f"{self!r} was entered while it was entered already. Make a second client with"
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
        """Make the contexts that the last request left the current ones, in the test's own task.

        Called by the connections when they end.
        """
        contexts, self._new_contexts[:] = self._new_contexts[:], []
        for context in contexts:
            await self._contexts.enter_async_context(context)

    # -- from arguments to messages ----------------------------------------------------------------

    def _base(self, over: Mapping[str, Any] | None) -> dict[str, Any]:
        return {**self.environ_base, **(over or {})}

    def make_environ(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        http_version: str | None = None,
        root_path: str | None = None,
    ) -> dict[str, Any]:
        """Make the WSGI environ that the arguments of :meth:`open` describe."""
        given = args[0] if args else None
        if isinstance(given, werkzeug.test.EnvironBuilder):
            builder = copy(given)
            builder.environ_base = self._base(builder.environ_base)
            environ = builder.get_environ()
        elif isinstance(given, dict):
            environ = self._base(given)
        elif isinstance(given, Request):
            environ = self._base(given.environ)
        else:
            kwargs["environ_base"] = self._base(kwargs.get("environ_base"))
            builder = EnvironBuilder(self.application, *args, **kwargs)
            try:
                environ = builder.get_environ()
                # The files may be closed with the builder: what they hold is read now.
                body_of(environ)
            finally:
                builder.close()
        if http_version is not None:
            environ["SERVER_PROTOCOL"] = f"HTTP/{http_version}"
        if root_path is not None:
            environ["SCRIPT_NAME"] = root_path
            if environ["PATH_INFO"].startswith(f"{root_path}/"):
                # Quart's clients name the whole path, as ASGI's scope does.
                environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(root_path)
        self._browser.add_cookies(environ)
        return environ

    def _scope(
        self,
        environ: dict[str, Any],
        scope_base: Mapping[str, Any] | None,
        kind: str = "http",
    ) -> Scope:
        scope = connection_scope(environ, kind)
        if kind == "http" and scope["http_version"] in ("2", "3"):
            scope["extensions"] = {name: {} for name in _PUSH_EXTENSIONS}
        if self.state is not None:
            scope["state"] = self.state.copy()
        if self.preserve_context:
            scope[PRESERVE_CONTEXT] = self._new_contexts.append
        scope.update(scope_base or {})
        return scope

    def make_response(
        self, environ: dict[str, Any], status: int, headers: Headers, body: bytes
    ) -> TestResponse:
        """Wrap what an app answered to the request that ``environ`` describes."""
        line = f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown').upper()}"
        response = self.response_wrapper([body], line, headers, request=Request(environ))
        response.json_module = cast(Any, self.application.json)
        return response

    def store_cookies(self, environ: dict[str, Any], headers: Headers) -> None:
        """Keep the cookies that the answer to the request of ``environ`` sets."""
        self._browser.store_cookies(environ, headers)

    async def _exchange(
        self, environ: dict[str, Any], scope_base: Mapping[str, Any] | None
    ) -> TestResponse:
        await self._contexts.aclose()  # What an earlier request left does not reach into this one.
        scope = self._scope(environ, scope_base)
        async with self.http_connection_class(self, scope, environ) as connection:
            await connection.send_complete()
        self.push_promises = connection.push_promises
        response: TestResponse = await connection.as_response()
        return response

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.application!r}>"
