"""Fixtures for all tests: ``start_program`` starts programs in processes of their own.

After each test, the receivers that it connected to signals are disconnected.
"""

from __future__ import annotations

import gc
import logging
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest
from blinker import Signal

from asyncflask import signals

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # tests.compat runs its checks in environments that have other packages
    pass
else:
    # Hypothesis measures time by the clock, and other processes run at the same time.
    settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("tests")

PROJECT = Path(__file__).parents[1]
PATIENCE = 30.0  # seconds
ENVIRONMENT = {
    "PYTHONPATH": str(PROJECT),
    "PYTHONUNBUFFERED": "1",
    # Bytecode is matched to its source by size and whole seconds: a file that a test changes twice
    # within a second would be taken for the same.
    "PYTHONDONTWRITEBYTECODE": "1",
}


def run_python(folder: Path, hidden: str, *args: str, **environ: str) -> str:
    """Run Python in a process and a folder of its own, and return its output.

    Variables whose names contain ``hidden`` are not inherited.
    """
    inherited = {name: value for name, value in os.environ.items() if hidden not in name}
    done = subprocess.run(
        [sys.executable, *args],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(PROJECT), **environ},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


#: The files that take longest, in this order: they begin first, so that no process of `make test`
#: is left with one of them at the end.
LONGEST = (
    *("examples/test_tutorial.py", "port/test_app.py", "cli/test_workers.py"),
    *("examples/test_pages.py", "cli/test_restarts.py", "channels/test_faults.py"),
    *("protocol/test_rfc6455.py", "cli/test_serve.py", "flask/test_install.py"),
    *("typing/test_users.py", "examples/test_services_docs.py", "examples/test_monitor_docs.py"),
    *("examples/test_how_to_docs.py", "channels/test_contract.py", "quart/test_cli.py"),
    *("templating/test_awaitables.py", "wire/test_servers.py", "flask/test_cli.py"),
)
# Collecting makes objects that stay: looking for garbage among them takes a quarter of the time.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    places = {PROJECT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """Exempt the collected tests from garbage collection, which some tests run: 0.3 s each time."""
    gc.enable()
    gc.collect()
    gc.freeze()


class Output:
    """The lines that a program writes to a pipe; a thread reads them, so waiting can time out."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._seen: list[str] = []
        self._is_closed = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with self._pipe:
            for line in self._pipe:
                self._lines.put(line)
        self._lines.put(None)

    def line(self, timeout: float = PATIENCE) -> str:
        """Return the next line, or ``""`` when the program has closed the pipe."""
        if self._is_closed:
            return ""
        try:
            line = self._lines.get(timeout=max(0, timeout))
        except queue.Empty:
            raise AssertionError(f"It wrote no other line in time; so far: {self._seen}") from None
        if line is None:
            self._is_closed = True
            return ""
        self._seen.append(line)
        return line

    def until(self, pattern: str) -> re.Match[str]:
        """Read up to the first line that matches ``pattern``."""
        end = time.monotonic() + PATIENCE
        while line := self.line(end - time.monotonic()):
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"It ended without a line for {pattern!r}; it wrote: {self._seen}")

    def rest(self, timeout: float = PATIENCE) -> str:
        """Wait until the pipe is closed; return the lines that were not read before."""
        end = time.monotonic() + timeout
        return "".join(iter(lambda: self.line(end - time.monotonic()), ""))


class Program:
    """A running Python program, in a process group of its own.

    Attributes:
        process: For its ``pid``, its ``returncode`` and its signals.
        output: Standard output, and standard error unless that is separate.
        errors: Standard error, if the test asked for it.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.output = Output(process.stdout)
        self.errors = Output(process.stderr) if process.stderr is not None else None

    def url(self) -> str:
        """Wait until the command line prints the app's address."""
        return self.output.until(r"Running on (\S+)")[1]

    def send_signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        self.process.send_signal(number)

    def send_signal_to_group(self, number: int) -> None:
        """Send a signal to the process and its children, as a terminal does at Ctrl+C."""
        os.killpg(self.process.pid, number)

    def wait(self, timeout: float = PATIENCE) -> str:
        """Wait for its end; return the output that was not read before."""
        rest = self.output.rest(timeout)
        self.process.wait(timeout)
        return rest

    @property
    def returncode(self) -> int | None:
        """The exit status, once :meth:`wait` has returned; negative after a signal."""
        return self.process.returncode

    def kill(self) -> None:
        """End the process and its children at once."""
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                self.process.kill()
            else:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


StartProgram = Callable[..., Program]


@contextmanager
def programs() -> Iterator[StartProgram]:
    """Return what starts programs; all are killed at the end of the block."""
    started: list[Program] = []

    def start(*arguments: str, errors: bool = False) -> Program:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if errors else subprocess.STDOUT,
            text=True,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
        )
        started.append(Program(process))
        return started[-1]

    try:
        yield start
    finally:
        for program in started:
            program.kill()


@pytest.fixture
def start_program() -> Iterator[StartProgram]:
    """Start programs: ``start_program("-m", "asyncflask", "run")``; all are killed with the test.

    With ``errors=True`` standard error is not mixed into ``output``, but read as ``errors``.
    """
    with programs() as start:
        yield start


def _disabled_loggers() -> set[logging.Logger]:
    loggers = logging.root.manager.loggerDict.values()
    return {each for each in loggers if isinstance(each, logging.Logger) and each.disabled}


@pytest.fixture(autouse=True)
def enable_loggers() -> Iterator[None]:
    """Enable the loggers that a test has disabled: apps of one name share one."""
    before = _disabled_loggers()
    yield
    for logger in _disabled_loggers() - before:
        logger.disabled = False


@pytest.fixture(autouse=True)
def disconnect_receivers() -> Iterator[None]:
    """Disconnect what a test has connected: with a receiver, apps take another way to the view."""
    every = [value for value in vars(signals).values() if isinstance(value, Signal)]
    before = {each: set(each.receivers) for each in every}
    yield
    for each in every:
        for key in set(each.receivers) - before[each]:
            receiver = each.receivers[key]
            each.disconnect(receiver() if isinstance(receiver, weakref.ref) else receiver)
