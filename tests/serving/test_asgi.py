"""The app as an ASGI server sees it: messages, scope, middleware, lifespan, odd requests."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import weakref
from contextlib import suppress

import pytest
import werkzeug.routing

from asyncflask import (
    Blueprint,
    Flask,
    abort,
    copy_current_websocket_context,
    current_app,
    g,
    got_serving_exception,
    request,
    session,
    stream_with_context,
    websocket,
)
from asyncflask.exceptions import SetupFinished
from asyncflask.flask import Flask as FacadeFlask
from asyncflask.testing import TestClient, WebsocketResponseError
from asyncflask.testing.asgi_connection import ASGIConnection


@pytest.fixture
def app():
    app = Flask(__name__)
    app.secret_key = "x"
    app.logger.disabled = True
    return app


def scope_of(path="/", method="GET", headers=(), query=b"", **more):
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query,
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        **more,
    }


async def talk(app, scope, *messages):
    """Call the app; return status, headers and body."""
    async with ASGIConnection(app, scope) as exchange:
        for message in messages or [{"type": "http.request", "body": b"", "more_body": False}]:
            exchange.put(message)
        start, body = await exchange.take(), b""
        while message := await exchange.take():
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
    return start["status"], dict(start["headers"]), body


# -- http ------------------------------------------------------------------------------------------


LINES = [
    (b"x-forwarded-for", b"6.6.6.6"),
    (b"accept", b"text/html;q=0.5"),
    (b"accept-language", b"de"),
    (b"cache-control", b"no-cache"),
    (b"if-none-match", b'"a"'),
    (b"cookie", b"a=1"),
    (b"x-forwarded-for", b"203.0.113.7"),
    (b"accept", b"application/json"),
    (b"accept-language", b"en;q=0.5"),
    (b"cache-control", b"max-age=5"),
    (b"if-none-match", b'"b"'),
    (b"cookie", b"b=2"),
]


def show_lists(connection):
    return {
        "forwarded": connection.headers["X-Forwarded-For"],
        "shown": dict(connection.headers)["X-Forwarded-For"],
        "route": list(connection.access_route),
        "best": connection.accept_mimetypes.best_match(["application/json", "text/html"]),
        "languages": [name for name, _ in connection.accept_languages],
        "age": connection.cache_control.max_age,
        "tags": sorted(connection.if_none_match.as_set()),
        "cookies": connection.cookies.to_dict(),
    }


SHOWN_LISTS = {
    "forwarded": "6.6.6.6,203.0.113.7",
    "shown": "6.6.6.6,203.0.113.7",
    "route": ["6.6.6.6", "203.0.113.7"],
    "best": "application/json",
    "languages": ["de", "en"],
    "age": 5,
    "tags": ["a", "b"],
    "cookies": {"a": "1", "b": "2"},
}


@pytest.mark.parametrize("kind", ["async", "def", "hook"])
async def test_header_lines_of_one_name_are_one_list(app, kind):
    """:rfc:`9110` §5.3. A proxy may add its X-Forwarded-For in a line of its own."""

    @app.get("/async")
    async def async_view():
        return show_lists(request)

    @app.get("/def")
    def def_view():
        return show_lists(request)

    @app.get("/hook")
    async def view():
        return g.seen

    @app.before_request
    async def look():
        g.seen = show_lists(request)

    _, _, body = await talk(app, scope_of(f"/{kind}", headers=LINES))

    assert app.json.loads(body) == SHOWN_LISTS


async def test_header_lines_of_one_name_are_one_list_of_a_websocket_too(app):
    @app.websocket("/")
    async def view():
        await websocket.send_json(show_lists(websocket))

    scope = scope_of(headers=LINES, type="websocket", scheme="ws", subprotocols=[])
    async with ASGIConnection(app, scope) as exchange:
        exchange.put({"type": "websocket.connect"})
        await exchange.take()
        message = await exchange.take()

    assert app.json.loads(message["text"]) == SHOWN_LISTS


async def test_a_session_is_found_in_the_second_cookie_line(app):
    @app.get("/set")
    async def write():
        session["name"] = "Ada"
        return ""

    @app.get("/")
    async def read():
        return session.get("name", "nothing")

    client = app.test_client()
    await client.get("/set")
    cookie = f"session={client.get_cookie('session').value}".encode()
    headers = [(b"cookie", b"a=1"), (b"cookie", cookie)]

    assert (await talk(app, scope_of(headers=headers)))[2] == b"Ada"


async def test_headers_that_can_be_iterated_once_reach_the_view(app):
    @app.get("/")
    async def show():
        return f"{request.headers['X-A']} {request.cookies['b']}"

    scope = scope_of() | {"headers": iter([(b"x-a", b"1"), (b"cookie", b"b=2")])}

    assert (await talk(app, scope))[2] == b"1 2"


async def test_a_buffered_response_is_two_messages(app):
    app.get("/")(lambda: "hello")
    async with ASGIConnection(app, scope_of()) as exchange:
        start, body = await exchange.take(), await exchange.take()

    assert start["type"] == "http.response.start"
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-length"] == b"5"
    assert body == {"type": "http.response.body", "body": b"hello"}


async def test_the_matched_rule_is_in_the_scope(app):
    app.get("/user/<int:n>")(lambda n: str(n))
    scope = scope_of("/user/1")
    await talk(app, scope)

    assert str(scope["route"]) == "/user/<int:n>"


# -- tracing tools read scope["route"] and scope["endpoint"] ---------------------------------------


def add_views(app):
    """Add routes of several kinds, and return their paths with their names."""
    blueprint = Blueprint("users", __name__, url_prefix="/users")

    @blueprint.get("/<int:id>")
    async def user(id):
        return str(id)

    @blueprint.get("/<name>/raises")
    def failing(name):
        raise LookupError(name)

    app.register_blueprint(blueprint)
    app.add_url_rule("/def/<int:id>", "def", lambda id: str(id))
    app.url_map.add(werkzeug.routing.Rule("/own/<id>", endpoint="def"))
    app.url_map.add(
        werkzeug.routing.Submount("/sub", [werkzeug.routing.Rule("/<id>", endpoint="def")])
    )
    return {
        "/users/1": "/users/<int:id>",
        "/users/a/raises": "/users/<name>/raises",
        "/def/1": "/def/<int:id>",
        "/own/a": "/own/<id>",
        "/sub/a": "/sub/<id>",
        "/static/none.css": "/static/<path:filename>",
    }


@pytest.mark.parametrize("matched_by", ["tree", "adapter"])
@pytest.mark.parametrize("flask", [Flask, FacadeFlask], ids=["async API", "facade"])
async def test_a_request_can_be_named_by_its_rule(flask, matched_by):
    app = flask(__name__)
    if matched_by == "adapter":
        app.config["TRUSTED_HOSTS"] = ["127.0.0.1"]
    for path, expected in add_views(app).items():
        scope = scope_of(path)
        await talk(app, scope)

        assert (scope["route"].path, scope["route"].path_format) == (expected, expected)
        assert scope["endpoint"] is app.view_functions[scope["route"].endpoint]


@pytest.mark.parametrize("flask", [Flask, FacadeFlask], ids=["async API", "facade"])
@pytest.mark.parametrize(("path", "method"), [("/nowhere", "GET"), ("/users/1", "PUT")])
async def test_a_request_without_a_rule_has_no_route(flask, path, method):
    app = flask(__name__)
    add_views(app)
    scope = scope_of(path) | {"method": method}
    await talk(app, scope)

    assert "route" not in scope
    assert "endpoint" not in scope


@pytest.mark.parametrize("flask", [Flask, FacadeFlask], ids=["async API", "facade"])
async def test_a_websocket_can_be_named_by_its_rule(flask):
    app, seen = flask(__name__), []

    @app.websocket("/rooms/<name>")
    async def room(name):
        await websocket.accept()

    inner = app.asgi_app

    async def tracer(scope, receive, send):
        await inner(scope, receive, send)
        seen.append(scope["route"].path_format)

    app.asgi_app = tracer
    async with TestClient(app).websocket("/rooms/a"):
        pass

    assert seen == ["/rooms/<name>"]


async def test_an_unknown_scope_names_the_known_ones(app):
    with pytest.raises(RuntimeError, match=r"type 'gopher'; it serves 'http'"):
        await app({"type": "gopher"}, None, None)


async def test_middleware_wraps_asgi_app_and_sees_everything(app):
    class Middleware:
        def __init__(self, wrapped):
            self.wrapped = wrapped
            self.seen = []

        async def __call__(self, scope, receive, send):
            self.seen.append(scope["type"])
            await self.wrapped(scope, receive, send)

    app.get("/")(lambda: "x")
    app.asgi_app = Middleware(app.asgi_app)
    status, _, body = await talk(app, scope_of())
    async with app.test_app():
        pass

    assert (status, body) == (200, b"x")
    assert app.asgi_app.seen == ["http", "lifespan"]


async def test_asgi_app_may_be_overridden_in_a_subclass():
    class Own(Flask):
        async def asgi_app(self, scope, receive, send):
            scope["path"] = "/rewritten"
            await super().asgi_app(scope, receive, send)

    app = Own(__name__)
    app.get("/rewritten")(lambda: request.path)

    assert (await talk(app, scope_of("/")))[2] == b"/rewritten"


async def test_setup_is_locked_after_the_first_request(app):
    app.get("/")(lambda: "x")
    await talk(app, scope_of())

    with pytest.raises(SetupFinished, match=r"'before_request' was called on .* after it served"):
        app.before_request(lambda: None)
    with pytest.raises(AssertionError, match="Do all setup"):
        app.route("/x")


async def test_a_full_worker_queue_is_503(app):
    app.config.update(WORKER_POOL_SIZE=1, WORKER_QUEUE_SIZE=0)
    going, go_on = threading.Event(), threading.Event()

    @app.get("/slow")
    def slow():
        going.set()
        go_on.wait(5)
        return "slow"

    @app.get("/async")
    async def quick():
        return "quick"

    first = asyncio.create_task(talk(app, scope_of("/slow")))
    await asyncio.to_thread(going.wait, 5)
    refused = await talk(app, scope_of("/slow"))
    served = await talk(app, scope_of("/async"))
    go_on.set()

    assert refused[0] == 503
    assert 2 <= int(refused[1][b"retry-after"]) <= 10
    assert served[2] == b"quick"
    assert (await first)[2] == b"slow"


async def test_system_exit_in_a_def_view_is_a_500_and_the_loop_lives(app):
    @app.get("/")
    def view():
        raise SystemExit(1)

    app.get("/fine")(lambda: "x")

    assert (await talk(app, scope_of()))[0] == 500
    assert (await talk(app, scope_of("/fine")))[2] == b"x"


async def test_debug_shows_the_traceback_page_and_escapes_the_error(app):
    """CVE-2016-10516."""
    app.debug = True

    @app.get("/")
    async def view():
        raise LookupError("<script>alert(1)</script>")

    status, headers, body = await talk(app, scope_of())

    assert status == 500
    assert b"LookupError" in body
    assert b"<script>alert(1)" not in body.partition(b"<!--")[0]  # The rest is a comment.
    assert headers[b"content-type"].startswith(b"text/html")


async def test_a_wsgi_callable_is_run_off_the_loop_with_the_requests_body(app):
    seen = []

    def wsgi(environ, start_response):
        seen.append(threading.get_ident())
        body = environ["wsgi.input"].read()
        start_response(
            "202 Accepted", [("Content-Type", "text/x"), ("X-Q", environ["QUERY_STRING"])]
        )
        yield environ["PATH_INFO"].encode()
        yield body

    @app.post("/<path:p>")
    async def view(p):
        return wsgi

    @app.post("/def/<path:p>")
    def blocking(p):
        return wsgi

    for path in ("/a/b", "/def/a"):
        status, headers, body = await talk(
            app,
            scope_of(path, "POST", [(b"content-length", b"4")], b"q=1"),
            {"type": "http.request", "body": b"body", "more_body": False},
        )

        assert (status, headers[b"x-q"], body) == (202, b"q=1", path.encode() + b"body")
    assert threading.get_ident() not in seen


async def test_an_error_after_the_start_cuts_the_response_off(app):
    ended = []

    @app.get("/")
    async def view():
        async def parts():
            yield "x"
            raise LookupError("in mid-stream")

        return stream_with_context(parts())

    app.teardown_request(lambda error: ended.append(type(error).__name__))
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        await asyncio.sleep(60)

    with pytest.raises(LookupError, match="in mid-stream"):
        await app(scope_of(), receive, send)
    assert sent[-1].get("more_body")
    assert ended == ["LookupError"]


# -- odd requests ----------------------------------------------------------------------------------


def everything(app):
    for rule in ("/", "/a/<b>/<int:c>", "/p/<path:p>", "/slash/", "/any/<any(a,b):x>/<float:f>"):
        app.get(rule, endpoint=rule.replace(".", "_"))(lambda **values: "x")

    @app.get("/async/<name>")
    async def view(name):
        request.url, request.full_path, request.args, request.base_url
        return "x"


PIECES = [
    *("/", "//", ".", "..", "a", "b", "1", "-1", "1.5", "static", "p", "any", "async", "slash"),
    *("%2e", "%2F", "%00", "%zz", "%C3%28", "\x00", "\r", "\n", "ü", "€", "💥", "\udcff", "\\"),
    *("con", "NUL.txt", *"?#;:@~*{}<>|\"'`^[]=&+,$!()"),
]


async def test_unusual_paths_are_never_a_500(app):
    everything(app)
    chance = random.Random(20260801)
    size = 0
    while size < 20_000:
        path = "/" + "".join(
            chance.choice(PIECES) + chance.choice(["", "/"]) for _ in range(chance.randrange(12))
        )
        size += len(path)
        query = chance.choice([b"", b"a=b", b"%ff=%zz&&=&a", b"\xff\x00", b"a" * 100])
        status, _, _ = await talk(app, scope_of(path, query=query))

        assert status < 500, (path, query)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "*",
        "ftp://evil.test/",
        "http://b@evil.test/",
        "@evil.test",
        "?a=b",
        "/static/" + "a" * 5000,
    ],
)
async def test_a_target_that_is_no_path_is_no_500(app, path):
    """Quart 0.22: a target without a path; CVE-2026-54282."""
    everything(app)

    assert (await talk(app, scope_of(path)))[0] in (400, 404, 308)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"a/?x")],
        [(b"host", b"")],
        [(b"host", b"[::1")],
        [(b"host", b"\xff")],
        [(b"content-length", b"x")],
        [(b"content-length", b"-1")],
        [(b"cookie", b"session=\xff; =; a")],
        [(b"content-type", b"multipart/form-data")],
        [(b"authorization", b"Basic x")],
        [(b"authorization", b"Basic \xff")],
        [(b"range", b"bytes=" + b"0-1," * 2000)],
        [(b"x-y", b"\xff\xfe")],
    ],
    ids=lambda headers: headers[0][0].decode() + str(len(headers[0][1])),
)
async def test_odd_headers_are_no_500(app, headers):
    @app.route("/", methods=["POST"])
    async def view():
        request.host, request.url, request.cookies, request.authorization, request.range
        await request.form
        return "x"

    status, _, _ = await talk(app, scope_of("/", "POST", headers))

    assert status < 500


async def test_a_redirect_never_leads_to_another_host(app):
    """CVE-2020-28724, CVE-2021-21330, CVE-2023-28370."""
    app.get("/<path:p>/")(lambda p: "x")
    for path in ("//evil.test", "///evil.test/a", "/\\evil.test", "//evil.test/%2e%2e"):
        status, headers, _ = await talk(app, scope_of(path, headers=[(b"host", b"good.test")]))
        location = headers.get(b"location", b"")

        assert status in (200, 308, 404)
        assert not location.startswith((b"//", b"/\\"))
        assert not location.startswith(b"http") or location.startswith(b"http://good.test/")


@pytest.mark.parametrize("method", ["__init__", "get", "GET\r\nX", "", "ÜBER", "TRACE"])
async def test_odd_methods_are_405(app, method):
    app.get("/")(lambda: "x")

    assert (await talk(app, scope_of("/", method)))[0] in (405, 200 if method == "get" else 405)


# -- the end ---------------------------------------------------------------------------------------


class Messages:
    """ASGI's ``receive``, which the context of a connection refers to."""

    def __init__(self, *messages):
        self.messages = list(messages)

    async def __call__(self):
        return self.messages.pop(0) if self.messages else await asyncio.Event().wait()


