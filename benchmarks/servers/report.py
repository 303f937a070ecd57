"""Tables of a result of the servers: requests, goals, websockets, idle connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..apps import SUBJECT
from ..goals import ratio_of, ratio_of_cells
from ..report import table, verdict
from . import idle, uploads
from .apps import APPS
from .measure import WEBSOCKET
from .starts import SERVERS

BEGIN = "<!-- servers: written by `python -m benchmarks servers`, do not edit -->"
END = "<!-- end of servers -->"

Result = Mapping[str, Any]

#: a server must use this part of its core for its requests per second to be reliable
BUSY = 0.95


@dataclass(frozen=True)
class Goal:
    """A goal: the ratio of a server's requests to those of another server and app.

    Args:
        server: The server.
        app: The framework of its app.
        least: The lowest ratio that reaches the goal.
        other: The server to compare with.
        other_app: The framework of that server's app.
    """

    server: str
    app: str
    least: float
    other: str
    other_app: str

    def __str__(self) -> str:
        own, other = (self.server, self.app), (self.other, self.other_app)
        return f"{_title(*own)} >= {self.least:g} x {_title(*other)}"

    def ratio(self, result: Result, of: str = "clock") -> float | None:
        """Return the measured ratio, by the clock or by ``cpu`` time; ``None`` if there is none."""
        other = _cell(result, self.other, self.other_app, of)
        return ratio_of_cells(other, _cell(result, self.server, self.app, of))


GOALS = (
    Goal("embedded", SUBJECT, 4.5, "hypercorn", "quart"),
    Goal("embedded", SUBJECT, 1.8, "uvicorn-h11", "starlette"),
    Goal("hypercorn", SUBJECT, 0.95, "hypercorn", "raw"),
    Goal("uvicorn-httptools", SUBJECT, 1.0, "uvicorn-httptools", "starlette"),
    Goal("uvicorn-httptools", SUBJECT, 0.95, "uvicorn-httptools", "blacksheep"),
)
#: a websocket message on the embedded server, times what wsproto takes for it by itself
MOST_WSPROTO = 2.5


def _title(server: str, app: str) -> str:
    return f"{SERVERS[server].title} + {APPS[app].title}"


def _cell(result: Result, server: str, app: str, of: str = "clock") -> Mapping[str, Any] | None:
    cell: Mapping[str, Any] | None = result["times"].get(server, {}).get(app)
    return cell if cell is None or of == "clock" else cell[of]


def _median(result: Result, server: str, app: str, of: str = "clock") -> float | None:
    cell = _cell(result, server, app, of)
    return None if cell is None else float(cell["median"])


# -- tables ----------------------------------------------------------------------------------------


def requests_table(result: Result) -> str:
    """Make the table of requests per second and of what they cost the server."""
    head = ["server", "app", "requests/s", "CPU, µs", "server's core", "client's core"]
    return _load_table(result, "", [*head, "x hypercorn + Quart"], ("hypercorn", "quart"))


def messages_table(result: Result) -> str:
    """Make the table of websocket messages per second and of what they cost the server."""
    head = ["server", "app", "messages/s", "CPU, µs", "server's core", "client's core"]
    return _load_table(result, f" {WEBSOCKET}", [*head, "x hypercorn"], ("hypercorn", SUBJECT))


def _load_table(result: Result, behind: str, head: list[str], base: tuple[str, str]) -> str:
    server, app = base
    other = _cell(result, server + behind, app)
    rows = []
    for name, each, cell in _cells(result, behind):
        texts = [APPS[each].title, _per_second(cell), _spread(cell["cpu"])]
        texts += [_share(cell["server"]), _share(cell["client"])]
        texts.append(_times(ratio_of_cells(other, cell)))
        own = each == SUBJECT and name.startswith("embedded")
        rows.append([SERVERS[name].title, *(f"**{text}**" if own else text for text in texts)])
    text = table(head, rows)
    return text.replace("| --- | --: |", "| --- | --- |", 1)  # The app is text as well.


def _cells(result: Result, behind: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for server in SERVERS:
        cells = result["times"].get(server + behind, {})
        for app in APPS:
            if app in cells:
                yield server, app, cells[app]


def uploads_table(result: Result) -> str:
    """Make the table of the cost of an upload."""
    behind = f" {uploads.UPLOAD}"
    base = _cell(result, f"uvicorn-httptools{behind}", "starlette", "cpu")
    rows = []
    for name, each, cell in _cells(result, behind):
        ratio = None if base is None else cell["cpu"]["median"] / base["median"]
        rows.append([SERVERS[name].title, APPS[each].title, *uploads.row_of(cell), _times(ratio)])
    head = ["server", "app", "µs", "CPU, µs", "page faults", "CPU, x uvicorn + Starlette"]
    return table(head, rows).replace("| --- | --: |", "| --- | --- |", 1)


def goals_table(result: Result) -> str:
    """Make the table of goals, each by the clock (which counts) and by the server's CPU time."""
    rows = []
    for goal in GOALS:
        ratio, by_cpu = goal.ratio(result), goal.ratio(result, "cpu")
        reached = "not measured" if ratio is None else verdict(ratio >= goal.least)
        rows.append([str(goal), _times(ratio), _times(by_cpu), reached])
    rows += [_frames_goal(result), _idle_goal(result)]
    return table(["goal", "requests/s", "by CPU time", "reached"], rows)


