"""One app behind hypercorn, uvicorn, granian and ``app.run()``, over real loopback sockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import websockets

from tests.services import free_port

HERE = Path(__file__).parent
PEM = str(HERE.parent / "cli" / "localhost.pem")  # for these tests only
PATIENCE = 15  # seconds, for every wait
#: Of httpx's clients, for plain HTTP: each would load the system's certificates, for 50 ms.
OPTIONS = {"timeout": PATIENCE, "trust_env": False, "verify": False}
PIECE = bytes(range(256)) * 256  # what served.py sends in one piece

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

#: How each server is told which app to serve at which port.
SERVERS = {
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} served:app",
    "uvicorn": "-m uvicorn --port {port} --lifespan on served:app",
    "granian": "-m granian --interface asgi --port {port} served:app",
    "app.run": "served.py {port}",
}
#: Granian 2.8 sends no header but the subprotocol with a websocket's acceptance.
WITHOUT_ACCEPT_HEADERS = {"granian"}


class Server:
    """A server in a process of its own."""

    def __init__(self, command, folder, scheme="http"):
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"{scheme}://{self.host}"
        self.notes = folder / "notes"
        self.notes.touch()
        self.log = folder / "log"
        environ = {**os.environ, "NOTES": str(self.notes), "PYTHONPATH": str(HERE.parents[1])}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command.format(port=self.port).split()],
                cwd=HERE,
                env=environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def noted(self):
        return self.notes.read_text(encoding="utf-8").splitlines()

    async def will_note(self, text):
        """Wait until the app has written ``text`` into its file."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.noted():
                await asyncio.sleep(0.01)

    def wait_until_it_answers(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"It does not answer: {self.log.read_text()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        """Kill the process and its children."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(PATIENCE)


@contextmanager
def running(command, folder, scheme="http"):
    server = Server(command, folder, scheme)
    try:
        server.wait_until_it_answers()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    """Start the server. After all tests end it, and check that the app's shutdown has run."""
    folder = tmp_path_factory.mktemp(request.param)
    with running(SERVERS[request.param], folder) as server:
        server.name = request.param
        yield server
        httpx.post(f"{server.url}/background?name=last&seconds=0.3", **OPTIONS)
        status = server.stop()

        # At the end uvicorn sends the same signal to itself.
        assert status in (0, -signal.SIGTERM), server.log.read_text()
        assert server.noted()[-2:] == ["task last", "after_serving"]
        assert server.noted().count("before_serving") == 1
        log = server.log.read_text()
        assert log.count("Traceback") == log.count("\nRuntimeError: meant to fail"), log


@pytest.fixture
async def client(server):
    async with httpx.AsyncClient(base_url=server.url, **OPTIONS) as client:
        yield client


def connect(server, path, **options):
    return websockets.connect(
        f"ws://{server.host}{path}",
        open_timeout=PATIENCE,
        close_timeout=PATIENCE,
        proxy=None,
        **options,
    )


# -- requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["async", "def"])
async def test_a_request_arrives_as_it_was_sent(server, client, keyword):
    path = f"/{keyword}/gr%C3%BC%C3%9Fe%20x?a=1%262&b="
    answer = (await client.get(path)).json()

    assert answer == {
        "name": "grüße x",
        "args": {"a": "1&2", "b": ""},
        "url": f"{server.url}{path.replace('%C3%BC%C3%9F', 'üß')}",
        "root": "",
    }


async def test_head_options_and_errors_are_answered(client):
    head, options = await client.head("/async/x"), await client.options("/async/x")
    missing, failed = await client.get("/nowhere"), await client.post("/async/x")

    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) > 0
    assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert (missing.status_code, failed.status_code) == (404, 405)


async def test_an_error_of_a_view_is_500_and_the_server_lives(client):
    assert (await client.get("/fail")).status_code == 500
    assert (await client.get("/state")).status_code == 200


async def test_a_request_sees_the_state_of_the_lifespan(client):
    assert (await client.get("/state")).text == "at startup"


@pytest.mark.parametrize("keyword", ["async", "def"])
async def test_a_form(client, keyword):
    answer = await client.post(f"/form/{keyword}", data={"a": ["1", "2"], "ü": "&="})

    assert answer.json() == {"a": ["1", "2"], "ü": ["&="]}


