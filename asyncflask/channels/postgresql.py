"""The engine ``postgresql://``: a table of the last messages, and ``NOTIFY``, by asyncpg.

A message comes with its notification where it is small enough, and is read from the table where it
is not. Tables are made when they are missing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import asyncpg

from .deadline import within
from .engine import Engine, EngineOptions, History, check_ports, contiguous
from .message import Message, Position

#: A prefix: PostgreSQL cuts names after 63 bytes.
_PREFIX = r"[a-zA-Z_]\w{0,49}"
#: Seconds between two removals of what has expired.
EXPIRE = 5.0
#: PostgreSQL limits the payload of NOTIFY to 7,999 bytes; larger bodies are read from the table.
NOTIFY_LIMIT = 5500
#: What makes CREATE UNLOGGED TABLE IF NOT EXISTS safe when several workers start at once.
_SETUP_LOCK = 0x6368616E6E656C73

#: Without a log, for speed: after a crash they are empty, and each channel gets a new epoch.
_TABLES = """
CREATE UNLOGGED TABLE IF NOT EXISTS "{prefix}_channels" (
  channel text PRIMARY KEY, epoch text NOT NULL, last bigint NOT NULL,
  published timestamptz NOT NULL);
CREATE UNLOGGED TABLE IF NOT EXISTS "{prefix}_messages" (
  channel text NOT NULL, number bigint NOT NULL, body bytea NOT NULL,
  PRIMARY KEY (channel, number));
CREATE UNLOGGED TABLE IF NOT EXISTS "{prefix}_present" (
  channel text NOT NULL, worker text NOT NULL, members text[] NOT NULL, ends timestamptz NOT NULL,
  PRIMARY KEY (channel, worker));
"""

#: The row of the channel stays locked until the commit, so that messages are numbered in the order
#: in which they are seen. $1 channel, $2 body, $3 epoch, $4 history, $5 NOTIFY's channel, $6 the
#: encoded body or "".
_PUBLISH = """
WITH top AS (
  INSERT INTO "{prefix}_channels" VALUES ($1, $3, 1, clock_timestamp())
  ON CONFLICT (channel) DO UPDATE
    SET last = "{prefix}_channels".last + 1, published = clock_timestamp()
  RETURNING epoch, last),
kept AS (
  INSERT INTO "{prefix}_messages" SELECT $1, last, $2 FROM top),
dropped AS (
  DELETE FROM "{prefix}_messages"
  WHERE channel = $1 AND number <= (SELECT last FROM top) - $4)
SELECT epoch, last, pg_notify($5, epoch || '.' || last || ' ' || $6) FROM top
"""

_HISTORY = """
SELECT top.epoch, top.last, kept.number, kept.body
FROM "{prefix}_channels" AS top
LEFT JOIN "{prefix}_messages" AS kept
  ON kept.channel = top.channel AND top.published > clock_timestamp() - $2 * interval '1 second'
WHERE top.channel = $1 ORDER BY kept.number
"""

#: A message that was too large for NOTIFY.
_LARGE = """
SELECT top.epoch, top.last, kept.body
FROM "{prefix}_channels" AS top
LEFT JOIN "{prefix}_messages" AS kept ON kept.channel = top.channel AND kept.number = $2
WHERE top.channel = $1
"""

#: The least number of messages in the table: subscribers read large ones there.
KEPT = 100
#: Seconds that a channel's counter lives after its last message, long after the messages.
COUNTER_TTL = 7 * 24 * 3600

_REMOVE = """
WITH dead AS (DELETE FROM "{prefix}_present" WHERE ends < clock_timestamp()),
unused AS (
  DELETE FROM "{prefix}_channels"
  WHERE published < clock_timestamp() - $2 * interval '1 second')
DELETE FROM "{prefix}_messages" USING "{prefix}_channels" AS top
WHERE top.channel = "{prefix}_messages".channel
  AND top.published < clock_timestamp() - $1 * interval '1 second'
