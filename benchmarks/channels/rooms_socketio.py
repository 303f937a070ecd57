"""The app of ``rooms.py`` on python-socketio, with Redis: a room whose clients speak Socket.IO."""

from __future__ import annotations

import os

import socketio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..servers.apps import VARIABLE
from .peers import CHANNEL

#: Seconds between two pings: the clients answer none, so a measurement has to be over before.
PING = 600

manager = socketio.AsyncRedisManager(os.environ.get(VARIABLE, "redis://127.0.0.1:6379"))
server = socketio.AsyncServer(async_mode="asgi", client_manager=manager, ping_interval=PING)


@server.event
async def connect(sid: str, environ: object) -> None:
    """Let a client into the room."""
    await server.enter_room(sid, CHANNEL)


async def publish(request: Request) -> Response:
    """Send the body to the room."""
    await server.send((await request.body()).decode(), room=CHANNEL)
    return Response(status_code=204)


app = socketio.ASGIApp(server, Starlette(routes=[Route("/publish", publish, methods=["POST"])]))
