"""Measures the memory of idle connections, and whether it is released when they are closed.

The connections are opened, kept and closed several times. Each makes one request (or has one text
echoed) first, so that it is idle and not merely new. Resident memory consists of pages that other
objects may use, so not all of it returns to the system. Three conditions count: Python has no more
memory blocks than before, all descriptors are closed, and the last time needs no more than the one
before. (The first times change the heap.)
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..client import WrongAnswer
from ..memory import TOLERANCE, TOLERATED_BLOCKS
from ..workloads import WORKLOADS
from .apps import HELD
from .loads import ask, check, check_echo, connect, upgrade
from .starts import Running, Server, running

KEEP_ALIVE, WEBSOCKET = "plaintext", "websocket"

WARM_UP = 100  # connections that are opened and closed first
LEAVE = 10.0  # seconds for a server to notice that all are closed
SPARE = 200  # descriptors other than those of the connections


def is_returned(cell: Mapping[str, Any]) -> bool:
    """Return whether a measurement shows that closed connections leave nothing behind."""
    empty, full = cell["empty"], cell["full"]
    grown = full[-1]["resident"] - full[-2]["resident"] if len(full) > 1 else 0
    return bool(
        empty[-1]["descriptors"] <= empty[0]["descriptors"]
        and empty[-1]["blocks"] - empty[0]["blocks"] <= TOLERATED_BLOCKS
        and grown <= TOLERANCE + full[-1]["resident"] // 100
    )


def per_connection(cell: Mapping[str, Any]) -> float:
    """Return the KiB of resident memory that one connection takes."""
    taken = cell["full"][0]["resident"] - cell["empty"][0]["resident"]
    return float(taken / cell["connections"])


def room(connections: int) -> int:
    """Raise the limit of descriptors, and return how many connections there is room for."""
    import resource  # Only on POSIX, and the report of a measurement is written on Windows as well.

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < connections + SPARE:
        soft = min(hard, connections + SPARE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(connections, soft - SPARE)


def measure(
    server: Server, peer: str, workload: str, connections: int, times: int
) -> dict[str, Any]:
    """Open connections, keep them idle, and close them.

    Args:
        server: The server.
        peer: Whose app is behind it.
        workload: ``plaintext`` for keep-alive connections, or ``websocket``.
        connections: How many, if there are descriptors for so many.
        times: How often.

    Returns:
        How many connections there were, and what was held with them (``full``) and without
        (``empty``, once before and once after each time).

    Raises:
        WrongAnswer: A connection is refused or answered wrongly.
        NotServing: The server does not start.
    """
    connections = room(connections)
    with running(server, f"{peer}:{workload}:held") as process:
        open_one = _open_websocket if workload == WEBSOCKET else _open_keep_alive
        idle = _idle_descriptors(process)
        # Other addresses each time, because ports of closed connections are not free at once.
        _leave(_come(process, open_one, WARM_UP, "127.0.0.2"), process, idle)
        full, empty = [], [_look(process, idle)]
        for number in range(times):
            opened = _come(process, open_one, connections, f"127.0.0.{3 + number}")
            full.append(_look(process, idle + connections))
            _leave(opened, process, idle)
            empty.append(_look(process, idle))
    return {"connections": connections, "full": full, "empty": empty}


def _idle_descriptors(process: Running) -> int:
    """Return how many descriptors a server has without any connection."""
    _ask_held(process)  # The connection that checked its start is accepted before this one.
    looks = []
    for _ in range(10):
        time.sleep(0.02)
        looks.append(process.descriptors())
    return min(looks)


def _open_keep_alive(connection: socket.socket) -> None:
    check(connection, WORKLOADS[KEEP_ALIVE])


def _open_websocket(connection: socket.socket) -> None:
    upgrade(connection)
    check_echo(connection)


def _come(
    process: Running, open_one: Callable[[socket.socket], None], count: int, source: str
) -> list[socket.socket]:
    opened: list[socket.socket] = []
    for _ in range(count):
        connection = connect(process.address, source)
        opened.append(connection)
        open_one(connection)
    return opened


def _leave(opened: list[socket.socket], process: Running, idle: int) -> None:
    for connection in opened:
        connection.close()
    _settle(process, idle)


def _settle(process: Running, descriptors: int) -> None:
    """Wait until a server has closed the connections that the client closed."""
    until = time.monotonic() + LEAVE
    while process.descriptors() > descriptors and time.monotonic() < until:
        time.sleep(0.02)


def _look(process: Running, descriptors: int) -> dict[str, int]:
    """Return the memory of the app's process, from the app and from the system."""
    blocks = _ask_held(process)["blocks"]
    _settle(process, descriptors)
    return {
        "resident": process.resident(),
        "blocks": blocks,
        "descriptors": process.descriptors(),
    }


def _ask_held(process: Running) -> dict[str, int]:
    with connect(process.address) as connection:
        answer, _ = ask(connection, f"GET {HELD} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    if answer.status != 200:
        raise WrongAnswer(f"{HELD} is answered with {answer.status}.")
    held: dict[str, int] = json.loads(answer.body)
    return held
