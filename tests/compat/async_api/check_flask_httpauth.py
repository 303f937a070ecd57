"""Flask-HTTPAuth on the async API, with ``async def`` views."""

import pytest
from flask_httpauth import HTTPBasicAuth, HTTPDigestAuth, HTTPTokenAuth, MultiAuth

from asyncflask import Flask


@pytest.fixture
def app():
    app = Flask(__name__)
    app.secret_key = "only here"
    return app


def basic_auth(verify=None):
    auth = HTTPBasicAuth()
    auth.verify_password(verify or (lambda name, password: name if password == "tea" else None))
    return auth


async def test_basic_authentication(app):
    auth = basic_auth()

    @app.get("/")
    @auth.login_required
    async def view():
        return auth.current_user()

    client = app.test_client()
    stranger, ada = await client.get("/"), await client.get("/", auth=("ada", "tea"))

    assert (stranger.status_code, ada.text) == (401, "ada")

    assert stranger.headers["WWW-Authenticate"].startswith("Basic realm=")


async def test_a_token(app):
    auth = HTTPTokenAuth()
    auth.verify_token(lambda token: "ada" if token == "secret" else None)

    @app.get("/")
    @auth.login_required
    async def view():
        return auth.current_user()

    client = app.test_client()
    response = await client.get("/", headers={"Authorization": "Bearer secret"})

    assert (response.text, (await client.get("/")).status_code) == ("ada", 401)


async def test_roles(app):
    auth = basic_auth()
    auth.get_user_roles(lambda user: ["admin"] if user == "ada" else [])

    @app.get("/")
    @auth.login_required(role="admin")
    async def view():
        return "admin"

    client = app.test_client()
    ada, eve = [await client.get("/", auth=(name, "tea")) for name in ("ada", "eve")]

    assert (ada.text, eve.status_code) == ("admin", 403)


async def test_one_of_several(app):
    basic, token = basic_auth(), HTTPTokenAuth()
    token.verify_token(lambda token: "eve" if token == "secret" else None)
    auth = MultiAuth(basic, token)

    @app.get("/")
    @auth.login_required
    async def view():
        return auth.current_user()

    client = app.test_client()
    by_name = await client.get("/", auth=("ada", "tea"))
    by_token = await client.get("/", headers={"Authorization": "Bearer secret"})

    assert (by_name.text, by_token.text) == ("ada", "eve")


async def test_digest_challenges(app):
    auth = HTTPDigestAuth()
    auth.get_password(lambda name: "tea")

    @app.get("/")
    @auth.login_required
    async def view():
        return auth.current_user()

    response = await app.test_client().get("/")

    assert (response.status_code, response.headers["WWW-Authenticate"][:6]) == (401, "Digest")


async def test_an_async_verifier(app):
    async def verify(name, password):
        return name if password == "tea" else None

    auth = basic_auth(verify)

    @app.get("/")
    @auth.login_required
    async def view():
        return auth.current_user()

    client = app.test_client()

    assert (await client.get("/", auth=("ada", "tea"))).text == "ada"

    assert (await client.get("/", auth=("ada", "coffee"))).status_code == 401


async def test_an_error_handler(app):
    auth = basic_auth()
    auth.error_handler(lambda status: (f"no: {status}", status))

    @app.get("/")
    @auth.login_required
    async def view():
        return "inside"

    assert (await app.test_client().get("/")).text == "no: 401"
