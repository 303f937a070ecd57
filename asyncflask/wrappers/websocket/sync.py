"""The websocket in ``def`` views: each call blocks the view's worker thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from ...concurrency.bridge import run_from_thread
from ...exceptions import WebsocketDisconnect
from ..shared_attributes import SharedAttributes
from .websocket import HandshakeHeaders, Websocket


class LeasedWorker(Protocol):
    """The worker thread of a ``def`` view."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...


class SyncContext(Protocol):
    """The context of a websocket whose view runs in a worker thread."""

    @property
    def lease(self) -> LeasedWorker: ...
    @property
    def own_connection(self) -> Websocket: ...


class SyncWebsocket(SharedAttributes):
    """The same websocket, for ``def`` views: each call blocks the view's worker thread.

    Attributes that need no waiting (``headers``, ``path``, ``args`` …) are those of
    :class:`Websocket`.

    Args:
        ctx: The context that carries the connection; its worker thread is the one that may wait.
    """

    def __init__(self, ctx: SyncContext) -> None:
        self._websocket = ctx.own_connection
        self._loop = ctx.lease.loop
        self.share_attributes(self._websocket)

    def receive(self) -> str | bytes:
        """Wait for the next message. See :meth:`Websocket.receive`."""
        return run_from_thread(self._websocket.receive(), self._loop)

    def send(self, data: str | bytes) -> None:
        """Send a message. See :meth:`Websocket.send`.

        Args:
            data: The message: text or bytes.
        """
        run_from_thread(self._websocket.send(data), self._loop)

    def receive_json(self) -> Any:
        """Receive a message and read it as JSON. See :meth:`Websocket.receive_json`."""
        return run_from_thread(self._websocket.receive_json(), self._loop)

    def send_json(self, *args: Any, **kwargs: Any) -> None:
        """Send data as JSON. See :meth:`Websocket.send_json`.

        Args:
            args: The values, as for :func:`jsonify`.
            kwargs: The values, as for :func:`jsonify`.
        """
        run_from_thread(self._websocket.send_json(*args, **kwargs), self._loop)

    def accept(
        self, headers: HandshakeHeaders | None = None, subprotocol: str | None = None
    ) -> None:
        """Complete the handshake. See :meth:`Websocket.accept`.

        Args:
            headers: Headers of the answer.
            subprotocol: The subprotocol, one of those that the client offers.
        """
        run_from_thread(self._websocket.accept(headers, subprotocol), self._loop)

    def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the websocket. See :meth:`Websocket.close`.

        Args:
            code: The code of the close frame.
            reason: The reason, at most 123 bytes of UTF-8.
        """
        run_from_thread(self._websocket.close(code, reason), self._loop)

    def __iter__(self) -> SyncWebsocket:
        """Iterate over the messages: ``for message in websocket``."""
        return self

    def __next__(self) -> str | bytes:
        """Return the next message; iteration ends quietly when the websocket does."""
        try:
            return self.receive()
        except WebsocketDisconnect:
            raise StopIteration from None

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __repr__(self) -> str:
        return repr(self._websocket).replace("Websocket", "SyncWebsocket", 1)
