"""Requests that wait while others are served: seconds, threads and memory, and streams of chunks.

A thousand requests wait for a second each in an ``async def`` view, with and without a ``def``
hook: in a process without a server, and behind the embedded server. The kinds take turns, and the
ratios of one run count, not its seconds.
"""

from __future__ import annotations

import json
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

from .goals import shown
from .measure import Say, load_average, machine
from .report import table, verdict
from .waiters.apps import ADAPTED, BASE, CHUNKS, FACADE, FREE, HOOKS, KINDS, QUART
from .waiters.measure import BURST, WAITERS, WEBSOCKETS

BEGIN = "<!-- waiting: written by `python -m benchmarks waiting`, do not edit -->"
END = "<!-- end of waiting -->"

REQUESTS, MANY = 1000, 5000
QUICK_REQUESTS, QUICK_MANY = 200, 400
ROUNDS = 3

_ROOT = Path(__file__).parents[1]

Cells = Mapping[str, Sequence[Mapping[str, Any]]]


# -- the rounds ------------------------------------------------------------------------------------


def run(quick: bool, seed: int, say: Say) -> dict[str, Any]:
    """Measure the kinds that are installed, in turns.

    Args:
        quick: Whether fewer requests wait, in one round.
        seed: Of the order.
        say: Is called with lines about the progress.

    Raises:
        CalledProcessError: A process failed.
        NotServing: The embedded server does not start.
    """
    from .waiters import loopback  # for Linux

    versions, load = _versions(say), load_average()
    names = [name for name in KINDS if name in versions]
    requests, many = (QUICK_REQUESTS, QUICK_MANY) if quick else (REQUESTS, MANY)
    rounds = 1 if quick else ROUNDS
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        "in process": {name: [] for name in names},
        "loopback": {name: [] for name in names},
        "many": {name: [] for name in names if KINDS[name].most >= many},
    }
    began, order = time.monotonic(), random.Random(seed)
    ways: Mapping[str, Callable[[str], dict[str, Any]]] = {
        "in process": lambda name: _in_process(name, requests, BURST),
        "loopback": lambda name: loopback.measure(name, requests),
        "many": lambda name: _in_process(name, many, burst=0),
    }
    for number in range(rounds):
        for where, cells in found.items():
            for name in order.sample(list(cells), len(cells)):
                cell = ways[where](name)
                cells[name].append(cell)
                passed = f"{number + 1}/{rounds}, {time.monotonic() - began:.0f} s"
                say(f"[{passed}] {name}, {where}: {cell['seconds']:.2f} s")
    return {
        "kind": "waiting",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": load,
        "versions": {title: of for each in versions.values() for title, of in each.items()},
        "rounds": rounds,
        "cells": found,
    }


def _versions(say: Say) -> dict[str, dict[str, str]]:
    found = {}
    for name, kind in KINDS.items():
        try:
            found[name] = kind.versions()
        except PackageNotFoundError as error:
            say(f"{name} is skipped: {error}.")
    return found


