"""Measures the time of a response in rounds of about 25 ms, with the peers in a new order in each.

The speed of a machine changes (clocks, caches, neighbours). So each round measures each peer for a
moment, in random order, and the result is the median of the rounds. Each peer has a process of its
own (:mod:`.turns`), and only one of them runs.

Processes of one program differ too: the hash seed decides where dictionaries collide, which changes
the speed of a process by up to a tenth. So the processes are launched several times, and the rounds
are divided among the launches.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from .apps import PEERS, Peer
from .turns import Entry, Taker, entry_of
from .workloads import WORKLOADS, Workload

Say = Callable[[str], None]


def run_rounds(
    entries: Mapping[str, Entry],
    rounds: int,
    seconds: float,
    order: random.Random,
    launches: int = 1,
) -> dict[str, list[float]]:
    """Measure peers that answer the same workload against each other.

    Args:
        entries: App and workload of each peer, by name.
        rounds: How many rounds.
        seconds: Duration of each peer's part of a round.
        order: Shuffles them.
        launches: How often the processes are launched; each launch has a share of the rounds.

    Returns:
        For each name the microseconds of a request (or message), round by round.

    Raises:
        WrongAnswer: A peer sends a wrong response.
        RuntimeError: A process ended by itself.
    """
    times: dict[str, list[float]] = {name: [] for name in entries}
    for launch in range(launches):
        # 8 rounds in 3 launches are 2, 3 and 3.
        share = rounds * (launch + 1) // launches - rounds * launch // launches
        _launch(entries, share, seconds, order, times)
    return times


def _launch(
    entries: Mapping[str, Entry],
    rounds: int,
    seconds: float,
    order: random.Random,
    times: Mapping[str, list[float]],
) -> None:
    """Launch the processes, add the times of their rounds, and end them."""
    takers: dict[str, Taker] = {}
    with ExitStack() as stack:
        for name, entry in entries.items():
            takers[name] = Taker(entry)
            stack.callback(takers[name].end)
        for taker in takers.values():
            taker.wait_until_ready()
        for _ in range(rounds):
            names = list(takers)
            order.shuffle(names)
            for name in names:
                times[name].append(takers[name].turn(seconds))
        for taker in takers.values():
            taker.check()


def entries_of(peers: Sequence[Peer], workload: Workload) -> dict[str, Entry]:
    """Return the entries of those peers that have an app for a workload."""
    found = {peer.name: entry_of(peer, workload) for peer in peers}
    return {name: entry for name, entry in found.items() if entry is not None}


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
    launches: int = 1,
) -> dict[str, Any]:
    """Measure workloads and return the result as it is written to a file.

    Args:
        workloads: Names of workloads.
        peers: Names of peers; one that is not installed is skipped, with a line about it.
        rounds: How many rounds.
        seconds: Duration of each peer's part of a round.
        seed: Seed for the order of the peers.
        say: Is called with lines about the progress.
        launches: How often the processes are launched.
    """
    taking_part = [PEERS[name] for name in peers if is_installed(PEERS[name], say)]
    order = random.Random(seed)
    times: dict[str, dict[str, Any]] = {}
    load = load_average()
    for number, name in enumerate(workloads, 1):
        workload = WORKLOADS[name]
        found = run_rounds(entries_of(taking_part, workload), rounds, seconds, order, launches)
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
        "launches": launches,
        "round_seconds": seconds,
        "seed": seed,
        "times": times,
    }


def is_installed(peer: Peer, say: Say) -> bool:
    """Return whether a peer's apps can be imported; if not, say why it is skipped."""
    try:
        peer.apps()
    except ImportError as error:
        say(
            f"{peer.title} is skipped: {error}. `pip install -r benchmarks/requirements.txt`"
            " installs all peers."
        )
        return False
    return True


def machine() -> Mapping[str, Any]:
    """Return the class of this machine, without its name."""
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
    """Return the load average of the last minute."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
