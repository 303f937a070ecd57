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
