"""The picture of the servers: a group of bars per server, a bar per app."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..plot import COLOURS, drawing, save
from .apps import APPS
from .starts import SERVERS


def plot(result: Mapping[str, Any], path: Path) -> None:
    """Write a SVG file.

    Args:
        result: A result of the servers.
        path: Where to write it.

    Raises:
        ImportError: matplotlib is not installed.
    """
    pyplot = drawing()
    from matplotlib.ticker import StrMethodFormatter

    labels, ticks, named, row = [], [], set(), 0.0
    bars = sum(len(result["times"].get(name, {})) for name in SERVERS)
    figure, axes = pyplot.subplots(figsize=(9, 0.24 * bars + 1.8), layout="constrained")
    for server in SERVERS:
        cells = result["times"].get(server, {})
        top = row
        for app in (name for name in APPS if name in cells):
            cell = cells[app]
            rate = 1e6 / cell["median"]
            spread = [[rate - 1e6 / cell["high"]], [1e6 / cell["low"] - rate]]
            axes.barh(
                row,
                rate,
                height=0.9,
                xerr=spread,
                error_kw={"ecolor": "#444444", "elinewidth": 0.8},
                color=COLOURS.get(app),
                label=None if app in named else APPS[app].title,
            )
            named.add(app)
            row += 1
        if row > top:
            labels.append(SERVERS[server].title)
            ticks.append((top + row - 1) / 2)
            row += 0.8
    axes.set_yticks(ticks, labels)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("requests per second of one process, plaintext over loopback (more is better)")
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(named), frameon=False)
    save(figure, path)
