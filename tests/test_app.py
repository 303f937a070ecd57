"""The app of the async API: its test clients and contexts."""

from __future__ import annotations

import pytest

from asyncflask import Flask, Response, request, session
from asyncflask.testing import CliRunner, TestApp, TestClient, TestConnection, TestWebsocket


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


def test_the_app_names_the_classes_of_its_test_clients(app):
    assert type(app.test_client()) is TestClient
    assert type(app.test_app()) is TestApp
    assert type(app.test_cli_runner()) is CliRunner


async def test_a_client_class_may_take_arguments_of_its_own():
    class Client(TestClient):
        def __init__(self, *args, token, **kwargs):
            super().__init__(*args, **kwargs)
            self.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"

    class Own(Flask):
        test_client_class = Client

    app = Own("shop")
    app.get("/")(lambda: request.authorization.token)

    assert (await app.test_client(token="t").get("/")).text == "t"


@pytest.mark.parametrize("cookies", [True, False])
async def test_a_client_class_may_have_quarts_parameters(cookies):
    class Client(TestClient):
        def __init__(self, app, use_cookies=True):
            super().__init__(app, use_cookies=use_cookies)

    class Own(Flask):
        test_client_class = Client

    app = Own("shop")
    app.get("/")(lambda: {"cookies": dict(request.cookies)})
    client = app.test_client(cookies)
    if cookies:
        client.set_cookie("localhost", "k", "v")

    assert (await client.get("/")).json == {"cookies": {"k": "v"} if cookies else {}}


async def test_a_client_has_the_apps_response_class_however_it_is_made(app):
    class Own(Response):
        greeting = "hello"

    app.response_class = Own
    app.get("/")(lambda: "")

    for client in (app.test_client(), TestClient(app), app.test_client_class(app)):
        assert (await client.get("/")).greeting == "hello"


def test_the_classes_of_a_clients_connections_may_be_replaced(app):
    """Under Quart's names."""

    class Client(TestClient):
        http_connection_class = type("OwnConnection", (TestConnection,), {})
        websocket_connection_class = type("OwnWebsocket", (TestWebsocket,), {})

    client = Client(app)

    assert type(client.request("/")) is Client.http_connection_class
    assert type(client.websocket("/")) is Client.websocket_connection_class


async def test_a_client_may_go_without_cookies(app):
    app.get("/")(lambda: session.setdefault("n", 1) and str(len(request.cookies)))
    without, with_cookies = app.test_client(use_cookies=False), app.test_client()

    assert [(await without.get("/")).text for _ in "12"] == ["0", "0"]
    assert [(await with_cookies.get("/")).text for _ in "12"] == ["0", "1"]


async def test_a_test_context_has_a_body(app):
    async with app.test_request_context("/", method="POST", json={"a": 1}):
        assert await request.get_json() == {"a": 1}


async def test_the_client_of_a_test_context_disconnects_after_its_body(app):
    async with app.test_request_context("/", method="POST", data=b"x") as ctx:
        kinds = [(await ctx.receive())["type"] for _ in range(2)]

    assert kinds == ["http.request", "http.disconnect"]


async def test_responses_to_a_test_context_are_discarded(app):
    async with app.test_websocket_context("/ws") as ctx:
        assert await ctx.send({"type": "websocket.accept"}) is None
