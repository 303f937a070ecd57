"""The app of the async API: steps, contexts, serving, and test clients."""

from __future__ import annotations

import asyncio
import inspect
import ssl
import threading
from pathlib import Path

import httpx
import pytest
from werkzeug.exceptions import NotFound

from asyncflask import Flask, Response, g, request, session, websocket
from asyncflask.exceptions import OutOfContext
from asyncflask.testing import CliRunner, TestApp, TestClient, TestConnection, TestWebsocket

PEM = str(Path(__file__).with_name("cli") / "localhost.pem")  # for these tests only
PATIENCE = 10  # seconds, for every wait


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


# -- steps -----------------------------------------------------------------------------------------


async def test_a_request_can_be_served_step_by_step(app):
    """Extensions and tests call the steps that Flask names, inside a test request."""
    app.before_request(lambda: setattr(g, "seen", request.path))
    app.after_request(lambda response: response.headers.set("X-After", "1") or response)
    app.get("/<int:n>", endpoint="v")(lambda n: f"{g.seen} {n}")

    async with app.test_request_context("/7"):
        assert await app.preprocess_request() is None
        result = await app.dispatch_request()
        response = await app.finalize_request(result)

    assert result == "/7 7"
    assert response.get_data() == b"/7 7"
    assert response.headers["X-After"] == "1"


async def test_a_step_saves_the_session(app):
    async with app.test_request_context("/"):
        session["k"] = "v"
        response = await app.process_response(app.response_class("x"))

    assert response.headers["Set-Cookie"].startswith("session=")


async def test_a_whole_request_is_one_step_too(app):
    app.get("/", endpoint="v")(lambda: "whole")

    async with app.test_request_context("/"):
        assert (await app.full_dispatch_request()).get_data() == b"whole"


async def test_the_error_steps_answer_by_handler_or_by_themselves(app):
    app.errorhandler(KeyError)(lambda error: f"key {error}")
    app.errorhandler(500)(lambda error: (f"500 {error.original_exception!r}", 500))
    error = NotFound()

    async with app.test_request_context("/"):
        assert await app.handle_user_exception(KeyError("k")) == "key 'k'"
        assert await app.handle_http_exception(error) is error
        response = await app.handle_exception(ValueError("v"))
        with pytest.raises(ValueError, match="unhandled"):
            await app.handle_user_exception(ValueError("unhandled"))

    assert (response.status_code, response.get_data()) == (500, b"500 ValueError('v')")


def test_a_routing_error_is_raised_by_its_step(app):
    with app.test_request_context("/nowhere"), pytest.raises(NotFound, match="404"):
        app.raise_routing_exception(request)


@pytest.mark.parametrize(
    "step", ["preprocess_request", "dispatch_request", "full_dispatch_request"]
)
async def test_a_step_without_a_request_says_where_to_call_it(app, step):
    with pytest.raises(OutOfContext, match=r"no request context is active\. Call it inside `async"):
        await getattr(app, step)()


@pytest.mark.parametrize("part", ["request", "appcontext"])
async def test_a_teardown_step_takes_the_error_being_handled(app, part):
    """As in Flask: the current error is the default; an argument, even ``None``, replaces it."""
    seen = []
    getattr(app, f"teardown_{part}")(seen.append)
    step = getattr(app, f"do_teardown_{part}")
    async with app.test_request_context("/"):
        await step()
        await step(given := KeyError("given"))
        try:
            raise ValueError("handled")
        except ValueError as handled:
            await step()
            await step(None)
            error = handled
        expected = [None, given, error, None]
        assert seen == expected


async def test_a_websocket_has_the_steps_of_its_scope_type(app):
    ran = []
    app.before_websocket(lambda: ran.append("before websocket"))
    app.before_request(lambda: ran.append("before request"))
    app.teardown_websocket(lambda error: ran.append("teardown websocket"))
    app.websocket("/ws")(lambda: None)

    async with app.test_websocket_context("/ws"):
        await app.preprocess_websocket()
        assert websocket.path == "/ws"

    assert ran == ["before websocket", "teardown websocket"]


def test_errors_are_logged_with_the_place(app, caplog):
    error = KeyError("why")
    with app.test_request_context("/x", method="POST"):
        app.log_exception((KeyError, error, None))
    app.log_exception((KeyError, error, None))

    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["Exception on /x [POST]", "Exception"]
    assert caplog.records[0].exc_info[1] is error


# -- sync and async --------------------------------------------------------------------------------


