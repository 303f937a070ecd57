"""WireClient: bytes go both ways, the test moves the clock, and no task is left."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask.server.http_protocol import HTTPProtocol
from asyncflask.testing import WireClient

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
START = {"type": "http.response.start", "status": 200, "headers": []}


async def hello(scope, receive, send):
    """Say hello; there is no lifespan."""
    assert scope["type"] == "http"
    await answer(send, b"Hello")


async def echo(scope, receive, send):
    """Send the request's body back."""
    assert scope["type"] == "http"
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    await answer(send, body)


async def answer(send, body):
    await send(START)
    await send({"type": "http.response.body", "body": body})


def stream(pieces, size=1000):
    """Make an app that sends a number of pieces of a size, and counts them."""

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        app.sent = 0
        await send(START)
        for left in reversed(range(pieces)):
            message = {"type": "http.response.body", "body": b"x" * size, "more_body": left > 0}
            await send(message)
            app.sent += 1

    return app


async def test_a_request_gets_its_response():
    async with WireClient(hello) as wire:
        await wire.send(GET)
        head, _, body = (await wire.receive()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b"Hello"


@pytest.mark.parametrize("split", [1, 2, 7, 1000])
async def test_a_network_may_be_slow(split):
    async with WireClient(echo) as wire:
        await wire.send(POST + b"Hello", split=split)

        assert (await wire.receive()).endswith(b"Hello")


async def test_the_app_runs_until_it_waits_before_bytes_are_received():
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await send(START)
        for word in (b"Hel", b"lo"):
            await send({"type": "http.response.body", "body": word, "more_body": True})
            await asyncio.sleep(0.01)
        await send({"type": "http.response.body"})

    async with WireClient(app) as wire:
        await wire.send(GET)

        assert (await wire.receive()).endswith(b"3\r\nHel\r\n2\r\nlo\r\n0\r\n\r\n")


async def test_bytes_are_received_up_to_a_mark():
    async with WireClient(hello) as wire:
        await wire.send(GET)

        assert (await wire.receive_until(b"\r\n\r\n")).endswith(b"\r\n\r\n")
        assert await wire.receive() == b"Hello"


async def test_a_mark_that_never_comes_is_an_error():
    async with WireClient(hello) as wire:
        await wire.send(GET)
        await wire.half_close()
        with pytest.raises(EOFError, match=r"closed before it sent b'bye': b'HTTP/1\.1 200"):
            await wire.receive_until(b"bye")


async def test_everything_is_received_up_to_the_end():
    async with WireClient(hello) as wire:
        await wire.send(GET + GET)
        await wire.half_close()

        assert (await wire.receive_all()).count(b"HTTP/1.1 200") == 2
        assert wire.closed
        assert await wire.receive() == b""


async def test_the_address_of_the_client_is_the_tests():
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await answer(send, repr((scope["client"], scope["server"])).encode())

    async with WireClient(app, client=("10.1.2.3", 4)) as wire:
        await wire.send(GET)

        assert (await wire.receive()).endswith(b"(('10.1.2.3', 4), ('127.0.0.1', 80))")


async def test_nothing_to_receive_is_an_error_that_says_what_to_do():
    async with WireClient(echo) as wire:
        wire.patience = 0.01
        await wire.send(POST)
        with pytest.raises(TimeoutError, match=r"after 0\.01 s .*send\(\).*advance\(\)"):
            await wire.receive()


async def test_receiving_waits_for_bytes_that_come_later(monkeypatch):
    monkeypatch.setattr("asyncflask.testing.wire.REST", 0)
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await go_on.wait()
        await answer(send, b"Hello")

    async with WireClient(app) as wire:
        await wire.send(GET)
        asyncio.get_running_loop().call_later(0.01, go_on.set)

        assert (await wire.receive()).endswith(b"Hello")


# -- lifespan --------------------------------------------------------------------------------------


async def test_entering_and_leaving_run_the_lifespan():
    said = []

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await answer(send, scope["state"]["greeting"])
            return
        scope["state"]["greeting"] = b"Hello"
        for _ in range(2):
            said.append((await receive())["type"])
            await send({"type": f"{said[-1]}.complete"})

    async with WireClient(app) as wire:
        await wire.send(GET)
        assert (await wire.receive()).endswith(b"Hello")
        assert said == ["lifespan.startup"]

    assert said == ["lifespan.startup", "lifespan.shutdown"]


async def test_several_connections_share_the_app():
    async with WireClient(hello) as wire:
        other = wire.connect()
        await other.send(GET)
        await wire.send(GET)

        assert (await other.receive()).endswith(b"Hello")
        assert (await wire.receive()).endswith(b"Hello")
        assert wire.connections == 2


async def test_leaving_disconnects_and_waits_for_the_app():
    heard = []

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await receive()
        heard.append((await receive())["type"])

    async with WireClient(app) as wire:
        await wire.send(GET)
        assert wire.running == 1

    assert heard == ["http.disconnect"]
    assert wire.running == 0


async def test_an_app_that_does_not_end_is_cancelled(monkeypatch):
    monkeypatch.setattr("asyncflask.testing.wire.GRACE", 0.01)
    ended = []

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async with WireClient(app) as wire:
        await wire.send(GET)

    assert ended == [True]


async def test_a_context_that_the_test_pushes_is_not_seen_by_the_server():
    import contextvars

    variable = contextvars.ContextVar("variable", default=b"outside")

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await answer(send, variable.get())

    async with WireClient(app) as wire:
        variable.set(b"inside")
        await wire.send(GET)

        assert (await wire.receive()).endswith(b"outside")


# -- the clock -------------------------------------------------------------------------------------


async def test_the_clock_stops_until_the_test_moves_it():
    async with WireClient(hello) as wire:
        await wire.send(GET[:5])
        await wire.advance(9.9)
        assert not wire.closed
        await wire.advance(0.2)

        assert (await wire.receive()).startswith(b"HTTP/1.1 408")


async def test_events_within_a_long_time_come_in_order():
    """After 30 s a websocket is pinged, after 60 s it is closed."""
    async with WireClient(websocket_app) as wire:
        await wire.send(UPGRADE)
        await wire.receive_until(b"\r\n\r\n")
        await wire.advance(100)

        assert await wire.receive() == b"\x89\x00"
        assert wire.aborted


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def websocket_app(scope, receive, send):
    assert scope["type"] == "websocket"
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


# -- clients that disconnect, or do not read -------------------------------------------------------


async def test_a_client_may_close_its_half_and_read_on():
    async with WireClient(echo) as wire:
        await wire.send(POST + b"Hello")
        await wire.half_close()

        assert (await wire.receive_all()).endswith(b"Hello")


async def test_a_client_that_closes_its_sending_side_gets_its_response():
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await go_on.wait()
        await answer(send, b"Hello")

    async with WireClient(app) as wire:
        await wire.send(GET)
        await wire.half_close()
        go_on.set()

        assert (await wire.receive_all()).endswith(b"Hello")


async def test_a_client_may_disconnect():
    async with WireClient(echo) as wire:
        await wire.send(POST)
        await wire.disconnect()

        assert wire.closed
        assert (wire.running, wire.connections) == (0, 0)


async def test_the_end_of_the_apps_work_is_waited_for(monkeypatch):
    monkeypatch.setattr("asyncflask.testing.wire.REST", 0)
    done, go = [], asyncio.Event()

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await go.wait()
        done.append(True)

    async with WireClient(app) as wire:
        await wire.send(GET)
        await wire.disconnect()
        assert not done
        go.set()
        await wire.finish()

        assert done


async def test_work_that_does_not_end_is_an_error(monkeypatch):
    monkeypatch.setattr("asyncflask.testing.wire.REST", 0)
    monkeypatch.setattr("asyncflask.testing.wire.GRACE", 0)

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await asyncio.sleep(60)

    async with WireClient(app) as wire:
        wire.patience = 0.01
        await wire.send(GET)
        with pytest.raises(TimeoutError, match=r"1 requests are still running after 0\.01 seconds"):
            await wire.finish()


async def test_nothing_can_be_sent_once_the_connection_is_closed():
    async with WireClient(hello) as wire:
        await wire.disconnect()
        await wire.disconnect()
        with pytest.raises(BrokenPipeError, match=r"b'GET / .* is closed, or not open yet"):
            await wire.send(GET)


async def test_nothing_can_be_sent_before_it_is_open():
    with pytest.raises(BrokenPipeError, match="not open"):
        await WireClient(hello).send(GET)


async def test_an_app_waits_for_a_client_that_does_not_read():
    app = stream(pieces=1000)

    async with WireClient(app) as wire:
        wire.hold()
        await wire.send(GET)
        assert 60 <= app.sent < 70
        assert 64_000 < wire.unsent < 70_000
        await wire.release()
        await wire.receive_until(b"0\r\n\r\n")

        assert (app.sent, wire.unsent) == (1000, 0)


async def test_a_client_may_read_a_little_at_a_time():
    app = stream(pieces=100)

    async with WireClient(app) as wire:
        wire.hold()
        await wire.send(GET)
        await wire.release(10_000)
        assert len(await wire.receive()) == 10_000
        assert app.sent < 70
        await wire.release(60_000)

        assert app.sent == 100


async def test_a_client_that_does_not_read_receives_nothing():
    async with WireClient(hello) as wire:
        wire.hold()
        await wire.send(GET)
        with pytest.raises(RuntimeError, match=r"has not read since hold\(\)"):
            await wire.receive()


async def test_bytes_that_a_paused_server_does_not_read_stay_in_the_network():
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await go_on.wait()
        while (await receive())["more_body"]:
            pass
        await answer(send, b"Hello")

    go_on = asyncio.Event()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"

    async with WireClient(app) as wire:
        await wire.send(head + b"x" * 1_000_000)
        assert 400_000 < wire.unread < 800_000
        go_on.set()

        assert (await wire.receive()).endswith(b"Hello")
        assert wire.unread == 0


async def test_stopping_closes_idle_connections_and_finishes_responses():
    async with WireClient(echo) as wire:
        idle = wire.connect()
        await wire.send(POST)
        await wire.stop()
        assert idle.closed
        assert not wire.closed
        await wire.send(b"Hello")

        assert (await wire.receive_all()).endswith(b"Hello")


# -- errors of the server --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["data_received", "connection_lost"])
async def test_an_error_of_the_server_is_raised(monkeypatch, method):
    def broken(self, argument):
        raise ZeroDivisionError(method)

    monkeypatch.setattr(HTTPProtocol, method, broken)

    with pytest.raises(ZeroDivisionError, match=method):
        async with WireClient(hello) as wire:
            await wire.send(GET)
            await wire.disconnect()


async def test_an_error_of_the_test_replaces_one_of_the_server(monkeypatch):
    def broken(self, argument):
        raise ZeroDivisionError

    monkeypatch.setattr(HTTPProtocol, "connection_lost", broken)

    with pytest.raises(LookupError, match="test"):
        async with WireClient(hello):
            raise LookupError("test")
