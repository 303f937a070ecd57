"""What subscribers get while the server is killed and started again."""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections.abc import Container, Sequence
from typing import Any, Protocol

from .peers import CLOSE, PEERS, TIMEOUT, Peer, Receive, closed

#: Seconds between two messages; of the time before, during and after the server is away.
PAUSE = 0.005
BEFORE, AWAY, AFTER = 0.3, 0.5, 4.0
#: Seconds in which what has been taken may still arrive.
LAST = 1.0


class Killed(Protocol):
    """A server that can be killed and started again on its port."""

    url: str

    def kill(self) -> None:
        """End it at once."""

    def start(self) -> None:
        """Start it, and wait until it answers."""


async def _publish(peer: Peer, token: str, taken: list[int], refused: list[int]) -> None:
    """Publish numbers, and note which the publisher believes to be sent."""
    await peer.open()
    number = 0
    try:
        while True:
            try:
                async with asyncio.timeout(2 * TIMEOUT):
                    await peer.publish(f"{token} {number}".encode())
                taken.append(number)
            except Exception:  # Each library has errors of its own.
                refused.append(number)
            number += 1
            await asyncio.sleep(PAUSE)
    finally:
        await closed(peer)


async def _read(receive: Receive, token: str, received: dict[int, float]) -> None:
    """Note when each number arrives, for as long as the library does not raise."""
    while True:
        found, number = (await receive()).decode().split()
        if found == token:  # A library may send late what an earlier publisher gave it.
            received.setdefault(int(number), time.perf_counter())


async def _restart(kind: type[Peer], server: Killed) -> dict[str, Any]:
    publisher, subscriber = kind(server.url), kind(server.url)
    token = secrets.token_hex(4)
    taken: list[int] = []
    refused: list[int] = []
    received: dict[int, float] = {}
    await subscriber.open()
    receive = await subscriber.subscribe()
    reading = asyncio.create_task(_read(receive, token, received))
    publishing = asyncio.create_task(_publish(publisher, token, taken, refused))
    await asyncio.sleep(BEFORE)
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(AWAY)
    await asyncio.to_thread(server.start)
    back = time.perf_counter()
    await asyncio.sleep(AFTER)
    publishing.cancel()
    await asyncio.sleep(LAST)
    reading.cancel()
    for task in (publishing, reading):
        while not task.done():  # A library may swallow it.
            task.cancel()
            await asyncio.wait([task], timeout=CLOSE)
    await closed(subscriber)
    later = [when - back for when in received.values() if when > back]
    return {
        "taken": len(taken),
        "refused": len(refused),
        "lost": len(set(taken) - received.keys()),
        "in_order": list(received) == sorted(received),
        "again": min(later) if later else None,
    }


async def measure_restarts(
    engine: str, server: Killed, titles: Container[str], times: int
) -> dict[str, Any]:
    """Kill an engine's server so often under each peer; return each one's cells by its title.

    Args:
        engine: The engine's name.
        server: Its server.
        titles: Of the peers that work.
        times: How often.
    """
    cells = {}
    for kind in PEERS[engine]:
        if kind.title not in titles:
            continue
        found = [await _restart(kind, server) for _ in range(times)]
        again = [one["again"] for one in found if one["again"] is not None]
        cells[kind.title] = {
            "taken": _total(found, "taken"),
            "refused": _total(found, "refused"),
            "lost": _total(found, "lost"),
            "in_order": all(one["in_order"] for one in found),
            "again": round(statistics.median(again), 3) if len(again) == times else None,
        }
    return cells


def _total(found: Sequence[dict[str, Any]], name: str) -> int:
    return sum(one[name] for one in found)
