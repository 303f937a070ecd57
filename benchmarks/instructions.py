"""Counts the instructions of a request and of each of its pieces, with valgrind.

Time differs by a tenth from one run to the next, and by half between the speeds of a machine. A
count does not, so it shows a change of one percent. It does not show the effect of caches, and C
code that processes many bytes seems more expensive than it is. The workloads are those whose goals
are hard to reach; the pieces are those of :mod:`.pieces`.

Each count is the difference between two processes, one of which makes more requests. Imports, the
first requests, and the end of the process are in both.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import pieces
from .apps import PEERS, SUBJECT
from .client import Client
from .measure import Say, is_installed, machine
from .pieces import BASE, PIECES, WHOLE
from .workloads import WORKLOADS

BEGIN = "<!-- instructions: written by `python -m benchmarks instructions`, do not edit -->"
END = "<!-- end of instructions -->"

#: `def_view` waits for threads, which instructions do not measure
COUNTED = tuple(
    name for name in dict.fromkeys(piece.workload for piece in PIECES) if name != "def_view"
)
FEWER, MORE = 400, 1000
#: Of the hashes of strings, which decide where dictionaries collide. (Pieces: the first alone.)
SEEDS = (0, 1, 2)
_COLLECTED = re.compile(r"Collected : (\d+)")


def run(quick: bool, seed: int, say: Say) -> dict[str, Any]:
    """Count the instructions of all requests and pieces.

    Args:
        quick: One seed, and plaintext alone.
        seed: Not used, because nothing is random; other measurements have this parameter.
        say: Is called with lines about the progress.

    Raises:
        FileNotFoundError: valgrind is not installed.
        RuntimeError: A process failed; the message is its output.
    """
    of = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True)
    peers = [PEERS[name] for name in (SUBJECT, BASE) if is_installed(PEERS[name], say)]
    counted, seeds = (COUNTED[:1], SEEDS[:1]) if quick else (COUNTED, SEEDS)
    times: dict[str, Any] = {}
    pieces_counted: dict[Any, Any] = {}  # Most workloads have the same first ones.
    for workload in counted:
        times[f"{workload}: {WHOLE}"] = {
            peer.name: _summary([("request", workload, peer.name)], seeds) for peer in peers
        }
        for piece in PIECES:
            if piece.workload == workload:
                if piece.make not in pieces_counted:
                    cell = _summary([("piece", piece.key)], seeds[:1], piece.times)
                    pieces_counted[piece.make] = cell
                times[piece.key] = {SUBJECT: pieces_counted[piece.make]}
        say(f"instructions of {WORKLOADS[workload].title}")
    return {
        "kind": "instructions",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "valgrind": of.stdout.strip(),
        "machine": machine(),
        "seeds": list(seeds),
        "versions": {peer.name: peer.version() for peer in peers},
        "times": times,
    }


def _summary(what: Sequence[tuple[str, ...]], seeds: Sequence[int], times: int = 1) -> Any:
    """Return median, least and most of the counts for the seeds."""
    jobs = list(itertools.product(what, seeds, (FEWER, MORE)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(lambda job: count(*job), jobs))
    found = [
        times * difference(fewer, more)
        for fewer, more in zip(counts[::2], counts[1::2], strict=True)
    ]
    return {
        "median": statistics.median(found),
        "low": min(found),
        "high": max(found),
        "rounds": found,
    }


def difference(fewer: int, more: int) -> int:
    """Return the instructions of one call, from the counts of two processes."""
    return round((more - fewer) / (MORE - FEWER))


def count(what: Sequence[str], seed: int, calls: int) -> int:
    """Return the instructions of a process that does something a number of times.

    Args:
        what: ``("request", workload, peer)`` or ``("piece", key)``.
        seed: Of the hashes of strings.
        calls: How often.

    Raises:
        RuntimeError: It failed.
    """
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    ended = subprocess.run(
        [*command, "-m", __name__, str(calls), *what],
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    found = _COLLECTED.search(ended.stderr)
    if ended.returncode or found is None:
        raise RuntimeError(f"Counting {' '.join(what)} failed:\n{ended.stderr[-2000:]}")
    return int(found[1])


# -- the process that is counted -------------------------------------------------------------------


async def requests(workload: str, peer: str, calls: int) -> None:
    """Send a workload's request to a peer's app, after its response was checked."""
    client = Client(PEERS[peer].apps()[workload](), WORKLOADS[workload])
    await client.check()
    await client.check()
    made = [client.call() for _ in range(MORE)]  # As many in both processes.
    for arguments in made[:calls]:
        await client.app(*arguments)


async def repeat(key: str, calls: int) -> None:
    """Run a piece repeatedly."""
    (piece,) = (piece for piece in PIECES if piece.key == key)
    work: Any = piece.make()
    if asyncio.iscoroutinefunction(work):
        for _ in range(calls):
            await work()
    else:
        for _ in range(calls):
            work()


def main(arguments: Sequence[str]) -> None:
    """Run the command line without garbage collections, and exit at once."""
    calls, kind, *names = arguments
    gc.disable()
    asyncio.run({"request": requests, "piece": repeat}[kind](*names, int(calls)))
    sys.stdout.flush()
    os._exit(0)


# -- tables and picture ----------------------------------------------------------------------------


def report(result: Mapping[str, Any]) -> str:
    """Make the tables of a result, one for each workload."""
    titles = {name: PEERS[name].title for name in result["versions"]}
    versions = ", ".join(f"{titles[name]} {of}" for name, of in result["versions"].items())
    origin = (
        f"{result['date']}, {result['python']}, {result['valgrind']},"
        f" {result['machine']['system']}; {versions}. Medians for the hash seeds"
        f" {', '.join(map(str, result['seeds']))}, ± half the distance between least and most;"
        f" pieces: seed {result['seeds'][0]}. The garbage collector is off."
    )
    tables = [
        pieces.parts_table(result, name, "instructions", shown) for name in pieces.counted(result)
    ]
    return "\n\n".join([origin, *tables])


def shown(value: float) -> str:
    """Write a count."""
    return f"{value:,.0f}"


def plot(result: Mapping[str, Any], path: Any) -> None:
    """Draw the pieces of each workload as parts of its request's instructions.

    Raises:
        ImportError: matplotlib is not installed.
    """
    pieces.plot(result, path, "part of the request's instructions")


if __name__ == "__main__":
    main(sys.argv[1:])
