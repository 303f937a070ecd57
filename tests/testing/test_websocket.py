"""TestWebsocket: a websocket as a client sees it."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask.app import Flask
from asyncflask.exceptions import UnawaitedAccess
from asyncflask.globals import g, request, session, websocket
from asyncflask.testing import (
    ASGIConnection,
    TestWebsocket,
    WebsocketDisconnect,
    WebsocketDisconnectError,
    WebsocketResponseError,
    connections,
)


@pytest.fixture
def app():
    app = Flask(__name__)
    app.testing = True
    app.secret_key = "secret"
    return app


@pytest.fixture
def client(app):
    return app.test_client()


def echo(app):
    @app.websocket("/ws")
    async def view():
        while True:
            await websocket.send(await websocket.receive())


@pytest.mark.parametrize("data", ["text", "", b"bytes", b""])
async def test_messages_go_both_ways(app, client, data):
    echo(app)
    async with client.websocket("/ws") as ws:
        await ws.send(data)

        assert await ws.receive() == data
        assert ws.accepted


async def test_json_goes_both_ways(app, client):
    echo(app)
    async with client.websocket("/ws") as ws:
        await ws.send_json({"a": [1]})

        assert await ws.receive_json() == {"a": [1]}


async def test_a_def_view_is_connected_in_the_same_way(app, client):
    @app.websocket("/ws")
    def view():
        for message in websocket:
            websocket.send(message.upper())

    async with client.websocket("/ws") as ws:
        await ws.send("a")

        assert await ws.receive() == "A"


async def test_arguments_reach_the_view(app, client):
    @app.websocket("/ws")
    async def view():
        await websocket.send_json(
            [websocket.args["a"], websocket.headers["X-A"], websocket.scheme, websocket.method]
        )

    async with client.websocket("/ws?a=b", headers={"X-A": "c"}, scheme="wss") as ws:
        assert await ws.receive_json() == ["b", "c", "wss", "GET"]


async def test_the_subprotocol_and_headers_of_the_handshake_can_be_read(app, client):
    @app.websocket("/ws")
    async def view():
        wanted = websocket.requested_subprotocols
        await websocket.accept({"X-A": "b", "Set-Cookie": "k=v"}, wanted[1])

    async with client.websocket("/ws", subprotocols=["v1", "v2"]) as ws:
        assert ws.accepted_subprotocol == "v2"
        assert ws.response_headers["X-A"] == "b"
    assert client.get_cookie("k").value == "v"


async def test_cookies_and_session_reach_the_view(app, client):
    @app.websocket("/ws")
    async def view():
        await websocket.send(session["name"])

    async with client.session_transaction() as transaction:
        transaction["name"] = "Ada"
    async with client.websocket("/ws") as ws:
        assert await ws.receive() == "Ada"


async def test_the_apps_close_is_a_disconnect_every_time(app, client):
    @app.websocket("/ws")
    async def view():
        await websocket.accept()
        await websocket.close(4001, "enough")

    async with client.websocket("/ws") as ws:
        for call in (ws.receive, ws.receive, lambda: ws.send("x")):
            with pytest.raises(WebsocketDisconnect, match="4001: enough"):
                await call()


async def test_the_close_is_caught_by_quarts_name(app, client):
    """It is the same for both sides; the app's receive() raises its base class."""
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.websocket("/ws")
    async def view():
        await websocket.accept()
        raise ZeroDivisionError

    async with client.websocket("/ws") as ws:
        with pytest.raises(connections.WebsocketDisconnectError, match="1011") as caught:
            await ws.receive()
        with pytest.raises(WebsocketDisconnectError, match="1011"):
            await ws.send("x")

    assert caught.value.args[0] == caught.value.code == 1011
    assert issubclass(WebsocketDisconnectError, WebsocketDisconnect)


def test_quarts_module_of_connections_has_its_names():
    for name in connections.__all__:
        assert isinstance(getattr(connections, name), type)
    assert connections.TestWebsocketConnection is TestWebsocket
    assert connections.WebsocketResponseError is WebsocketResponseError


