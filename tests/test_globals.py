"""The proxies: their objects in ``def`` and ``async def``, and their errors without a context."""

from __future__ import annotations

import pytest

import asyncflask
from asyncflask import (
    Flask,
    Request,
    app_ctx,
    current_app,
    g,
    request,
    request_ctx,
    session,
    websocket,
)
from asyncflask._contextvars import current
from asyncflask.ctx import _AppCtxGlobals
from asyncflask.exceptions import OutOfContext, UnawaitedAccess
from asyncflask.wrappers import SyncRequest


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)
    app.testing = True
    app.secret_key = "x"
    return app


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("current_app", "application"),
        ("g", "application"),
        ("app_ctx", "application"),
        ("request", "request"),
        ("session", "request"),
        ("request_ctx", "request"),
        ("websocket", "websocket"),
    ],
)
def test_outside_of_a_context_a_proxy_says_where_it_can_be_used(name, kind):
    proxy = getattr(asyncflask, name, None) or getattr(asyncflask.globals, name)

    with pytest.raises(OutOfContext, match=f"outside of {kind} context: `{name}`.*async with app"):
        proxy.anything
    assert not proxy
    assert "unbound" in repr(proxy)


def test_out_of_context_is_flasks_runtime_error():
    with pytest.raises(RuntimeError, match="outside of request context"):
        request.path


async def test_proxies_stand_for_the_current_objects(app):
    async with app.test_request_context("/") as ctx:
        assert current_app == app
        assert current_app._get_current_object() is app
        assert app_ctx._get_current_object() is current() is ctx
        assert request_ctx._get_current_object() is ctx
        assert request._get_current_object() is ctx.request
        assert session._get_current_object() is ctx.session
        assert g._get_current_object() is ctx.g


async def test_an_async_view_gets_the_awaitable_request_and_a_def_view_flasks(app):
    app.get("/def")(lambda: type(request._get_current_object()).__name__)

    @app.get("/async")
    async def view():
        return type(request._get_current_object()).__name__

    client = app.test_client()

    assert (await client.get("/def")).text == SyncRequest.__name__
    assert (await client.get("/async")).text == Request.__name__


async def test_flasks_request_is_read_without_await_in_a_def_view(app):
    @app.post("/")
    def view():
        return {"form": request.form["name"], "isinstance": isinstance(request, SyncRequest)}

    response = await app.test_client().post("/", data={"name": "ann"})

    assert response.json == {"form": "ann", "isinstance": True}


async def test_a_def_hook_and_an_async_view_share_the_body(app):
    seen = []

    @app.before_request
    def before():
        seen.append(request.form["name"])

    @app.post("/")
    async def view():
        return (await request.form)["name"]

    @app.after_request
    def after(response):
        seen.append(request.form["name"])
        return response

    response = await app.test_client().post("/", data={"name": "ann"})

    assert response.text == "ann"
    assert seen == ["ann", "ann"]


async def test_reading_without_await_in_an_async_view_names_the_fix(app):
    @app.post("/")
    async def view():
        return request.form["name"]

    with pytest.raises(UnawaitedAccess, match=r"await request\.form"):
        await app.test_client().post("/", data={"name": "ann"})


async def test_request_attributes_may_be_set(app):
    @app.before_request
    async def before():
        request.user = "ann"

    @app.get("/")
    async def view():
        return request.user

    assert (await app.test_client().get("/")).text == "ann"


async def test_sync_and_async_functions_share_the_session(app):
    app.before_request(lambda: session.update(a=1))

    @app.get("/")
    async def view():
        session["b"] = 2
        return dict(session)

    @app.get("/read")
    def read():
        return dict(session)

    client = app.test_client()

    assert (await client.get("/")).json == {"a": 1, "b": 2}
    assert (await client.get("/read")).json == {"a": 1, "b": 2}


@pytest.mark.parametrize("name", ["send", "receive", "path"])
async def test_websocket_in_a_request_is_an_error_that_says_so(app, name):
    with pytest.raises(OutOfContext, match="Working outside of websocket context"):
        getattr(websocket, name)
    async with app.test_request_context("/"):
        with pytest.raises(OutOfContext, match="Working outside of websocket context"):
            getattr(websocket, name)


async def test_iterating_over_websocket_in_a_request_is_an_error_that_says_so(app):
    async with app.test_request_context("/"):
        with pytest.raises(OutOfContext, match="Working outside of websocket context"):
            async for _ in websocket:
                pass
        with pytest.raises(OutOfContext, match="Working outside of websocket context"):
            iter(websocket)


async def test_a_send_that_was_kept_belongs_to_its_own_websocket(app):
    """A chat keeps `websocket.send` of each client, and one view calls them all."""
    sends = []

    @app.websocket("/ws")
    async def talk():
        sends.append(websocket.send)
        async for message in websocket:
            for send in sends:
                await send(message)

    client = app.test_client()
    async with client.websocket("/ws") as first:
        await first.send("1")
        assert await first.receive() == "1"
        async with client.websocket("/ws") as second:
            await second.send("2")
            assert await second.receive() == "2"
        assert await first.receive() == "2"


async def test_a_def_view_has_the_synchronous_websocket_by_every_name(app):
    seen = []

    @app.websocket("/ws")
    def talk():
        seen.append((websocket.receive(), websocket.path))
        websocket.send("done")

    async with app.test_client().websocket("/ws") as connection:
        await connection.send("a")
        assert await connection.receive() == "done"

    assert seen == [("a", "/ws")]


async def test_request_is_missing_in_a_websocket_and_websocket_in_a_request(app):
    seen = []

    @app.websocket("/ws")
    async def view():
        await websocket.accept()
        seen.append((bool(request), bool(websocket), websocket.path))

    @app.get("/")
    async def plain():
        return str((bool(request), bool(websocket)))

    client = app.test_client()
    async with client.websocket("/ws") as connection:
        await connection.close()
    response = await client.get("/")

    assert seen == [(False, True, "/ws")]
    assert response.text == "(True, False)"


async def test_a_custom_g_is_kept_even_if_it_is_falsy(app):
    class Empty(_AppCtxGlobals):
        def __len__(self):
            return 0

    app.app_ctx_globals_class = Empty

    async with app.app_context():
        g.name = "Ada"
        assert (g.name, g.get("name"), len(g)) == ("Ada", "Ada", 0)


async def test_the_repr_of_a_served_context_is_that_of_a_context(app):
    @app.get("/")
    async def show():
        return repr(request_ctx._get_current_object())

    assert (await app.test_client().get("/")).text == "<Context of 'tests.test_globals': GET '/'>"
