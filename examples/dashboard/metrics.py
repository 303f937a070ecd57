"""The figures of the dashboard, measured once for all pages that show them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

#: How many samples are kept, for pages that have just been opened or were away.
KEPT = 60


@dataclass(frozen=True)
class Sample:
    """What was measured at one moment.

    Args:
        time: Milliseconds since 1970. They go on after a restart, so they are the event's id.
        cpu: Per cent of one processor that this process has used.
        delay: Milliseconds that the event loop takes to answer.
        requests: Requests a second.
        pages: Open pages.
    """

    time: int
    cpu: float
    delay: float
    requests: float
    pages: int


class Metrics:
    """The last samples, and what the next one counts."""

    def __init__(self) -> None:
        self.requests = 0
        self.pages = 0
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._measured = asyncio.Condition()
        self._before = time.monotonic(), time.process_time()

    async def measure(self) -> None:
        """Take a sample, and wake all that wait for it."""
        asked = time.perf_counter()
        await asyncio.sleep(0)  # All other tasks of the loop have their turn.
        delay = time.perf_counter() - asked
        now, cpu = time.monotonic(), time.process_time()
        seconds = now - self._before[0]
        sample = Sample(
            time=time.time_ns() // 1_000_000,
            cpu=round((cpu - self._before[1]) / seconds * 100, 1),
            delay=round(delay * 1000, 2),
            requests=round(self.requests / seconds, 1),
            pages=self.pages,
        )
        self._before, self.requests = (now, cpu), 0
        async with self._measured:
            self._samples.append(sample)
            self._measured.notify_all()

    async def newer_than(self, time: int) -> list[Sample]:
        """Return the kept samples after ``time``; wait for one if there is none."""
        async with self._measured:
            await self._measured.wait_for(
                lambda: bool(self._samples) and self._samples[-1].time > time
            )
            return [sample for sample in self._samples if sample.time > time]
