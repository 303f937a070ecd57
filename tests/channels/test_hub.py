"""The hub of a loop: it connects again, and its subscribers get everything once and in order."""

from __future__ import annotations

import asyncio
import logging

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

    async def unlisten(self, channel):
        pass

    async def history(self, channel, after):
        self.deliver(self.message())
        missed = [one for one in self.kept if one.position.offset > after.offset]
        return History(missed, complete=True)

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
