"""One peer with one workload, in a process of its own: it waits for its turn, and is measured.

In one process the peers would share what none of them shares in production: a memory allocator
whose thresholds another peer has changed, and the garbage collector's counters. In one process with
eleven others, Starlette took a third of the time for an upload that it takes under uvicorn.
:mod:`.measure` decides the turns, and evaluates the times.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from .apps import Peer
from .client import Client, Lifespan, consume
from .workloads import Workload

#: seconds on the clock between two rests of it, in which the next calls are made
BATCH = 0.004
MOST_CALLS = 1000
END = 10.0  # seconds that a process has to end


@dataclass(frozen=True)
class Entry:
    """A peer's app and the workload that it answers.

    Args:
        make: Makes the app; it is sent to another process, and has to be importable there.
        workload: What the app is asked.
        wsgi: Whether it is a WSGI callable, not ASGI.
        lifespan: Whether it answers only after the lifespan's start.
        leaves: Whether it waits after its response for the client to disconnect.
    """

    make: Callable[[], Any]
    workload: Workload
    wsgi: bool = False
    lifespan: bool = False
    leaves: bool = False


def entry_of(peer: Peer, workload: Workload) -> Entry | None:
    """Return a peer's entry for a workload; ``None`` if it has no app for that."""
    if workload.name not in peer.apps():
        return None
    make = partial(_make, peer, workload.name)
    return Entry(make, workload, peer.wsgi, peer.lifespan, workload.name in peer.leaving)


def _make(peer: Peer, workload: str) -> Any:
    return peer.apps()[workload]()


# -- in the process --------------------------------------------------------------------------------


async def take_turns(entry: Entry, line: Connection) -> None:
    """Check and warm up the app, say ``None``; then answer each seconds with microseconds.

    ``None`` instead of seconds ends it; the app is checked again then, and ``None`` is said.

    Args:
        entry: The app and the workload.
        line: The connection to the process that gives the turns.

    Raises:
        WrongAnswer: The app sends a wrong response.
    """
    client = Client(entry.make(), entry.workload, entry.wsgi, entry.leaves)
    lifespan = Lifespan(client.app) if entry.lifespan else None
    if lifespan is not None:
        await lifespan.start()
    await client.check()
    batch = await calibrate(client)
    line.send(None)
    while (seconds := line.recv()) is not None:
        gc.collect()
        await time_calls(client, batch)  # Other processes have used the caches.
        line.send(await time_round(client, batch, seconds))
    await client.check()  # An app that broke down meanwhile may have become fast by it.
    if lifespan is not None:
        await lifespan.end()
    line.send(None)


def _run(entry: Entry, line: Connection) -> None:
    try:
        asyncio.run(take_turns(entry, line))
    except Exception as error:
        line.send(error)


async def time_calls(client: Client, count: int) -> float:
    """Make ``count`` calls, one after the other, and return the seconds they took.

    The event loop gets a turn at the end, on the clock: what an app left for later is its work too.
    """
    if client.wsgi:
        return _time_wsgi_calls(client, count)
    app = client.app
    calls = [client.call() for _ in range(count)]
    began = time.perf_counter()
    for scope, receive, send in calls:
        await app(scope, receive, send)
    await asyncio.sleep(0)
    return time.perf_counter() - began


def _time_wsgi_calls(client: Client, count: int) -> float:
    app = client.app
    environs = [client.environ() for _ in range(count)]
    began = time.perf_counter()
    for environ in environs:
        consume(app, environ, _start_response)
    return time.perf_counter() - began


def _start_response(status: str, headers: Any, exc_info: Any = None) -> None:
    """Take the start of an answer, and forget it."""


async def calibrate(client: Client) -> int:
    """Warm an app up, and return how many calls fill a batch."""
    count = 1
    while True:
        seconds = await time_calls(client, count)
        if seconds >= BATCH / 2 or count >= MOST_CALLS:
            return max(1, min(MOST_CALLS, round(count * BATCH / seconds)))
        count = min(MOST_CALLS, count * 4)


async def time_round(client: Client, batch: int, seconds: float) -> float:
    """Make calls for so many seconds on the clock; return the microseconds of one unit."""
    elapsed, calls = 0.0, 0
    while elapsed < seconds:
        elapsed += await time_calls(client, batch)
        calls += batch
    return elapsed / calls / client.units * 1e6


# -- from outside ----------------------------------------------------------------------------------


class Taker:
    """The process of an entry, from the side that gives the turns.

    Args:
        entry: The app and the workload.
    """

    def __init__(self, entry: Entry) -> None:
        context = multiprocessing.get_context("spawn")
        self._workload = entry.workload.name
        self._line, line = context.Pipe()
        self._process = context.Process(target=_run, args=(entry, line), daemon=True)
        self._process.start()
        line.close()  # What ends with the process is to be seen here.

    def wait_until_ready(self) -> None:
        """Wait until the app is checked and warm.

        Raises:
            Exception: What went wrong in the process.
        """
        self._answer()

    def turn(self, seconds: float) -> float:
        """Let the app answer for so many seconds; return the microseconds of one unit.

        Raises:
            Exception: What went wrong in the process.
        """
        self._line.send(seconds)
        micros: float = self._answer()
        return micros

    def check(self) -> None:
        """Check the app once more; it has no turn after that.

        Raises:
            Exception: What went wrong in the process.
        """
        self._line.send(None)
        self._answer()

    def end(self) -> None:
        """End the process, whatever it does."""
        self._line.close()
        self._process.join(0 if self._process.exitcode is None else END)
        with suppress(ValueError):
            self._process.kill()
            self._process.join()

    def _answer(self) -> Any:
        try:
            answer = self._line.recv()
        except EOFError:
            self._process.join(END)
            raise RuntimeError(
                f"A process with {self._workload!r} ended by itself, with"
                f" {self._process.exitcode}; what it said stands above."
            ) from None
        if isinstance(answer, Exception):
            raise answer
        return answer
