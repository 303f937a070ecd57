"""The engine ``nats://``: NATS with JetStream, by nats-py."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError
from nats.js.kv import KeyValue

from .arrivals import Arrivals
from .deadline import within
from .engine import Engine, EngineOptions, History, check_ports, wrong_url
from .message import Message, Position

#: A prefix: one token of a subject, and the beginning of a stream's name, which has 255 bytes.
_PREFIX = r"[\w-]{1,200}"
_EXAMPLE = "nats://host:port"
#: Seconds that the server may take for an answer, where CHANNELS_TIMEOUT has no limit: nats-py does
#: not end a question when the connection is lost.
ANSWER = 5.0
#: The least seconds that JetStream keeps a message; 0 would be forever.
LEAST_AGE = 0.1


class NATSEngine(Engine):
    """A stream that has all channels as its subjects, and a key-value bucket for presence.

    A message's offset is its number in the stream, which counts all channels together. The server
    sends each message that the stream has taken to a second subject, with its number and that of
    the one before it (:class:`Arrivals` keeps their order); a consumer of the stream itself would
    miss what a burst removes from it.
    """

    payload_limit = 1024 * 1024  # NATS' default; :meth:`open` reads the server's.

    def __init__(
        self, url: str, options: EngineOptions, deliver: Callable[[Message], None]
    ) -> None:
        super().__init__(url, options, deliver)
        self._client: Client | None = None
        self._stream: JetStreamContext | None = None
        self._bucket: KeyValue | None = None
        self._epoch = ""
        self._subscriptions: dict[str, Subscription] = {}
        self._arrivals: dict[str, Arrivals] = {}
        self._lost: asyncio.Future[str] | None = None
        self._limit = ANSWER if options.timeout is None else options.timeout

    @classmethod
    def maker(cls, url: str, options: EngineOptions) -> Callable[[Callable[[Message], None]], Self]:
        """See :meth:`Engine.maker`.

        Args:
            url: The URL of the configuration.
            options: The options of the configuration.

        Raises:
            ValueError: The URL or the prefix cannot be used.
        """
        _refuse_unusable(url, options.prefix)
        return super().maker(url, options)

    async def open(self) -> None:
        """See :meth:`Engine.open`."""
        self._lost = None
        self._client = await nats.connect(
            self.url,
            allow_reconnect=False,  # The hub connects again, and replays what was missed.
            connect_timeout=5,
            ping_interval=self.options.heartbeat,
            max_outstanding_pings=1,
            error_cb=self._failed,
            closed_cb=self._closed,
        )
        self._lost = asyncio.get_running_loop().create_future()
        self.payload_limit = self._client.max_payload
        self._stream = self._client.jetstream(timeout=self._limit)
        self._epoch = _epoch(await self._open_stream(self._stream))
        self._bucket = await _open_bucket(self._stream, self.options)

    async def _open_stream(self, stream: JetStreamContext) -> api.StreamInfo:
        """Make the stream of all channels, or give it this worker's settings."""
        config = api.StreamConfig(
            name=f"{self.options.prefix}_channels",
            subjects=[f"{self.options.prefix}.channels.*"],
            # One more than asked for: the message after which all are kept is there itself.
            max_msgs_per_subject=self.options.history + 1,
            max_age=max(self.options.ttl, LEAST_AGE),
            storage=api.StorageType.MEMORY,
            republish=api.RePublish(
                src=f"{self.options.prefix}.channels.*",
                dest=f"{self.options.prefix}.live.{{{{wildcard(1)}}}}",
            ),
        )
        try:
            return await stream.add_stream(config)
        except BadRequestError:  # It is there, with another history or time.
            assert config.name is not None
            info = await stream.stream_info(config.name)
            if (info.config.max_msgs_per_subject or 0) < self.options.history + 1:
                # How many a smaller history has dropped cannot be told afterwards. Now all that is
                # older counts as dropped, and what follows is kept by the new one.
                await stream.purge_stream(config.name)
            wanted = ("subjects", "max_msgs_per_subject", "max_age", "republish")
            return await _update_stream(
                stream, info, {name: getattr(config, name) for name in wanted}
            )

    async def _failed(self, error: Exception) -> None:
        if self._lost is None:
            raise error  # Of `open()`: nats-py would try again by itself, and not say why.
        self._end(f"{type(error).__name__}: {error}")

    async def _closed(self) -> None:
        self._end("NATS has closed the connection")

    def _end(self, why: str) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(why)

    async def run(self) -> None:
        """See :meth:`Engine.run`."""
        assert self._lost is not None
        heartbeat = self.options.heartbeat
        while not (await asyncio.wait([self._lost], timeout=heartbeat))[0]:
            if _epoch(await within(heartbeat, self._info())) != self._epoch:
                raise ConnectionError("the stream was deleted and made again")
        raise ConnectionError(self._lost.result())

    async def close(self) -> None:
        """See :meth:`Engine.close`."""
        self._subscriptions.clear()
        for channel in list(self._arrivals):
            self._arrivals.pop(channel).end()
        client, self._client = self._client, None
        self._stream = self._bucket = None
        if client is not None:
            await client.close()

    def _subject(self, channel: str) -> str:
        return f"{self.options.prefix}.channels.{_token(channel)}"

    def _connected(self) -> JetStreamContext:
        if self._stream is None:
            raise ConnectionError("there is no connection to NATS")
        return self._stream

    async def publish(self, channel: str, body: bytes) -> Position:
        """See :meth:`Engine.publish`.

        Args:
            channel: The channel's name.
            body: The message.

        Returns:
            Its position; the offset counts the messages of all channels.

        Raises:
            ConnectionError: There is no connection to NATS.
        """
        answer = await self._connected().publish(self._subject(channel), body)
        return Position(self._epoch, answer.seq)

    async def last(self, channel: str) -> Position:
        """See :meth:`Engine.last`.

        Args:
            channel: Not used: the offsets count all channels together.

        Returns:
            The position of the stream's last message; offset 0 before the first one.

        Raises:
            ConnectionError: There is no connection to NATS.
        """
        return Position(self._epoch, (await self._info()).state.last_seq)

    async def _info(self) -> api.StreamInfo:
        return await self._connected().stream_info(f"{self.options.prefix}_channels")

    async def listen(self, channel: str) -> None:
        """See :meth:`Engine.listen`.

        Args:
            channel: The channel's name.

        Raises:
            ConnectionError: There is no connection to NATS.
        """
        if self._client is None:
            raise ConnectionError("there is no connection to NATS")
        arrivals = self._arrivals.get(channel)
        if arrivals is None:
            arrivals = self._arrivals[channel] = Arrivals(self.deliver)
            live = f"{self.options.prefix}.live.{_token(channel)}"
            receiver = self._receiver(channel, arrivals)
            self._subscriptions[channel] = await self._client.subscribe(live, cb=receiver)
        # The server has the subscription when it answers what was sent after it. flush() would not
        # do: nats-py sends its PING before a subscription that still waits to be sent.
        arrivals.begin((await self._info()).state.last_seq)

    def _receiver(self, channel: str, arrivals: Arrivals) -> Callable[[Msg], Awaitable[None]]:
        async def receive(message: Msg) -> None:
            headers = message.headers or {}
            number = _number(headers.get("Nats-Sequence"))
            if number is None:
                self.ignore(f"{message.data[:100]!r} of {channel!r}")
            else:
                before = _number(headers.get("Nats-Last-Sequence")) or 0
                position = Position(self._epoch, number)
                arrivals.add(Message(channel, position, message.data), before)

        return receive

    async def unlisten(self, channel: str) -> None:
        """See :meth:`Engine.unlisten`.

        Args:
            channel: The channel's name; one that is not listened to is ignored.
        """
        arrivals = self._arrivals.pop(channel, None)
        if arrivals is not None:
            arrivals.end()
        subscription = self._subscriptions.pop(channel, None)
        if subscription is not None:
            await subscription.unsubscribe()

    async def history(self, channel: str, after: Position | None) -> History:
        """See :meth:`Engine.history`.

        Args:
            channel: The channel's name.
            after: See :meth:`Engine.history`; here ``None`` is never complete.

        Returns:
            The messages; there may be one more than ``options.history``.

        Raises:
            ConnectionError: There is no connection to NATS.
            TimeoutError: A message of the stream did not come in time.
        """
        present = after is not None and after.epoch == self._epoch
        first = after.offset + 1 if after is not None and present else 1
        messages = await self._kept(channel, first)
        if after is None or not present:
            return History(messages, False)
        info = await self._info()
        state = info.state
        # The oldest are dropped first: by their age in the stream, by their number in a channel.
        too_old = after.offset + 1 < state.first_seq
        # A worker with another history may have connected later: the stream has its number.
        history = min(self.options.history, (info.config.max_msgs_per_subject or 0) - 1)
        complete = after.offset <= state.last_seq and len(messages) <= history
        return History(messages, complete and not too_old)

    async def _kept(self, channel: str, first: int) -> list[Message]:
        """Read a channel's messages from a number on."""
        stream = self._connected()
        consumer = await stream.subscribe(
            self._subject(channel),
            ordered_consumer=True,
            config=api.ConsumerConfig(
                deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=first
            ),
        )
        messages: list[Message] = []
        try:
            info = await consumer.consumer_info()
            sent = 0 if info.delivered is None else info.delivered.consumer_seq
            pending = (info.num_pending or 0) + sent
            while pending:
                found = await consumer.next_msg(timeout=self._limit)
                position = Position(self._epoch, found.metadata.sequence.stream)
                messages.append(Message(channel, position, found.data))
                pending = found.metadata.num_pending
        finally:
            await consumer.unsubscribe()
        return messages

    async def announce(self, channel: str, worker: str, members: Sequence[str]) -> None:
        """See :meth:`Engine.announce`.

        Args:
            channel: The channel's name.
            worker: The worker's id, without dots: it is a token of the key.
            members: Each name once; an empty list removes the key.

        Raises:
            ConnectionError: There is no connection to NATS.
        """
        self._connected()
        assert self._bucket is not None
        key = f"{_token(channel)}.{worker}"
        if members:
            await self._bucket.put(key, json.dumps(members).encode())
        else:
            await self._bucket.purge(key)

    async def members(self, channel: str) -> Mapping[str, Sequence[str]]:
        """See :meth:`Engine.members`.

        Args:
            channel: The channel's name.

        Returns:
            The names by the worker's id.

        Raises:
            ConnectionError: There is no connection to NATS.
        """
        self._connected()
        assert self._bucket is not None
        found: dict[str, Sequence[str]] = {}
        watcher = await self._bucket.watch(f"{_token(channel)}.*", ignore_deletes=True)
        try:
            async for entry in watcher:
                if entry is None:  # That was all; what follows would be changes.
                    break
                if entry.value:
                    found[entry.key.rpartition(".")[2]] = json.loads(entry.value)
        finally:
            await watcher.stop()  # type: ignore[no-untyped-call]  # nats-py's
        return found


