"""`def` functions of a websocket, which Quart cannot await, end when the client leaves."""

from __future__ import annotations

import asyncio
import threading

import pytest

from asyncflask.exceptions import WebsocketDisconnect
from asyncflask.quart import Quart, websocket


@pytest.fixture
def app():
    return Quart(__name__)


async def leave_after_one_message(app, ended):
    async with app.test_client().websocket("/") as connection:
        await connection.send("hello")
        assert await connection.receive() == "hello"
    assert await asyncio.to_thread(ended.wait, 10)


async def test_a_loop_over_the_messages_ends_quietly(app, caplog):
    ended = threading.Event()

    @app.websocket("/")
    def view():
        for message in websocket:
            websocket.send(message)
        ended.set()

    await leave_after_one_message(app, ended)

    assert caplog.text == ""


@pytest.mark.parametrize("how", ["receive", "send"])
async def test_a_call_raises_the_disconnect(app, how):
    ended = threading.Event()
    errors = []

    @app.websocket("/")
    def view():
        websocket.send(websocket.receive())
        try:
            while True:
                websocket.receive() if how == "receive" else websocket.send("more")
        except WebsocketDisconnect as error:
            errors.append(error.code)
            raise
        finally:
            ended.set()

    await leave_after_one_message(app, ended)

    assert errors == [1005]


async def test_a_hook_before_an_async_view_ends(app):
    ended = threading.Event()

    @app.before_websocket
    def read_all():
        for message in websocket:
            websocket.send(message)
        ended.set()

    @app.websocket("/")
    async def view():
        raise AssertionError("The client has left.")

    await leave_after_one_message(app, ended)


async def test_an_async_function_that_a_def_view_waits_for_is_cancelled(app):
    ended = threading.Event()
    errors = []

    async def echo():
        while True:
            await websocket.send(await websocket.receive())

    @app.websocket("/")
    def view():
        try:
            app.ensure_sync(echo)()
        except (asyncio.CancelledError, WebsocketDisconnect) as error:
            errors.append(error)
            raise
        finally:
            ended.set()

    await leave_after_one_message(app, ended)

    assert len(errors) == 1
