"""Worker processes: what they print, their end, and the command's exit status."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from asyncflask.cli.workers import Worker, Workers
from tests.cli.clients import loaded, pids, wait_until, wait_until_dead
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

SLOW = """
import asyncio, os
from asyncflask import Flask

app = Flask("shop")


@app.get("/")
async def index():
    return str(os.getpid())


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


@pytest.mark.parametrize(
    ("server", "processes"),
    [
        ("hypercorn", []),
        ("embedded", ["--max-requests", "9"]),
        ("hypercorn", ["--max-requests", "9"]),
    ],
)
def test_an_app_that_does_not_start_is_an_exit_status(
    run: StartProgram, write: Write, server: str, processes: list[str]
) -> None:
    """The app is in the same process, or in a worker; for the embedded server see test_serve.py."""
    write("app.py", APP)
    write("broken", "")

    program = run("--server", server, *processes)
    output = program.wait()

    assert program.returncode == 1
    assert output.count("Traceback") == 1  # that of the app's log
    assert re.search(r"^Error: .*startup.*no database", output, re.MULTILINE)
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


@pytest.mark.parametrize(
    ("waits_for", "processes"),
    [
        ("asyncio.sleep(60)", []),
        ("asyncio.to_thread(time.sleep, 60)", []),
        (IGNORES, []),
        ("asyncio.sleep(60)", ["--workers", "2"]),
        ("asyncio.to_thread(time.sleep, 60)", ["--max-requests", "9"]),
        (IGNORES, ["--max-requests", "9"]),
    ],
)
def test_an_app_that_is_still_starting_ends_at_a_signal(
    run: StartProgram, write: Write, waits_for: str, processes: list[str]
) -> None:
    """The app is in the same process, in each of two workers, or in the only one."""
    write("app.py", STARTS_FOR_EVER % waits_for)

    program = run(*processes)
    for _ in range(2 if "--workers" in processes else 1):
        program.output.until("^begun$")
    program.send_signal(signal.SIGTERM)
    output = program.wait()

    assert program.returncode == 0
    assert "Traceback" not in output


def test_an_app_that_only_the_workers_cannot_import_is_an_exit_status(
    run: StartProgram, write: Write
) -> None:
    write("app.py", "import sys\nif len(sys.argv) == 4: raise LookupError('worker')\n" + APP)

    program = run("--max-requests", "9")  # which takes one worker
    output = program.wait()

    assert program.returncode == 1
    assert "LookupError: worker" in output
    assert "Error: The app does not start: its worker ended with status 1." in output


@pytest.mark.parametrize(
    ("server", "number"),
    [
        ("embedded", signal.SIGTERM),
        ("embedded", signal.SIGINT),
        ("hypercorn", signal.SIGINT),
    ],
)
def test_a_signal_ends_all_processes_and_cuts_off_no_request(
    run: StartProgram, write: Write, server: str, number: int
) -> None:
    """A terminal sends SIGINT to all of them, and systemd SIGTERM. The address is printed once."""
    write("app.py", SLOW)

    program = run("--workers", "2", "--server", server)
    url = program.url()
    found = pids(url, 2)
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.request("GET", "/slow")
        assert program.output.until("slow begins")
        program.send_signal_to_group(number)

        assert connection.getresponse().read() == b"answered"
    output = program.wait()

    assert program.returncode == 0
    assert "Running on" not in output
    assert url not in output
    assert "Traceback" not in output
    for each in found:
        with pytest.raises(ProcessLookupError):
            os.kill(each, 0)


def test_a_second_signal_ends_workers_that_still_answer(run: StartProgram, write: Write) -> None:
    write("app.py", SLOW.replace("sleep(0.5)", "sleep(60)"))

    program = run("--max-requests", "9")  # which takes one worker
    with closing(HTTPConnection(urlsplit(program.url()).netloc, timeout=10)) as connection:
        connection.request("GET", "/slow")
        assert program.output.until("slow begins")
        program.send_signal_to_group(signal.SIGINT)
        time.sleep(0.5)
        program.send_signal_to_group(signal.SIGINT)

        with pytest.raises((HTTPException, ConnectionError)):
            connection.getresponse()
    program.wait(5)


@pytest.mark.parametrize("server", ["embedded", "hypercorn"])
def test_a_connection_is_refused_while_workers_answer_the_last_requests(
    run: StartProgram, write: Write, server: str
) -> None:
    write("app.py", SLOW.replace("sleep(0.5)", "sleep(2)"))

    program = run("--workers", "2", "--server", server)
    address = urlsplit(program.url())
    with closing(HTTPConnection(address.netloc, timeout=10)) as connection:
        connection.request("GET", "/slow")
        assert program.output.until("slow begins")
        program.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(address.hostname, address.port))

        assert not select.select([connection.sock], [], [], 0)[0]
        assert connection.getresponse().read() == b"answered"
    program.wait()