def _refuse_unusable(url: str, prefix: str) -> None:
    """Refuse a prefix that begins no name of a stream, and a URL of no host, several, or no port.

    Raises:
        ValueError: One of them is wrong.
    """
    if not re.fullmatch(_PREFIX, prefix, re.ASCII):
        raise ValueError(
            f"CHANNELS_PREFIX={prefix!r:.100} begins the names of a stream and of subjects. Write 1"
            " to 200 letters, digits, underscores and hyphens."
        )
    check_ports(url, _EXAMPLE)
    hosts = urlsplit(url).netloc.rpartition("@")[2]
    if not urlsplit(url).hostname or "," in hosts:  # nats-py takes several as a list only.
        raise wrong_url(url, "it does not name one host", _EXAMPLE)


async def _open_bucket(stream: JetStreamContext, options: EngineOptions) -> KeyValue:
    """Make the bucket of presence, or give it this worker's time."""
    name, ttl = f"{options.prefix}_present", max(options.presence, LEAST_AGE)
    try:
        return await stream.create_key_value(bucket=name, ttl=ttl, storage=api.StorageType.MEMORY)
    except BadRequestError:  # It is there, with another time.
        info = await stream.stream_info(f"KV_{name}")
        await _update_stream(stream, info, {"max_age": ttl})
        return await stream.key_value(name)


async def _update_stream(
    stream: JetStreamContext, info: api.StreamInfo, wanted: dict[str, Any]
) -> api.StreamInfo:
    """Change settings of a stream; the others stay as its administrator has set them.

    Args:
        stream: The connection's JetStream.
        info: The stream as it is.
        wanted: Settings, of which some differ, perhaps.
    """
    if all(getattr(info.config, name) == value for name, value in wanted.items()):
        return info
    # JetStream refuses a window that is longer than the age.
    window = min(info.config.duplicate_window or 0, wanted["max_age"])
    return await stream.update_stream(info.config.evolve(**wanted, duplicate_window=window))


def _number(text: str | None) -> int | None:
    """Return the number of a header; ``None`` if it has none. It has 64 bits at most."""
    return int(text) if text and re.fullmatch("[0-9]{1,20}", text) else None


def _token(channel: str) -> str:
    """Return a channel's name as one token of a subject, where spaces and dots have a meaning."""
    return base64.urlsafe_b64encode(channel.encode()).decode().rstrip("=")


def _epoch(info: api.StreamInfo) -> str:
    """Return a word for the stream's creation: a stream that was made again counts from one."""
    created = str(getattr(info, "created", ""))
    return "".join(character for character in created if character.isalnum())[:64] or "0"
