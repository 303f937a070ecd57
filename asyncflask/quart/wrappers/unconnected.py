"""What a request or websocket has in the place of a context until it is put into one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from werkzeug.datastructures import Headers

from ... import json
from ..._contextvars import current
from ...concurrency.stopping import Stopping
from ...wrappers.request.headers import HeaderIndex, index_headers
from ..utils import encode_headers


class _NoApp:
    """What a connection asks of its app, where no app is current."""

    config: dict[str, Any] = {}
    debug = False
    json = json
    logger = logging.getLogger("asyncflask.quart")
    stopping = Stopping()

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function; receivers of signals are ``async def`` here."""
        return func


_no_app = _NoApp()


class Unconnected:
    """The parts of a context that a request or websocket reads.

    Args:
        scope: The ASGI scope.
        headers: The headers, which may change.
        receive: Returns the next message of the client.
        send: Sends a message to the client.
    """

    made_body = None
    url_rule = None
    view_args = None
    routing_exception = None

    def __init__(
        self,
        scope: dict[str, Any],
        headers: Headers,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        self.scope = scope
        self._headers = headers
        self.receive = receive
        self.send = send

    @property
    def header_names(self) -> HeaderIndex:
        """The headers by name, as they are now."""
        return index_headers(encode_headers(self._headers))

    @property
    def app(self) -> Any:
        """The current app, or the defaults of one."""
        ctx = current()
        return _no_app if ctx is None else ctx.app

    async def handshake_headers(self) -> list[tuple[bytes, bytes]]:
        """Return nothing: there is no session whose cookie could be set."""
        return []


async def nothing_to_receive() -> Any:
    """Report that the client has disconnected."""
    return {"type": "http.disconnect"}


async def send_nothing(message: Any) -> None:
    """Drop a message, because there is no client.

    Args:
        message: The message.
    """