async def discard(message):
    pass


async def nothing(error=None):
    pass


async def failing(response):
    raise ZeroDivisionError


async def text(error):
    return "handled", 500


def declare_def_views(app):
    @app.get("/def")
    def view():
        return request.path

    @app.get("/def-fails")
    def fails_in_a_thread():
        return request.path + str(1 / 0)

    @app.get("/def-stream")
    def stream_in_a_thread():
        return iter(["a", "b"])

    @app.get("/def-stream-fails")
    def stream_that_fails():
        return (str(1 / number) for number in (1, 0))


def declare_views(app):
    @app.post("/unread")
    async def unread():
        return ""

    @app.get("/uses")
    async def uses():
        return request.args.get("a", "")

    @app.get("/fails")
    async def fails():
        return request.path + str(1 / 0)

    @app.get("/aborts")
    async def aborts():
        abort(418, request.path)

    @app.get("/stream")
    async def stream():
        @stream_with_context
        async def parts():
            yield request.path

        return parts()

    @app.get("/forgets")
    async def forgets():
        request.get_data()
        return ""

    @app.websocket("/echo")
    async def echo():
        while True:
            await websocket.send(await websocket.receive())

    @app.websocket("/fails")
    async def fail():
        await websocket.accept()
        raise ZeroDivisionError


