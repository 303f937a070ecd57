"""How cost grows: with routes, with hooks, with requests at once, with the size of a body.

Each curve is the time of one request (or of one byte's share of it) at growing counts, for
asyncflask and the three frameworks that its users come from. Apps are those of ``apps/`` where
there is one; the rest stand here, as the documentation would write them.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import platform
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .apps import PEERS, SUBJECT, Peer
from .client import Client, ignore
from .goals import shown
from .measure import Say, load_average, machine, run_workload, summarize
from .report import table
from .workloads import WORKLOADS, Workload

BEGIN = "<!-- growth: written by `python -m benchmarks growth`, do not edit -->"
END = "<!-- end of growth -->"

TAKING_PART = (SUBJECT, "starlette", "quart", "flask")
ROUNDS, SECONDS = 7, 0.03
QUICK_ROUNDS, QUICK_SECONDS = 2, 0.005

KB, MB = 1024, 1024 * 1024
COUNTS: Mapping[str, tuple[int, ...]] = {
    "routes": (1, 10, 100, 1000, 10_000),
    "hooks": (0, 1, 2, 5, 10, 20),
    "concurrency": (1, 10, 100, 1000, 10_000),
    "received": (KB, 10 * KB, 100 * KB, MB, 10 * MB, 100 * MB),
    "sent": (KB, 10 * KB, 100 * KB, MB, 10 * MB, 100 * MB),
}
TITLES = {
    "routes": "routes: a request to the last one",
    "hooks": "hooks, so many before and after",
    "concurrency": "requests at once, that wait for each other",
    "received": "bytes of a body that the view reads",
    "sent": "bytes of a body that the view returns",
}


@dataclass(frozen=True)
class _Made(Peer):
    """A peer whose apps are made here, under the name of the workload."""

    made: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    def apps(self) -> Mapping[str, Callable[[], Any]]:
        return self.made


# -- apps ------------------------------------------------------------------------------------------


def _routes(peer: str, count: int) -> Any:
    return importlib.import_module(PEERS[peer].module).sections(range(count))


def _hooks(peer: str, count: int) -> Any:
    if peer == "starlette":
        return _starlette_hooks(count)
    app = _flask_like(peer)

    async def before() -> None:
        pass

    async def after(response: Any) -> Any:
        return response

    def before_sync() -> None:
        pass

    def after_sync(response: Any) -> Any:
        return response

    for _ in range(count):
        app.before_request(before_sync if peer == "flask" else before)
        app.after_request(after_sync if peer == "flask" else after)
    _answering(app, peer, lambda: "Hello, World!")
    return app


def _starlette_hooks(count: int) -> Any:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    class Hook:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async def send_after(message: Any) -> None:
                await send(message)

            await self.app(scope, receive, send_after)

    async def view(request: Any) -> Any:
        return PlainTextResponse("Hello, World!")

    return Starlette(routes=[Route("/", view)], middleware=[Middleware(Hook)] * count)


def _flask_like(peer: str) -> Any:
    flask = {"flask": "flask", "quart": "quart", SUBJECT: "asyncflask"}[peer]
    app = importlib.import_module(flask).Flask if peer != "quart" else _quart()
    made = app("growth")
    made.config["MAX_CONTENT_LENGTH"] = None
    return made


def _quart() -> Any:
    return importlib.import_module("quart").Quart


def _answering(app: Any, peer: str, answer: Callable[[], Any]) -> None:
    async def view() -> Any:
        return answer()

    app.add_url_rule("/", "view", answer if peer == "flask" else view)


def _received(peer: str, count: int) -> Any:
    if peer == "starlette":
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        async def starlette_view(request: Any) -> Any:
            return PlainTextResponse(str(len(await request.body())))

        return Starlette(routes=[Route("/", starlette_view, methods=["POST"])])
    app = _flask_like(peer)
    request = importlib.import_module("asyncflask" if peer == SUBJECT else peer).request

    async def view() -> Any:
        return str(len(await request.get_data()))

    def view_sync() -> Any:
        return str(len(request.get_data()))

    app.add_url_rule("/", "view", view_sync if peer == "flask" else view, methods=["POST"])
    return app


def _sent(peer: str, count: int) -> Any:
    body = b"x" * count
    if peer == "starlette":
        from starlette.applications import Starlette
        from starlette.responses import Response
        from starlette.routing import Route

        async def starlette_view(request: Any) -> Any:
            return Response(body)

        return Starlette(routes=[Route("/", starlette_view)])
    app = _flask_like(peer)
    _answering(app, peer, lambda: body)
    return app


def _workload(curve: str, count: int) -> Workload:
    if curve == "routes":
        return replace(WORKLOADS["routes"], name=curve, path=f"/section{count - 1}/ada/42")
    if curve == "hooks":
        return replace(WORKLOADS["plaintext"], name=curve)
    if curve == "received":
        headers = ((b"content-length", b"%d" % count),)
        return Workload(
            curve, curve, "/", "POST", headers=headers, body=b"x" * count, answer=b"%d" % count
        )
    return Workload(curve, curve, "/", answer=b"x" * count)


_APPS: Mapping[str, Callable[[str, int], Any]] = {
    "routes": _routes,
    "hooks": _hooks,
    "received": _received,
    "sent": _sent,
}

# -- requests at once ------------------------------------------------------------------------------


async def _at_once(peer: str, count: int) -> float:
    """Return the microseconds of each of ``count`` requests that are under way together."""
    gate = asyncio.Event()
    arrived, wanted = 0, 1

    async def wait() -> str:
        nonlocal arrived
        arrived += 1
        if arrived == wanted:
            gate.set()
        await gate.wait()
        return "Hello, World!"

    if peer == "starlette":
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        async def view(request: Any) -> Any:
            return PlainTextResponse(await wait())

        app: Any = Starlette(routes=[Route("/", view)])
    else:
        app = _flask_like(peer)
        app.add_url_rule("/", "view", wait)
    client = Client(app, replace(WORKLOADS["plaintext"], name="concurrency"))
    await client.check()  # What an app does at its first request is no part of this.
    calls = [client.call() for _ in range(count)]
    arrived, wanted = 0, count
    gate.clear()
    gc.collect()
    began = time.perf_counter()
    await asyncio.gather(*(app(scope, receive, ignore) for scope, receive, _ in calls))
    seconds = time.perf_counter() - began
    if arrived != count:
        raise RuntimeError(f"{peer} served {arrived} of {count} requests.")
    return seconds / count * 1e6


def _concurrency(count: int, rounds: int, order: random.Random) -> dict[str, Any]:
    times: dict[str, list[float]] = {peer: [] for peer in TAKING_PART if not PEERS[peer].wsgi}
    for _ in range(rounds):
        peers = list(times)
        order.shuffle(peers)
        for peer in peers:
            times[peer].append(asyncio.run(_at_once(peer, count)))
    return {peer: summarize(values) for peer, values in times.items()}


# -- the whole -------------------------------------------------------------------------------------


def run(quick: bool, seed: int, say: Say) -> dict[str, Any]:
    """Measure all curves.

    Args:
        quick: Few short rounds, and no more than 1,000 of anything (1 MB).
        seed: Of the order of the peers.
        say: Takes a line that tells how far this is.
    """
    order = random.Random(seed)
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    load = load_average()
    times: dict[str, dict[str, Any]] = {}
    for curve, counts in COUNTS.items():
        for count in counts:
            if quick and count > (MB if count % KB == 0 else 1000):
                continue
            if curve == "concurrency":
                cells = _concurrency(count, rounds, order)
            else:
                cells = asyncio.run(_cells(curve, count, rounds, seconds, order))
            times[f"{curve} {count}"] = cells
            medians = ", ".join(f"{peer} {cell['median']:.3g}" for peer, cell in cells.items())
            say(f"{curve}, {count:,}: {medians} µs")
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": load,
        "rounds": rounds,
        "versions": {name: PEERS[name].version() for name in TAKING_PART},
        "times": times,
    }


async def _cells(
    curve: str, count: int, rounds: int, seconds: float, order: random.Random
) -> dict[str, Any]:
    def maker(name: str) -> Callable[[], Any]:
        return lambda: _APPS[curve](name, count)

    peers = []
    for name in TAKING_PART:
        known = PEERS[name]
        made = {curve: maker(name)}
        peers.append(_Made(name, known.title, known.module, None, known.wsgi, made=made))
    times = await run_workload(_workload(curve, count), peers, rounds, seconds, order)
    return {peer: summarize(values) for peer, values in times.items()}


# -- tables and picture ----------------------------------------------------------------------------


def report(result: Mapping[str, Any]) -> str:
    """Make the tables of a result, one for each curve."""
    machine_ = result["machine"]
    versions = ", ".join(f"{PEERS[name].title} {of}" for name, of in result["versions"].items())
    parts = [
        f"{result['date']}, {result['python']}, {machine_['processor']}, load"
        f" {result['load']} at the start; {versions}. µs per request, medians of"
        f" {result['rounds']} rounds, ± half the distance between the quartiles."
    ]
    for curve, rows in _curves(result).items():
        names = list(next(iter(rows.values())))
        lines: list[Sequence[str]] = []
        for count, cells in rows.items():
            own = cells[SUBJECT]["median"]
            ratio = shown(own / cells["starlette"]["median"])
            lines.append([_count(curve, count), *(_cell(cells[name]) for name in names), ratio])
        head = [TITLES[curve], *(PEERS[name].title for name in names), "x Starlette"]
        parts.append(table(head, lines))
    return "\n\n".join(parts)


def _curves(result: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """Return the cells of each curve, by count."""
    curves: dict[str, dict[int, Any]] = {}
    for name, cells in result["times"].items():
        curve, count = name.split()
        curves.setdefault(curve, {})[int(count)] = cells
    return curves


def _count(curve: str, count: int) -> str:
    if curve not in ("received", "sent"):
        return f"{count:,}"
    return f"{count // MB} MB" if count >= MB else f"{count // KB} KB"


def _cell(cell: Mapping[str, float]) -> str:
    median, spread = cell["median"], (cell["high"] - cell["low"]) / 2
    digits = 0 if median >= 100 else 1
    return f"{median:,.{digits}f} ±{spread:,.{digits}f}"


def plot(result: Mapping[str, Any], path: Any) -> None:
    """Draw the curves, both axes logarithmic.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from .plot import COLOURS, drawing, save

    pyplot = drawing()
    curves = _curves(result)
    figure, panels = pyplot.subplots(2, 3, figsize=(12, 6.5), layout="constrained")
    for axes, (curve, rows) in zip(panels.flat, curves.items(), strict=False):
        for name in next(iter(rows.values())):
            points = [(max(count, 0.5), cells[name]["median"]) for count, cells in rows.items()]
            axes.plot(
                *zip(*points, strict=True),
                marker="o",
                markersize=4,
                color=COLOURS.get(name),
                label=PEERS[name].title,
                linewidth=2.4 if name == SUBJECT else 1.4,
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(TITLES[curve], fontsize=10)
        axes.grid(color="#e5e5e5")
        axes.spines[["top", "right"]].set_visible(False)
    panels.flat[0].set_ylabel("µs per request")
    panels.flat[3].set_ylabel("µs per request")
    legend = panels.flat[-1]
    legend.axis("off")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    legend.legend(handles, labels, loc="center", frameon=False)
    save(figure, path)
