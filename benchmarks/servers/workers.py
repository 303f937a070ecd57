"""Servers with several workers: their throughput, and what clients notice of restarts.

``python -m benchmarks workers`` measures plaintext with 1 and 2 workers, and then restarts the
workers by SIGHUP, one restart after another, under a constant load. The processes are not bound to
cores; so the figures need a machine with as many free cores as workers, and one for the client.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ..measure import Say, load_average, machine
from ..report import table
from ..workloads import WORKLOADS
from .loads import Address, check, connect, load, request_of
from .starts import START, Running, Server, running

BEGIN = "<!-- workers: written by `python -m benchmarks workers`, do not edit -->"
END = "<!-- end of workers -->"

COUNTS = (1, 2)
APP = "asyncflask:plaintext"
WORKLOAD = WORKLOADS["plaintext"]
CONNECTIONS = 64
CLIENTS = 16  # of the restarts
SWITCH = 50  # requests after which a client of the restarts opens a new connection
RESTART = 60.0  # seconds in which all old workers have to end
REST = 0.5  # seconds between two restarts
CALM = 0.1  # the share of a core up to which all workers of a server count as started

_COMMANDS = {
    "asyncflask": "-m asyncflask --app {app} run --port {port} --workers %d",
    "uvicorn": "-m uvicorn {app} --port {port} --no-access-log --log-level warning --workers %d",
    "granian": "-m granian {app} --port {port} --interface asgi --log-level warning --workers %d",
}
NAMES = tuple(_COMMANDS)


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds and their seconds, and the number of restarts."""

    rounds: int
    seconds: float
    restarts: int


FULL = Size(10, 2.0, 20)
QUICK = Size(2, 0.5, 2)


def run(names: list[str], size: Size, seed: int, say: Say) -> dict[str, Any]:
    """Measure the servers.

    Args:
        names: Of :data:`NAMES`.
        size: How much.
        seed: Of the order.
        say: Prints progress.

    Returns:
        The result, for :func:`report` and for JSON.
    """
    result = {"date": f"{date.today()}", "machine": machine(), "load": load_average()}
    result["throughput"] = _throughputs(names, size, random.Random(seed), say)
    result["restarts"] = {}
    for name in names:
        say(f"{name}: {size.restarts} restarts under load")
        result["restarts"][name] = _restart(_server(name, COUNTS[-1]), size.restarts)
    return result


def _server(name: str, workers: int) -> Server:
    return Server(name, name, (name,), tuple((_COMMANDS[name] % workers).split()), ())


# -- throughput ------------------------------------------------------------------------------------


def _throughputs(
    names: list[str], size: Size, order: random.Random, say: Say
) -> dict[str, dict[str, list[float]]]:
    """Return requests per second by server and number of workers, one for each round."""
    found: dict[str, dict[str, list[float]]]
    found = {name: {str(count): [] for count in COUNTS} for name in names}
    turns = [(name, count) for name in names for count in COUNTS]
    for number in range(size.rounds):
        say(f"round {number + 1} of {size.rounds}")
        order.shuffle(turns)
        for name, count in turns:
            with running(_server(name, count), APP) as process:
                _settle(process)
                found[name][str(count)].append(_throughput(process.address, size.seconds))
    return found


def _settle(process: Running) -> None:
    """Wait until all workers have started: the port may listen before, and the start takes CPU."""
    with connect(process.address) as connection:
        check(connection, WORKLOAD)
    used, until = -1.0, time.monotonic() + START
    while process.cpu_seconds() - used > CALM * REST and time.monotonic() < until:
        used = process.cpu_seconds()
        time.sleep(REST)


def _throughput(address: Address, seconds: float) -> float:
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(address)) for _ in range(CONNECTIONS)]
        expected, *_ = [check(each, WORKLOAD) for each in opened]
        load(opened, request_of(WORKLOAD), expected, seconds / 4)
        counted = load(opened, request_of(WORKLOAD), expected, seconds)
    return counted.answers / counted.seconds


# -- restarts --------------------------------------------------------------------------------------


