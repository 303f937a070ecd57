"""Measures the start: importing a framework, and an app of 500 routes until it answers.

Each measurement is a process of its own, and the kinds take turns in a new order in each round, so
that the system's caches are the same for all. :mod:`.measure` measures the responses of a running
app.
"""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .apps import PEERS, SUBJECT, Peer
from .goals import shown
from .measure import load_average, machine, summarize
from .report import table, verdict

Say = Callable[[str], None]

BEGIN = "<!-- startup: written by `python -m benchmarks startup`, do not edit -->"
END = "<!-- end of startup -->"

ROUNDS = 15
QUICK_ROUNDS = 3

_ROOT = Path(__file__).parents[1]

#: the statement that imports a peer, by its name
IMPORTS = {
    "asyncflask": "from asyncflask import Flask",
    "facade": "from asyncflask.flask import Flask",
    "flask": "from flask import Flask",
    "quart": "from quart import Quart",
    "starlette": "from starlette.applications import Starlette",
    "fastapi": "from fastapi import FastAPI",
    "litestar": "from litestar import Litestar, get",
    "blacksheep": "from blacksheep import Application",
    "falcon": "import falcon.asgi",
    "sanic": "from sanic import Sanic",
}
#: the kind of process that measures the interpreter alone
EMPTY = ("import", "")

#: The whole process is measured; at its end it writes its resident memory, in pages.
_IMPORT = """{statement}
import os
os.write(1, open("/proc/self/statm", "rb").read())
"""
_ROUTES = """
import asyncio
from benchmarks.startup import answer_last_route
asyncio.run(answer_last_route({peer!r}))
"""


@dataclass(frozen=True)
class Figure:
    """A figure that is measured for each framework.

    Args:
        title: Name in the table.
        kind: In which kind of process.
        what: ``times`` (ms) or ``sizes`` (MiB).
        place: Index of the figure in the process's output.
    """

    title: str
    kind: str
    what: str
    place: int


FIGURES: Mapping[str, Figure] = {
    "import": Figure("import, ms", "import", "times", 0),
    "import, CPU": Figure("import, CPU ms", "import", "times", 1),
    "memory after import": Figure("memory after import, MiB", "import", "sizes", 2),
    "500 routes": Figure("500 routes, ms", "routes", "times", 0),
    "500 routes, CPU": Figure("500 routes, CPU ms", "routes", "times", 1),
    "memory of 500 routes": Figure("500 routes, MiB", "routes", "sizes", 2),
}


@dataclass(frozen=True)
class Goal:
    """A goal: the allowed ratio of asyncflask's figure to Flask's.

    Args:
        title: Name in the table.
        figure: The figure that counts.
        limit: The ratio that is allowed.
        by_cpu: The same by CPU time, if it is time.
    """

    title: str
    figure: str
    limit: float
    by_cpu: str | None = None


GOALS = (
    Goal("import", "import", 1.0, "import, CPU"),
    Goal("memory after import", "memory after import", 1.05),
    Goal("app of 500 routes, first request answered", "500 routes", 0.25, "500 routes, CPU"),
)

# -- one process -----------------------------------------------------------------------------------


def import_once(statement: str, environ: Mapping[str, str]) -> list[float]:
    """Import in a fresh process; return its ms, its ms of CPU time, and its MiB, all of it.

    Raises:
        RuntimeError: The process failed; the text says with what.
    """
    command = [sys.executable, "-c", _IMPORT.format(statement=statement)]
    began = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, cwd=_ROOT, env=environ, stdout=subprocess.PIPE, stderr=errors
        )
        assert process.stdout is not None
        with process.stdout as output:
            told = output.read()
        # Not process.wait(), which forgets what the process used.
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise _failure(statement, errors.read())
    return [seconds * 1e3, (used.ru_utime + used.ru_stime) * 1e3, _mebibytes(told)]


def _failure(program: str, errors: bytes) -> RuntimeError:
    lines = errors.decode(errors="replace").strip().splitlines() or ["(nothing)"]
    return RuntimeError(f"The process of {program.strip()!r} failed. It said: {lines[-1]}")


