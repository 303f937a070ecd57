"""The table of scope types: requests and websockets in the same pipeline, with their own parts."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from asyncflask import (
    Flask,
    Request,
    WebsocketDisconnect,
    abort,
    g,
    got_websocket_exception,
    request,
    session,
    websocket,
    websocket_finished,
    websocket_started,
)
from asyncflask.dispatch.overrides import NAMES
from asyncflask.dispatch.scope_types import HTTP, WEBSOCKET


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)
    app.secret_key = "x"
    app.testing = True
    return app


STEPS = ["full_dispatch", "preprocess", "dispatch", "finalize", "process", "handle_exception"]


@pytest.mark.parametrize("scope_type", [HTTP, WEBSOCKET], ids=["http", "websocket"])
@pytest.mark.parametrize("step", [*STEPS, "do_teardown"])
def test_each_step_of_a_row_is_a_method_that_may_be_replaced(scope_type, step):
    name = getattr(scope_type, step)

    assert name in NAMES
    assert callable(getattr(Flask, name))


def test_no_part_of_one_row_is_in_the_other(app):
    for field in dataclasses.fields(HTTP):
        if field.name not in ("answer_required", "endings", "websocket"):
            assert getattr(HTTP, field.name) is not getattr(WEBSOCKET, field.name), field.name
    assert HTTP.before(app) is app.before_request_funcs
    assert WEBSOCKET.teardown(app) is app.teardown_websocket_funcs


async def test_all_parts_of_a_websocket_run_in_order(app):
    order = []
    app.before_request(lambda: order.append("request hook"))

    @app.before_websocket
    def before():
        order.append("before")
        g.x = session.get("k", "g")

    @app.before_websocket
    async def async_before():
        order.append("async before")

    @app.after_websocket
    async def after(response):
        order.append(f"after {response}")

    app.teardown_websocket(lambda error: order.append(f"teardown {error}"))

    @app.websocket("/ws/<name>")
    async def view(name):
        await websocket.accept()
        order.append(name + g.x)
        await websocket.send("bye")

    kept = []
    for signal in (websocket_started, websocket_finished):
        kept.append(lambda sender, _name=signal.name, **extra: order.append(_name))
        signal.connect(kept[-1], app)
    async with app.test_client().websocket("/ws/ann") as connection:
        assert await connection.receive() == "bye"

    assert order == [
        "websocket-started",
        "before",
        "async before",
        "anng",
        "after None",
        "websocket-finished",
        "teardown None",
    ]


async def test_a_before_websocket_that_answers_rejects_the_handshake(app):
    app.before_websocket(lambda: ("no entry", 403))
    app.websocket("/ws")(lambda: None)

    with pytest.raises(Exception, match="403"):
        async with app.test_client().websocket("/ws") as connection:
            await connection.receive()


async def test_abort_in_a_websocket_goes_to_the_error_handlers(app):
    app.errorhandler(404)(lambda error: ("handled", 410))

    @app.websocket("/ws")
    async def view():
        abort(404)

    with pytest.raises(Exception, match="410"):
        async with app.test_client().websocket("/ws") as connection:
            await connection.receive()


async def test_a_disconnect_ends_a_view_quietly(app):
    ran = []

    @app.websocket("/ws")
    async def view():
        await websocket.accept()
        try:
            while True:
                await websocket.receive()
        except WebsocketDisconnect as error:
            ran.append(error.code)
            raise

    app.after_websocket(lambda response: ran.append("after"))
    app.teardown_websocket(lambda error: ran.append(f"teardown {error}"))
    heard = []
    receiver = lambda sender, **extra: heard.append(1)  # noqa: E731
    with got_websocket_exception.connected_to(receiver, app):
        async with app.test_client().websocket("/ws") as connection:
            await connection.send("x")

    assert ran[1:] == ["after", "teardown None"]
    assert heard == []


async def test_a_disconnect_inside_a_task_group_ends_a_view_quietly(app):
    ran = []

    @app.websocket("/ws")
    async def view():
        async with asyncio.TaskGroup() as group:
            group.create_task(websocket.receive())
            group.create_task(asyncio.sleep(60))

    app.after_websocket(lambda response: ran.append("after"))
    app.teardown_websocket(lambda error: ran.append(f"teardown {error}"))
    heard = []
    receiver = lambda sender, **extra: heard.append(1)  # noqa: E731
    with got_websocket_exception.connected_to(receiver, app):
        async with app.test_client().websocket("/ws"):
            pass

    assert ran == ["after", "teardown None"]
    assert heard == []


async def test_a_rule_for_both_is_two_rules(app):
    app.get("/x")(lambda: "http")

    @app.websocket("/x", endpoint="ws")
    async def view():
        await websocket.accept()
        await websocket.send("websocket")

    client = app.test_client()
    async with client.websocket("/x") as connection:
        message = await connection.receive()

    assert message == "websocket"
    assert (await client.get("/x")).text == "http"


@pytest.mark.parametrize("keyword", ["def", "async"])
async def test_a_request_is_of_the_class_that_the_app_names(app, keyword):
    class Own(Request):
        @property
        def shouted(self):
            return self.path.upper()

    async def view():
        return request.shouted

    app.request_class = Own
    app.add_url_rule("/tea", "tea", view)
    app.before_request((lambda: None) if keyword == "def" else view)

    assert (await app.test_client().get("/tea")).text == "/TEA"
