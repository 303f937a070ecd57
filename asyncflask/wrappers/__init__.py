"""The objects that views meet: requests, responses, websockets."""

from __future__ import annotations

from .request.request import Request
from .request.sync import SyncRequest
from .response.response import Response
from .websocket.sync import SyncWebsocket
from .websocket.websocket import Websocket

__all__ = ["Request", "Response", "SyncRequest", "SyncWebsocket", "Websocket"]
