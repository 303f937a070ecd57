"""The app's methods that make contexts, and those that serve a request made by hand."""

from __future__ import annotations

import asyncio
import typing as t

from werkzeug.datastructures import Authorization

from .._contextvars import current
from ..context import Context
from ..dispatch.scope_types import HTTP, WEBSOCKET
from ..typing import Overridable, Receive, Scope, Send
from .ctx import AppContext, RequestContext, WebsocketContext
from .steps import QuartSteps
from .testing.utils import (
    HeadersArgument,
    make_test_body_with_headers,
    make_test_headers_path_and_query_string,
    make_test_scope,
    no_op_push,
    sentinel,
)
from .wrappers import Request, Response, Websocket
from .wrappers.request import PushPromise


class AppContexts(QuartSteps):
    """An app whose contexts are Quart's."""

    request_class = Request
    connection_contexts = {
        "http": RequestContext.of_served,
        "websocket": WebsocketContext.of_served,
    }

    def app_context(self) -> AppContext:
        """Return a context for using the app outside of a request: ``async with``."""
        return AppContext(self)

    def request_context(self, request: Request) -> RequestContext:
        """Return the context of a request.

        Args:
            request: The request.
        """
        return RequestContext(self, request)

    def websocket_context(self, websocket: Websocket) -> WebsocketContext:
        """Return the context of a websocket.

        Args:
            websocket: The websocket.
        """
        return WebsocketContext(self, websocket)

    def background_context(self) -> Context | None:
        """Return the context on which a background task begins: a copy of the current request's."""
        ctx: Context | None = current()
        served = None if ctx is None else ctx.request_context
        return None if served is None or served.app is not self else served.copy()

    def make_connection_context(
        self, name: str, scope: Scope, receive: Receive, send: Send
    ) -> Context:
        """Make a context by a replaced :meth:`request_context` or :meth:`websocket_context`.

        Args:
            name: The method's name.
            scope: The ASGI scope.
            receive: Returns the next message of the client.
            send: Sends a message to the client.
        """
        kind = HTTP if name == HTTP.context else WEBSOCKET
        ctx = self.connection_contexts[kind.name](self, kind, scope, receive, send)
        made: Context = getattr(self, name)(ctx.connect())
        return made

    async def handle_request(self, request: Request) -> Overridable[Response]:
        """Answer a request that was made by hand.

        Args:
            request: The request.

        Returns:
            The response.
        """
        async with self.request_context(request) as ctx:
            try:
                return t.cast(Response, await self.full_dispatch_request(ctx))
            except Exception as error:
                return t.cast(Response, await self.handle_exception(error))

    async def handle_websocket(self, websocket: Websocket) -> Overridable[Response | None]:
        """Serve a websocket that was made by hand.

        Args:
            websocket: The websocket.

        Returns:
            The response; ``None`` if there is none to be sent.
        """
        async with self.websocket_context(websocket) as ctx:
            websocket.watch_handshake(asyncio.current_task())
            try:
                answer = await self.full_dispatch_websocket(ctx)
            except Exception as error:
                answer = await self.handle_websocket_exception(error)
            finally:
                await websocket.connection.stop()
            return t.cast("Response | None", answer)

    def test_request_context(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: HeadersArgument = None,
        query_string: dict[str, t.Any] | None = None,
        scheme: str = "http",
        send_push_promise: PushPromise = no_op_push,
        data: str | bytes | None = None,
        form: dict[str, t.Any] | None = None,
        json: object = sentinel,
        root_path: str = "",
        http_version: str = "1.1",
        scope_base: dict[str, t.Any] | None = None,
        auth: Authorization | tuple[str, str] | None = None,
        subdomain: str | None = None,
    ) -> RequestContext:
        """Return the context of a request for tests and the shell.

        Args:
            path: The path.
            method: The method.
            headers: The headers.
            query_string: The query string.
            scheme: The scheme.
            send_push_promise: Called by ``request.send_push_promise``.
            data: The body.
            form: The fields of a form.
            json: A value that is sent as JSON.
            root_path: The prefix that the app is mounted at.
            http_version: The version of HTTP.
            scope_base: Keys that replace those of the ASGI scope.
            auth: Name and password, or the whole ``Authorization`` header.
            subdomain: Put before ``SERVER_NAME``.

        Returns:
            The context, for ``async with``.
        """
        made, path, query = make_test_headers_path_and_query_string(
            self, path, headers, query_string, auth, subdomain
        )
        body, own = make_test_body_with_headers(data=data, form=form, json=json, app=self)
        for name, value in own:
            made.setdefault(name, value)
        scope = make_test_scope(
            "http", path, method, made, query, scheme, root_path, http_version, scope_base
        )
        request = self.request_class(
            method,
            scheme,
            path,
            query,
            made,
            root_path,
            http_version,
            scope,
            send_push_promise=send_push_promise,
        )
        t.cast(t.Any, request.body).set_result(body)
        return self.request_context(request)
