"""What is open when a server is told to stop ends by itself, whichever server it is."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets

from .test_servers import OPTIONS, PATIENCE, connect, running

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

SERVERS = {
    "app.run": "served_stopping.py {port}",
    "run --server hypercorn": "served_stopping.py {port} server=hypercorn",
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} served_stopping:app",
    "hypercorn --workers 0": "-m hypercorn --workers 0 --bind 127.0.0.1:{port} served_stopping:app",
    "uvicorn": "-m uvicorn --port {port} --lifespan on served_stopping:app",
    "granian": "-m granian --interface asgi --port {port} served_stopping:app",
}

FACADE_SERVERS = {
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} asgi:served_stopping:app",
    "uvicorn": SERVERS["uvicorn"],
}


@pytest.fixture(params=SERVERS)
def server(request, tmp_path):
    with running(SERVERS[request.param], tmp_path) as server:
        yield server


@pytest.fixture(params=FACADE_SERVERS)
def facade_server(request, tmp_path, monkeypatch):
    monkeypatch.setenv("API", "flask")
    with running(FACADE_SERVERS[request.param], tmp_path) as server:
        yield server


def client_of(server):
    return httpx.AsyncClient(base_url=server.url, **OPTIONS)


@asynccontextmanager
async def opened(server, path):
    """Open a stream: its first piece, and an iterator of the others."""
    async with client_of(server) as client, client.stream("GET", path) as response:
        pieces = response.aiter_text()
        yield await anext(pieces), pieces


async def rest(pieces):
    """Read a body to its proper end: httpx raises an error if it is cut off."""
    return "".join([piece async for piece in pieces])


async def close_code(client):
    with pytest.raises(websockets.ConnectionClosed) as closed:
        while True:
            await client.recv()
    return closed.value.rcvd.code


async def test_event_streams_and_websockets_end_and_requests_are_answered(server):
    """The streams end with their ``retry``, the websockets with 1012."""
    async with (
        opened(server, "/events") as (events, more_events),
        opened(server, "/lines") as (lines, more_lines),
        opened(server, "/def-lines") as (def_lines, more_def_lines),
        connect(server, "/receives") as receives,
        connect(server, "/waits") as waits,
        client_of(server) as client,
    ):
        await receives.send("hi")
        assert [await receives.recv(), await waits.recv()] == ["hi", "hello"]
        request = asyncio.create_task(client.get("/request"))
        await server.will_note("request begun")

        server.process.send_signal(signal.SIGTERM)

        assert events + await rest(more_events) == "retry: 1234\ndata: hello\n\nretry: 1234\n\n"
        assert lines + await rest(more_lines) == "begun\nended\n"
        assert def_lines + await rest(more_def_lines) == "begun\nended\n"
        assert [await close_code(receives), await close_code(waits)] == [1012, 1012]
        assert (await request).text == "finished"
    await asyncio.to_thread(server.process.wait, PATIENCE)

    assert server.noted() == ["before_serving", "request begun", "events closed", "after_serving"]
    assert "Traceback" not in server.log.read_text()


async def test_so_do_those_of_a_facade_app(facade_server):
    async with (
        opened(facade_server, "/def-lines") as (lines, more_lines),
        connect(facade_server, "/waits") as waits,
        client_of(facade_server) as client,
    ):
        assert await waits.recv() == "hello"
        request = asyncio.create_task(client.get("/request"))
        await facade_server.will_note("request begun")

        facade_server.process.send_signal(signal.SIGTERM)

        assert lines + await rest(more_lines) == "begun\nended\n"
        assert await close_code(waits) == 1012
        assert (await request).text == "finished"
    await asyncio.to_thread(facade_server.process.wait, PATIENCE)

    assert facade_server.noted() == ["before_serving", "request begun", "after_serving"]
    assert "Traceback" not in facade_server.log.read_text()