HTTP_CASES = [
    *(("/uses", "GET"), ("/uses", "HEAD"), ("/fails", "GET"), ("/aborts", "GET"), ("/def", "GET")),
    *(("/stream", "GET"), ("/stream", "HEAD"), ("/forgets", "GET"), ("/missing", "GET")),
    *(("/uses", "PUT"), ("/unread", "POST"), ("/refused", "GET"), ("/def-fails", "GET")),
    *(("/def-stream", "GET"), ("/def-stream-fails", "GET")),
]


@pytest.mark.parametrize("around", [None, "hooks", "def hook", "failing hook", "handlers"])
@pytest.mark.parametrize(
    ("path", "method"), [*HTTP_CASES, ("/echo", "websocket"), ("/fails", "websocket")]
)
async def test_a_connection_leaves_no_reference_circle(app, around, path, method):
    """Its memory is free at once. The garbage collector comes late, and holds the loop up."""
    declare_views(app)
    declare_def_views(app)
    if around == "hooks":
        app.before_request(nothing)
        app.teardown_request(nothing)
    elif around == "def hook":
        app.before_request(lambda: None)
    elif around == "failing hook":
        app.after_request(failing)
    elif around == "handlers":
        app.errorhandler(Exception)(text)
    scope = scope_of(path, method, [(b"content-length", b"9")] if method == "POST" else [])
    messages = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.request"}]
    if method == "websocket":
        scope |= {"type": "websocket", "scheme": "ws"}
        messages = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1001}]
    lease = None
    if path == "/refused":
        app.config.update(WORKER_POOL_SIZE=1, WORKER_QUEUE_SIZE=0)
        app.add_url_rule("/refused", view_func=lambda: "")
        lease = await app.workers.lease()
    receive = Messages(*messages)
    alive = weakref.ref(receive)
    gc.disable()
    try:
        with suppress(ZeroDivisionError):
            await app(scope, receive, discard)
        scope.clear()
        receive = None
        async with asyncio.timeout(5):  # A thread or a callback of the loop may be at its end.
            while alive() is not None:
                await asyncio.sleep(0.001)
    finally:
        gc.enable()
        if lease is not None:
            lease.release()
        app.workers.trim()


