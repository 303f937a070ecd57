"""How cost grows with routes, hooks, concurrent requests and the size of a body.

Each point of a curve is the time of one request at that count, for asyncflask and the three
frameworks that its users come from. If a request holds what grows, its memory is measured as well.
:mod:`.curves` has the curves, and :mod:`.peaks` measures memory.
"""

from __future__ import annotations

import asyncio
import gc
import platform
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .apps import PEERS, SUBJECT
from .client import Call, Client, ignore
from .curves import APPS, CONCURRENCY, CURVES, MB, TAKING_PART, Gate, gated, workload_of
from .goals import shown
from .measure import Say, is_installed, load_average, machine, run_rounds, summarize
from .peaks import peak_of, peak_of_call
from .report import table
from .turns import Entry
from .workloads import WORKLOADS

BEGIN = "<!-- growth: written by `python -m benchmarks growth`, do not edit -->"
END = "<!-- end of growth -->"

ROUNDS, SECONDS = 7, 0.03
QUICK_ROUNDS, QUICK_SECONDS = 2, 0.005
#: concurrent requests are repeated until there were so many
REPEATED = 300


# -- a point of a curve ----------------------------------------------------------------------------


def times_at(
    curve: str, count: int, peers: Sequence[str], rounds: int, seconds: float, order: random.Random
) -> dict[str, list[float]]:
    """Return the microseconds of a request, for each peer and round.

    Raises:
        WrongAnswer: A peer sends a wrong response.
    """
    workload = workload_of(curve, count)
    entries = {
        name: Entry(partial(APPS[curve], name, count), workload, PEERS[name].wsgi) for name in peers
    }
    return run_rounds(entries, rounds, seconds, order)


async def peak_at(curve: str, count: int, peer: str) -> float:
    """Return the KiB that a request takes at most.

    Raises:
        WrongAnswer: The peer sends a wrong response.
    """
    client = Client(APPS[curve](peer, count), workload_of(curve, count), PEERS[peer].wsgi)
    await client.check()
    return await peak_of_call(client)


async def at_once(
    peer: str, count: int, measure: Callable[..., Awaitable[float]], passes: int = 1
) -> float:
    """Make so many concurrent requests, and return the result of ``measure`` for each pass.

    Args:
        peer: The name of a peer.
        count: How many.
        measure: Takes the function that answers them all.
        passes: Number of passes; the first of several is the warm-up.

    Raises:
        WrongAnswer: The peer sends a wrong response.
        RuntimeError: Some of them were not answered.
    """
    gate = Gate()
    client = Client(gated(peer, gate), replace(WORKLOADS["plaintext"], name=CONCURRENCY))
    await client.check()
    measured = []
    gc.collect()
    for _ in range(passes):
        calls = [client.call() for _ in range(count)]
        gate.close(count)
        measured.append(await measure(lambda calls=calls: _answer_all(client.app, calls)))
        if gate.arrived != count:
            raise RuntimeError(f"{peer} served {gate.arrived} of {count} requests.")
    return statistics.median(measured[1:] or measured) / count


async def _answer_all(app: Any, calls: Sequence[Call]) -> None:
    await asyncio.gather(*(app(scope, receive, ignore) for scope, receive, _ in calls))


async def micros_of(run: Callable[[], Awaitable[Any]]) -> float:
    """Return the microseconds that something takes."""
    began = time.perf_counter()
    await run()
    return (time.perf_counter() - began) * 1e6


