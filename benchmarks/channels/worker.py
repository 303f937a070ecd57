"""A process of its own: subscribers that note when messages arrive, or subscriptions in memory.

``python -m benchmarks.channels.worker deliveries ENGINE TITLE URL SUBSCRIBERS MESSAGES`` prints
"ready", then the latencies of all deliveries. ``… memory URL SUBSCRIPTIONS CHANNELS`` prints the
bytes of a subscription. ``… blocking URL PUBLISHED`` prints the µs of a publish without a loop.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from pathlib import Path

from asyncflask import Flask
from asyncflask.channels import Channels

from .peers import CHANNEL, PEERS, Own, Receive, closed


async def deliveries(engine: str, title: str, url: str, subscribers: int, messages: int) -> None:
    """Print the µs from publishing to each delivery; a message says when it was published."""
    (kind,) = (kind for kind in PEERS[engine] if kind.title == title)
    peer = kind(url)
    await peer.open()
    found: list[float] = []

    async def read(receive: Receive) -> None:
        last = 0
        for _ in range(messages):
            published = int(await receive())
            assert published > last  # in order
            last = published
            found.append((time.monotonic_ns() - published) / 1000)

    receivers = [await peer.subscribe() for _ in range(subscribers)]
    print("ready", flush=True)
    async with asyncio.TaskGroup() as tasks:
        for receive in receivers:
            tasks.create_task(read(receive))
    print(json.dumps(found), flush=True)
    await closed(peer)


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def memory(url: str, subscriptions: int, channels: int) -> None:
    """Print the bytes that a subscription takes, spread over so many channels."""
    peer = Own(url)
    await peer.open()
    await peer.subscribe()
    before = _resident()
    for number in range(subscriptions):
        await peer.subscribe(f"{CHANNEL}{number % channels}")
    print((_resident() - before) / subscriptions, flush=True)
    os._exit(0)


def blocking(url: str, published: int) -> None:
    """Print the µs of each publish in code that has no event loop, as in a job."""
    app = Flask("bench")
    app.config.update(CHANNELS_URL=url)
    channels = Channels(app)
    found = []
    with app.app_context():
        for _ in range(published):
            began = time.perf_counter()
            channels.publish(CHANNEL, b"x")
            found.append((time.perf_counter() - began) * 1e6)
    print(sorted(found)[len(found) // 2], flush=True)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "deliveries":
        asyncio.run(deliveries(rest[0], rest[1], rest[2], int(rest[3]), int(rest[4])))
    elif what == "memory":
        asyncio.run(memory(rest[0], int(rest[1]), int(rest[2])))
    else:
        blocking(rest[0], int(rest[1]))