# -- websockets ------------------------------------------------------------------------------------


async def test_an_unknown_websocket_path_is_refused(app):
    app.get("/")(lambda: "x")
    scope = scope_of("/", type="websocket", subprotocols=[], scheme="ws")
    async with ASGIConnection(app, scope) as exchange:
        exchange.put({"type": "websocket.connect"})
        answer = await exchange.take()

    assert answer["type"] == "websocket.close"


async def test_an_error_in_a_websocket_closes_it_with_1011(app):
    ended = []

    @app.websocket("/")
    async def view():
        await websocket.accept()
        raise LookupError("in the view")

    app.teardown_websocket(lambda error: ended.append(type(error).__name__))
    app.config["PROPAGATE_EXCEPTIONS"] = True
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    with pytest.raises(LookupError, match="in the view"):
        await app(scope_of(type="websocket", subprotocols=[], scheme="ws"), receive, send)
    assert sent[-1]["type"] == "websocket.close"
    assert sent[-1]["code"] == 1011
    assert ended == ["LookupError"]


@pytest.mark.parametrize("path", ["/copies", "/refuses"])
async def test_nothing_is_received_for_a_websocket_that_has_ended(app, path):
    """RFC 8441: with HTTP/2, a request needs no header for its body; a websocket has none."""

    @app.websocket("/copies")
    async def copies():
        await websocket.accept()
        await copy_current_websocket_context(nothing)()

    @app.websocket("/refuses")
    async def refuses():
        def refused(environ, start_response):
            start_response("403 FORBIDDEN", [])
            return [b"no"]

        return refused

    class Counted(Messages):
        count = 0

        async def __call__(self):
            self.count += 1
            return await super().__call__()

    receive = Counted({"type": "websocket.connect"})
    scope = scope_of(path, type="websocket", scheme="ws", http_version="2")
    scope["extensions"] = {"websocket.http.response": {}}
    await app(scope, receive, discard)
    await asyncio.sleep(0)

    assert receive.count <= 1