async def test_a_view_that_never_accepts_is_an_error_that_says_so(app, client, monkeypatch):
    """The view waits for an event, and the client for the view."""
    monkeypatch.setattr(ASGIConnection, "grace", 0.01)
    monkeypatch.setattr(TestWebsocket, "accept_timeout", 0.01)

    @app.websocket("/ws")
    async def view():
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError, match=r"'/ws' neither accepted nor refused .*accept\(\)"):
        async with client.websocket("/ws"):
            pass


async def test_a_timeout_error_of_the_app_in_the_handshake_is_raised_unchanged(app, client):
    @app.websocket("/ws")
    async def view():
        raise TimeoutError("the database")

    with pytest.raises(TimeoutError, match="the database"):
        async with client.websocket("/ws"):
            pass


async def test_iteration_ends_when_the_app_closes(app, client):
    @app.websocket("/ws")
    async def view():
        for number in range(3):
            await websocket.send(str(number))

    async with client.websocket("/ws") as ws:
        assert [message async for message in ws] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("leave", "expected"),
    [
        (lambda ws: ws.close(4002, "bye"), (4002, "bye")),
        (lambda ws: ws.disconnect(), (1006, "")),
        (lambda ws: asyncio.sleep(0), (1000, "")),
    ],
)
async def test_the_view_gets_the_code_of_the_clients_close(app, client, leave, expected):
    seen = []

    @app.websocket("/ws")
    async def view():
        try:
            await websocket.receive()
        except WebsocketDisconnect as end:
            seen.append((end.code, end.reason))
            raise

    app.teardown_websocket(lambda error: seen.append("teardown"))
    accepting(app)
    async with client.websocket("/ws") as ws:
        await leave(ws)

    assert seen == [expected, "teardown"]


def accepting(app):
    @app.before_websocket
    async def accept():
        await websocket.accept()


async def test_after_closing_the_client_cannot_go_on(app, client):
    echo(app)
    accepting(app)
    async with client.websocket("/ws") as ws:
        await ws.close(4002)
        with pytest.raises(WebsocketDisconnect, match="4002"):
            await ws.send("x")
        with pytest.raises(WebsocketDisconnect, match="4002"):
            await ws.receive()


async def test_a_refusal_has_the_response(app, client):
    @app.before_websocket
    async def guard():
        return {"error": "login"}, 401, {"X-Why": "session"}

    echo(app)
    with pytest.raises(WebsocketResponseError, match="401 UNAUTHORIZED") as caught:
        async with client.websocket("/ws"):
            pass

    response = caught.value.response
    assert (response.status_code, response.json) == (401, {"error": "login"})
    assert response.headers["X-Why"] == "session"


async def test_a_view_that_returns_before_it_accepts_refuses(app, client):
    app.websocket("/ws")(lambda: ("no", 403))

    with pytest.raises(WebsocketResponseError, match="403 FORBIDDEN"):
        async with client.websocket("/ws"):
            pass


async def test_an_unknown_path_is_a_404(client):
    with pytest.raises(WebsocketResponseError, match="404 NOT FOUND"):
        async with client.websocket("/nowhere"):
            pass


async def test_closing_before_accepting_is_a_403(app, client):
    @app.websocket("/ws")
    async def view():
        await websocket.close()

    with pytest.raises(WebsocketResponseError, match="403 FORBIDDEN"):
        async with client.websocket("/ws"):
            pass


@pytest.mark.parametrize("accept", [True, False])
async def test_an_error_of_the_view_is_raised(app, client, accept):
    @app.websocket("/ws")
    async def view():
        if accept:
            await websocket.accept()
        raise ZeroDivisionError("view")

    with pytest.raises(ZeroDivisionError, match="view"):
        async with client.websocket("/ws") as ws:
            await ws.receive()


async def test_an_error_after_the_client_disconnected_is_raised(app, client):
    @app.websocket("/ws")
    async def view():
        async for _ in websocket:
            pass
        raise ZeroDivisionError("view")

    with pytest.raises(ZeroDivisionError, match="view"):
        async with client.websocket("/ws"):
            pass


