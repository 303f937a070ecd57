"""The app as an ASGI application, and a client that leaves."""

from __future__ import annotations

import asyncio

import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge


def scope_of(kind, path="/", **more):
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"quart.com")],
        "subprotocols": [],
        "extensions": {},
        **more,
    }


class Client:
    """A client that sends messages, and leaves when it is told to."""

    def __init__(self, *messages):
        self.messages = asyncio.Queue()
        for message in messages:
            self.messages.put_nowait(message)
        self.sent = []

    async def receive(self):
        return await self.messages.get()

    async def send(self, message):
        self.sent.append(message)

    def leave(self, kind="http"):
        self.messages.put_nowait({"type": f"{kind}.disconnect"})


REQUEST = {"type": "http.request", "body": b"", "more_body": False}


async def test_a_connection_object_serves_a_request(quart, app, module):
    @app.get("/")
    async def index():
        return "index"

    client = Client(REQUEST)
    connection = module("asgi").ASGIHTTPConnection(app, scope_of("http"))
    await asyncio.wait_for(connection(client.receive, client.send), 10)

    assert client.sent[0]["status"] == 200
    assert client.sent[1]["body"] == b"index"


async def test_a_path_may_be_a_whole_url(quart, app):
    @app.get("/path")
    async def index():
        return quart.request.path

    client = Client(REQUEST)
    scope = scope_of("http", "http://quart/path", headers=[(b"host", b"quart")])
    await asyncio.wait_for(app(scope, client.receive, client.send), 10)

    assert client.sent[1]["body"] == b"/path"


async def test_a_request_whose_client_leaves_is_cancelled(quart, app):
    ended = []
    began = asyncio.Event()

    @app.get("/")
    async def index():
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return "late"

    @app.teardown_request
    async def teardown(error):
        ended.append("teardown")

    client = Client(REQUEST)
    serving = asyncio.create_task(app(scope_of("http"), client.receive, client.send))
    await began.wait()
    client.leave()
    await asyncio.wait_for(asyncio.wait({serving}), 10)

    assert ended == ["cancelled", "teardown"]


async def test_a_hook_whose_client_leaves_is_cancelled(quart, app):
    ended = []
    began = asyncio.Event()

    @app.before_request
    async def before():
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("hook")

    @app.get("/")
    async def index():
        return "index"

    client = Client(REQUEST)
    serving = asyncio.create_task(app(scope_of("http"), client.receive, client.send))
    await began.wait()
    client.leave()
    await asyncio.wait_for(asyncio.wait({serving}), 10)

    assert ended == ["hook"]


async def test_a_view_that_waits_reads_its_body(quart, app):
    @app.post("/")
    async def index():
        await asyncio.sleep(0.01)
        return await quart.request.get_data()

    client = Client()
    serving = asyncio.create_task(app(scope_of("http", method="POST"), client.receive, client.send))
    for piece in (b"a", b"b"):
        await asyncio.sleep(0.02)
        client.messages.put_nowait({"type": "http.request", "body": piece, "more_body": True})
    client.messages.put_nowait(REQUEST)
    await asyncio.wait_for(serving, 10)

    assert b"".join(message.get("body", b"") for message in client.sent) == b"ab"


async def test_a_task_that_is_cancelled_by_others_stays_cancelled(quart, app):
    began = asyncio.Event()

    @app.get("/")
    async def index():
        began.set()
        await asyncio.sleep(60)

    client = Client(REQUEST)
    serving = asyncio.create_task(app(scope_of("http"), client.receive, client.send))
    await began.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 10)


@pytest.mark.parametrize("waits_for", ["receive", "other"])
async def test_a_websocket_view_whose_client_leaves_is_cancelled(quart, app, waits_for):
    ended = []
    began = asyncio.Event()

    @app.websocket("/")
    async def ws():
        await quart.websocket.accept()
        began.set()
        try:
            if waits_for == "receive":
                await quart.websocket.receive()
            else:
                await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    @app.after_websocket
    async def after(response):
        ended.append("after")
        return response

    @app.teardown_websocket
    async def teardown(error):
        ended.append(type(error))

    client = Client({"type": "websocket.connect"})
    serving = asyncio.create_task(app(scope_of("websocket"), client.receive, client.send))
    await began.wait()
    client.leave("websocket")
    await asyncio.wait_for(asyncio.wait({serving}), 10)

    assert ended == ["cancelled", asyncio.CancelledError]


async def test_tasks_beside_a_websocket_view_end_with_it(quart, app):
    ended = []
    began = asyncio.Event()

    @app.websocket("/")
    async def ws():
        async def sending():
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("sending")

        async def receiving():
            try:
                while True:
                    await quart.websocket.receive()
            finally:
                ended.append("receiving")

        await quart.websocket.accept()
        began.set()
        await asyncio.gather(
            quart.copy_current_websocket_context(sending)(),
            quart.copy_current_websocket_context(receiving)(),
        )

    client = Client({"type": "websocket.connect"})
    serving = asyncio.create_task(app(scope_of("websocket"), client.receive, client.send))
    await began.wait()
    await asyncio.sleep(0.01)
    client.leave("websocket")
    await asyncio.wait_for(asyncio.wait({serving}), 10)

    assert sorted(ended) == ["receiving", "sending"]


