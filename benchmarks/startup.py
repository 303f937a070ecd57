"""What it costs to begin: importing a framework, and an app of 500 routes until it answers.

Each measurement is a process of its own, and peers take turns, so that what the system keeps in
its caches is the same for all. Memory is what a process has to itself (resident, less what an empty
interpreter has). How an answer's time is measured is :mod:`.measure`'s business.
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

#: what ``import`` takes, where that is not the peer's name
IMPORTS = {
    "asyncflask": "from asyncflask import Flask",
    "facade": "from asyncflask.flask import Flask",
    "starlette": "from starlette.applications import Starlette",
    "fastapi": "from fastapi import FastAPI",
    "litestar": "from litestar import Litestar, get",
    "blacksheep": "from blacksheep import Application",
    "falcon": "import falcon.asgi",
    "sanic": "from sanic import Sanic",
    "quart": "from quart import Quart",
    "flask": "from flask import Flask",
}
_EMPTY = "pass"

#: the program of one measurement: statement in, microseconds and KiB out
_PROGRAM = """
import time
began = time.perf_counter(), time.process_time()
{statement}
ended = time.perf_counter(), time.process_time()
import json, os
pages = int(open("/proc/self/statm").read().split()[1])
print(json.dumps([(ended[0] - began[0]) * 1e6, pages * os.sysconf("SC_PAGE_SIZE") / 1024]))
"""

_ROUTES = """
import asyncio
from benchmarks.startup import answer_last_route
asyncio.run(answer_last_route({peer!r}))
"""


FIGURES = {
    "import": "import, ms",
    "memory": "memory after import, MiB",
    "routes": "500 routes, ms",
}
#: what asyncflask may take of Flask's figure
GOALS = {
    "import": ("import", 1.0),
    "memory": ("memory after import", 1.05),
    "routes": ("app of 500 routes, first request answered", 0.25),
}


async def answer_last_route(name: str) -> None:
    """Make a peer's app of 500 routes and let it answer a request to the last one, once.

    For a process of its own: the time is written by the caller, without the import.
    """
    from .client import Client, Lifespan
    from .workloads import WORKLOADS

    peer = PEERS[name]
    make = peer.apps()["routes"]
    began = time.perf_counter()
    client = Client(make(), WORKLOADS["routes"], peer.wsgi)
    if peer.lifespan:
        await Lifespan(client.app).start()
    await client.check()
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps([seconds * 1e6, _resident()]) + "\n")
    sys.stdout.flush()
    os._exit(0)  # Nobody waits for threads and lifespans.


def _resident() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def run(rounds: int, seed: int, say: Say) -> dict[str, Any]:
    """Measure all peers that are installed.

    Args:
        rounds: How many processes of each kind.
        seed: Of the order.
        say: Takes a line that tells how far this is.
    """
    peers = [PEERS[name] for name in IMPORTS if _is_installed(PEERS[name], say)]
    load = load_average()
    order = random.Random(seed)
    programs: dict[tuple[str, str], str] = {("empty", "import"): _PROGRAM.format(statement=_EMPTY)}
    for peer in peers:
        programs[peer.name, "import"] = _PROGRAM.format(statement=IMPORTS[peer.name])
        programs[peer.name, "routes"] = _ROUTES.format(peer=peer.name)
    figures: dict[tuple[str, str], list[list[float]]] = {key: [] for key in programs}
    with tempfile.TemporaryDirectory() as compiled:
        # As an installed program starts: with its modules compiled, which the first round does.
        environ = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(-1, rounds):
            keys = list(programs)
            order.shuffle(keys)
            for key in keys:
                found = _measure(programs[key], environ)
                if number >= 0:
                    figures[key].append(found)
            say(f"[{number + 1}/{rounds}] start-up")
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": load,
        "rounds": rounds,
        "versions": {peer.name: peer.version() for peer in peers},
        "unit": "",
        "times": _times(figures, [peer.name for peer in peers]),
    }


def _times(
    figures: Mapping[tuple[str, str], list[list[float]]], names: Sequence[str]
) -> dict[str, Any]:
    """Return each figure of each peer, in the shape of the other results."""
    base = statistics.median(memory for _, memory in figures["empty", "import"])
    times: dict[str, Any] = {figure: {} for figure in FIGURES}
    for name in names:
        imports, routes = figures[name, "import"], figures[name, "routes"]
        values = {
            "import": [micros / 1000 for micros, _ in imports],
            "memory": [(memory - base) / 1024 for _, memory in imports],
            "routes": [micros / 1000 for micros, _ in routes],
        }
        for figure, found in values.items():
            times[figure][name] = summarize(found)
    return times


def _measure(program: str, environ: Mapping[str, str]) -> list[float]:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _is_installed(peer: Peer, say: Say) -> bool:
    try:
        peer.apps()
    except ImportError as error:
        say(f"{peer.title} is left out: {error}.")
        return False
    return True


# -- tables ----------------------------------------------------------------------------------------


def report(result: Mapping[str, Any]) -> str:
    """Make the tables of a result."""
    times = result["times"]
    rows = [
        [_title(name, bold=True), *(_cell(times[figure][name]) for figure in FIGURES)]
        for name in times["import"]
    ]
    head = ["framework", *FIGURES.values()]
    processor = result["machine"]["processor"]
    origin = (
        f"{result['date']}, {result['python']}, {processor}, load {result['load']} at the"
        f" start. Medians of {result['rounds']} processes each, ± half the distance between the"
        " quartiles. Memory is without the empty interpreter's; 500 routes is making the app and"
        " its first answer, at the last route, without the import."
    )
    return "\n\n".join([origin, table(head, rows), _goals(times)])


def _title(name: str, bold: bool = False) -> str:
    if name == "facade":
        return "facade (`asyncflask.flask`)"
    title = PEERS[name].title.split(" (")[0]
    return f"**{title}**" if bold and name == SUBJECT else title


def _cell(cell: Mapping[str, float]) -> str:
    return f"{cell['median']:.1f} ±{(cell['high'] - cell['low']) / 2:.1f}"


def _goals(times: Mapping[str, Any]) -> str:
    rows: list[Sequence[str]] = []
    for figure, (title, limit) in GOALS.items():
        goal = f"{title} <= {limit:g} x Flask's"
        cells = times[figure]
        if SUBJECT not in cells or "flask" not in cells:
            rows.append([goal, "–", "not measured"])
            continue
        ratio = cells[SUBJECT]["median"] / cells["flask"]["median"]
        rows.append([goal, shown(ratio), verdict(ratio <= limit)])
    return table(["goal", "measured", "reached"], rows)


def plot(result: Mapping[str, Any], path: Any) -> None:
    """Draw bars, one panel for each figure.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from .plot import COLOURS, drawing, save

    pyplot = drawing()
    times = result["times"]
    names = list(times["import"])
    size = (11, 0.32 * len(names) + 1)
    figure, panels = pyplot.subplots(1, len(FIGURES), figsize=size, layout="constrained")
    for axes, (what, title) in zip(panels, FIGURES.items(), strict=True):
        values = [times[what][name]["median"] for name in names]
        axes.barh(range(len(names)), values, color=[COLOURS.get(name, "#999999") for name in names])
        axes.set_title(title)
        axes.set_yticks(range(len(names)), [_title(name).replace("`", "") for name in names])
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
        if axes is not panels[0]:
            axes.set_yticklabels([])
    save(figure, path)
