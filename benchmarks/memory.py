"""Measures whether an app keeps memory: resident after 5,000 requests, and after 100,000 more.

Each workload is measured in a process of its own (``python -m benchmarks.memory NAME``), so that
nothing else grows in it. The result is the resident memory, which consists of pages. Python's own
counts (memory blocks, objects that the garbage collector knows) show whether growth is noise.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from .apps import PEERS, SUBJECT
from .client import Client
from .workloads import MESSAGE, WORKLOADS

WARM_UP = 5_000
REQUESTS = 100_000
#: A connection of the websocket workload counts as one request, and has fewer messages here.
MESSAGES = 5

#: KiB that resident memory may differ by. One object of the smallest kind kept per request would
#: be 16 bytes x 100,000 = 1,562 KiB. Garbage in cycles, which waits for the collector, shows as
#: well: it takes room while the requests run, and the heap seldom gives that back.
TOLERANCE = 256
#: Memory blocks that Python may hold more than before: caches that were not yet full.
TOLERATED_BLOCKS = 500

#: how many processes run at once
SIDE_BY_SIDE = 2

_CHUNK = 100
_ROOT = Path(__file__).parents[1]


def is_kept(cell: dict[str, Any]) -> bool:
    """Return whether a measurement shows that requests keep memory."""
    return _growth(cell, "resident") > TOLERANCE or _growth(cell, "blocks") > TOLERATED_BLOCKS


def _growth(cell: dict[str, Any], what: str) -> int:
    before, after = cell[what]
    return int(after - before)


async def measure(client: Client, warm_up: int, requests: int) -> dict[str, Any]:
    """Make requests and return the memory before and after: KiB, blocks, objects."""
    await client.check()
    await _request(client, warm_up // 2)
    objects = count_objects()
    await _request(client, warm_up - warm_up // 2)
    before = held()
    await _request(client, requests)
    after = held()
    return {
        **{what: [before[what], after[what]] for what in before},
        "objects": [objects, count_objects()],
        "requests": requests,
    }


async def _request(client: Client, count: int) -> None:
    for _ in range(0, count, _CHUNK):
        for _ in range(_CHUNK):
            await client.app(*client.call())
        await asyncio.sleep(0)


def held() -> dict[str, int]:
    """Return this process's memory after a collection: KiB and memory blocks."""
    gc.collect()
    return {"resident": resident(), "blocks": sys.getallocatedblocks()}


def count_objects() -> int:
    """Count the objects that the garbage collector knows.

    It takes a list as long as that, which moves resident memory by itself: not to be called right
    before :func:`held`.
    """
    gc.collect()
    return len(gc.get_objects())


def resident() -> int:
    """Return resident memory in KiB; where only the peak is known, that."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(peak // 1024 if sys.platform == "darwin" else peak)
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def run(workloads: Sequence[str], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure workloads, each in a process of its own, two side by side: nothing is timed here.

    Args:
        workloads: Names of workloads.
        say: Is called with lines about the progress.

    Raises:
        CalledProcessError: A process failed.
    """
    cells: dict[str, Any] = {}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        measured = pool.map(_measure_apart, workloads)
        for number, (name, cell) in enumerate(zip(workloads, measured, strict=True), 1):
            cells[name] = cell
            say(
                f"[{number}/{len(workloads)}] memory, {name}:"
                f" {_growth(cell, 'resident'):+} KiB, {_growth(cell, 'blocks'):+} blocks,"
                f" {_growth(cell, 'objects'):+} objects{'  KEPT' if is_kept(cell) else ''}"
            )
    return cells


def _measure_apart(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.memory", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=_ROOT)
    cell: dict[str, Any] = json.loads(done.stdout)
    return cell


def _client(name: str) -> Client:
    workload = WORKLOADS[name]
    if workload.messages:
        workload = replace(workload, messages=MESSAGES, answer=MESSAGE.encode() * MESSAGES)
    return Client(PEERS[SUBJECT].apps()[name](), workload)


async def _trace(client: Client, requests: int) -> None:
    """Print the lines that allocated the memory that is kept."""
    await _request(client, 1000)
    gc.collect()
    tracemalloc.start(5)
    before = tracemalloc.take_snapshot()
    await _request(client, requests)
    gc.collect()
    after = tracemalloc.take_snapshot()
    for difference in after.compare_to(before, "lineno")[:10]:
        print(difference)


def main() -> None:
    """Measure one workload in this process and print the result as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=main.__doc__)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--trace", action="store_true", help="print the lines that keep memory")
    args = parser.parse_args()
    client = _client(args.workload)
    if args.trace:
        asyncio.run(_trace(client, 5_000))
    else:
        print(json.dumps(asyncio.run(measure(client, WARM_UP, REQUESTS))))


if __name__ == "__main__":
    main()
