"""The rounds: in each, every app gets a turn with every workload, in a new random order.

All servers run all the time, bound to one core. PostgreSQL and the client are bound to another, so
that an app's figure does not depend on what they take of its core. Only one app gets requests at a
time.
"""

from __future__ import annotations

import asyncio
import dataclasses
import platform
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from ..apps import SUBJECT
from ..client import WrongAnswer
from ..measure import Say, load_average, machine
from ..servers.apps import APPS
from ..servers.loads import connect, load, request_of
from ..servers.measure import Pair, Sample, cell_of, has_app, is_installed, turns_of
from ..servers.starts import SERVERS, Running, Server, cores, held_to, running
from . import postgresql, queries
from .workloads import WORKLOADS

CONNECTIONS = 64
CHECKED = 8  # of the connections, before each turn
WARM_UP = 0.1  # seconds

_APP = "benchmarks.database.apps.asgi:app"
_UVICORN = "uvicorn-httptools"
#: which apps are measured behind which server
PAIRS: tuple[Pair, ...] = (
    ("embedded", SUBJECT),
    ("embedded-uvloop", SUBJECT),
    (_UVICORN, SUBJECT),
    (_UVICORN, "starlette"),
    (_UVICORN, "fastapi"),
    (_UVICORN, "blacksheep"),
    (_UVICORN, "quart"),
)
NAMES = tuple(dict.fromkeys(server for server, _ in PAIRS))


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds, their seconds, and how often the servers are launched."""

    rounds: int
    seconds: float
    launches: int


FULL = Size(20, 0.5, 4)
QUICK = Size(2, 0.2, 1)


def run(servers: Sequence[str], size: Size, seed: int, say: Say) -> dict[str, Any]:
    """Measure the apps and return the result as it is written to a file.

    Args:
        servers: Of :data:`NAMES`; one that is not installed is skipped, with a line about it.
        size: How much to measure.
        seed: Of the order.
        say: Is called with lines about the progress.

    Raises:
        FileNotFoundError: PostgreSQL is not installed.
        NotServing: A server does not answer.
        WrongAnswer: An app sends a wrong response.
    """
    version, busy = postgresql.version(), load_average()
    pairs = [pair for pair in PAIRS if pair[0] in servers and _is_there(pair, say)]
    names = list(dict.fromkeys(server for server, _ in pairs))
    return {
        "kind": "database",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": busy,
        "cores": cores(),
        "versions": {app: APPS[app].version() for _, app in pairs},
        "servers": {name: SERVERS[name].versions() for name in names},
        "database": {"PostgreSQL": version, "asyncpg": metadata.version("asyncpg")},
        "connections": CONNECTIONS,
        "pool": queries.POOL,
        "rounds": size.rounds,
        "launches": size.launches,
        "round_seconds": size.seconds,
        "seed": seed,
        "times": _rounds(pairs, size, random.Random(seed), say),
    }


def _is_there(pair: Pair, say: Say) -> bool:
    server, app = pair
    return is_installed(SERVERS[server], say) and has_app(app, say)


def _rounds(
    pairs: Sequence[Pair], size: Size, order: random.Random, say: Say
) -> dict[str, dict[str, Any]]:
    samples: dict[tuple[str, Pair], list[Sample]] = {}
    server_core, client_core = cores()
    done = 0
    with held_to(client_core), postgresql.running() as url:
        asyncio.run(queries.fill(url))
        for launch in range(size.launches):
            with _started(pairs, url, server_core) as processes:
                while done < size.rounds * (launch + 1) // size.launches:
                    for name, pair in _turns(pairs, order):
                        found = _sample(processes[pair], name, url, size.seconds)
                        samples.setdefault((name, pair), []).append(found)
                    done += 1
                    say(f"[{done}/{size.rounds}] {len(WORKLOADS)} workloads, {len(pairs)} apps")
    times: dict[str, dict[str, Any]] = {}
    for (name, (server, app)), found_samples in sorted(samples.items(), key=_place):
        times.setdefault(f"{server} {name}", {})[app] = cell_of(found_samples)
    return times


def _place(item: tuple[tuple[str, Pair], list[Sample]]) -> tuple[int, int]:
    name, pair = item[0]
    return PAIRS.index(pair), list(WORKLOADS).index(name)


def _turns(pairs: Sequence[Pair], order: random.Random) -> Iterator[tuple[str, Pair]]:
    """Yield the turns of a round: workloads in random order, for each the apps."""
    for name in order.sample(list(WORKLOADS), len(WORKLOADS)):
        for pair in turns_of(pairs, order):
            yield name, pair


@contextmanager
def _started(pairs: Sequence[Pair], url: str, core: int | None) -> Iterator[dict[Pair, Running]]:
    with ExitStack() as stack:
        yield {
            (server, app): stack.enter_context(running(_server(server), f"{app} {url}", core))
            for server, app in pairs
        }


def _server(name: str) -> Server:
    """Return a server with the apps of this folder."""
    server = SERVERS[name]
    command = [
        part.replace("{app}", "benchmarks.database.apps.asgi:app") for part in server.command
    ]
    return dataclasses.replace(server, command=tuple(command))


def _sample(process: Running, name: str, url: str, seconds: float) -> Sample:
    """Send requests to an app on new connections, each of which is checked first."""
    workload = WORKLOADS[name]
    request = request_of(workload.request)
    try:
        with ExitStack() as stack:
            opened = [stack.enter_context(connect(process.address)) for _ in range(CONNECTIONS)]
            expected, *_ = [workload.expect(each, url) for each in opened[:CHECKED]]
            load(opened, request, expected, WARM_UP)
            before = process.cpu_seconds()
            counted = load(opened, request, expected, seconds)
            cpu = process.cpu_seconds() - before
    except WrongAnswer as error:
        raise WrongAnswer(f"{error} The server said: {process.said()}") from error
    return Sample(
        counted.seconds / counted.answers * 1e6,
        cpu / counted.answers * 1e6,
        cpu / counted.seconds,
        counted.client / counted.seconds,
    )