@pytest.mark.parametrize("keyword", ["async", "def"])
async def test_an_upload(client, keyword):
    content = os.urandom(1_000_000)
    answer = await client.post(
        f"/upload/{keyword}", data={"title": "ü"}, files={"file": ("ü.bin", content)}
    )

    checksum = hashlib.sha256(content).hexdigest()
    assert answer.json() == {"title": "ü", "name": "ü.bin", "sum": checksum}


async def test_a_chunked_body_is_read_piece_by_piece(client):
    async def pieces():
        for _ in range(100):
            yield PIECE

    answer = (await client.post("/body", content=pieces())).json()

    assert answer == {
        "length": 100 * len(PIECE),
        "sum": hashlib.sha256(PIECE * 100).hexdigest(),
        "encoding": "chunked",
    }


async def test_an_unread_body_does_not_disturb_the_next_request(server):
    """CVE-2022-29361: the content of an unread body is no request."""
    smuggled = b"GET /fail HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"POST /release HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
        b"GET /state HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (len(smuggled), smuggled)
    )
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()

    # A server may close the connection instead of reading on.
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) in ([b"204"], [b"204", b"200"])


def pieces_of_a_form(cut):
    """Return the pieces in which a request with a form is sent."""
    head = b"Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    whole = head + b"Content-Length: 8\r\n\r\n"
    return {
        "at once": [whole + b"name=ada"],
        "late": [whole, b"name=ada"],
        "by bytes": [whole, *[b"%c" % byte for byte in b"name=ada"]],
        "chunked": [head + b"Transfer-Encoding: chunked\r\n\r\n8\r\nname=ada\r\n0\r\n\r\n"],
        "chunked, late": [
            head + b"Transfer-Encoding: chunked\r\n\r\n",
            b"8\r\nname=ada\r\n0\r\n\r\n",
        ],
    }[cut]


async def head_and_body(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    return head, await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))


@pytest.mark.parametrize("cut", ["at once", "late", "by bytes", "chunked", "chunked, late"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", (b"500", b"The body of POST '/form/of-an-extension' was read synchronously")),
        (b"?await", (b"200", b'"ada"')),
    ],
    ids=["synchronous", "awaited before"],
)
async def test_a_synchronous_read_returns_the_same_however_the_body_arrives(
    server, cut, query, expected
):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    answering = asyncio.create_task(head_and_body(reader))
    writer.write(b"POST /form/of-an-extension%s HTTP/1.1\r\n" % query)
    for piece in pieces_of_a_form(cut):
        if not answering.done():  # A server may close a connection whose response is complete.
            writer.write(piece)
            await asyncio.sleep(0.02)
    head, body = await asyncio.wait_for(answering, PATIENCE)
    writer.close()

    assert (head.split()[1], expected[1] in body) == (expected[0], True)


# -- streamed responses ----------------------------------------------------------------------------


async def test_a_stream_is_sent_piece_by_piece(client):
    async with client.stream("GET", "/stream") as response:
        pieces = response.aiter_text()
        assert await anext(pieces) == "first"
        await client.post("/release")
        assert "".join([piece async for piece in pieces]) == "second"


