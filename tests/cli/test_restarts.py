"""Worker processes are replaced: when they die, at SIGHUP, and after some requests.

The tests share a command for each server. Each test leaves two workers that serve; a command that
has ended is started again for the next test.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.clients import is_alive, loaded, page, pids, wait_until_dead
from tests.conftest import Program, StartProgram, programs

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

pytestmark = pytest.mark.timeout(180)

APP = """
import os
from pathlib import Path
from asyncflask import Flask
from asyncflask.channels import Channels


def make(name):
    app = Flask(__name__)
    channels = Channels(app)

    @app.before_serving
    async def begin():
        if Path(__file__).with_name("broken").exists():
            raise LookupError("no database")

    @app.get("/")
    async def index():
        return str(os.getpid())

    @app.get("/name")
    async def show_name():
        return "the app " + name

    @app.get("/news")
    async def publish():
        return str(await channels.publish("news", "hello"))

    return app
"""


class Command:
    """``asyncflask run`` with two workers, which load the app from a factory with arguments."""

    def __init__(self, start: StartProgram, server: str, folder: Path) -> None:
        self.file = folder / "shop.py"
        self.file.write_text(APP)
        self.broken = folder / "broken"
        app = f"{self.file}:make('second')"
        self.program: Program = start(
            "-m", "asyncflask", "--app", app, "run", "--port", "0", "--server", server,
            "--workers", "2",
        )  # fmt: skip
        self.url = self.program.url()
        self._marks = 0

    def output(self) -> str:
        """Return what it has written, up to now, since the last call."""
        self._marks += 1
        mark = f"/name?{self._marks} "
        page(self.url + mark.rstrip())
        lines = [self.program.output.line()]
        while lines[-1] and mark not in lines[-1]:
            lines.append(self.program.output.line())
        assert lines[-1], lines
        return "".join(lines)


Serve = Callable[[str], Command]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Return the command that runs with this server: ``serve("hypercorn")``."""
    running: dict[str, Command] = {}

    def serve(server: str) -> Command:
        command = running.get(server)
        if command is None or command.program.process.poll() is not None:
            running[server] = Command(start, server, tmp_path_factory.mktemp(server))
        return running[server]

    with programs() as start:
        yield serve


@pytest.mark.parametrize("server", ["embedded", "hypercorn"])
def test_several_workers_serve_one_port(serve: Serve, server: str) -> None:
    """Each loads the app itself, also from a factory with arguments."""
    command = serve(server)

    assert len(pids(command.url, 2)) == 2
    assert page(command.url + "/name") == "the app second"


def test_channels_in_memory_warn_that_workers_do_not_share_them(serve: Serve) -> None:
    command = serve("embedded")
    command.output()

    page(command.url + "/news")

    assert "CHANNELS_URL is memory://, and this is one of 2 workers" in command.output()


@pytest.mark.parametrize("server", ["embedded", "hypercorn"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_dies_is_replaced(serve: Serve, server: str, number: int) -> None:
    command = serve(server)
    before = pids(command.url, 2)
    dead = before.pop()

    os.kill(dead, number)
    how = "was killed by SIGKILL" if number == signal.SIGKILL else "ended with status"
    command.program.output.until(f"Worker {dead} {how}")
    wait_until_dead([dead])
    after = pids(command.url, 2)

    assert dead not in after
    assert after - before


def test_a_replacement_that_does_not_start_is_tried_again(serve: Serve) -> None:
    command = serve("embedded")
    before = pids(command.url, 2)
    command.broken.touch()

    os.kill(min(before), signal.SIGKILL)
    command.program.output.until("did not start; another one is started in")
    assert int(page(command.url)) == max(before)
    command.broken.unlink()
    assert pids(command.url, 2) >= {max(before)}


def test_no_request_fails_while_sighup_replaces_the_workers(serve: Serve) -> None:
    """A new worker serves before an old one is ended, and the old one answers what it has."""
    command = serve("embedded")
    workers = pids(command.url, 2)
    command.output()

    with loaded(command.url) as load:
        for _ in range(2):
            command.program.send_signal(signal.SIGHUP)
            replaced, workers = workers, load.wait_for_new_pids(set(load.pids) | workers, 2)
            wait_until_dead(replaced)

    assert load.failures == []
    assert "Traceback" not in command.output()


def test_no_request_fails_when_a_worker_has_answered_its_requests(
    start_program: StartProgram, write: Callable[[str, str], Path]
) -> None:
    write("shop.py", APP)

    program = start_program(
        "-m", "asyncflask", "--app", "shop:make('second')", "run", "--port", "0",
        "--max-requests", "30",
    )  # fmt: skip
    with loaded(program.url()) as load:
        load.wait_for_new_pids(set(), 3)
    program.send_signal(signal.SIGTERM)
    program.wait()

    assert load.failures == []
    assert program.returncode == 0


@pytest.mark.parametrize("server", ["embedded", "hypercorn"])
def test_the_other_code_is_served_after_sighup(serve: Serve, server: str) -> None:
    command = serve(server)
    workers = pids(command.url, 2)
    command.output()

    command.file.write_text(APP.replace('"the app " + name', "'changed'"))
    command.program.send_signal_to_group(signal.SIGHUP)  # as a terminal sends it
    wait_until_dead(workers)
    text = page(command.url + "/name")
    command.file.write_text(APP)

    assert text == "changed"
    assert "Traceback" not in command.output()


def test_the_old_workers_go_on_if_the_new_ones_do_not_start(serve: Serve) -> None:
    command = serve("embedded")
    workers = pids(command.url, 2)

    command.broken.touch()
    command.program.send_signal(signal.SIGHUP)
    command.program.output.until("The restart is given up; the other workers go on.")
    assert pids(command.url, 2) == workers
    command.broken.unlink()
    command.program.send_signal(signal.SIGHUP)
    wait_until_dead(workers)
    assert not pids(command.url, 2) & workers


@pytest.mark.parametrize("server", ["embedded", "hypercorn"])
def test_all_workers_end_at_a_signal_in_the_middle_of_a_restart(serve: Serve, server: str) -> None:
    command = serve(server)
    workers = pids(command.url, 2)
    command.output()

    command.program.send_signal(signal.SIGHUP)
    command.program.send_signal(signal.SIGTERM)
    output = command.program.wait()  # to its end: all that may write to it have ended

    assert command.program.returncode == 0
    assert "Traceback" not in output
    assert not any(map(is_alive, workers))
