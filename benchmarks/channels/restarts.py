"""What subscribers get while the server is killed and started again."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import Any, Protocol

from .peers import PEERS, TIMEOUT, Own, Peer, Receive

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


async def _publish(peer: Peer, taken: list[int], refused: list[int]) -> None:
    """Publish numbers, and note which the publisher believes to be sent."""
    await peer.open()
    number = 0
    try:
        while True:
            try:
                async with asyncio.timeout(2 * TIMEOUT):
                    await peer.publish(str(number).encode())
                taken.append(number)
            except Exception:  # Each library has errors of its own.
                refused.append(number)
            number += 1
            await asyncio.sleep(PAUSE)
    finally:
        await _closed(peer)


async def _closed(peer: Peer) -> None:
    try:
        await peer.close()
    except Exception:
        if isinstance(peer, Own):
            raise


async def _read(receive: Receive, received: dict[int, float]) -> None:
    """Note when each number arrives, for as long as the library does not raise."""
    while True:
        received.setdefault(int(await receive()), time.perf_counter())


async def _restart(kind: type[Peer], server: Killed) -> dict[str, Any]:
    publisher, subscriber = kind(server.url), kind(server.url)
    taken: list[int] = []
    refused: list[int] = []
    received: dict[int, float] = {}
    await subscriber.open()
    receive = await subscriber.subscribe()
    reading = asyncio.create_task(_read(receive, received))
    publishing = asyncio.create_task(_publish(publisher, taken, refused))
    await asyncio.sleep(BEFORE)
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(AWAY)
    await asyncio.to_thread(server.start)
    back = time.perf_counter()
    await asyncio.sleep(AFTER)
    publishing.cancel()
    await asyncio.sleep(LAST)
    reading.cancel()
    await asyncio.wait([publishing, reading])
    await _closed(subscriber)
    later = [when - back for when in received.values() if when > back]
    return {
        "taken": len(taken),
        "refused": len(refused),
        "lost": len(set(taken) - received.keys()),
        "in_order": list(received) == sorted(received),
        "again": min(later) if later else None,
    }


async def measure_restarts(engine: str, server: Killed, times: int) -> dict[str, Any]:
    """Kill an engine's server so often under each peer; return each one's cells by its title."""
    cells = {}
    for kind in PEERS[engine][:2]:
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
