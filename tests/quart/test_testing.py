"""The test client, its connections, and the functions that make parts of requests."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
from werkzeug.datastructures import Headers

import asyncflask.quart
from asyncflask.testing import WebsocketResponseError


@pytest.mark.parametrize(
    ("path", "arguments", "expected"),
    [
        ("/path", {}, ("/path", b"")),
        ("/path?a=b", {}, ("/path", b"a=b")),
        ("/path", {"query_string": {"a": "b"}}, ("/path", b"a=b")),
    ],
)
async def test_parts_of_a_request(quart, module, path, arguments, expected):
    make = module("testing").make_test_headers_path_and_query_string
    headers, *parts = make(quart.Quart("tests", root_path="."), path, None, **arguments)

    assert tuple(parts) == expected
    assert headers["host"] == "localhost"
    assert headers["User-Agent"] == "Quart"


async def test_the_host_is_the_server_name(quart, module):
    make = module("testing").make_test_headers_path_and_query_string
    app = quart.Quart("tests", root_path=".")
    app.config["SERVER_NAME"] = "shop.test"

    assert make(app, "/")[0]["host"] == "shop.test"
    assert make(app, "/", subdomain="api")[0]["host"] == "api.shop.test"
    assert make(app, "/", {"host": "other"})[0]["host"] == "other"


async def test_two_query_strings_are_refused(quart, module):
    make = module("testing").make_test_headers_path_and_query_string
    with pytest.raises(ValueError, match=r"(?i)query.string"):
        make(quart.Quart("tests", root_path="."), "/?a=b", None, {"c": "d"})


async def test_name_and_password_are_a_header(quart, app, client):
    @app.get("/")
    async def index():
        auth = quart.request.authorization
        return [auth.username, auth.password]

    response = await client.get("/", auth=("Ada", "secret"))

    assert await response.get_json() == ["Ada", "secret"]


async def test_bodies_have_their_headers(module):
    make = module("testing").make_test_body_with_headers
    storage = module("datastructures").FileStorage(BytesIO(b"content"), "a.txt")

    json, json_headers = make(json={"a": "b"})
    form, form_headers = make(form={"a": "b", "c": "d e"})
    upload, upload_headers = make(form={"a": "b"}, files={"file": storage})

    assert json.replace(b" ", b"") == b'{"a":"b"}'
    assert json_headers["Content-Type"] == "application/json"
    assert form == b"a=b&c=d+e"
    assert form_headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert b"content" in upload
    assert b'filename="a.txt"' in upload
    assert upload_headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert make(data="text")[0] == make(data=b"text")[0] == b"text"
    with pytest.raises(ValueError, match=r".+"):
        make(json={}, form={})


async def test_a_scope_has_what_is_given(module):
    scope = module("testing").make_test_scope(
        "http",
        "/a",
        "GET",
        Headers({"X-A": "1"}),
        b"a=1",
        "http",
        "",
        "1.1",
        {"client": ("127.0.0.2", 1)},
    )

    assert scope["type"] == "http"
    assert scope["client"] == ("127.0.0.2", 1)
    assert scope["headers"] == [(b"x-a", b"1")]
    assert (scope["path"], scope["query_string"]) == ("/a", b"a=1")


async def test_what_the_client_sends(quart, app, client):
    @app.post("/form")
    async def form():
        return dict(await quart.request.form)

    @app.post("/files")
    async def files():
        file = (await quart.request.files)["file"]
        return [file.filename, file.read().decode(), (await quart.request.form)["a"]]

    @app.post("/json")
    async def json():
        return await quart.request.get_json()

    @app.post("/data")
    async def data():
        return await quart.request.get_data()

    @app.get("/query")
    async def query():
        return dict(quart.request.args)

    storage = quart.datastructures.FileStorage(BytesIO(b"content"), "a.txt")

    async def got(response):
        return await response.get_json()

    assert await got(await client.post("/form", form={"a": "b"})) == {"a": "b"}
    sent = await client.post("/files", form={"a": "b"}, files={"file": storage})
    assert await got(sent) == ["a.txt", "content", "b"]
    assert await got(await client.post("/json", json=[1])) == [1]
    assert await got(await client.post("/json", json=None)) is None
    assert await (await client.post("/data", data=b"x")).get_data() == b"x"
    assert await got(await client.get("/query", query_string={"a": "b"})) == {"a": "b"}


async def test_the_address_is_local_unless_the_scope_has_one(quart, app, client):
    @app.get("/")
    async def index():
        return [quart.request.remote_addr, *quart.request.access_route]

    base = {"client": ("1.2.3.4", 1)}

    assert await (await client.get("/")).get_json() == ["<local>", "<local>"]
    assert await (await client.get("/", scope_base=base)).get_json() == ["1.2.3.4", "1.2.3.4"]


async def test_redirects_are_followed(quart, app, client):
    @app.route("/", methods=["GET", "POST"])
    async def index():
        return quart.request.method + (await quart.request.get_data()).decode()

    @app.post("/303")
    async def see_other():
        return quart.redirect("/", 303)

    @app.post("/307")
    async def temporary():
        return quart.redirect("/", 307)

    @app.get("/cookie")
    async def cookie():
        response = await quart.make_response(quart.redirect("/read"))
        response.set_cookie("a", "1")
        return response

    @app.get("/read")
    async def read():
        return quart.request.cookies.get("a", "none")

    async def got(*args, **kwargs):
        response = await client.open(*args, follow_redirects=True, **kwargs)
        return await response.get_data(as_text=True)

    assert await got("/303", method="POST") == "GET"
    assert await got("/307", method="POST", data=b"x") == "POSTx"
    assert await got("/cookie") == "1"
    assert (await client.get("/cookie")).status_code == 302


async def test_cookies_are_kept_and_may_be_set_and_deleted(quart, app, client):
    @app.get("/")
    async def index():
        return dict(quart.request.cookies)

    client.set_cookie("localhost", "a", "1")
    assert await (await client.get("/")).get_json() == {"a": "1"}
    assert [(cookie.name, cookie.value) for cookie in client.cookie_jar] == [("a", "1")]
    client.delete_cookie("localhost", "a")
    assert await (await client.get("/")).get_json() == {}
    assert app.test_client(use_cookies=False).cookie_jar is None


async def test_a_session_is_changed_between_requests(quart, app, client):
    @app.get("/")
    async def index():
        quart.session["count"] = quart.session.get("count", 0) + 1
        return str(quart.session["count"])

    async with client.session_transaction() as session:
        session["count"] = 5
    assert await (await client.get("/")).get_data() == b"6"
    async with client.session_transaction() as session:
        assert session["count"] == 6


async def test_the_context_is_kept_inside_of_the_client(quart, app, client):
    @app.get("/<name>")
    async def index(name):
        return name

    async with client:
        await client.get("/Ada")
        assert quart.request.path == "/Ada"
        await client.get("/Bob")
        assert quart.request.path == "/Bob"


async def test_a_request_in_steps(quart, app, client):
    @app.post("/")
    async def index():
        return await quart.request.get_data()

    async with client.request("/", method="POST") as connection:
        await connection.send(b"a")
        await connection.send(b"b")
        await connection.send_complete()
    response = await connection.as_response()

    assert response.status_code == 200
    assert await response.get_data() == b"ab"


async def test_a_response_is_received_in_pieces(quart, app, client):
    @app.get("/")
    async def index():
        async def chunks():
            yield b"a"
            yield b"b"

        return chunks()

    async with client.request("/") as connection:
        await connection.send_complete()
        received = [await connection.receive(), await connection.receive()]
        await connection.disconnect()

    assert received == [b"a", b"b"]


async def test_push_promises_are_noted(quart, app, client):
    @app.get("/")
    async def index():
        await quart.make_push_promise("/style.css")
        return ""

    await client.get("/", http_version="2")

    assert [path for path, _ in client.push_promises] == ["/style.css"]


async def test_a_websocket(quart, app, client):
    @app.websocket("/ws")
    async def ws():
        await quart.websocket.send(await quart.websocket.receive())
        await quart.websocket.send_json(await quart.websocket.receive_json())

    async with client.websocket("/ws") as connection:
        await connection.send("text")
        assert await connection.receive() == "text"
        await connection.send_json({"a": 1})
        assert await connection.receive_json() == {"a": 1}
        assert connection.accepted


async def test_a_websocket_that_is_refused(quart, app, client, module):
    error = module("testing").WebsocketResponseError

    @app.websocket("/ws")
    async def ws():
        quart.abort(401)

    @app.websocket("/answer")
    async def answer():
        return "no", 403

    async with client.websocket("/ws") as connection:
        with pytest.raises(error) as refused:
            await connection.receive()
    async with client.websocket("/answer") as connection:
        with pytest.raises(error) as answered:
            await connection.receive()
    async with client.websocket("/nowhere") as connection:
        with pytest.raises(error) as missing:
            await connection.receive()

    assert refused.value.response.status_code == 401
    assert answered.value.response.status_code == 403
    assert await answered.value.response.get_data() == b"no"
    assert missing.value.response.status_code == 404


async def test_a_websocket_that_is_closed(quart, app, client, module):
    error = module("testing.connections").WebsocketDisconnectError

    @app.websocket("/ws")
    async def ws():
        await quart.websocket.accept()
        await quart.websocket.close(1001)

    async with client.websocket("/ws") as connection:
        with pytest.raises(error) as closed:
            await connection.receive()

    assert closed.value.args[0] == 1001


async def test_an_app_is_started_and_shut_down(quart, app, module):
    order = []

    @app.before_serving
    async def before():
        order.append("before")

    @app.while_serving
    async def around():
        order.append("start")
        yield
        order.append("end")

    @app.after_serving
    async def after():
        order.append("after")

    @app.get("/")
    async def index():
        return "index"

    async with app.test_app() as running:
        assert isinstance(running, module("testing").TestApp)
        response = await running.test_client().get("/")
        assert await response.get_data() == b"index"

    assert order == ["before", "start", "end", "after"]


async def test_a_startup_that_fails(quart, app, module):
    @app.before_serving
    async def before():
        raise ValueError("no database")

    with pytest.raises(module("testing.app").LifespanError, match="no database"):
        async with app.test_app():
            pass


async def test_background_tasks_end_before_the_shutdown(quart, app):
    done = []

    async def task(name):
        await asyncio.sleep(0)
        done.append((name, quart.current_app.name))

    def sync_task():
        done.append(("sync", quart.current_app.name))

    @app.get("/")
    async def index():
        app.add_background_task(task, "async")
        app.add_background_task(sync_task)
        return ""

    async with app.test_app() as running:
        await running.test_client().get("/")

    assert sorted(done) == [("async", "tests"), ("sync", "tests")]


async def test_middleware_around_the_app(quart, app, client):
    inner = app.asgi_app

    async def middleware(scope, receive, send):
        if scope["type"] == "http" and scope["path"] == "/blocked":
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"blocked"})
            return
        await inner(scope, receive, send)

    app.asgi_app = middleware

    @app.get("/")
    async def index():
        return "index"

    assert await (await client.get("/")).get_data() == b"index"
    assert (await client.get("/blocked")).status_code == 401


async def test_commands_are_run():
    app = asyncflask.quart.Quart("tests", root_path=".")  # Quart's runner has no context here.

    @app.cli.command("greet")
    async def greet():
        print(asyncflask.quart.current_app.name)  # noqa: T201  # the command's output

    result = app.test_cli_runner().invoke(args=["greet"])

    assert result.output == "tests\n"


async def test_a_websocket_may_be_closed_before_it_is_accepted(quart, app, client, module):
    @app.websocket("/")
    async def index():
        await quart.websocket.close(1001)

    async with client.websocket("/") as connection:
        with pytest.raises(module("testing.connections").WebsocketDisconnectError) as closed:
            await connection.receive()

    assert closed.value.args == (1001,)


@pytest.mark.parametrize(
    ("kind", "version", "extensions"),
    [
        ("http", "1.1", {}),
        ("http", "2", {"http.response.push": {}}),
        ("websocket", "1.1", {"websocket.http.response": {}}),
    ],
)
def test_a_scope_is_quarts(module, kind, version, extensions):
    scope = module("testing").make_test_scope(
        kind, "/a b", "GET", Headers({"Host": "a"}), b"c=d", "http", "", version, None
    )

    assert scope == {
        "type": kind,
        "asgi": {"spec_version": "2.1"},
        "http_version": version,
        "scheme": "http",
        "method": "GET",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c=d",
        "root_path": "",
        "headers": [(b"host", b"a")],
        "extensions": extensions,
        "_quart._preserve_context": False,
    }


@pytest.mark.parametrize("messages", [["a"], ["a", b"b", "c"]])
async def test_a_view_receives_what_was_sent_before_the_client_left(quart, app, client, messages):
    received = []

    @app.websocket("/")
    async def index():
        await quart.websocket.accept()
        for _ in messages:
            received.append(await quart.websocket.receive())

    async with client.websocket("/") as connection:
        for message in messages:
            await connection.send(message)

    assert received == messages


async def test_a_view_may_answer_a_client_that_does_not_wait(quart, app, client):
    ended = []

    @app.websocket("/")
    async def index():
        await quart.websocket.send(await quart.websocket.receive())
        ended.append("view")

    async with client.websocket("/") as connection:
        await connection.send("a")

    assert ended == ["view"]


async def test_a_view_ends_when_the_client_closes_behind_its_messages(quart, app, client):
    received = []

    @app.websocket("/")
    async def index():
        try:
            while True:
                received.append(await quart.websocket.receive())
        except asyncio.CancelledError:
            received.append("left")
            raise

    async with client.websocket("/") as connection:
        await connection.send("a")
        await connection.close(1000)

    assert received == ["a", "left"]


async def test_hooks_of_a_websocket_receive_what_was_sent_before_the_client_left(
    quart, app, client
):
    received = []

    @app.before_websocket
    async def receive_first():
        received.append(await quart.websocket.receive())

    @app.websocket("/")
    async def index():
        received.append(await quart.websocket.receive())

    async with client.websocket("/") as connection:
        await connection.send("hook")
        await connection.send("view")

    assert received == ["hook", "view"]


async def test_a_client_may_leave_a_view_that_sends_much(quart, app, client):
    @app.websocket("/")
    async def index():
        for _ in range(8):
            await quart.websocket.send(b"x" * 1024 * 1024)

    async with client.websocket("/") as connection:
        assert len(await connection.receive()) == 1024 * 1024


@pytest.mark.parametrize("path", ["/whole", "/pieces"])
async def test_the_last_piece_of_a_response_is_empty(quart, app, client, path):
    @app.get("/whole")
    async def whole():
        return "ab"

    @app.get("/pieces")
    async def pieces():
        async def body():
            yield b"a"
            yield b"b"

        return body()

    received = []
    async with client.request(path) as connection:
        await connection.send_complete()
        while piece := await connection.receive():
            received.append(piece)

    assert b"".join(received) == b"ab"


async def test_the_client_of_a_fixture_ends_the_context_of_a_test(quart, app, client):
    """pytest-asyncio runs a fixture and the test in contexts of their own (`contextvars`)."""

    @app.get("/")
    async def index():
        quart.session["user"] = "Ada"
        return ""

    async def test():
        await client.get("/")
        return quart.session["user"]

    await client.__aenter__()
    user = await asyncio.create_task(test())
    await client.__aexit__(None, None, None)

    assert user == "Ada"


async def test_an_app_context_below_the_request_that_stays_may_end_first(quart, app, client):
    @app.get("/")
    async def index():
        return ""

    async with client:
        async with app.app_context():
            await client.get("/")

        assert quart.request.path == "/"


@pytest.mark.parametrize("headers", [{}, {"headers": None}], ids=["absent", "None"])
async def test_a_mounted_app_may_answer_and_refuse_without_headers(headers):
    async def mounted(scope, receive, send):
        kind = "http" if scope["type"] == "http" else "websocket.http"
        await send({"type": f"{kind}.response.start", "status": 403, **headers})
        await send({"type": f"{kind}.response.body", "body": b"no"})

    app = asyncflask.quart.Quart("app")
    app.mount("/plain", mounted)
    client = app.test_client()

    assert await (await client.get("/plain/")).get_data() == b"no"
    with pytest.raises(WebsocketResponseError, match="403"):
        async with client.websocket("/plain/") as connection:
            await connection.receive()
