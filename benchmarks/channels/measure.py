"""Latency, rate and fan-out in one process, round by round, the peers in a new order in each."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..measure import summarize
from .peers import PEERS, Own, Peer, Receive, closed

Say = Callable[[str], None]

#: A message's length, in bytes.
LENGTH = 100
#: How many publish at the same time, for the rate.
PUBLISHERS = 16
#: Seconds in which a message has to arrive.
PATIENCE = 20
#: Seconds in which a peer has to show that it works.
TRIAL = 3


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Args:
        rounds: How many rounds.
        seconds: Duration of a measurement in a round.
        subscribers: The numbers of subscribers, for fan-out.
        messages: Messages of a fan-out.
        workers_subscribers: Subscribers in each of two processes.
        kept: Subscriptions, for memory.
        restarts: How often the server is killed.
    """

    rounds: int
    seconds: float
    subscribers: Sequence[int]
    messages: int
    workers_subscribers: int
    kept: int
    restarts: int


FULL = Size(12, 0.25, (100, 1000), 20, 500, 10_000, 3)
QUICK = Size(2, 0.1, (10, 50), 5, 20, 500, 1)


async def measure_engine(
    engine: str, url: str, size: Size, order: random.Random, say: Say
) -> dict[str, Any]:
    """Measure the peers of an engine; return each one's cells by its title."""
    cells: dict[str, dict[str, list[float]]] = {}
    working = [kind for kind in PEERS[engine] if await _works(kind, url, say)]
    for _ in range(size.rounds):
        order.shuffle(working)
        for kind in working:
            await _measure_pair(kind(url), size, cells.setdefault(kind.title, {}))
    for subscribers in size.subscribers:
        for kind in working:
            name = f"fan_out_{subscribers}"
            for _ in range(max(1, size.rounds // 4)):
                found = await _fan_out(kind(url), subscribers, size.messages)
                if found is None:
                    say(f"{engine}: {kind.title} cannot have {subscribers} subscribers.")
                    break
                wall, used = found
                cells[kind.title].setdefault(name, []).append(wall)
                cells[kind.title].setdefault(f"{name}_cpu", []).append(used)
    return {
        title: {name: summarize(values) for name, values in found.items()}
        for title, found in cells.items()
    }


async def _works(kind: type[Peer], url: str, say: Say) -> bool:
    """Return whether a message arrives at all."""
    peer = kind(url)
    try:
        async with asyncio.timeout(TRIAL):
            await peer.open()
            receive = await peer.subscribe()
            await peer.publish(b"x")
            await receive()
        return True
    except Exception as error:
        say(f"{kind.title} is left out, for it has received nothing: {error!r}")
        return False
    finally:
        await closed(peer)


async def _measure_pair(peer: Peer, size: Size, cells: dict[str, list[float]]) -> None:
    """Measure latency and rate between one publisher and one subscriber."""
    await peer.open()
    try:
        receive = await peer.subscribe()
        await _latencies(peer, receive, 0.02)
        found = sorted(await _latencies(peer, receive, size.seconds))
        cells.setdefault("latency", []).append(found[len(found) // 2])
        cells.setdefault("latency_99", []).append(found[len(found) * 99 // 100])
        try:
            cells.setdefault("rate", []).append(await _rate(peer, receive, size.seconds))
        except ExceptionGroup:
            if isinstance(peer, Own):
                raise
            # broadcaster's one connection to PostgreSQL refuses a second publisher.
            cells["rate"].append(0)
    finally:
        await closed(peer)


async def _latencies(peer: Peer, receive: Receive, seconds: float) -> list[float]:
    """Return the µs from before a message is published until it has arrived, one at a time."""
    body = b"x" * LENGTH
    found = []
    ends = time.perf_counter() + seconds
    async with asyncio.timeout(seconds + PATIENCE):
        while (began := time.perf_counter()) < ends:
            await peer.publish(body)
            await receive()
            found.append((time.perf_counter() - began) * 1e6)
    return found


async def _rate(peer: Peer, receive: Receive, seconds: float) -> float:
    """Return how many messages arrive in a second while several publish."""
    body = b"x" * LENGTH
    began = time.perf_counter()

    async def publish() -> None:
        while time.perf_counter() < began + seconds:
            await peer.publish(body)
            if peer.url == "memory://":
                await asyncio.sleep(0)  # It never waits, and no other task would run.

    async def publish_all() -> None:
        await asyncio.gather(*(publish() for _ in range(PUBLISHERS)))
        await peer.publish(b"end")

    received = 0
    async with asyncio.timeout(seconds + PATIENCE), asyncio.TaskGroup() as tasks:
        tasks.create_task(publish_all())
        while await receive() != b"end":
            received += 1
    return received / (time.perf_counter() - began)


async def _fan_out(peer: Peer, subscribers: int, messages: int) -> tuple[float, float] | None:
    """Return the µs of a delivery, and those of CPU; ``None`` if there are too many subscribers."""
    await peer.open()
    try:
        try:
            receivers = [await peer.subscribe() for _ in range(subscribers)]
        except Exception:
            if isinstance(peer, Own):
                raise
            return None
        # The first one is not counted: it has to find its connections.
        for count in (1, messages):
            used, began = time.process_time(), time.perf_counter()
            await _deliver(peer, receivers, count)
            wall, used = time.perf_counter() - began, time.process_time() - used
        deliveries = subscribers * messages
        return wall / deliveries * 1e6, used / deliveries * 1e6
    finally:
        await closed(peer)


async def _deliver(peer: Peer, receivers: Sequence[Receive], messages: int) -> None:
    """Publish messages one after the other, and wait until all receivers have them."""

    async def read(receive: Receive) -> None:
        for _ in range(messages):
            await receive()

    body = b"x" * LENGTH
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(PATIENCE):
        for receive in receivers:
            tasks.create_task(read(receive))
        for _ in range(messages):
            await peer.publish(body)
