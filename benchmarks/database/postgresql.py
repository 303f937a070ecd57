"""Starts a PostgreSQL in a temporary folder on a free port, and ends it.

It is bound to a core by the caller. It does not wait for the disk: that would be measured instead.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START = 30.0  # seconds
_DEBIAN = Path("/usr/lib/postgresql")
_OPTIONS = ("fsync=off", "synchronous_commit=off", "listen_addresses=127.0.0.1")
CONNECTIONS = 300


def find(name: str) -> str:
    """Return the path of one of PostgreSQL's programs; Debian's are not in ``PATH``.

    Raises:
        FileNotFoundError: It is not installed.
    """
    places = [*sorted(map(str, _DEBIAN.glob("*/bin")), reverse=True), os.environ.get("PATH", "")]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise FileNotFoundError(
            f"PostgreSQL's program {name!r} is not there. Install it: Debian's package is"
            " `postgresql`."
        )
    return found


def version() -> str:
    """Return PostgreSQL's version.

    Raises:
        FileNotFoundError: It is not installed.
    """
    told = subprocess.run([find("postgres"), "--version"], capture_output=True, check=True)
    return told.stdout.decode().split()[2]


@contextmanager
def running() -> Iterator[str]:
    """Start it, and end it afterwards; gives the URL of an empty database.

    Raises:
        FileNotFoundError: It is not installed.
        TimeoutError: It does not answer.
    """
    initdb, postgres = find("initdb"), find("postgres")
    # It refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="asyncflask-database-") as folder:
        os.chmod(folder, 0o777)
        data = f"{folder}/data"
        make = [initdb, "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]
        subprocess.run(
            make, check=True, stdout=subprocess.DEVNULL, user=user, group=user, cwd=folder
        )
        port = _free_port()
        options = [part for option in _OPTIONS for part in ("-c", option)]
        where = ["-D", data, "-k", folder, "-p", str(port), "-N", str(CONNECTIONS)]
        process = subprocess.Popen(
            [postgres, *where, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            group=user,
        )
        try:
            _wait(process, port)
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # It does not wait for its clients.
            process.wait(START)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    ask = [find("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        if subprocess.run(ask, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise TimeoutError(f"PostgreSQL does not answer at port {port}.")
