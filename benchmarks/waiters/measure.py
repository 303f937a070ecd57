"""Requests that wait at the same time in one app: seconds, threads, memory, and who is answered.

Each kind is measured in a process of its own (``python -m benchmarks.waiters.measure NAME``), so
that its memory is its own. The app is called as a server calls it, without a server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import threading
import time
from collections import Counter
from typing import Any

from ..memory import held, resident
from .apps import FACADE, FREE, HOOKS, KINDS, App

BURST = 1200
WEBSOCKETS = 80
#: more than the pool of ``def`` functions is large, by default
WAITERS = 40
#: seconds after which a request counts as not answered
PATIENCE = 60.0


def scope_of(path: str, kind: str = "http") -> dict[str, Any]:
    """Return the scope of a request or websocket."""
    scope = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    return {**scope, "method": "GET"} if kind == "http" else {**scope, "subprotocols": []}


async def get(app: App, path: str, **changes: Any) -> int:
    """Make a request and return its status; 0 if it is not answered within :data:`PATIENCE`."""
    statuses: list[int] = []
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            statuses.append(message["status"])

    try:
        async with asyncio.timeout(PATIENCE):
            await app({**scope_of(path), **changes}, receive, send)
    except TimeoutError:
        return 0
    return statuses[0]


async def waiting(app: App, requests: int) -> dict[str, Any]:
    """Let requests wait at the same time.

    Returns:
        Seconds, most threads, KiB of memory for each, and how many were answered with 200.
    """
    for _ in range(20):
        await get(app, "/ready")
    before = held()["resident"]
    sizes, threads = [before], [threading.active_count()]

    async def watch() -> None:
        while True:
            sizes.append(resident())
            threads.append(threading.active_count())
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    began = time.monotonic()
    statuses = await asyncio.gather(*(get(app, "/") for _ in range(requests)))
    seconds = time.monotonic() - began
    watching.cancel()
    return {
        "seconds": seconds,
        "threads": max(threads),
        "kib": (max(sizes) - before) / requests,
        "requests": requests,
        "answered": Counter(statuses)[200],
    }


async def woken(app: App) -> int:
    """Let requests wait for a later one, and return how many were answered."""
    tasks = [asyncio.create_task(get(app, "/news")) for _ in range(WAITERS)]
    await asyncio.sleep(0.2)
    try:
        async with asyncio.timeout(PATIENCE / 10):
            await get(app, "/wake")
            return Counter(await asyncio.gather(*tasks))[200]
    except TimeoutError:
        return Counter(task.result() for task in tasks if task.done() and not task.cancelled())[200]


async def talking(app: App) -> int:
    """Open websockets at the same time, and return how many were answered."""
    answered, gone = [], asyncio.Event()

    async def talk() -> None:
        messages = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hi"}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop(0)
            await gone.wait()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                answered.append(1)

        await app(scope_of("/ws", "websocket"), receive, send)

    tasks = [asyncio.create_task(talk()) for _ in range(WEBSOCKETS)]
    end = time.monotonic() + PATIENCE / 10
    while len(answered) < WEBSOCKETS and time.monotonic() < end:
        await asyncio.sleep(0.01)
    count = len(answered)
    gone.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    return count


async def streaming(app: App, rounds: int = 30) -> dict[str, float]:
    """Measure a stream of chunks: run ahead, and with a hop for each, in turns.

    Returns:
        Milliseconds of the two.
    """
    ways: dict[str, dict[str, Any]] = {"ahead": {}, "hops": {"asyncflask.pieces": {}}}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, extensions in ways.items():
            began = time.perf_counter()
            await get(app, "/stream", extensions=extensions)
            times[way].append((time.perf_counter() - began) * 1000)
    return {way: statistics.median(measured) for way, measured in times.items()}


async def measure(name: str, requests: int, burst: int) -> dict[str, Any]:
    """Measure one kind.

    Args:
        name: A key of :data:`KINDS`.
        requests: Number of requests that wait.
        burst: Number of requests that come at once, if the kind has ``def`` hooks of asyncflask; 0
            to measure nothing but the requests that wait.
    """
    kind = KINDS[name]
    app = kind.make()
    cell: dict[str, Any] = await waiting(app, min(requests, kind.most))
    if not burst:
        return cell
    if name in (HOOKS, FREE, FACADE):
        answers = await asyncio.gather(*(get(app, "/") for _ in range(burst)))
        cell["burst"] = {str(status): count for status, count in Counter(answers).items()}
    if name == FACADE:
        cell["stream"] = await streaming(app)
    if kind.websockets:
        cell["websockets"] = await talking(app)
    cell["woken"] = await woken(app)
    return cell


def main() -> None:
    """Measure one kind in this process and print the result as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.waiters.measure", description=main.__doc__
    )
    parser.add_argument("name", choices=KINDS)
    parser.add_argument("requests", type=int)
    parser.add_argument("--burst", type=int, default=0, help="requests at once; 0: only wait")
    args = parser.parse_args()

    async def measured() -> None:
        print(json.dumps(await measure(args.name, args.requests, args.burst)), flush=True)
        os._exit(0)  # Threads that wait for what never comes would keep the process.

    asyncio.run(measured())


if __name__ == "__main__":
    main()