async def test_a_stream_ends_when_its_client_disconnects(server):
    """The body and the teardown functions end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"/endless"), PATIENCE)
    assert "end of /endless" not in server.noted()
    writer.transport.abort()

    await server.will_note("end of /endless")
    await server.will_note("teardown of /endless")


async def test_a_slow_client_gets_the_whole_stream_and_the_app_waits_for_it(server, client):
    """The app produces only what the buffers on the way can hold."""
    count = 1024  # of 64 KiB each
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**16)
    writer.write(b"GET /large/%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % count)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    assert head.startswith(b"HTTP/1.1 200")
    before, ahead = -1, int((await client.get("/produced")).text)
    while before != ahead:
        await asyncio.sleep(0.1)
        before, ahead = ahead, int((await client.get("/produced")).text)
    length = 0
    while piece := await asyncio.wait_for(reader.read(2**16), PATIENCE):
        length += len(piece)
    writer.close()

    assert ahead < count
    assert length >= count * len(PIECE)


# -- websockets ------------------------------------------------------------------------------------


async def test_a_websocket_echoes_text_and_bytes(server):
    """An empty binary message stays binary (Quart 0.22 fails here; Autobahn 1.2.1)."""
    messages = ["text ü", "", b"bytes", b"", "x" * 100_000, os.urandom(100_000)]
    async with connect(server, "/echo?name=one", subprotocols=["other", "chat"]) as websocket:
        assert websocket.subprotocol == "chat"
        if server.name not in WITHOUT_ACCEPT_HEADERS:
            assert websocket.response.headers["X-Path"] == "/echo"
        for message in messages:
            await websocket.send(message)
            assert await asyncio.wait_for(websocket.recv(), PATIENCE) == message
    await server.will_note("end of one")


async def test_a_websocket_is_closed_with_code_and_reason(server):
    async with connect(server, "/echo?name=two", subprotocols=["chat"]) as websocket:
        await websocket.send("close")
        with pytest.raises(websockets.ConnectionClosed, match="4001"):
            await asyncio.wait_for(websocket.recv(), PATIENCE)

        assert (websocket.close_code, websocket.close_reason) == (4001, "as you wish")
    await server.will_note("end of two")


async def test_a_websocket_view_ends_when_its_client_disconnects(server):
    async with connect(server, "/echo?name=gone", subprotocols=["chat"]) as websocket:
        await websocket.send("x")
        await asyncio.wait_for(websocket.recv(), PATIENCE)
        websocket.transport.abort()

        await server.will_note("end of gone")


@pytest.mark.parametrize("kind", ["beside", "alone"])
@pytest.mark.parametrize("leaves", ["close", "abort"])
async def test_a_websocket_view_that_waits_for_a_queue_ends_with_its_client(server, kind, leaves):
    async with connect(server, f"/queue/{kind}?name={leaves}") as websocket:
        await websocket.send("first")
        await websocket.send("second")
        if leaves == "abort":
            websocket.transport.abort()
    await server.will_note(f"end of queue {kind} {leaves}")


@pytest.mark.parametrize(("path", "status"), [("/refused", 401), ("/nowhere", 404)])
async def test_a_websocket_is_refused_with_an_http_response(server, path, status):
    """ASGI: Websocket Denial Response, which all of these servers know."""
    with pytest.raises(websockets.InvalidStatus, match="rejected") as caught:
        async with connect(server, path):
            pass

    assert caught.value.response.status_code == status


# -- background tasks ------------------------------------------------------------------------------


async def test_a_background_task_goes_on_after_the_response(server, client):
    answer = await client.post("/background?name=one&seconds=0.05")

    assert (answer.status_code, answer.text) == (202, "accepted")
    await server.will_note("task one")


# -- app.run ---------------------------------------------------------------------------------------


def test_run_serves_https_in_debug_mode(tmp_path):
    """The traceback page of debug mode is sent over TLS with the given certificate."""
    trust = ssl.create_default_context(cafile=PEM)
    trust.check_hostname = False
    with running(f"served.py {{port}} {PEM} {PEM}", tmp_path, "https") as server:
        with httpx.Client(verify=trust, trust_env=False, timeout=PATIENCE) as client:
            answer = client.get(f"{server.url}/async/x")
            failed = client.get(f"{server.url}/fail")
        status = server.stop()

    assert json.loads(answer.text)["url"] == f"{server.url}/async/x"
    assert failed.status_code == 500
    assert "RuntimeError: meant to fail" in failed.text
    assert status == 0
    assert server.noted()[-1] == "after_serving"
    log = server.log.read_text()
    assert "Serving 'served' (debug mode: on)" in log
    assert log.count(f"127.0.0.1:{server.port}") == 1


# -- debug mode ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVERS)
async def test_in_debug_mode_a_function_that_blocks_the_loop_is_logged(name, tmp_path):
    command = SERVERS[name].replace("served", "served_debug")
    with running(command, tmp_path) as server:
        async with httpx.AsyncClient(**OPTIONS) as client:
            assert (await client.get(server.url)).text == "done"
        async with connect(server, "/") as connection:
            await connection.send("go")
            assert await connection.recv() == "done"
        log = server.log.read_text()

    assert re.findall(r"event loop was blocked for \d+ ms by the view '(\w+)'", log) == [
        "blocking_view",
        "blocking_chat",
    ]
