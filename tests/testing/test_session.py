"""session_transaction: a test reads and sets the values of the client's session."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask._contextvars import current
from asyncflask.app import Flask
from asyncflask.globals import request, session
from asyncflask.sessions import SecureCookieSessionInterface


@pytest.fixture
def app():
    app = Flask(__name__)
    app.testing = True
    app.secret_key = "secret"

    @app.get("/")
    async def index():
        return dict(session)

    @app.get("/set/<value>")
    def change(value):
        session["value"] = value
        return ""

    return app


async def test_the_next_request_has_the_values_of_the_block(app):
    client = app.test_client()
    async with client.session_transaction() as transaction:
        transaction["value"] = 42

    assert (await client.get("/")).json == {"value": 42}


async def test_the_block_has_the_values_of_the_last_request(app):
    client = app.test_client()
    await client.get("/set/a")

    async with client.session_transaction() as transaction:
        assert transaction["value"] == "a"


async def test_plain_with_works_with_a_synchronous_interface(app):
    client = app.test_client()
    with client.session_transaction() as transaction:
        transaction["value"] = 42

    assert (await client.get("/")).json == {"value": 42}


async def test_an_asynchronous_interface_is_awaited(app):
    class Interface(SecureCookieSessionInterface):
        async def open_session(self, app, request):
            return super().open_session(app, request)

        async def save_session(self, app, session, response):
            super().save_session(app, session, response)

    app.session_interface = Interface()
    client = app.test_client()
    async with client.session_transaction() as transaction:
        transaction["value"] = 42

    async with client.session_transaction() as transaction:
        assert transaction["value"] == 42


async def test_plain_with_says_when_it_cannot_work(app):
    class Interface(SecureCookieSessionInterface):
        async def open_session(self, app, request):
            raise AssertionError

    app.session_interface = Interface()

    with pytest.raises(TypeError, match=r"right:  async with client.session_transaction"):
        with app.test_client().session_transaction():
            pass


async def test_an_error_in_the_block_saves_nothing(app):
    client = app.test_client()
    with pytest.raises(LookupError, match="block"):
        async with client.session_transaction() as transaction:
            transaction["value"] = 42
            raise LookupError("block")

    assert (await client.get("/")).json == {}


async def test_no_context_is_left_in_the_block_or_after_it(app):
    async with app.test_client().session_transaction():
        assert current() is None
    assert current() is None


async def test_cookies_are_needed(app):
    with pytest.raises(TypeError, match="use_cookies=False"):
        app.test_client(use_cookies=False).session_transaction()


async def test_a_session_that_cannot_be_opened_is_named(app):
    class Interface(SecureCookieSessionInterface):
        def open_session(self, app, request):
            return None

    app.session_interface = Interface()

    with pytest.raises(RuntimeError, match=r"opened no session. Set app.secret_key"):
        async with app.test_client().session_transaction():
            pass


async def test_arguments_describe_the_request(app):
    seen = []

    class Interface(SecureCookieSessionInterface):
        def open_session(self, app, request):
            seen.append((request.url, request.headers["X-A"]))
            return super().open_session(app, request)

    app.session_interface = Interface()
    async with app.test_client().session_transaction(
        "/p", base_url="https://example.com", headers={"X-A": "b"}
    ):
        pass

    assert seen[-1] == ("https://example.com/p", "b")


async def test_the_session_inside_a_client_block_is_the_requests(app):
    client = app.test_client()
    async with client:
        await client.get("/set/a")

        assert session["value"] == "a"
        assert request.path == "/set/a"


async def test_a_null_session_is_not_saved(app):
    class Interface(SecureCookieSessionInterface):
        def open_session(self, app, request):
            return self.make_null_session(app)

    app.session_interface = Interface()
    client = app.test_client()
    async with client.session_transaction():
        pass
    with client.session_transaction():
        pass

    assert client.get_cookie("session") is None


async def test_any_awaitable_is_awaited(app):
    class Interface(SecureCookieSessionInterface):
        def save_session(self, app, session, response):
            return asyncio.get_running_loop().create_future()

    app.session_interface = Interface()

    with pytest.raises(TypeError, match="save_session"):
        with app.test_client().session_transaction():
            pass


async def test_an_interface_may_be_asynchronous_in_saving_only(app):
    class Interface(SecureCookieSessionInterface):
        def save_session(self, app, session, response):
            return asyncio.sleep(0)

    app.session_interface = Interface()

    with pytest.raises(TypeError, match="save_session"):
        with app.test_client().session_transaction():
            pass
