"""ASGIConnection: messages go both ways, the specification is kept, and no task is left."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask import Flask
from asyncflask.testing import asgi_connection as module
from asyncflask.testing.asgi_connection import ASGIConnection, ClientDisconnected, IllegalMessage

START = {"type": "http.response.start", "status": 200, "headers": []}
LAST = {"type": "http.response.body", "body": b""}


def scope(kind="http", extensions=()):
    return {"type": kind, "path": "/", "extensions": {key: {} for key in extensions}}


def sending(*messages):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    return app


async def test_messages_go_both_ways():
    async def app(scope, receive, send):
        await send({**START, "status": int((await receive())["body"])})
        await send(LAST)

    async with ASGIConnection(app, scope()) as connection:
        connection.put({"type": "http.request", "body": b"201"})

        assert (await connection.take())["status"] == 201
        assert await connection.take() == LAST
        assert await connection.take() is None


async def test_an_error_of_the_app_is_raised_by_take():
    async def app(scope, receive, send):
        raise ZeroDivisionError("app")

    async with ASGIConnection(app, scope()) as connection:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError, match="app"):
                await connection.take()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_a_base_exception_is_raised_in_the_test(error):
    app = Flask("shop")

    @app.get("/")
    async def view():
        raise error("of the view")

    with pytest.raises(error, match="of the view"):
        await app.test_client().get("/")


async def test_an_error_that_was_not_received_is_raised_at_the_end():
    async def app(scope, receive, send):
        raise ZeroDivisionError("app")

    with pytest.raises(ZeroDivisionError, match="app"):
        async with ASGIConnection(app, scope()):
            pass


async def test_an_error_of_the_test_replaces_one_of_the_app():
    async def app(scope, receive, send):
        raise ZeroDivisionError("app")

    with pytest.raises(LookupError, match="test"):
        async with ASGIConnection(app, scope()):
            raise LookupError("test")


async def test_an_illegal_message_is_named_with_what_is_allowed():
    with pytest.raises(
        IllegalMessage,
        match=r"'http.response.body' was .* WAITING.*Allowed there: .*http.response.start",
    ):
        async with ASGIConnection(sending(LAST), scope()) as connection:
            await connection.take()


async def test_an_app_cannot_hide_an_illegal_message():
    async def app(scope, receive, send):
        try:
            await send(LAST)
        except Exception:
            await send(START)
            await send(LAST)

    with pytest.raises(IllegalMessage, match="WAITING"):
        async with ASGIConnection(app, scope()) as connection:
            await connection.finish()


async def test_a_denial_needs_the_extension():
    start = {"type": "websocket.http.response.start", "status": 401}

    with pytest.raises(IllegalMessage, match=r"does not offer .websocket\.http\.response."):
        async with ASGIConnection(sending(start), scope("websocket")) as connection:
            await connection.take()


async def test_an_extension_that_is_offered_may_be_used():
    start = {"type": "websocket.http.response.start", "status": 401}

    async with ASGIConnection(
        sending(start), scope("websocket", ["websocket.http.response"])
    ) as connection:
        assert await connection.take() == start
        assert connection.state == "DENYING"


async def test_messages_of_the_server_change_the_state():
    complete = {"type": "lifespan.startup.complete"}

    async with ASGIConnection(sending(complete), scope("lifespan")) as connection:
        connection.put({"type": "lifespan.startup"})

        assert await connection.take() == complete
        assert connection.state == "RUNNING"


async def test_a_malformed_message_is_refused():
    with pytest.raises(IllegalMessage, match="body='text'; it must be bytes"):
        async with ASGIConnection(sending(START, {**LAST, "body": "text"}), scope()) as connection:
            await connection.finish()


async def test_headers_may_be_a_generator():
    """ASGI allows any iterable; checking it must not consume it."""
    message = {**START, "headers": (pair for pair in [(b"a", b"b")])}

    async with ASGIConnection(sending(message, LAST), scope()) as connection:
        assert (await connection.take())["headers"] == [(b"a", b"b")]


async def test_receive_returns_a_disconnect_after_a_complete_response():
    seen = []

    async def app(scope, receive, send):
        await send(START)
        await send(LAST)
        seen.append(await receive())

    async with ASGIConnection(app, scope()) as connection:
        await connection.finish()

    assert seen == [{"type": "http.disconnect"}]


async def test_messages_come_before_the_disconnect_and_it_repeats():
    seen = []

    async def app(scope, receive, send):
        for _ in range(3):
            seen.append((await receive())["type"])

    async with ASGIConnection(app, scope("websocket")) as connection:
        connection.put({"type": "websocket.connect"})
        connection.disconnect(code=1001)

    assert seen == ["websocket.connect", "websocket.disconnect", "websocket.disconnect"]


async def test_sending_to_a_client_that_disconnected_is_an_os_error():
    async def app(scope, receive, send):
        await receive()
        with pytest.raises(OSError, match="after the client had disconnected"):
            await send(START)

    async with ASGIConnection(app, scope()) as connection:
        connection.disconnect()


async def test_an_app_that_does_not_catch_that_error_has_not_failed():
    async def app(scope, receive, send):
        await receive()
        await send(START)

    async with ASGIConnection(app, scope()) as connection:
        connection.disconnect()
        await connection.finish()

    assert connection.ended


async def test_an_app_that_writes_faster_than_it_is_read_waits(monkeypatch):
    monkeypatch.setattr(module, "HIGH_WATER", 1000)
    written = []

    async def app(scope, receive, send):
        await send(START)
        while True:
            await send({"type": "http.response.body", "body": b"x" * 100, "more_body": True})
            written.append(100)

    async with ASGIConnection(app, scope()) as connection:
        await connection.take()
        for _ in range(5):
            await connection.take()
        await asyncio.sleep(0)

        assert 500 <= sum(written) <= 1600


async def test_an_endless_stream_ends_when_the_client_leaves():
    async def app(scope, receive, send):
        await send(START)
        while True:
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})

    async with ASGIConnection(app, scope()) as connection:
        await connection.take()

    assert connection.ended
    assert not connection.overdue


async def test_an_app_that_does_not_notice_is_cancelled():
    cancelled = []

    async def app(scope, receive, send):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    connection = ASGIConnection(app, scope())
    connection.start()
    await asyncio.sleep(0)
    await connection.close(grace=0.01)

    assert cancelled == [True]
    assert connection.overdue
    connection.raise_error()


async def test_cancelling_the_test_cancels_the_app():
    ended = []

    async def app(scope, receive, send):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def test():
        async with ASGIConnection(app, scope()) as connection:
            await connection.take()

    running = asyncio.ensure_future(test())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert ended == [True]


async def test_gone_is_an_os_error():
    """ASGI, "Disconnected Client - send exception": a subclass of OSError."""
    assert issubclass(ClientDisconnected, OSError)


async def test_an_exchange_that_was_never_started_can_be_closed():
    connection = ASGIConnection(sending(), scope())
    await connection.close()
    await connection.finish()

    assert not connection.ended
