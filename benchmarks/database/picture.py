"""The picture: a panel for each workload, a bar for each app."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..plot import COLOURS, drawing, save
from .tables import cell_of, pairs_of, title_of
from .workloads import WORKLOADS


def plot(result: Mapping[str, Any], path: Path) -> None:
    """Write a SVG file.

    Args:
        result: A result of the database.
        path: Where to write it.

    Raises:
        ImportError: matplotlib is not installed.
    """
    pyplot = drawing()
    pairs = pairs_of(result)
    figure, panels = pyplot.subplots(
        1,
        len(WORKLOADS),
        figsize=(13, 0.36 * len(pairs) + 1.2),
        sharey=True,
        layout="constrained",
    )
    for axes, (name, workload) in zip(panels, WORKLOADS.items(), strict=True):
        for row, pair in enumerate(pairs):
            cell = cell_of(result, pair, name)
            if cell is None:
                continue
            rate = 1e6 / cell["median"]
            axes.barh(
                row,
                rate,
                xerr=[[rate - 1e6 / cell["high"]], [1e6 / cell["low"] - rate]],
                error_kw={"ecolor": "#444444", "elinewidth": 0.8},
                color=COLOURS[pair[1]],
            )
        axes.set_title(workload.title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(pairs)), [title_of(pair) for pair in pairs])
    panels[0].invert_yaxis()
    figure.supxlabel("requests per second of one process (more is better)", fontsize=10)
    save(figure, path)
