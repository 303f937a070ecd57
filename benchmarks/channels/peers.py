"""What is measured, in one form: it publishes to one channel, and gives each subscriber a function.

The client libraries do the least that works: they keep no message, number none, and connect again
only if they do so themselves. A subscriber is what their documentation shows: of Redis
and PostgreSQL a connection, of NATS a subscription of one connection.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from asyncflask import Flask
from asyncflask.channels import Channels

Receive = Callable[[], Awaitable[bytes]]

CHANNEL = "bench"
#: Seconds in which a publisher waits for the server.
TIMEOUT = 1.0
#: Seconds in which a peer has to close.
CLOSE = 5.0
#: Seconds in which a server takes a subscription.
SETTLE = 0.2


class Peer(abc.ABC):
    """A way to send messages to subscribers.

    Args:
        url: The server's.
    """

    title: str
    distribution = ""

    def __init__(self, url: str) -> None:
        self.url = url
        self._stack = AsyncExitStack()
        self._settled = False

    @abc.abstractmethod
    async def open(self) -> None:
        """Connect; called in the task that uses the peer."""

    @abc.abstractmethod
    async def publish(self, body: bytes) -> None:
        """Send a message."""

    @abc.abstractmethod
    async def subscribe(self) -> Receive:
        """Add a subscriber; return what waits for its next message."""

    async def _settle(self) -> None:
        """Wait after the first subscription, where a library does not wait for the server."""
        if not self._settled:
            self._settled = True
            await asyncio.sleep(SETTLE)

    async def close(self) -> None:
        """End subscribers and connections."""
        await self._stack.aclose()


class Own(Peer):
    """asyncflask's channels."""

    title = "channels"

    async def open(self) -> None:
        """See :meth:`Peer.open`."""
        app = Flask("bench")
        app.config.update(
            CHANNELS_URL=self.url,
            CHANNELS_TIMEOUT=TIMEOUT,
            CHANNELS_MAILBOX=1_000_000,
            CHANNELS_MAILBOX_BYTES=1 << 30,
        )
        self._channels = Channels(app)
        await self._stack.enter_async_context(app.test_app())
        await self._stack.enter_async_context(app.app_context())

    async def publish(self, body: bytes) -> None:
        """See :meth:`Peer.publish`."""
        await self._channels.publish(CHANNEL, body)

    async def subscribe(self, channel: str = CHANNEL) -> Receive:
        """See :meth:`Peer.subscribe`."""
        messages = await self._stack.enter_async_context(self._channels.subscribe(channel))

        async def receive() -> bytes:
            return (await anext(messages)).body

        return receive


class Queues(Peer):
    """The standard library: a queue for each subscriber."""

    title = "asyncio.Queue"

    async def open(self) -> None:
        """See :meth:`Peer.open`."""
        self._queues: list[asyncio.Queue[bytes]] = []

    async def publish(self, body: bytes) -> None:
        """See :meth:`Peer.publish`."""
        for queue in self._queues:
            queue.put_nowait(body)

    async def subscribe(self) -> Receive:
        """See :meth:`Peer.subscribe`."""
        self._queues.append(asyncio.Queue())
        return self._queues[-1].get


class RedisPy(Peer):
    """redis-py's publish and subscribe."""

    title, distribution = "redis-py", "redis"

    async def open(self) -> None:
        """See :meth:`Peer.open`."""
        from redis.asyncio import Redis

        url = self.url.replace("valkey://", "redis://", 1)
        client = Redis.from_url(url, max_connections=5000)  # one for each subscriber
        self._client = await self._stack.enter_async_context(client)

    async def publish(self, body: bytes) -> None:
        """See :meth:`Peer.publish`."""
        await self._client.publish(CHANNEL, body)

    async def subscribe(self) -> Receive:
        """See :meth:`Peer.subscribe`."""
        listener = self._client.pubsub(ignore_subscribe_messages=True)
        await self._stack.enter_async_context(listener)
        await listener.subscribe(CHANNEL)
        await listener.get_message(timeout=TIMEOUT)  # the server's answer

        async def receive() -> bytes:
            while True:
                message: Mapping[str, Any] | None = await listener.get_message(timeout=None)
                if message is not None:
                    body: bytes = message["data"]
                    return body

        return receive


class Asyncpg(Peer):
    """asyncpg's LISTEN and NOTIFY."""

    title = distribution = "asyncpg"

    async def open(self) -> None:
        """See :meth:`Peer.open`."""
        import asyncpg

        self._pool: asyncpg.Pool[Any] = await asyncpg.create_pool(self.url, min_size=1, max_size=4)
        self._stack.callback(self._pool.terminate)

    async def publish(self, body: bytes) -> None:
        """See :meth:`Peer.publish`."""
        await self._pool.execute(
            "SELECT pg_notify($1, $2)", CHANNEL, body.decode(), timeout=TIMEOUT
        )

    async def subscribe(self) -> Receive:
        """See :meth:`Peer.subscribe`."""
        import asyncpg

        queue: asyncio.Queue[bytes] = asyncio.Queue()
        connection = await asyncpg.connect(self.url)
        self._stack.callback(connection.terminate)

        def notified(_: object, pid: int, channel: str, payload: object) -> None:
            queue.put_nowait(str(payload).encode())

        await connection.add_listener(CHANNEL, notified)
        return queue.get


