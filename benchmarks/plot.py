"""The pictures of a result: the time of each workload and peer, and each peer's mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .apps import PEERS, SUBJECT
from .report import standing
from .workloads import WORKLOADS

COLOURS = {
    "raw": "#9a9a9a",
    SUBJECT: "#c1121f",
    "starlette": "#1d6fa5",
    "quart": "#2a9d4a",
    "flask": "#7a5195",
    "fastapi": "#0b9e8e",
    "litestar": "#c98b00",
    "blacksheep": "#333333",
    "falcon": "#e05a9b",
    "sanic": "#8a5a2b",
    "facade": "#f08a8f",
    "facade_asgi": "#f6c1c3",
}
#: Colours alone do not tell twelve peers apart.
MARKERS = {
    "raw": "|",
    SUBJECT: "o",
    "starlette": "o",
    "quart": "o",
    "flask": "s",
    "fastapi": "^",
    "litestar": "D",
    "blacksheep": "s",
    "falcon": "v",
    "sanic": "P",
    "facade": "o",
    "facade_asgi": "^",
}
LOOKS = {peer: (colour, MARKERS[peer]) for peer, colour in COLOURS.items()}
COLUMNS = 6  # of the legend
#: How much of a row's height its dots take, so that equal times do not hide each other.
HEIGHT = 0.6


def plot(result: Mapping[str, Any], path: Path) -> None:
    """Write a SVG file.

    Args:
        result: A result with times.
        path: Where to write it.

    Raises:
        ImportError: matplotlib is not installed.
    """
    pyplot = drawing()
    from matplotlib.ticker import FormatStrFormatter

    names = list(result["times"])
    figure, axes = pyplot.subplots(figsize=(9, 0.5 * len(names) + 1.8), layout="constrained")
    for peer, shift in zip(PEERS, _shifts(len(PEERS)), strict=True):
        cells = [(row + shift, result["times"][name].get(peer)) for row, name in enumerate(names)]
        points = [(cell["median"], row) for row, cell in cells if cell is not None]
        if points:
            own = peer == SUBJECT
            axes.scatter(
                *zip(*points, strict=True),
                s=70 if own else 40,
                color=LOOKS[peer][0],
                marker=LOOKS[peer][1],
                label=PEERS[peer].title,
                zorder=3 if own else 2,
            )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.set_xlabel("µs per request, in process (less is better)")
    axes.set_yticks(range(len(names)), [WORKLOADS[name].title.replace("`", "") for name in names])
    axes.invert_yaxis()
    axes.grid(axis="x", which="major", color="#dddddd")
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(
        loc="outside upper center", ncols=COLUMNS, frameon=False, columnspacing=1, handletextpad=0.2
    )
    save(figure, path)


def plot_standing(result: Mapping[str, Any], path: Path) -> None:
    """Write a SVG file: how much longer each framework takes, as a mean over all workloads.

    Args:
        result: A result with times.
        path: Where to write it.

    Raises:
        ImportError: matplotlib is not installed.
    """
    pyplot = drawing()
    means = {name: mean for name, (mean, _) in standing(result).items() if mean is not None}
    times = {SUBJECT: 1.0} | {name: 1 / mean for name, mean in means.items()}
    names = sorted(times, key=times.__getitem__)
    figure, axes = pyplot.subplots(figsize=(7, 0.36 * len(names) + 0.8), layout="constrained")
    bars = axes.barh(
        [PEERS[name].title for name in names],
        [times[name] for name in names],
        color=[COLOURS[SUBJECT] if name == SUBJECT else COLOURS["raw"] for name in names],
        height=0.65,
    )
    axes.bar_label(bars, [f"{times[name]:.2g} x" for name in names], padding=4)
    axes.set_xlim(0, max(times.values()) * 1.12)
    axes.set_xlabel("time per request, x that of asyncflask (less is better)")
    axes.invert_yaxis()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    save(figure, path)


def _shifts(count: int) -> list[float]:
    """Return the position of each of so many peers in a row, with 0 as the middle."""
    return [HEIGHT * (number / max(1, count - 1) - 0.5) for number in range(count)]


def drawing() -> Any:
    """Return matplotlib's pyplot, so that the same result gives the same file, byte by byte.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "asyncflask"
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    return pyplot


def save(figure: Any, path: Path) -> None:
    """Write a figure as SVG, and close it."""
    figure.savefig(path, format="svg", metadata={"Date": None})
    drawing().close(figure)
