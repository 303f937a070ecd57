"""The test client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from http.cookiejar import CookieJar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from urllib.request import Request as URLRequest

from werkzeug.datastructures import Authorization, Headers
from werkzeug.http import dump_cookie

from ...sessions import SessionMixin
from .connections import TestHTTPConnection, TestWebsocketConnection
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


class _ForCookieJar:
    """A response as :class:`http.cookiejar.CookieJar` reads it."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def info(self) -> Self:
        """Return the headers."""
        return self

    def get_all(self, name: str, default: Any = None) -> list[str]:
        """Return the values of a header.

        Args:
            name: The header.
            default: Not used.
        """
        return self._headers.getlist(name)


class QuartClient:
    """A client that calls an app without a server.

    An error that the app does not handle is a response with status 500.

    Args:
        app: The app.
        use_cookies: Whether it keeps cookies from one request to the next.

    Source: ``Quart: testing.QuartClient``.
    """

    http_connection_class: type[TestHTTPConnection] = TestHTTPConnection
    websocket_connection_class: type[TestWebsocketConnection] = TestWebsocketConnection

    def __init__(self, app: Quart, use_cookies: bool = True) -> None:
        self.app = app
        self.cookie_jar: CookieJar | None = CookieJar() if use_cookies else None
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
    ) -> TestHTTPConnection:
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
    ) -> TestWebsocketConnection:
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

    async def delete(self, *args: Any, **kwargs: Any) -> Response:
        """Make a DELETE request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="DELETE", **kwargs)

    async def get(self, *args: Any, **kwargs: Any) -> Response:
        """Make a GET request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="GET", **kwargs)

    async def head(self, *args: Any, **kwargs: Any) -> Response:
        """Make a HEAD request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="HEAD", **kwargs)

    async def options(self, *args: Any, **kwargs: Any) -> Response:
        """Make an OPTIONS request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="OPTIONS", **kwargs)

    async def patch(self, *args: Any, **kwargs: Any) -> Response:
        """Make a PATCH request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="PATCH", **kwargs)

    async def post(self, *args: Any, **kwargs: Any) -> Response:
        """Make a POST request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="POST", **kwargs)

    async def put(self, *args: Any, **kwargs: Any) -> Response:
        """Make a PUT request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="PUT", **kwargs)

    async def trace(self, *args: Any, **kwargs: Any) -> Response:
        """Make a TRACE request.

        Args:
            args: As for :meth:`open`.
            kwargs: As for :meth:`open`.
        """
        return await self.open(*args, method="TRACE", **kwargs)

    # -- cookies -----------------------------------------------------------------------------------

    def set_cookie(
        self,
        server_name: str,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | int | float | None = None,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
    ) -> None:
        """Keep a cookie, which is sent with every request.

        Args:
            server_name: The host that sets the cookie.
            key: Its name.
            value: Its value.
            max_age: Its lifetime.
            expires: The end of its lifetime.
            path: The path that it is set at.
            domain: Its domain.
            secure: As :func:`werkzeug.http.dump_cookie` takes it.
            httponly: As above.
            samesite: As above.

        Source: ``Quart: QuartClient.set_cookie``.
        """
        cookie = dump_cookie(
            key,
            value,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
        )
        self._keep_cookies(Headers([("Set-Cookie", cookie)]), f"http://{server_name}{path}")

    def delete_cookie(
        self, server_name: str, key: str, path: str = "/", domain: str | None = None
    ) -> None:
        """Delete a cookie.

        Args:
            server_name: The host that has set the cookie.
            key: Its name.
            path: Its path.
            domain: Its domain.

        Source: ``Quart: QuartClient.delete_cookie``.
        """
        self.set_cookie(server_name, key, path=path, domain=domain, expires=0, max_age=0)

    def _jar(self) -> CookieJar:
        if self.cookie_jar is None:
            raise RuntimeError(
                "Cookies were needed, and this client was made with use_cookies=False. Write"
                " `app.test_client()`."
            )
        return self.cookie_jar

    def _keep_cookies(self, headers: Headers, url: str) -> None:
        self._jar().extract_cookies(_ForCookieJar(headers), URLRequest(url))  # type: ignore[arg-type]

    def _with_cookies(self, headers: Headers) -> Headers:
        for cookie in self.cookie_jar or ():
            headers.add("cookie", f"{cookie.name}={cookie.value}")
        return headers

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
