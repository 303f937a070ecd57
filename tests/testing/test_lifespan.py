"""TestApp: startup, the state for the requests, shutdown, and errors."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask.app import Flask
from asyncflask.globals import request
from asyncflask.sse import event_stream
from asyncflask.testing import LifespanError, TestApp, TestClient


class Bare:
    """An ASGI app with a lifespan only, which does what ``script`` says."""

    def __init__(self, *script):
        self.script = script

    async def __call__(self, scope, receive, send):
        for step in self.script:
            if isinstance(step, Exception):
                raise step
            if step == "receive":
                await receive()
            elif step == "wait":
                await asyncio.sleep(60)
            else:
                await send({"type": f"lifespan.{step}", "message": "why"})

    def test_client(self, use_cookies=True, **kwargs):
        return TestClient(self, None, use_cookies, **kwargs)


async def test_serving_functions_run_around_the_block():
    app = Flask(__name__)
    events = []
    app.before_serving(lambda: events.append("before"))
    app.after_serving(lambda: events.append("after"))
    app.get("/")(lambda: "served")

    async with app.test_app() as running:
        events.append((await running.test_client().get("/")).text)

    assert events == ["before", "served", "after"]


async def test_requests_get_a_copy_of_the_state():
    """ASGI, Lifespan State: a shallow copy for each connection."""
    app = Flask(__name__)

    @app.before_serving
    async def fill():
        app.lifespan_state["pool"] = "p"

    @app.get("/")
    async def view():
        request.scope["state"]["mine"] = 1
        return request.scope["state"]["pool"]

    async with app.test_app() as running:
        assert (await running.test_client().get("/")).text == "p"
        assert running.state == {"pool": "p"}


async def test_an_error_at_startup_is_raised():
    error = ZeroDivisionError("startup")

    with pytest.raises(ZeroDivisionError, match="startup"):
        async with TestApp(Bare("receive", error)):
            pass


async def test_an_error_that_was_reported_and_raised_is_raised():
    app = Bare("receive", "startup.failed", ZeroDivisionError("startup"))

    with pytest.raises(ZeroDivisionError, match="startup"):
        async with TestApp(app):
            pass


async def test_a_failure_that_was_only_reported_has_its_reason():
    with pytest.raises(LifespanError, match=r"The startup of .* failed: why"):
        async with TestApp(Bare("receive", "startup.failed")):
            pass


async def test_a_failing_before_serving_function_fails_the_test(caplog):
    app = Flask(__name__)

    @app.before_serving
    async def fail():
        raise ZeroDivisionError("no database")

    with pytest.raises(ZeroDivisionError, match="no database"):
        async with app.test_app():
            pass


async def test_a_failure_at_shutdown_is_raised():
    app = Bare("receive", "startup.complete", "receive", "shutdown.failed")

    with pytest.raises(LifespanError, match=r"The shutdown of .* failed: why"):
        async with TestApp(app):
            pass


async def test_an_error_after_shutdown_is_raised():
    error = ZeroDivisionError("late")
    app = Bare("receive", "startup.complete", "receive", "shutdown.complete", error)

    with pytest.raises(ZeroDivisionError, match="late"):
        async with TestApp(app):
            pass


async def test_an_app_that_ends_without_a_message_is_an_error_that_says_so():
    with pytest.raises(LifespanError, match="ended during startup without"):
        async with TestApp(Bare("receive")):
            pass


@pytest.mark.parametrize(
    ("script", "step"),
    [(["receive", "wait"], "startup"), (["receive", "startup.complete", "wait"], "shutdown")],
)
async def test_a_step_that_takes_too_long_is_cancelled(script, step):
    with pytest.raises(TimeoutError, match=f"The {step} of .* took longer than 0.01 s"):
        async with TestApp(Bare(*script), startup_timeout=0.01, shutdown_timeout=0.01):
            pass

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_timeout_of_the_app_is_not_taken_for_ours():
    with pytest.raises(TimeoutError, match="database"):
        async with TestApp(Bare("receive", TimeoutError("database"))):
            pass


async def test_startup_and_shutdown_may_be_called():
    app = Flask(__name__)
    running = app.test_app()
    await running.startup()
    with pytest.raises(RuntimeError, match="called while the app is running"):
        await running.startup()
    await running.shutdown()

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_shutdown_needs_a_startup():
    with pytest.raises(RuntimeError, match="is not running"):
        await TestApp(Bare()).shutdown()


async def test_event_streams_work_after_the_app_was_stopped():
    """A test may send requests to an app that another test has started and stopped."""
    app = Flask(__name__)

    @app.get("/events")
    async def events():
        async def words():
            yield "Hello"

        return event_stream(words())

    async with app.test_app() as running:
        app.stopping.set()
        stopped = await running.test_client().get("/events")
    started = await app.test_client().get("/events")

    assert stopped.text.startswith("retry:")
    assert started.text == "data: Hello\n\n"


async def test_a_test_app_is_entered_by_async_with_alone():
    app = Flask("shop")
    with pytest.raises(TypeError, match=r"Write `async with app\.test_app\(\) as running:`"):
        with app.test_app():
            pass
    with pytest.raises(TypeError, match=r"Write `async with app\.test_app\(\) as running:`"):
        await app.test_app()
