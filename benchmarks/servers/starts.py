"""Starts each server, bound to one core, and reads what it used.

Each server is one process, without an access log, otherwise with its default settings.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

from .apps import VARIABLE

_ROOT = Path(__file__).parents[2]

START = 20.0  # seconds for a server to answer
END = 5.0  # seconds for a server to end


@dataclass(frozen=True)
class Server:
    """A server and its command line.

    Args:
        name: What ``--server`` calls it.
        title: Name in the table.
        distributions: The distributions whose versions are noted; the first one has to be there.
        command: Arguments of the interpreter; ``{app}`` and ``{port}`` are put in.
        apps: Which apps are measured behind it.
    """

    name: str
    title: str
    distributions: tuple[str, ...]
    command: tuple[str, ...]
    apps: tuple[str, ...]

    def arguments(self, port: int) -> list[str]:
        """Return the command line that serves at a port."""
        values = {"app": "benchmarks.servers.asgi:app", "port": port}
        return [sys.executable, *(part.format(**values) for part in self.command)]

    def versions(self) -> dict[str, str]:
        """Return the versions of what it consists of.

        Raises:
            PackageNotFoundError: A part of it is not installed.
        """
        return {name: metadata.version(name) for name in self.distributions}


_EMBEDDED = "-m benchmarks.servers.embedded {app} --port {port}"
_HYPERCORN = "-m hypercorn {app} --bind 127.0.0.1:{port} --log-level WARNING"
_UVICORN = "-m uvicorn {app} --port {port} --no-access-log --log-level warning"
_GRANIAN = (
    "-m granian {app} --port {port} --interface asgi --workers 1 --loop uvloop --log-level warning"
)
_FRAMEWORKS = ("asyncflask", "starlette", "quart", "raw")

SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server("embedded", "embedded", ("asyncflask",), tuple(_EMBEDDED.split()), _FRAMEWORKS),
        Server(
            "embedded-uvloop",
            "embedded, uvloop",
            ("asyncflask", "uvloop"),
            (*_EMBEDDED.split(), "--loop", "uvloop"),
            _FRAMEWORKS,
        ),
        Server("hypercorn", "hypercorn", ("hypercorn",), tuple(_HYPERCORN.split()), _FRAMEWORKS),
        Server(
            "uvicorn-h11",
            "uvicorn, h11",
            ("uvicorn", "h11", "wsproto"),
            (*_UVICORN.split(), "--http", "h11", "--loop", "asyncio", "--ws", "wsproto"),
            _FRAMEWORKS,
        ),
        Server(
            "uvicorn-httptools",
            "uvicorn, httptools + uvloop",
            ("uvicorn", "httptools", "uvloop", "websockets"),
            (*_UVICORN.split(), "--http", "httptools", "--loop", "uvloop", "--ws", "websockets"),
            (*_FRAMEWORKS, "blacksheep"),
        ),
        Server("granian", "granian", ("granian", "uvloop"), tuple(_GRANIAN.split()), _FRAMEWORKS),
    )
}


class NotServing(Exception):
    """A server did not answer; the message has its output."""


def cores() -> tuple[int | None, int | None]:
    """Return the core for the server and the one for the client; ``None`` if there is only one.

    They are the first and the last of those that this process may use.
    """
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[-1]) if len(usable) > 1 else (None, None)


@contextmanager
def held_to(core: int | None) -> Iterator[None]:
    """Bind this process, and those it starts meanwhile, to a core."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Running:
    """A server's processes, while they run.

    Args:
        server: The server.
        app: Which app, as :func:`.apps.make` takes it.
        core: The core it is bound to.
    """

    def __init__(self, server: Server, app: str, core: int | None) -> None:
        self.server = server
        self.port = _free_port()
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - end() closes it
        with held_to(core):
            self._process = subprocess.Popen(
                server.arguments(self.port),
                cwd=_ROOT,
                env=os.environ | {VARIABLE: app},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def address(self) -> tuple[str, int]:
        """The address at which it listens."""
        return "127.0.0.1", self.port

    def wait_until_ready(self, seconds: float = START) -> None:
        """Wait until it accepts connections.

        Raises:
            NotServing: It ended, or takes longer than ``seconds``.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(self.address) == 0:
                    return
            time.sleep(0.02)
        raise NotServing(f"{self.server.title} does not answer. It said: {self.said()}")

    def said(self) -> str:
        """Return the last line that it wrote to its output."""
        # Not by read(), which would move the place where the server goes on writing.
        written = os.pread(self._output.fileno(), 1 << 20, 0)
        lines = written.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "(nothing)"

    def processes(self) -> list[int]:
        """Return the ids of its processes: the one that was started, and all below it."""
        found = [self._process.pid]
        for pid in found:  # It grows while it is walked.
            found += _children(pid)
        return found

    def cpu_seconds(self) -> float:
        """Return the CPU time that its processes used so far, in seconds."""
        return sum(map(_cpu_seconds, self.processes()))

    def page_faults(self) -> int:
        """Return how many pages the system has mapped for its processes without reading a disk."""
        return sum(map(_page_faults, self.processes()))

    def resident(self) -> int:
        """Return the resident memory of its processes, in KiB."""
        return sum(map(_resident, self.processes()))

    def descriptors(self) -> int:
        """Return how many descriptors its processes have open."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.processes())

    def end(self) -> None:
        """Terminate it, and kill the processes that remain."""
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END)
        with suppress(ProcessLookupError):  # None is left.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._output.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def _cpu_seconds(pid: int) -> float:
    # The clock of another process's CPU time, in nanoseconds, as clock_getcpuclockid(3) makes it;
    # /proc/PID/stat counts in hundredths of a second.
    return time.clock_gettime((~pid << 3) | 2)


def _page_faults(pid: int) -> int:
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[7])  # minflt, see proc(5)


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@contextmanager
def running(server: Server, app: str, core: int | None = None) -> Iterator[Running]:
    """Start a server, wait until it answers, and end it afterwards.

    Raises:
        NotServing: It does not answer.
    """
    process = Running(server, app, core)
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.end()
