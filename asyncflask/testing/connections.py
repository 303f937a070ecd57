"""The connections of the test client under the names that Quart's module of this name has."""

from __future__ import annotations

from .connection import TestConnection as TestHTTPConnection
from .websocket import TestWebsocket as TestWebsocketConnection
from .websocket import WebsocketDisconnectError, WebsocketResponseError

__all__ = [
    "TestHTTPConnection",
    "TestWebsocketConnection",
    "WebsocketDisconnectError",
    "WebsocketResponseError",
]