def answer_once(peer: str, environ: Mapping[str, str]) -> list[float]:
    """Make an app of 500 routes in a new process; return ms, ms of CPU time, and MiB.

    Raises:
        RuntimeError: The process failed; the text says with what.
    """
    command = [sys.executable, "-c", _ROUTES.format(peer=peer)]
    done = subprocess.run(command, cwd=_ROOT, env=environ, capture_output=True, check=False)
    if done.returncode:
        raise _failure(f"500 routes of {peer}", done.stderr)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


async def answer_last_route(name: str) -> None:
    """Make a peer's app of 500 routes and let it answer a request to the last one, once.

    For a process of its own, which it ends: it writes the figures, without the import.
    """
    from .client import Client, Lifespan
    from .workloads import WORKLOADS

    peer = PEERS[name]
    make = peer.apps()["routes"]
    before, began = _resident(), (time.perf_counter(), time.process_time())
    client = Client(make(), WORKLOADS["routes"], peer.wsgi)
    if peer.lifespan:
        await Lifespan(client.app).start()
    await client.check()
    ended = time.perf_counter(), time.process_time()
    took = [(end - start) * 1e3 for start, end in zip(began, ended, strict=True)]
    sys.stdout.write(json.dumps([*took, _resident() - before]) + "\n")
    sys.stdout.flush()
    os._exit(0)  # Without waiting for threads and lifespans.


def _resident() -> float:
    with open("/proc/self/statm", "rb") as file:
        return _mebibytes(file.read())


def _mebibytes(statm: bytes) -> float:
    """Return resident memory from what Linux says of a process."""
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1024 * 1024)


# -- the rounds ------------------------------------------------------------------------------------

Kind = tuple[str, str]


