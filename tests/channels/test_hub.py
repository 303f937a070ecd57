"""The hub of a loop: it connects again, and its subscribers get everything once and in order."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack

from asyncflask.channels import Engine, EngineOptions, History, Message, Position, Subscription
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
