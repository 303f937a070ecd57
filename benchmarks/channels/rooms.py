"""The app that clients of one channel ask: a websocket, an event stream, a view that publishes."""

from __future__ import annotations

import os

from asyncflask import Flask, request
from asyncflask.channels import Channels

from ..servers.apps import VARIABLE
from .peers import CHANNEL

app = Flask(__name__)
app.config["CHANNELS_URL"] = os.environ.get(VARIABLE, "memory://")
channels = Channels(app)


@app.websocket("/websocket")
async def connect() -> None:
    """Send each message of the channel."""
    await channels.relay(CHANNEL)


@app.get("/events")
async def events():
    """Send each message of the channel as an event."""
    return channels.event_stream(CHANNEL)


@app.post("/publish")
async def publish():
    """Publish the body."""
    await channels.publish(CHANNEL, await request.get_data(as_text=True))
    return "", 204