# -- lifespan --------------------------------------------------------------------------------------


async def test_sync_and_async_functions_run_around_serving(app):
    order = []

    @app.before_serving
    async def before():
        order.append(f"before {current_app.name == app.name}")

    @app.before_serving
    def blocking():
        order.append(f"def {threading.current_thread() is not threading.main_thread()}")

    @app.while_serving
    async def first():
        order.append("first in")
        yield
        order.append("first out")

    @app.while_serving
    async def second():
        order.append("second in")
        yield
        order.append("second out")

    app.after_serving(lambda: order.append("after"))
    async with app.test_app() as running:
        app.test_client()
        assert running

    assert order == [
        "before True",
        "def True",
        "first in",
        "second in",
        "second out",
        "first out",
        "after",
    ]


async def test_a_generator_ends_with_what_after_serving_closes(app):
    """Quart's order: the generator of the app and that of a blueprint still have the database."""
    database, used = {"open": False}, []

    @app.before_serving
    def connect():
        database["open"] = True

    @app.after_serving
    async def disconnect():
        database["open"] = False

    async def part():
        used.append(database["open"])
        yield
        used.append(database["open"])

    blueprint = Blueprint("shop", __name__)
    blueprint.while_app_serving(part)
    app.register_blueprint(blueprint)
    app.while_serving(part)
    async with app.test_app():
        pass

    assert used == [True] * 4
    assert not database["open"]


