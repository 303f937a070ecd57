"""The session of a websocket: changes before and after the handshake."""

from __future__ import annotations

import asyncio
import threading

import pytest

from asyncflask import Flask, session, websocket
from asyncflask.sessions import SecureCookieSession, SessionInterface, SessionMixin
from asyncflask.testing import WebsocketResponseError


@pytest.fixture
def app():
    app = Flask("app")
    app.secret_key = "key"
    app.get("/")(lambda: dict(session))
    return app


async def kept(client):
    """Return the session of a request of the same client."""
    return (await client.get("/")).json


async def visit(client, path="/ws"):
    async with client.websocket(path) as connection:
        await connection.send("tea")
        await connection.receive()


# -- the cookie ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["async", "def", "hook"])
async def test_a_change_before_the_handshake_is_in_its_response(app, caplog, kind):
    if kind == "hook":

        @app.before_websocket
        async def note():
            session["from"] = kind

    @app.websocket("/ws")
    async def async_view():
        if kind == "async":
            session["from"] = kind
        await websocket.send(await websocket.receive())

    @app.websocket("/def")
    def def_view():
        session["from"] = kind
        websocket.send(websocket.receive())

    client = app.test_client()
    await visit(client, "/def" if kind == "def" else "/ws")

    assert await kept(client) == {"from": kind}
    assert caplog.records == []


async def test_own_headers_of_the_handshake_stay(app):
    @app.websocket("/ws")
    async def view():
        session["from"] = "before"
        await websocket.accept(headers={"Set-Cookie": "own=1", "X-Own": "2"})
        await websocket.send("x")

    client = app.test_client()
    async with client.websocket("/ws") as connection:
        headers = connection.response_headers

    assert headers["X-Own"] == "2"
    assert [line.partition("=")[0] for line in headers.getlist("Set-Cookie")] == ["own", "session"]


@pytest.mark.parametrize("kind", ["async", "def"])
async def test_a_change_after_the_handshake_is_an_error(app, caplog, kind):
    @app.websocket("/async")
    async def async_view():
        session["choice"] = await websocket.receive()
        await websocket.send("noted")

    @app.websocket("/def")
    def def_view():
        session["choice"] = websocket.receive()
        websocket.send("noted")

    client = app.test_client()
    await visit(client, f"/{kind}")

    assert await kept(client) == {}
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert f"The websocket view '{kind}_view' of /{kind} has changed the session after the" in (
        record.getMessage()
    )
    assert "Change the session before `await websocket.accept()`" in record.getMessage()


async def test_a_change_after_one_that_was_sent_is_an_error(app, caplog):
    @app.websocket("/ws")
    async def view():
        session["first"] = 1
        session["second"] = await websocket.receive()
        await websocket.send("noted")

    client = app.test_client()
    await visit(client)

    assert await kept(client) == {"first": 1}
    assert "the change is lost" in caplog.text


@pytest.mark.parametrize("permanent", [False, True])
async def test_a_session_that_is_only_read_is_no_error(app, caplog, permanent):
    @app.get("/login")
    async def login():
        session.permanent = permanent
        session["user"] = "Ada"
        return ""

    @app.websocket("/ws")
    async def view():
        await websocket.receive()
        await websocket.send(session["user"])

    client = app.test_client()
    await client.get("/login")
    await visit(client)

    assert caplog.records == []


async def test_without_a_secret_key_a_websocket_works_as_before(app, caplog):
    app.secret_key = None

    @app.websocket("/ws")
    async def view():
        await websocket.send(session.get("user", await websocket.receive()))

    await visit(app.test_client())

    assert caplog.records == []


async def test_a_refusal_has_the_session_in_its_response(app, caplog):
    @app.websocket("/ws")
    async def view():
        session["refused"] = True
        return "no", 403

    client = app.test_client()
    with pytest.raises(WebsocketResponseError, match="403"):
        await visit(client)

    assert (await kept(client)) == {"refused": True}
    assert caplog.records == []


# -- stores ----------------------------------------------------------------------------------------


class Stored(SecureCookieSession):
    id = ""


class Store(SessionInterface):
    """A store on the server, as Flask-Session's: the cookie is an id."""

    def __init__(self):
        self.data = {}
        self.threads = set()

    def open_session(self, app, request):
        found = Stored(self.data.get(request.cookies.get("id")))
        found.id = request.cookies.get("id") or f"id{len(self.data)}"
        return found

    def save_session(self, app, session, response):
        self.threads.add(threading.get_ident())
        if session.modified:
            self.data[session.id] = dict(session)
            response.set_cookie("id", session.id)
        response.vary.add("Cookie")


