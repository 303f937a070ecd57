"""The tables and the picture of the clients on sockets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..report import table
from .crowd import EVENTS, WEBSOCKET
from .report import TITLES
from .sockets import AHEAD, APPS, KINDS, PAUSE, PROCESSES

BEGIN = "<!-- sockets: written by `python -m benchmarks channels`, do not edit -->"
END = "<!-- end of sockets -->"

HEADS = {WEBSOCKET: "websockets", EVENTS: "event streams"}
COLOURS = {WEBSOCKET: "#c1121f", EVENTS: "#1d6fa5"}
#: The panels of the picture.
PANELS = {
    "p99": "ms to a delivery: median, 99 %",
    "cpu": "CPU, µs a delivery",
    "memory": "KiB a client",
}
Result = Mapping[str, Any]


def report(result: Result) -> str:
    """Make the tables, and the lines that say what they are."""
    size, about = result["size"], result["machine"]
    versions = ", ".join(f"{name} {of}" for name, of in result["versions"].items())
    return "\n\n".join(
        [
            f"{result['date']}, {about['processor']} ({about['cores']} cores, {about['system']},"
            f" load {result['load']} at the start); {versions}."
            f" Each of {PROCESSES} processes of one worker has {size['clients']} clients;"
            " memory has one process."
            " A view publishes messages of"
            f" {result['length']} bytes, and each client receives all of them."
            f" Medians of {size['rounds']} rounds.",
            f"Milliseconds are from the publisher's request to a delivery, one message each"
            f" {PAUSE * 1000:g} ms; the rate is that of all deliveries with {AHEAD} messages under"
            " way."
            " CPU and memory are those of the processes, without the engine's server."
            " The clients run on the same cores."
            " python-socketio has its Redis manager, and clients that speak Socket.IO;"
            " channels_redis is a layer of Django Channels, and has two of them.",
            *(_table(result, kind) for kind in KINDS),
        ]
    )


def _table(result: Result, kind: str) -> str:
    rows = []
    for title, cells in _rows(result):
        if kind not in cells:
            continue
        cell = cells[kind]
        mark = "**" if title[1] == "asyncflask, embedded" else ""
        rows.append(
            [
                title[0],
                f"{mark}{title[1]}{mark}",
                f"{cell['median']:.1f}",
                f"{cell['p99']:.1f}",
                f"{cell['lost']:,}",
                f"{cell['disordered']:,}",
                f"{cell['rate']:,.0f}",
                f"{cell['cpu']:.1f}",
                f"{cell['memory']:.1f}",
            ]
        )
    heads = ["ms", "ms, 99 %", "lost", "in disorder", "deliveries/s", "CPU, µs", "KiB a client"]
    return table([HEADS[kind], "by", *heads], rows)


def _rows(result: Result) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
    """Yield engine and app, with the figures of each kind of client."""
    for engine, apps in result["engines"].items():
        for name, cells in apps.items():
            yield (TITLES[engine], f"{APPS[name].title}, {APPS[name].server}"), cells


def plot(result: Result, path: Path) -> None:
    """Draw latency, CPU time and memory, a row for each engine and app.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from ..plot import drawing, save

    pyplot = drawing()
    rows = list(_rows(result))
    size = (12, 0.42 * len(rows) + 1.4)
    figure, panels = pyplot.subplots(1, len(PANELS), figsize=size, sharey=True)
    figure.set_layout_engine("constrained")
    height = 0.8 / len(KINDS)
    for axes, (name, title) in zip(panels, PANELS.items(), strict=True):
        for number, kind in enumerate(KINDS):
            shown = [(row, cells[kind]) for row, (_, cells) in enumerate(rows) if kind in cells]
            places = [row + (number - 0.5) * height for row, _ in shown]
            values = [cell[name] for _, cell in shown]
            axes.barh(places, values, height=height, color=COLOURS[kind], label=HEADS[kind])
            if name == "p99":
                middles = [cell["median"] for _, cell in shown]
                axes.plot(middles, places, "|", color="white", markersize=7)
        axes.set_title(title, fontsize=10)
        axes.set_xlim(left=0)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(rows)), [f"{engine}: {app}" for (engine, app), _ in rows])
    panels[0].invert_yaxis()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    save(figure, path)
