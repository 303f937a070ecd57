"""Keep the worker processes of ``asyncflask run --workers N`` running.

A worker that dies is replaced, and at SIGHUP each of them in turn. If the app does not start in any
worker, the command ends with status 1, because a service manager takes 0 for success.

Workers are new processes that import the app (:mod:`.worker`), not forks: threads and connections
of this process would be broken in a fork. All accept from the same socket, which this process keeps
open until the end; so no connection is refused or lost while a worker is replaced.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Literal

import click

#: seconds between two checks of the workers
INTERVAL = 0.1
#: seconds after which a worker counts as stable; it is replaced at once when it ends
STABLE = 5.0
MOST_DELAY = 30.0
#: seconds that the app's shutdown may take
LIFESPAN_SECONDS = 60.0
#: what a worker writes: that it serves, and that it wants to be replaced
READY, REPLACE_ME = b"1", b"2"
#: The part by which limits differ between workers: replaced at the same time, they would cut off
#: their clients at the same time, and all of these would come back at once.
JITTER = 0.2

Server = Literal["embedded", "hypercorn"]
Say = Callable[[str], None]


@dataclass(frozen=True)
class WorkerSettings:
    """How a worker process serves.

    Args:
        server: ``"embedded"`` or ``"hypercorn"``.
        certfile: A certificate in PEM format, for HTTPS; with ``keyfile``.
        keyfile: Its key.
        grace: Seconds that open requests have to end when the worker is stopped.
        max_requests: Requests after which the worker is replaced; ``None``: never.
        fileno: The descriptor of the listening socket.
    """

    server: Server
    certfile: str | None
    keyfile: str | None
    grace: float
    max_requests: int | None
    fileno: int

    def command(self) -> list[str]:
        """Return the command line of a worker, whose limits differ a little from the others'."""
        settings = asdict(self)
        settings["grace"] *= random.uniform(1 - JITTER, 1 + JITTER)
        if self.max_requests is not None:
            settings["max_requests"] += random.randint(0, int(self.max_requests * JITTER))
        return [sys.executable, "-m", "asyncflask.cli.worker", json.dumps(settings)]


def run_workers(
    listener: socket.socket, count: int, settings: WorkerSettings, ready: Callable[[], None]
) -> int:
    """Serve in worker processes until SIGINT or SIGTERM.

    Args:
        listener: The socket to accept connections on; it is closed at the signal.
        count: Number of processes.
        settings: How each of them serves.
        ready: Called once connections are accepted.

    Returns:
        The exit status.
    """
    workers = Workers(
        lambda: Worker(settings.command(), [settings.fileno]),
        count,
        say=_say,
        ready=ready,
        stop_listening=listener.close,
        patience=settings.grace * (1 + JITTER) + LIFESPAN_SECONDS,
    )
    return workers.run()


def _say(text: str) -> None:
    # The program that keeps the log may have ended, or its disk be full; the workers go on.
    with suppress(OSError):
        click.echo(text, err=True)


class Worker:
    """A process that writes to one pipe when it serves, and ends when another one is closed.

    Args:
        command: The command line; the descriptors of both pipes are added as arguments.
        inherited: Further descriptors that the process inherits.
    """

    def __init__(self, command: Sequence[str], inherited: Sequence[int]) -> None:
        self._ready, ready = os.pipe()
        alive, self._alive = os.pipe()
        os.set_blocking(self._ready, False)
        self.is_ready = False
        self.wants_successor = False
        self.started_at = time.monotonic()
        try:
            self.process = subprocess.Popen(
                [*command, str(ready), str(alive)], pass_fds=[*inherited, ready, alive]
            )
        except OSError:
            self.close()
            raise
        finally:
            os.close(ready)
            os.close(alive)

    def look(self) -> int | None:
        """Read what the process has written; return its exit status, ``None`` while it runs."""
        try:
            said = os.read(self._ready, 16)
        except BlockingIOError:
            said = b""
        self.is_ready = self.is_ready or READY in said
        self.wants_successor = self.wants_successor or REPLACE_ME in said
        return self.process.poll()

    def close(self) -> None:
        """Close the pipes, after the end of the process."""
        os.close(self._ready)
        os.close(self._alive)


class _WorkerSlot:
    """One of the N workers, its successor, and when one is started."""

    def __init__(self) -> None:
        self.worker: Worker | None = None
        #: takes the place of the worker as soon as it serves
        self.successor: Worker | None = None
        self.is_due = False
        #: when the next of them may be started
        self.start_at = 0.0
        self.delay = 0.0

    def wait(self, stable: bool = False) -> None:
        """Set when the next one is started: later each time, unless the last one was stable."""
        self.delay = 0.0 if stable else min(MOST_DELAY, 2 * self.delay or 0.5)
        self.start_at = time.monotonic() + self.delay


