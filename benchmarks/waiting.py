"""Requests that wait while others are served: seconds, threads and memory, and streams of chunks.

A thousand requests wait for a second each in an ``async def`` view, with and without a ``def``
hook. Each kind is measured in a process of its own (``python -m benchmarks.waiting NAME``), so
that its memory is its own; the kinds take turns. The ratios of one run count, not its seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .goals import shown
from .measure import Say
from .memory import held, resident
from .report import table, verdict

REQUESTS = 1000
QUICK_REQUESTS = 200
BURST = 1200
WEBSOCKETS = 80
#: more than the pool of ``def`` functions is large, by default
WAITERS = 40
SECONDS = 1.0
#: seconds after which a request counts as not answered
PATIENCE = 60.0
ROUNDS = 3
CHUNKS = 100

_ROOT = Path(__file__).parents[1]

App = Callable[[dict[str, Any], Any, Any], Any]


# -- the apps --------------------------------------------------------------------------------------


def _views(app: Any) -> None:
    news = asyncio.Event()

    @app.get("/")
    async def wait() -> str:
        await asyncio.sleep(SECONDS)
        return "x"

    @app.get("/ready")
    async def ready() -> str:
        return "x"

    @app.get("/news")
    async def wait_for_news() -> str:
        await news.wait()
        return "x"

    @app.get("/wake")
    async def wake() -> str:
        news.set()
        return "x"


def _hooks(app: Any) -> None:
    @app.before_request
    def before() -> None:
        pass

    @app.teardown_request
    def teardown(error: BaseException | None) -> None:
        pass


def _async_api(hooks: bool) -> App:
    import asyncflask

    app = asyncflask.Flask("waiting", root_path=str(_ROOT))
    _views(app)
    if hooks:
        _hooks(app)

        @app.before_websocket
        def before() -> None:
            pass

    @app.websocket("/ws")
    async def echo() -> None:
        while True:
            await asyncflask.websocket.send(await asyncflask.websocket.receive())

    return app


def _facade() -> App:
    from asyncflask.flask import Flask

    app = Flask("waiting", root_path=str(_ROOT))
    _views(app)
    _hooks(app)

    @app.get("/stream")
    def stream() -> Iterator[bytes]:
        return iter([b"x" * 100] * CHUNKS)

    return app  # type: ignore[no-any-return]  # a facade app is called as WSGI and as ASGI


def _quart() -> App:
    import quart

    app = quart.Quart("waiting", root_path=str(_ROOT))
    _views(app)
    _hooks(app)

    @app.before_websocket
    def before() -> None:
        pass

    @app.websocket("/ws")
    async def echo() -> None:
        while True:
            await quart.websocket.send(await quart.websocket.receive())

    return app


def _flask_on_asgiref() -> App:
    import flask
    from asgiref.wsgi import WsgiToAsgi

    app = flask.Flask("waiting", root_path=str(_ROOT))
    _views(app)
    _hooks(app)
    adapted: App = WsgiToAsgi(app)
    return adapted


@dataclass(frozen=True)
class Kind:
    """An app, and what is measured on it.

    Args:
        make: Makes the app.
        modules: Modules that it needs.
        websockets: Whether it has websockets.
        most: Most requests that it is asked to serve at once.
    """

    make: Callable[[], App]
    modules: tuple[str, ...] = ()
    websockets: bool = False
    most: int = 100_000


BASE, HOOKS, FACADE = "asyncflask", "asyncflask, def hooks", "facade, def hooks"
KINDS: Mapping[str, Kind] = {
    BASE: Kind(lambda: _async_api(False), websockets=True),
    HOOKS: Kind(lambda: _async_api(True), websockets=True),
    FACADE: Kind(_facade),
    "Quart, def hooks": Kind(_quart, ("quart",), websockets=True),
    # It serves one request after the other.
    "Flask on asgiref, def hooks": Kind(_flask_on_asgiref, ("flask", "asgiref"), most=5),
}


# -- one kind, in a process of its own -------------------------------------------------------------


def scope_of(path: str, kind: str = "http") -> dict[str, Any]:
    """Return the scope of a request or websocket."""
    scope = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    return {**scope, "method": "GET"} if kind == "http" else {**scope, "subprotocols": []}


async def get(app: App, path: str, **changes: Any) -> int:
    """Make a request and return its status; 0 if it is not answered within :data:`PATIENCE`."""
    statuses: list[int] = []
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            statuses.append(message["status"])

    try:
        async with asyncio.timeout(PATIENCE):
            await app({**scope_of(path), **changes}, receive, send)
    except TimeoutError:
        return 0
    return statuses[0]


async def waiting(app: App, requests: int) -> dict[str, Any]:
    """Let requests wait at the same time.

    Returns:
        Seconds, most threads, KiB of memory for each, and how many were answered with 200.
    """
    for _ in range(20):
        await get(app, "/ready")
    before = held()["resident"]
    sizes, threads = [before], [threading.active_count()]

    async def watch() -> None:
        while True:
            sizes.append(resident())
            threads.append(threading.active_count())
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    began = time.monotonic()
    statuses = await asyncio.gather(*(get(app, "/") for _ in range(requests)))
    seconds = time.monotonic() - began
    watching.cancel()
    return {
        "seconds": seconds,
        "threads": max(threads),
        "kib": (max(sizes) - before) / requests,
        "requests": requests,
        "answered": Counter(statuses)[200],
    }


async def woken(app: App) -> int:
    """Let requests wait for a later one, and return how many were answered."""
    tasks = [asyncio.create_task(get(app, "/news")) for _ in range(WAITERS)]
    await asyncio.sleep(0.2)
    try:
        async with asyncio.timeout(PATIENCE / 10):
            await get(app, "/wake")
            return Counter(await asyncio.gather(*tasks))[200]
    except TimeoutError:
        return Counter(task.result() for task in tasks if task.done() and not task.cancelled())[200]


async def talking(app: App) -> int:
    """Open websockets at the same time, and return how many were answered."""
    answered, gone = [], asyncio.Event()

    async def talk() -> None:
        messages = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hi"}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop(0)
            await gone.wait()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                answered.append(1)

        await app(scope_of("/ws", "websocket"), receive, send)

    tasks = [asyncio.create_task(talk()) for _ in range(WEBSOCKETS)]
    end = time.monotonic() + PATIENCE / 10
    while len(answered) < WEBSOCKETS and time.monotonic() < end:
        await asyncio.sleep(0.01)
    count = len(answered)
    gone.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    return count


async def streaming(app: App, rounds: int = 30) -> dict[str, float]:
    """Measure a stream of chunks: run ahead, and with a hop for each, in turns.

    Returns:
        Milliseconds of the two.
    """
    ways: dict[str, dict[str, Any]] = {"ahead": {}, "hops": {"asyncflask.pieces": {}}}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, extensions in ways.items():
            began = time.perf_counter()
            await get(app, "/stream", extensions=extensions)
            times[way].append((time.perf_counter() - began) * 1000)
    return {way: statistics.median(measured) for way, measured in times.items()}


async def measure(name: str, requests: int, burst: int) -> dict[str, Any]:
    """Measure one kind.

    Args:
        name: A key of :data:`KINDS`.
        requests: Number of requests that wait.
        burst: Number of requests that come at once, if the kind has ``def`` hooks of asyncflask.
    """
    kind = KINDS[name]
    app = kind.make()
    cell: dict[str, Any] = await waiting(app, min(requests, kind.most))
    if name in (HOOKS, FACADE):
        answers = await asyncio.gather(*(get(app, "/") for _ in range(burst)))
        cell["burst"] = {str(status): count for status, count in Counter(answers).items()}
    if name == FACADE:
        cell["stream"] = await streaming(app)
    if kind.websockets:
        cell["websockets"] = await talking(app)
    cell["woken"] = await woken(app)
    return cell


# -- all kinds -------------------------------------------------------------------------------------


def run(requests: int, rounds: int, say: Say) -> dict[str, list[dict[str, Any]]]:
    """Measure the kinds whose modules are installed, in turns.

    Args:
        requests: Number of requests that wait.
        rounds: Number of measurements of each.
        say: Is called with lines about the progress.

    Raises:
        CalledProcessError: A process failed.
    """
    names = [name for name, kind in KINDS.items() if all(map(find_spec, kind.modules))]
    cells: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            command = [sys.executable, "-m", "benchmarks.waiting", name, str(requests)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=_ROOT)
            cells[name].append(json.loads(done.stdout))
            say(f"[{number + 1}/{rounds}] {name}: {cells[name][-1]['seconds']:.2f} s")
    return cells


def report(cells: Mapping[str, list[dict[str, Any]]]) -> str:
    """Make the tables: the kinds, and the goals."""
    head = ["kind", "requests", "s", "threads", "KiB each", "200", "woken", "websockets"]
    rows = [
        [
            name,
            str(measured[0]["requests"]),
            f"{_median(measured, 'seconds'):.2f}",
            str(max(cell["threads"] for cell in measured)),
            f"{_median(measured, 'kib'):.0f}",
            str(min(cell["answered"] for cell in measured)),
            f"{min(cell['woken'] for cell in measured)} of {WAITERS}",
            _websockets(measured),
        ]
        for name, measured in cells.items()
    ]
    goals = [[text, value, verdict(reached)] for text, value, reached in _goals(cells)]
    return f"{table(head, rows)}\n\n{table(['goal', 'measured', 'reached'], goals)}"


def _median(measured: list[dict[str, Any]], key: str) -> float:
    return statistics.median(cell[key] for cell in measured)


def _websockets(measured: list[dict[str, Any]]) -> str:
    counts = [cell["websockets"] for cell in measured if "websockets" in cell]
    return f"{min(counts)} of {WEBSOCKETS}" if counts else "–"


def _goals(cells: Mapping[str, list[dict[str, Any]]]) -> Iterator[tuple[str, str, bool]]:
    base = _median(cells[BASE], "seconds")
    for name, limit in ((HOOKS, 1.5), (FACADE, 2.5)):
        ratio = _median(cells[name], "seconds") / base
        yield f"{name} <= {limit} x {BASE}", shown(ratio), ratio <= limit
        refused = sum(cell["burst"].get("503", 0) for cell in cells[name])
        yield f"{name}: no 503 in a burst of {BURST}", str(refused), not refused
        woken = min(cell["woken"] for cell in cells[name])
        yield f"{name}: {WAITERS} of {WAITERS} woken", str(woken), woken == WAITERS
    talked = min(cell["websockets"] for cell in cells[HOOKS])
    yield f"{HOOKS}: {WEBSOCKETS} websockets at once", str(talked), talked == WEBSOCKETS
    streams = [cell["stream"] for cell in cells[FACADE]]
    ratio = statistics.median(stream["ahead"] / stream["hops"] for stream in streams)
    yield f"{FACADE}: stream of {CHUNKS} chunks <= 0.15 x a hop each", shown(ratio), ratio <= 0.15


def main() -> None:
    """Measure one kind in this process and print the result as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=main.__doc__)
    parser.add_argument("name", choices=KINDS)
    parser.add_argument("requests", type=int)
    args = parser.parse_args()

    async def measured() -> None:
        print(json.dumps(await measure(args.name, args.requests, BURST)), flush=True)
        os._exit(0)  # Threads that wait for what never comes would keep the process.

    asyncio.run(measured())


if __name__ == "__main__":
    main()