class NatsPy(Peer):
    """nats-py's publish and subscribe, without JetStream."""

    title = distribution = "nats-py"

    async def open(self) -> None:
        """See :meth:`Peer.open`."""
        import nats

        async def ignore(error: Exception) -> None:
            pass

        self._client = await nats.connect(self.url, error_cb=ignore)
        self._stack.push_async_callback(self._client.close)

    async def publish(self, body: bytes) -> None:
        """See :meth:`Peer.publish`."""
        await self._client.publish(CHANNEL, body)

    async def subscribe(self) -> Receive:
        """See :meth:`Peer.subscribe`."""
        from nats.aio.msg import Msg

        queue: asyncio.Queue[bytes] = asyncio.Queue()

        async def take(message: Msg) -> None:
            queue.put_nowait(message.data)

        await self._client.subscribe(CHANNEL, cb=take)
        for _ in range(2):  # The first flush may overtake the subscription.
            await self._client.flush()
        return queue.get


class Broadcaster(Peer):
    """The distribution broadcaster."""

    title = distribution = "broadcaster"

    async def open(self) -> None:
        """See :meth:`Peer.open`."""
        from broadcaster import Broadcast

        url = self.url.replace("valkey://", "redis://", 1)
        self._broadcast = await self._stack.enter_async_context(Broadcast(url))

    async def publish(self, body: bytes) -> None:
        """See :meth:`Peer.publish`."""
        await self._broadcast.publish(CHANNEL, body.decode())

    async def subscribe(self) -> Receive:
        """See :meth:`Peer.subscribe`."""
        subscriber: Any = await self._stack.enter_async_context(
            self._broadcast.subscribe(channel=CHANNEL)
        )

        async def receive() -> bytes:
            message: str = (await subscriber.get()).message
            return message.encode()

        return receive


class ChannelsRedis(Peer):
    """The layer of Django's channels that uses Redis' publish and subscribe."""

    title = "channels_redis"
    distribution = "channels-redis"

    async def open(self) -> None:
        """See :meth:`Peer.open`."""
        from channels_redis.pubsub import RedisPubSubChannelLayer

        self._layer = RedisPubSubChannelLayer(hosts=[self.url], capacity=1_000_000)
        self._stack.push_async_callback(self._layer.flush)

    async def publish(self, body: bytes) -> None:
        """See :meth:`Peer.publish`."""
        await self._layer.group_send(CHANNEL, {"type": "tell", "body": body})

    async def subscribe(self) -> Receive:
        """See :meth:`Peer.subscribe`."""
        name = await self._layer.new_channel()
        await self._layer.group_add(CHANNEL, name)
        await self._settle()

        async def receive() -> bytes:
            body: bytes = (await self._layer.receive(name))["body"]
            return body

        return receive


class Litestar(Peer):
    """The channels of Litestar."""

    title, distribution = "Litestar", "litestar"

    async def open(self) -> None:
        """See :meth:`Peer.open`."""
        from litestar.channels import ChannelsPlugin
        from litestar.channels.backends.redis import RedisChannelsPubSubBackend
        from redis.asyncio import Redis

        client = await self._stack.enter_async_context(Redis.from_url(self.url))
        plugin = ChannelsPlugin(RedisChannelsPubSubBackend(redis=client), channels=[CHANNEL])
        self._plugin = await self._stack.enter_async_context(plugin)

    async def publish(self, body: bytes) -> None:
        """See :meth:`Peer.publish`."""
        await self._plugin.wait_published(body, CHANNEL)

    async def subscribe(self) -> Receive:
        """See :meth:`Peer.subscribe`."""
        subscriber = await self._plugin.subscribe(CHANNEL)
        await self._settle()
        events = subscriber.iter_events()

        async def receive() -> bytes:
            return await anext(events)

        return receive


async def closed(peer: Peer) -> None:
    """Close a peer; another one than asyncflask's may fail at it, or hang."""
    try:
        async with asyncio.timeout(CLOSE):
            await peer.close()
    except Exception:
        if isinstance(peer, Own):
            raise


#: The peers of each engine; the first is asyncflask's, the second its client library.
PEERS: Mapping[str, tuple[type[Peer], ...]] = {
    "memory": (Own, Queues),
    "redis": (Own, RedisPy, Broadcaster, ChannelsRedis, Litestar),
    "valkey": (Own, RedisPy),
    "postgresql": (Own, Asyncpg, Broadcaster),
    "nats": (Own, NatsPy),
}
