"""Measures the parts of a request: the profile of the goals that are hard to reach.

Each piece is a part of the dispatch of one request, called alone in a loop. It is faster there than
in a request, because its code and data stay in the processor's caches. That difference, and the
calls between the pieces, are missing from the sum. Whole requests are measured in the same run.
"""

from __future__ import annotations

import asyncio
import gc
import platform
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .apps import PEERS, SUBJECT
from .client import Client, ignore
from .goals import GOALS
from .measure import Say, entries_of, is_installed, load_average, machine, run_rounds, summarize
from .report import table
from .workloads import NAMES, OBJECT, WORKLOADS

BEGIN = "<!-- pieces: written by `python -m benchmarks pieces`, do not edit -->"
END = "<!-- end of pieces -->"

ROUNDS, SECONDS = 15, 0.02
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.005
#: the key of the whole request, beside those of its pieces
WHOLE = "request"
BASE = "starlette"

Work = Callable[[], Any]


@dataclass(frozen=True)
class Piece:
    """A part of a request.

    Args:
        workload: The workload.
        title: Name in the table.
        make: Returns the function to call in a loop; a coroutine function is awaited.
        times: How often a request does it.
    """

    workload: str
    title: str
    make: Callable[[], Work | Callable[[], Awaitable[Any]]]
    times: int = 1

    @property
    def key(self) -> str:
        return f"{self.workload}: {self.title}"


# -- pieces ----------------------------------------------------------------------------------------


def _scope(workload: str) -> dict[str, Any]:
    return Client(None, WORKLOADS[workload]).call()[0]


def _app(workload: str) -> Any:
    app = PEERS[SUBJECT].apps()[workload]()
    app.url_map.compile()
    return app


def sends() -> Callable[[], Awaitable[Any]]:
    """The app's coroutine, which sends two messages that are there."""
    start = {"type": "http.response.start", "status": 200, "headers": []}
    body = {"type": "http.response.body", "body": b"Hello, World!"}

    async def app() -> None:
        await ignore(start)
        await ignore(body)

    return app


def context() -> Work:
    """Making the context of a request."""
    from asyncflask.context import Context
    from asyncflask.dispatch.scope_types import HTTP

    app, scope = _app("plaintext"), _scope("plaintext")
    return lambda: Context(app, HTTP, scope, ignore, ignore)


def context_var() -> Work:
    """Making it the current one, and leaving it: a ``ContextVar`` is set and reset."""
    from asyncflask._contextvars import make_current, restore

    def work() -> None:
        restore(make_current(object()))

    return work


def header_names() -> Work:
    """Headers by name, to look for a cookie and for a body."""
    headers = _scope("plaintext")["headers"]
    return lambda: dict(headers)


def matching(workload: str) -> Callable[[], Work]:
    """Finding the rule of a workload's path, with its arguments."""

    def make() -> Work:
        find, of = _app(workload).url_map.find, WORKLOADS[workload]
        return lambda: find(of.path, of.method, False)

    return make


def plan() -> Work:
    """Looking up the plan of the endpoint."""
    app = _app("plaintext")
    table = app.plans.tables["http"]
    (endpoint,) = (name for name in app.view_functions if name != "static")
    table[endpoint]  # It is made now, while its app exists.
    return lambda: table[endpoint]


def view(workload: str, **arguments: Any) -> Callable[[], Callable[[], Awaitable[Any]]]:
    """The workload's view."""

    def make() -> Callable[[], Awaitable[Any]]:
        functions = _app(workload).view_functions
        (found,) = (functions[name] for name in functions if name != "static")

        async def work() -> None:
            await found(**arguments)

        return work

    return make


def messages() -> Work:
    """Making text the two messages of an answer."""
    from asyncflask.dispatch.make_response import make_messages

    app = _app("plaintext")
    return lambda: make_messages(app, "Hello, World!", "GET")


def json_text() -> Work:
    """Writing the object as JSON."""
    app = _app("json")  # Its provider does not keep it.
    return lambda: app.json.dump_bytes(OBJECT)


def json_read() -> Work:
    """Reading 1 KB of JSON."""
    app, body = _app("json_post"), WORKLOADS["json_post"].body
    return lambda: app.json.loads(body)


def json_answer() -> Work:
    """Writing the answer."""
    app, answer = _app("json_post"), WORKLOADS["json_post"].data
    return lambda: app.json.dump_bytes(answer)


