"""Sixty clients that send or read slowly hold no counted thread, over loopback.

The apps have a ``def`` hook and a pool of two: if one such client counted, the others would wait.
"""

from __future__ import annotations

import asyncio
import socket
import time
from itertools import cycle

import httpx
import pytest

from .served_slow import PIECE, PIECES
from .test_servers import OPTIONS, PATIENCE, pytestmark, running

__all__ = ["pytestmark"]  # POSIX only

CLIENTS = 60
SERVERS = {
    "embedded": "served_slow.py {port}",
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} served_slow:app",
}
APIS = ("async", "facade")
UPLOADS = {"async": ("def", "async"), "facade": ("def", "async"), "wsgi": ("callable",)}
#: the views, and whether their streams keep a parked thread
DOWNLOADS = {
    "async": {"generator": True, "whole": False, "async": False, "stream": True},
    "facade": {"generator": True, "whole": False, "async": False},
    "wsgi": {"callable": True},
}
#: whose threads a mounted WSGI callable uses
POOLS = {"wsgi": "async"}


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    with running(SERVERS[request.param], tmp_path_factory.mktemp(request.param)) as server:
        yield server


async def load_of(server, api):
    """Return the load of the pool as a ``def`` view sees it, whose own thread is counted."""
    async with httpx.AsyncClient(base_url=server.url, **OPTIONS) as client:
        answer = await client.get(f"/{POOLS.get(api, api)}/load")
    assert answer.status_code == 200
    return answer.json()


async def assert_parked(server, api, parked):
    """Wait until as many threads are parked, and none is busy but that of the view which counts."""
    end = time.monotonic() + PATIENCE
    expected = {"busy": 1, "parked": parked, "waiting": 0}
    while (load := await load_of(server, api)) != expected and time.monotonic() < end:
        await asyncio.sleep(0.02)
    assert load == expected


async def connect(server):
    """Connect with a small buffer, so that little is sent to a client that does not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", server.port))
    return await asyncio.open_connection(sock=connection, limit=PIECE)


async def answer_of(reader):
    """Read a response, and return its status and the size of its body."""
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        status = int(lines[0].split()[1])
        if b"transfer-encoding: chunked" in lines:
            size = 0
            while length := int(await reader.readline(), 16):
                await reader.readexactly(length + 2)
                size += length
            return status, size
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        return status, len(await reader.readexactly(length))


@pytest.mark.parametrize("api", UPLOADS)
async def test_slow_uploads_hold_no_counted_thread(server, api):
    clients = [await connect(server) for _ in range(CLIENTS)]
    for (_, writer), view in zip(clients, cycle(UPLOADS[api]), strict=False):
        head = f"POST /{api}/upload/{view} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"
        writer.write(head.encode())
    await assert_parked(server, api, CLIENTS)
    for _, writer in clients:
        writer.write(b"cd")
    answers = await asyncio.gather(*(answer_of(reader) for reader, _ in clients))
    for _, writer in clients:
        writer.close()

    assert answers == [(200, 1)] * CLIENTS  # The digit 4.


@pytest.mark.parametrize("api", DOWNLOADS)
async def test_slow_downloads_hold_no_counted_thread(server, api):
    """A whole answer is sent without a thread, not even a parked one."""
    clients = [await connect(server) for _ in range(CLIENTS)]
    parked = 0
    for (_, writer), (view, parks) in zip(clients, cycle(DOWNLOADS[api].items()), strict=False):
        writer.write(f"GET /{api}/download/{view} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        parked += parks
    for reader, _ in clients:  # Each answer has begun, and its client reads no more.
        async with asyncio.timeout(PATIENCE):
            await reader.read(1)
    await assert_parked(server, api, parked)
    for _, writer in clients:
        writer.transport.abort()
    await assert_parked(server, api, 0)


@pytest.mark.parametrize("api", APIS)
async def test_a_slow_download_arrives_whole(server, api):
    reader, writer = await connect(server)
    writer.write(f"GET /{api}/download/generator HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    await assert_parked(server, api, 1)
    answer = await answer_of(reader)
    writer.close()

    assert answer == (200, PIECE * PIECES)
