"""The engines' servers, on free ports of 127.0.0.1 with temporary folders, and apps on them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from asyncflask import Flask
from asyncflask.channels import Channels

#: Seconds in which a server has to answer.
START = 30


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def find(*names: str) -> str:
    """Return a program's path; skip the test if there is none, but fail in CI."""
    debian = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    places = [*debian, os.environ["PATH"], "/usr/sbin"]
    for name in names:
        found = shutil.which(name, path=os.pathsep.join(places))
        if found:
            return found
    reason = f"no {' or '.join(names)} is installed"
    if os.environ.get("ASYNCFLASK_CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Server:
    """A server that the tests start, stop, kill and start again on the same port."""

    def __init__(
        self,
        command: list[str],
        port: int,
        url: str,
        user: str | None = None,
        is_ready: Sequence[str] = (),
    ) -> None:
        self.url = url
        self._is_ready = is_ready
        self._user = user
        self._command = command
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until its port answers."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user if os.geteuid() == 0 else None,
            group=self._user if os.geteuid() == 0 else None,
        )
        ends = time.monotonic() + START
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                if self._is_ready:
                    subprocess.run(self._is_ready, check=True, stdout=subprocess.DEVNULL)
                return
            except (OSError, subprocess.CalledProcessError):
                assert self._process.poll() is None, f"{self._command} has ended"
                assert time.monotonic() < ends, f"{self._command} does not answer"
                time.sleep(0.02)

    def send(self, number: int) -> None:
        """Send a signal to it and to the processes that it started (PostgreSQL has many)."""
        assert self._process is not None
        pid = self._process.pid
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, started)):
            with suppress(ProcessLookupError):
                os.kill(one, number)

    def hang(self) -> None:
        """Stop all its processes, which keep their connections; wait until they have stopped."""
        self.send(signal.SIGSTOP)
        assert self._process is not None
        state = Path(f"/proc/{self._process.pid}/stat")
        while state.read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.01)

    def go_on(self) -> None:
        """Let it go on after :meth:`hang`."""
        self.send(signal.SIGCONT)

    def stop(self) -> None:
        """End it as an administrator does, and wait."""
        assert self._process is not None
        # PostgreSQL's "fast" shutdown: it does not wait for its clients.
        self._process.send_signal(signal.SIGINT if self._user else signal.SIGTERM)
        self._process.wait(START)

    def kill(self) -> None:
        """End it at once, also if it hangs."""
        assert self._process is not None
        with suppress(FileNotFoundError):
            self.send(signal.SIGKILL)
        self._process.wait(START)


def redis(folder: Path) -> Server:
    """Return a Redis or Valkey that keeps nothing on disk."""
    port = free_port()
    program = find("redis-server", "valkey-server")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    return Server([program, *options], port, f"redis://127.0.0.1:{port}/0")


def postgresql(folder: Path) -> Server:
    """Return a PostgreSQL with an empty database."""
    port = free_port()
    folder.chmod(0o777)
    initdb, postgres = find("initdb"), find("postgres")
    # PostgreSQL does not run as root.
    user = "postgres" if os.geteuid() == 0 else None
    data = folder / "data"
    subprocess.run(
        [initdb, "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        user=user,
        group=user,
        cwd=folder,
    )
    command = [postgres, "-D", str(data), "-p", str(port), "-k", str(folder)]
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    is_ready = [find("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return Server([*command, *options], port, url, "postgres", is_ready)


def nats(folder: Path) -> Server:
    """Return a NATS server with JetStream."""
    port = free_port()
    options = ["-js", "-a", "127.0.0.1", "-p", str(port), "-sd", str(folder)]
    return Server([find("nats-server"), *options], port, f"nats://127.0.0.1:{port}")


class NoServer(Server):
    """``memory://`` needs none."""

    def __init__(self) -> None:
        super().__init__([], 0, "memory://")

    def start(self) -> None:
        """Do nothing."""

    def kill(self) -> None:
        """Do nothing."""


SERVERS = {"memory": lambda _: NoServer(), "redis": redis, "postgresql": postgresql, "nats": nats}


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Server]]:
    """Return a function that starts an engine's server, once for all tests, by its name."""
    folders: list[tempfile.TemporaryDirectory[str]] = []
    started: dict[str, Server] = {}

    def start(name: str) -> Server:
        if name not in started:
            folders.append(tempfile.TemporaryDirectory(prefix=f"asyncflask-{name}-"))
            started[name] = SERVERS[name](Path(folders[-1].name))
            started[name].start()
        return started[name]

    yield start
    for server in started.values():
        server.kill()
    for folder in folders:
        folder.cleanup()


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """Each engine's server in turn."""
    return servers(request.param)


@pytest.fixture(params=[name for name in SERVERS if name != "memory"])
def own_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each engine's server in turn, started for one test, which may do with it what it likes."""
    with tempfile.TemporaryDirectory(prefix="asyncflask-own-") as folder:
        server = SERVERS[request.param](Path(folder))
        server.start()
        yield server
        server.kill()


@pytest.fixture
def channels() -> Channels:
    """The extension, without an app."""
    return Channels()


@pytest.fixture
def make_app(
    channels: Channels, server: Server, request: pytest.FixtureRequest
) -> Callable[..., Flask]:
    """Return a function that makes an app, as each worker does; their channels are a test's own."""

    def make(**config: object) -> Flask:
        app = Flask("workers")
        prefix = f"t{abs(hash(request.node.nodeid)):x}"
        app.config.update(CHANNELS_URL=server.url, CHANNELS_PREFIX=prefix, **config)
        channels.init_app(app)
        return app

    return make
