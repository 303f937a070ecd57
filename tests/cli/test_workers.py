"""Worker processes: replaced when they die, an exit status when the app does not start."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from asyncflask.cli.workers import Worker, Workers
from tests.conftest import StartProgram

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

Write = Callable[[str, str], Path]

APP = """
import os
from asyncflask import Flask

app = Flask("shop")


@app.before_serving
async def begin():
    if os.path.exists("broken"):
        raise LookupError("no database")


@app.get("/")
async def index():
    return str(os.getpid())
"""


@pytest.fixture
def run(start_program: StartProgram) -> StartProgram:
    """Start ``asyncflask run`` with hypercorn and these arguments."""
    return partial(start_program, "-m", "asyncflask", "run", "--port", "0", "--server", "hypercorn")


def pid(url: str) -> int:
    with urlopen(url, timeout=5) as response:
        return int(response.read())


def pids(url: str, count: int) -> set[int]:
    """Ask until so many processes have answered."""
    found: set[int] = set()
    until = time.monotonic() + 30
    while len(found) < count:
        assert time.monotonic() < until, found
        with suppress(URLError, ConnectionError):
            found.add(pid(url))
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_dies_is_replaced(run: StartProgram, write: Write, number: int) -> None:
    write("app.py", APP)

    program = run("--workers", "2")
    url = program.url()
    before = pids(url, 2)
    dead = before.pop()
    os.kill(dead, number)
    until = time.monotonic() + 30
    while not (after := pids(url, 2) - {dead}) - before:
        assert time.monotonic() < until
    assert dead not in after
    program.send_signal(signal.SIGTERM)
    output = program.wait()

    assert program.returncode == 0
    assert f"Worker {dead} ended with status" in output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_app_that_does_not_start_is_an_exit_status(
    run: StartProgram, write: Write, tmp_path: Path, workers: str
) -> None:
    write("app.py", APP)
    write("broken", "")

    program = run("--workers", workers)
    output = program.wait()

    assert program.returncode == 1
    assert "no database" in output
    assert "Running on" not in output


STARTS_FOR_EVER = """
import asyncio, time
from asyncflask import Flask

app = Flask("shop")


@app.before_serving
async def begin():
    # One write: of two workers, one may write between a print's text and its line end.
    print("begun\\n", end="", flush=True)
    await %s
"""
IGNORES = """ignore()

async def ignore():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
"""


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    "waits_for", ["asyncio.sleep(60)", "asyncio.to_thread(time.sleep, 60)", IGNORES]
)
def test_an_app_that_is_still_starting_ends_at_a_signal(
    run: StartProgram, write: Write, workers: str, waits_for: str
) -> None:
    write("app.py", STARTS_FOR_EVER % waits_for)

    program = run("--workers", workers)
    for _ in range(int(workers)):
        program.output.until("^begun$")
    program.send_signal(signal.SIGTERM)
    output = program.wait()

    assert program.returncode == 0
    assert "Traceback" not in output


def test_an_app_that_only_the_workers_cannot_import_is_an_exit_status(
    run: StartProgram, write: Write
) -> None:
    write("app.py", "import sys\nif len(sys.argv) == 4: raise LookupError('worker')\n" + APP)

    program = run("--workers", "2")
    output = program.wait()

    assert program.returncode == 1
    assert "LookupError: worker" in output
    assert "Error: The app does not start: its worker ended with status 1." in output


def test_a_replacement_that_does_not_start_is_tried_again(
    run: StartProgram, write: Write, tmp_path: Path
) -> None:
    write("app.py", APP)

    program = run("--workers", "2")
    url = program.url()
    before = pids(url, 2)
    broken = write("broken", "")
    os.kill(min(before), signal.SIGKILL)
    program.output.until("did not start; another one is started in")
    assert pid(url) == max(before)
    broken.unlink()
    assert pids(url, 2) >= {max(before)}


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_address_is_printed_once_and_a_signal_ends_all(
    run: StartProgram, write: Write, workers: str, number: int
) -> None:
    write("app.py", APP)

    program = run("--workers", workers)
    url = program.url()
    found = pids(url, int(workers))
    program.send_signal_to_group(number)
    output = program.wait()

    assert program.returncode == 0
    assert "Running on" not in output
    assert url not in output
    assert "Traceback" not in output
    for each in found:
        with pytest.raises(ProcessLookupError):
            os.kill(each, 0)


def test_nothing_but_the_address_and_the_log_is_printed(run: StartProgram, write: Write) -> None:
    write("app.py", APP)

    program = run("--workers", "2")
    lines = [program.output.line()]
    while lines[-1] and "Running on" not in lines[-1]:
        lines.append(program.output.line())

    assert [line for line in lines if not line.startswith(" * ")] == []


def test_workers_end_with_the_process_that_started_them(run: StartProgram, write: Write) -> None:
    write("app.py", APP)

    program = run("--workers", "2")
    url = program.url()
    found = pids(url, 2)
    program.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while any(map(is_alive, found)):
        assert time.monotonic() < until
        time.sleep(0.1)


def is_alive(number: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_a_worker_that_does_not_end_is_killed() -> None:
    script = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.write(int(sys.argv[1]), b'1')\n"
        "time.sleep(60)\n"
    )
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker([sys.executable, "-c", script], []))
        return started[0]

    workers = Workers(
        start,
        1,
        say=print,
        ready=lambda: os.kill(os.getpid(), signal.SIGTERM),
        patience=0.2,
    )

    assert workers.run() == 0
    assert started[0].process.returncode == -signal.SIGKILL
