"""TestConnection: a request in steps, and a response as it arrives."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask.app import Flask
from asyncflask.globals import g, request


@pytest.fixture
def app():
    app = Flask(__name__)
    app.testing = True
    return app


@pytest.fixture
def client(app):
    return app.test_client()


def ticking(app, closed, wait=0.0):
    @app.get("/")
    async def view():
        async def body():
            try:
                number = 0
                while True:
                    yield f"{number};"
                    number += 1
                    await asyncio.sleep(wait)
            finally:
                closed.append(True)

        return body()


async def test_an_endless_response_is_read_as_it_comes(app, client):
    closed = []
    ticking(app, closed)
    async with client.request("/") as connection:
        chunks = [await connection.receive() for _ in range(3)]

        assert chunks == [b"0;", b"1;", b"2;"]
        assert connection.status_code == 200
        assert connection.headers["Content-Type"] == "text/html; charset=utf-8"
    assert closed == [True]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_stream_that_waits_is_ended_at_once(app, client):
    """The app is told of the disconnect at once, not when it writes again."""
    closed = []
    ticking(app, closed, wait=60)
    async with asyncio.timeout(0.9):
        async with client.request("/") as connection:
            await connection.receive()

    assert closed == [True]


async def test_iteration_ends_with_the_response(app, client):
    @app.get("/")
    async def view():
        async def body():
            yield "a"
            yield ""
            yield "b"

        return body()

    async with client.request("/") as connection:
        assert [chunk async for chunk in connection] == [b"a", b"b"]
        assert await connection.receive() == b""


async def test_the_body_is_sent_in_pieces(app, client):
    @app.post("/")
    async def view():
        return b"|".join([chunk async for chunk in request.body])

    async with client.request("/", method="POST") as connection:
        await connection.send(b"a")
        await connection.send(b"b")
        await connection.send_complete()
    response = await connection.as_response()

    assert response.data == b"a|b"


async def test_leaving_completes_the_body_and_reads_the_response(app, client):
    @app.post("/")
    async def view():
        return await request.get_data()

    async with client.request("/", method="POST") as connection:
        await connection.send(b"a")
    response = await connection.as_response()

    assert (response.status_code, response.data) == (200, b"a")


async def test_a_body_may_be_given_at_once(app, client):
    @app.post("/")
    async def view():
        return (await request.get_json())["a"]

    async with client.request("/", method="POST", json={"a": "b"}) as connection:
        with pytest.raises(RuntimeError, match="after the request body was complete"):
            await connection.send(b"more")
    assert (await connection.as_response()).text == "b"


async def test_a_client_may_disconnect_while_it_sends(app, client):
    seen = []

    @app.post("/")
    async def view():
        try:
            await request.get_data()
        except Exception as error:
            seen.append(type(error).__name__)
            raise

    async with client.request("/", method="POST") as connection:
        await connection.send(b"half")
        await connection.disconnect()

    assert seen == ["ClientDisconnected"]


async def test_an_error_of_the_view_is_raised_by_receive(app, client):
    @app.get("/")
    async def view():
        raise ZeroDivisionError("view")

    async with client.request("/") as connection:
        with pytest.raises(ZeroDivisionError, match="view"):
            await connection.receive()


async def test_cookies_are_kept(app, client):
    @app.get("/")
    async def view():
        return "", {"Set-Cookie": "a=b"}

    async with client.request("/"):
        pass

    assert client.get_cookie("a").value == "b"


async def test_the_context_stays_after_the_connection(app, client):
    @app.get("/")
    async def view():
        g.x = 1
        return ""

    async with client:
        async with client.request("/"):
            pass

        assert g.x == 1


async def test_early_hints_are_listed(app, client):
    async def asgi_app(scope, receive, send):
        await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app.asgi_app = asgi_app
    async with client.request("/", http_version="2") as connection:
        pass

    assert connection.early_hints == ["</a.css>; rel=preload"]


async def test_what_arrived_before_the_client_left_is_kept(app, client):
    @app.get("/")
    async def view():
        async def body():
            yield "a"
            yield "b"
            await asyncio.sleep(60)

        return body()

    async with client.request("/") as connection:
        await connection.receive()
        await asyncio.sleep(0.01)

    assert (await connection.as_response()).text == "ab"


async def test_messages_of_other_extensions_are_ignored(app, client):
    async def asgi_app(scope, receive, send):
        await send({"type": "http.response.debug", "info": {}})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a"})

    app.asgi_app = asgi_app
    response = await client.get("/", scope_base={"extensions": {"http.response.debug": {}}})

    assert response.text == "a"


async def test_a_large_response_is_complete(app, client):
    """More than the connection buffers at a time."""

    @app.get("/")
    async def view():
        async def body():
            for _ in range(40):
                yield b"x" * 100_000

        return body()

    assert len((await client.get("/")).data) == 4_000_000


@pytest.mark.parametrize("headers", [{}, {"headers": None}], ids=["absent", "None"])
async def test_a_mounted_app_may_answer_without_headers(app, client, headers):
    async def mounted(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, **headers})
        await send({"type": "http.response.body", "body": b"hello"})

    app.mount("/plain", mounted)

    assert (await client.get("/plain/")).text == "hello"
