"""Worker processes: replaced when they die and at SIGHUP, and the command's exit status."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from asyncflask.cli.workers import Worker, Workers
from tests.conftest import Program, StartProgram

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

SLOW = """
import asyncio
from asyncflask import Flask

app = Flask("shop")


@app.get("/slow")
async def slow():
    print("slow begins", flush=True)
    await asyncio.sleep(0.5)
    return "answered"
"""


@pytest.fixture
def run(start_program: StartProgram) -> StartProgram:
    """Start ``asyncflask run`` with these arguments."""
    return partial(start_program, "-m", "asyncflask", "run", "--port", "0")


@pytest.fixture(params=["embedded", "hypercorn"])
def run_each(run: StartProgram, request: pytest.FixtureRequest) -> StartProgram:
    """Start it with each of its servers."""
    return partial(run, "--server", request.param)


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
def test_a_worker_that_dies_is_replaced(run_each: StartProgram, write: Write, number: int) -> None:
    write("app.py", APP)

    program = run_each("--workers", "2")
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
    run_each: StartProgram, write: Write, tmp_path: Path, workers: str
) -> None:
    write("app.py", APP)
    write("broken", "")

    program = run_each("--workers", workers)
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


@pytest.mark.parametrize(
    ("server", "number"), [("embedded", signal.SIGTERM), ("hypercorn", signal.SIGINT)]
)
def test_a_signal_to_all_processes_cuts_off_no_request(
    run: StartProgram, write: Write, server: str, number: int
) -> None:
    """A terminal sends SIGINT to all of them, and systemd SIGTERM."""
    write("app.py", SLOW)

    program = run("--workers", "2", "--server", server)
    url = program.url()
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.request("GET", "/slow")
        assert program.output.until("slow begins")
        program.send_signal_to_group(number)

        assert connection.getresponse().read() == b"answered"
    program.wait()
    assert program.returncode == 0


def test_a_second_signal_ends_workers_that_still_answer(run: StartProgram, write: Write) -> None:
    write("app.py", SLOW.replace("sleep(0.5)", "sleep(60)"))

    program = run("--workers", "2")
    with closing(HTTPConnection(urlsplit(program.url()).netloc, timeout=10)) as connection:
        connection.request("GET", "/slow")
        assert program.output.until("slow begins")
        program.send_signal_to_group(signal.SIGINT)
        time.sleep(0.5)
        program.send_signal_to_group(signal.SIGINT)

        with pytest.raises((HTTPException, ConnectionError)):
            connection.getresponse()
    program.wait(5)


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
    except (FileNotFoundError, ProcessLookupError):  # It ended before, or during, the read.
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


# -- restarts --------------------------------------------------------------------------------------


class Load:
    """Clients that ask without a pause, over connections that they keep for some requests."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url).netloc
        self.pids: set[int] = set()
        self.failures: list[Exception] = []
        self.ended = threading.Event()

    def ask(self) -> None:
        connection, asked = HTTPConnection(self.address, timeout=20), 0
        while not self.ended.is_set():
            try:
                connection.request("GET", "/")
                self.pids.add(int(connection.getresponse().read()))
                asked += 1
                if asked % 20 == 0:
                    connection.close()  # The next one may be accepted by another worker.
            except (OSError, HTTPException, ValueError) as error:
                self.failures.append(error)
                connection.close()
        connection.close()


