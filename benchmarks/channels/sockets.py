"""Clients on sockets, of two processes that share a channel: latency, rate, CPU, memory.

Each app is served by processes of one worker each, with as many clients, and all clients receive
each message. An app without an engine has one process.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..measure import load_average, machine
from ..servers.idle import room
from ..servers.starts import Running, Server, running
from .crowd import EVENTS, GREETINGS, SOCKET_IO, WEBSOCKET, Arrivals, Crowd, Greeting
from .measure import LENGTH, Say
from .run import running as engine_running
from .run import versions

KINDS = (WEBSOCKET, EVENTS)
PROCESSES = 2
#: Clients of each process that come first: a server's first ones need more memory.
WARM_UP = 20
#: Seconds from one message to the next, for the latency.
PAUSE = 0.1
#: Messages that may be under way, for the rate.
AHEAD = 8
#: Seconds in which a process that has started takes its last memory.
CALM = 0.5

_EMBEDDED = "-m asyncflask --app benchmarks.channels.{app} run --port {{port}}"
_HYPERCORN = "-m hypercorn benchmarks.channels.{app} --bind 127.0.0.1:{{port}}"
_UVICORN = (
    "-m uvicorn benchmarks.channels.{app} --port {{port}} --no-access-log --log-level warning"
)
_DJANGO = ("channels", "channels-redis", "django", "uvicorn")


@dataclass(frozen=True)
class App:
    """An app and its server.

    Args:
        title: The app's, in the table.
        server: The server's, in the table.
        app: The app's module and its name there.
        command: The server's command line.
        engines: Which engines it is measured with.
        needs: The distributions that have to be installed.
        clients: The kinds of clients, with what each of them sends first.
    """

    title: str
    server: str
    app: str
    command: str
    engines: tuple[str, ...]
    needs: tuple[str, ...] = ()
    clients: Mapping[str, Greeting] = field(default_factory=lambda: GREETINGS)

    def start(self) -> Server:
        """Return how it is started."""
        command = self.command.format(app=self.app)
        return Server(self.server, f"{self.title}, {self.server}", (), tuple(command.split()), ())


ENGINES = ("memory", "redis", "valkey", "postgresql", "nats")
APPS = {
    "embedded": App("asyncflask", "embedded", "rooms:app", _EMBEDDED, ENGINES),
    "hypercorn": App(
        "asyncflask", "hypercorn", "rooms:app", _HYPERCORN, ("redis",), ("hypercorn",)
    ),
    "uvicorn": App("asyncflask", "uvicorn", "rooms:app", _UVICORN, ("redis",), ("uvicorn",)),
    "litestar": App(
        "Litestar", "uvicorn", "rooms_litestar:app", _UVICORN, ("redis",), ("litestar", "uvicorn")
    ),
    "socketio": App(
        "python-socketio",
        "uvicorn",
        "rooms_socketio:app",
        _UVICORN,
        ("redis",),
        ("python-socketio", "starlette", "uvicorn"),
        SOCKET_IO,
    ),
    "channels-redis": App(
        "channels_redis", "uvicorn", "rooms_django:core", _UVICORN, ("redis",), _DJANGO
    ),
    "channels-redis-pubsub": App(
        "channels_redis (pubsub)", "uvicorn", "rooms_django:pubsub", _UVICORN, ("redis",), _DJANGO
    ),
    "quart": App(
        "Quart", "hypercorn", "rooms_quart:app", _HYPERCORN, ("memory",), ("quart", "hypercorn")
    ),
}


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Args:
        rounds: How many rounds.
        clients: Clients of each process.
        slow: Messages for the latency, one each :data:`PAUSE`; more than 100, so that one of them
            (at which Python collects garbage, for example) does not decide the 99th percentile.
        fast: Messages for the rate.
    """

    rounds: int
    clients: int
    slow: int
    fast: int


FULL = Size(3, 500, 120, 100)
QUICK = Size(1, 50, 10, 50)


