"""RESPONSE_TIMEOUT, `response.timeout` and BODY_TIMEOUT: kept, and never silent."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask.quart import Quart, Response, request


@pytest.fixture
def app():
    return Quart("tests", root_path=".")


def stream(wait):
    async def chunks():
        yield b"begun"
        await asyncio.sleep(wait)
        yield b"ended"

    return chunks()


async def test_a_stream_that_takes_too_long_is_an_error_that_says_so(app):
    app.config["RESPONSE_TIMEOUT"] = 0.01

    @app.get("/")
    async def index():
        return stream(60)

    with pytest.raises(TimeoutError, match=r"not sent within 0\.01 s.*response\.timeout = None"):
        await app.test_client().get("/")


async def test_a_response_has_a_timeout_of_its_own(app):
    app.config["RESPONSE_TIMEOUT"] = 0.001

    @app.get("/<kind>")
    async def index(kind):
        response = Response(stream(0.05))
        response.timeout = None if kind == "none" else 60
        return response

    for path in ("/none", "/longer"):
        response = await app.test_client().get(path)
        assert await response.get_data() == b"begunended"


async def test_a_stream_of_a_def_view_that_takes_too_long_is_an_error(app):
    app.config["RESPONSE_TIMEOUT"] = 0.001

    @app.get("/")
    def index():
        def chunks():
            import time

            for _ in range(1000):
                time.sleep(0.01)
                yield b"x"

        return chunks()

    with pytest.raises(TimeoutError, match="RESPONSE_TIMEOUT"):
        await app.test_client().get("/")


async def test_the_body_of_a_stream_that_was_cut_is_closed(app):
    closed = []
    app.config["RESPONSE_TIMEOUT"] = 0.01

    @app.get("/")
    async def index():
        async def chunks():
            try:
                yield b"begun"
                await asyncio.sleep(60)
            finally:
                closed.append(True)

        return chunks()

    with pytest.raises(TimeoutError, match="cut off"):
        await app.test_client().get("/")
    assert closed == [True]


async def test_a_timeout_of_the_stream_itself_stays_what_it_is(app):
    @app.get("/")
    async def index():
        async def chunks():
            yield b"begun"
            async with asyncio.timeout(0.001):
                await asyncio.sleep(60)

        return chunks()

    with pytest.raises(TimeoutError, match=r"^$"):
        await app.test_client().get("/")


async def test_a_body_that_does_not_come_is_a_408(app):
    app.config["BODY_TIMEOUT"] = 0.01

    @app.post("/")
    async def index():
        return await request.get_data()

    async with app.test_client().request("/", method="POST") as connection:
        await connection.send(b"begun")
    response = await connection.as_response()

    assert response.status_code == 408


async def test_the_defaults_are_quarts(app):
    real = pytest.importorskip("quart", reason="the real Quart is not installed")
    own = {"BODY_IDLE_TIMEOUT", "WEBSOCKET_IDLE_TIMEOUT", "WEBSOCKET_CANCEL_ON_DISCONNECT"}
    ours = {key: app.config[key] for key in real.Quart("tests", root_path=".").config}

    assert ours == dict(real.Quart("tests", root_path=".").config)
    assert own < app.config.keys()
