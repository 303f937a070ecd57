"""The engine ``redis://``: Redis or Valkey, by redis-py."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

import redis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError

from .engine import Engine, EngineOptions, History, check_ports, contiguous, wrong_url
from .message import Message, Position

_EXAMPLE = "redis://host:port/number"
#: PERF: Without it, redis-py 7 and later read its metadata at each connection, for 10 ms.
_DRIVER = {"driver_info": redis.DriverInfo()} if hasattr(redis, "DriverInfo") else {}
#: Milliseconds that a channel's counter lives after its last message, long after the messages.
COUNTER_TTL = 7 * 24 * 3600 * 1000

#: Numbers a message, keeps and publishes it, in one step, so that all see one order. A server that
#: was started again may have an older counter, from its disk: hence an epoch for each run.
_PUBLISH = """
local epoch, run = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'run'))
if not epoch or run ~= ARGV[6] then
  epoch = ARGV[1]
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', ARGV[6])
end
local position = epoch .. '.' .. redis.call('HINCRBY', KEYS[1], 'offset', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local entry = position .. '\\n' .. ARGV[5]
if tonumber(ARGV[3]) > 0 then
  redis.call('RPUSH', KEYS[2], entry)
  redis.call('LTRIM', KEYS[2], -tonumber(ARGV[3]), -1)
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
redis.call('PUBLISH', KEYS[3], entry)
return position
"""

#: The fields of a counter.
_COUNTER = ("epoch", "offset", "run")

#: Replaces what a worker announced. The server's clock decides, for the hosts' clocks differ. The
#: key lives as long as the worker that has the longest time.
_ANNOUNCE = """
local now = redis.call('TIME')
local ends = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000) + tonumber(ARGV[2])
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', ends) .. ' ' .. ARGV[3])
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
end
"""

#: Returns what the living workers announced, and removes the dead ones.
_MEMBERS = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local found = redis.call('HGETALL', KEYS[1])
local living = {}
for i = 1, #found, 2 do
  local ends, members = string.match(found[i + 1], '^(%d+) (.*)$')
  if tonumber(ends) > now then
    table.insert(living, found[i])
    table.insert(living, members)
  else
    redis.call('HDEL', KEYS[1], found[i])
  end
end
return living
"""


def _for_redis(url: str) -> str:
    """Return a URL as redis-py knows it."""
    return url.replace("valkey://", "redis://", 1)


