"""A process whose instructions :mod:`.since` counts: ``counted_requests.py WORKLOAD CALLS``.

It runs in an older checkout as well, so it imports nothing but the workload's app and client, which
are in each. The requests that come before the counted ones are as many in each process.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

WARM, MOST = 50, 200


@contextmanager
def steady_clock() -> Iterator[None]:
    """Give what is imported meanwhile a ``time.monotonic`` that shows one µs more at each call.

    A long stream reads the clock, and more often where its chunks take long. In callgrind
    everything takes fifty times as long, and what is counted would depend on the machine's load.
    """
    real = time.monotonic
    time.monotonic = itertools.count(real(), 1e-6).__next__
    try:
        yield
    finally:
        time.monotonic = real


async def requests(workload: str, calls: int) -> None:
    """Send a workload's request, after its response was checked, and count the last ones.

    Args:
        workload: The workload.
        calls: The number of requests that are counted.

    Raises:
        CalledProcessError: The process does not run in callgrind.
    """
    with steady_clock():
        from benchmarks.apps import PEERS, SUBJECT
        from benchmarks.client import Client
        from benchmarks.workloads import WORKLOADS

        client = Client(PEERS[SUBJECT].apps()[workload](), WORKLOADS[workload])
    await client.check()
    made = [client.call() for _ in range(WARM + MOST)]
    for arguments in made[:WARM]:
        await client.app(*arguments)
    switch = ["callgrind_control", "--instr=on", str(os.getpid())]
    subprocess.run(switch, check=True, stdout=subprocess.DEVNULL)
    for arguments in made[WARM : WARM + calls]:
        await client.app(*arguments)


if __name__ == "__main__":
    gc.disable()
    asyncio.run(requests(sys.argv[1], int(sys.argv[2])))
    sys.stdout.flush()
    os._exit(0)
