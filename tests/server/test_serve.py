"""serve(): it listens, serves over every kind of socket, and ends in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest
import websockets

from asyncflask import Flask, websocket
from asyncflask.server import Config, listen, serve
from asyncflask.server.lifespan import LifespanFailed

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
QUIET = {"access_log": False}


def _app():
    app = Flask(__name__)

    @app.get("/")
    async def index():
        return "Hello"

    @app.get("/slow")
    async def slow():
        app.begun.set()
        await asyncio.sleep(app.pause)
        return "Done"

    @app.websocket("/ws")
    async def echo():
        while True:
            await websocket.send(await websocket.receive())

    app.begun = asyncio.Event()
    app.pause = 0.1
    return app


async def test_it_answers_over_tcp(served):
    server = await served(_app())

    answer = await server.ask(GET)

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\nHello")


async def test_it_answers_over_ipv6(served):
    try:
        server = await served(_app(), host="::1")
    except OSError:
        pytest.skip("This machine has no IPv6.")

    assert b"Hello" in await server.ask(GET)


async def test_it_answers_over_a_unix_socket(served, tmp_path):
    server = await served(_app(), host=f"unix:{tmp_path / 'app.sock'}")

    assert b"Hello" in await server.ask(GET)


async def test_it_answers_over_tls(served, certificate):
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(certificate)
    client_side = ssl.create_default_context(cafile=certificate)
    app = _app()

    @app.get("/scheme")
    async def scheme():
        from asyncflask import request

        return request.scheme

    server = await served(app, Config(ssl=server_side, **QUIET))

    answer = await server.ask(
        GET.replace(b"/ ", b"/scheme "), ssl=client_side, server_hostname="localhost"
    )

    assert answer.endswith(b"https")


async def test_a_websocket_is_served_as_well(served):
    server = await served(_app())
    async with websockets.connect(f"ws://127.0.0.1:{server.place[1]}/ws") as client:
        await client.send("hi")

        assert await client.recv() == "hi"


async def test_startup_and_shutdown_run_around_the_serving(served):
    app = _app()
    events = []
    app.before_serving(lambda: events.append("up"))
    app.after_serving(lambda: events.append("down"))
    server = await served(app)
    await server.ask(GET)
    await server.end()

    assert events == ["up", "down"]


async def test_an_app_that_cannot_start_is_not_served(served):
    app = _app()

    @app.before_serving
    async def fail():
        raise LookupError("no database")

    with pytest.raises(LifespanFailed, match="LookupError: no database"):
        await served(app)


async def test_running_requests_are_finished_before_the_end(served):
    app = _app()
    server = await served(app)
    asking = asyncio.create_task(server.ask(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"))
    await app.begun.wait()
    await server.end()

    answer = await asking

    assert answer.endswith(b"Done")
    assert b"\r\nconnection: close\r\n" in answer


async def test_an_idle_connection_is_closed_at_once(served):
    server = await served(_app())
    reader, writer = await server.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"Hello")
    await asyncio.wait_for(server.end(), 5)

    assert await reader.read() == b""
    writer.close()


async def test_an_idle_connection_may_send_one_more_request_within_idle_grace(served):
    """So no client loses a request that it sends at the moment when the server stops."""
    server = await served(_app(), Config(idle_grace=10, **QUIET))
    reader, writer = await server.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"Hello")
    server.stop.set()
    await asyncio.sleep(0.05)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await asyncio.wait_for(server.end(), 5)

    assert answer.endswith(b"Hello")
    assert b"\r\nconnection: close\r\n" in answer


@pytest.mark.parametrize("rounds", range(6))
async def test_a_connection_at_the_stop_is_answered_or_left_to_another_process(rounds):
    """Several processes may accept from one socket, and each connection has one that answers."""
    stop, ready = asyncio.Event(), asyncio.Event()
    listener = listen("127.0.0.1", 0)
    other = listener.dup()  # as another process has it
    config = Config(idle_grace=5, **QUIET)
    serving = asyncio.create_task(serve(_app(), [listener], config, stop=stop, ready=ready.set))
    await ready.wait()
    with socket.create_connection(listener.getsockname()) as client, other:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(rounds):
            await asyncio.sleep(0)
        stop.set()
        await serving
        try:
            accepted, _ = other.accept()
        except BlockingIOError:
            assert client.recv(4096).endswith(b"Hello")
        else:
            accepted.close()


async def test_an_idle_connection_is_closed_after_idle_grace(served):
    server = await served(_app(), Config(idle_grace=0.05, **QUIET))
    reader, writer = await server.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"Hello")
    await asyncio.wait_for(server.end(), 5)

    assert await reader.read() == b""
    writer.close()


async def test_requests_that_outlast_the_grace_period_are_cancelled_and_logged(served, caplog):
    app = _app()
    app.pause = 1000
    server = await served(app, Config(grace=0.05, **QUIET))
    asking = asyncio.create_task(server.ask(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"))
    await app.begun.wait()
    await server.end()

    assert "Cancelled what was still running after the grace: 1." in caplog.text
    assert await asking == b""


async def test_websockets_are_closed_with_1012(served):
    server = await served(_app())
    async with websockets.connect(f"ws://127.0.0.1:{server.place[1]}/ws") as client:
        await client.send("hi")
        await client.recv()
        await asyncio.wait_for(server.end(), 5)
        with pytest.raises(websockets.ConnectionClosed):
            await client.recv()

        assert client.close_code == 1012


async def test_after_the_end_no_socket_listens(served):
    server = await served(_app())
    await server.end()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await server.connect()


async def test_more_connections_than_allowed_are_answered_with_503(served):
    server = await served(_app(), Config(connections=1, **QUIET))
    _, writer = await server.connect()
    await asyncio.sleep(0.05)

    answer = await server.ask(GET)

    assert answer.startswith(b"HTTP/1.1 503")
    writer.close()


PROGRAM = """
import sys
from asyncflask import Flask
from asyncflask.server import listen, run
app = Flask("program")
@app.get("/")
async def index():
    return "Hello"
