"""Tables of a result: requests per second, CPU time, and asyncflask's time beside the others'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..apps import SUBJECT
from ..goals import ratio_of_cells, shown
from ..report import table
from ..servers.apps import APPS
from ..servers.starts import SERVERS
from .workloads import WORKLOADS

BEGIN = "<!-- database: written by `python -m benchmarks database`, do not edit -->"
END = "<!-- end of database -->"

Result = Mapping[str, Any]
Cell = Mapping[str, Any]
Pair = tuple[str, str]


def report(result: Result) -> str:
    """Make all tables, and the line about the origin of the figures."""
    parts = [
        _origin(result),
        _figures(result, "requests/s", _per_second),
        _figures(result, "CPU, µs (share of the core)", _cpu),
        _ratios(result),
    ]
    return "\n\n".join(part for part in parts if part)


def pairs_of(result: Result) -> list[Pair]:
    """Return the servers with their apps, in the order of the result."""
    found = [(key.partition(" ")[0], app) for key, apps in result["times"].items() for app in apps]
    return list(dict.fromkeys(found))


def cell_of(result: Result, pair: Pair, workload: str) -> Cell | None:
    """Return a figure, ``None`` if it was not measured."""
    server, app = pair
    cell: Cell | None = result["times"].get(f"{server} {workload}", {}).get(app)
    return cell


def title_of(pair: Pair) -> str:
    """Return the name of an app behind its server."""
    server, app = pair
    return f"{APPS[app].title}, {SERVERS[server].title}"


def _figures(result: Result, head: str, shows: Callable[[Cell], str]) -> str:
    rows = []
    for pair in pairs_of(result):
        cells = [cell_of(result, pair, name) for name in WORKLOADS]
        texts = ["–" if cell is None else shows(cell) for cell in cells]
        mark = "**" if pair[1] == SUBJECT else ""
        rows.append([f"{mark}{title_of(pair)}{mark}", *texts])
    return table([head, *(each.title for each in WORKLOADS.values())], rows)


def _per_second(cell: Cell) -> str:
    spread = (1e6 / cell["low"] - 1e6 / cell["high"]) / 2
    return f"{1e6 / cell['median']:,.0f} ±{spread:,.0f}"


def _cpu(cell: Cell) -> str:
    cpu = cell["cpu"]
    return f"{cpu['median']:,.0f} ±{(cpu['high'] - cpu['low']) / 2:,.0f} ({cell['server']:.0%})"


def _ratios(result: Result) -> str:
    """Compare asyncflask with the others behind the same server, by the clock and by CPU time."""
    pairs = pairs_of(result)
    rows = []
    for pair in pairs:
        own = (pair[0], SUBJECT)
        if pair[1] == SUBJECT or own not in pairs:
            continue
        texts = [_ratio(cell_of(result, own, n), cell_of(result, pair, n)) for n in WORKLOADS]
        rows.append([title_of(pair), *texts])
    if not rows:
        return ""
    heads = (each.title for each in WORKLOADS.values())
    return table(["asyncflask's time, by the clock (by CPU time), x", *heads], rows)


def _ratio(own: Cell | None, other: Cell | None) -> str:
    if own is None or other is None:
        return "–"
    by_clock, by_cpu = ratio_of_cells(own, other), ratio_of_cells(own["cpu"], other["cpu"])
    return f"{shown(by_clock)} ({shown(by_cpu)})"


def _origin(result: Result) -> str:
    about = result["machine"]
    versions = {APPS[name].title: of for name, of in result["versions"].items()}
    for parts in result["servers"].values():
        versions |= {name: of for name, of in parts.items() if name != SUBJECT}
    versions |= result["database"]
    server, _ = result["cores"]
    held = "" if server is None else " The app has a core, PostgreSQL and the client another."
    return (
        f"{result['date']}, {result['python']}, {about['processor']} ({about['cores']} cores,"
        f" {about['system']}, load {result['load']} at the start);"
        f" {', '.join(f'{name} {of}' for name, of in versions.items())}."
        f" The client has {result['connections']} keep-alive connections, each app a pool of"
        f" {result['pool']} to PostgreSQL.{held} Medians of {result['rounds']} rounds of"
        f" {result['round_seconds'] * 1000:g} ms in {result['launches']} launches of each app, ±"
        " half the distance between the quartiles. CPU is the app's, per request."
    )
