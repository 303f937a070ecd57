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
