"""Test an app without a server: clients, lifespan, commands. See ``docs/how-to/test.md``."""

from __future__ import annotations

from werkzeug.test import TestResponse

from ..exceptions import WebsocketDisconnect
from .asgi_connection import ASGIConnection, IllegalMessage
from .builder import EnvironBuilder
from .cli import CliRunner
from .client import TestClient
from .connection import TestConnection
from .lifespan import LifespanError, TestApp
from .websocket import TestWebsocket, WebsocketDisconnectError, WebsocketResponseError
from .wire import WireClient, WireConnection

__all__ = [
    "ASGIConnection",
    "CliRunner",
    "EnvironBuilder",
    "IllegalMessage",
    "LifespanError",
    "TestApp",
    "TestClient",
    "TestConnection",
    "TestResponse",
    "TestWebsocket",
    "WebsocketDisconnect",
    "WebsocketDisconnectError",
    "WebsocketResponseError",
    "WireClient",
    "WireConnection",
]
