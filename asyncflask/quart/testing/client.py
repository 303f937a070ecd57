"""The test client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from werkzeug.datastructures import Authorization, Headers

from ...sessions import SessionMixin
from ...typing import Overridable
from ..typing import TestHTTPConnectionProtocol, TestWebsocketConnectionProtocol
from .connections import TestHTTPConnection, TestWebsocketConnection
from .cookies import ClientCookies
from .http_methods import MethodShortcuts
from .utils import (
    HeadersArgument,
    make_test_body_with_headers,
    make_test_headers_path_and_query_string,
    make_test_scope,
    sentinel,
)

if TYPE_CHECKING:
    from ..app import Quart
    from ..wrappers import Response

Auth = Authorization | tuple[str, str] | None


class QuartClient(ClientCookies, MethodShortcuts):
    """A client that calls an app without a server.

    An error that the app does not handle is a response with status 500.

    Args:
        app: The app.
        use_cookies: Whether it keeps cookies from one request to the next.

    Source: ``Quart: testing.QuartClient``.
    """

    http_connection_class: type[TestHTTPConnectionProtocol] = TestHTTPConnection
    websocket_connection_class: type[TestWebsocketConnectionProtocol] = TestWebsocketConnection

    def __init__(self, app: Quart, use_cookies: bool = True) -> None:
        super().__init__(use_cookies)
        self.app = app
        self.preserve_context = False
        self.push_promises: list[tuple[str, Headers]] = []
        #: the lifespan's state, of which each request gets a copy
        self.state: dict[str, Any] | None = None
        self._contexts = AsyncExitStack()

    # -- requests ----------------------------------------------------------------------------------

    async def open(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: HeadersArgument = None,
        data: str | bytes | None = None,
        form: dict[str, Any] | None = None,
        files: dict[str, Any] | None = None,
        query_string: dict[str, Any] | None = None,
        json: Any = sentinel,
        scheme: str = "http",
        follow_redirects: bool = False,
        root_path: str = "",
        http_version: str = "1.1",
        scope_base: dict[str, Any] | None = None,
        auth: Auth = None,
        subdomain: str | None = None,
    ) -> Response:
        """Make a request.

        Args:
            path: The path.
            method: The method.
            headers: The headers.
            data: The body.
            form: The fields of a form.
            files: The uploads of a form.
            query_string: The query string.
            json: A value that is sent as JSON.
            scheme: The scheme.
            follow_redirects: Whether redirects are followed.
            root_path: The prefix that the app is mounted at.
            http_version: The version of HTTP.
            scope_base: Keys that replace those of the ASGI scope.
            auth: Name and password, or the whole ``Authorization`` header.
            subdomain: Put before ``SERVER_NAME``.

        Returns:
            The response, whose data are awaited.

        Source: ``Quart: QuartClient.open``.
        """
        self.push_promises = []
        # In the order in which _make_request() has them.
        options: dict[str, Any] = {
            "headers": headers,
            "data": data,
            "form": form,
            "files": files,
            "query_string": query_string,
            "json": json,
            "scheme": scheme,
            "root_path": root_path,
            "http_version": http_version,
            "scope_base": scope_base,
            "auth": auth,
            "subdomain": subdomain,
        }
        response = await self._make_request(path, method, *options.values())
        while follow_redirects and 300 <= response.status_code < 400:
            if response.status_code in (302, 303):
                method = "GET"
                options |= {"data": None, "form": None, "files": None, "json": sentinel}
            target = urlsplit(response.location or "/")
            if target.netloc and subdomain is None:
                options["headers"] = Headers(headers)
                options["headers"]["host"] = target.netloc
            options["scheme"] = target.scheme or options["scheme"]
            options["query_string"] = None
            path = f"{target.path}?{target.query}" if target.query else target.path
            response = await self._make_request(path, method, *options.values())
        return response

    # COMPAT: extensions override it, and call it with positional arguments.
    async def _make_request(
        self,
        path: str,
        method: str,
        headers: HeadersArgument,
        data: str | bytes | None,
        form: dict[str, Any] | None,
        files: dict[str, Any] | None,
        query_string: dict[str, Any] | None,
        json: Any,
        scheme: str,
        root_path: str,
        http_version: str,
        scope_base: dict[str, Any] | None,
        auth: Auth = None,
        subdomain: str | None = None,
    ) -> Response:
        await self._contexts.aclose()
        body, own_headers = make_test_body_with_headers(
            data=data, form=form, files=files, json=json, app=self.app
        )
        headers = Headers(headers)
        for name, value in own_headers:
            headers.setdefault(name, value)
        if body:
            headers.setdefault("Content-Length", str(len(body)))
        connection = self.request(
            path,
            method=method,
            headers=headers,
            query_string=query_string,
            scheme=scheme,
            root_path=root_path,
            http_version=http_version,
            scope_base=scope_base,
            auth=auth,
            subdomain=subdomain,
        )
        async with connection:
            if body:
                await connection.send(body)
            await connection.send_complete()
        for context in connection.kept:
            await self._contexts.enter_async_context(context)
        response = await connection.as_response()
        self.push_promises.extend(connection.push_promises)
        if self.cookie_jar is not None:
            host = dict(connection.scope["headers"])[b"host"].decode("latin-1")
            self._keep_cookies(response.headers, f"{scheme}://{host}{connection.scope['path']}")
        return response

    def request(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: HeadersArgument = None,
        query_string: dict[str, Any] | None = None,
        scheme: str = "http",
        root_path: str = "",
        http_version: str = "1.1",
        scope_base: dict[str, Any] | None = None,
        auth: Auth = None,
        subdomain: str | None = None,
    ) -> Overridable[TestHTTPConnection]:
        """Make a request in steps.

        Args:
            path: The path.
            method: The method.
            headers: The headers.
            query_string: The query string.
            scheme: The scheme.
            root_path: The prefix that the app is mounted at.
            http_version: The version of HTTP.
            scope_base: Keys that replace those of the ASGI scope.
            auth: Name and password, or the whole ``Authorization`` header.
            subdomain: Put before ``SERVER_NAME``.

        Returns:
            A connection, for ``async with``.

        Source: ``Quart: QuartClient.request``.
        """
        made, path, query = make_test_headers_path_and_query_string(
            self.app, path, headers, query_string, auth, subdomain
        )
        scope = make_test_scope(
            "http",
            path,
            method,
            self._with_cookies(made),
            query,
            scheme,
            root_path,
            http_version,
            self._with_state(scope_base),
            _preserve_context=self.preserve_context,
        )
        return self.http_connection_class(self.app, scope, _preserve_context=self.preserve_context)

    def websocket(
        self,
        path: str,
        *,
        headers: HeadersArgument = None,
        query_string: dict[str, Any] | None = None,
        scheme: str = "ws",
        subprotocols: list[str] | None = None,
        root_path: str = "",
        http_version: str = "1.1",
        scope_base: dict[str, Any] | None = None,
        auth: Auth = None,
        subdomain: str | None = None,
    ) -> Overridable[TestWebsocketConnection]:
        """Open a websocket.

        Args:
            path: The path.
            headers: The headers.
            query_string: The query string.
            scheme: The scheme.
            subprotocols: Those that the client offers.
            root_path: The prefix that the app is mounted at.
            http_version: The version of HTTP.
            scope_base: Keys that replace those of the ASGI scope.
            auth: Name and password, or the whole ``Authorization`` header.
            subdomain: Put before ``SERVER_NAME``.

        Returns:
            A connection, for ``async with``.

        Source: ``Quart: QuartClient.websocket``.
        """
        made, path, query = make_test_headers_path_and_query_string(
            self.app, path, headers, query_string, auth, subdomain
        )
        scope = make_test_scope(
            "websocket",
            path,
            "GET",
            self._with_cookies(made),
            query,
            scheme,
            root_path,
            http_version,
            {"subprotocols": subprotocols or [], **(self._with_state(scope_base) or {})},
            _preserve_context=self.preserve_context,
        )
        return self.websocket_connection_class(self.app, scope)

    def _with_state(self, scope_base: dict[str, Any] | None) -> dict[str, Any] | None:
        if self.state is None:
            return scope_base
        return {"state": self.state.copy(), **(scope_base or {})}

    # -- session and contexts ----------------------------------------------------------------------

    @asynccontextmanager
    async def session_transaction(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        headers: HeadersArgument = None,
        query_string: dict[str, Any] | None = None,
        scheme: str = "http",
        data: str | bytes | None = None,
        form: dict[str, Any] | None = None,
        json: Any = sentinel,
        root_path: str = "",
        http_version: str = "1.1",
        auth: Auth = None,
    ) -> AsyncIterator[SessionMixin]:
        """Read and change the session that the next request will find.

        Args:
            path: As for ``app.test_request_context()``.
            method: As there.
            headers: As there.
            query_string: As there.
            scheme: As there.
            data: As there.
            form: As there.
            json: As there.
            root_path: As there.
            http_version: As there.
            auth: As there.

        Yields:
            The session, which is saved at the end of the block.

        Raises:
            RuntimeError: The session interface opened no session.

        Source: ``Quart: QuartClient.session_transaction``.
        """
        self._jar()
        interface: Any = self.app.session_interface
        async with self.app.test_request_context(
            path,
            method=method,
            headers=self._with_cookies(Headers(headers)),
            query_string=query_string,
            scheme=scheme,
            data=data,
            form=form,
            json=json,
            root_path=root_path,
            http_version=http_version,
            auth=auth,
        ) as ctx:
            session = await interface.open_session(self.app, ctx.request)
            if session is None:
                raise RuntimeError(
                    f"{interface!r} opened no session. Set app.secret_key, or check the"
                    " interface's open_session()."
                )
            yield session
            if interface.is_null_session(session):
                return
            response = self.app.response_class(b"")
            await interface.save_session(self.app, session, response)
            self._keep_cookies(response.headers, ctx.request.url)

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
        await self._contexts.aclose()
