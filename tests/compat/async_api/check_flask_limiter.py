"""Flask-Limiter on the async API, with ``async def`` views.

A limit for a whole blueprint needs an ``asyncflask.flask.Blueprint``, because the extension checks for this class. Its
views may be ``async def``, and it is registered on an ``asyncflask.Flask`` as any other.
"""

import pytest
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from asyncflask import Flask
from asyncflask.flask import Blueprint  # The class that the extension knows.


@pytest.fixture
def app():
    app = Flask(__name__)
    return app


@pytest.fixture
def limiter(app):
    return Limiter(get_remote_address, app=app, storage_uri="memory://", headers_enabled=True)


async def statuses(app, path, times):
    client = app.test_client()
    return [(await client.get(path)).status_code for _ in range(times)]


async def test_a_view_has_a_limit(app, limiter):
    @app.get("/")
    @limiter.limit("2/minute")
    async def view():
        return "inside"

    assert await statuses(app, "/", 3) == [200, 200, 429]


async def test_a_default_limit_is_for_all_views(app):
    Limiter(get_remote_address, app=app, storage_uri="memory://", default_limits=["1/minute"])

    @app.get("/")
    async def view():
        return "inside"

    assert await statuses(app, "/", 2) == [200, 429]


async def test_headers_say_what_is_left(app, limiter):
    @app.get("/")
    @limiter.limit("2/minute")
    async def view():
        return "inside"

    headers = (await app.test_client().get("/")).headers

    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("2", "1")


async def test_a_view_may_be_exempt(app):
    limiter = Limiter(
        get_remote_address, app=app, storage_uri="memory://", default_limits=["1/minute"]
    )

    @app.get("/")
    @limiter.exempt
    async def view():
        return "inside"

    assert await statuses(app, "/", 3) == [200, 200, 200]


async def test_a_shared_limit(app, limiter):
    shared = limiter.shared_limit("2/minute", scope="shop")

    @app.get("/a")
    @shared
    async def a():
        return "a"

    @app.get("/b")
    @shared
    async def b():
        return "b"

    client = app.test_client()
    found = [(await client.get(path)).status_code for path in ("/a", "/b", "/a")]

    assert found == [200, 200, 429]


async def test_a_blueprint_has_a_limit(app, limiter):
    api = Blueprint("api", __name__)

    @api.get("/")
    async def view():
        return "inside"

    limiter.limit("1/minute")(api)
    app.register_blueprint(api)

    assert await statuses(app, "/", 2) == [200, 429]


async def test_an_error_handler_answers(app, limiter):
    @app.errorhandler(429)
    async def slowly(error):
        return f"slowly: {error.description}", 429

    @app.get("/")
    @limiter.limit("1/minute")
    async def view():
        return "inside"

    client = app.test_client()
    await client.get("/")

    assert (await client.get("/")).text == "slowly: 1 per 1 minute"