def run(quick: bool, seed: int, say: Say) -> dict[str, Any]:
    """Measure all engines.

    Args:
        quick: Few clients and messages.
        seed: Seed for the order.
        say: Is called with lines about the progress.
    """
    size, order, load = QUICK if quick else FULL, random.Random(seed), load_average()
    room(PROCESSES * size.clients)
    engines: dict[str, Any] = {}
    for engine in ENGINES:
        with engine_running(engine, say) as server:
            if server is not None:
                say(f"{engine}, on sockets …")
                engines[engine] = _measure_engine(engine, server.url, size, order)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine(),
        "load": load,
        "size": {name: getattr(size, name) for name in Size.__dataclass_fields__},
        "versions": versions(name for app in APPS.values() for name in app.needs),
        "length": LENGTH,
        "seed": seed,
        "engines": engines,
    }


def _measure_engine(
    engine: str, url: str, size: Size, order: random.Random
) -> dict[str, dict[str, Any]]:
    """Return the figures by app and kind of client."""
    turns = [
        (name, kind)
        for name, app in APPS.items()
        for kind in app.clients
        if engine in app.engines and len(versions(app.needs)) == len(app.needs)
    ]
    rounds: dict[tuple[str, str], list[dict[str, float]]] = {turn: [] for turn in turns}
    for _ in range(size.rounds):
        for turn in order.sample(turns, len(turns)):
            processes = 1 if engine == "memory" else PROCESSES
            rounds[turn].append(measure(APPS[turn[0]], turn[1], url, processes, size))
    found: dict[str, dict[str, Any]] = {}
    for name, kind in turns:
        found.setdefault(name, {})[kind] = _together(rounds[name, kind])
    return found


def _together(rounds: list[dict[str, float]]) -> dict[str, Any]:
    """Return the median of each figure; of what was lost or came in disorder, the sum."""
    found: dict[str, Any] = {"rounds": rounds}
    for name in rounds[0]:
        values = [one[name] for one in rounds]
        found[name] = sum(values) if name in ("lost", "disordered") else statistics.median(values)
    return found


def measure(app: App, kind: str, url: str, processes: int, size: Size) -> dict[str, float]:
    """Measure an app once.

    Args:
        app: The app.
        kind: ``"websocket"`` or ``"events"``.
        url: The engine's server.
        processes: How many of its processes share the channel.
        size: How much.

    Returns:
        Milliseconds from publishing to a delivery, the median and the 99th percentile; deliveries a
        second; µs of the processes' CPU time for each; KiB of their memory for each client; and how
        many deliveries were lost, or came in disorder.
    """
    with _served(app, url, processes) as servers, _crowd(servers, app.clients[kind]) as crowd:
        crowd.come(WARM_UP)
        time.sleep(CALM)
        before = sum(server.resident() for server in servers)
        crowd.come(size.clients - WARM_UP)
        after = sum(server.resident() for server in servers)
        slow = crowd.publish(size.slow, PAUSE, size.slow)
        used = _cpu(servers)
        fast = crowd.publish(size.fast, 0, AHEAD)
        used = _cpu(servers) - used
    clients = processes * size.clients
    return _figures(slow, fast, used, (after - before) / (clients - processes * WARM_UP))


def _figures(slow: Arrivals, fast: Arrivals, used: float, memory: float) -> dict[str, float]:
    latencies = sorted(slow.latencies)
    return {
        "median": round(latencies[len(latencies) // 2] / 1000, 3),
        "p99": round(latencies[len(latencies) * 99 // 100] / 1000, 3),
        "rate": round(len(fast.latencies) / fast.seconds),
        "cpu": round(used / len(fast.latencies) * 1e6, 3),
        "memory": round(memory, 2),
        "lost": slow.lost + fast.lost,
        "disordered": slow.disordered + fast.disordered,
    }


@contextmanager
def _served(app: App, url: str, processes: int) -> Iterator[list[Running]]:
    with ExitStack() as stack:
        yield [stack.enter_context(running(app.start(), url)) for _ in range(processes)]


@contextmanager
def _crowd(servers: list[Running], greeting: Greeting) -> Iterator[Crowd]:
    crowd = Crowd([server.address for server in servers], greeting)
    try:
        yield crowd
    finally:
        crowd.close()


def _cpu(servers: list[Running]) -> float:
    return sum(server.cpu_seconds() for server in servers)