def _in_process(name: str, requests: int, burst: int) -> dict[str, Any]:
    module = "benchmarks.waiters.measure"
    command = [sys.executable, "-m", module, name, str(requests), "--burst", str(burst)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
    cell: dict[str, Any] = json.loads(done.stdout)
    return cell


# -- tables ----------------------------------------------------------------------------------------


def report(result: Mapping[str, Any]) -> str:
    """Make the tables of a result: the kinds in process, over loopback, with more; the goals."""
    cells = result["cells"]
    goals = [[text, value, verdict(reached)] for text, value, reached in _goals(cells)]
    return "\n\n".join(
        [
            _origin(result),
            _in_process_table(cells["in process"]),
            "Over loopback, behind the embedded server, each request on a connection of its own:",
            _table(cells["loopback"]),
            "More requests than `WORKER_THREADS`, in process:",
            _table(cells["many"]),
            table(["goal", "measured", "reached"], goals),
        ]
    )


def _origin(result: Mapping[str, Any]) -> str:
    of = result["machine"]
    versions = ", ".join(f"{name} {of}" for name, of in result["versions"].items())
    return (
        f"{result['date']}, {result['python']}, {of['processor']} ({of['cores']} cores,"
        f" {of['system']}, load {result['load']} at the start); {versions}. Medians of"
        f" {result['rounds']} processes each; of threads the most, of answers the fewest."
    )


HEAD = ("kind", "requests", "s", "threads", "KiB each", "answered")


def _in_process_table(cells: Cells) -> str:
    rows = [
        [*_row(name, measured), f"{_least(measured, 'woken')} of {WAITERS}", _websockets(measured)]
        for name, measured in cells.items()
    ]
    return table([*HEAD, "woken", "websockets"], rows)


def _table(cells: Cells) -> str:
    return table(HEAD, [_row(name, measured) for name, measured in cells.items()])


def _row(name: str, measured: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        name,
        f"{measured[0]['requests']:,}",
        f"{_median(measured, 'seconds'):.2f}",
        f"{max(cell['threads'] for cell in measured):,}",
        f"{_median(measured, 'kib'):.1f}",
        f"{_least(measured, 'answered'):,}",
    ]


def _median(measured: Sequence[Mapping[str, Any]], key: str) -> float:
    return statistics.median(cell[key] for cell in measured)


def _least(measured: Sequence[Mapping[str, Any]], key: str) -> int:
    return min(cell[key] for cell in measured)


def _websockets(measured: Sequence[Mapping[str, Any]]) -> str:
    if "websockets" not in measured[0]:
        return "–"
    return f"{_least(measured, 'websockets')} of {WEBSOCKETS}"


# -- goals -----------------------------------------------------------------------------------------


def _goals(cells: Mapping[str, Cells]) -> Iterator[tuple[str, str, bool]]:
    for where in ("in process", "loopback"):
        for name, limit in ((HOOKS, 1.5), (FACADE, 2.5)):
            ratio = _ratio(cells[where], name)
            yield f"{where}: {name} <= {limit} x {BASE}", shown(ratio), ratio <= limit
    found = cells["in process"]
    for name in (HOOKS, FREE, FACADE):
        refused = sum(cell["burst"].get("503", 0) for cell in found[name])
        yield f"{name}: no 503 in a burst of {BURST:,}", str(refused), not refused
        woken = _least(found[name], "woken")
        yield f"{name}: {WAITERS} of {WAITERS} woken", str(woken), woken == WAITERS
    for name in (HOOKS, FREE):
        talked = _least(found[name], "websockets")
        text = f"{name}: {WEBSOCKETS} of {WEBSOCKETS} websockets answered"
        yield text, str(talked), talked == WEBSOCKETS
    streams = [cell["stream"] for cell in found[FACADE]]
    ratio = statistics.median(stream["ahead"] / stream["hops"] for stream in streams)
    yield f"{FACADE}: stream of {CHUNKS} chunks <= 0.15 x a hop each", shown(ratio), ratio <= 0.15
    for where, kinds in cells.items():
        lost = sum(each["requests"] - each["answered"] for cell in kinds.values() for each in cell)
        yield f"{where}: every request that waits is answered", f"{lost} are not", not lost


def _ratio(cells: Cells, name: str) -> float:
    """Return the median of a kind's time divided by that without hooks, round by round."""
    return statistics.median(
        cell["seconds"] / base["seconds"]
        for cell, base in zip(cells[name], cells[BASE], strict=True)
    )


# -- picture ---------------------------------------------------------------------------------------

COLOURS = {
    BASE: "#c1121f",
    HOOKS: "#c1121f",
    FREE: "#f6c1c3",
    FACADE: "#f08a8f",
    QUART: "#2a9d4a",
    ADAPTED: "#7a5195",
}
#: title of a panel; which cells; their figure
PANELS = (
    ("seconds, in process", "in process", "seconds"),
    ("seconds, over loopback", "loopback", "seconds"),
    ("most threads", "in process", "threads"),
    ("KiB for each request", "in process", "kib"),
)


def plot(result: Mapping[str, Any], path: Any) -> None:
    """Draw bars, one panel for each figure.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from .plot import drawing, save

    pyplot = drawing()
    cells = result["cells"]["in process"]
    size = (13, 0.32 * len(cells) + 1)
    figure, panels = pyplot.subplots(
        1, len(PANELS), figsize=size, sharey=True, layout="constrained"
    )
    for axes, (title, where, key) in zip(panels, PANELS, strict=True):
        values = [_drawn(result["cells"][where][name], key) for name in cells]
        bars = axes.barh(range(len(cells)), values, color=[COLOURS[name] for name in cells])
        axes.bar_label(bars, list(map(_figure, values)), padding=3, fontsize=8)
        axes.margins(x=0.18)
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(cells)), [_label(*each) for each in cells.items()])
    panels[0].invert_yaxis()
    save(figure, path)


def _drawn(measured: Sequence[Mapping[str, Any]], key: str) -> float:
    """Return what the tables have: the most threads, and the median of the rest."""
    return max(cell[key] for cell in measured) if key == "threads" else _median(measured, key)


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else shown(value)


def _label(name: str, measured: Sequence[Mapping[str, Any]]) -> str:
    return f"{name}: {measured[0]['requests']:,}"