async def test_an_error_that_is_not_propagated_closes_with_1011(app, client):
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.websocket("/ws")
    async def view():
        await websocket.accept()
        raise ZeroDivisionError

    async with client.websocket("/ws") as ws:
        with pytest.raises(WebsocketDisconnect, match="1011"):
            await ws.receive()


async def test_a_view_that_does_not_notice_the_end_fails_the_test(app, client, monkeypatch):
    monkeypatch.setattr(ASGIConnection, "grace", 0.01)

    @app.websocket("/ws")
    async def view():
        await websocket.accept()
        await asyncio.sleep(60)

    with pytest.raises(TimeoutError, match="The view of '/ws' did not end"):
        async with client.websocket("/ws"):
            pass

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_app_that_does_not_answer_the_handshake_is_an_error_that_says_so(app, client):
    async def silent(scope, receive, send):
        pass

    app.asgi_app = silent

    with pytest.raises(RuntimeError, match="ended without answering the websocket '/ws'"):
        async with client.websocket("/ws"):
            pass


async def test_the_close_is_received_though_the_app_has_not_ended(app, client, monkeypatch):
    """After a server error the client waits for the app's end, for a limited time."""
    monkeypatch.setattr(ASGIConnection, "grace", 0.01)
    going_on = asyncio.Event()

    @app.websocket("/ws")
    async def view():
        await websocket.accept()
        await websocket.close(1011)
        await going_on.wait()

    async with client.websocket("/ws") as ws:
        with pytest.raises(WebsocketDisconnect, match="1011"):
            await ws.receive()
        going_on.set()


async def test_an_app_that_ends_without_closing_is_a_disconnect(app, client):
    async def asgi_app(scope, receive, send):
        await send({"type": "websocket.accept"})

    app.asgi_app = asgi_app
    async with client.websocket("/ws") as ws:
        with pytest.raises(WebsocketDisconnect, match="1006: The app ended"):
            await ws.receive()


async def test_the_context_stays_inside_the_block(app, client):
    @app.websocket("/ws")
    async def view():
        g.x = 1
        await websocket.send("x")

    async with client:
        async with client.websocket("/ws") as ws:
            await ws.receive()

        assert g.x == 1


async def test_many_websockets_leave_no_task(app, client):
    echo(app)
    for _ in range(20):
        async with client.websocket("/ws") as ws:
            await ws.send("x")
            await ws.receive()

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_request_and_websocket_views_share_a_path(app, client):
    echo(app)
    app.get("/ws", endpoint="page")(lambda: request.method)
    async with client.websocket("/ws") as ws:
        await ws.send("x")

        assert await ws.receive() == "x"
    assert (await client.get("/ws")).text == "GET"


@pytest.mark.filterwarnings("ignore:coroutine 'TestWebsocket:RuntimeWarning")
async def test_a_message_that_was_not_awaited_is_an_error_at_the_next_use() -> None:
    app = Flask(__name__)

    @app.websocket("/")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    async with app.test_client().websocket("/") as connection:
        connection.send("lost")
        with pytest.raises(UnawaitedAccess, match=r"right: await connection\.send\(\.\.\.\)"):
            await connection.receive()
        await connection.send("kept")
        assert await connection.receive() == "kept"
        with pytest.raises(UnawaitedAccess, match=r"right: \(await connection\.receive\(\)\)\."):
            connection.receive().upper()  # type: ignore[attr-defined]  # that is the mistake
    with pytest.raises(UnawaitedAccess, match=r"connection\.close"):
        async with app.test_client().websocket("/") as connection:
            connection.close()


@pytest.mark.parametrize(
    ("where", "scheme"),
    [
        ({}, "ws"),
        ({"base_url": "http://shop.test"}, "ws"),
        ({"base_url": "https://shop.test"}, "wss"),
        ({"base_url": "wss://shop.test"}, "wss"),
        ({"url_scheme": "https"}, "wss"),
    ],
)
async def test_the_scheme_is_that_of_a_websocket(app, client, where, scheme):
    app.config["TRUSTED_HOSTS"] = ["shop.test", "localhost"]  # The rule is found by the adapter.

    @app.websocket("/ws")
    async def view():
        await websocket.send(websocket.scheme)

    async with client.websocket("/ws", **where) as connection:
        assert await connection.receive() == scheme
