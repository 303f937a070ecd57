"""The engine ``memory://``: the channels of one process, without any server."""

from __future__ import annotations

import asyncio
import functools
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from ..concurrency.bridge import running_loop
from .engine import Engine, EngineOptions, History
from .message import Message, Position

#: How many channels that expired have their last offset kept.
COUNTERS = 1000


@dataclass(slots=True)
class _Kept:
    """The kept messages of a channel.

    Args:
        messages: In their order.
        expires: When they are removed, by ``time.monotonic()``.
        dropped: The highest offset among those that are no longer kept.
    """

    messages: deque[Message] = field(default_factory=deque)
    expires: float = 0.0
    dropped: int = 0


class MemoryBroker:
    """What the engines of a process share, whichever loop and thread they belong to.

    One counter numbers the messages of all channels, so nothing has to be kept of a channel that
    expired long ago.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoch = secrets.token_hex(6)
        self._offset = 0
        #: the last offset of channels that expired, in the order in which they did: it shows that
        #: a client which comes back to a quiet channel has missed nothing
        self._counters: OrderedDict[str, int] = OrderedDict()
        #: the highest offset of the other channels that expired
        self._expired = 0
        #: the channel whose last message is the oldest comes first
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._listeners: dict[str, list[MemoryEngine]] = {}
        #: what each worker announced, and when that ends: channel -> worker -> both
        self._members: dict[str, dict[str, tuple[Sequence[str], float]]] = {}

    def publish(self, channel: str, body: bytes, options: EngineOptions) -> Position:
        """Keep a message, and hand it to the engines that listen to its channel.

        Args:
            channel: The channel's name.
            body: The message.
            options: How many messages are kept, and for how many seconds.

        Returns:
            Its position; the offset counts the messages of all channels.
        """
        now = time.monotonic()
        with self._lock:
            self._expire(now)
            self._offset += 1
            position = Position(self._epoch, self._offset)
            message = Message(channel, position, body)
            kept = self._kept.pop(channel, None) or self._nothing_kept(channel)
            self._kept[channel] = kept
            self._counters.pop(channel, None)
            kept.expires = now + options.ttl
            kept.messages.append(message)
            while len(kept.messages) > options.history:
                kept.dropped = kept.messages.popleft().position.offset
            for engine in tuple(self._listeners.get(channel, ())):
                if not engine.take(message):
                    self._unlisten(channel, engine)
        return position

    def _expire(self, now: float) -> None:
        while self._kept:
            channel, kept = next(iter(self._kept.items()))
            if kept.expires > now:
                return
            last = kept.messages[-1].position.offset if kept.messages else kept.dropped
            self._counters[channel] = last
            del self._kept[channel]
            if len(self._counters) > COUNTERS:
                _, last = self._counters.popitem(last=False)
                self._expired = max(self._expired, last)

    def _nothing_kept(self, channel: str) -> _Kept:
        return _Kept(dropped=self._counters.get(channel, self._expired))

    def history(self, channel: str, after: Position | None) -> History:
        """Return the kept messages of a channel after a position.

        Args:
            channel: The channel's name.
            after: See :meth:`Engine.history`.

        Returns:
            The messages; not complete if one after the position may have been removed.
        """
        with self._lock:
            self._expire(time.monotonic())
            kept = self._kept.get(channel) or self._nothing_kept(channel)
            if after is None or after.epoch != self._epoch or after.offset > self._offset:
                return History(list(kept.messages), after is None and not kept.dropped)
            missed = [one for one in kept.messages if one.position.offset > after.offset]
            return History(missed, after.offset >= kept.dropped)

    def last(self) -> Position:
        """Return the position of the last message of any channel."""
        with self._lock:
            return Position(self._epoch, self._offset)

    def listen(self, channel: str, engine: MemoryEngine) -> None:
        """Hand a channel's messages to an engine from now on.

        Args:
            channel: The channel's name.
            engine: The engine; each publisher calls its :meth:`~MemoryEngine.take`.
        """
        with self._lock:
            self._listeners.setdefault(channel, []).append(engine)

    def unlisten(self, channel: str, engine: MemoryEngine) -> None:
        """Hand an engine no more of a channel's messages.

        Args:
            channel: The channel's name.
            engine: The engine; one that does not listen is ignored.
        """
        with self._lock:
            self._unlisten(channel, engine)

    def _unlisten(self, channel: str, engine: MemoryEngine) -> None:
        listeners = self._listeners.get(channel, [])
        if engine in listeners:
            listeners.remove(engine)
        if not listeners:
            self._listeners.pop(channel, None)

    def announce(self, channel: str, worker: str, members: Sequence[str], presence: float) -> None:
        """Replace who is present by a worker: its loop may end without a word, as a process may.

        Args:
            channel: The channel's name.
            worker: The worker's id.
            members: Each name once; an empty list removes the worker.
            presence: Seconds after which they do not count any more.
        """
        with self._lock:
            living = self._living(channel)
            living.pop(worker, None)
            if members:
                living[worker] = members, time.monotonic() + presence
            self._keep(channel, living)

    def members(self, channel: str) -> Mapping[str, Sequence[str]]:
        """Return who is present, by worker.

        Args:
            channel: The channel's name.

        Returns:
            The names by the worker's id.
        """
        with self._lock:
            living = self._living(channel)
            self._keep(channel, living)
            return {worker: members for worker, (members, _) in living.items()}

    def _living(self, channel: str) -> dict[str, tuple[Sequence[str], float]]:
        now = time.monotonic()
        workers = self._members.get(channel, {})
        return {worker: said for worker, said in workers.items() if said[1] > now}

    def _keep(self, channel: str, workers: dict[str, tuple[Sequence[str], float]]) -> None:
        if workers:
            self._members[channel] = workers
        else:
            self._members.pop(channel, None)


class MemoryEngine(Engine):
    """The channels of one process, without any server."""

    payload_limit = 64 * 1024 * 1024

    def __init__(
        self,
        url: str,
        options: EngineOptions,
        deliver: Callable[[Message], None],
        broker: MemoryBroker | None = None,
    ) -> None:
        super().__init__(url, options, deliver)
        self._broker = broker or MemoryBroker()
        self._loop = asyncio.get_running_loop()
        self._channels: set[str] = set()
        #: messages of other threads; what this loop publishes comes after them
        self._earlier: deque[Message] = deque()
        #: the channels in which this engine's worker has members, and the worker
        self._present: set[tuple[str, str]] = set()

    @classmethod
    def maker(cls, url: str, options: EngineOptions) -> Callable[[Callable[[Message], None]], Self]:
        """Return what makes the engines of an app: they share one broker.

        Args:
            url: The URL of the configuration; only its scheme has a meaning.
            options: The options of the configuration.

        Returns:
            A function that takes ``deliver``, which gets each message, and returns an engine.
        """
        return functools.partial(cls, url, options, broker=MemoryBroker())

    def take(self, message: Message) -> bool:
        """Deliver a message on this engine's loop; called by any thread, with the broker's lock.

        Args:
            message: The message; it is dropped if the loop does not run.

        Returns:
            Whether the loop is there; it may have been closed without a word.
        """
        if running_loop() is self._loop:
            if self._earlier:
                self._deliver_earlier()
            self.deliver(message)
        elif self._loop.is_running():
            self._earlier.append(message)
            with suppress(RuntimeError):  # The loop has ended at this moment.
                self._loop.call_soon_threadsafe(self._deliver_earlier)
        return not self._loop.is_closed()

    def _deliver_earlier(self) -> None:
        while self._earlier:
            self.deliver(self._earlier.popleft())

    async def open(self) -> None:
        """Do nothing: there is no connection."""

    async def run(self) -> None:
        """Wait: nothing can be lost."""
        await self._loop.create_future()

    async def close(self) -> None:
        """Listen to nothing, and let no member be present."""
        for channel in self._channels:
            self._broker.unlisten(channel, self)
        self._channels.clear()
        for channel, worker in self._present:
            self._broker.announce(channel, worker, (), 0)
        self._present.clear()

    async def publish(self, channel: str, body: bytes) -> Position:
        """See :meth:`Engine.publish`.

        Args:
            channel: The channel's name.
            body: The message.

        Returns:
            Its position; the offset counts the messages of all channels.
        """
        return self._broker.publish(channel, body, self.options)

    async def last(self, channel: str) -> Position:
        """See :meth:`Engine.last`.

        Args:
            channel: Not used: the offsets count all channels together.

        Returns:
            The position of the last message of any channel; offset 0 before the first one.
        """
        return self._broker.last()

    async def listen(self, channel: str) -> None:
        """See :meth:`Engine.listen`.

        Args:
            channel: The channel's name; a second call for it does nothing.
        """
        if channel not in self._channels:
            self._channels.add(channel)
            self._broker.listen(channel, self)

    async def unlisten(self, channel: str) -> None:
        """See :meth:`Engine.unlisten`.

        Args:
            channel: The channel's name.
        """
        self._channels.discard(channel)
        self._broker.unlisten(channel, self)

    async def history(self, channel: str, after: Position | None) -> History:
        """See :meth:`Engine.history`.

        Args:
            channel: The channel's name.
            after: See :meth:`Engine.history`.

        Returns:
            See :meth:`MemoryBroker.history`.
        """
        return self._broker.history(channel, after)

    async def announce(self, channel: str, worker: str, members: Sequence[str]) -> None:
        """See :meth:`Engine.announce`.

        Args:
            channel: The channel's name.
            worker: The worker's id.
            members: Each name once; they count for `presence` seconds, or until replaced.
        """
        self._broker.announce(channel, worker, members, self.options.presence)
        if members:
            self._present.add((channel, worker))
        else:
            self._present.discard((channel, worker))

    async def members(self, channel: str) -> Mapping[str, Sequence[str]]:
        """See :meth:`Engine.members`.

        Args:
            channel: The channel's name.

        Returns:
            The names by the worker's id; here a worker is an event loop.
        """
        return self._broker.members(channel)