"""


class PostgreSQLEngine(Engine):
    """Messages through PostgreSQL, for apps that have it anyway.

    It has one connection that listens, and up to four for everything else.
    """

    payload_limit = 64 * 1024 * 1024

    def __init__(
        self, url: str, options: EngineOptions, deliver: Callable[[Message], None]
    ) -> None:
        super().__init__(url, options, deliver)
        self._pool: asyncpg.Pool[Any] | None = None
        self._listener: asyncpg.Connection[Any] | None = None
        #: LISTEN and UNLISTEN wait for each other: a connection does one thing at a time
        self._lock = asyncio.Lock()
        self._lost: asyncio.Future[None] | None = None
        #: the channel by what NOTIFY calls it, see :meth:`_notified_as`
        self._channels: dict[str, str] = {}
        self._ordered: dict[str, asyncio.Task[None]] = {}

    @classmethod
    def maker(cls, url: str, options: EngineOptions) -> Callable[[Callable[[Message], None]], Self]:
        """See :meth:`Engine.maker`.

        Args:
            url: The URL of the configuration.
            options: The options of the configuration.

        Raises:
            ValueError: The prefix can begin no name of a table, or a port is none.
        """
        if not re.fullmatch(_PREFIX, options.prefix, re.ASCII):
            raise ValueError(
                f"CHANNELS_PREFIX={options.prefix!r:.100} begins the names of tables. Write 1 to 50"
                " letters, digits and underscores, and no digit first."
            )
        check_ports(url, "postgresql://user@host:port/database")
        return super().maker(url, options)

    def _sql(self, text: str) -> str:
        return text.format(prefix=self.options.prefix)

    def _notified_as(self, channel: str) -> str:
        """Return the channel's name for NOTIFY, which takes 63 bytes at most."""
        digest = hashlib.sha256(f"{self.options.prefix} {channel}".encode()).hexdigest()
        return f"channels_{digest[:48]}"

    async def open(self) -> None:
        """See :meth:`Engine.open`."""
        self._lost = asyncio.get_running_loop().create_future()
        self._listener = await asyncpg.connect(self.url)
        self._listener.add_termination_listener(self._terminated)
        async with self._listener.transaction():
            await self._listener.execute("SELECT pg_advisory_xact_lock($1)", _SETUP_LOCK)
            await self._listener.execute(self._sql(_TABLES))
        self._pool = await asyncpg.create_pool(
            self.url, min_size=0, max_size=4, server_settings={"synchronous_commit": "off"}
        )

    def _terminated(self, _: object) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    async def run(self) -> None:
        """See :meth:`Engine.run`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._expire())

    async def _watch(self) -> None:
        assert self._lost is not None
        assert self._listener is not None
        heartbeat = self.options.heartbeat
        while True:
            done, _ = await asyncio.wait([self._lost], timeout=heartbeat)
            if done:
                raise ConnectionError("PostgreSQL has closed the connection")
            async with self._lock:
                await within(heartbeat, self._listener.execute("SELECT 1"))

    async def _expire(self) -> None:
        ttl = float(self.options.ttl)
        while True:
            await asyncio.sleep(EXPIRE)
            kept = max(float(COUNTER_TTL), 2 * ttl)
            await self._connected().execute(self._sql(_REMOVE), ttl, kept)

    async def close(self) -> None:
        """See :meth:`Engine.close`."""
        for task in self._ordered.values():
            task.cancel()
        self._ordered.clear()
        self._channels.clear()
        listener, self._listener = self._listener, None
        pool, self._pool = self._pool, None
        if listener is not None:
            listener.terminate()
        if pool is not None:
            pool.terminate()

    def _connected(self) -> asyncpg.Pool[Any]:
        if self._pool is None:
            raise ConnectionError("there is no connection to PostgreSQL")
        return self._pool

    async def publish(self, channel: str, body: bytes) -> Position:
        """See :meth:`Engine.publish`.

        Args:
            channel: The channel's name.
            body: The message; above :data:`NOTIFY_LIMIT` bytes, subscribers read it from the table.

        Returns:
            Its position; the offset counts the channel's messages.

        Raises:
            ConnectionError: There is no connection to PostgreSQL.
        """
        small = base64.b64encode(body).decode() if len(body) <= NOTIFY_LIMIT else ""
        row = await self._connected().fetchrow(
            self._sql(_PUBLISH),
            channel,
            body,
            secrets.token_hex(6),
            max(self.options.history, KEPT),
            self._notified_as(channel),
            f"={small}" if small or not body else "",
        )
        assert row is not None
        return Position(row["epoch"], row["last"])

    async def last(self, channel: str) -> Position | None:
        """See :meth:`Engine.last`.

        Args:
            channel: The channel's name.

        Returns:
            The position; ``None`` before the first message, or when the counter has expired.

        Raises:
            ConnectionError: There is no connection to PostgreSQL.
        """
        query = 'SELECT epoch, last FROM "{prefix}_channels" WHERE channel = $1'
        row = await self._connected().fetchrow(self._sql(query), channel)
        return None if row is None else Position(row["epoch"], row["last"])

    async def listen(self, channel: str) -> None:
        """See :meth:`Engine.listen`.

        Args:
            channel: The channel's name.

        Raises:
            ConnectionError: There is no connection to PostgreSQL.
        """
        if self._listener is None:
            raise ConnectionError("there is no connection to PostgreSQL")
        name = self._notified_as(channel)
        self._channels[name] = channel
        async with self._lock:
            await self._listener.add_listener(name, self._notified)

    async def unlisten(self, channel: str) -> None:
        """See :meth:`Engine.unlisten`.

        Args:
            channel: The channel's name.
        """
        name = self._notified_as(channel)
        self._channels.pop(name, None)
        if self._listener is not None:
            async with self._lock:
                await self._listener.remove_listener(name, self._notified)

    def _notified(self, _: object, pid: int, name: str, payload: object) -> None:
        channel = self._channels.get(name)
        if channel is None:
            return
        text, _, encoded = str(payload).partition(" ")
        position, body = Position.parse(text), _body_of_notification(encoded)
        if position is None or (body is None and encoded):
            self.ignore(f"{str(payload)[:100]!r} of {channel!r}")
            return
        waiting = self._ordered.get(channel)
        if body is not None and waiting is None:
            self.deliver(Message(channel, position, body))
            return
        # What follows a large message waits for it, to keep the order.
        task = asyncio.create_task(self._deliver_later(channel, position, body, waiting))
        self._ordered[channel] = task
        task.add_done_callback(lambda task: self._delivered(channel, task))

    def _delivered(self, channel: str, task: asyncio.Task[None]) -> None:
        if self._ordered.get(channel) is task:
            del self._ordered[channel]
        if not task.cancelled() and task.exception() is not None:
            self._terminated(None)  # The hub connects again and replays what was not read.

    async def _deliver_later(
        self,
        channel: str,
        position: Position,
        body: bytes | None,
        earlier: asyncio.Task[None] | None,
    ) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        if body is None:
            row = await self._connected().fetchrow(self._sql(_LARGE), channel, position.offset)
            if row is None or row["epoch"] != position.epoch or row["last"] < position.offset:
                self.ignore(f"{str(position)!r} of {channel!r}")
                return
            body = row["body"]
        if body is None:  # The hub connects again, and tells its subscribers.
            raise LookupError(f"message {position} of {channel!r} is no longer kept")
        self.deliver(Message(channel, position, body))

    async def history(self, channel: str, after: Position | None) -> History:
        """See :meth:`Engine.history`.

        Args:
            channel: The channel's name.
            after: See :meth:`Engine.history`.

        Returns:
            The messages; at most ``options.history``, though the table may have more.

        Raises:
            ConnectionError: There is no connection to PostgreSQL.
        """
        rows = await self._connected().fetch(self._sql(_HISTORY), channel, self.options.ttl)
        if not rows:
            return contiguous((), None, 0, after)
        epoch, last = rows[0]["epoch"], rows[0]["last"]
        messages = [
            Message(channel, Position(epoch, row["number"]), row["body"])
            for row in rows
            if row["number"] is not None and row["number"] > last - self.options.history
        ]
        return contiguous(messages, epoch, last, after)

    async def announce(self, channel: str, worker: str, members: Sequence[str]) -> None:
        """See :meth:`Engine.announce`.

        Args:
            channel: The channel's name.
            worker: The worker's id.
            members: Each name once; an empty list deletes the worker's row.

        Raises:
            ConnectionError: There is no connection to PostgreSQL.
        """
        if members:
            query = (
                'INSERT INTO "{prefix}_present"'
                " VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 second')"
                " ON CONFLICT (channel, worker) DO UPDATE"
                " SET members = excluded.members, ends = excluded.ends"
            )
            await self._connected().execute(
                self._sql(query), channel, worker, list(members), self.options.presence
            )
        else:
            query = 'DELETE FROM "{prefix}_present" WHERE channel = $1 AND worker = $2'
            await self._connected().execute(self._sql(query), channel, worker)

    async def members(self, channel: str) -> Mapping[str, Sequence[str]]:
        """See :meth:`Engine.members`.

        Args:
            channel: The channel's name.

        Returns:
            The names by the worker's id; the server's clock says which workers live.

        Raises:
            ConnectionError: There is no connection to PostgreSQL.
        """
        query = (
            'SELECT worker, members FROM "{prefix}_present"'
            " WHERE channel = $1 AND ends > clock_timestamp()"
        )
        rows = await self._connected().fetch(self._sql(query), channel)
        return {row["worker"]: row["members"] for row in rows}


def _body_of_notification(encoded: str) -> bytes | None:
    """Return the body that a notification has; ``None`` if it has none."""
    try:
        return base64.b64decode(encoded[1:], validate=True) if encoded[:1] == "=" else None
    except ValueError:
        return None
