"""The objects that views meet: requests, responses, websockets."""

from __future__ import annotations

from .base import BaseRequestWebsocket as BaseRequestWebsocket
from .request import Body as Body
from .request import Request as Request
from .response import Response as Response
from .websocket import Websocket as Websocket
