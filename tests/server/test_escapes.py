"""A ``BaseException`` of an app: its client gets a response, and the server goes on.

A cancellation by the server (shutdown) is distinguished from one inside the app.
"""

from __future__ import annotations

import asyncio
import sys

import pytest

from asyncflask import Flask, Response, has_request_context, request, websocket
from asyncflask.flask import Flask as Facade
from asyncflask.server import Config
from asyncflask.testing.wire import WireClient

from .apps import GET, QUIET, UPGRADE, App


class Stop(BaseException):
    """A ``BaseException``, as test tools and job runners define them."""


async def await_cancelled():
    job = asyncio.create_task(asyncio.sleep(60))
    job.cancel()
    await job


async def fail_with(error):
    raise error


#: What a view does, `async def`; each is called for a coroutine.
ENDS = {
    "a task that it awaits is cancelled": await_cancelled,
    "CancelledError": lambda: fail_with(asyncio.CancelledError("by hand")),
    "SystemExit": lambda: fail_with(SystemExit(3)),
    "KeyboardInterrupt": lambda: fail_with(KeyboardInterrupt()),
    "GeneratorExit": lambda: fail_with(GeneratorExit()),
    "one of its own": lambda: fail_with(Stop("own")),
}
#: The same for `def`, without the first.
ERRORS = {
    "CancelledError": asyncio.CancelledError("by hand"),
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "GeneratorExit": GeneratorExit(),
    "one of its own": Stop("own"),
}


def app_of(make=Flask):
    app = make("shop")

    @app.get("/well")
    async def well():
        return "well"

    return app


async def is_answered_500(app, caplog, request=GET):
    """Check that the client gets a 500, the log names the app, and the next request is answered."""
    async with WireClient(app, QUIET) as wire:
        await wire.send(request)
        answer = await wire.receive()

        other = wire.connect()
        await other.send(GET.replace(b"/ ", b"/well "))
        assert (await other.receive()).endswith(b"well")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "Exception on / [GET]" in caplog.text or "The app at GET '/' failed." in caplog.text
    return True


# -- HTTP ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("make", [Flask, Facade], ids=["async", "facade"])
async def test_an_async_view(caplog, make, end):
    app = app_of(make)

    @app.get("/")
    async def view():
        await end()

    assert await is_answered_500(app, caplog)


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("make", [Flask, Facade], ids=["async", "facade"])
async def test_a_def_view(caplog, make, error):
    app = app_of(make)

    @app.get("/")
    def view():
        raise error

    assert await is_answered_500(app, caplog)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize(
    "register", ["before_request", "after_request", "teardown_request", "teardown_appcontext"]
)
async def test_a_hook(caplog, register, end):
    app = app_of()
    app.get("/")(app.view_functions["well"])

    @getattr(app, register)
    async def hook(response=None):
        if has_request_context() and request.path == "/":
            await end()
        return response

    assert await is_answered_500(app, caplog)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_an_error_handler(caplog, end):
    app = app_of()

    @app.errorhandler(404)
    async def missing(error):
        await end()

    assert await is_answered_500(app, caplog)


async def test_the_other_teardown_functions_run_all_the_same(caplog):
    app, seen = app_of(), []
    app.get("/")(lambda: "")
    app.teardown_appcontext(seen.append)

    @app.teardown_request
    async def leave(error):
        if request.path == "/":
            sys.exit("of a teardown function")

    assert await is_answered_500(app, caplog)
    assert seen == [None, None, None, None], "startup, two requests, shutdown"


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_stream_is_cut_off(caplog, end):
    app, closed = app_of(), []

    @app.get("/")
    async def view():
        async def pieces():
            try:
                yield "Hello"
                await end()
            finally:
                closed.append(True)

        return pieces()

    async with WireClient(app, QUIET) as wire:
        await wire.send(GET)
        answer = await wire.receive_all()
        assert wire.aborted
        await wire.finish()

    assert answer.endswith(b"\r\n\r\n5\r\nHello\r\n"), "no last chunk: the client sees the cut"
    assert closed == [True]
    assert "The app at GET '/' failed." in caplog.text


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_a_stream_of_a_def_generator_is_cut_off(caplog, error):
    app = app_of()

    @app.get("/")
    def view():
        def pieces():
            yield "Hello"
            raise error

        return Response(pieces())

    async with WireClient(app, QUIET) as wire:
        await wire.send(GET)
        assert (await wire.receive_all()).endswith(b"\r\n\r\n5\r\nHello\r\n")
        await wire.finish()

    assert "The app at GET '/' failed." in caplog.text


