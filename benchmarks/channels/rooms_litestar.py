"""The app of ``rooms.py`` on Litestar and its channels, with Redis."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from litestar import Litestar, Request, WebSocket, get, post, websocket
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.redis import RedisChannelsPubSubBackend
from litestar.response import ServerSentEvent
from redis.asyncio import Redis

from ..servers.apps import VARIABLE
from .peers import CHANNEL

client = Redis.from_url(os.environ.get(VARIABLE, "redis://127.0.0.1:6379"))
plugin = ChannelsPlugin(RedisChannelsPubSubBackend(redis=client), channels=[CHANNEL])


@websocket("/websocket")
async def connect(socket: WebSocket) -> None:
    """Send each message of the channel."""
    await socket.accept()
    async with plugin.start_subscription(CHANNEL) as subscriber:
        async with subscriber.run_in_background(socket.send_text):
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass


@get("/events")
async def events() -> ServerSentEvent:
    """Send each message of the channel as an event."""
    return ServerSentEvent(messages())


async def messages() -> AsyncIterator[str]:
    """Yield each message of the channel."""
    async with plugin.start_subscription(CHANNEL) as subscriber:
        async for message in subscriber.iter_events():
            yield message.decode()


@post("/publish", status_code=204)
async def publish(request: Request) -> None:
    """Publish the body."""
    await plugin.wait_published(await request.body(), CHANNEL)


app = Litestar([connect, events, publish], plugins=[plugin])
