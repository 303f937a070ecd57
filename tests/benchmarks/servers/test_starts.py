"""Servers are started, queried and ended; one that does not start says why."""

from __future__ import annotations

import os
import sys
import time

import pytest

from benchmarks.servers import starts
from benchmarks.servers.loads import check, connect
from benchmarks.workloads import WORKLOADS

PLAINTEXT = WORKLOADS["plaintext"]


def are_gone(pids):
    """Tell whether processes have ended, within a second."""
    for _ in range(100):
        if not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("name", ["embedded", "hypercorn"])
def test_a_server_answers_uses_time_and_memory_and_is_gone_afterwards(name):
    with starts.running(starts.SERVERS[name], "raw:plaintext") as process:
        with connect(process.address) as connection:
            before = process.cpu_seconds()
            for _ in range(50):
                check(connection, PLAINTEXT)
            used, resident = process.cpu_seconds() - before, process.resident()
            pids = process.processes()

    assert 0 < used < 5
    assert 10_000 < resident < 500_000
    assert are_gone(pids)


def test_a_server_is_held_to_its_core():
    core = min(os.sched_getaffinity(0))

    with starts.running(starts.SERVERS["embedded"], "raw:plaintext", core) as process:
        found = [os.sched_getaffinity(pid) for pid in process.processes()]

    assert found == [{core}]


def test_a_server_that_ends_at_once_is_quoted():
    broken = starts.Server("x", "X", (), ("-c", "raise SystemExit('no luck')"), ())

    with pytest.raises(starts.NotServing, match=r"X does not answer\. It said: no luck"):
        with starts.running(broken, "raw:plaintext"):
            pass


def test_a_server_that_does_not_listen_is_not_waited_for_forever(monkeypatch):
    idle = starts.Server("x", "X", (), ("-c", "import time; time.sleep(60)"), ())
    process = starts.Running(idle, "raw:plaintext", None)

    try:
        with pytest.raises(starts.NotServing, match=r"\(nothing\)"):
            process.wait_until_ready(0.1)
    finally:
        process.end()


def test_a_server_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(starts, "END", 0.2)
    code = (
        "import signal, socket, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "listener = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
    )
    stubborn = starts.Server("x", "X", (), ("-c", code), ())

    with starts.running(stubborn, "raw:plaintext") as process:
        pid = process.processes()[0]

    assert are_gone([pid])


def test_cores_are_two_or_none(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 1, 2})
    several = starts.cores()
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1})

    assert several == (1, 3)
    assert starts.cores() == (None, None)


def test_this_process_gets_its_cores_back():
    before = os.sched_getaffinity(0)

    with starts.held_to(min(before)):
        during = os.sched_getaffinity(0)

    assert during == {min(before)}
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize("server", starts.SERVERS.values(), ids=lambda server: server.name)
def test_each_server_has_a_command_line_of_the_same_interpreter(server):
    arguments = server.arguments(8123)

    assert arguments[:2] == [sys.executable, "-m"]
    assert any("8123" in part for part in arguments)
    assert "benchmarks.servers.asgi:app" in arguments