def _pool(url: str) -> BlockingConnectionPool:
    """Return a pool of connections that have not connected yet."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=16,
        timeout=None,  # The hub limits the time in which one gets free.
        # The hub connects again by itself, and replays what was missed.
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=5,
        socket_timeout=None,  # The hub limits it.
        **_DRIVER,
    )
    pool.connection_kwargs["decode_responses"] = False  # Whatever the URL says.
    return pool


class RedisEngine(Engine):
    """Redis' publish and subscribe, with a list of the last messages beside each channel.

    It has one connection that listens, and up to 15 for everything else.
    """

    payload_limit = 16 * 1024 * 1024

    def __init__(
        self, url: str, options: EngineOptions, deliver: Callable[[Message], None]
    ) -> None:
        super().__init__(_for_redis(url), options, deliver)
        self._client: Redis | None = None
        self._listener: PubSub | None = None
        #: begins the names by which messages are published
        self._live = "live"
        #: changes when the server is started again
        self._run = b""
        #: the channels that are listened to, by their names on the server
        self._listened: dict[bytes, str] = {}
        #: what waits for the server to confirm a subscription, by the name on the server
        self._confirmed: dict[bytes, asyncio.Future[None]] = {}
        self._reader: asyncio.Task[None] | None = None

    @classmethod
    def maker(cls, url: str, options: EngineOptions) -> Callable[[Callable[[Message], None]], Self]:
        """See :meth:`Engine.maker`.

        Args:
            url: The URL of the configuration.
            options: The options of the configuration.

        Raises:
            ValueError: The URL has no host, or a port, database or option that redis-py refuses.
        """
        check_ports(url, _EXAMPLE)
        database = urlsplit(url).path.strip("/")
        try:
            if "://" not in url:
                raise ValueError("it has no ://")
            if database and not database.isdecimal():  # redis-py would take 0.
                raise ValueError(f"the database {database!r} is no number")
            # It does not connect.
            _pool(_for_redis(url)).make_connection()  # type: ignore[no-untyped-call]
        except (ValueError, TypeError) as error:
            raise wrong_url(url, str(error), _EXAMPLE) from None
        return super().maker(url, options)

    async def open(self) -> None:
        """See :meth:`Engine.open`."""
        pool = _pool(self.url)
        # Messages know no databases: another app may have the same prefix in another one.
        database = pool.connection_kwargs.get("db", 0)
        self._live = f"live@{database}" if database else "live"
        self._client = Redis.from_pool(pool)
        self._run = await _run_id(self._client)
        self._listener = self._client.pubsub()
        # PubSub connects with its first subscription; this one has no messages.
        await self._listener.subscribe(f"{self.options.prefix}:control")
        self._reader = asyncio.create_task(self._read(self._listener))

    async def run(self) -> None:
        """See :meth:`Engine.run`."""
        assert self._reader is not None
        await self._reader

    async def _read(self, listener: PubSub) -> None:
        heartbeat = self.options.heartbeat
        asked = False
        while True:
            found = await listener.get_message(timeout=heartbeat)
            if found is not None:
                asked = False
                self._take(found)
            elif asked:
                raise ConnectionError(f"Redis has not answered for {heartbeat:g} seconds")
            else:
                asked = True
                await listener.ping()

    def _take(self, found: Mapping[str, Any]) -> None:
        if found["type"] == "message":
            message = self._message_of(self._listened.get(found["channel"]), found["data"])
            if message is not None:
                self.deliver(message)
        elif found["type"] == "subscribe":
            waiting = self._confirmed.pop(found["channel"], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def _message_of(self, channel: str | None, entry: bytes) -> Message | None:
        text, newline, body = entry.partition(b"\n")
        position = Position.parse(text.decode(errors="replace"))
        if channel is not None and newline and position is not None:
            return Message(channel, position, body)
        self.ignore(f"{entry[:100]!r} of {channel or 'its own name for the connection'!r}")
        return None

    async def close(self) -> None:
        """See :meth:`Engine.close`."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await reader
        for waiting in self._confirmed.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the connection to Redis was lost"))
                waiting.exception()  # What waited may have been cancelled.
        self._confirmed.clear()
        self._listened.clear()
        listener, self._listener = self._listener, None
        client, self._client = self._client, None
        if listener is not None:
            with suppress(Exception):
                await listener.aclose()  # type: ignore[no-untyped-call]  # redis-py's
        if client is not None:
            await client.aclose()

    def _key(self, kind: str, channel: str) -> str:
        # The braces keep a channel's keys on one node of a cluster.
        return f"{self.options.prefix}:{kind}:{{{channel}}}"

    def _connected(self) -> Redis:
        if self._client is None:
            raise ConnectionError("there is no connection to Redis")
        return self._client

    async def publish(self, channel: str, body: bytes) -> Position:
        """See :meth:`Engine.publish`.

        Args:
            channel: The channel's name.
            body: The message.

        Returns:
            Its position; the offset counts the channel's messages.

        Raises:
            ConnectionError: There is no connection to Redis.
        """
        ttl = round(self.options.ttl * 1000)
        answer: bytes = await self._connected().eval(
            _PUBLISH,
            3,
            self._key("counter", channel),
            self._key("kept", channel),
            self._key(self._live, channel),
            secrets.token_hex(6),
            max(COUNTER_TTL, 2 * ttl),
            self.options.history,
            ttl,
            body,
            self._run,
        )
        position = Position.parse(answer.decode())
        assert position is not None
        return position

    async def last(self, channel: str) -> Position | None:
        """See :meth:`Engine.last`.

        Args:
            channel: The channel's name.

        Returns:
            The position; ``None`` if this run of the server has no counter for the channel.

        Raises:
            ConnectionError: There is no connection to Redis.
        """
        key = self._key("counter", channel)
        return self._last(await self._connected().hmget(key, *_COUNTER))

    def _last(self, counter: Sequence[Any]) -> Position | None:
        """Return a channel's last position in this run of the server."""
        epoch, offset, run = counter
        if epoch is None or run != self._run:
            return None
        return Position(epoch.decode(), int(offset))

    async def listen(self, channel: str) -> None:
        """See :meth:`Engine.listen`.

        Args:
            channel: The channel's name; for each channel, one call at a time.

        Raises:
            ConnectionError: There is no connection to Redis, or it was lost meanwhile.
        """
        if self._listener is None:
            raise ConnectionError("there is no connection to Redis")
        name = self._key(self._live, channel).encode()
        self._listened[name] = channel
        waiting = self._confirmed.get(name)
        if waiting is None:
            waiting = self._confirmed[name] = asyncio.get_running_loop().create_future()
        await self._listener.subscribe(name)
        await asyncio.shield(waiting)  # Others may wait for it too.

    async def unlisten(self, channel: str) -> None:
        """See :meth:`Engine.unlisten`.

        Args:
            channel: The channel's name.
        """
        name = self._key(self._live, channel).encode()
        self._listened.pop(name, None)
        if self._listener is not None:
            await self._listener.unsubscribe(name)

    async def history(self, channel: str, after: Position | None) -> History:
        """See :meth:`Engine.history`.

        Args:
            channel: The channel's name.
            after: See :meth:`Engine.history`.

        Returns:
            The messages; none of an earlier run of the server.

        Raises:
            ConnectionError: There is no connection to Redis.
        """
        async with self._connected().pipeline(transaction=True) as pipe:
            pipe.hmget(self._key("counter", channel), *_COUNTER)
            pipe.lrange(self._key("kept", channel), 0, -1)
            counter, kept = await pipe.execute()
        last = self._last(counter)
        if last is None:
            return contiguous((), None, 0, after)
        messages = [self._message_of(channel, entry) for entry in kept]
        kept = [message for message in messages if message is not None]
        return contiguous(kept, last.epoch, last.offset, after)

    async def announce(self, channel: str, worker: str, members: Sequence[str]) -> None:
        """See :meth:`Engine.announce`.

        Args:
            channel: The channel's name.
            worker: The worker's id.
            members: Each name once; an empty list removes the worker.

        Raises:
            ConnectionError: There is no connection to Redis.
        """
        await self._connected().eval(
            _ANNOUNCE,
            1,
            self._key("present", channel),
            worker,
            round(self.options.presence * 1000),
            json.dumps(members) if members else "",
        )

    async def members(self, channel: str) -> Mapping[str, Sequence[str]]:
        """See :meth:`Engine.members`.

        Args:
            channel: The channel's name.

        Returns:
            The names by the worker's id; the server's clock says which workers live.

        Raises:
            ConnectionError: There is no connection to Redis.
        """
        found = await self._connected().eval(_MEMBERS, 1, self._key("present", channel))
        return {
            worker.decode(): json.loads(members)
            for worker, members in zip(found[::2], found[1::2], strict=True)
        }


async def _run_id(client: Redis) -> bytes:
    """Return what Redis calls itself until it ends; nothing if the user may not ask for it."""
    try:
        info = await client.info("server")
    except NoPermissionError:
        await client.ping()
        return b""
    return str(info["run_id"]).encode()
