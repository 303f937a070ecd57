"""What a request and a websocket share."""

from __future__ import annotations

from typing import Any, Self

from werkzeug.datastructures import Headers

from ...wrappers.http_connection import HTTPConnection, lazy
from ..utils import encode_headers
from .unconnected import Unconnected, nothing_to_receive, send_nothing


class BaseRequestWebsocket(HTTPConnection):
    """A request or a websocket's handshake.

    A served one is made by its context; a test may make one from its parts.

    Args:
        method: The HTTP method.
        scheme: ``http``, ``https``, ``ws`` or ``wss``.
        path: The path, below ``root_path``.
        query_string: The part of the URL after the question mark.
        headers: The headers.
        root_path: The prefix that the app is mounted at.
        http_version: The version of HTTP.
        scope: The ASGI scope.

    Source: ``Quart: wrappers.base.BaseRequestWebsocket``.
    """

    _ctx: Any
    #: the scope that one made by hand was given
    _made_of: Any = None

    @lazy
    def remote_addr(self) -> str | None:
        """The client's address; ``<local>`` where the server knows none.

        One that is made by hand has what its header ``Remote-Addr`` says.
        """
        if self._made_of is not None:
            return self.headers.get("Remote-Addr")
        client = self._ctx.scope.get("client")
        return (client and client[0]) or "<local>"

    @property
    def scope(self) -> Any:
        """The ASGI scope."""
        return self._ctx.scope if self._made_of is None else self._made_of

    def __init__(
        self,
        method: str,
        scheme: str,
        path: str,
        query_string: bytes,
        headers: Headers,
        root_path: str,
        http_version: str,
        scope: Any,
    ) -> None:
        whole = {
            "extensions": {},
            **scope,
            "type": scope.get("type") or ("websocket" if scheme in ("ws", "wss") else "http"),
            "scheme": scheme,
            "path": f"{root_path}{path}",
            "query_string": query_string,
            "headers": encode_headers(headers),
            "root_path": root_path,
            "http_version": http_version,
        }
        if whole["type"] == "http":
            whole["method"] = method
        self._ctx = Unconnected(whole, headers, nothing_to_receive, send_nothing)
        self._made_of = scope
        self.headers = headers

    @property
    def json_module(self) -> Any:
        """The app's JSON provider."""
        return self._ctx.app.json

    @classmethod
    def of_context(cls, ctx: Any) -> Self:
        """Make the request or websocket of a context.

        Args:
            ctx: The context.
        """
        self = cls.__new__(cls)
        self._ctx = ctx
        return self

    @property
    def connection_context(self) -> Any:
        """The context that has the connection's messages."""
        return self._ctx

    def move_to(self, ctx: Any) -> None:
        """Belong to another context from now on.

        Args:
            ctx: The context.
        """
        ctx.scope["headers"] = encode_headers(self.headers)
        self._ctx = ctx