class Workers:
    """Starts workers, replaces those that die, and ends them at a signal.

    At SIGHUP each worker is replaced in turn: its successor serves before the worker is ended. A
    worker that asks for it is replaced in the same way.

    Args:
        start: Starts a worker.
        count: Number of workers.
        say: Prints a line.
        ready: Called once, when the first worker serves.
        stop_listening: Called once, when the workers are ended and no other is started.
        patience: Seconds that workers have to end; then they are killed.
    """

    def __init__(
        self,
        start: Callable[[], Worker],
        count: int,
        *,
        say: Say,
        ready: Callable[[], None],
        stop_listening: Callable[[], None],
        patience: float,
    ) -> None:
        self._start = start
        self._say = say
        self._tell_ready: Callable[[], None] | None = ready
        self._stop_listening = stop_listening
        self._patience = patience
        self._slots = [_WorkerSlot() for _ in range(count)]
        #: workers that were replaced and still answer requests, and when they are killed
        self._retired: dict[Worker, float] = {}
        self._stopping = threading.Event()
        self._signals = 0
        self._restarts = False

    def run(self) -> int:
        """Keep the workers running until SIGINT or SIGTERM; return the exit status."""
        handlers = {signal.SIGINT: self._end, signal.SIGTERM: self._end, signal.SIGHUP: self._renew}
        before = {number: signal.signal(number, handlers[number]) for number in handlers}
        status = 0
        try:
            while not self._stopping.wait(INTERVAL):
                if not self._look():
                    status = 1
                    break
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)
        return status

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        self._stopping.set()

    def _renew(self, number: int, frame: FrameType | None) -> None:
        self._restarts = True

    def _look(self) -> bool:
        """Look after all workers; return whether the app can be served at all."""
        if self._restarts:
            self._restarts = False
            for slot in self._slots:
                slot.is_due = True
                slot.start_at = 0.0
        self._look_after_retired()
        for slot in self._slots:
            self._look_after_successor(slot)
        return all(map(self._look_after, self._slots))

    def _look_after(self, slot: _WorkerSlot) -> bool:
        """Start or replace a worker; return whether the app can be served at all."""
        worker = slot.worker
        if worker is None:
            is_time = slot.successor is None and time.monotonic() >= slot.start_at
            return self._start_first(slot) if is_time else True
        status = worker.look()
        slot.is_due = slot.is_due or worker.wants_successor
        if worker.is_ready and self._tell_ready is not None:
            self._tell_ready()
            self._tell_ready = None
        if status is None:
            return True
        slot.worker = None
        worker.close()
        if not worker.is_ready and not self._may_be_served():
            self._say(f"Error: The app does not start: its worker {_how_ended(status)}.")
            return False
        self._replace(slot, worker, status)
        return True

    def _start_first(self, slot: _WorkerSlot) -> bool:
        """Start the worker of a slot; return whether the app can be served at all."""
        try:
            slot.worker, slot.is_due = self._start(), False
        except OSError as error:  # Too many processes, no memory, or Python is being replaced.
            if not self._may_be_served():
                self._say(f"Error: No worker can be started ({error}).")
                return False
            slot.wait()
            self._say(f"No worker can be started ({error}); the next try is in {slot.delay:g} s.")
        return True

    def _replace(self, slot: _WorkerSlot, worker: Worker, status: int) -> None:
        """Set when the successor of a worker is started."""
        slot.wait(stable=worker.is_ready and time.monotonic() - worker.started_at > STABLE)
        what = _how_ended(status) if worker.is_ready or status < 0 else "did not start"
        when = f" in {slot.delay:g} s" if slot.delay else ""
        self._say(f"Worker {worker.process.pid} {what}; another one is started{when}.")

    def _may_be_served(self) -> bool:
        """Return whether a worker serves, or is still starting: it may not have the same fault."""
        workers = (each for slot in self._slots for each in (slot.worker, slot.successor))
        return any(each is not None and each.look() is None for each in workers)

    # -- replacing workers that serve --------------------------------------------------------------

    def _look_after_successor(self, slot: _WorkerSlot) -> None:
        """Start a successor if it is due, and let it take over when it serves."""
        successor = slot.successor
        if successor is None:
            # One at a time, so that the others serve with all cores meanwhile.
            is_free = all(other.successor is None for other in self._slots)
            is_time = slot.is_due and is_free and time.monotonic() >= slot.start_at
            if is_time and slot.worker is not None and slot.worker.is_ready:
                self._start_successor(slot)
            return
        status = successor.look()
        if status is not None:
            slot.successor = None
            successor.close()
            self._give_up(slot, f"Worker {successor.process.pid}", _how_ended(status))
        elif successor.is_ready:
            slot.successor = None
            self._retire(slot.worker)
            slot.worker, slot.is_due, slot.delay = successor, False, 0.0

    def _start_successor(self, slot: _WorkerSlot) -> None:
        slot.is_due = False
        try:
            slot.successor = self._start()
        except OSError as error:
            self._give_up(slot, "A worker", f"cannot be started ({error})")

    def _give_up(self, slot: _WorkerSlot, which: str, why: str) -> None:
        for each in self._slots:
            each.is_due = False
        slot.wait()  # A worker that has had its requests asks again.
        self._say(
            f"Error: {which}, which was to replace another one, {why}."
            " The restart is given up; the other workers go on."
        )

    def _retire(self, worker: Worker | None) -> None:
        if worker is not None:
            worker.process.terminate()
            self._retired[worker] = time.monotonic() + self._patience

    def _look_after_retired(self) -> None:
        for worker, until in list(self._retired.items()):
            if worker.look() is not None:
                worker.close()
                del self._retired[worker]
            elif time.monotonic() > until:
                worker.process.kill()

    # -- the end -----------------------------------------------------------------------------------

    def _stop(self) -> None:
        """End all workers; kill them at a second signal, or when they take too long."""
        # The workers close their copies; through this one, clients would still connect, and wait.
        self._stop_listening()
        serving = [each for slot in self._slots for each in (slot.worker, slot.successor) if each]
        for worker in serving:
            if worker.process.poll() is None:
                worker.process.terminate()
        workers = [*serving, *self._retired]
        until = time.monotonic() + self._patience
        while any(worker.process.poll() is None for worker in workers):
            if time.monotonic() > until or self._signals > 1:
                for worker in workers:
                    worker.process.kill()
            time.sleep(INTERVAL / 2)
        for worker in workers:
            worker.close()


def _how_ended(status: int) -> str:
    """Say how a process ended: the system may kill it where memory is short."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # a signal without a name, such as a real-time one
        return f"was killed by signal {-status}"
