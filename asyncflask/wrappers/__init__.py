"""The objects that views meet: requests, responses, websockets."""

from __future__ import annotations

from .request import Request
from .response import Response
from .sync import SyncRequest
from .websocket import SyncWebsocket, Websocket

__all__ = ["Request", "Response", "SyncRequest", "SyncWebsocket", "Websocket"]