async def test_sync_and_async_functions_can_be_called_either_way(app):
    async def on_the_loop(n):
        return n, threading.get_ident()

    def off_the_loop(n):
        return n, threading.get_ident()

    me = threading.get_ident()
    assert await app.ensure_async(on_the_loop)(1) == (1, me)
    assert (await app.ensure_async(off_the_loop)(n=2))[1] != me
    assert (await app.sync_to_async(off_the_loop)(3))[0] == 3
    assert (await asyncio.to_thread(app.ensure_sync(on_the_loop), 4))[0] == 4
    assert app.ensure_async(on_the_loop) is on_the_loop
    assert app.ensure_sync(off_the_loop) is off_the_loop


# -- serving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["before_serving", "while_serving", "after_serving"])
def test_a_serving_hook_is_returned_unchanged(app, name):
    async def hook():
        yield

    assert getattr(app, name)(hook) is hook


async def test_startup_and_shutdown_may_be_called_directly(app):
    ran = []
    app.before_serving(lambda: ran.append("before"))
    app.after_serving(lambda: ran.append("after"))
    await app.startup()
    await app.shutdown()

    assert ran == ["before", "after"]


async def test_the_lifespans_state_may_be_filled_at_startup(app):
    @app.before_serving
    async def connect():
        app.lifespan_state["pool"] = "connected"

    @app.get("/")
    async def view():
        return request.scope["state"]["pool"]

    async with app.test_app() as running:
        assert (await running.test_client().get("/")).text == "connected"


@pytest.mark.parametrize(
    ("server_name", "given", "address"),
    [
        (None, (None, None), ("127.0.0.1", 5000)),
        ("shop.test", (None, None), ("shop.test", 5000)),
        ("shop.test:8080", (None, None), ("shop.test", 8080)),
        ("shop.test:8080", ("0.0.0.0", 80), ("0.0.0.0", 80)),
        ("shop.test:8080", ("0.0.0.0", 0), ("0.0.0.0", 0)),
        ("shop.test:8080", ("", None), ("shop.test", 8080)),
    ],
)
def test_run_listens_where_server_name_says_unless_told_otherwise(app, server_name, given, address):
    app.config["SERVER_NAME"] = server_name

    assert app._address(*given) == address


def test_run_does_nothing_while_the_command_imports_the_module(app, monkeypatch, capsys):
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    app.run(port=1)

    assert capsys.readouterr().err == ""


async def serving(app, work, **options):
    """Do ``work(client, url)`` while ``app.run_task()`` serves; return what ``work`` returns."""
    stop, port = asyncio.Event(), free_port()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(app.run_task(port=port, shutdown_trigger=stop.wait, **options))
        try:
            await listening(port)
            scheme = "https" if "certfile" in options else "http"
            return await work(f"{scheme}://127.0.0.1:{port}")
        finally:
            stop.set()


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def listening(port):
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return


async def test_run_task_serves_in_a_loop_that_runs_already(app):
    ran = []
    app.before_serving(lambda: ran.append("before"))
    app.after_serving(lambda: ran.append("after"))
    app.get("/")(lambda: f"debug {app.debug}")

    async def work(url):
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(url)).text

    assert await serving(app, work, debug=True) == "debug True"
    assert ran == ["before", "after"]


async def test_run_task_serves_https_with_a_certificate(app):
    app.get("/")(lambda: request.url)
    trust = ssl.create_default_context(cafile=PEM)
    trust.check_hostname = False

    async def work(url):
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            return url, (await client.get(f"{url}/")).text

    url, text = await serving(app, work, certfile=PEM, keyfile=PEM)
    assert text == f"{url}/"


# -- testing ---------------------------------------------------------------------------------------


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


def test_an_async_function_that_calls_back_may_be_called_without_a_server_again_and_again(app):
    """Each call has a loop of its own; a worker leased for it is released at its end."""

    async def ask():
        return await app.ensure_async(threading.get_ident)()

    with app.app_context():
        answers = [app.ensure_sync(ask)() for _ in range(3)]

    assert len(answers) == 3
    assert app.workers.busy == 0


# -- how an app is called --------------------------------------------------------------------------


def test_a_wsgi_server_is_told_how_to_serve_the_app():
    """Gunicorn's sync worker, granian without ``--interface``, mod_wsgi …"""
    app = Flask("app")
    with pytest.raises(
        TypeError,
        match=r"This is an ASGI app.*gunicorn -k uvicorn\.workers\.UvicornWorker.*granian --inter",
    ):
        app({"REQUEST_METHOD": "GET"}, lambda status, headers: None)


def test_servers_see_that_the_app_is_asgi():
    """Uvicorn and hypercorn check this to find out the app's interface."""
    app = Flask("app")

    assert inspect.iscoroutinefunction(app.__call__)
    assert [*inspect.signature(app.__call__).parameters][:3] == ["scope", "receive", "send"]
