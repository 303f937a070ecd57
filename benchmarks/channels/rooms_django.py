"""The app of ``rooms.py`` on Django Channels, with both layers of channels_redis."""

from __future__ import annotations

import os

import django
from channels.consumer import AsyncConsumer
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

from ..servers.apps import VARIABLE
from .peers import CHANNEL

HOSTS = [os.environ.get(VARIABLE, "redis://127.0.0.1:6379")]
settings.configure(
    CHANNEL_LAYERS={
        name: {"BACKEND": backend, "CONFIG": {"hosts": HOSTS}}
        for name, backend in {
            "core": "channels_redis.core.RedisChannelLayer",
            "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
        }.items()
    }
)
django.setup()


class Connect(AsyncWebsocketConsumer):
    """Send each message of the channel."""

    async def connect(self) -> None:
        """Accept the client."""
        await self.accept()
        await self.channel_layer.group_add(CHANNEL, self.channel_name)

    async def tell(self, event: dict[str, str]) -> None:
        """Send one."""
        await self.send(event["text"])


class Events(AsyncHttpConsumer):
    """Send each message of the channel as an event."""

    async def handle(self, body: bytes) -> None:
        """Answer the client, until it leaves."""
        await self.send_headers(headers=[(b"Content-Type", b"text/event-stream")])
        await self.send_body(b": \n\n", more_body=True)
        name = await self.channel_layer.new_channel()
        await self.channel_layer.group_add(CHANNEL, name)
        while True:
            event = await self.channel_layer.receive(name)
            await self.send_body(f"data: {event['text']}\n\n".encode(), more_body=True)


class Publish(AsyncHttpConsumer):
    """Publish the body."""

    async def handle(self, body: bytes) -> None:
        """Answer the publisher."""
        event = {"type": "tell", "text": body.decode()}
        await self.channel_layer.group_send(CHANNEL, event)
        await self.send_response(204, b"")


def make(layer: str) -> ProtocolTypeRouter:
    """Make the app.

    Args:
        layer: ``"core"`` or ``"pubsub"``.
    """

    def routes(**consumers: type[AsyncConsumer]) -> URLRouter:
        return URLRouter(
            [
                path(name, type(name, (consumer,), {"channel_layer_alias": layer}).as_asgi())
                for name, consumer in consumers.items()
            ]
        )

    return ProtocolTypeRouter(
        {"http": routes(events=Events, publish=Publish), "websocket": routes(websocket=Connect)}
    )


core, pubsub = make("core"), make("pubsub")
