"""How long an answer takes: rounds of about 25 ms, the peers in a new order in each.

Machines drift (clocks, caches, neighbours), so no peer is measured in one go: each round measures
each peer for a moment, in random order, and the median of the rounds is what counts. What belongs
to the client (scopes, bodies) is made while the clock stands. The garbage collector is on, as it is
in a server, but what was alive before is frozen, so that no peer pays for the objects of another.
"""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .apps import PEERS, Peer
from .client import Client, Lifespan, consume
from .workloads import WORKLOADS, Workload

Say = Callable[[str], None]

#: seconds on the clock between two rests of it, in which the next calls are made
BATCH = 0.004
MOST_CALLS = 1000


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


async def run_workload(
    workload: Workload, peers: Iterable[Peer], rounds: int, seconds: float, order: random.Random
) -> dict[str, list[float]]:
    """Measure one workload.

    Args:
        workload: The workload.
        peers: Who takes part; one without an app for it is left out.
        rounds: How many rounds.
        seconds: How long each peer's part of a round is.
        order: Shuffles the peers.

    Returns:
        For each peer the microseconds of a request (or message), round by round.

    Raises:
        WrongAnswer: A peer answers something else than the workload asks for.
    """
    clients: dict[str, Client] = {}
    lifespans = []
    for peer in peers:
        make = peer.apps().get(workload.name)
        if make is not None:
            leaves = workload.name in peer.leaving
            clients[peer.name] = Client(make(), workload, peer.wsgi, leaves)
            if peer.lifespan:
                lifespans.append(Lifespan(clients[peer.name].app))
                await lifespans[-1].start()
    batches = {}
    for name, client in clients.items():
        await client.check()
        batches[name] = await calibrate(client)
    times: dict[str, list[float]] = {name: [] for name in clients}
    gc.collect()
    gc.freeze()
    try:
        for _ in range(rounds):
            names = list(clients)
            order.shuffle(names)
            for name in names:
                gc.collect()
                times[name].append(await time_round(clients[name], batches[name], seconds))
    finally:
        gc.unfreeze()
    for client in clients.values():
        await client.check()  # An app that broke down meanwhile may have become fast by it.
    for lifespan in lifespans:
        await lifespan.end()
    return times


def summarize(times: Sequence[float]) -> dict[str, Any]:
    """Return median and quartiles of the rounds, and the rounds themselves, in microseconds."""
    low, median, high = (
        statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else [times[0]] * 3
    )
    return {
        "median": _digits(median),
        "low": _digits(low),
        "high": _digits(high),
        "rounds": [_digits(value) for value in times],
    }


def _digits(value: float) -> float:
    return float(f"{value:.4g}")


def run(
    workloads: Sequence[str],
    peers: Sequence[str],
    rounds: int,
    seconds: float,
    seed: int,
    say: Say,
) -> dict[str, Any]:
    """Measure workloads and return the result as it is written to a file.

    Args:
        workloads: Names of workloads.
        peers: Names of peers; one that is not installed is left out, and said so.
        rounds: How many rounds.
        seconds: How long each peer's part of a round is.
        seed: Of the order of the peers.
        say: Takes a line that tells how far this is.
    """
    taking_part = [PEERS[name] for name in peers if is_installed(PEERS[name], say)]
    order = random.Random(seed)
    times: dict[str, dict[str, Any]] = {}
    load = load_average()
    for number, name in enumerate(workloads, 1):
        workload = WORKLOADS[name]
        found = asyncio.run(run_workload(workload, taking_part, rounds, seconds, order))
        times[name] = {peer: summarize(values) for peer, values in found.items()}
        medians = ", ".join(f"{peer} {cell['median']:.3g}" for peer, cell in times[name].items())
        say(f"[{number}/{len(workloads)}] {workload.title}: {medians} µs")
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": load,
        "versions": {peer.name: peer.version() for peer in taking_part if peer.distribution},
        "rounds": rounds,
        "round_seconds": seconds,
        "seed": seed,
        "times": times,
    }


def is_installed(peer: Peer, say: Say) -> bool:
    """Tell whether a peer's apps can be imported; if not, say why it is left out."""
    try:
        peer.apps()
    except ImportError as error:
        say(
            f"{peer.title} is left out: {error}. `pip install -r benchmarks/requirements.txt`"
            " installs all peers."
        )
        return False
    return True


def machine() -> Mapping[str, Any]:
    """Return what class of machine this is; nothing that names it."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or sys.platform


def load_average() -> float | None:
    """Return the load average of the last minute, which says how quiet the machine was."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
