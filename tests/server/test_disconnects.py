"""Clients that disconnect, stall or are slow: afterwards no descriptor and no task is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import struct

import pytest

import asyncflask
import asyncflask.flask
from asyncflask import Flask, request, stream_with_context, websocket
from asyncflask.flask import Flask as Facade
from asyncflask.protocol.limits import Limits
from asyncflask.server import Config
from asyncflask.testing.wire import WireClient, WireConnection

DISCONNECTS = 10_000
AT_ONCE = 64
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" + KEY
FRAME = b"\x81\x85\x00\x00\x00\x00Hello"
#: whole exchanges, each of which is cut off at a random byte
EXCHANGES = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3,
    b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /sync HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\n" + b"x" * 90,
    b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nHello\r\n0\r\n\r\n",
    UPGRADE + b"\r\n" + FRAME * 3,
    b"GET / HTTP/1.1\r\nHost: b\nad\r\n\r\n",
]


def _app():
    app = Flask(__name__)

    @app.get("/")
    async def index():
        return "Hello"

    @app.get("/sync")
    def sync():
        return "Hello"

    @app.get("/wait")
    async def wait():
        await asyncio.sleep(0.01)
        return "Hello"

    @app.get("/stream")
    async def stream():
        async def pieces():
            for _ in range(50):
                yield b"x" * 20_000
                await asyncio.sleep(0)

        return pieces()

    @app.get("/endless")
    async def endless():
        async def pieces():
            try:
                while True:
                    app.pieces += 1
                    yield b"x" * 65536
            finally:
                app.ended.set()

        return pieces()

    @app.post("/upload")
    async def upload():
        return str(len(await request.get_data()))

    @app.websocket("/ws")
    async def echo():
        while True:
            await websocket.send(await websocket.receive())

    app.pieces = 0
    app.ended = asyncio.Event()
    return app


def _descriptors():
    return len(os.listdir("/proc/self/fd"))


async def _settled(condition, seconds=10):
    for _ in range(int(seconds * 50)):
        if condition():
            return True
        await asyncio.sleep(0.02)
    return condition()


async def _leave_somewhere(server, chance):
    """Send a part of a request, read a part of the response, and close, half-close or reset."""
    exchange = chance.choice(EXCHANGES)
    reader, writer = await server.connect()
    with contextlib.suppress(OSError):
        writer.write(exchange[: chance.randint(0, len(exchange))])
        match chance.randrange(4):
            case 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(chance.randint(1, 40_000)), 0.005)
            case 1:
                linger = struct.pack("ii", 1, 0)  # Then closing sends a reset.
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
            case 2:
                writer.write_eof()
                await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="Descriptors are counted in /proc.")
async def test_ten_thousand_random_disconnects_leave_nothing_behind(served, caplog):
    server = await served(_app())
    chance = random.Random(4)
    await server.ask(b"GET /sync HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    descriptors, tasks = _descriptors(), len(asyncio.all_tasks())
    left = iter(range(DISCONNECTS))

    async def client():
        for _ in left:
            await _leave_somewhere(server, chance)

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    back = await _settled(
        lambda: _descriptors() <= descriptors and len(asyncio.all_tasks()) <= tasks
    )

    assert back, f"{_descriptors()} of {descriptors}, {len(asyncio.all_tasks())} of {tasks}"
    assert "Traceback" not in caplog.text
    assert b"Hello" in await server.ask(b"GET / HTTP/1.0\r\n\r\n")


async def test_a_client_that_does_not_read_stops_the_app_from_writing(served):
    app = _app()
    server = await served(app, Config(write_timeout=0.3, access_log=False))
    _, writer = await _unread(server, b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    await asyncio.wait_for(app.ended.wait(), 10)

    assert app.pieces < 400, "More than 25 MB were written to nobody."
    writer.close()


async def _unread(server, data):
    """A client that sends a request and never reads; its buffers are small."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, server.place)
    await asyncio.get_running_loop().sock_sendall(client, data)
    return client, client


