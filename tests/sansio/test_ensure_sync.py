"""Functions that are made sync or async."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from asyncflask import Flask


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


async def test_sync_and_async_functions_can_be_called_either_way(app):
    async def on_the_loop(n):
        return n, threading.get_ident()

    def off_the_loop(n):
        return n, threading.get_ident()

    me = threading.get_ident()
    assert await app.ensure_async(on_the_loop)(1) == (1, me)
    assert (await app.ensure_async(off_the_loop)(n=2))[1] != me
    assert (await app.sync_to_async(off_the_loop)(3))[0] == 3
    assert (await asyncio.to_thread(app.ensure_sync(on_the_loop), 4))[0] == 4
    assert app.ensure_async(on_the_loop) is on_the_loop
    assert app.ensure_sync(off_the_loop) is off_the_loop


def test_an_async_function_that_calls_back_may_be_called_without_a_server_again_and_again(app):
    """Each call has a loop of its own; a worker leased for it is released at its end."""

    async def ask():
        return await app.ensure_async(threading.get_ident)()

    with app.app_context():
        answers = [app.ensure_sync(ask)() for _ in range(3)]

    assert len(answers) == 3
    assert (app.workers.busy, app.workers.parked) == (0, 0)


async def test_a_thread_that_a_def_view_has_started_uses_the_servers_loop(app):
    async def ident():
        return threading.get_ident()

    @app.get("/")
    def view():
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as threads:
            return str(threads.submit(context.run, app.ensure_sync(ident)).result())

    response = await app.test_client().get("/")

    assert int(response.get_data()) == threading.get_ident()


async def test_an_async_function_called_synchronously_on_a_running_loop_says_to_await(app):
    async def function():
        pass

    with pytest.raises(RuntimeError, match=r"Await it: `await current_app\.ensure_async"):
        app.ensure_sync(function)()
