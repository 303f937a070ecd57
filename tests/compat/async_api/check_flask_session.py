"""Flask-Session on the async API, with ``async def`` views."""

import pytest
from cachelib.file import FileSystemCache
from flask_session import Session

from asyncflask import Flask, session, websocket


@pytest.fixture
def app(tmp_path):
    app = Flask(__name__)
    app.secret_key = "only here"
    app.config["SESSION_TYPE"] = "cachelib"
    app.config["SESSION_CACHELIB"] = FileSystemCache(str(tmp_path))
    Session(app)

    @app.get("/count")
    async def count():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @app.get("/clear")
    async def clear():
        session.clear()
        return "cleared"

    @app.get("/plain")
    async def plain():
        return "plain"

    @app.get("/regenerate")
    async def regenerate():
        app.session_interface.regenerate(session)
        return session.sid

    @app.websocket("/ws")
    async def ws():
        await websocket.send(str(session.get("n")))

    return app


async def test_what_is_put_into_it_comes_back(app):
    client = app.test_client()

    assert [(await client.get("/count")).text for _ in range(3)] == ["1", "2", "3"]


async def test_the_cookie_has_an_identifier_only(app):
    client = app.test_client()
    response = await client.get("/count")

    assert "session=" in response.headers["Set-Cookie"]

    assert len(client.get_cookie("session").value) < 60


async def test_two_clients_have_two_sessions(app):
    first, second = app.test_client(), app.test_client()
    await first.get("/count")

    assert (await second.get("/count")).text == "1"


async def test_what_is_cleared_is_gone(app):
    client = app.test_client()
    await client.get("/count")
    await client.get("/clear")

    assert (await client.get("/count")).text == "1"


async def test_an_untouched_session_sets_no_cookie(app):
    assert "Set-Cookie" not in (await app.test_client().get("/plain")).headers


async def test_a_new_identifier_keeps_the_data(app):
    client = app.test_client()
    await client.get("/count")
    before = client.get_cookie("session").value
    await client.get("/regenerate")

    assert client.get_cookie("session").value != before

    assert (await client.get("/count")).text == "2"


async def test_a_websocket_sees_it(app):
    client = app.test_client()
    await client.get("/count")
    async with client.websocket("/ws") as connection:
        assert await connection.receive() == "1"
