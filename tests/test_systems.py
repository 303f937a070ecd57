"""The package on a system without POSIX's calls: it can be imported, and it serves.

A child process imports everything that the package needs, takes away what Windows does not have,
and says that it is Windows. Then it imports the package again.
"""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

WITHOUT_POSIX = """
import asyncio, functools, importlib, os, pkgutil, signal, socket, sys, time

import asyncflask, pytest_asyncflask

def modules(package):
    yield package.__name__
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        # A program would run when it is imported; templates are no modules.
        if not found.name.endswith("__main__") and ".template" not in found.name:
            yield found.name

names = [*modules(asyncflask), *modules(pytest_asyncflask)]
for name in names:
    importlib.import_module(name)
for name in [name for name in sys.modules if name.partition(".")[0] in
             ("asyncflask", "pytest_asyncflask")]:
    del sys.modules[name]

# asyncio's own loop on this system needs a pair of unix sockets.
socket.socketpair = functools.partial(socket.socketpair, socket.AF_UNIX)
MISSING = {
    os: "fork forkpty getuid geteuid getgid getegid getpgid setsid setuid killpg mkfifo nice wait3"
    " wait4 register_at_fork sysconf getloadavg chown lchown"
    " set_blocking get_blocking sendfile pread pwrite O_NONBLOCK O_CLOEXEC O_NOFOLLOW",
    signal: "SIGHUP SIGKILL SIGUSR1 SIGUSR2 SIGCHLD SIGPIPE SIGALRM SIGQUIT SIGSTOP SIGCONT alarm"
    " setitimer pause pthread_kill pthread_sigmask sigwait sigtimedwait",
    socket: "AF_UNIX SO_REUSEPORT send_fds recv_fds MSG_NOSIGNAL MSG_DONTWAIT",
    time: "tzset pthread_getcpuclockid",
}
for module, attributes in MISSING.items():
    for attribute in attributes.split():
        if hasattr(module, attribute):
            delattr(module, attribute)
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog", "readline"):
    sys.modules[name] = None
sys.platform = "win32"

for name in names:
    importlib.import_module(name)
print(len(names))
"""

SERVES = """
import http.client, threading
from asyncflask import Flask
from asyncflask.flask import Flask as Facade
from asyncflask.server import Config, listen, run

def get(listener):
    try:
        client = http.client.HTTPConnection(*listener.getsockname(), timeout=30)
        client.request("GET", "/")
        print(client.getresponse().read().decode())
        client.close()
    finally:
        signal.raise_signal(signal.SIGTERM)

for kind in (Flask, Facade):
    app = kind("app")

    @app.route("/")
    def index():
        return "served by a thread"

    with listen("127.0.0.1", 0) as listener:
        ready = lambda: threading.Thread(target=get, args=(listener,)).start()
        run(app, [listener], Config(), ready=ready)
"""

UNIX = """
try:
    listen("unix:app.sock", 0)
except Exception as error:
    print(f"{type(error).__name__}: {error}")
"""


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What the child process prints: the imports alone take seconds."""
    child = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", WITHOUT_POSIX + SERVES + UNIX],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.returncode == 0, child.stderr
    return child.stdout.splitlines()


def test_every_module_is_imported_without_the_calls_of_posix(lines: list[str]) -> None:
    assert int(lines[0]) > 250


def test_both_apis_are_served_without_the_calls_of_posix(lines: list[str]) -> None:
    assert lines[1:3] == ["served by a thread"] * 2


def test_a_unix_socket_is_refused_with_a_reason_where_python_has_none(lines: list[str]) -> None:
    assert lines[3:] == [
        f"OSError: [Errno {errno.EAFNOSUPPORT}] Python has no unix sockets on this system;"
        " use an address and a port: 'unix:app.sock'"
    ]
