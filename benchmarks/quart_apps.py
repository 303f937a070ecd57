"""Measures apps of Quart, with its extensions, on real Quart and on :mod:`asyncflask.quart`.

The same code runs on both. On asyncflask's side `install()` is called before anything imports
`quart`, in the process of the app.
"""

from __future__ import annotations

import importlib
import json
import platform
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from .apps import SUBJECT
from .goals import shown
from .measure import Say, load_average, machine, run_rounds, summarize
from .report import table
from .turns import Entry
from .workloads import Workload

BEGIN = "<!-- quart_apps: written by `python -m benchmarks quart`, do not edit -->"
END = "<!-- end of quart_apps -->"

ROUNDS, SECONDS, LAUNCHES = 21, 0.05, 3
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.02

#: the side in which asyncflask is installed as `quart`, and the other
OURS, THEIRS = "asyncflask.quart", "Quart"
DISTRIBUTIONS = (
    *("asyncflask", "quart", "quart-schema", "quart-cors", "quart-auth", "quart-rate-limiter"),
    "pydantic",
)

_ITEM = {"name": "Assam", "price": 3.5, "tags": ["black", "loose"]}
_JSON = ((b"content-type", b"application/json"),)
_BODY = json.dumps(_ITEM).encode()
_STORED = {"id": 7, **_ITEM}
WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(
            "plain",
            "JSON post, no extension",
            "/",
            *("POST", b"", _JSON, _BODY),
            data=_STORED,
        ),
        Workload(
            "schema",
            "quart-schema: body and response validated",
            "/",
            *("POST", b"", _JSON, _BODY),
            data=_STORED,
        ),
        Workload(
            "dataclasses",
            "the same, with dataclasses",
            "/",
            *("POST", b"", _JSON, _BODY),
            data=_STORED,
        ),
        Workload(
            "querystring",
            "quart-schema: query validated",
            "/",
            query=b"page=2&tag=black",
            data={"page": 2, "tag": "black"},
        ),
        Workload(
            "cors",
            "quart-cors: a response with its headers",
            "/",
            headers=((b"origin", b"https://shop.example"),),
            answer=b"Hello",
            sets=((b"access-control-allow-origin", b"https://shop.example"),),
        ),
        Workload(
            "auth",
            "quart-auth: a view for users who are logged in",
            "/",
            answer=b"ada",
            returning=True,
        ),
        Workload(
            "rate_limiter",
            "quart-rate-limiter: a view with a limit",
            "/",
            answer=b"Hello",
            sets=((b"ratelimit-limit", b"1000000000"),),
        ),
    )
}


def make(side: str, name: str) -> Callable[..., Awaitable[None]]:
    """Make an app, in a process of its own.

    Args:
        side: Whose `quart` it imports.
        name: The workload.
    """
    if side == OURS:
        importlib.import_module("asyncflask.quart").install()
    apps = importlib.import_module("benchmarks.apps.quart_extensions").APPS
    app: Callable[..., Awaitable[None]] = apps[name]()
    return app


def run(quick: bool, seed: int, say: Say) -> dict[str, Any]:
    """Measure all workloads and return the result as it is written to a file.

    Args:
        quick: Whether few short rounds are enough.
        seed: Of the order of the two.
        say: Is called with lines about the progress.
    """
    rounds, seconds, launches = (
        (QUICK_ROUNDS, QUICK_SECONDS, 1) if quick else (ROUNDS, SECONDS, LAUNCHES)
    )
    order, load = random.Random(seed), load_average()
    times: dict[str, dict[str, Any]] = {}
    for name, workload in WORKLOADS.items():
        entries = {side: Entry(partial(make, side, name), workload) for side in (OURS, THEIRS)}
        found = run_rounds(entries, rounds, seconds, order, launches)
        times[name] = {side: summarize(values) for side, values in found.items()}
        medians = ", ".join(f"{side} {cell['median']:.3g}" for side, cell in times[name].items())
        say(f"{workload.title}: {medians} µs")
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": load,
        "versions": {name: metadata.version(name) for name in DISTRIBUTIONS},
        "rounds": rounds,
        "times": times,
    }


# -- table -----------------------------------------------------------------------------------------


def report(result: Mapping[str, Any]) -> str:
    """Make the table of a result."""
    of = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    origin = (
        f"{result['date']}, {result['python']}, {of['processor']} ({of['cores']} cores,"
        f" {of['system']}, load {result['load']} at the start); {versions}. Medians of"
        f" {result['rounds']} rounds, ± half the distance between the quartiles."
    )
    return f"{origin}\n\n{_table(result['times'])}"


#: The page that shows the figures of quart-schema, and where.
PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "use-quart-schema.md"
PAGE_BEGIN = "<!-- quart_schema: written by `python -m benchmarks quart`, do not edit -->"
PAGE_END = "<!-- end of quart_schema -->"
SHOWN = ("plain", "schema", "dataclasses", "querystring")


def page_table(result: Mapping[str, Any]) -> str:
    """Make the table of the page on quart-schema."""
    times = {name: result["times"][name] for name in SHOWN}
    versions = result["versions"]
    named = ("quart", "quart-schema", "pydantic")
    origin = ", ".join(f"{name} {versions[name]}" for name in named)
    return _table(times) + f"\n\n{result['date']}, {result['python']}, {origin}."


def _table(times: Mapping[str, Any]) -> str:
    rows = [
        [WORKLOADS[name].title, _time(cells[THEIRS]), _time(cells[OURS]), shown(_ratio(cells))]
        for name, cells in times.items()
    ]
    return table(["µs per request", THEIRS, OURS, "ratio"], rows)


def _time(cell: Mapping[str, float]) -> str:
    return f"{_micros(cell['median'])} ±{_micros((cell['high'] - cell['low']) / 2)}"


def _micros(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _ratio(cells: Mapping[str, Any]) -> float:
    """Return the median of the rounds' ratios: a machine's speed changes in the course of a run."""
    pairs: Sequence[tuple[float, float]] = list(
        zip(cells[OURS]["rounds"], cells[THEIRS]["rounds"], strict=True)
    )
    return statistics.median(own / other for own, other in pairs)


# -- picture ---------------------------------------------------------------------------------------


def plot(result: Mapping[str, Any], path: Path) -> None:
    """Draw two bars for each workload.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from .plot import COLOURS, drawing, save

    pyplot = drawing()
    times = result["times"]
    figure, axes = pyplot.subplots(figsize=(10, 0.7 * len(times) + 1), layout="constrained")
    for shift, side, colour in ((-0.2, THEIRS, COLOURS["quart"]), (0.2, OURS, COLOURS[SUBJECT])):
        values = [cells[side]["median"] for cells in times.values()]
        places = [row + shift for row in range(len(times))]
        bars = axes.barh(places, values, height=0.36, color=colour, label=side)
        axes.bar_label(bars, [f"{value:.3g}" for value in values], padding=3, fontsize=8)
    axes.set_yticks(range(len(times)), [WORKLOADS[name].title for name in times])
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("µs per request")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    save(figure, path)