async def test_state_of_startup_is_seen_by_requests(app):
    @app.before_serving
    async def fill():
        app.lifespan_state["db"] = "connection"

    @app.get("/")
    async def view():
        return request.scope["state"]["db"]

    async with app.test_app() as running:
        response = await running.test_client().get("/")

    assert response.text == "connection"


async def test_a_failed_startup_is_reported_to_the_server_and_signalled(app):
    heard = []

    @app.before_serving
    async def fail():
        raise LookupError("no database")

    receiver = lambda sender, exception, **extra: heard.append(exception)  # noqa: E731
    with got_serving_exception.connected_to(receiver, app):
        with pytest.raises(LookupError, match="no database"):
            async with ASGIConnection(app, {"type": "lifespan", "asgi": {}}) as exchange:
                exchange.put({"type": "lifespan.startup"})
                answer = await exchange.take()

    assert answer == {"type": "lifespan.startup.failed", "message": "LookupError: no database"}
    assert isinstance(heard[0], LookupError)


async def test_all_of_the_shutdown_runs_even_when_a_part_fails(app):
    ran = []

    @app.while_serving
    async def part():
        yield
        ran.append("part")

    @app.after_serving
    async def last():
        ran.append("last")

    @app.after_serving
    def fail():
        raise LookupError("at shutdown")

    app.after_serving_funcs.reverse()
    with pytest.raises(LookupError, match="at shutdown"):
        async with app.test_app():
            pass
    assert ran == ["part", "last"]


async def test_after_serving_runs_even_when_a_generator_fails(app):
    ran = []

    @app.while_serving
    async def part():
        yield
        raise LookupError("at the end of the generator")

    app.after_serving(lambda: ran.append("after"))
    with pytest.raises(LookupError, match="end of the generator"):
        async with app.test_app():
            pass

    assert ran == ["after"]


@pytest.mark.parametrize("kind", [Flask, FacadeFlask])
@pytest.mark.parametrize("where", ["after_serving", "while_serving"])
async def test_all_of_the_shutdown_runs_even_when_a_cancelled_task_is_awaited(kind, where):
    app = kind(__name__)
    ran = []

    async def stop():
        task = asyncio.ensure_future(asyncio.sleep(60))
        task.cancel()
        await task

    @app.while_serving
    async def first():
        yield
        ran.append("first")

    @app.while_serving
    async def poller():
        yield
        if where == "while_serving":
            await stop()

    if where == "after_serving":
        app.after_serving(stop)
    app.after_serving(lambda: ran.append("last"))

    await app.startup()
    with pytest.raises(RuntimeError, match=r"(stop|poller) .*Catch asyncio.CancelledError at that"):
        await app.shutdown()

    assert ran == ["first", "last"]


