"""The rounds: in each, every server with every app gets a turn, in a new random order.

The apps behind one server get their turns one after another, because they are compared with each
other, and a machine changes its speed in the course of a run.

All servers run all the time, bound to one core; the client is bound to another, and only one server
gets requests at a time. The result is the number of requests that one process answers while its
core has no other work. The CPU time per request and the load of both cores are noted as well: a
server that was not busy had to wait, and a client that was busy limited the result.
"""

from __future__ import annotations

import platform
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from typing import Any

from ..apps import SUBJECT
from ..client import WrongAnswer
from ..measure import Say, load_average, machine, summarize
from ..workloads import MESSAGE, WORKLOADS
from . import frames, idle, uploads
from .apps import APPS
from .loads import check, check_echo, connect, frame, load, request_of, upgrade
from .starts import SERVERS, NotServing, Running, Server, cores, held_to, running

PLAINTEXT, WEBSOCKET = "plaintext", "websocket"
CONNECTIONS = 64
IN_FLIGHT = {PLAINTEXT: 1, WEBSOCKET: 4}
WARM_UP = 0.05

#: the apps whose websockets are measured; plaintext is measured for all
WEBSOCKETS = (
    ("embedded", SUBJECT),
    ("embedded", "raw"),
    ("embedded-uvloop", SUBJECT),
    ("hypercorn", SUBJECT),
    ("uvicorn-h11", SUBJECT),
    ("uvicorn-httptools", SUBJECT),
    ("granian", SUBJECT),
)
#: the servers of idle connections, and how often these are opened
IDLE = {"embedded": 4, "hypercorn": 1, "uvicorn-h11": 1, "uvicorn-httptools": 1}
#: the cost of frames without a socket: a name, and the measurement
FRAMES: dict[str, Callable[[int], float]] = {
    "wsproto": frames.time_wsproto,
    "embedded raw": lambda count: frames.time_embedded("raw", count),
    f"embedded {SUBJECT}": lambda count: frames.time_embedded(SUBJECT, count),
}
FRAMES_TIMED = 2000

Pair = tuple[str, str]


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds and their seconds, how many connections idle, uploads.

    The servers are launched several times, and the rounds are divided among the launches: the hash
    seed and the memory layout of a process change its speed by up to a tenth.
    """

    rounds: int
    seconds: float
    keep_alive: int
    websockets: int
    uploads: int
    launches: int = 1


FULL = Size(20, 0.4, 1000, 5000, uploads.COUNT, launches=5)
QUICK = Size(3, 0.08, 100, 300, uploads.QUICK_COUNT)


@dataclass(frozen=True)
class Sample:
    """One moment of one server: µs by the clock and of its CPU, and how busy both cores were."""

    clock: float
    cpu: float
    server: float
    client: float


# -- one moment ------------------------------------------------------------------------------------


def sample(process: Running, workload: str, seconds: float) -> Sample:
    """Send requests to a server on new connections, each of which is checked first.

    Raises:
        WrongAnswer: An answer is not the workload's.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(process.address)) for _ in range(CONNECTIONS)]
        if workload == WEBSOCKET:
            request = frame(MESSAGE, masked=True)
            for each in opened:
                upgrade(each)
            expected, *_ = [check_echo(each) for each in opened]
        else:
            request = request_of(WORKLOADS[workload])
            expected, *_ = [check(each, WORKLOADS[workload]) for each in opened]
        load(opened, request, expected, WARM_UP, IN_FLIGHT[workload])
        before = process.cpu_seconds()
        counted = load(opened, request, expected, seconds, IN_FLIGHT[workload])
        cpu = process.cpu_seconds() - before
    return Sample(
        counted.seconds / counted.answers * 1e6,
        cpu / counted.answers * 1e6,
        cpu / counted.seconds,
        counted.client / counted.seconds,
    )