async def test_a_websocket_that_is_refused_is_closed(quart, app):
    @app.websocket("/")
    async def ws():
        return "no", 403

    client = Client({"type": "websocket.connect"})
    scope = scope_of("websocket", extensions={"websocket.http.response": {}})
    await asyncio.wait_for(app(scope, client.receive, client.send), 10)

    assert client.sent[0]["type"] == "websocket.http.response.start"
    assert client.sent[0]["status"] == 403


async def test_other_classes_may_serve_the_connections(quart, module):
    seen = []

    class Connection(module("asgi").ASGIHTTPConnection):
        async def __call__(self, receive, send):
            seen.append(self.scope["path"])
            await super().__call__(receive, send)

    class App(quart.Quart):
        asgi_http_class = Connection

    app = App("tests", root_path=".")

    @app.get("/")
    async def index():
        return "index"

    response = await app.test_client().get("/")

    assert await response.get_data() == b"index"
    assert seen == ["/"]


async def test_the_lifespan(quart, app):
    order = []

    @app.before_serving
    async def before():
        order.append("before")

    @app.after_serving
    async def after():
        order.append("after")

    client = Client({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    await asyncio.wait_for(app({"type": "lifespan", "asgi": {}}, client.receive, client.send), 10)

    assert order == ["before", "after"]
    assert [message["type"] for message in client.sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_headers_of_a_handshake_need_a_server_that_has_them(app, module):
    client = Client()
    headers = Headers({"X-Name": "value"})

    def connection(version):
        scope = scope_of("websocket", asgi={"spec_version": version})
        return module("asgi").ASGIWebsocketConnection(app, scope)

    await connection("2.1").accept_connection(client.send, headers, None)
    with pytest.warns(UserWarning, match="headers"):
        await connection("2.0").accept_connection(client.send, headers, None)

    assert [message["headers"] for message in client.sent] == [[(b"x-name", b"value")], []]


# -- the steps of a connection, called one by one --------------------------------------------------


async def ignore(message):
    pass


@pytest.mark.parametrize(
    ("more", "path", "address", "host"),
    [
        ({}, "/", "<local>", "quart.com"),
        ({"client": ("::1", 80)}, "/", "::1", "quart.com"),
        ({"client": None, "path": "http://quart.com/a?b"}, "/a", "<local>", "quart.com"),
        ({"path": "/root/a", "root_path": "/root"}, "/a", "<local>", "quart.com"),
        ({"headers": [], "http_version": "1.0"}, "/", "<local>", "server.name"),
    ],
)
async def test_a_request_is_made_of_a_scope(quart, app, module, more, path, address, host):
    app.config["SERVER_NAME"] = "server.name"
    connection = module("asgi").ASGIHTTPConnection(app, scope_of("http", **more))

    request = connection._create_request_from_scope(ignore)

    assert isinstance(request, quart.Request)
    assert (request.path, request.remote_addr, request.host) == (path, address, host)
    assert request.headers["Remote-Addr"] == address
    assert request.scope is connection.scope


async def test_a_request_of_a_scope_has_its_body_and_limits(app, module):
    app.config["MAX_CONTENT_LENGTH"] = 3
    scope = scope_of("http", method="POST", query_string=b"a=b", headers=[(b"x-a", b"\xe9")])
    connection = module("asgi").ASGIHTTPConnection(app, scope)
    request = connection._create_request_from_scope(ignore)
    client = Client({"type": "http.request", "body": b"abcd", "more_body": False})
    client.leave()
    await connection.handle_messages(request, client.receive)

    assert (request.method, request.args["a"], request.headers["X-A"]) == ("POST", "b", "é")
    with pytest.raises(RequestEntityTooLarge, match="413"):
        await request.get_data()


@pytest.mark.parametrize("extensions", [{"http.response.push": {}}, {}, None])
async def test_a_push_promise_is_sent_if_the_server_has_them(app, module, extensions):
    scope = scope_of("http", extensions=extensions, headers=[(b"accept", b"text/css")])
    client = Client()
    request = module("asgi").ASGIHTTPConnection(app, scope)._create_request_from_scope(client.send)

    await request.send_push_promise("/style.css")

    sent = [(message["path"], message["headers"]) for message in client.sent]
    assert sent == ([("/style.css", [(b"accept", b"text/css")])] if extensions else [])


async def test_a_websocket_is_made_of_a_scope(quart, app, module):
    scope = scope_of("websocket", "/ws", subprotocols=["a"], client=("1.2.3.4", 80))
    connection = module("asgi").ASGIWebsocketConnection(app, scope)
    client = Client({"type": "websocket.receive", "text": "hello", "bytes": None})
    client.leave("websocket")
    await connection.handle_messages(client.receive)

    websocket = connection._create_websocket_from_scope(client.send)
    message = await websocket.receive()
    await websocket.send("bye")

    assert isinstance(websocket, quart.Websocket)
    assert (websocket.path, websocket.remote_addr) == ("/ws", "1.2.3.4")
    assert (websocket.requested_subprotocols, message) == (["a"], "hello")
    assert client.sent == [
        {"type": "websocket.accept", "subprotocol": None, "headers": []},
        {"type": "websocket.send", "text": "bye", "bytes": None},
    ]


@pytest.mark.parametrize(
    ("version", "further"), [("2.0", {}), ("2.2", {}), ("2.3", {"reason": "why"})]
)
async def test_a_websocket_is_closed_once(app, module, version, further):
    scope = scope_of("websocket", asgi={"spec_version": version})
    connection = module("asgi").ASGIWebsocketConnection(app, scope)
    client = Client()

    await connection.close_connection(client.send, 1001, "why")

    assert client.sent == [{"type": "websocket.close", "code": 1001, **further}]
    with pytest.raises(RuntimeError, match=r".+"):
        await connection.close_connection(client.send, 1001, "why")


async def test_bytes_are_sent_as_a_binary_message(app, module):
    client = Client()
    connection = module("asgi").ASGIWebsocketConnection(app, scope_of("websocket"))

    await connection.send_data(client.send, b"bytes")

    assert client.sent == [{"type": "websocket.send", "bytes": b"bytes", "text": None}]


async def test_a_startup_that_fails_is_reported_to_the_server_and_not_raised(app, module):
    @app.before_serving
    async def fail():
        raise ValueError("no database")

    client = Client({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    lifespan = module("asgi").ASGILifespan(app, {"type": "lifespan", "asgi": {}})
    await asyncio.wait_for(lifespan(client.receive, client.send), 10)

    assert client.sent[0]["type"] == "lifespan.startup.failed"
    assert "no database" in client.sent[0]["message"]


async def test_a_subprotocol_that_was_not_offered_may_be_chosen(quart, app, client):
    @app.websocket("/")
    async def index():
        await quart.websocket.accept(subprotocol="chat")
        await quart.websocket.send("accepted")

    async with client.websocket("/") as connection:
        assert await connection.receive() == "accepted"


async def test_a_view_that_accepts_after_its_client_has_left_is_cancelled(quart, app):
    ended = []

    @app.websocket("/")
    async def index():
        try:
            await asyncio.sleep(0)
            await quart.websocket.accept()
            await quart.websocket.receive()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    client = Client({"type": "websocket.connect"})
    client.leave("websocket")
    await asyncio.wait_for(app(scope_of("websocket"), client.receive, client.send), 10)

    assert ended == ["cancelled"]


# -- steps of a connection, called by hand ---------------------------------------------------------


async def test_a_request_is_handled_and_its_response_sent(quart, app, module):
    @app.get("/")
    async def index():
        return "index", 201

    client = Client(REQUEST)
    connection = module("asgi").ASGIHTTPConnection(app, scope_of("http"))
    await connection.handle_request(connection._create_request_from_scope(client.send), client.send)

    assert client.sent[0]["status"] == 201
    assert b"".join(message.get("body", b"") for message in client.sent) == b"index"


@pytest.mark.parametrize(
    ("extensions", "kinds"),
    [
        (
            {"websocket.http.response": {}},
            ["websocket.http.response.start", "websocket.http.response.body"],
        ),
        ({}, ["websocket.close"]),
    ],
)
async def test_a_websocket_is_refused_as_the_server_can(quart, app, module, extensions, kinds):
    @app.websocket("/")
    async def ws():
        return "no", 403

    client = Client({"type": "websocket.connect"})
    scope = scope_of("websocket", extensions=extensions)
    connection = module("asgi").ASGIWebsocketConnection(app, scope)
    websocket = connection._create_websocket_from_scope(client.send)
    await connection.handle_websocket(websocket, client.send)

    sent = [message["type"] for message in client.sent]
    assert list(dict.fromkeys(sent)) == kinds


async def test_a_websocket_is_handled_and_closed(quart, app, module):
    @app.websocket("/")
    async def ws():
        await quart.websocket.accept()
        await quart.websocket.accept()
        await quart.websocket.send("sent")

    client = Client()
    connection = module("asgi").ASGIWebsocketConnection(app, scope_of("websocket"))
    websocket = connection._create_websocket_from_scope(client.send)
    await connection.handle_websocket(websocket, client.send)

    kinds = [message["type"] for message in client.sent]
    assert kinds == ["websocket.accept", "websocket.send", "websocket.close"]


async def test_messages_wait_in_the_queue_until_the_client_leaves(app, module):
    connection = module("asgi").ASGIWebsocketConnection(app, scope_of("websocket"))
    client = Client(
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "a", "bytes": None},
        {"type": "websocket.receive", "bytes": b"b"},
    )
    client.leave("websocket")
    await connection.handle_messages(client.receive)

    assert [connection.queue.get_nowait() for _ in range(2)] == ["a", b"b"]
