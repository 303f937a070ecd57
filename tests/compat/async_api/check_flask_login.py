"""Flask-Login on the async API, with ``async def`` views."""

import pytest
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    fresh_login_required,
    login_required,
    login_user,
    logout_user,
)

from asyncflask import Flask, redirect, render_template_string


class User(UserMixin):
    def __init__(self, id):
        self.id = id


@pytest.fixture
def app():
    app = Flask(__name__)
    app.secret_key = "only here"
    login = LoginManager(app)
    login.login_view = login.refresh_view = "login"

    @login.user_loader
    def load_user(id):
        return User(id)

    @login.request_loader
    def load_from_request(request):
        token = request.headers.get("Authorization")
        return User(token) if token else None

    @app.get("/login")
    async def login():
        login_user(User("ada"), remember=True)
        return redirect("/me")

    @app.get("/logout")
    async def logout():
        logout_user()
        return "bye"

    @app.get("/me")
    @login_required
    async def me():
        return current_user.id

    @app.get("/fresh")
    @fresh_login_required
    async def fresh():
        return "fresh"

    @app.get("/hello")
    async def hello():
        return render_template_string(
            "{% if current_user.is_authenticated %}{{ current_user.id }}{% else %}stranger{% endif %}"
        )

    return app


async def test_a_stranger_is_sent_to_the_login_view(app):
    response = await app.test_client().get("/me")

    assert (response.status_code, response.headers["Location"]) == (302, "/login?next=%2Fme")


async def test_who_has_logged_in_is_the_current_user(app):
    client = app.test_client()
    response = await client.get("/login", follow_redirects=True)

    assert (response.text, (await client.get("/me")).text) == ("ada", "ada")


async def test_who_logs_out_is_a_stranger(app):
    client = app.test_client()
    await client.get("/login")
    await client.get("/logout")

    assert (await client.get("/me")).status_code == 302


async def test_a_fresh_login_is_told_from_a_remembered_one(app):
    client = app.test_client()
    await client.get("/login")
    fresh = await client.get("/fresh")
    async with client.session_transaction() as session:
        session["_fresh"] = False
    stale = await client.get("/fresh")

    assert (fresh.text, stale.status_code) == ("fresh", 302)


async def test_a_remember_cookie_logs_in_again(app):
    client = app.test_client()
    await client.get("/login")
    client.delete_cookie("session")

    assert (await client.get("/me")).text == "ada"


async def test_a_request_loader_reads_a_header(app):
    assert (await app.test_client().get("/me", headers={"Authorization": "eve"})).text == "eve"


async def test_templates_know_the_current_user(app):
    client = app.test_client()
    before = await client.get("/hello")
    await client.get("/login")

    assert (before.text, (await client.get("/hello")).text) == ("stranger", "ada")


async def test_an_unauthorized_handler_answers(app):
    app.login_manager.unauthorized_handler(lambda: ("who are you?", 401))
    response = await app.test_client().get("/me")

    assert (response.status_code, response.text) == (401, "who are you?")
