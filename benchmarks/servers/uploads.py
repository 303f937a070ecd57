"""Uploads of 1 MiB over loopback: CPU time per upload, and page faults.

One connection uploads repeatedly; the result is the server's CPU time. The page faults show why
the in-process suite gives each peer a process of its own: memory that an app allocates and frees
for each upload is mapped again each time.
"""

from __future__ import annotations

import random
import socket
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from ..apps import SUBJECT
from ..client import WrongAnswer
from ..measure import Say, summarize
from ..workloads import WORKLOADS
from .loads import Expected, check, connect, request_of
from .starts import SERVERS, NotServing, Running, cores, held_to, running

UPLOAD = "multipart"
#: uploads of a server in one round
COUNT = 30
QUICK_COUNT = 3

Pair = tuple[str, str]

PAIRS: tuple[Pair, ...] = (
    ("embedded", SUBJECT),
    *(("uvicorn-httptools", app) for app in (SUBJECT, "starlette", "blacksheep", "quart", "raw")),
)


def run_uploads(
    pairs: Sequence[Pair], rounds: int, count: int, order: random.Random, say: Say
) -> dict[Pair, dict[str, Any]]:
    """Measure uploads to servers with the apps behind them.

    Args:
        pairs: Names of servers and of whose app is behind them.
        rounds: How many rounds.
        count: Uploads of each in a round.
        order: Shuffles them.
        say: Is called with lines about the progress.

    Returns:
        For each pair the microseconds of an upload, by the clock and of CPU, and its page faults.

    Raises:
        WrongAnswer: A server sends a wrong response.
    """
    server_core, client_core = cores()
    looks: dict[Pair, list[tuple[float, ...]]] = {}
    with ExitStack() as stack:
        stack.enter_context(held_to(client_core))
        opened = {}
        for pair in pairs:
            try:
                process = running(SERVERS[pair[0]], f"{pair[1]}:{UPLOAD}", server_core)
                found = stack.enter_context(process)
            except NotServing as error:
                say(f"{' with '.join(pair)} is skipped. {error}")
                continue
            connection = stack.enter_context(connect(found.address))
            opened[pair] = found, connection, check(connection, WORKLOADS[UPLOAD])
            upload(connection, opened[pair][2], count)  # To warm up.
            looks[pair] = []
        for _ in range(rounds):
            turns = list(opened)
            order.shuffle(turns)
            for pair in turns:
                looks[pair].append(_look(*opened[pair], count))
    cells = {pair: _cell(found) for pair, found in looks.items()}
    medians = ", ".join(f"{'+'.join(pair)} {cell['median']:.0f}" for pair, cell in cells.items())
    say(f"uploads of 1 MiB: {medians} µs")
    return cells


def upload(connection: socket.socket, expected: Expected, count: int) -> None:
    """Upload so many times, one after the other.

    Raises:
        WrongAnswer: A response differs from the first.
    """
    request = request_of(WORKLOADS[UPLOAD])
    for _ in range(count):
        connection.sendall(request)
        answer = b""
        while len(answer) < expected.length:
            data = connection.recv(expected.length - len(answer))
            if not data:
                raise WrongAnswer("A server closed a connection while it was timed.")
            answer += data
        expected.count(answer)


def _look(
    process: Running, connection: socket.socket, expected: Expected, count: int
) -> tuple[float, ...]:
    """Return the cost of an upload: microseconds by the clock and of CPU, and page faults."""
    faults, cpu, began = process.page_faults(), process.cpu_seconds(), time.perf_counter()
    upload(connection, expected, count)
    clock = time.perf_counter() - began
    micros = [seconds / count * 1e6 for seconds in (clock, process.cpu_seconds() - cpu)]
    return *micros, (process.page_faults() - faults) / count


def _cell(looks: Sequence[tuple[float, ...]]) -> dict[str, Any]:
    clock, cpu, faults = zip(*looks, strict=True)
    return {
        **summarize(clock),
        "cpu": summarize(cpu),
        "faults": round(statistics.median(faults), 1),
    }


def row_of(cell: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the cells of an upload: both times in microseconds, and page faults."""
    return f"{cell['median']:,.0f}", f"{cell['cpu']['median']:,.0f}", f"{cell['faults']:,.0f}"
