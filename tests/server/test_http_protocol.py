"""One connection: pipelined requests, how it is paused, and how it ends."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import socket
import ssl
import struct
import time

import pytest

from asyncflask.protocol.limits import Limits
from asyncflask.server import Config, listen, serve
from asyncflask.server.http_protocol import HTTPProtocol
from asyncflask.server.state import ServerState
from asyncflask.testing.memory_transport import MemoryTransport
from asyncflask.testing.wire import WireClient

from .apps import GET, LAST, MORE, QUIET, START, App, post

CLOSE = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


async def answer(receive, send):
    await send(START)
    await send({**LAST, "body": b"Hello"})


async def flood(receive, send):
    await send(START)
    while True:
        await send({**MORE, "body": b"x" * 50_000})


class Gate(App):
    """An app that responds when its gate is open, and counts its requests."""

    def __init__(self):
        super().__init__(self.wait)
        self.gate = asyncio.Event()
        self.asked = 0

    async def wait(self, receive, send):
        self.asked += 1
        await self.gate.wait()
        await answer(receive, send)


# -- scopes ----------------------------------------------------------------------------------------


async def test_a_scope_has_the_request_and_both_addresses():
    app = App(answer)
    config = Config(access_log=False, root_path="/shop")
    async with WireClient(app, config, client=("192.0.2.7", 1234)) as wire:
        await wire.send(b"GET /a%20b?c=%20d HTTP/1.0\r\nX-A: 1\r\nx-a: 2\r\n\r\n")
        await wire.receive_all()

    scope = app.scope
    del scope["extensions"], scope["state"]
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.0",
        "method": "GET",
        "scheme": "http",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c=%20d",
        "root_path": "/shop",
        "headers": [(b"x-a", b"1"), (b"x-a", b"2")],
        "client": ("192.0.2.7", 1234),
        "server": ("127.0.0.1", 80),
    }


async def test_what_an_app_changes_in_a_scope_is_not_in_the_next_one():
    seen = []

    async def change(receive, send):
        seen.append((list(app.scope["extensions"]), dict(app.scope["state"])))
        app.scope["extensions"].clear()
        app.scope["state"]["user"] = "a"
        await answer(receive, send)

    app = App(change)
    async with WireClient(app, QUIET) as wire:
        await wire.send(GET + GET)
        await wire.receive()

    assert seen[0] == seen[1]
    assert "http.response.pathsend" in seen[1][0]


async def test_an_app_without_a_lifespan_has_no_state():
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        scopes.append(scope)
        await answer(receive, send)

    scopes = []
    async with WireClient(app, QUIET) as wire:
        await wire.send(GET)
        await wire.receive()

    assert "state" not in scopes[0]


async def test_a_unix_socket_has_no_addresses(served, tmp_path, caplog):
    caplog.set_level(logging.INFO, "asyncflask.access")
    app = App(answer)
    server = await served(app, Config(), host=f"unix:{tmp_path / 'app.sock'}")

    assert b"Hello" in await server.ask(CLOSE)
    assert (app.scope["client"], app.scope["server"]) == (None, None)
    assert "- - - [" in caplog.text


# -- pipelined requests ----------------------------------------------------------------------------


async def test_a_pipelined_request_waits_for_the_end_of_the_response_before_it():
    app = Gate()
    async with WireClient(app, QUIET) as wire:
        await wire.send(GET + GET)
        assert app.asked == 1
        app.gate.set()

        assert (await wire.receive()).count(b"HTTP/1.1 200 ") == 2
    assert app.asked == 2


async def test_a_malformed_pipelined_request_is_answered_after_the_others():
    app = Gate()
    async with WireClient(app, QUIET) as wire:
        await wire.send(GET + b"nonsense\r\n\r\n" + GET)
        app.gate.set()
        output = await wire.receive_all()

    assert output.count(b"HTTP/1.1 ") == 2
    assert output.index(b"HTTP/1.1 200 ") < output.index(b"HTTP/1.1 400 ")


async def test_a_pipelined_head_has_the_same_timeout_as_the_first():
    app = Gate()
    async with WireClient(app, Config(access_log=False, limits=Limits(header_timeout=5))) as wire:
        await wire.send(GET + GET[:9])
        await wire.advance(60)
        assert not wire.closed, "The client waits for the app, not the other way round."
        app.gate.set()
        await wire.receive_until(b"Hello")
        await wire.advance(6)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 408 ")


async def test_reading_resumes_when_the_pipelined_requests_are_answered():
    app = Gate()
    async with WireClient(app, Config(access_log=False, body_queue=1000)) as wire:
        await wire.send(GET * 500, split=1000)
        assert wire.unread > 10_000
        app.gate.set()
        output = b""
        while output.count(b"Hello") < 500:
            output += await wire.receive()

        assert wire.unread == 0
    assert app.asked == 500


# -- the end ---------------------------------------------------------------------------------------


async def test_a_connection_that_comes_while_the_server_stops_is_closed():
    async with WireClient(App(answer), QUIET) as wire:
        await wire.stop()
        late = wire.connect()

        assert await late.receive_all() == b""
        assert wire.connections == 0


async def test_a_server_that_stops_closes_idle_connections_and_finishes_responses():
    app = Gate()
    async with WireClient(app, QUIET) as wire:
        idle = wire.connect()
        await wire.send(GET + GET)
        await wire.stop()
        assert await idle.receive_all() == b""
        app.gate.set()
        output = await wire.receive_all()

    assert output.count(b"HTTP/1.1 200 ") == 1
    assert b"\r\nconnection: close\r\n" in output
    assert app.asked == 1


async def test_a_refused_connection_is_named_in_the_log(caplog):
    async with WireClient(App(answer), Config(access_log=False, connections=1)) as wire:
        other = wire.connect()
        await other.send(GET)

        refused = await other.receive_all()
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: " in refused
        await other.half_close()
        assert wire.connections == 1, "What was refused does not count for long."
    assert "A connection was refused: 1 are open already." in caplog.text


async def test_a_client_that_was_cut_off_and_reads_on_does_not_harm_the_server():
    app = App(flood)
    async with WireClient(app, Config(access_log=False, write_timeout=20)) as wire:
        wire.hold()
        await wire.send(GET)
        await wire.advance(21)
        await wire.finish()
        await wire.release()

        assert wire.aborted
        assert wire.connections == 0
    assert isinstance(app.error, OSError)


async def test_a_slow_client_that_breaks_the_protocol_gets_the_refusal():
    """The refusal follows what was written before, and is not cut off while the client reads."""
    big = {**LAST, "body": b"x" * 300_000}

    async def large(receive, send):
        await send(START)
        await send(big)

    config = Config(access_log=False, write_timeout=20, close_timeout=5)
    async with WireClient(App(large), config) as wire:
        wire.hold()
        await wire.send(GET + b"nonsense\r\n\r\n")
        for _ in range(20):
            await wire.advance(4)
            await wire.release(15_000)
            assert not wire.aborted
        await wire.release()
        output = await wire.receive_all()

    assert b"HTTP/1.1 400 " in output[-300:]


async def test_a_response_that_fails_after_an_unread_body_is_a_500():
    async def fail(receive, send):
        raise LookupError("lost")

    async with WireClient(App(fail), QUIET) as wire:
        await wire.send(post(b"He", b"Content-Length: 5"))
        output = await wire.receive_all()
        await wire.send(b"llo" + GET)

        assert output.count(b"HTTP/1.1 ") == 1
        assert output.startswith(b"HTTP/1.1 500 ")
        await wire.half_close()
        assert wire.connections == 0


# -- real sockets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"])
async def test_a_refusal_over_tls_is_complete(served, certificate, sent):
    """TLS cannot be closed in one direction only."""
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(certificate)
    client_side = ssl.create_default_context(cafile=certificate)
    server = await served(App(answer), Config(ssl=server_side, access_log=False))

    output = await server.ask(sent, ssl=client_side, server_hostname="localhost")

    head, _, body = output.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 "))
    assert b"content-length: %d" % len(body) in head


async def test_a_refusal_reaches_a_client_that_has_more_to_send(served):
    """A connection closed with unread bytes is reset, and the response lost. (:rfc:`9112` §9.6.)"""
    server = await served(App(answer), Config(access_log=False, close_timeout=2))
    reader, writer = await server.connect()
    writer.write(b"nonsense\r\n\r\n" + b"x" * 200_000)
    await writer.drain()
    output = await reader.read()
    writer.close()

    assert output.startswith(b"HTTP/1.1 400 ")
    assert output.endswith(b"\n")


# -- clients that reset before they are accepted ---------------------------------------------------


@pytest.mark.parametrize("data", [GET, b"nonsense\r\n\r\n", b""])
async def test_a_client_without_an_address_is_not_served(data):
    """Uvloop asks the system for it late, when the client may have reset the connection."""
    app = App(answer)
    transport = MemoryTransport(None)
    connection = HTTPProtocol(ServerState(app, QUIET))
    transport.open(connection, contextvars.copy_context())
    connection.data_received(data)
    connection.eof_received()
    await asyncio.sleep(0)

    assert transport.aborted
    assert app.scope is None


async def test_with_uvloop_a_client_that_resets_has_its_address_or_is_not_served():
    uvloop = pytest.importorskip("uvloop")
    seen = []

    async def note(scope, receive, send):
        assert scope["type"] == "lifespan" or seen.append(scope["client"][0]) is None
        time.sleep(0.2)  # Meanwhile the next client connects and disconnects.

    def ask(port):
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        for client in clients:
            client.sendall(GET)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    async def main():
        stop, ready = asyncio.Event(), asyncio.Event()
        listener = listen("127.0.0.1", 0)
        config = Config(access_log=False, grace=0.5)
        serving = asyncio.create_task(serve(note, [listener], config, stop=stop, ready=ready.set))
        await ready.wait()
        await asyncio.to_thread(ask, listener.getsockname()[1])
        await asyncio.sleep(0.5)
        stop.set()
        await serving

    await asyncio.to_thread(uvloop.run, main())
    assert set(seen) <= {"127.0.0.1"}
