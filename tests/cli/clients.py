"""Clients of the commands that tests start: they ask for pages, and wait for processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

PATIENCE = 60  # seconds


def page(url: str) -> str:
    with urlopen(url, timeout=5) as response:
        return str(response.read().decode())


def error_page(url: str) -> str | None:
    """Return the page of a status 500; ``None`` if the answer is another one."""
    try:
        page(url)
    except HTTPError as error:
        return str(error.read().decode()) if error.code == 500 else None
    return None


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until the condition is true; an OSError, as of a connection, is false."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(OSError):
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError(f"It did not happen in {PATIENCE} seconds.")


def pids(url: str, count: int) -> set[int]:
    """Ask for the process's number until so many processes have answered."""
    found: set[int] = set()

    def enough() -> bool:
        found.add(int(page(url)))
        return len(found) >= count

    wait_until(enough)
    return found


def is_alive(number: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # It ended before, or during, the read.
        return False


def wait_until_dead(numbers: Collection[int]) -> None:
    wait_until(lambda: not any(map(is_alive, numbers)))


class Load:
    """Clients that ask at short intervals, over connections that they keep for some requests."""

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
                if asked % 10 == 0:
                    connection.close()  # The next one may be accepted by another worker.
            except (OSError, HTTPException, ValueError) as error:
                self.failures.append(error)
                connection.close()
            # Without a pause, the clients take the processor that new workers need.
            time.sleep(0.01)
        connection.close()

    def wait_for_new_pids(self, before: set[int], count: int) -> set[int]:
        """Wait until so many processes have answered that are not in ``before``."""
        until = time.monotonic() + PATIENCE
        while len(self.pids - before) < count:
            assert time.monotonic() < until, self.failures
            time.sleep(0.05)
        return self.pids - before


@contextmanager
def loaded(url: str) -> Iterator[Load]:
    """Let four clients ask during the block."""
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