def times_at_once(
    count: int, peers: Sequence[str], rounds: int, order: random.Random
) -> dict[str, list[float]]:
    """Return the microseconds of each of ``count`` requests, for each peer and round."""
    times: dict[str, list[float]] = {name: [] for name in peers}
    passes = max(1, REPEATED // count)
    for _ in range(rounds):
        turns = list(peers)
        order.shuffle(turns)
        for name in turns:
            times[name].append(asyncio.run(at_once(name, count, micros_of, passes)))
    return times


def sizes_at(curve: str, count: int, peers: Sequence[str]) -> dict[str, Any]:
    """Return the memory of a request, for each peer, in KiB; nothing for other curves."""
    if curve == CONCURRENCY:
        return _looks(peers, lambda name: at_once(name, count, peak_of))
    if CURVES[curve].bytes:
        return _looks(peers, lambda name: peak_at(curve, count, name))
    return {}


def _looks(peers: Sequence[str], look: Callable[[str], Any]) -> dict[str, Any]:
    return {name: summarize([asyncio.run(look(name))]) for name in peers}


# -- the whole -------------------------------------------------------------------------------------


def run(quick: bool, seed: int, say: Say) -> dict[str, Any]:
    """Measure all curves.

    Args:
        quick: Few short rounds, and not the highest counts.
        seed: Of the order of the peers.
        say: Is called with lines about the progress.
    """
    order = random.Random(seed)
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    load, began = load_average(), time.monotonic()
    found = [name for name in TAKING_PART if is_installed(PEERS[name], say)]
    points = [
        (name, count)
        for name, curve in CURVES.items()
        for count in curve.counts
        if not quick or count <= curve.quick
    ]
    times: dict[str, dict[str, Any]] = {}
    sizes: dict[str, dict[str, Any]] = {}
    for number, (curve, count) in enumerate(points, 1):
        peers = found
        if curve == CONCURRENCY:
            peers = [name for name in found if not PEERS[name].wsgi]
            values = times_at_once(count, peers, rounds, order)
        else:
            values = times_at(curve, count, peers, rounds, seconds, order)
        key = f"{curve} {count}"
        times[key] = {name: summarize(each) for name, each in values.items()}
        if cells := sizes_at(curve, count, peers):
            sizes[key] = cells
        medians = ", ".join(
            f"{name} {statistics.median(each):.3g}" for name, each in values.items()
        )
        say(f"[{number}/{len(points)}, {time.monotonic() - began:.0f} s] {key}: {medians} µs")
    return {
        "kind": "growth",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": load,
        "rounds": rounds,
        "round_seconds": seconds,
        "seed": seed,
        "versions": {name: PEERS[name].version() for name in found},
        "times": times,
        "sizes": sizes,
        "size_unit": "KiB",
    }


# -- tables ----------------------------------------------------------------------------------------

Rows = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class _View:
    """A view of a curve: one table, one panel of the picture.

    Args:
        curve: The name of the curve.
        what: ``times`` or ``sizes``.
        unit: Unit of a figure, for the title.
        figure: Computes the shown figure from a count and a measurement.
    """

    curve: str
    what: str
    unit: str
    figure: Callable[[int, float], float]

    @property
    def title(self) -> str:
        return f"{CURVES[self.curve].title}: {self.unit}"

    def rows(self, result: Mapping[str, Any]) -> Rows:
        """Return the cells, by count."""
        rows = {}
        for name, cells in result[self.what].items():
            curve, count = name.split()
            if curve == self.curve:
                rows[int(count)] = cells
        return rows


def _as_measured(count: int, value: float) -> float:
    return value


def _megabytes_per_second(count: int, micros: float) -> float:
    return count / MB / micros * 1e6


def _views() -> list[_View]:
    views = []
    for name, curve in CURVES.items():
        if curve.bytes:
            views.append(_View(name, "times", "MB/s", _megabytes_per_second))
        else:
            views.append(_View(name, "times", "µs per request", _as_measured))
        if curve.bytes or name == CONCURRENCY:
            views.append(_View(name, "sizes", "KiB per request, at most", _as_measured))
    return views


VIEWS = _views()


def report(result: Mapping[str, Any]) -> str:
    """Make the tables of a result, one for each view of a curve."""
    of = result["machine"]
    versions = ", ".join(f"{PEERS[name].title} {of}" for name, of in result["versions"].items())
    parts = [
        f"{result['date']}, {result['python']}, {of['processor']} ({of['cores']} cores,"
        f" {of['system']}, load {result['load']} at the start); {versions}. Medians of"
        f" {result['rounds']} rounds, ± half the distance between the quartiles. `x Starlette` is"
        " asyncflask's figure divided by Starlette's: below 1 is better for µs and KiB, above 1"
        " for MB/s."
    ]
    parts += [_table(view, rows) for view in VIEWS if (rows := view.rows(result))]
    return "\n\n".join(parts)


def _table(view: _View, rows: Rows) -> str:
    names = [name for name in TAKING_PART if any(name in cells for cells in rows.values())]
    lines: list[Sequence[str]] = []
    for count, cells in rows.items():
        shown_cells = [_cell(view, count, cells.get(name)) for name in names]
        lines.append([_count(view.curve, count), *shown_cells, _ratio(view, count, cells)])
    return table([view.title, *(PEERS[name].title for name in names), "x Starlette"], lines)


def _ratio(view: _View, count: int, cells: Mapping[str, Any]) -> str:
    if SUBJECT not in cells or "starlette" not in cells:
        return shown(None)
    own, other = (view.figure(count, cells[name]["median"]) for name in (SUBJECT, "starlette"))
    return shown(own / other)


def _count(curve: str, count: int) -> str:
    if not CURVES[curve].bytes:
        return f"{count:,}"
    return f"{count // MB} MB" if count >= MB else f"{count // 1024} KB"


def _cell(view: _View, count: int, cell: Mapping[str, float] | None) -> str:
    if cell is None:
        return "–"
    median, low, high = (view.figure(count, cell[name]) for name in ("median", "low", "high"))
    digits = 0 if median >= 100 else 1
    text = f"{median:,.{digits}f}"
    if view.what == "sizes":
        return text  # Measured once: it is the same each time.
    return f"{text} ±{abs(high - low) / 2:,.{digits}f}"


# -- picture ---------------------------------------------------------------------------------------

COLUMNS = 3


def plot(result: Mapping[str, Any], path: Any) -> None:
    """Draw the curves, both axes logarithmic.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from .plot import drawing, save

    pyplot = drawing()
    lines = -(-(len(VIEWS) + 1) // COLUMNS)  # The legend has a panel, too.
    figure, panels = pyplot.subplots(
        lines, COLUMNS, figsize=(12, 3.2 * lines), layout="constrained"
    )
    for axes in panels.flat:
        axes.axis("off")
    for axes, view in zip(panels.flat, VIEWS, strict=False):
        _draw(axes, view, view.rows(result))
    handles, labels = panels.flat[0].get_legend_handles_labels()
    panels.flat[len(VIEWS)].legend(handles, labels, loc="center", frameon=False)
    save(figure, path)


def _draw(axes: Any, view: _View, rows: Rows) -> None:
    from .plot import COLOURS

    axes.axis("on")
    for name in TAKING_PART:
        points = [
            (n, view.figure(n, row[name]["median"])) for n, row in rows.items() if name in row
        ]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                marker="o",
                markersize=4,
                color=COLOURS.get(name),
                label=PEERS[name].title,
                linewidth=2.4 if name == SUBJECT else 1.4,
            )
    # A logarithm has no 0: below 1 the axis of hooks is linear.
    axes.set_xscale("symlog", linthresh=1) if 0 in rows else axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(list(rows), [_count(view.curve, count) for count in rows], fontsize=8)
    axes.minorticks_off()
    axes.set_title(view.title, fontsize=9)
    axes.grid(color="#e5e5e5")
    axes.spines[["top", "right"]].set_visible(False)
