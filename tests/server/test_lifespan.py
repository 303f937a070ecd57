"""Lifespan: an app starts, stops, reports a failure, or does not support it."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask.protocol.asgi_state import IllegalMessage
from asyncflask.server.lifespan import Lifespan, LifespanFailed


def _app(*steps):
    """An app that answers each message it receives with the next of ``steps``."""

    async def app(scope, receive, send):
        for step in steps:
            await receive()
            await send(step)

    return app


def _message(kind, **details):
    return {"type": f"lifespan.{kind}", **details}


async def test_startup_and_shutdown_are_sent_in_order():
    heard = []

    async def app(scope, receive, send):
        for _ in range(2):
            kind = (await receive())["type"]
            heard.append(kind)
            await send({"type": f"{kind}.complete"})

    lifespan = Lifespan(app)
    await lifespan.start()
    await lifespan.stop(1)

    assert heard == ["lifespan.startup", "lifespan.shutdown"]


async def test_the_state_is_passed_to_requests():
    async def app(scope, receive, send):
        scope["state"]["pool"] = 5
        await receive()
        await send(_message("startup.complete"))
        await receive()
        await send(_message("shutdown.complete"))

    lifespan = Lifespan(app)
    await lifespan.start()
    await lifespan.stop(1)

    assert (lifespan.supported, lifespan.state) == (True, {"pool": 5})


async def test_an_app_that_cannot_start_says_why():
    lifespan = Lifespan(_app(_message("startup.failed", message="No database.")))
    with pytest.raises(LifespanFailed, match=r"failed in startup\. No database\."):
        await lifespan.start()


async def test_an_app_that_cannot_stop_says_why():
    lifespan = Lifespan(
        _app(_message("startup.complete"), _message("shutdown.failed", message="Disk full."))
    )
    await lifespan.start()
    with pytest.raises(LifespanFailed, match=r"failed in shutdown\. Disk full\."):
        await lifespan.stop(1)


async def test_an_app_without_a_lifespan_is_served_without():
    async def app(scope, receive, send):
        raise TypeError("only http here")

    lifespan = Lifespan(app)
    await lifespan.start()
    await lifespan.stop(1)

    assert lifespan.supported is False


async def test_a_shutdown_that_takes_too_long_is_cancelled_and_named():
    async def app(scope, receive, send):
        await receive()
        await send(_message("startup.complete"))
        await asyncio.sleep(1000)

    lifespan = Lifespan(app)
    await lifespan.start()
    with pytest.raises(LifespanFailed, match=r"more than 0\.01 seconds and was cancelled"):
        await lifespan.stop(0.01)


async def test_an_app_that_ends_in_its_shutdown_is_named():
    async def app(scope, receive, send):
        await receive()
        await send(_message("startup.complete"))
        await receive()

    lifespan = Lifespan(app)
    await lifespan.start()
    with pytest.raises(LifespanFailed, match="ended in the middle of its shutdown"):
        await lifespan.stop(1)


async def test_an_app_that_sends_an_unexpected_message_gets_an_error():
    told = []

    async def app(scope, receive, send):
        await receive()
        await send(_message("startup.complete"))
        try:
            await send(_message("shutdown.complete"))
        except IllegalMessage as error:
            told.append(str(error))
        await receive()
        await send(_message("shutdown.complete"))

    lifespan = Lifespan(app)
    await lifespan.start()
    await lifespan.stop(1)

    assert "in state RUNNING" in told[0]


class Stop(BaseException):
    """A ``BaseException``, as test tools and job runners define them."""


@pytest.mark.parametrize("error", [Stop("own"), GeneratorExit(), asyncio.CancelledError()])
async def test_an_app_without_a_lifespan_may_raise_what_is_no_exception(error):
    async def app(scope, receive, send):
        raise error

    lifespan = Lifespan(app)
    async with asyncio.timeout(5):
        await lifespan.start()
        await lifespan.stop(1)

    assert (lifespan.supported, lifespan.error) == (False, error)


@pytest.mark.parametrize("error", [LookupError("pool"), Stop("own")])
async def test_an_error_while_the_app_is_served_is_in_the_log(caplog, error):
    async def app(scope, receive, send):
        await receive()
        await send(_message("startup.complete"))
        raise error

    lifespan = Lifespan(app)
    await lifespan.start()
    await asyncio.sleep(0)
    await lifespan.stop(1)

    assert caplog.messages == ["The app's lifespan failed while the app was served."]
    assert caplog.records[0].exc_info[1] is error
