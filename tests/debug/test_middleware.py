"""The debugger as middleware: errors without a page, and connections as servers see them."""

from __future__ import annotations

import asyncio
import gc
import re
import weakref

import pytest
from flask import Flask as RealFlask

import asyncflask
from asyncflask import Flask, Response, websocket
from asyncflask.sse import event_stream
from asyncflask.testing.asgi_connection import ASGIConnection

URL = re.compile(r"http://\S+|/\?__debugger__\S+")


@pytest.fixture
def look(developer, caplog):
    """Open the URL that the log names, and unlock its consoles."""

    async def open_it():
        record = next(r for r in caplog.records if "Open the frames" in r.getMessage())
        url = URL.search(record.getMessage())[0]
        response = await developer.open(url.removeprefix("http://localhost"))
        assert response.status_code == 200
        await developer.unlock()
        return url

    return open_it


def logged(caplog):
    return [r.exc_info[1] for r in caplog.records if r.exc_info and r.name == "shop"]


# -- bodies ----------------------------------------------------------------------------------------


async def pieces():
    yield "one"
    count = 2
    raise ValueError(f"no {count}")


def pieces_of_def():
    yield "one"
    count = 2
    raise ValueError(f"no {count}")


@pytest.fixture(params=[pieces, pieces_of_def, "sse"])
def stream(request):
    if request.param == "sse":
        return lambda: event_stream(pieces())
    return lambda: Response(request.param())


@pytest.mark.parametrize("api", [asyncflask])
@pytest.mark.parametrize("kind", ["async", "def"])
async def test_a_body_that_fails_after_the_start_is_in_the_log(app, developer, stream, look, kind):
    @app.get("/")
    async def in_loop():
        return stream()

    @app.get("/def")
    def in_thread():
        return stream()

    with pytest.raises(ValueError, match="no 2"):
        await developer.open("/" if kind == "async" else "/def")
    url = await look()

    assert url.startswith("http://localhost/?__debugger__=yes&traceback=1&s=")
    function = next(name for name in ("pieces", "pieces_of_def") if f">{name}<" in developer.page)
    assert developer.functions()[0] == function
    assert "2" in await developer.evaluate(function, "count")
    await developer.evaluate(function, "import asyncflask")
    assert "'GET'" in await developer.evaluate(function, "asyncflask.request.method")


@pytest.mark.parametrize("api", [asyncflask.flask])
async def test_a_body_of_a_facade_app_that_fails_is_in_the_log(app, developer, look, caplog):
    app.get("/")(lambda: pieces_of_def())

    with pytest.raises(ValueError, match="no 2"):
        await developer.open("/")
    await look()

    assert len(logged(caplog)) == 1
    assert developer.functions()[0] == "pieces_of_def"
    assert "2" in await developer.evaluate("pieces_of_def", "count")


# -- websockets ------------------------------------------------------------------------------------


@pytest.fixture
def chat(app):
    @app.websocket("/chat")
    async def fail_async():
        room = "tea"
        raise ValueError(room)

    @app.websocket("/chat/def")
    def fail_def():
        room = "tea"
        raise ValueError(room)

    @app.websocket("/accepted")
    async def fail_later():
        await websocket.accept()
        room = "tea"
        raise ValueError(room)

    return app


def handshake(path, extensions=None):
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "extensions": extensions or {},
    }


@pytest.mark.parametrize("path", ["/chat", "/chat/def"])
async def test_a_handshake_that_fails_is_denied_with_the_page(chat, developer, look, path):
    connection = ASGIConnection(chat, handshake(path, {"websocket.http.response": {}}))
    async with connection:
        connection.put({"type": "websocket.connect"})
        start, body = await connection.take(), await connection.take()
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 500)
    assert b"Werkzeug Debugger" in body["body"]
    await look()

    name = "fail_def" if "def" in path else "fail_async"
    assert developer.functions() == [name]
    assert "'tea'" in await developer.evaluate(name, "room")
    await developer.evaluate(name, "import asyncflask")
    assert f"'{path}'" in await developer.evaluate(name, "asyncflask.websocket.path")


@pytest.mark.parametrize("path", ["/chat", "/chat/def", "/accepted"])
async def test_a_page_that_cannot_be_sent_is_named_in_the_log(chat, developer, look, path):
    with pytest.raises(ValueError, match="tea"):
        async with ASGIConnection(chat, handshake(path)) as connection:
            connection.put({"type": "websocket.connect"})
            message = await connection.take()
            if message["type"] == "websocket.accept":
                message = await connection.take()
    assert (message["type"], message["code"]) == ("websocket.close", 1011)

    assert (await look()).startswith("http://localhost/?")
    assert "fail_" in developer.page


async def test_a_view_may_close_with_1011_by_itself(app):
    @app.websocket("/")
    async def close():
        await websocket.close(1011)

    async with ASGIConnection(app, handshake("/")) as connection:
        connection.put({"type": "websocket.connect"})
        assert (await connection.take())["code"] == 1011


async def test_middleware_that_fails_at_once_has_a_page_for_a_handshake_too(app):
    async def middleware(scope, receive, send):
        raise LookupError

    app.asgi_app = middleware
    scope = handshake("/", {"websocket.http.response": {}})
    async with ASGIConnection(app, scope) as connection:
        connection.put({"type": "websocket.connect"})
        assert (await connection.take())["status"] == 500


