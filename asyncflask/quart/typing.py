"""The types that users and our own signatures share."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from http.cookiejar import CookieJar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from werkzeug.datastructures import Authorization, Headers

from ..typing import AfterRequestCallable as AfterRequestCallable
from ..typing import AfterServingCallable as AfterServingCallable
from ..typing import AfterWebsocketCallable as AfterWebsocketCallable
from ..typing import AnyReceive, AnySend, Scope
from ..typing import AppOrBlueprintKey as AppOrBlueprintKey
from ..typing import BeforeRequestCallable as BeforeRequestCallable
from ..typing import BeforeServingCallable as BeforeServingCallable
from ..typing import BeforeWebsocketCallable as BeforeWebsocketCallable
from ..typing import ErrorHandlerCallable as ErrorHandlerCallable
from ..typing import FilePath as FilePath
from ..typing import HeadersValue as HeadersValue
from ..typing import HeaderValue as HeaderValue
from ..typing import ResponseReturnValue as ResponseReturnValue
from ..typing import ResponseTypes as ResponseTypes
from ..typing import ResponseValue as ResponseValue
from ..typing import RouteCallable as RouteCallable
from ..typing import ShellContextProcessorCallable as ShellContextProcessorCallable
from ..typing import StatusCode as StatusCode
from ..typing import TeardownCallable as TeardownCallable
from ..typing import TemplateContextProcessorCallable as TemplateContextProcessorCallable
from ..typing import TemplateFilterCallable as TemplateFilterCallable
from ..typing import TemplateGlobalCallable as TemplateGlobalCallable
from ..typing import TemplateTestCallable as TemplateTestCallable
from ..typing import URLDefaultCallable as URLDefaultCallable
from ..typing import URLValuePreprocessorCallable as URLValuePreprocessorCallable
from ..typing import WebsocketCallable as WebsocketCallable
from ..typing import WhileServingCallable as WhileServingCallable

if TYPE_CHECKING:
    from .app import Quart
    from .wrappers import Response

HeaderName = str
_ExcType = type[BaseException] | None
_Error = BaseException | None
_Traceback = TracebackType | None
_Headers = dict[str, Any] | Headers | None
_Auth = Authorization | tuple[str, str] | None


class Event(Protocol):
    """An event, as :class:`asyncio.Event`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    async def wait(self) -> bool:
        """Wait until it is set."""

    def set(self) -> None:
        """Set it."""

    def is_set(self) -> bool:
        """Tell whether it is set."""


class ASGIHTTPProtocol(Protocol):
    """A class for ``app.asgi_http_class``.

    Args:
        app: The app.
        scope: The ASGI scope.
    """

    def __init__(self, app: Quart, scope: Scope) -> None: ...

    async def __call__(self, receive: AnyReceive, send: AnySend) -> None:
        """Serve the request."""


class ASGILifespanProtocol(Protocol):
    """A class for ``app.asgi_lifespan_class``.

    Args:
        app: The app.
        scope: The ASGI scope.
    """

    def __init__(self, app: Quart, scope: Scope) -> None: ...

    async def __call__(self, receive: AnyReceive, send: AnySend) -> None:
        """Start the app up, and shut it down."""


class ASGIWebsocketProtocol(Protocol):
    """A class for ``app.asgi_websocket_class``.

    Args:
        app: The app.
        scope: The ASGI scope.
    """

    def __init__(self, app: Quart, scope: Scope) -> None: ...

    async def __call__(self, receive: AnyReceive, send: AnySend) -> None:
        """Serve the websocket."""


class TestHTTPConnectionProtocol(Protocol):
    """A class for the client's ``http_connection_class``.

    Args:
        app: The app.
        scope: The ASGI scope.
        _preserve_context: Whether the context is kept.
    """

    push_promises: list[tuple[str, Headers]]

    def __init__(self, app: Quart, scope: Scope, _preserve_context: bool = False) -> None: ...

    async def send(self, data: bytes) -> None:
        """Send a piece of the body.

        Args:
            data: The piece.
        """

    async def send_complete(self) -> None:
        """End the body."""

    async def receive(self) -> bytes:
        """Receive a piece of the response."""

    async def disconnect(self) -> None:
        """Disconnect."""

    async def __aenter__(self) -> TestHTTPConnectionProtocol: ...

    async def __aexit__(self, exc_type: _ExcType, exc_value: _Error, tb: _Traceback) -> None: ...

    async def as_response(self) -> Response:
        """Return what was received."""


