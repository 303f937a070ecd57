"""hypercorn behind `asyncflask run --server hypercorn`: its log, its TLS, its shutdown."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
from typing import Any

import pytest

from asyncflask.cli.hypercorn import _Config, _log_loop_error, _Logger
from asyncflask.cli.serve import serve_locally
from tests.conftest import StartProgram

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ssl.SSLError()])
def test_closed_connections_are_not_reported(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.new_event_loop()

    _log_loop_error(loop, {"message": "connection", "exception": error})
    _log_loop_error(loop, {"message": "a bug", "exception": ValueError("bug")})
    loop.close()

    assert [record.message.splitlines()[0] for record in caplog.records] == ["a bug"]


def test_ready_ssl_context_is_used() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    config = _Config()
    assert not config.ssl_enabled

    config.ssl_context = context

    assert config.ssl_enabled
    assert config.create_ssl_context() is context


def test_control_characters_do_not_reach_the_log() -> None:
    from hypercorn import Config

    request = {
        "type": "http",
        "method": "GET",
        "path": "/\n127.0.0.1 \x1b[2J",
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "client": None,
    }

    atoms = _Logger(Config()).atoms(request, None, 0.0)

    assert atoms["Uq"] == r"/\n127.0.0.1 \x1b[2J"
    assert atoms["h"] is None


async def ends_itself(scope: Any, receive: Any, send: Any) -> None:
    """An app that sends its own process a signal after startup."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def test_it_serves_until_a_signal_comes(capfd: pytest.CaptureFixture[str]) -> None:
    serve_locally(ends_itself, "127.0.0.1", 0, server="hypercorn")

    assert "Running on http" in capfd.readouterr().err


STUCK = """
import asyncio, socket, time
from asyncflask import Flask
from asyncflask.cli.hypercorn import serve_with_hypercorn

app = Flask("program")

@app.get("/thread")
def thread():
    print("begun", flush=True)
    time.sleep(60)

@app.get("/swallow")
async def swallow():
    print("begun", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

@app.get("/unread")
async def unread():
    print("begun", flush=True)
    return b"x" * 50_000_000

@app.get("/unread_stream")
async def unread_stream():
    async def pieces():
        print("begun", flush=True)
        while True:
            yield b"x" * 1_000_000
    return pieces()

@app.after_serving
def down():
    print("down", flush=True)

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
serve_with_hypercorn(app, listener, grace=0.5)
print("end", flush=True)
"""


@pytest.mark.parametrize("path", ["/thread", "/swallow", "/unread", "/unread_stream"])
def test_the_server_ends_though_a_view_or_client_does_not(
    start_program: StartProgram, path: str
) -> None:
    program = start_program("-c", STUCK, errors=True)
    port = int(program.output.line())
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert program.output.line() == "begun\n"
        program.send_signal(signal.SIGTERM)
        output = program.wait()

    assert program.returncode == 0, program.errors.rest()
    assert [line for line in output.splitlines() if not line.startswith("[")] == ["down", "end"]
