"""A process whose instructions :mod:`.since` counts: ``counted_requests.py WORKLOAD CALLS``.

It runs in an older checkout as well, so it imports nothing but the workload's app and client, which
are in each. The requests that come before the counted ones are as many in each process.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys

WARM, MOST = 50, 200


async def requests(workload: str, calls: int) -> None:
    """Send a workload's request, after its response was checked, and count the last ones.

    Args:
        workload: The workload.
        calls: The number of requests that are counted.

    Raises:
        CalledProcessError: The process does not run in callgrind.
    """
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