class TestWebsocketConnectionProtocol(Protocol):
    """A class for the client's ``websocket_connection_class``.

    Args:
        app: The app.
        scope: The ASGI scope.
    """

    def __init__(self, app: Quart, scope: Scope) -> None: ...

    async def __aenter__(self) -> TestWebsocketConnectionProtocol: ...

    async def __aexit__(self, exc_type: _ExcType, exc_value: _Error, tb: _Traceback) -> None: ...

    async def receive(self) -> str | bytes:
        """Receive a message."""

    async def send(self, data: str | bytes) -> None:
        """Send a message.

        Args:
            data: The message.
        """

    async def receive_json(self) -> Any:
        """Receive a message that is JSON."""

    async def send_json(self, data: Any) -> None:
        """Send a value as JSON.

        Args:
            data: The value.
        """

    async def close(self, code: int) -> None:
        """Close the websocket.

        Args:
            code: The code of the close frame (:rfc:`6455` §7.4).
        """

    async def disconnect(self) -> None:
        """Disconnect."""


class TestClientProtocol(Protocol):
    """A class for ``app.test_client_class``.

    Args:
        app: The app.
        use_cookies: Whether it keeps cookies.
    """

    app: Quart
    cookie_jar: CookieJar | None
    http_connection_class: type[TestHTTPConnectionProtocol]
    push_promises: list[tuple[str, Headers]]
    websocket_connection_class: type[TestWebsocketConnectionProtocol]

    def __init__(self, app: Quart, use_cookies: bool = True) -> None: ...

    async def open(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: _Headers = None,
        data: str | bytes | None = None,
        form: dict[str, Any] | None = None,
        files: dict[str, Any] | None = None,
        query_string: dict[str, Any] | None = None,
        json: Any,
        scheme: str = "http",
        follow_redirects: bool = False,
        root_path: str = "",
        http_version: str = "1.1",
        scope_base: dict[str, Any] | None = None,
        auth: _Auth = None,
        subdomain: str | None = None,
    ) -> Response:
        """Make a request.

        Args:
            path: The path, with or without a query string.
            method: The HTTP method.
            headers: The headers.
            data: The body.
            form: The fields of a form, in place of ``data``.
            files: The files of the form.
            query_string: The query string's parameters.
            json: The value of a JSON body.
            scheme: ``"http"`` or ``"https"``.
            follow_redirects: Whether to follow them.
            root_path: The prefix at which the app is served.
            http_version: The version that the scope has.
            scope_base: Further keys of the ASGI scope.
            auth: The name and password of basic authentication.
            subdomain: The subdomain of ``SERVER_NAME``.

        Returns:
            The response.
        """

    def request(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: _Headers = None,
        query_string: dict[str, Any] | None = None,
        scheme: str = "http",
        root_path: str = "",
        http_version: str = "1.1",
        scope_base: dict[str, Any] | None = None,
        auth: _Auth = None,
        subdomain: str | None = None,
    ) -> TestHTTPConnectionProtocol:
        """Make a request in steps.

        Args:
            path: The path, with or without a query string.
            method: The HTTP method.
            headers: The headers.
            query_string: The query string's parameters.
            scheme: ``"http"`` or ``"https"``.
            root_path: The prefix at which the app is served.
            http_version: The version that the scope has.
            scope_base: Further keys of the ASGI scope.
            auth: The name and password of basic authentication.
            subdomain: The subdomain of ``SERVER_NAME``.

        Returns:
            The connection, for ``async with``.
        """

    def websocket(
        self,
        path: str,
        *,
        headers: _Headers = None,
        query_string: dict[str, Any] | None = None,
        scheme: str = "ws",
        subprotocols: list[str] | None = None,
        root_path: str = "",
        http_version: str = "1.1",
        scope_base: dict[str, Any] | None = None,
        auth: _Auth = None,
        subdomain: str | None = None,
    ) -> TestWebsocketConnectionProtocol:
        """Open a websocket.

        Args:
            path: The path, with or without a query string.
            headers: The headers.
            query_string: The query string's parameters.
            scheme: ``"ws"`` or ``"wss"``.
            subprotocols: The subprotocols that the client offers.
            root_path: The prefix at which the app is served.
            http_version: The version that the scope has.
            scope_base: Further keys of the ASGI scope.
            auth: The name and password of basic authentication.
            subdomain: The subdomain of ``SERVER_NAME``.

        Returns:
            The connection, for ``async with``.
        """

    async def delete(self, *args: Any, **kwargs: Any) -> Response:
        """Make a DELETE request.

        Args:
            args, kwargs: As for :meth:`open`.

        Returns:
            The response.
        """

    async def get(self, *args: Any, **kwargs: Any) -> Response:
        """Make a GET request.

        Args:
            args, kwargs: As for :meth:`open`.

        Returns:
            The response.
        """

    async def head(self, *args: Any, **kwargs: Any) -> Response:
        """Make a HEAD request.

        Args:
            args, kwargs: As for :meth:`open`.

        Returns:
            The response.
        """

    async def options(self, *args: Any, **kwargs: Any) -> Response:
        """Make an OPTIONS request.

        Args:
            args, kwargs: As for :meth:`open`.

        Returns:
            The response.
        """

    async def patch(self, *args: Any, **kwargs: Any) -> Response:
        """Make a PATCH request.

        Args:
            args, kwargs: As for :meth:`open`.

        Returns:
            The response.
        """

    async def post(self, *args: Any, **kwargs: Any) -> Response:
        """Make a POST request.

        Args:
            args, kwargs: As for :meth:`open`.

        Returns:
            The response.
        """

    async def put(self, *args: Any, **kwargs: Any) -> Response:
        """Make a PUT request.

        Args:
            args, kwargs: As for :meth:`open`.

        Returns:
            The response.
        """

    async def trace(self, *args: Any, **kwargs: Any) -> Response:
        """Make a TRACE request.

        Args:
            args, kwargs: As for :meth:`open`.

        Returns:
            The response.
        """

    def set_cookie(
        self,
        server_name: str,
        key: str,
        value: str = "",
        max_age: int | timedelta | None = None,
        expires: int | float | datetime | None = None,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        charset: str = "utf-8",
    ) -> None:
        """Keep a cookie.

        Args:
            server_name: The host that it is sent to.
            key: Its name.
            value: Its value.
            max_age: Seconds until it expires.
            expires: When it expires.
            path: The path below which it is sent.
            domain: Its domain; with one, subdomains get it too.
            secure: Whether HTTPS alone sends it.
            httponly: Whether scripts cannot read it.
            samesite: ``"Strict"``, ``"Lax"`` or ``"None"``.
            charset: Not used: cookies are UTF-8.
        """

    def delete_cookie(
        self, server_name: str, key: str, path: str = "/", domain: str | None = None
    ) -> None:
        """Delete a cookie.

        Args:
            server_name: The host that it is sent to.
            key: Its name.
            path: Its path.
            domain: Its domain.
        """

    def session_transaction(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        headers: _Headers = None,
        query_string: dict[str, Any] | None = None,
        scheme: str = "http",
        data: str | bytes | None = None,
        form: dict[str, Any] | None = None,
        json: Any = None,
        root_path: str = "",
        http_version: str = "1.1",
    ) -> AbstractAsyncContextManager[Any]:
        """Read and change the session.

        Args:
            path: The path, with or without a query string.
            method: The HTTP method.
            headers: The headers.
            query_string: The query string's parameters.
            scheme: ``"http"`` or ``"https"``.
            data: The body.
            form: The fields of a form, in place of ``data``.
            json: The value of a JSON body.
            root_path: The prefix at which the app is served.
            http_version: The version that the scope has.

        Returns:
            The session, for ``async with``.
        """

    async def __aenter__(self) -> TestClientProtocol: ...

    async def __aexit__(self, exc_type: _ExcType, exc_value: _Error, tb: _Traceback) -> None: ...


class TestAppProtocol(Protocol):
    """A class for ``app.test_app_class``.

    Args:
        app: The app.
    """

    def __init__(self, app: Quart) -> None: ...

    def test_client(self) -> TestClientProtocol:
        """Make a client."""

    async def startup(self) -> None:
        """Start the app up."""

    async def shutdown(self) -> None:
        """Shut the app down."""

    async def __aenter__(self) -> TestAppProtocol: ...

    async def __aexit__(self, exc_type: _ExcType, exc_value: _Error, tb: _Traceback) -> None: ...