async def test_teardown_functions_get_the_exception():
    app, seen = app_of(), []
    app.teardown_request(seen.append)

    @app.get("/")
    async def view():
        await await_cancelled()

    async with WireClient(app, QUIET) as wire:
        await wire.send(GET)
        await wire.receive_all()

    assert [type(error) for error in seen] == [asyncio.CancelledError]


# -- websockets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_websocket_that_is_not_accepted_is_refused(caplog, end):
    app = app_of()

    @app.websocket("/chat")
    async def chat():
        await end()

    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 500 ")
        await wire.finish()
    assert "The app at GET '/chat' failed." in caplog.text


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("place", ["view", "hook"])
async def test_a_def_websocket_that_is_not_accepted_is_refused(caplog, place, error):
    app = app_of()

    def fail():
        raise error

    app.websocket("/chat")(fail if place == "view" else lambda: None)
    if place == "hook":
        app.before_websocket(fail)

    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize(
    ("accepts", "answer"), [(False, b"HTTP/1.1 500 "), (True, b"HTTP/1.1 101 ")]
)
async def test_a_websocket_view_that_cancels_itself(caplog, accepts, answer):
    app = app_of()

    @app.websocket("/chat")
    async def chat():
        if accepts:
            await websocket.accept()
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)

        assert (await wire.receive()).startswith(answer)
        await wire.finish()
    assert "The app at GET '/chat' was cancelled, and not by the server." in caplog.text


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_websocket_is_closed_with_1011(caplog, end):
    app = app_of()

    @app.websocket("/chat")
    async def chat():
        await websocket.accept()
        await end()

    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)
        answer = await wire.receive()

    assert answer.endswith(b"\x88\x02\x03\xf3"), "a close frame with 1011"
    assert "The app at GET '/chat' failed." in caplog.text


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_a_def_websocket_view_is_closed_with_1011(caplog, error):
    app = app_of()

    @app.websocket("/chat")
    def chat():
        websocket.send("Hello")
        raise error

    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)
        await wire.receive_until(b"Hello")

        assert await wire.receive() == b"\x88\x02\x03\xf3"


# -- any ASGI app ----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_an_app_of_another_kind(caplog, error):
    async def talk(receive, send):
        raise error

    async with WireClient(App(talk), QUIET) as wire:
        await wire.send(GET)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 500 ")
        assert not wire.running
    assert "The app at GET '/' failed." in caplog.text


async def test_an_app_that_cancels_its_own_request(caplog):
    async def talk(receive, send):
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    async with WireClient(App(talk), QUIET) as wire:
        await wire.send(GET)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 500 ")
    assert "The app at GET '/' was cancelled, and not by the server." in caplog.text


async def test_a_cancellation_by_the_server_is_not_an_error_of_the_app(served, caplog):
    begun = asyncio.Event()

    async def talk(receive, send):
        begun.set()
        await asyncio.sleep(60)

    server = await served(App(talk), Config(grace=0.05, access_log=False))
    asking = asyncio.create_task(server.ask(GET))
    await begun.wait()
    await server.end()
    await asking

    assert [record.getMessage() for record in caplog.records] == [
        "Cancelled what was still running after the grace: 1."
    ]


async def test_a_startup_whose_await_is_cancelled_has_failed(served):
    """The server waited for it without end."""
    app = app_of()
    app.before_serving(await_cancelled)

    with pytest.raises(RuntimeError, match=r"failed in startup\. EscapedError: lifespan\.startup"):
        await served(app)