# -- background tasks ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["async", "def"])
async def test_a_background_task_that_fails_has_its_page_in_the_log(
    app, developer, look, caplog, kind
):
    async def send_async(address):
        raise ValueError(address)

    def send_def(address):
        raise ValueError(address)

    @app.get("/")
    async def start():
        app.add_background_task(send_async if kind == "async" else send_def, "ada")
        return "sent"

    await developer.open("/")
    while app.background_tasks:
        await asyncio.sleep(0)
    assert "failed" in caplog.text
    assert (await look()).startswith("http://localhost/?")

    assert developer.functions() == [f"send_{kind}"]
    assert "'ada'" in await developer.evaluate(f"send_{kind}", "address")
    await developer.evaluate(f"send_{kind}", "import asyncflask")
    shown = await developer.evaluate(f"send_{kind}", "asyncflask.current_app.name")
    assert "'shop'" in shown


async def test_a_task_before_the_first_request_has_a_page_without_a_host(app, developer, look):
    async def fail():
        raise ValueError

    async with app.app_context():
        app.add_background_task(fail)
        while app.background_tasks:
            await asyncio.sleep(0)

    assert (await look()).startswith("/?__debugger__=yes&traceback=1&s=")


async def test_outside_of_debug_mode_a_task_has_no_page(app, caplog):
    async def fail():
        raise ValueError

    app.debug = False
    async with app.app_context():
        app.add_background_task(fail)
        while app.background_tasks:
            await asyncio.sleep(0)

    assert "Open the frames" not in caplog.text


# -- URLs in the log -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "start"),
    [
        ({"scheme": "wss"}, "https://localhost/?"),
        ({"root_path": "/shop/", "path": "/shop/chat"}, "http://localhost/shop/?"),
        ({"headers": [(b"host", b"127.0.0.1:5000")]}, "http://127.0.0.1:5000/?"),
        ({"headers": [(b"host", b"evil.test")]}, "/?"),
        ({"headers": []}, "/?"),
    ],
)
async def test_the_url_is_that_of_the_connection(chat, caplog, scope, start):
    """GHSA-2g68-c3qc-8985: never one of a host that is not trusted."""
    with pytest.raises(ValueError, match="tea"):
        async with ASGIConnection(chat, {**handshake("/chat"), **scope}) as connection:
            connection.put({"type": "websocket.connect"})
            await connection.take()

    assert f"error at {start}__debugger__=yes&" in caplog.text


# -- requests --------------------------------------------------------------------------------------


def request_scope(**kwargs):
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-length", b"6"), *kwargs.get("headers", ())],
    }


@pytest.mark.parametrize("expects", [False, True])
async def test_a_page_is_sent_while_the_client_sends_on(app, expects):
    """hypercorn: a response waits for room in the queue of the client's messages."""

    @app.post("/")
    def fail():
        raise ValueError

    headers = [(b"expect", b"100-continue")] if expects else []
    async with ASGIConnection(app, request_scope(headers=headers)) as connection:
        connection.put({"type": "http.request", "body": b"abc", "more_body": True})
        start = await connection.take()
        connection.put({"type": "http.request", "body": b"def"})
        while (await connection.take()).get("more_body"):
            pass

    assert start["status"] == 500


async def test_a_cancelled_request_is_no_error(app, caplog):
    started = asyncio.Event()

    @app.post("/")
    async def wait():
        started.set()
        await asyncio.Event().wait()

    async def receive():
        return {"type": "http.request", "body": b"abcdef"}

    async def send(message):
        raise AssertionError

    task = asyncio.create_task(app(request_scope(), receive, send))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not logged(caplog)


async def test_the_scope_is_left_as_it_was(app):
    """Middleware around an app may read the scope afterwards."""

    @app.post("/")
    async def index():
        return "x"

    scope = request_scope()
    before = set(scope)
    async with ASGIConnection(app, scope) as connection:
        connection.put({"type": "http.request"})
        await connection.take()
        await connection.take()

    assert {"werkzeug.debug.preserve_context", "asyncflask.environ"}.isdisjoint(set(scope) - before)


async def test_an_unknown_scope_type_is_refused_as_without_the_debugger(app):
    with pytest.raises(RuntimeError, match="scope of type 'carrier pigeon'"):
        await app({"type": "carrier pigeon"}, None, print)


# -- mounted applications --------------------------------------------------------------------------


def failing_app(cls):
    inner = cls("inner")

    @inner.get("/")
    def fail():
        cups = 3
        raise ValueError(cups)

    return inner


@pytest.mark.parametrize("api", [asyncflask])
@pytest.mark.parametrize("inner", [RealFlask, Flask, asyncflask.flask.Flask])
async def test_errors_of_a_mounted_application_have_the_outer_ones_page(app, developer, inner):
    mounted = failing_app(inner)
    mounted.debug = True
    app.mount("/old", mounted)
    await developer.open("/old/")
    await developer.unlock()

    assert "3" in await developer.evaluate("fail", "cups")
    await developer.evaluate("fail", "import asyncflask, asyncflask.flask, flask")
    module = {RealFlask: "flask", Flask: "asyncflask"}.get(inner, "asyncflask.flask")
    assert "'/old'" in await developer.evaluate("fail", f"{module}.request.root_path")


# -- memory ----------------------------------------------------------------------------------------


async def test_an_app_is_freed_with_its_debugger(api):
    app = api.Flask("shop")
    app.debug = app.use_debugger = True
    app.debugger.announce()
    gone = weakref.ref(app)
    del app
    gc.collect()

    assert gone() is None
