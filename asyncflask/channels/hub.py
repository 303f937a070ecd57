"""The channels of one event loop: the engine's connection, and who is subscribed to what.

Each loop has one connection to the engine, however many subscribers there are: the hub listens to
a channel once, and hands each message to the mailboxes of its subscribers. When the connection is
lost, the hub connects again and replays for each channel what was published meanwhile.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from .bell import ring_all
from .deadline import within
from .engine import Engine
from .errors import ChannelsUnavailable, MessageTooLarge
from .message import Message, Position
from .subscription import Subscription

T = TypeVar("T")

#: Seconds between two tries to connect: the first and the longest; the real ones are random.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
#: How many channels are listened to again at the same time.
RESUMED_AT_ONCE = 16


class _Channel:
    """A channel that has subscribers.

    Args:
        name: The channel's name.
    """

    __slots__ = ("asked", "begun", "held", "last", "listening", "name", "subscriptions")

    def __init__(self, name: str) -> None:
        self.name = name
        self.subscriptions: set[Subscription] = set()
        #: ends when the engine delivers the channel's messages
        self.listening: asyncio.Task[None]
        #: whether the engine was asked to listen; the task must not be cancelled from then on
        self.asked = False
        #: whether ``last`` is known
        self.begun = False
        #: the last message that was delivered, at first the last one that was published before the
        #: channel was listened to; ``None``: there is none
        self.last: Position | None = None
        #: live messages that wait for those which were missed; ``None`` when none are read
        self.held: list[Message] | None = None


class _Presence:
    """Who is present in a channel by this worker."""

    __slots__ = ("lock", "members")

    def __init__(self) -> None:
        #: how often each member is there
        self.members: Counter[str] = Counter()
        #: one announcement at a time, so that the last one is the one that counts
        self.lock = asyncio.Lock()


class Hub:
    """The channels of one event loop.

    Args:
        make_engine: Makes the engine from the function that takes its messages.
        timeout: Seconds that the engine may take to answer; ``None``: no limit.
        logger: The app's.
    """

    def __init__(
        self,
        make_engine: Callable[[Callable[[Message], None]], Engine],
        timeout: float | None,
        logger: logging.Logger,
    ) -> None:
        self.engine = make_engine(self._deliver)
        self.engine.logger = logger
        self._timeout = timeout
        self._logger = logger
        self._channels: dict[str, _Channel] = {}
        #: the last task of each channel that ends listening to it
        self._leaving: dict[str, asyncio.Task[None]] = {}
        #: all tasks that begin or end listening to a channel
        self._tasks: set[asyncio.Task[None]] = set()
        self._present: dict[str, _Presence] = {}
        self._worker = secrets.token_hex(8)
        self._connected = asyncio.Event()
        #: set after the first try to connect
        self._tried = asyncio.Event()
        #: the error of the last try to connect, for messages
        self._failure = ""
        # In no request's context, which these tasks would keep.
        self._owner = asyncio.create_task(
            self._run(), name="channels", context=contextvars.Context()
        )

    @property
    def connected(self) -> bool:
        """Whether the engine can be reached, as far as is known."""
        return self._connected.is_set()

    async def can_connect(self) -> bool:
        """Return :attr:`connected`, after the first try if there was none yet."""
        await self._tried.wait()
        return self.connected

    @property
    def closed(self) -> bool:
        """Whether the hub has ended, by :meth:`close` or with its loop."""
        return self._owner.done()

    async def close(self) -> None:
        """End all subscriptions, and let go of the connection."""
        for channel in self._channels.values():
            for subscription in channel.subscriptions:
                subscription.close()
        self._owner.cancel()
        with suppress(asyncio.CancelledError):
            await self._owner
        for task in self._tasks:
            task.cancel()

    # -- the connection ----------------------------------------------------------------------------

    async def _run(self) -> None:
        """Keep a connection to the engine until cancelled."""
        pause = FIRST_PAUSE
        warned = False
        while True:
            try:
                await self._open()
                self._connected.set()
                self._tried.set()
                if warned:
                    self._logger.warning("Channels: the engine can be reached again.")
                pause, warned = FIRST_PAUSE, False
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._renew_presence())
                    tasks.create_task(self.engine.run())
            except Exception as error:  # Each engine's client library has errors of its own.
                self._connected.clear()
                self._failure = _in_one_line(error)
                if not warned:
                    self._logger.warning(
                        "Channels: the engine was lost, connecting: %s", self._failure
                    )
                    warned = True
            finally:
                self._connected.clear()
                self._tried.set()
                await self._close_engine()
            await asyncio.sleep(random.uniform(pause / 2, pause))
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _close_engine(self) -> None:
        with suppress(Exception):
            await within(1, self.engine.close())

    async def _open(self) -> None:
        """Connect, listen again to all channels, and deliver what was published meanwhile.

        Each step has the whole time: there may be thousands of channels.
        """
        await within(self._timeout, self.engine.open())
        waiting = list(self._channels.values())
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(RESUMED_AT_ONCE, len(waiting))):
                tasks.create_task(self._resume_all(waiting))
        for name in list(self._present):
            await within(self._timeout, self._announce(name))

    async def _resume_all(self, waiting: list[_Channel]) -> None:
        while waiting:
            channel = waiting.pop()
            await within(self._timeout, self._resume(channel))
            if self._channels.get(channel.name) is not channel:  # The last subscriber has left.
                await within(self._timeout, self.engine.unlisten(channel.name))

    async def _resume(self, channel: _Channel) -> None:
        """Listen to a channel again; what was missed comes before what is live."""
        if not channel.begun:
            await self._begin(channel)
            return
        channel.held = []
        try:
            await self.engine.listen(channel.name)
            history = await self.engine.history(channel.name, channel.last)
            live, channel.held = channel.held, None
        finally:
            channel.held = None
        if not history.complete:
            for subscription in channel.subscriptions:
                subscription.miss()
        self._catch_up(channel, history.messages)
        for message in live:
            self._deliver(message)

    async def _ask(self, question: Callable[[], Coroutine[Any, Any, T]], what: str) -> T:
        """Return an answer of the engine.

        Raises:
            ChannelsUnavailable: There was none within the time.
        """
        try:
            return await within(self._timeout, self._answer(question))
        except Exception as error:  # Each engine's client library has errors of its own.
            if isinstance(error, TimeoutError):
                why = "did not answer in time"
                if self._timeout is not None:
                    why = f"did not answer within CHANNELS_TIMEOUT={self._timeout:g} seconds"
                if self._failure and not self.connected:
                    why += f" (the last try to connect: {self._failure.rstrip('.')})"
            else:
                why = "refused it, or was lost meanwhile"
            raise ChannelsUnavailable(
                f"{what} failed: {_in_one_line(error).rstrip('.')}. The engine of CHANNELS_URL"
                f" {why}; see that it runs."
            ) from error

    async def _answer(self, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        await self._connected.wait()
        return await question()

    # -- messages ----------------------------------------------------------------------------------

    def _deliver(self, message: Message) -> None:
        channel = self._channels.get(message.channel)
        if channel is None:
            return
        if channel.held is not None:
            channel.held.append(message)
            return
        last, position = channel.last, message.position
        if last is not None and last.epoch == position.epoch and position.offset <= last.offset:
            return  # Replayed, and live as well.
        channel.last = position
        bells = [
            bell
            for subscription in channel.subscriptions
            if (bell := subscription.put(message)) is not None
        ]
        if bells:
            asyncio.get_running_loop().call_soon(ring_all, bells)

    def _catch_up(self, channel: _Channel, messages: Sequence[Message]) -> None:
        """Hand on what was published while the connection was lost."""
        if messages:
            channel.last = messages[-1].position
            for subscription in channel.subscriptions:
                subscription.catch_up(messages)

    async def publish(self, channel: str, body: bytes) -> Position:
        """Send a message, see :meth:`Engine.publish`.

        Args:
            channel: The channel's name.
            body: The message.

        Returns:
            The position of the message.

        Raises:
            ChannelsUnavailable: The engine did not take it in time. It may have it nevertheless.
            MessageTooLarge: The body is larger than the engine's limit.
        """
        limit = self.engine.payload_limit
        if len(body) > limit:
            raise MessageTooLarge(
                f"publish({channel!r}, …) was given {len(body)} bytes; the engine takes {limit}."
                " Store the data elsewhere, and publish where it is."
            )
        return await self._ask(lambda: self.engine.publish(channel, body), f"publish({channel!r})")

    @asynccontextmanager
    async def subscribe(
        self, subscription: Subscription, after: Position | None, replay: bool
    ) -> AsyncIterator[Subscription]:
        """Hand a channel's messages to a subscription.

        Args:
            subscription: Takes the messages.
            after: Where the replay begins; ``None`` if the caller's id is malformed.
            replay: Whether kept messages are wanted.

        Raises:
            ChannelsUnavailable: The engine did not answer in time.
        """
        name = subscription.channel
        channel = self._enter(subscription)
        try:
            if replay:
                subscription.hold()
            await self._ask(lambda: _wait(channel.listening), f"subscribe({name!r})")
            if replay:
                await self._replay(subscription, after)
            yield subscription
        finally:
            subscription.close()  # Another task may read from it still.
            self._leave(channel, subscription)

    async def _replay(self, subscription: Subscription, after: Position | None) -> None:
        if after is None:
            subscription.replay((), complete=False)
            return
        name = subscription.channel
        history = await self._ask(
            lambda: self.engine.history(name, after), f"subscribe({name!r}, after=…)"
        )
        # A client that missed messages loads its data again: a kept message would come twice.
        subscription.replay(history.messages if history.complete else (), history.complete)

    def _enter(self, subscription: Subscription) -> _Channel:
        name = subscription.channel
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _Channel(name)
        if not channel.subscriptions or _failed(channel.listening):
            channel.listening = self._start(self._listen(channel))
        channel.subscriptions.add(subscription)
        return channel

    def _start(self, coro: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coro, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _listen(self, channel: _Channel) -> None:
        leaving = self._leaving.get(channel.name)
        if leaving is not None:
            await asyncio.wait([leaving])
        await self._connected.wait()
        if not channel.begun:  # Else it was done when the hub connected.
            await self._begin(channel)

    async def _begin(self, channel: _Channel) -> None:
        channel.asked = True
        # Before the first message is delivered: what is published while the connection is lost
        # follows this one.
        channel.last = await self.engine.last(channel.name)
        await self.engine.listen(channel.name)
        channel.begun = True

    def _leave(self, channel: _Channel, subscription: Subscription) -> None:
        """Let go of a subscription; the last one frees the channel. Never waits."""
        channel.subscriptions.discard(subscription)
        if channel.subscriptions or self.closed:
            return
        del self._channels[channel.name]
        earlier = self._leaving.get(channel.name)
        leaving = self._start(self._unlisten(channel, earlier))
        self._leaving[channel.name] = leaving
        leaving.add_done_callback(lambda task: self._left(channel.name, task))

    def _left(self, name: str, task: asyncio.Task[None]) -> None:
        if self._leaving.get(name) is task:
            del self._leaving[name]

    async def _unlisten(self, channel: _Channel, earlier: asyncio.Task[None] | None) -> None:
        # An engine that is stopped half-way would confuse this answer with the next one.
        if not channel.asked:
            channel.listening.cancel()
        # The next subscriber waits for this task alone, which therefore waits for the earlier one.
        await asyncio.wait([channel.listening] if earlier is None else [channel.listening, earlier])
        if channel.asked:
            with suppress(Exception):
                await within(self._timeout, self.engine.unlisten(channel.name))

    # -- presence ----------------------------------------------------------------------------------

    @asynccontextmanager
    async def present(self, channel: str, member: str) -> AsyncIterator[None]:
        """Have a member in a channel until the block ends.

        Args:
            channel: The channel's name.
            member: The member's name.

        Raises:
            ChannelsUnavailable: The engine did not take it in time.
        """
        presence = self._present.setdefault(channel, _Presence())
        members = presence.members
        members[member] += 1
        try:
            if members[member] == 1:
                await self._ask(lambda: self._announce(channel), f"present({channel!r}, …)")
            yield
        finally:
            members[member] -= 1
            if not members[member]:
                del members[member]
                await self._withdraw(channel, presence)

    async def _withdraw(self, channel: str, presence: _Presence) -> None:
        try:
            # Without a connection the member is gone too: what is not renewed ends by itself.
            if self.connected:
                with suppress(ChannelsUnavailable):
                    await self._ask(lambda: self._announce(channel), f"present({channel!r}, …)")
        finally:
            if not presence.members and self._present.get(channel) is presence:
                del self._present[channel]

    async def members(self, channel: str) -> list[str]:
        """Return who is present in a channel, each once, sorted.

        Args:
            channel: The channel's name.

        Returns:
            The names of the members, in all workers.

        Raises:
            ChannelsUnavailable: The engine did not answer in time.
        """
        found = await self._ask(lambda: self.engine.members(channel), f"members({channel!r})")
        return sorted({member for members in found.values() for member in members})

    async def _announce(self, channel: str) -> None:
        presence = self._present.get(channel)
        if presence is not None:
            async with presence.lock:
                await self.engine.announce(channel, self._worker, list(presence.members))

    async def _renew_presence(self) -> None:
        while True:
            await asyncio.sleep(self.engine.options.presence / 3)
            for channel in list(self._present):
                await within(self._timeout, self._announce(channel))


async def _wait(task: asyncio.Task[None]) -> None:
    """Wait for a task that others wait for too: it goes on if the caller is cancelled."""
    await asyncio.shield(task)


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _in_one_line(error: BaseException) -> str:
    """Return an error in one line; of a group, its first one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