def _frames_goal(result: Result) -> list[str]:
    goal = f"websocket echo, embedded + asyncflask: <= {MOST_WSPROTO} x wsproto's own cost"
    own = result["frames"]["wsproto"]["median"]
    ratio = ratio_of(_median(result, f"embedded {WEBSOCKET}", SUBJECT, "cpu"), own)
    reached = "not measured" if ratio is None else verdict(ratio <= MOST_WSPROTO)
    return [goal, "–", _times(ratio), reached]


def _idle_goal(result: Result) -> list[str]:
    cells = result["idle"].get("embedded", {})
    counts = [f"{cell['connections']:,} {_IDLE_TITLES[name]}" for name, cell in cells.items()]
    goal = f"embedded: {' and '.join(counts) or 'idle connections'} leave nothing behind"
    reached = verdict(all(map(idle.is_returned, cells.values()))) if cells else "not measured"
    return [goal, "–", "–", reached]


def frames_note(result: Result) -> str:
    """Return the sentence on the cost of a message without a socket."""
    found = {name: cell["median"] for name, cell in result["frames"].items()}
    own = found.pop("wsproto")
    others = ", ".join(
        f"the embedded server and {APPS[name.removeprefix('embedded ')].title} around it"
        f" {value:.1f} ({value / own:.2f} x)"
        for name, value in found.items()
    )
    return f"In memory, without a socket, a text and its echo take wsproto {own:.1f} µs; {others}."


_IDLE_TITLES = {
    idle.KEEP_ALIVE: "keep-alive connections",
    idle.WEBSOCKET: "websockets",
}


def idle_table(result: Result) -> str:
    """Make the table of the memory of idle connections."""
    head = ["server", "idle", "count", "KiB each", "MiB before", "with them", "after", "with again"]
    rows = []
    for server, cells in result["idle"].items():
        for name, cell in cells.items():
            full, empty = cell["full"], cell["empty"]
            looks = [empty[0], full[0], empty[1], *full[-1:]]
            sizes = [f"{look['resident'] / 1024:.1f}" for look in looks]
            sizes = sizes if len(full) > 1 else [*sizes[:-1], "–"]
            kept = empty[-1]["blocks"] - empty[0]["blocks"]
            each = [f"{cell['connections']:,}", f"{idle.per_connection(cell):.1f}", *sizes]
            left = empty[-1]["descriptors"] - empty[0]["descriptors"]
            each += [f"{kept:+,}", f"{left:+}"]
            rows.append([SERVERS[server].title, _IDLE_TITLES[name], *each])
    text = table([*head, "blocks kept", "descriptors kept"], rows)
    return text.replace("| --- | --: |", "| --- | --- |", 1)


def _per_second(cell: Mapping[str, float]) -> str:
    low, high = 1e6 / cell["high"], 1e6 / cell["low"]
    return f"{1e6 / cell['median']:,.0f} ±{(high - low) / 2:,.0f}"


def _spread(cell: Mapping[str, float]) -> str:
    return f"{cell['median']:.1f} ±{(cell['high'] - cell['low']) / 2:.1f}"


def _share(part: float) -> str:
    return f"{part:.0%}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"


# -- the whole -------------------------------------------------------------------------------------


def report(result: Result) -> str:
    """Make all tables, and the line about the origin of the figures."""
    parts = [_origin(result), requests_table(result), "### Goals", goals_table(result)]
    parts += ["### Websocket echo", _echo_note(result), messages_table(result)]
    parts += [frames_note(result), "### Uploads", _UPLOADS_NOTE, uploads_table(result)]
    parts += ["### Idle connections", idle_table(result)]
    return "\n\n".join(parts)


def _origin(result: Result) -> str:
    machine = result["machine"]
    versions = {APPS[name].title: of for name, of in result["versions"].items()}
    for parts in result["servers"].values():
        versions |= {name: of for name, of in parts.items() if name != SUBJECT}
    server, client = result["cores"]
    held = "on any core" if server is None else "the server bound to one core"
    held += "" if client is None else ", the client to another"
    return (
        f"{result['date']}, {result['python']}, {machine['processor']} ({machine['cores']} cores,"
        f" {machine['system']}, load {result['load']} at the start);"
        f" {', '.join(f'{name} {of}' for name, of in versions.items())}. Plaintext over loopback,"
        f" {result['connections']} keep-alive connections, {held}. Medians of"
        f" {result['rounds']} rounds of {result['round_seconds'] * 1000:g} ms in"
        f" {result.get('launches', 1)} launches of each server, ± half the distance between the"
        f" quartiles. CPU is the server's, per request.{_waiting(result)}"
    )


def _waiting(result: Result) -> str:
    """Return the sentence on servers that had to wait; their CPU time is more reliable."""
    shares = [cell["server"] for _, _, cell in _cells(result, "")]
    waited = [share for share in shares if share < BUSY]
    if not waited or result["cores"][0] is None:
        return ""
    return (
        f" {len(waited)} of {len(shares)} did not have their core to themselves (from"
        f" {min(waited):.0%} of it): compare those by CPU time."
    )


_UPLOADS_NOTE = "One connection repeatedly uploads a form with a file of 1 MiB."


def _echo_note(result: Result) -> str:
    return (
        f"{result['connections']} websockets with {result['in_flight']} messages in flight on each."
        " CPU is the server's, per message, system calls included."
    )