async def test_a_slow_reader_gets_everything(served):
    server = await served(_app(), Config(write_timeout=2, access_log=False))
    reader, writer = await server.connect(limit=4096)
    writer.write(b"GET /stream HTTP/1.0\r\n\r\n")
    size = 0
    while data := await reader.read(40_000):
        size += len(data)
        await asyncio.sleep(0.005)

    assert size > 1_000_000
    writer.close()


async def test_a_client_that_sends_slowly_is_served_as_long_as_it_sends(served):
    server = await served(_app())
    reader, writer = await server.connect()
    for byte in b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nHello":
        writer.write(bytes([byte]))
        await asyncio.sleep(0.001)

    assert (await reader.readuntil(b"\r\n\r\n5")).startswith(b"HTTP/1.1 200")
    writer.close()


@pytest.mark.parametrize("sent", [b"GET / HT", b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-"])
async def test_a_slow_head_is_refused_with_408(served, sent):
    server = await served(_app(), Config(limits=Limits(header_timeout=0.1), access_log=False))
    reader, writer = await server.connect()
    writer.write(sent)

    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_a_stalled_body_is_refused_with_408(served):
    server = await served(_app(), Config(limits=Limits(body_timeout=0.1), access_log=False))
    reader, writer = await server.connect()
    writer.write(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nHello")

    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_a_client_that_closes_its_sending_side_gets_its_response(served):
    server = await served(_app())
    reader, writer = await server.connect()
    writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    writer.write_eof()

    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"Hello")
    writer.close()


async def test_a_client_that_closes_its_sending_side_within_its_body_is_disconnected(served):
    server = await served(_app())
    reader, writer = await server.connect()
    writer.write(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nHello")
    await asyncio.sleep(0.05)
    writer.write_eof()

    assert (await asyncio.wait_for(reader.read(), 5))[:12] in (b"HTTP/1.1 400", b"")
    writer.close()


async def test_a_silent_websocket_is_pinged_and_then_closed(served):
    """Aiohttp issue 6325: the connection of a client that is gone is closed."""
    app = _app()
    server = await served(app, Config(ping_interval=0.1, access_log=False))
    reader, writer = await server.connect()
    writer.write(UPGRADE + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")

    rest = await asyncio.wait_for(reader.read(), 5)

    assert rest.startswith(b"\x89"), "a ping"
    writer.close()


# -- a response that reads the request -------------------------------------------------------------

UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\nHello"


def _async_echo():
    app = Flask("echo")

    @app.post("/")
    async def echo():
        @stream_with_context
        async def pieces():
            async for piece in request.stream:
                yield piece

        return pieces()

    return app


def _echo(make, framework):
    app = make("echo")

    @app.post("/")
    def echo():
        @framework.stream_with_context
        def pieces():
            while piece := framework.request.stream.read(5):
                yield piece

        return pieces()

    return app


ECHOES = {
    "async def": _async_echo,
    "def": lambda: _echo(Flask, asyncflask),
    "facade": lambda: _echo(Facade, asyncflask.flask),
}


@pytest.mark.parametrize("leave", [WireConnection.disconnect, WireConnection.half_close])
@pytest.mark.parametrize("make", ECHOES.values(), ids=ECHOES)
async def test_a_client_that_disconnects_from_a_response_made_of_its_body_is_no_error(
    caplog, make, leave
):
    caplog.set_level("INFO", "asyncflask.access")
    async with WireClient(make(), Config()) as wire:
        await wire.send(UPLOAD)
        await wire.receive_until(b"Hello")
        await leave(wire)
        await wire.finish()

    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("asyncflask.access", "INFO")
    ]


@pytest.mark.parametrize("leave", [WireConnection.half_close, WireConnection.disconnect])
@pytest.mark.parametrize("kind", [Flask, Facade])
async def test_a_client_that_disconnects_before_its_websocket_is_accepted_ends_the_view(
    kind, leave
):
    app, ends = kind("app"), []

    @app.websocket("/ws")
    async def view():
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("end")

    async with WireClient(app, Config(access_log=False)) as wire:
        await wire.send(UPGRADE + b"\r\n")
        await asyncio.sleep(0.01)
        await leave(wire)
        await _settled(lambda: ends)

    assert ends == ["end"]