def body_read() -> Work:
    """Making the request's body and receiving it, in one message."""
    from asyncflask.wrappers.request.body import Body

    body = WORKLOADS["json_post"].body
    message = {"type": "http.request", "body": body, "more_body": False}

    async def receive() -> Any:
        return message

    return lambda: Body(receive, len(body)).read_at_once()


def hook() -> Callable[[], Awaitable[Any]]:
    """A hook that does nothing, awaited."""

    async def work() -> None:
        pass

    return work


def g_set_and_read() -> Work:
    """``g``: three names set, three read."""
    from asyncflask import g
    from asyncflask._contextvars import context_var
    from asyncflask.context import Context

    context = Context(_app("hooks"))

    def work() -> None:
        context_var.set(context)
        context.g = None
        for name in NAMES:
            setattr(g, name, name)
        for name in NAMES:
            getattr(g, name)

    return work


def headers_set() -> Work:
    """A response, three headers set on it, and its messages."""
    from asyncflask.wrappers.response.asgi import whole_messages
    from asyncflask.wrappers.response.response import Response

    names = [f"X-{name}" for name in NAMES]

    def work() -> None:
        response = Response.buffered(b"first second third")
        for name in names:
            response.headers[name] = "done"
        whole_messages(response, "GET")

    return work


def hop() -> Callable[[], Awaitable[Any]]:
    """To a thread that is there, and back."""

    async def work() -> None:
        await asyncio.get_running_loop().run_in_executor(None, int)

    return work


def _plain(workload: str) -> list[Piece]:
    """Return the pieces that all workloads have: everything but the view and its response."""
    return [
        Piece(workload, "the app's coroutine and two sends", sends),
        Piece(workload, "the context, made", context),
        Piece(workload, "a `ContextVar`, set and reset", context_var),
        Piece(workload, "headers by name", header_names),
        Piece(workload, "looking up the plan of the endpoint", plan),
        Piece(workload, "the rule for the path", matching(workload)),
    ]


PIECES: Sequence[Piece] = (
    *_plain("plaintext"),
    Piece("plaintext", "the view", view("plaintext")),
    Piece("plaintext", "two messages", messages),
    *_plain("path"),
    Piece("path", "the view", view("path", name="ada", number=42)),
    Piece("path", "two messages", messages),
    *_plain("json"),
    Piece("json", "the view", view("json")),
    Piece("json", "two messages", messages),
    Piece("json", "JSON written", json_text),
    *_plain("json_post"),
    Piece("json_post", "the body, received", body_read),
    Piece("json_post", "1 KB of JSON, read", json_read),
    Piece("json_post", "JSON written", json_answer),
    Piece("json_post", "two messages", messages),
    *_plain("hooks"),
    Piece("hooks", "hooks, empty", hook, 6),
    Piece("hooks", "`g`: three names set, three read", g_set_and_read),
    Piece("hooks", "a response, three headers, its messages", headers_set),
    Piece("def_view", "to a thread, and back", hop),
)

# -- measuring -------------------------------------------------------------------------------------


async def time_of(piece: Piece, rounds: int, seconds: float) -> list[float]:
    """Return the microseconds that a request needs for a piece, for each round.

    The cost of the loop is subtracted.
    """
    work = piece.make()
    awaited = asyncio.iscoroutinefunction(work)
    count = 1
    while (took := await _loop(work, awaited, count)) < seconds / 4:
        count *= 4
    count = max(1, round(count * seconds / took))
    found = []
    for _ in range(rounds):
        gc.collect()
        empty = await _loop(_nothing, False, count)
        found.append(share(await _loop(work, awaited, count) - empty, count, piece.times))
    return found


def share(seconds: float, count: int, times: int) -> float:
    """Return a request's microseconds of something that it does ``times``.

    Args:
        seconds: What doing it ``count`` times took.
        count: How often it was done.
        times: How often a request does it.
    """
    return seconds / count * times * 1e6


async def _loop(work: Work, awaited: bool, count: int) -> float:
    began = time.perf_counter()
    if awaited:
        for _ in range(count):
            await work()
    else:
        for _ in range(count):
            work()
    return time.perf_counter() - began


def _nothing() -> None:
    pass


