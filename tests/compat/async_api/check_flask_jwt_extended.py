"""Flask-JWT-Extended on the async API, with ``async def`` views."""

import pytest
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    current_user,
    get_jwt_identity,
    jwt_required,
    set_access_cookies,
    verify_jwt_in_request,
)

from asyncflask import Flask, jsonify


@pytest.fixture
def app():
    app = Flask(__name__)
    app.config["JWT_SECRET_KEY"] = "only here, and long enough for the algorithm"
    app.config["JWT_TOKEN_LOCATION"] = ["headers", "cookies"]
    app.config["JWT_COOKIE_CSRF_PROTECT"] = False
    jwt = JWTManager(app)

    @jwt.user_lookup_loader
    def load_user(header, data):
        return {"name": data["sub"]}

    @app.get("/login")
    async def login():
        response = jsonify(access=create_access_token("ada"), refresh=create_refresh_token("ada"))
        set_access_cookies(response, create_access_token("cookie"))
        return response

    @app.get("/me")
    @jwt_required()
    async def me():
        return f"{get_jwt_identity()} {current_user['name']}"

    @app.get("/refresh")
    @jwt_required(refresh=True)
    async def refresh():
        return get_jwt_identity()

    @app.get("/optional")
    async def optional():
        verify_jwt_in_request(optional=True)
        return str(get_jwt_identity())

    return app


async def tokens(app):
    return (await app.test_client(use_cookies=False).get("/login")).json


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def test_without_a_token_it_is_a_401(app):
    response = await app.test_client().get("/me")

    assert (response.status_code, response.json) == (
        401,
        {"msg": 'Missing JWT in headers or cookies (Missing Authorization Header; Missing cookie "access_token_cookie")'},
    )


async def test_a_token_in_a_header(app):
    found = await tokens(app)
    response = await app.test_client().get("/me", headers=bearer(found["access"]))

    assert response.text == "ada ada"


async def test_a_token_in_a_cookie(app):
    client = app.test_client()
    await client.get("/login")

    assert (await client.get("/me")).text == "cookie cookie"


async def test_a_refresh_token_is_no_access_token(app):
    found = await tokens(app)
    client = app.test_client()
    refreshed = await client.get("/refresh", headers=bearer(found["refresh"]))
    refused = await client.get("/me", headers=bearer(found["refresh"]))

    assert (refreshed.text, refused.status_code) == ("ada", 422)


async def test_a_token_may_be_optional(app):
    found = await tokens(app)
    client = app.test_client()

    assert (await client.get("/optional")).text == "None"

    assert (await client.get("/optional", headers=bearer(found["access"]))).text == "ada"


async def test_a_broken_token_is_a_422(app):
    response = await app.test_client().get("/me", headers=bearer("x.y.z"))

    assert response.status_code == 422