@dataclass
class Noticed:
    """What the clients of a server that is restarted have noticed."""

    milliseconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        """Return the numbers of answers and failures, and the quantiles of the times."""
        times = sorted(self.milliseconds)
        return {
            "answers": len(times),
            "failures": dict(self.failures),
            "p50": statistics.median(times),
            "p99": times[len(times) * 99 // 100],
            "most": times[-1],
        }


def _restart(server: Server, restarts: int) -> dict[str, Any]:
    with running(server, APP) as process:
        _settle(process)
        with loaded(process.address) as noticed:
            time.sleep(REST)
            took = [_restart_once(process) for _ in range(restarts)]
    return {**noticed.summary(), "restarts": restarts, "seconds": statistics.median(took)}


def _restart_once(process: Running) -> float:
    """Restart the workers; return the seconds until none of the old ones is left."""
    first, *old = process.processes()
    began = time.monotonic()
    os.kill(first, signal.SIGHUP)
    while set(process.processes()) & _workers(old):
        if time.monotonic() - began > RESTART:
            raise TimeoutError(f"{process.server.title} still has old workers: {process.said()}")
        time.sleep(0.05)
    took = time.monotonic() - began
    time.sleep(REST)
    return took


def _workers(pids: list[int]) -> set[int]:
    """Leave out the helper process of ``multiprocessing``, which is not replaced."""
    return {pid for pid in pids if b"resource_tracker" not in _command_line(pid)}


def _command_line(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""  # It has ended.


@contextmanager
def loaded(address: Address, clients: int = CLIENTS) -> Iterator[Noticed]:
    """Let clients ask meanwhile, each over one connection as long as the server keeps it.

    Args:
        address: The server's.
        clients: How many.
    """
    noticed, ended = Noticed(), threading.Event()

    async def ask_all() -> None:
        await asyncio.gather(*(_ask(address, noticed, ended) for _ in range(clients)))

    thread = threading.Thread(target=asyncio.run, args=[ask_all()])
    thread.start()
    try:
        yield noticed
    finally:
        ended.set()
        thread.join()


async def _ask(address: Address, noticed: Noticed, ended: threading.Event) -> None:
    request = request_of(WORKLOAD)
    while not ended.is_set():
        began = time.perf_counter()
        writer = None
        try:
            reader, writer = await asyncio.open_connection(*address)
            for _ in range(SWITCH):
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                noticed.milliseconds.append((time.perf_counter() - began) * 1000)
                if b"connection: close" in head.lower():
                    break
                began = time.perf_counter()
        except (OSError, EOFError) as error:
            noticed.failures[type(error).__name__] += 1
            await asyncio.sleep(0.01)
        finally:
            if writer is not None:
                writer.close()


def _length(head: bytes) -> int:
    fields: Mapping[bytes, bytes] = dict(
        line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line
    )
    return int(fields[b"content-length"])


# -- the report ------------------------------------------------------------------------------------


def report(result: Mapping[str, Any]) -> str:
    """Make the tables of a result."""
    about = result["machine"]
    origin = (
        f"{result['date']}, {about['processor']} ({about['cores']} cores, {about['system']},"
        f" load {result['load']} at the start)"
    )
    rates = [
        [name, *(f"{statistics.median(found[str(count)]):,.0f}" for count in COUNTS)]
        for name, found in result["throughput"].items()
    ]
    restarts = [
        [
            name,
            *(f"{found[key]:,}" for key in ("restarts", "answers")),
            f"{sum(found['failures'].values()):,}",
            *(f"{found[key]:.1f}" for key in ("p50", "p99", "most", "seconds")),
        ]
        for name, found in result["restarts"].items()
    ]
    heads = ["restarts", "answers", "failed", "p50 ms", "p99 ms", "longest ms", "s a restart"]
    return "\n\n".join(
        [
            origin,
            table(["requests/s, plaintext", *(f"workers: {count}" for count in COUNTS)], rates),
            table(["2 workers under load", *heads], restarts),
        ]
    )


def plot(result: Mapping[str, Any], path: Path) -> None:
    """Draw the throughput with each number of workers, and what clients noticed of restarts.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from ..plot import drawing, save

    pyplot = drawing()
    names = list(result["throughput"])
    figure, (rates, restarts) = pyplot.subplots(1, 2, figsize=(11, 3), layout="constrained")
    height = 0.8 / len(COUNTS)
    for place, count in enumerate(COUNTS):
        values = [statistics.median(result["throughput"][name][str(count)]) for name in names]
        rows = [row + place * height for row in range(len(names))]
        bars = rates.barh(rows, values, height=height, label=f"workers: {count}")
        rates.bar_label(bars, [f"{value:,.0f}" for value in values], padding=3, fontsize=8)
    rates.set_title("requests/s, plaintext", fontsize=10)
    rates.legend(fontsize=8)
    failed = [sum(result["restarts"][name]["failures"].values()) for name in names]
    bars = restarts.barh(range(len(names)), failed)
    restarts.bar_label(bars, [f"{value:,}" for value in failed], padding=3, fontsize=8)
    count = max(result["restarts"][name]["restarts"] for name in names)
    restarts.set_title(f"requests that failed in {count} restarts under load", fontsize=10)
    for axes in (rates, restarts):
        axes.margins(x=0.18)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)
