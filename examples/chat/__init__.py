"""A chat: rooms, names, who joins and who leaves.

- ``rooms.py``: who is in which room, and how a message reaches all of them
- ``static/chat.js``: the browser's side of the websocket

Messages are JSON. The browser sends ``{"text": …}``. The messages that it gets have a ``type``:
``people`` (who is in the room, its own name, and the worker's process), ``join``, ``leave``,
``message``.
"""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any

from asyncflask import (
    Blueprint,
    Flask,
    WebsocketDisconnect,
    abort,
    g,
    json,
    redirect,
    render_template,
    request,
    url_for,
    websocket,
)
from asyncflask.channels import ChannelsUnavailable

from . import rooms
from .rooms import Visit

bp = Blueprint(
    "chat", __name__, url_prefix="/chat", template_folder="templates", static_folder="static"
)

ROOM = re.compile(r"[a-z0-9-]{1,30}")
NAME_LENGTH = 30
TEXT_LENGTH = 1000
#: The close code "try again later", after which the browser connects again.
TRY_AGAIN_LATER = 1013


def init_app(app: Flask) -> None:
    """Register the chat on ``app``."""
    rooms.channels.init_app(app)
    app.register_blueprint(bp)


@bp.url_value_preprocessor
def check_room(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Answer 404 for a text that cannot be a room's name, for page and websocket."""
    room = (values or {}).get("room")
    if room is not None and not ROOM.fullmatch(room):
        abort(404, "A room's name is made of a to z, 0 to 9 and hyphens.")


@bp.get("/")
async def lobby() -> Any:
    """Show the rooms; ``?room=`` and ``?name=`` lead into one."""
    if "room" in request.args:
        room = re.sub(r"[^a-z0-9]+", "-", request.args["room"].lower()).strip("-")[:30]
        name = request.args.get("name", "")
        return redirect(url_for("chat.room", room=room or "lounge", name=name))
    return render_template("chat/lobby.html", rooms=await rooms.sizes(), name=known_name())


@bp.get("/<room>")
async def room(room: str) -> Any:
    """Show a room."""
    name = request.args.get("name") or known_name()
    return render_template("chat/room.html", room=room, name=name)


def known_name() -> str:
    """Return the name of the user who is logged in, if there is one."""
    return str(g.user["name"]) if g.get("user") else ""


@bp.websocket("/<room>/ws")
async def talk(room: str) -> None:
    """Let a member take part until the connection ends."""
    name = " ".join(websocket.args.get("name", "").split())[:NAME_LENGTH] or "Guest"
    await websocket.accept()
    try:
        async with rooms.visit(room, name) as visit:
            # Another task sends, so that a browser that does not read can still say something.
            sender = asyncio.create_task(deliver(visit))
            try:
                async for message in websocket:
                    text = _text_of(message)
                    if text:
                        await visit.say(text)
            finally:
                sender.cancel()
    except ChannelsUnavailable:
        await websocket.close(TRY_AGAIN_LATER)


def _text_of(message: str | bytes) -> str:
    """Return the text of a message; empty if the message is not one of this chat."""
    try:
        text = json.loads(message)["text"]
    except (ValueError, TypeError, KeyError):
        return ""
    return text.strip()[:TEXT_LENGTH] if isinstance(text, str) else ""


async def deliver(visit: Visit) -> None:
    """Send a member the messages of the room."""
    people = {"type": "people", "names": visit.people, "you": visit.name, "process": os.getpid()}
    try:
        await websocket.send_json(people)
        async for message in visit.messages:
            if message.id != visit.joined:
                await websocket.send(message.text)
    except WebsocketDisconnect:
        pass  # The view gets this error too, and ends.