@contextmanager
def loaded(url: str) -> Iterator[Load]:
    load = Load(url)
    clients = [threading.Thread(target=load.ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        yield load
    finally:
        load.ended.set()
        for client in clients:
            client.join()


def wait_for_new_pids(load: Load, before: set[int], count: int) -> set[int]:
    until = time.monotonic() + 60
    while len(load.pids - before) < count:
        assert time.monotonic() < until, load.failures
        time.sleep(0.05)
    return load.pids - before


def wait_until_dead(numbers: set[int]) -> None:
    until = time.monotonic() + 60
    while any(map(is_alive, numbers)):
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.timeout(180)
def test_no_request_fails_while_sighup_replaces_the_workers(
    run: StartProgram, write: Write
) -> None:
    """A new worker serves before an old one is ended, and the old one answers what it has."""
    write("app.py", APP)

    program = run("--workers", "2")
    url = program.url()
    workers = pids(url, 2)
    with loaded(url) as load:
        for _ in range(2):
            before = set(load.pids) | workers
            program.send_signal(signal.SIGHUP)
            workers, replaced = wait_for_new_pids(load, before, 2), workers
            wait_until_dead(replaced)

    assert load.failures == []
    assert "Traceback" not in end(program)
    assert program.returncode == 0


def end(program: Program) -> str:
    program.send_signal(signal.SIGTERM)
    return program.wait()


@pytest.mark.timeout(180)
def test_no_request_fails_when_a_worker_has_answered_its_requests(
    run: StartProgram, write: Write
) -> None:
    write("app.py", APP)

    program = run("--max-requests", "30")
    url = program.url()
    with loaded(url) as load:
        wait_for_new_pids(load, set(), 3)

    assert load.failures == []
    end(program)
    assert program.returncode == 0


@pytest.mark.parametrize("server", ["embedded", "hypercorn"])
def test_the_other_code_is_served_after_sighup(
    run: StartProgram, write: Write, server: str
) -> None:
    write("app.py", APP)

    program = run("--workers", "2", "--server", server)
    url = program.url()
    workers = pids(url, 2)
    write("app.py", APP.replace("str(os.getpid())", "'changed'"))
    program.send_signal_to_group(signal.SIGHUP)  # as a terminal sends it
    wait_until_dead(workers)
    with urlopen(url, timeout=5) as response:
        assert response.read() == b"changed"
    assert "Traceback" not in end(program)


def test_the_old_workers_go_on_if_the_new_ones_do_not_start(
    run: StartProgram, write: Write, tmp_path: Path
) -> None:
    write("app.py", APP)

    program = run("--workers", "2")
    url = program.url()
    workers = pids(url, 2)
    broken = write("broken", "")
    program.send_signal(signal.SIGHUP)
    program.output.until("The restart is given up; the other workers go on.")
    assert pids(url, 2) == workers
    broken.unlink()
    program.send_signal(signal.SIGHUP)
    wait_until_dead(workers)
    assert not pids(url, 2) & workers


def test_all_workers_end_at_a_signal_in_the_middle_of_a_restart(
    run: StartProgram, write: Write
) -> None:
    write("app.py", APP)

    program = run("--workers", "2")
    workers = pids(program.url(), 2)
    program.send_signal(signal.SIGHUP)
    program.send_signal(signal.SIGTERM)
    output = program.wait()  # to the end of the output: all that may write to it have ended

    assert program.returncode == 0
    assert "Traceback" not in output
    assert not any(map(is_alive, workers))


def test_the_access_log_of_all_workers_is_one(run: StartProgram, write: Write) -> None:
    write("app.py", APP)

    program = run("--workers", "2")
    url = program.url()
    with loaded(url) as load:
        wait_for_new_pids(load, set(), 2)
    lines = end(program).splitlines()

    assert len(load.pids) == 2
    assert all(line.startswith("127.0.0.1 - - [") and " 200 " in line for line in lines), lines


def test_a_worker_that_was_replaced_and_does_not_end_is_killed() -> None:
    script = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.write(int(sys.argv[1]), b'1')\n"
        "time.sleep(60)\n"
    )
    started: list[Worker] = []

    def start() -> Worker:
        if started:
            script_of_successor = script.replace("SIG_IGN", "SIG_DFL")
            started.append(Worker([sys.executable, "-c", script_of_successor], []))
            threading.Thread(target=end_after_the_first).start()
        else:
            started.append(Worker([sys.executable, "-c", script], []))
        return started[-1]

    def end_after_the_first() -> None:
        started[0].process.wait()
        os.kill(os.getpid(), signal.SIGTERM)

    workers = Workers(
        start, 1, say=print, ready=lambda: os.kill(os.getpid(), signal.SIGHUP), patience=0.2
    )

    assert workers.run() == 0
    assert [each.process.returncode for each in started] == [-signal.SIGKILL, -signal.SIGTERM]


SPEAKS = """
from asyncflask import Flask
from asyncflask.channels import Channels

app = Flask("shop")
channels = Channels(app)


@app.get("/")
async def index():
    return await channels.publish("news", "hello")
"""


@pytest.mark.parametrize(("workers", "warned"), [("1", False), ("2", True)])
def test_channels_in_memory_warn_that_workers_do_not_share_them(
    run: StartProgram, write: Write, workers: str, warned: bool
) -> None:
    write("app.py", SPEAKS)

    program = run("--workers", workers)
    with urlopen(program.url(), timeout=5) as response:
        assert response.status == 200
    program.send_signal(signal.SIGTERM)

    assert ("CHANNELS_URL is memory://, and this is one of 2 workers" in program.wait()) is warned


AS_ON_WINDOWS = """
import sys
import hypercorn.run
from asyncflask.cli import main

if __name__ == "__main__":  # The processes import this file, as multiprocessing's "spawn" does.
    here, run = sys.platform, hypercorn.run.run

    def run_here(config):
        sys.platform = here  # multiprocessing has none of Windows' calls.
        return run(config)

    hypercorn.run.run = run_here
    sys.platform = "win32"
    main()
"""


def test_hypercorn_looks_after_the_workers_where_descriptors_are_not_inherited(
    start_program: StartProgram, write: Write
) -> None:
    write("app.py", APP)
    write("as_on_windows.py", AS_ON_WINDOWS)

    program = start_program(
        "as_on_windows.py", "run", "--port", "0", "--server", "hypercorn", "--workers", "2"
    )
    assert len(pids(program.url(), 2)) == 2
    program.send_signal(signal.SIGTERM)
    program.wait()

    assert program.returncode == 0
