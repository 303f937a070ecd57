"""A small result in the form that the benchmarks write, and servers that misbehave."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress

import pytest

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # Cores, CPU time and memory are read from Linux's /proc.


def cell(clock, cpu=None, server=1.0):
    def spread(value):
        return {"median": value, "low": value * 0.99, "high": value * 1.01, "rounds": []}

    return {**spread(clock), "cpu": spread(cpu or clock), "server": server, "client": 0.25}


def look(resident=40_000, blocks=1000, descriptors=7):
    return {"resident": resident, "blocks": blocks, "descriptors": descriptors}


def idle_cell(connections=1000, empty=None, full=None):
    full = full or [look(42_000, 9000, 1007)] * 2
    return {"connections": connections, "empty": empty or [look()] * 3, "full": full}


def make_result(times, idle=None, frames=None):
    return {
        "kind": "servers",
        "date": "2030-01-01",
        "python": "CPython 3.11.7",
        "machine": {"processor": "Some", "cores": 2, "system": "Linux x86_64"},
        "load": 0.1,
        "cores": [0, 1],
        "versions": {"asyncflask": "1.0", "quart": "1.0"},
        "servers": {"embedded": {"asyncflask": "1.0"}, "hypercorn": {"hypercorn": "2.0"}},
        "connections": 64,
        "in_flight": 4,
        "rounds": 5,
        "round_seconds": 0.4,
        "seed": 1,
        "times": times,
        "frames": frames or {"wsproto": cell(10.0)},
        "idle": idle or {},
    }


@pytest.fixture
def listening():
    """A function that answers connections in a thread, by a function of the bytes read."""
    listeners, threads = [], []

    def start(answer):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve(connection):
            # A client that has gone resets the connection, or breaks the pipe under sendall().
            with connection, suppress(ConnectionError):
                while data := connection.recv(65536):
                    parts = answer(data)
                    if parts is None:
                        return
                    for part in parts:
                        connection.sendall(part)

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                thread = threading.Thread(target=serve, args=(connection,), daemon=True)
                threads.append(thread)
                thread.start()

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[-1].start()
        return listener.getsockname()

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5)
