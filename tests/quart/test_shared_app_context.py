"""What a test's client asks for has the app context that the test has pushed."""

from __future__ import annotations

import asyncio

import pytest


@pytest.fixture
def ended(quart, app):
    """What the teardown functions of the app context found in `g`."""
    seen = []

    @app.teardown_appcontext
    async def end(error):
        seen.append(quart.g.get("user"))

    return seen


@pytest.fixture(autouse=True)
def view(quart, app):
    @app.get("/")
    async def who():
        found = quart.g.get("user")
        quart.g.user = "the view's"
        return str(found)


@pytest.mark.parametrize("kind", ["app_context", "test_request_context"])
async def test_a_request_shares_g_with_the_test(quart, app, client, ended, kind):
    context = app.app_context() if kind == "app_context" else app.test_request_context("/there")
    async with context:
        quart.g.user = "Ada"
        response = await client.get("/")

        assert await response.get_data() == b"Ada"
        assert quart.g.user == "the view's"
        assert ended == []
    assert ended == ["the view's"]


async def test_a_websocket_shares_g_with_the_test(quart, app, client):
    @app.websocket("/ws")
    async def chat():
        await quart.websocket.send(quart.g.user)

    async with app.app_context():
        quart.g.user = "Ada"
        async with client.websocket("/ws") as connection:
            assert await connection.receive() == "Ada"


@pytest.mark.parametrize("kind", ["get", "websocket", "test_request_context"])
async def test_the_test_and_what_it_asks_for_have_one_app_context(quart, app, client, module, kind):
    app_ctx, variable = module("globals").app_ctx, module("globals")._cv_app
    seen = []

    def look():
        seen[:] = [app_ctx._get_current_object(), variable.get(), app_ctx.given_by_the_test]
        app_ctx.given_by_the_view = "set"

    @app.get("/look")
    async def show():
        look()
        return ""

    @app.websocket("/ws")
    async def chat():
        look()
        await quart.websocket.send("")

    async with app.app_context() as context:
        context.given_by_the_test = "given"
        if kind == "get":
            await client.get("/look")
        elif kind == "websocket":
            async with client.websocket("/ws") as connection:
                await connection.receive()
        else:
            async with app.test_request_context("/look"):
                look()

        assert seen == [context, context, "given"]
        assert context.given_by_the_view == "set"


async def test_a_request_context_in_a_view_has_the_view_s_app_context(quart, app, client, module):
    app_ctx = module("globals").app_ctx

    @app.get("/outer")
    async def outer():
        before = app_ctx._get_current_object()
        quart.g.user = "the outer's"
        async with app.test_request_context("/inner"):
            return f"{app_ctx._get_current_object() is before} {quart.g.get('user')}"

    response = await client.get("/outer")

    assert await response.get_data() == b"True the outer's"


async def test_requests_at_the_same_time_share_it(quart, app, client, ended):
    async with app.app_context():
        quart.g.user = "Ada"
        await asyncio.gather(*(client.get("/") for _ in range(3)))

        assert ended == []
    assert ended == ["the view's"]


async def test_a_request_inside_of_a_view_shares_its_g(quart, app, client, ended):
    @app.get("/outer")
    async def outer():
        quart.g.user = "the outer's"
        response = await client.get("/")
        return await response.get_data()

    response = await client.get("/outer")

    assert await response.get_data() == b"the outer's"
    assert ended == ["the view's"]


async def test_a_context_of_another_app_is_not_shared(quart, app, client, ended):
    other = quart.Quart("other", root_path=app.root_path)
    async with other.app_context():
        quart.g.user = "Ada"
        response = await client.get("/")

        assert await response.get_data() == b"None"
        assert ended == ["the view's"]


async def test_a_shared_context_is_pushed_and_popped_once(quart, app, client):
    seen = []

    async def pushed(sender, **extra):
        seen.append("pushed")

    async def popped(sender, **extra):
        seen.append("popped")

    with (
        quart.appcontext_pushed.connected_to(pushed, app),
        quart.appcontext_popped.connected_to(popped, app),
    ):
        async with app.app_context():
            await client.get("/")

    assert seen == ["pushed", "popped"]
