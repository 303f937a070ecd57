"""Startup and shutdown of an app."""

from __future__ import annotations

import pytest

from asyncflask import Flask, request


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


async def test_startup_and_shutdown_may_be_called_directly(app):
    ran = []
    app.before_serving(lambda: ran.append("before"))
    app.after_serving(lambda: ran.append("after"))
    await app.startup()
    await app.shutdown()

    assert ran == ["before", "after"]


async def test_an_app_that_is_started_twice_ends_what_each_startup_has_begun(app):
    """A test may start an app that a fixture keeps started."""
    ran, mounted = [], Flask("mounted")
    app.mount("/mounted", mounted)

    @app.while_serving
    @mounted.while_serving
    async def serving():
        number = ran.count("begin")
        ran.append("begin")
        yield
        ran.append(f"end {number}")

    async with app.test_app():
        async with app.test_app():
            pass
        assert ran == ["begin"] * 4 + ["end 3", "end 2"]

    assert sorted(ran[4:]) == ["end 0", "end 1", "end 2", "end 3"]


async def test_the_generators_of_a_startup_that_fails_do_not_count_for_the_next_one(app):
    ran, faults = [], [ValueError("not yet")]

    @app.while_serving
    async def serving():
        ran.append("begin")
        yield
        ran.append("end")

    @app.while_serving
    async def fail():
        if faults:
            raise faults.pop()
        yield

    with pytest.raises(ValueError, match="not yet"):
        await app.startup()
    async with app.test_app():
        pass

    assert ran == ["begin", "begin", "end"]


async def test_the_lifespans_state_may_be_filled_at_startup(app):
    @app.before_serving
    async def connect():
        app.lifespan_state["pool"] = "connected"

    @app.get("/")
    async def view():
        return request.scope["state"]["pool"]

    async with app.test_app() as running:
        assert (await running.test_client().get("/")).text == "connected"


async def test_the_shutdown_sets_stopping_where_the_server_has_not_said_it_before(app):
    seen = []
    app.after_serving(lambda: seen.append(app.stopping.is_set()))

    for _ in range(2):  # An app may be served again.
        async with app.test_app():
            assert not app.stopping.is_set()

    assert seen == [True, True]