@app.get("/hang")
async def hang():
    import asyncio
    print("hanging", flush=True)
    await asyncio.sleep(100)
@app.after_serving
async def down():
    print("down", flush=True)
listener = listen("127.0.0.1", 0)
run(app, [listener], ready=lambda: print(listener.getsockname()[1], flush=True))
print("end", flush=True)
"""


@pytest.fixture
def program():
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.port = int(process.stdout.readline())
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_order(program, number):
    program.send_signal(number)
    out, _ = program.communicate(timeout=20)

    assert (program.returncode, out) == (0, "down\nend\n")


async def test_a_second_signal_ends_the_process_at_once(program):
    _, writer = await asyncio.open_connection("127.0.0.1", program.port)
    writer.write(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
    await asyncio.to_thread(program.stdout.readline)
    began = time.monotonic()
    program.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    assert program.poll() is None
    program.send_signal(signal.SIGTERM)
    await asyncio.to_thread(program.wait, 20)

    assert program.returncode == -signal.SIGTERM
    assert time.monotonic() - began < 8, "It waited for the grace of ten seconds."
    writer.close()


async def test_the_second_signal_may_be_another_one(program):
    _, writer = await asyncio.open_connection("127.0.0.1", program.port)
    writer.write(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
    await asyncio.to_thread(program.stdout.readline)
    program.send_signal(signal.SIGINT)
    await asyncio.sleep(0.3)
    program.send_signal(signal.SIGTERM)
    await asyncio.to_thread(program.wait, 8)

    assert program.returncode == -signal.SIGTERM
    writer.close()


async def test_a_startup_that_hangs_is_cancelled_when_the_server_stops():
    app, heard = _app(), []

    @app.before_serving
    async def hang():
        heard.append("begun")
        await asyncio.sleep(1000)

    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve(app, [listen("127.0.0.1", 0)], Config(lifespan_timeout=0.2, **QUIET), stop=stop)
    )
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(serving, 5)

    assert heard == ["begun"]


async def test_the_access_log_goes_to_standard_error(program):
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
    writer.write(b"GET /?a=%0a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    await reader.read()
    writer.close()
    program.send_signal(signal.SIGTERM)
    _, err = await asyncio.to_thread(program.communicate)

    assert '"GET /?a=%0a HTTP/1.1" 200 5' in err


async def test_no_descriptor_is_left_open(served):
    app = _app()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    server = await served(app)
    for _ in range(20):
        await server.ask(GET)
    await server.end()

    assert len(os.listdir("/proc/self/fd") if before else []) <= before


async def test_serving_without_a_config_takes_the_defaults():
    stop = asyncio.Event()
    stop.set()
    listening = listen("127.0.0.1", 0)

    await serve(_app(), [listening], stop=stop)

    assert listening.fileno() == -1


async def test_what_is_no_list_of_sockets_is_refused():
    with listen("127.0.0.1", 0) as listener:
        for sockets in (listener, []):
            with pytest.raises(ValueError, match=r"is no list of sockets .* Write \[listen"):
                await serve(Flask("shop"), sockets, stop=asyncio.Event())