class AsyncStore(Store):
    async def open_session(self, app, request):
        return super().open_session(app, request)

    async def save_session(self, app, session, response):
        await asyncio.sleep(0)
        super().save_session(app, session, response)


@pytest.mark.parametrize("store", [Store, AsyncStore])
@pytest.mark.parametrize("kind", ["async", "def"])
@pytest.mark.parametrize("ends", ["returns", "raises", "is left"])
async def test_a_store_gets_a_change_after_the_handshake(
    app, caplog, monkeypatch, store, kind, ends
):
    app.session_interface = store()
    app.session_interface.data["id0"] = {"old": 1}
    monkeypatch.setattr(app.logger, "disabled", ends == "raises")

    def finish():
        if ends == "raises":
            raise LookupError("meant to fail")

    @app.websocket("/async")
    async def async_view():
        session["choice"] = await websocket.receive()
        await websocket.send("noted")
        if ends == "is left":
            await websocket.receive()
        finish()

    @app.websocket("/def")
    def def_view():
        session["choice"] = websocket.receive()
        websocket.send("noted")
        if ends == "is left":
            websocket.receive()
        finish()

    client = app.test_client()
    client.set_cookie("id", "id0")
    await visit(client, f"/{kind}")

    assert app.session_interface.data == {"id0": {"old": 1, "choice": "tea"}}
    assert caplog.records == []


@pytest.mark.parametrize("store", [Store, AsyncStore])
@pytest.mark.parametrize("kind", ["async", "def"])
async def test_the_id_of_a_new_session_is_in_the_response_of_the_handshake(
    app, caplog, store, kind
):
    app.session_interface = store()

    @app.websocket("/async")
    async def async_view():
        session["first"] = 1
        session["choice"] = await websocket.receive()
        await websocket.send("noted")

    @app.websocket("/def")
    def def_view():
        session["first"] = 1
        session["choice"] = websocket.receive()
        websocket.send("noted")

    client = app.test_client()
    await visit(client, f"/{kind}")

    assert await kept(client) == {"first": 1, "choice": "tea"}
    assert caplog.records == []
    assert threading.get_ident() not in app.session_interface.threads or store is AsyncStore


async def test_the_id_of_a_session_made_after_the_handshake_is_an_error(app, caplog):
    app.session_interface = Store()

    @app.websocket("/ws")
    async def view():
        session["choice"] = await websocket.receive()
        await websocket.send("noted")

    await visit(app.test_client())

    assert app.session_interface.data == {"id0": {"choice": "tea"}}
    assert "has changed the session after the handshake was answered" in caplog.text


async def test_a_session_that_cannot_tell_whether_it_changed_is_saved(app):
    class Plain(dict, SessionMixin):
        pass

    saved = []

    class Interface(SessionInterface):
        def open_session(self, app, request):
            return Plain()

        def save_session(self, app, session, response):
            saved.append(dict(session))

    app.session_interface = Interface()

    @app.websocket("/ws")
    async def view():
        session["choice"] = await websocket.receive()
        await websocket.send("noted")

    await visit(app.test_client())

    assert saved[-1] == {"choice": "tea"}


async def test_a_null_session_that_is_marked_as_changed_is_not_saved(app, caplog):
    app.secret_key = None

    @app.websocket("/ws")
    async def view():
        session.modified = True
        await websocket.send(await websocket.receive())

    await visit(app.test_client())

    assert caplog.records == []


async def test_a_def_method_may_return_the_coroutine_that_saves(app):
    saved = []

    class Interface(Store):
        def save_session(self, app, session, response):
            return self.save(dict(session))

        async def save(self, content):
            saved.append(content)

    app.session_interface = Interface()

    @app.websocket("/ws")
    async def view():
        session["choice"] = "tea"
        await websocket.send(await websocket.receive())

    await visit(app.test_client())

    assert saved[0] == {"choice": "tea"}


@pytest.mark.parametrize("store", [Store, AsyncStore])
async def test_a_def_hook_may_accept_after_it_has_changed_a_stored_session(app, store):
    app.session_interface = store()

    @app.before_websocket
    def note():
        session["from"] = "hook"
        websocket.accept()

    @app.websocket("/ws")
    async def view():
        await websocket.send(await websocket.receive())

    client = app.test_client()
    async with asyncio.timeout(5):
        await visit(client)

    assert await kept(client) == {"from": "hook"}