def cell_of(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the result of all rounds: µs by the clock, and the other figures."""
    return {
        **summarize([each.clock for each in samples]),
        "cpu": summarize([each.cpu for each in samples]),
        "server": round(statistics.median(each.server for each in samples), 3),
        "client": round(statistics.median(each.client for each in samples), 3),
    }


# -- the rounds ------------------------------------------------------------------------------------


def turns_of(pairs: Iterable[Pair], order: random.Random) -> list[Pair]:
    """Return the turns of one round: servers in random order, and each one's apps as well."""
    by_server: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_server.setdefault(pair[0], []).append(pair)
    groups = list(by_server.values())
    order.shuffle(groups)
    for group in groups:
        order.shuffle(group)
    return [pair for group in groups for pair in group]


@contextmanager
def started(
    pairs: Sequence[Pair], workload: str, core: int | None, say: Say
) -> Iterator[dict[Pair, Running]]:
    """Start servers; one that does not answer is skipped, with a line about it."""
    with ExitStack() as stack:
        processes = {}
        for server, app in pairs:
            try:
                process = running(SERVERS[server], f"{app}:{workload}", core)
                processes[server, app] = stack.enter_context(process)
            except NotServing as error:
                say(f"{SERVERS[server].title} with {APPS[app].title} is skipped. {error}")
        yield processes


def run_rounds(
    pairs: Sequence[Pair], workload: str, size: Size, order: random.Random, say: Say
) -> dict[Pair, dict[str, Any]]:
    """Measure servers with the apps behind them.

    Args:
        pairs: Names of servers and of whose app is behind them.
        workload: ``plaintext`` or ``websocket``.
        size: How many rounds, and how long each one's part is.
        order: Shuffles them.
        say: Is called with lines about the progress.

    Raises:
        WrongAnswer: A server sends a wrong response.
    """
    server_core, client_core = cores()
    samples: dict[Pair, list[Sample]] = {}
    done = 0
    for launch in range(size.launches):
        until = size.rounds * (launch + 1) // size.launches
        with started(pairs, workload, server_core, say) as processes, held_to(client_core):
            while done < until:
                turns = turns_of(processes, order)
                for pair in turns:
                    try:
                        found = sample(processes[pair], workload, size.seconds)
                    except WrongAnswer as error:
                        said = f"{' with '.join(pair)}: {error} It said: {processes[pair].said()}"
                        raise WrongAnswer(said) from error
                    samples.setdefault(pair, []).append(found)
                done += 1
                say(f"[{done}/{size.rounds}] {workload}, {len(turns)} servers with apps")
    return {pair: cell_of(samples[pair]) for pair in pairs if pair in samples}


def run_frames(rounds: int, order: random.Random, say: Say) -> dict[str, Any]:
    """Measure a text and its echo without a socket, on the server's core."""
    times: dict[str, list[float]] = {name: [] for name in FRAMES}
    with held_to(cores()[0]):
        for _ in range(rounds):
            turns = list(FRAMES)
            order.shuffle(turns)
            for name in turns:
                times[name].append(FRAMES[name](FRAMES_TIMED))
    medians = ", ".join(f"{name} {statistics.median(found):.3g}" for name, found in times.items())
    say(f"websocket, a text and its echo in memory: {medians} µs")
    return {name: summarize(found) for name, found in times.items()}


def run_idle(servers: Sequence[str], size: Size, say: Say) -> dict[str, Any]:
    """Measure idle connections, each server in a process of its own.

    Raises:
        WrongAnswer: A connection is refused or answered wrongly.
    """
    cells: dict[str, Any] = {}
    counts = {idle.KEEP_ALIVE: size.keep_alive, idle.WEBSOCKET: size.websockets}
    for number, server in enumerate(servers, 1):
        cells[server] = {}
        for workload, count in counts.items():
            try:
                cell = idle.measure(SERVERS[server], SUBJECT, workload, count, IDLE[server])
            except NotServing as error:
                say(str(error))
                continue
            cells[server][workload] = cell
            say(
                f"[{number}/{len(servers)}] {cell['connections']:,} idle, {workload}, on {server}:"
                f" {idle.per_connection(cell):.1f} KiB each"
                f"{'' if idle.is_returned(cell) else ', not all of it RETURNED'}"
            )
    return cells


# -- the whole -------------------------------------------------------------------------------------


def run(servers: Sequence[str], size: Size, seed: int, say: Say) -> dict[str, Any]:
    """Measure servers and return the result as it is written to a file.

    Args:
        servers: Names of servers; one that is not installed is skipped, with a line about it.
        size: How much to measure.
        seed: Of the order.
        say: Is called with lines about the progress.

    Raises:
        WrongAnswer: A server sends a wrong response.
    """
    idle.room(size.websockets)  # The servers inherit the limits of this process.
    found = [name for name in servers if is_installed(SERVERS[name], say)]
    pairs = [(name, app) for name in found for app in SERVERS[name].apps if has_app(app, say)]
    order, busy = random.Random(seed), load_average()
    cells = run_rounds(pairs, PLAINTEXT, size, order, say)
    sockets = [pair for pair in WEBSOCKETS if pair in pairs]
    echoes = run_rounds(sockets, WEBSOCKET, size, order, say)
    own = run_frames(size.rounds, order, say)
    uploading = [pair for pair in uploads.PAIRS if pair in pairs]
    uploaded = uploads.run_uploads(uploading, size.rounds, size.uploads, order, say)
    return {
        "kind": "servers",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(),
        "load": busy,
        "cores": cores(),
        "versions": {app: APPS[app].version() for _, app in pairs if APPS[app].distribution},
        "servers": {name: SERVERS[name].versions() for name in found},
        "connections": CONNECTIONS,
        "in_flight": IN_FLIGHT[WEBSOCKET],
        "rounds": size.rounds,
        "launches": size.launches,
        "round_seconds": size.seconds,
        "seed": seed,
        "times": {
            **_nested(cells, ""),
            **_nested(echoes, f" {WEBSOCKET}"),
            **_nested(uploaded, f" {uploads.UPLOAD}"),
        },
        "frames": own,
        "idle": run_idle([name for name in IDLE if name in found], size, say),
    }


def _nested(cells: Mapping[Pair, Any], behind: str) -> dict[str, dict[str, Any]]:
    nested: dict[str, dict[str, Any]] = {}
    for (server, app), cell in cells.items():
        nested.setdefault(server + behind, {})[app] = cell
    return nested


def is_installed(server: Server, say: Say) -> bool:
    """Return whether a server is installed; if not, say how to install it."""
    try:
        server.versions()
    except PackageNotFoundError as error:
        say(f"{server.title} is skipped: {error}. {_REMEDY}")
        return False
    return True


_REMEDY = "`pip install -r benchmarks/requirements.txt` installs all peers."


def has_app(name: str, say: Say) -> bool:
    """Return whether a framework is installed; if not, say how to install it."""
    try:
        APPS[name].version()
    except PackageNotFoundError as error:
        say(f"{APPS[name].title} is skipped: {error}. {_REMEDY}")
        return False
    return True
