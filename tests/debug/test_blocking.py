"""In debug mode, functions that block the event loop for over 100 ms are named in the log."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time

import pytest

import asyncflask.flask
from asyncflask import Flask, current_app, websocket
from asyncflask.debug import blocking
from asyncflask.debug.blocking import LIMIT, LoopWatch, StackFrame, describe
from asyncflask.testing import TestClient

LONG = LIMIT * 1.6


@pytest.fixture(params=[Flask, asyncflask.flask.Flask], ids=["async API", "facade"])
def app(request):
    return debugged(request.param)


@pytest.fixture
def async_app():
    return debugged(Flask)


def debugged(cls):
    app = cls(f"blocking_{cls.__module__.replace('.', '_')}", static_folder=None)
    app.debug = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


async def named(app, caplog, path="/", calls=1):
    """Request a path, and return the functions that the warnings name."""
    with caplog.at_level(logging.WARNING, app.name):
        for _ in range(calls):
            await TestClient(app, app.response_class).get(path)
    return names(caplog)


def names(caplog):
    return [
        name
        for record in caplog.records
        if "event loop was blocked" in record.message
        for name in re.findall(r"the (view|function) '([\w.<>]+)' \(", record.message)
    ]


def local(name):
    """Return the qualified name of a function of the calling test."""
    import sys

    return f"{sys._getframe(1).f_code.co_qualname}.<locals>.{name}"


async def test_a_view_that_blocks_is_named(app, caplog):
    @app.get("/")
    async def report():
        time.sleep(LONG)
        return "done"

    assert await named(app, caplog) == [("view", local("report"))]


async def test_the_warning_says_how_long_where_and_what_to_write(async_app, caplog):
    @async_app.get("/<name>")
    async def report(name):
        time.sleep(LONG)
        return "done"

    await named(async_app, caplog, "/a%0Ab")
    text = caplog.records[-1].message
    line = report.__code__.co_firstlineno

    assert LONG * 1000 <= int(re.search(r"blocked for (\d+) ms", text)[1]) < 3000

    assert f"{local('report')}' ({__file__}:{line + 2}), in GET '/a\\nb'" in text

    assert "`await run_sync(function)(...)`" in text


async def test_each_step_between_awaits_counts_for_itself(async_app, caplog):
    @async_app.get("/short-steps")
    async def short_steps():
        for _ in range(6):
            time.sleep(LIMIT * 0.25)
            await asyncio.sleep(0)
        return "done"

    @async_app.get("/two-long-steps")
    async def two_long_steps():
        time.sleep(LONG)
        await asyncio.sleep(0)
        time.sleep(LONG)
        return "done"

    assert await named(async_app, caplog, "/short-steps") == []

    assert (
        await named(async_app, caplog, "/two-long-steps") == [("view", local("two_long_steps"))] * 2
    )


async def test_awaits_and_def_functions_do_not_block(app, caplog):
    @app.get("/waits")
    async def waits():
        await asyncio.sleep(LONG)
        return "done"

    @app.get("/def")
    def off_the_loop():
        time.sleep(LONG)
        return "done"

    assert await named(app, caplog, "/waits") + await named(app, caplog, "/def") == []


async def test_a_computation_is_named_too(async_app, caplog):
    @async_app.get("/")
    async def computes():
        end = time.perf_counter() + LONG
        while time.perf_counter() < end:
            pass
        return "done"

    assert await named(async_app, caplog) == [("view", local("computes"))]


def block_until_seen():
    """Block until the watching thread has looked at the stack, on a busy machine as well."""
    until = time.monotonic() + 10
    time.sleep(LONG)
    while not blocking.watch_here().samples and time.monotonic() < until:
        time.sleep(0.01)


async def test_hooks_and_handlers_are_named(app, caplog):
    @app.before_request
    async def before():
        block_until_seen()

    @app.after_request
    async def after(response):
        block_until_seen()
        return response

    @app.teardown_request
    async def teardown(error):
        block_until_seen()

    @app.errorhandler(LookupError)
    async def handler(error):
        block_until_seen()
        return "handled"

    @app.get("/")
    async def view():
        raise LookupError

    here = local("")
    expected = [("function", here + name) for name in ("before", "handler", "after", "teardown")]

    assert await named(app, caplog) == expected


async def test_a_function_that_a_view_calls_counts_as_the_view(async_app, caplog):
    def query():
        time.sleep(LONG)

    @async_app.get("/")
    async def report():
        query()
        return "done"

    assert await named(async_app, caplog) == [("view", local("report"))]


async def test_a_streamed_body_is_named(async_app, caplog):
    @async_app.get("/")
    async def stream():
        return pieces()

    async def pieces():
        yield "one"
        time.sleep(LONG)
        yield "two"

    assert await named(async_app, caplog) == [("function", local("pieces"))]


async def test_a_websocket_view_is_named(app, caplog):
    @app.websocket("/ws")
    async def chat():
        await websocket.accept()
        await websocket.receive()
        time.sleep(LONG)
        await websocket.send("done")

    with caplog.at_level(logging.WARNING, app.name):
        async with TestClient(app, app.response_class).websocket("/ws") as connection:
            await connection.send("go")
            await connection.receive()

    assert names(caplog) == [("view", local("chat"))]


async def test_a_coroutine_that_a_def_function_runs_on_the_loop_is_named(async_app, caplog):
    async def query():
        time.sleep(LONG)
        return "done"

    @async_app.get("/")
    def report():
        return current_app.ensure_sync(query)()

    async_app.dispatch_request = lambda: Flask.dispatch_request(async_app)

    assert await named(async_app, caplog) == [("function", local("query"))]


@pytest.mark.parametrize("around", ["middleware", "mounted", "debugger"])
async def test_it_is_named_once_whatever_is_around_the_app(async_app, caplog, around):
    @async_app.get("/")
    async def report():
        time.sleep(LONG)
        return "done"

    outer, path = async_app, "/"
    if around == "middleware":
        inner = async_app.asgi_app

        async def middleware(scope, receive, send):
            await inner(scope, receive, send)

        async_app.asgi_app = middleware
    elif around == "mounted":
        outer, path = debugged(Flask), "/below/"
        outer.mount("/below", async_app)
    else:
        async_app.use_debugger = True
    await named(outer, caplog, path)

    assert names(caplog) == [("view", local("report"))]


async def test_outside_of_debug_mode_nothing_is_watched(app, caplog, monkeypatch):
    monkeypatch.setattr(blocking, "_timed", None)
    app.debug = False

    @app.get("/")
    async def report():
        time.sleep(LONG)
        return "done"

    assert await named(app, caplog) == []


async def test_debug_mode_may_be_switched_on_while_the_app_runs(async_app, caplog):
    async_app.debug = False

    @async_app.get("/")
    async def report():
        time.sleep(LONG)
        return "done"

    assert await named(async_app, caplog) == []

    async_app.debug = True

    assert await named(async_app, caplog) == [("view", local("report"))]


async def test_a_cancelled_view_is_cancelled_under_the_clock(async_app):
    ended = []

    @async_app.get("/")
    async def view():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await TestClient(async_app, async_app.response_class).get("/")

    assert ended == [True]


def test_without_a_sample_the_view_is_named():
    """C code that holds the GIL cannot be sampled by another thread."""

    def view():
        pass

    text = describe(0.5, [], "GET '/'", view)

    assert f"by the view '{view.__qualname__}'" in text

    assert "by code that serves it" in describe(0.5, [], "GET '/'", None)


def test_our_own_code_is_not_named_as_a_function_of_the_app():
    ours = StackFrame("asyncflask.dispatch.make_response", describe.__code__, 1)

    assert "by code that serves it" in describe(0.5, [[ours]], "GET '/'", None)


def test_the_watching_thread_ends_when_it_has_nothing_to_do(monkeypatch):
    monkeypatch.setattr(blocking, "IDLE", 0.02)
    watch = LoopWatch()
    for _ in range(2):  # The thread is started again.
        watch.begin()
        watch.end()
        thread = watch._thread
        thread.join(5)

        assert not thread.is_alive()

    assert threading.current_thread() is not thread
