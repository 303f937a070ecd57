"""One client or view does not harm the others, behind hypercorn, uvicorn, ``app.run()``.

A view that raises a ``BaseException`` gets a response. A body that never waits does not block the
loop, and ends when its client disconnects.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
import sys

import httpx
import pytest

from .test_servers import OPTIONS, PATIENCE, running

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

SERVERS = {
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} served_failures:app",
    "uvicorn": "-m uvicorn --port {port} --lifespan on served_failures:app",
    "app.run": "served_failures.py {port}",
}
UPGRADE = (
    "Connection: upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    with running(SERVERS[request.param], tmp_path_factory.mktemp(request.param)) as server:
        yield server
        assert server.stop() in (0, -signal.SIGTERM), server.log.read_text()


async def get(server, path):
    async with httpx.AsyncClient(base_url=server.url, **OPTIONS) as client:
        return await client.get(path)


@pytest.mark.parametrize(
    "path",
    [
        "async/a cancelled task",
        *(f"async/{name}" for name in ("SystemExit", "KeyboardInterrupt", "GeneratorExit")),
        *("async/CancelledError", "async/Stop", "def/SystemExit", "def/KeyboardInterrupt"),
        *("def/GeneratorExit", "def/CancelledError", "def/Stop"),
    ],
)
async def test_a_view_that_raises_a_base_exception_is_a_500_and_is_logged(server, path):
    before = server.log.stat().st_size
    answer = await get(server, f"/fail/{path}")

    assert answer.status_code == 500
    assert (await get(server, "/")).text == "well"
    assert "Traceback" in server.log.read_text()[before:]


@pytest.mark.parametrize("kind", ["async", "def-view", "events", "def", "websocket"])
@pytest.mark.parametrize("leave", ["reset", "close"])
async def test_a_body_that_never_waits_does_not_block_the_loop_and_ends_with_its_client(
    server, kind, leave
):
    path = f"/endless/{kind}"
    ended = server.noted().count(f"end of {path}")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    more = UPGRADE if kind == "websocket" else ""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n{more}\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"x" * 1000), PATIENCE)
    reading = asyncio.create_task(read_all(reader))

    assert (await get(server, "/")).text == "well", "while it is sent and read"
    if leave == "reset":
        client = writer.get_extra_info("socket")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()
    await asyncio.wait_for(reading, PATIENCE)

    assert (await get(server, "/")).text == "well", "when the client has gone"
    async with asyncio.timeout(PATIENCE):
        while server.noted().count(f"end of {path}") == ended:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["async", "def", "events"])
async def test_a_body_that_fails_before_its_first_piece_is_a_500(server, kind):
    before = server.log.stat().st_size
    answer = await get(server, f"/broken/{kind}")

    assert answer.status_code == 500
    assert "before the first piece" in server.log.read_text()[before:]


@pytest.mark.parametrize("kind", ["async", "def"])
async def test_a_client_gets_the_head_of_a_body_that_waits_for_it(server, kind):
    async with (
        httpx.AsyncClient(base_url=server.url, **OPTIONS) as client,
        client.stream("GET", f"/late/{kind}") as answer,
    ):
        assert answer.status_code == 200
        await client.post("/late")

        assert len(await answer.aread()) == 1000


async def read_all(reader):
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        pass
