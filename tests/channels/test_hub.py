"""The hub of a loop: it connects again, and its subscribers get everything once and in order."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest

from asyncflask.channels import (
    Engine,
    EngineOptions,
    History,
    Message,
    Position,
    SlowSubscriber,
    Subscription,
)
from asyncflask.channels.hub import Hub


class BusyEngine(Engine):
    """An engine that loses its connection when told, and to which others publish all the time."""

    payload_limit = 1000

    def __init__(self, deliver):
        super().__init__("busy://", EngineOptions(), deliver)
        self.kept = []
        self.lose = asyncio.Event()

    def message(self):
        message = Message("news", Position("epoch", len(self.kept) + 1), b"")
        self.kept.append(message)
        return message

    async def open(self):
        self.lose.clear()

    async def run(self):
        await self.lose.wait()
        raise ConnectionError("lost")

    async def close(self):
        pass

    async def publish(self, channel, body):
        message = self.message()
        self.deliver(message)
        return message.position

    async def listen(self, channel):
        if self.kept:  # It was listened to before: one message was missed, the next one is live.
            self.message()
            self.deliver(self.message())

    async def last(self, channel):
        return self.kept[-1].position if self.kept else None

    async def unlisten(self, channel):
        pass

    async def history(self, channel, after):
        self.deliver(self.message())
        seen = 0 if after is None else after.offset
        return History([one for one in self.kept if one.position.offset > seen], complete=True)

    async def announce(self, channel, worker, members):
        pass

    async def members(self, channel):
        return {}


async def test_what_is_published_while_the_hub_connects_again_loses_nothing():
    hub = Hub(BusyEngine, timeout=5, logger=logging.getLogger("hub"))
    subscription = Subscription("news", 100, 1000, "close")
    async with asyncio.timeout(10):
        async with hub.subscribe(subscription, after=None, replay=False) as messages:
            await hub.publish("news", b"")
            hub.engine.lose.set()
            await asyncio.sleep(0)
            offsets = [(await anext(messages)).position.offset for _ in range(4)]
        await hub.close()

    assert offsets == [1, 2, 3, 4]
    assert subscription.complete


async def test_a_hub_that_is_closed_leaves_no_task_that_waits():
    class Absent(BusyEngine):
        async def open(self):
            raise ConnectionError("absent")

    hub = Hub(Absent, timeout=0.05, logger=logging.getLogger("hub"))
    subscription = Subscription("news", 100, 1000, "close")
    waiting = asyncio.create_task(hub.subscribe(subscription, None, False).__aenter__())
    await asyncio.sleep(0)
    await hub.close()
    await asyncio.wait([waiting])

    assert waiting.exception() is not None
    assert asyncio.all_tasks() == {asyncio.current_task()}


class SlowEngine(BusyEngine):
    """An engine that takes a while, and that must not be asked twice at once for a channel."""

    def __init__(self, deliver):
        super().__init__(deliver)
        self.listening = set()
        self.busy = set()

    async def take_a_while(self, channel):
        assert channel not in self.busy
        self.busy.add(channel)
        await asyncio.sleep(0.002)
        self.busy.remove(channel)

    async def listen(self, channel):
        await self.take_a_while(channel)
        self.listening.add(channel)

    async def unlisten(self, channel):
        await self.take_a_while(channel)
        self.listening.discard(channel)

    async def close(self):
        self.listening.clear()


async def enter(hub, name="news"):
    """Subscribe; return what ends the subscription."""
    stack = AsyncExitStack()
    await stack.enter_async_context(
        hub.subscribe(Subscription(name, 100, 1000, "close"), after=None, replay=False)
    )
    return stack


async def test_who_comes_while_two_others_leave_is_listened_for():
    hub = Hub(SlowEngine, timeout=5, logger=logging.getLogger("hub"))
    async with asyncio.timeout(10):
        for _ in range(5):
            first = asyncio.create_task(enter(hub))
            await asyncio.sleep(0.001)
            first.cancel()
            await asyncio.wait([first])
            second = asyncio.create_task(enter(hub))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.wait([second])
            third = await enter(hub)
            await asyncio.sleep(0.02)
            assert hub.engine.listening == {"news"}
            await third.aclose()
            await asyncio.sleep(0.02)
            assert hub.engine.listening == set()
        await hub.close()


async def test_a_channel_that_is_left_while_the_hub_connects_is_not_listened_to():
    hub = Hub(SlowEngine, timeout=5, logger=logging.getLogger("hub"))
    async with asyncio.timeout(10):
        left, stays = await enter(hub, "left"), await enter(hub, "stays")
        hub.engine.lose.set()
        while hub.connected:
            await asyncio.sleep(0)
        while "left" not in hub.engine.busy:
            await asyncio.sleep(0)
        await left.aclose()
        while not hub.connected:
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)
        assert hub.engine.listening == {"stays"}
        await stays.aclose()
        await hub.close()


async def test_a_subscriber_who_has_seen_nothing_gets_what_was_published_meanwhile():
    hub = Hub(BusyEngine, timeout=5, logger=logging.getLogger("hub"))
    subscription = Subscription("news", 100, 1000, "close")
    async with asyncio.timeout(10):
        async with hub.subscribe(subscription, after=None, replay=False) as messages:
            hub.engine.message()
            hub.engine.lose.set()
            assert (await anext(messages)).position.offset == 1
        await hub.close()


async def test_the_last_of_many_announcements_counts():
    class Unordered(BusyEngine):
        """An engine whose later announcements are the faster ones."""

        pause = 0.1
        seen = ()

        async def announce(self, channel, worker, members):
            self.pause /= 2
            await asyncio.sleep(self.pause)
            self.seen = sorted(members)

    hub = Hub(Unordered, timeout=5, logger=logging.getLogger("hub"))

    async def visit(name):
        async with hub.present("room", name):
            await ending.wait()

    ending = asyncio.Event()
    async with asyncio.timeout(10):
        while not hub.connected:
            await asyncio.sleep(0)
        visits = []
        for name in "abc":
            visits.append(asyncio.create_task(visit(name)))
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.2)
        assert hub.engine.seen == ["a", "b", "c"]
        ending.set()
        await asyncio.wait(visits)
        assert hub.engine.seen == []
        await hub.close()


def put(subscription, first, last):
    """Hand live messages to a subscription."""
    for number in range(first, last + 1):
        subscription.put(Message("news", Position("epoch", number), b""))


def kept(first, last):
    """Return messages to replay."""
    return [Message("news", Position("epoch", number), b"") for number in range(first, last + 1)]


async def offsets(subscription, number):
    """Return the offsets of the next messages."""
    return [(await anext(subscription)).position.offset for _ in range(number)]


async def test_a_mailbox_has_its_limit_beside_what_was_replayed():
    subscription = Subscription("news", 3, 1000, "drop_oldest")
    subscription.catch_up(kept(1, 5))
    put(subscription, 6, 8)
    assert (await offsets(subscription, 2), subscription.lost) == ([1, 2], 0)
    put(subscription, 9, 9)
    assert (await offsets(subscription, 3), subscription.lost) == ([7, 8, 9], 4)


async def test_a_reader_that_does_not_read_between_two_replays_has_the_last_one():
    """A connection that is lost again and again does not fill the memory."""
    subscription = Subscription("news", 3, 1000, "drop_oldest")
    for first in (1, 6, 11):
        subscription.catch_up(kept(first, first + 4))
    assert await offsets(subscription, 8) == [8, 9, 10, 11, 12, 13, 14, 15]
    put(subscription, 16, 20)
    assert await offsets(subscription, 3) == [18, 19, 20]


async def test_a_reader_that_is_closed_between_two_replays_has_no_gap():
    subscription = Subscription("news", 3, 1000, "close")
    subscription.catch_up(kept(1, 5))
    subscription.catch_up(kept(6, 9))
    assert await offsets(subscription, 4) == [1, 2, 3, 4]
    with pytest.raises(SlowSubscriber, match="3 messages"):
        await anext(subscription)


async def test_what_comes_too_late_for_a_subscription_is_not_taken():
    closed = Subscription("news", 3, 1000, "close")
    closed.close()
    slow = Subscription("news", 1, 1000, "close")
    put(slow, 1, 2)
    for subscription in (closed, slow):
        subscription.catch_up(kept(3, 4))
    with pytest.raises(StopAsyncIteration):
        await anext(closed)
    assert await offsets(slow, 1) == [1]
    with pytest.raises(SlowSubscriber, match="1 messages"):
        await anext(slow)


async def test_a_message_that_comes_live_after_it_was_replayed_comes_once():
    """PostgreSQL answers with a message in its history before it notifies of it."""
    subscription = Subscription("news", 10, 1000, "close")
    subscription.hold()
    put(subscription, 3, 3)
    subscription.replay(kept(1, 4), complete=True)
    put(subscription, 3, 5)
    put(subscription, 6, 6)
    assert await offsets(subscription, 6) == [1, 2, 3, 4, 5, 6]


async def test_a_connection_that_is_lost_after_a_replay_leads_to_no_double():
    subscription = Subscription("news", 10, 1000, "close")
    subscription.hold()
    subscription.catch_up(kept(1, 2))
    subscription.replay(kept(1, 4), complete=True)
    subscription.catch_up(kept(3, 6))
    put(subscription, 7, 7)
    assert await offsets(subscription, 7) == [1, 2, 3, 4, 5, 6, 7]