async def test_a_shutdown_that_the_server_cancels_ends(app):
    begun = asyncio.Event()
    ran = []

    @app.after_serving
    async def slow():
        begun.set()
        await asyncio.sleep(60)

    app.after_serving(lambda: ran.append("last"))
    await app.startup()
    shutdown = asyncio.ensure_future(app.shutdown())
    await begun.wait()
    shutdown.cancel()

    with pytest.raises(asyncio.CancelledError):
        await shutdown
    assert ran == []


async def test_a_while_serving_generator_that_yields_twice_is_an_error(app):
    @app.while_serving
    async def part():
        yield
        yield

    with pytest.raises(RuntimeError, match="yielded twice"):
        async with app.test_app():
            pass


async def test_an_unknown_lifespan_message_is_an_error_that_names_it(app):
    async def receive():
        return {"type": "lifespan.pause"}

    with pytest.raises(RuntimeError, match=r"'lifespan\.pause'"):
        await app({"type": "lifespan"}, receive, None)


async def test_an_app_can_be_served_a_second_time(app):
    starts = []
    app.before_serving(lambda: starts.append(1))
    app.get("/")(lambda: g.get("x", "x"))
    for _ in range(2):
        async with app.test_app() as running:
            assert (await running.test_client().get("/")).text == "x"

    assert starts == [1, 1]


async def test_a_websocket_view_that_accepts_nothing_is_logged(app, caplog):
    app.logger.disabled = False

    @app.websocket("/ws")
    async def view():
        pass

    with pytest.raises(WebsocketResponseError, match="403"):
        async with app.test_client().websocket("/ws"):
            pass

    assert "The websocket view of /ws ended without accepting" in caplog.text


# -- a body that a hook has read -------------------------------------------------------------------

BODY = b'{"name": "' + b"x" * 300_000 + b'"}'
FIELDS = {"data": BODY, "content_type": "application/json"}


def read_whole_stream():
    return request.stream.read()


def read_stream_in_pieces():
    return b"".join(iter(lambda: request.stream.read(8192), b""))


def read_environ():
    return request.environ["wsgi.input"].read()


def read_twice():
    return request.stream.read() + request.stream.read()


def wsgi_echo():
    def answer(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return [environ["wsgi.input"].read()]

    return answer


@pytest.mark.parametrize("hook", ["def", "async"])
@pytest.mark.parametrize("what", ["data", "json"])
@pytest.mark.parametrize(
    "view", [read_whole_stream, read_stream_in_pieces, read_environ, read_twice, wsgi_echo]
)
async def test_a_def_view_streams_what_a_hook_has_read(app, hook, what, view):
    if hook == "def":
        app.before_request(
            lambda: (request.get_data() if what == "data" else request.json) and None
        )
    else:

        @app.before_request
        async def check():
            _ = await request.get_data() if what == "data" else await request.json

    app.post("/")(view)

    assert (await app.test_client().post("/", **FIELDS)).data == BODY


async def test_an_async_view_returns_a_wsgi_callable_that_reads_what_was_read(app):
    @app.post("/")
    async def view():
        await request.get_data()
        return wsgi_echo()

    assert (await app.test_client().post("/", **FIELDS)).data == BODY


async def test_an_environ_that_was_made_before_has_what_was_read_later(app):
    seen = []
    app.before_request(lambda: seen.append(request.environ["wsgi.input"]))

    @app.before_request
    async def check():
        await request.get_data()

    app.post("/")(read_stream_in_pieces)

    assert (await app.test_client().post("/", **FIELDS)).data == BODY


@pytest.mark.parametrize("hook", ["def", "async"])
async def test_a_body_that_was_read_without_cache_is_empty_as_in_flask(app, hook):
    if hook == "def":
        app.before_request(lambda: request.get_data(cache=False) and None)
    else:

        @app.before_request
        async def check():
            await request.get_data(cache=False)

    app.post("/")(read_whole_stream)

    assert (await app.test_client().post("/", **FIELDS)).data == b""
