"""Requests that wait at the same time behind the embedded server, each on a connection of its own.

The server is a process bound to one core, the client to another. Each connection makes a short
request first; then all of them send a request that waits.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from ..servers.idle import room
from ..servers.loads import connect
from ..servers.starts import Running, Server, cores, held_to, running
from .apps import KINDS, SECONDS

EMBEDDED = Server(
    "embedded",
    "embedded",
    ("asyncflask",),
    ("-m", "benchmarks.servers.embedded", "benchmarks.waiters.asgi:app", "--port", "{port}"),
    (),
)

#: seconds after which a request counts as not answered
PATIENCE = 60.0
#: short requests at once: they need few threads, and the first connection is not idle for long
GROUP = 20
_SIZE = 64 * 1024


def measure(name: str, requests: int) -> dict[str, Any]:
    """Measure one kind.

    Args:
        name: A key of :data:`KINDS`.
        requests: Number of connections, if there are descriptors for so many.

    Returns:
        Seconds, most threads, KiB of memory for each, and how many were answered with 200.

    Raises:
        NotServing: The server does not start.
    """
    requests = room(min(requests, KINDS[name].most))
    server_core, client_core = cores()
    with running(EMBEDDED, name, server_core) as server, held_to(client_core), ExitStack() as stack:
        connections = [stack.enter_context(connect(server.address)) for _ in range(requests)]
        for at in range(0, requests, GROUP):
            _ask(connections[at : at + GROUP], "/ready")
            _answered(connections[at : at + GROUP])
        before = server.resident()
        began = time.monotonic()
        _ask(connections, "/")
        # When half of the wait is over, all of them wait.
        time.sleep(max(0.0, began + SECONDS / 2 - time.monotonic()))
        during, threads = server.resident(), _threads(server)
        answered = _answered(connections)
        seconds = time.monotonic() - began
        threads = max(threads, _threads(server))
    return {
        "seconds": seconds,
        "threads": threads,
        "kib": (during - before) / requests,
        "requests": requests,
        "answered": answered,
    }


def _ask(connections: Sequence[socket.socket], path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    for connection in connections:
        connection.sendall(request)


def _answered(connections: Sequence[socket.socket]) -> int:
    """Read a response on each connection, and return how many are a 200 with its whole body."""
    until, count = time.monotonic() + PATIENCE, 0
    received = {connection.fileno(): b"" for connection in connections}
    with select.epoll() as poll:
        for descriptor in received:
            poll.register(descriptor, select.EPOLLIN)
        while received and (left := until - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left):
                data = os.read(descriptor, _SIZE)
                received[descriptor] += data
                head, found, body = received[descriptor].partition(b"\r\n\r\n")
                if data and not (found and body):
                    continue
                count += head.startswith(b"HTTP/1.1 200 ") and body == b"x"
                poll.unregister(descriptor)
                del received[descriptor]
    return count


def _threads(server: Running) -> int:
    return sum(len(os.listdir(f"/proc/{pid}/task")) for pid in server.processes())