def is_refused(host: str | None, port: int | None) -> bool:
    try:
        socket.create_connection((str(host), port or 0)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_nothing_but_the_address_and_one_access_log_is_printed(
    run: StartProgram, write: Write
) -> None:
    write("app.py", APP)

    program = run("--workers", "2")
    before = [program.output.line()]
    while before[-1] and "Running on" not in before[-1]:
        before.append(program.output.line())
    with loaded(before[-1].split()[3]) as load:
        load.wait_for_new_pids(set(), 2)
    program.send_signal(signal.SIGTERM)
    lines = program.wait().splitlines()

    assert [line for line in before if not line.startswith(" * ")] == []
    assert len(load.pids) == 2
    assert all(line.startswith("127.0.0.1 - - [") and " 200 " in line for line in lines), lines


def test_workers_end_with_the_process_that_started_them(run: StartProgram, write: Write) -> None:
    write("app.py", APP)

    program = run("--workers", "2")
    url = program.url()
    found = pids(url, 2)
    program.send_signal(signal.SIGKILL)
    wait_until_dead(found)


@pytest.mark.parametrize("server", ["embedded", "hypercorn"])
def test_workers_are_replaced_although_their_output_is_not_read(write: Write, server: str) -> None:
    """The program that keeps the log may end before."""
    write("app.py", APP)
    command = [sys.executable, "-m", "asyncflask", "--app", "app", "run", "--port", "0"]
    with subprocess.Popen(
        [*command, "--workers", "2", "--server", server],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = next(line.split()[3] for line in process.stdout if "Running on" in line)
            first = pids(url, 2)
            process.stdout.close()
            os.kill(min(first), signal.SIGKILL)
            wait_until_dead([min(first)])

            assert len(pids(url, 2) - {min(first)}) == 2
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_workers_go_on_while_no_process_can_be_started(number: signal.Signals) -> None:
    """A new environment is being put into the place of the old one, for example."""
    script = "import os, sys, time; os.write(int(sys.argv[1]), b'1'); time.sleep(60)"
    started: list[Worker] = []
    said: list[str] = []
    descriptors = os.listdir("/dev/fd")

    def has_failed() -> bool:
        return any("No such file or directory: '/no/python'" in line for line in said)

    def start() -> Worker:
        if has_failed():
            os.kill(os.getpid(), signal.SIGTERM)
        command = [sys.executable, "-c", script]
        started.append(Worker(command if has_failed() or len(started) < 2 else ["/no/python"], []))
        return started[-1]

    def interrupt() -> None:
        wait_until(lambda: len(started) == 2 and all(each.is_ready for each in started))
        if number == signal.SIGKILL:
            started[0].process.kill()
        else:
            os.kill(os.getpid(), number)
            wait_until(has_failed)
            os.kill(os.getpid(), signal.SIGTERM)

    def ready() -> None:
        threading.Thread(target=interrupt).start()

    workers = Workers(
        start, 2, say=said.append, ready=ready, stop_listening=lambda: None, patience=10
    )

    assert workers.run() == 0
    assert has_failed()
    assert started[1].process.returncode == -signal.SIGTERM
    assert len(os.listdir("/dev/fd")) == len(descriptors)


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
        stop_listening=lambda: None,
        patience=0.2,
    )

    assert workers.run() == 0
    assert started[0].process.returncode == -signal.SIGKILL


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
        start,
        1,
        say=print,
        ready=lambda: os.kill(os.getpid(), signal.SIGHUP),
        stop_listening=lambda: None,
        patience=0.2,
    )

    assert workers.run() == 0
    assert [each.process.returncode for each in started] == [-signal.SIGKILL, -signal.SIGTERM]


@pytest.mark.parametrize("delay", [0.0, 0.5], ids=["already serves", "is still starting"])
def test_a_worker_that_is_killed_at_its_start_does_not_end_one_that(delay: float) -> None:
    serves = f"import os, sys, time; time.sleep({delay}); os.write(int(sys.argv[1]), b'1')"
    begun, says = os.pipe()
    scripts = [
        f"import os; os.read({begun}, 1); os.abort()",
        f"import os; os.write({says}, b'.'); {serves}; time.sleep(60)",
        f"{serves}; time.sleep(60)",
    ]
    started: list[Worker] = []
    said: list[str] = []

    def start() -> Worker:
        started.append(Worker([sys.executable, "-c", scripts[len(started)]], [begun, says]))
        if len(started) == len(scripts):
            os.kill(os.getpid(), signal.SIGTERM)
        return started[-1]

    workers = Workers(
        start, 2, say=said.append, ready=print, stop_listening=lambda: None, patience=10
    )

    assert workers.run() == 0
    os.close(begun)
    os.close(says)
    text = r"Worker \d+ was killed by SIGABRT; another one is started in 0.5 s."
    assert re.fullmatch(text, *said)


SPEAKS = """
from asyncflask import Flask
from asyncflask.channels import Channels

app = Flask("shop")
channels = Channels(app)


@app.get("/")
async def index():
    return await channels.publish("news", "hello")
"""


def test_one_worker_is_replaced_at_sighup(run: StartProgram, write: Write) -> None:
    """A service manager reloads it so: it would be dead otherwise."""
    write("app.py", APP)

    program = run("--workers", "1")
    url = program.url()
    first = pids(url, 1)
    program.send_signal(signal.SIGHUP)
    wait_until_dead(first)

    assert not pids(url, 1) & first
    program.send_signal(signal.SIGTERM)
    program.wait()
    assert program.returncode == 0


@pytest.mark.parametrize("options", [["--debug"], ["--reload"], ["--cert", "adhoc"]])
def test_one_worker_is_this_process_where_others_cannot_be(
    run: StartProgram, write: Write, options: list[str]
) -> None:
    write("app.py", APP)

    program = run("--workers", "1", *options)
    program.url()
    program.send_signal(signal.SIGTERM)

    assert "Error" not in program.wait()


def test_channels_in_memory_do_not_warn_in_one_process(run: StartProgram, write: Write) -> None:
    write("app.py", SPEAKS)

    program = run("--workers", "1")
    with urlopen(program.url(), timeout=5) as response:
        assert response.status == 200
    program.send_signal(signal.SIGTERM)

    assert "CHANNELS_URL" not in program.wait()


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