def run(quick: bool, seed: int, say: Say) -> dict[str, Any]:
    """Measure all pieces, and the requests that they belong to.

    Args:
        quick: Few short rounds.
        seed: Of the order of the peers.
        say: Is called with lines about the progress.
    """
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    load, order = load_average(), random.Random(seed)
    peers = [PEERS[name] for name in (SUBJECT, BASE) if is_installed(PEERS[name], say)]
    times: dict[str, Any] = {}
    for workload in dict.fromkeys(piece.workload for piece in PIECES):
        whole = run_rounds(entries_of(peers, WORKLOADS[workload]), rounds, seconds, order)
        times[f"{workload}: {WHOLE}"] = {name: summarize(each) for name, each in whole.items()}
        for piece in PIECES:
            if piece.workload == workload:
                found = asyncio.run(time_of(piece, rounds, seconds))
                times[piece.key] = {SUBJECT: summarize(found)}
        say(f"pieces of {WORKLOADS[workload].title}")
    return {
        "kind": "pieces",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": load,
        "rounds": rounds,
        "seed": seed,
        "versions": {peer.name: peer.version() for peer in peers},
        "times": times,
    }


# -- tables and picture ----------------------------------------------------------------------------


def report(result: Mapping[str, Any]) -> str:
    """Make the tables of a result, one for each workload."""
    of = result["machine"]
    origin = (
        f"{result['date']}, {result['python']}, {of['processor']} ({of['cores']} cores,"
        f" {of['system']}, load {result['load']} at the start). Medians of {result['rounds']}"
        " rounds, ± half the distance between the quartiles."
    )
    tables = [parts_table(result, name, "µs", "{:.2f}".format) for name in counted(result)]
    return "\n\n".join([origin, *tables])


def counted(result: Mapping[str, Any]) -> list[str]:
    """Return the workloads whose pieces a result has."""
    return list(dict.fromkeys(key.partition(": ")[0] for key in result["times"]))


def parts_table(
    result: Mapping[str, Any], workload: str, unit: str, shown: Callable[[float], str]
) -> str:
    """Make the table of a workload's pieces, of their sum, of the request, and of its goal.

    Args:
        result: Of this module, or of one of the same form.
        workload: The workload.
        unit: Heading of the figures.
        shown: Writes a figure.
    """
    cells = _pieces_of(result, workload)
    whole = result["times"][f"{workload}: {WHOLE}"]
    rows = [[title, _cell(cell, shown)] for title, cell in cells.items()]
    rows.append(["these together", shown(sum(cell["median"] for cell in cells.values()))])
    rows.append(["**a request to asyncflask**", f"**{_cell(whole[SUBJECT], shown)}**"])
    limit = next(
        (goal.limit for goal in GOALS if goal.workload == workload and goal.peer == BASE), None
    )
    if limit is not None and BASE in whole:
        median = whole[BASE]["median"]
        rows.append([f"the goal: {limit:g} x Starlette's {shown(median)}", shown(limit * median)])
    return table([WORKLOADS[workload].title, unit], rows)


def _pieces_of(result: Mapping[str, Any], workload: str) -> dict[str, Any]:
    found = {}
    for key, cells in result["times"].items():
        of, _, title = key.partition(": ")
        if of == workload and title != WHOLE:
            found[title] = cells[SUBJECT]
    return found


def _cell(cell: Mapping[str, float], shown: Callable[[float], str]) -> str:
    return f"{shown(cell['median'])} ±{shown((cell['high'] - cell['low']) / 2)}"


def plot(result: Mapping[str, Any], path: Any, label: str = "part of the request's time") -> None:
    """Draw the pieces of each workload as parts of its request.

    Args:
        result: Of this module, or of one of the same form.
        path: Where to write the picture.
        label: Text below the picture.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from .plot import drawing, save

    pyplot = drawing()
    names = counted(result)
    figure, axes = pyplot.subplots(figsize=(11, 0.5 * len(names) + 3), layout="constrained")
    palette = pyplot.get_cmap("tab20").colors
    colours: dict[str, Any] = {}
    for at, workload in enumerate(names):
        whole = result["times"][f"{workload}: {WHOLE}"][SUBJECT]["median"]
        left = 0.0
        for title, cell in _pieces_of(result, workload).items():
            new = title not in colours
            colour = colours.setdefault(title, palette[len(colours) % len(palette)])
            width = cell["median"] / whole
            axes.barh(at, width, left=left, color=colour, label=title if new else None)
            left += width
        axes.barh(at, max(0.0, 1 - left), left=left, color="#eeeeee")
    axes.set_yticks(range(len(names)), [WORKLOADS[name].title for name in names])
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    save(figure, path)
