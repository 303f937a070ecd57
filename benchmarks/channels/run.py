"""Starts the engines' servers, measures, and returns the result as it is written to a file."""

from __future__ import annotations

import asyncio
import json
import logging
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..measure import load_average, machine
from .measure import FULL, QUICK, Say, Size, measure_engine
from .peers import PEERS, Peer, closed
from .restarts import Killed, measure_restarts

#: Seconds between two messages to two processes.
PAUSE = 0.01
#: Messages to two processes.
MESSAGES = 100
#: Messages of code without an event loop.
BLOCKING = 30


class NoServer:
    """What the engine ``memory://`` needs."""

    url = "memory://"

    def start(self) -> None:
        """Do nothing."""

    def kill(self) -> None:
        """Do nothing."""


@contextmanager
def running(engine: str, say: Say) -> Iterator[Killed | None]:
    """Start an engine's server until the block ends; ``None`` if it is not installed."""
    if engine == "memory":
        yield NoServer()
        return
    import pytest  # tests.services skips tests where a program is missing.

    from tests import services

    with tempfile.TemporaryDirectory(prefix="asyncflask-bench-") as folder:
        try:
            server = getattr(services, engine)(Path(folder))
            server.start()
        except pytest.skip.Exception as reason:
            say(f"{engine} is left out: {reason}.")
            yield None
            return
        try:
            yield server
        finally:
            server.kill()


def run(quick: bool, seed: int, say: Say) -> dict[str, Any]:
    """Measure all engines.

    Args:
        quick: Few, short rounds.
        seed: Seed for the order of the peers.
        say: Is called with lines about the progress.
    """
    # What the libraries write about servers that are killed is expected.
    logging.disable(logging.CRITICAL)
    size, order = QUICK if quick else FULL, random.Random(seed)
    load = load_average()
    engines: dict[str, Any] = {}
    for engine in PEERS:
        with running(engine, say) as server:
            if server is not None:
                say(f"{engine} …")
                engines[engine] = _measure(engine, server, size, order, say)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": load,
        "versions": versions(
            kind.distribution for kinds in PEERS.values() for kind in kinds if kind.distribution
        ),
        "size": {name: getattr(size, name) for name in Size.__dataclass_fields__},
        "seed": seed,
        "engines": engines,
    }


def _measure(
    engine: str, server: Killed, size: Size, order: random.Random, say: Say
) -> dict[str, Any]:
    url = server.url
    found: dict[str, Any] = {"pairs": asyncio.run(measure_engine(engine, url, size, order, say))}
    found["memory"] = {
        "one": float(ask_worker("memory", url, size.kept, 1)),
        "each": float(ask_worker("memory", url, size.kept // 10, size.kept // 10)),
    }
    found["blocking"] = float(ask_worker("blocking", url, BLOCKING))
    if engine != "memory":
        found["workers"] = {
            kind.title: asyncio.run(_to_workers(engine, kind, url, size.workers_subscribers))
            for kind in PEERS[engine]
            # A connection for each of so many subscribers is more than PostgreSQL takes.
            if kind.title in found["pairs"] and kind.title != "asyncpg"
        }
        found["restarts"] = asyncio.run(
            measure_restarts(engine, server, found["pairs"], size.restarts)
        )
    return found


def ask_worker(*arguments: object) -> str:
    """Return what a process of its own prints, see ``worker.py``."""
    command = [sys.executable, "-m", "benchmarks.channels.worker", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


async def _to_workers(
    engine: str, kind: type[Peer], url: str, subscribers: int
) -> Mapping[str, float]:
    """Measure the µs from publishing to each delivery in two other processes."""
    command = [sys.executable, "-m", "benchmarks.channels.worker", "deliveries"]
    arguments = [engine, kind.title, url, str(subscribers), str(MESSAGES)]
    workers = [
        await asyncio.create_subprocess_exec(
            *command, *arguments, stdout=asyncio.subprocess.PIPE, limit=1 << 26
        )
        for _ in range(2)
    ]
    peer = kind(url)
    await peer.open()
    outputs = [worker.stdout for worker in workers if worker.stdout is not None]
    for output in outputs:
        assert (await output.readline()) == b"ready\n"
    for _ in range(MESSAGES):
        await peer.publish(str(time.monotonic_ns()).encode())
        await asyncio.sleep(PAUSE)
    latencies: list[float] = []
    for output in outputs:
        latencies += json.loads(await output.readline())
    latencies.sort()
    for worker in workers:
        await worker.wait()
    await closed(peer)
    assert len(latencies) == 2 * subscribers * MESSAGES
    middle, high = len(latencies) // 2, len(latencies) * 99 // 100
    return {"median": round(latencies[middle]), "p99": round(latencies[high])}


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of those distributions that are installed.

    Args:
        names: The distributions.
    """
    found = {}
    for name in sorted(set(names)):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