def run(rounds: int, seed: int, say: Say) -> dict[str, Any]:
    """Measure all peers that are installed.

    Args:
        rounds: How many processes of each kind.
        seed: Of the order.
        say: Is called with lines about the progress.
    """
    found = [name for name in IMPORTS if _is_installed(PEERS[name], say)]
    load, began = load_average(), time.monotonic()
    order = random.Random(seed)
    kinds: list[Kind] = [EMPTY, *((kind, name) for name in found for kind in ("import", "routes"))]
    told: dict[Kind, list[list[float]]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as compiled:
        # As an installed program starts: with its modules compiled, which the first round does.
        environ = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(rounds + 1):
            order.shuffle(kinds)
            for kind in kinds:
                figures = _measure(kind, environ)
                if number:
                    told[kind].append(figures)
            say(f"[{number}/{rounds}, {time.monotonic() - began:.0f} s] start-up")
    return {
        "kind": "startup",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": load,
        "rounds": rounds,
        "seed": seed,
        "versions": {name: PEERS[name].version() for name in found},
        "missing": [name for name in IMPORTS if name not in found],
        **evaluate(told, found),
    }


def _measure(kind: Kind, environ: Mapping[str, str]) -> list[float]:
    what, name = kind
    if what == "routes":
        return answer_once(name, environ)
    return import_once(IMPORTS.get(name, ""), environ)


def evaluate(told: Mapping[Kind, list[list[float]]], names: Sequence[str]) -> dict[str, Any]:
    """Return each figure of each peer, in the shape of the other results.

    Args:
        told: What each process told, by its kind.
        names: Whose figures are wanted.
    """
    empty = [statistics.median(values) for values in zip(*told[EMPTY], strict=True)]
    found: dict[str, Any] = {"times": {}, "sizes": {}}
    for key, figure in FIGURES.items():
        # What an app of 500 routes takes is counted from where the import ended.
        base = empty[figure.place] if figure.kind == "import" else 0.0
        found[figure.what][key] = {
            name: summarize([each[figure.place] - base for each in told[figure.kind, name]])
            for name in names
        }
    return {**found, "unit": "ms", "size_unit": "MiB", "empty": [round(each, 3) for each in empty]}


def _is_installed(peer: Peer, say: Say) -> bool:
    try:
        peer.version()
    except ImportError as error:  # PackageNotFoundError is one.
        say(f"{peer.title} is skipped: {error}.")
        return False
    return True


# -- tables and picture ----------------------------------------------------------------------------


def report(result: Mapping[str, Any]) -> str:
    """Make the tables of a result."""
    rows = [
        [_title(name, bold=True), *(_cell(_cells(result, key).get(name)) for key in FIGURES)]
        for name in IMPORTS
        if name in result["versions"]
    ]
    head = ["framework", *(figure.title for figure in FIGURES.values())]
    parts = [_origin(result), table(head, rows), _goals(result)]
    if result["missing"]:
        missing = ", ".join(map(_title, result["missing"]))
        parts.insert(2, f"Not installed, so not measured: {missing}.")
    return "\n\n".join(parts)


def _origin(result: Mapping[str, Any]) -> str:
    of, (wall, cpu, memory) = result["machine"], result["empty"]
    versions = ", ".join(f"{_title(name)} {of}" for name, of in result["versions"].items())
    return (
        f"{result['date']}, {result['python']}, {of['processor']} ({of['cores']} cores,"
        f" {of['system']}, load {result['load']} at the start); {versions}. Medians of"
        f" {result['rounds']} processes each, ± half the distance between the quartiles."
        " The figures of imports exclude those of an empty interpreter:"
        f" {wall:.1f} ms, {cpu:.1f} ms of CPU time, {memory:.1f} MiB."
    )


def _cells(result: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    cells: Mapping[str, Any] = result[FIGURES[key].what].get(key, {})
    return cells


def _title(name: str, bold: bool = False) -> str:
    if name == "facade":
        return "facade (`asyncflask.flask`)"
    title = PEERS[name].title.split(" (")[0]
    return f"**{title}**" if bold and name == SUBJECT else title


def _cell(cell: Mapping[str, float] | None) -> str:
    if cell is None:
        return "–"
    return f"{cell['median']:.1f} ±{(cell['high'] - cell['low']) / 2:.1f}"


def _goals(result: Mapping[str, Any]) -> str:
    rows: list[Sequence[str]] = []
    for goal in GOALS:
        ratio, by_cpu = _ratio(result, goal.figure), _ratio(result, goal.by_cpu)
        reached = "not measured" if ratio is None else verdict(ratio <= goal.limit)
        text = f"{goal.title} <= {goal.limit:g} x Flask's"
        rows.append([text, shown(ratio), shown(by_cpu), reached])
    return table(["goal", "measured", "by CPU time", "reached"], rows)


def _ratio(result: Mapping[str, Any], key: str | None) -> float | None:
    cells = {} if key is None else _cells(result, key)
    if SUBJECT not in cells or "flask" not in cells:
        return None
    return float(cells[SUBJECT]["median"] / cells["flask"]["median"])


#: what the picture shows; CPU time looks the same as time
PANELS = [key for key in FIGURES if not key.endswith("CPU")]


def plot(result: Mapping[str, Any], path: Any) -> None:
    """Draw bars, one panel for each figure.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from .plot import COLOURS, drawing, save

    pyplot = drawing()
    names = [name for name in IMPORTS if name in result["versions"]]
    size = (13, 0.32 * len(names) + 1)
    figure, panels = pyplot.subplots(
        1, len(PANELS), figsize=size, sharey=True, layout="constrained"
    )
    for axes, key in zip(panels, PANELS, strict=True):
        cells = [_cells(result, key)[name] for name in names]
        values = [cell["median"] for cell in cells]
        spread = [
            [cell["median"] - cell["low"] for cell in cells],
            [cell["high"] - cell["median"] for cell in cells],
        ]
        axes.barh(
            range(len(names)),
            values,
            xerr=spread,
            error_kw={"ecolor": "#444444", "elinewidth": 0.8},
            color=[COLOURS.get(name, "#999999") for name in names],
        )
        axes.set_title(FIGURES[key].title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(names)), [_title(name).replace("`", "") for name in names])
    panels[0].invert_yaxis()
    save(figure, path)
