"""Keep the worker processes of ``asyncflask run --server hypercorn --workers N`` running.

A worker that dies is replaced. If the app does not start in any worker, the command ends with
status 1, because a service manager takes 0 for success. A worker serves with :mod:`.hypercorn`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

#: seconds between two checks of the workers
INTERVAL = 0.1
#: seconds after which a worker counts as stable; it is replaced at once when it ends
STABLE = 5.0
MOST_DELAY = 30.0

Say = Callable[[str], None]


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
        self.started_at = time.monotonic()
        try:
            self.process = subprocess.Popen(
                [*command, str(ready), str(alive)], pass_fds=[*inherited, ready, alive]
            )
        finally:
            os.close(ready)
            os.close(alive)

    def look(self) -> int | None:
        """Update :attr:`is_ready`; return the exit status, ``None`` while the process runs."""
        if not self.is_ready:
            try:
                self.is_ready = bool(os.read(self._ready, 1))
            except BlockingIOError:
                pass
        return self.process.poll()

    def close(self) -> None:
        """Close the pipes, after the end of the process."""
        os.close(self._ready)
        os.close(self._alive)


class _WorkerSlot:
    """One of the N workers, and when its successor is started."""

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.start_at = 0.0
        self.delay = 0.0


class Workers:
    """Starts workers, replaces those that die, and ends them at a signal.

    Args:
        start: Starts a worker.
        count: Number of workers.
        say: Prints a line.
        ready: Called once, when the first worker serves.
        patience: Seconds that workers have to end; then they are killed.
    """

    def __init__(
        self,
        start: Callable[[], Worker],
        count: int,
        *,
        say: Say,
        ready: Callable[[], None],
        patience: float,
    ) -> None:
        self._start = start
        self._say = say
        self._tell_ready: Callable[[], None] | None = ready
        self._patience = patience
        self._slots = [_WorkerSlot() for _ in range(count)]
        self._stopping = threading.Event()
        self._signals = 0

    def run(self) -> int:
        """Keep the workers running until SIGINT or SIGTERM; return the exit status."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._end)
        status = 0
        try:
            while not self._stopping.wait(INTERVAL):
                if not all(map(self._look_after, self._slots)):
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

    def _look_after(self, slot: _WorkerSlot) -> bool:
        """Start or replace a worker; return whether the app can be served at all."""
        worker = slot.worker
        if worker is None:
            if time.monotonic() >= slot.start_at:
                slot.worker = self._start()
            return True
        status = worker.look()
        if worker.is_ready and self._tell_ready is not None:
            self._tell_ready()
            self._tell_ready = None
        if status is None:
            return True
        slot.worker = None
        worker.close()
        if not worker.is_ready and not self._is_served():
            self._say(f"Error: The app does not start: its worker ended with status {status}.")
            return False
        self._replace(slot, worker, status)
        return True

    def _replace(self, slot: _WorkerSlot, worker: Worker, status: int) -> None:
        """Set when the successor of a worker is started: later each time, unless it was stable."""
        stable = worker.is_ready and time.monotonic() - worker.started_at > STABLE
        slot.delay = 0.0 if stable else min(MOST_DELAY, 2 * slot.delay or 0.5)
        slot.start_at = time.monotonic() + slot.delay
        what = f"ended with status {status}" if worker.is_ready else "did not start"
        when = f" in {slot.delay:g} s" if slot.delay else ""
        self._say(f"Worker {worker.process.pid} {what}; another one is started{when}.")

    def _is_served(self) -> bool:
        workers = (slot.worker for slot in self._slots)
        return any(each is not None and each.is_ready and each.look() is None for each in workers)

    def _stop(self) -> None:
        """End all workers; kill them at a second signal, or when they take too long."""
        workers = [slot.worker for slot in self._slots if slot.worker is not None]
        for worker in workers:
            if worker.process.poll() is None:
                worker.process.terminate()
        until = time.monotonic() + self._patience
        while any(worker.process.poll() is None for worker in workers):
            if time.monotonic() > until or self._signals > 1:
                for worker in workers:
                    worker.process.kill()
            time.sleep(INTERVAL / 2)
        for worker in workers:
            worker.close()


def command(*arguments: str) -> list[str]:
    """Return the command line that runs :mod:`.worker` in a process.

    Args:
        arguments: Its arguments.
    """
    return [sys.executable, "-m", "asyncflask.cli.worker", *arguments]
