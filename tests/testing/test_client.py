"""TestClient: Flask's client, awaited."""

from __future__ import annotations

import asyncio
import gc
import inspect
import io
import json
import weakref
from contextlib import suppress

import flask.testing
import pytest
import werkzeug.test
from werkzeug.test import ClientRedirectError, EnvironBuilder
from werkzeug.utils import redirect

from asyncflask._contextvars import current
from asyncflask.app import Flask
from asyncflask.exceptions import UnawaitedAccess, WrongContextPopped
from asyncflask.globals import g, request, request_ctx, session, websocket
from asyncflask.testing import TestClient, TestResponse
from asyncflask.wrappers import Response


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
    """Respond with the parts of the request."""

    @app.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
    async def view():
        return {
            "method": request.method,
            "args": request.args.to_dict(),
            "form": (await request.form).to_dict(flat=False),
            "files": {name: file.filename for name, file in (await request.files).items()},
            "json": await request.get_json(silent=True),
            "data": (await request.get_data()).decode("latin-1"),
            "headers": dict(request.headers),
            "url": request.url,
            "remote_addr": request.remote_addr,
        }


def view(app, rule, func, **options):
    """Register a view whose endpoint is the rule itself."""
    app.add_url_rule(rule, rule.replace("/", "_"), func, **options)


# -- requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "trace"])
async def test_each_verb_has_a_method(app, client, method):
    echo(app)
    response = await getattr(client, method)("/echo")

    assert response.json["method"] == method.upper()


async def test_head_has_headers_and_no_body(app, client):
    view(app, "/", lambda: "body")
    response = await client.head("/")

    assert response.status_code == 200
    assert response.content_length == 4
    assert response.data == b""


@pytest.mark.parametrize(
    ("arguments", "key", "expected"),
    [
        ({"query_string": {"a": "ü"}}, "args", {"a": "ü"}),
        ({"json": {"a": [1]}}, "json", {"a": [1]}),
        ({"data": {"a": ["1", "2"]}}, "form", {"a": ["1", "2"]}),
        ({"form": {"a": "1"}}, "form", {"a": ["1"]}),
        ({"data": {"f": (io.BytesIO(b"x"), "a.txt")}}, "files", {"f": "a.txt"}),
        ({"files": {"f": (io.BytesIO(b"x"), "a.txt")}}, "files", {"f": "a.txt"}),
        ({"data": "text", "content_type": "text/x"}, "data", "text"),
        ({"scheme": "https"}, "url", "https://localhost/echo"),
        ({"base_url": "http://example.com:81"}, "url", "http://example.com:81/echo"),
        ({"environ_overrides": {"REMOTE_ADDR": "10.0.0.1"}}, "remote_addr", "10.0.0.1"),
    ],
)
async def test_arguments_reach_the_view(app, client, arguments, key, expected):
    echo(app)
    response = await client.post("/echo", **arguments)

    assert response.json[key] == expected


async def test_auth_and_headers_reach_the_view(app, client):
    echo(app)
    response = await client.get("/echo", auth=("user", "pass"), headers={"X-A": "b"})

    assert response.json["headers"]["Authorization"] == "Basic dXNlcjpwYXNz"
    assert response.json["headers"]["X-A"] == "b"


async def test_environ_base_has_the_defaults_of_every_request(app, client):
    echo(app)
    client.environ_base["HTTP_X_TENANT"] = "t1"
    headers = (await client.get("/echo")).json["headers"]

    assert headers["User-Agent"].startswith("Werkzeug/")
    assert headers["X-Tenant"] == "t1"


@pytest.mark.parametrize("given", ["builder", "environ", "request"])
async def test_a_request_object_may_be_given(app, client, given):
    echo(app)
    builder = EnvironBuilder("/echo", method="PUT", data=b"x")
    first = {
        "builder": lambda: builder,
        "environ": builder.get_environ,
        "request": builder.get_request,
    }[given]()
    response = await client.open(first)

    assert (response.json["method"], response.json["data"]) == ("PUT", "x")
    assert response.json["remote_addr"] == "127.0.0.1"


async def test_the_scope_can_be_changed(app, client):
    @app.get("/")
    async def view():
        return [request.http_version, request.scope["x"], request.script_root, request.path]

    response = await client.get("/", http_version="2", root_path="/root", scope_base={"x": 1})

    assert response.json == ["2", 1, "/root", "/"]


@pytest.mark.parametrize("path", ["/page", "/root/page"])
async def test_the_path_may_begin_with_the_root_path(app, client, path):
    """As Quart's clients write it, and as in ASGI's scope."""
    view(app, "/page", lambda: [request.script_root, request.path, app.url_for(request.endpoint)])

    response = await client.get(path, root_path="/root")

    assert response.json == ["/root", "/page", "/root/page"]


async def test_a_path_that_only_looks_like_the_root_path_is_kept(app, client):
    view(app, "/rooted", lambda: [request.script_root, request.path])

    assert (await client.get("/rooted", root_path="/root")).json == ["/root", "/rooted"]


async def test_a_def_view_is_requested_in_the_same_way(app, client):
    @app.post("/")
    def view():
        return {"form": request.form["a"], "file": request.files["f"].read().decode()}

    response = await client.post("/", data={"a": "1", "f": (io.BytesIO(b"x"), "a.txt")})

    assert response.json == {"form": "1", "file": "x"}


async def test_server_name_and_subdomain_make_the_host():
    app = Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "site.test"
    view(app, "/sub", lambda: request.host, subdomain="www")

    assert (await app.test_client().get("/sub", subdomain="www")).text == "www.site.test"


async def test_requests_of_one_client_may_run_at_the_same_time(app, client):
    gate = asyncio.Event()

    @app.get("/wait")
    async def wait():
        await gate.wait()
        return "waited"

    @app.get("/open")
    async def open_gate():
        gate.set()
        return "opened"

    answers = await asyncio.gather(client.get("/wait"), client.get("/open"))

    assert [answer.text for answer in answers] == ["waited", "opened"]


# -- responses -------------------------------------------------------------------------------------


async def test_a_response_is_read_without_await(app, client):
    view(app, "/", lambda: ({"a": 1}, 201, {"X-A": "b"}))
    response = await client.get("/")

    assert isinstance(response, TestResponse)
    assert isinstance(response, Response)
    assert response.status_code == 201
    assert response.status == "201 CREATED"
    assert response.headers["X-A"] == "b"
    assert response.json == response.get_json() == {"a": 1}
    assert response.data == response.get_data() == response.text.encode()


async def test_a_streamed_response_is_read_to_its_end(app, client):
    @app.get("/")
    async def view():
        async def body():
            for part in ("a", "b"):
                yield part

        return body()

    assert (await client.get("/")).text == "ab"


async def test_a_response_knows_its_request(app, client):
    view(app, "/", lambda: "", methods=["POST"])
    response = await client.post("/?a=b", data=b"body")

    assert response.request.path == "/"
    assert response.request.args["a"] == "b"
    assert response.request.get_data() == b"body"
    assert response.history == ()


async def test_json_is_read_with_the_apps_provider(app, client):
    view(app, "/", lambda: {"a": 1})
    app.json.loads = lambda text, **kwargs: ["app", json.loads(text)]

    assert (await client.get("/")).json == ["app", {"a": 1}]


async def test_a_custom_response_class_is_mixed_in(app):
    class Wrapper(Response):
        extra = 1

    view(app, "/", lambda: "")
    response = await TestClient(app, Wrapper).get("/")

    assert isinstance(response, Wrapper)
    assert response.extra == 1


async def test_pushed_resources_are_listed(app, client):
    async def asgi_app(scope, receive, send):
        headers = [(b"accept", b"text/css")]
        await send({"type": "http.response.push", "path": "/style", "headers": headers})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app.asgi_app = asgi_app
    await client.get("/", http_version="2")

    assert [(path, dict(headers)) for path, headers in client.push_promises] == [
        ("/style", {"Accept": "text/css"})
    ]


# -- errors ----------------------------------------------------------------------------------------


async def test_an_error_of_a_view_is_raised_when_testing(app, client):
    @app.get("/")
    async def view():
        raise ZeroDivisionError("view")

    with pytest.raises(ZeroDivisionError, match="view"):
        await client.get("/")


async def test_an_error_of_a_view_is_a_500_when_not_propagated(app, client):
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/")
    async def view():
        raise ZeroDivisionError

    assert (await client.get("/")).status_code == 500


async def test_an_error_of_a_streamed_body_is_raised(app, client):
    @app.get("/")
    async def view():
        async def body():
            yield "a"
            raise ZeroDivisionError("body")

        return body()

    with pytest.raises(ZeroDivisionError, match="body"):
        await client.get("/")


async def test_an_app_that_sends_no_response_is_an_error_that_says_so(app, client):
    async def silent(scope, receive, send):
        pass

    app.asgi_app = silent

    with pytest.raises(RuntimeError, match="answered GET '/' with nothing"):
        await client.get("/")


async def test_a_response_that_is_asked_for_too_early_is_an_error_that_says_so(app, client):
    app.get("/")(lambda: "page")

    async with client.request("/") as connection:
        with pytest.raises(
            RuntimeError, match=r"'/' was called before .* after the `async with` bl"
        ):
            await connection.as_response()
    assert (await connection.as_response()).text == "page"


async def test_a_cancelled_request_cancels_the_view(app, client):
    ended = []

    @app.get("/")
    async def view():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await client.get("/")

    assert ended == [True]
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- redirects -------------------------------------------------------------------------------------


async def test_redirects_are_followed_when_asked_for(app, client):
    view(app, "/a", lambda: redirect("/b"))
    view(app, "/b", lambda: redirect("/c?x=y"))
    view(app, "/c", lambda: request.args["x"])
    response = await client.get("/a", follow_redirects=True)

    assert response.text == "y"
    assert [entry.request.path for entry in response.history] == ["/a", "/b"]
    assert [len(entry.history) for entry in response.history] == [0, 1]


async def test_redirects_are_not_followed_otherwise(app, client):
    view(app, "/a", lambda: redirect("/b"))
    response = await client.get("/a")

    assert (response.status_code, response.location) == (302, "/b")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (301, ["GET", ""]),
        (302, ["GET", ""]),
        (303, ["GET", ""]),
        (307, ["POST", "body"]),
        (308, ["POST", "body"]),
    ],
)
async def test_the_status_decides_what_is_sent_again(app, client, code, expected):
    view(app, "/a", lambda: redirect("/b", code), methods=["POST"])
    answer = lambda: [request.method, request.get_data(as_text=True)]  # noqa: E731
    view(app, "/b", answer, methods=["GET", "POST"])
    kwargs = {"data": "body", "content_type": "text/plain"}
    response = await client.post("/a", follow_redirects=True, **kwargs)

    assert response.json == expected


async def test_a_body_that_was_read_is_sent_again(app, client):
    """Werkzeug's client sends what the first view has not read."""

    @app.post("/a")
    async def first():
        await request.get_data()
        return redirect("/b", 307)

    @app.post("/b")
    async def second():
        return await request.get_data()

    assert (await client.post("/a", data=b"body", follow_redirects=True)).data == b"body"


async def test_a_circle_of_redirects_is_an_error(app, client):
    view(app, "/a", lambda: redirect("/b"))
    view(app, "/b", lambda: redirect("/a"))

    with pytest.raises(ClientRedirectError, match="redirects lead round in a circle"):
        await client.get("/a", follow_redirects=True)


async def test_redirects_to_other_hosts_are_refused(app, client):
    view(app, "/a", lambda: redirect("http://example.com/"))

    with pytest.raises(RuntimeError, match="external redirects"):
        await client.get("/a", follow_redirects=True)


async def test_redirects_to_a_subdomain_need_permission():
    app = Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "site.test"
    view(app, "/a", lambda: redirect("http://www.site.test/b"))
    view(app, "/b", lambda: request.host, subdomain="www")

    with pytest.raises(RuntimeError, match="subdomain redirects is not enabled"):
        await app.test_client().get("/a", follow_redirects=True)
    permitted = app.test_client(allow_subdomain_redirects=True)
    assert (await permitted.get("/a", follow_redirects=True)).text == "www.site.test"


async def test_defaults_are_kept_over_a_redirect(app, client):
    view(app, "/a", lambda: redirect("/b"))
    view(app, "/b", lambda: [request.user_agent.string, request.remote_addr])
    response = await client.get("/a", follow_redirects=True)

    assert response.json[0].startswith("Werkzeug/")
    assert response.json[1] == "127.0.0.1"


# -- cookies ---------------------------------------------------------------------------------------


def counting(app):
    @app.get("/count")
    async def count():
        response = Response(request.cookies.get("n", "0"))
        response.set_cookie("n", str(int(request.cookies.get("n", "0")) + 1))
        return response


async def test_cookies_are_kept(app, client):
    counting(app)
    texts = [(await client.get("/count")).text for _ in range(3)]

    assert texts == ["0", "1", "2"]
    assert client.get_cookie("n", path="/").value == "3"


async def test_a_client_without_cookies_forgets_them(app):
    counting(app)
    client = app.test_client(use_cookies=False)

    assert [(await client.get("/count")).text for _ in range(2)] == ["0", "0"]
    with pytest.raises(TypeError, match="Cookies are disabled"):
        client.set_cookie("n", "1")


async def test_cookies_are_set_and_deleted_by_hand(app, client):
    counting(app)
    client.set_cookie("n", "7")
    first = (await client.get("/count")).text
    client.delete_cookie("n")

    assert (first, (await client.get("/count")).text) == ("7", "0")


async def test_cookies_go_where_they_belong(app, client):
    view(app, "/a/x", lambda: dict(request.cookies))
    view(app, "/b", lambda: dict(request.cookies))
    client.set_cookie("path", "1", path="/a")
    client.set_cookie("other", "1", domain="example.com")

    assert (await client.get("/a/x")).json == {"path": "1"}
    assert (await client.get("/b")).json == {}


async def test_cookies_set_by_a_redirect_are_sent_to_its_target(app, client):
    @app.get("/a")
    async def first():
        response = redirect("/b")
        response.set_cookie("k", "v")
        return response

    view(app, "/b", lambda: dict(request.cookies))

    assert (await client.get("/a", follow_redirects=True)).json == {"k": "v"}


# -- contexts --------------------------------------------------------------------------------------


async def test_the_context_stays_inside_the_block(app, client):
    @app.get("/")
    async def view():
        g.x = 1
        session["y"] = 2
        return ""

    async with client:
        await client.get("/?a=b")

        assert (g.x, session["y"], request.args["a"]) == (1, 2, "b")
    assert current() is None


async def test_the_next_request_ends_the_context_of_the_last(app, client):
    ended = []
    app.teardown_request(lambda error: ended.append(request.path))
    view(app, "/<path>", lambda path: path)

    async with client:
        await client.get("/a")
        await client.get("/b")

        assert request.path == "/b"
        assert ended.count("/a") >= 1
    assert ended[-1] == "/b"
    assert current() is None


async def test_the_context_of_a_def_view_stays_too(app, client):
    @app.get("/")
    def view():
        g.x = 1
        return ""

    async with client:
        await client.get("/")

        assert g.x == 1


@pytest.mark.parametrize("path", ["/async", "/def", "/fails", "/missing"])
async def test_the_request_that_stays_is_the_one_that_the_app_used(app, client, path):
    @app.get("/async")
    async def view_async():
        return ""

    view(app, "/def", lambda: "")
    view(app, "/fails", lambda: str(1 / 0))

    @app.before_request
    async def mark():
        request.mark = path

    async with client:
        with suppress(ZeroDivisionError):
            await client.get(path)

        assert request.mark == path


async def test_the_request_that_stays_is_the_one_that_a_view_without_hooks_used(app, client):
    @app.get("/")
    async def view():
        request.mark = "view"
        return ""

    async with client:
        await client.get("/")

        assert request.mark == "view"


async def test_the_websocket_that_stays_is_the_one_that_the_view_used(app, client):
    @app.websocket("/")
    async def talk():
        await websocket.accept()
        websocket.mark = "view"

    async with client:
        async with client.websocket("/"):
            pass

        assert websocket.mark == "view"


async def test_after_redirects_the_last_context_stays(app, client):
    view(app, "/a", lambda: redirect("/b"))
    view(app, "/b", lambda: "")

    async with client:
        await client.get("/a", follow_redirects=True)

        assert request.path == "/b"


async def test_without_the_block_nothing_stays(app, client):
    view(app, "/", lambda: "")
    await client.get("/")

    assert current() is None


async def test_a_client_cannot_be_entered_twice(client):
    async with client:
        with pytest.raises(RuntimeError, match="in an `async with` block already"):
            async with client:
                pass


async def test_the_client_ends_the_context_in_another_task(app, client):
    """pytest-asyncio runs a fixture and the test in contexts of their own (`contextvars`)."""
    ended = []

    @app.teardown_request
    async def end(error):
        ended.append((request.path, g.x))

    view(app, "/", lambda: str(setattr(g, "x", 1)))
    await client.__aenter__()
    await asyncio.create_task(client.get("/"))
    await client.__aexit__(None, None, None)

    assert ended == [("/", 1)]
    assert current() is None


async def test_an_app_context_below_the_request_that_stays_may_end_first(app, client):
    ended = []
    app.teardown_appcontext(lambda error: ended.append(g.get("name")))
    view(app, "/", lambda: "")

    async with client:
        async with app.app_context():
            g.name = "below"
            await client.get("/")

            assert request.path == "/"
        assert ended == ["below"]
        assert request.path == "/"
        with request_ctx:
            assert request.path == "/"
    assert current() is None


async def test_a_context_that_the_client_does_not_keep_ends_in_its_order(app, client):
    view(app, "/", lambda: "")

    async with client:
        outer, inner = app.app_context(), app.app_context()
        await outer.push_async()
        await client.get("/")
        await inner.push_async()
        with pytest.raises(WrongContextPopped, match="in the reverse order"):
            await outer.pop_async()
        await inner.pop_async()
        await outer.pop_async()


async def test_contexts_are_released(app, client):
    alive = weakref.WeakSet()

    @app.get("/")
    async def view():
        alive.add(current())
        return ""

    async with client:
        for _ in range(3):
            await client.get("/")
    await asyncio.sleep(0)
    gc.collect()

    assert len(alive) == 0


def test_quarts_name_for_the_app(app, client):
    assert client.app is client.application is app
    assert repr(client) == f"<TestClient {app!r}>"


# -- Flask's interface -----------------------------------------------------------------------------


def parameters(function):
    return [
        (p.name, p.kind, p.default) for p in list(inspect.signature(function).parameters.values())
    ]


@pytest.mark.parametrize("name", ["get_cookie", "set_cookie", "delete_cookie", "get", "post"])
def test_signatures_are_flasks(name):
    ours, theirs = getattr(TestClient, name), getattr(flask.testing.FlaskClient, name)

    assert parameters(ours) == parameters(theirs)


def test_open_has_flasks_parameters():
    theirs = {p[0] for p in parameters(flask.testing.FlaskClient.open)}

    assert theirs <= {p[0] for p in parameters(TestClient.open)}


def test_constructor_has_flasks_parameters():
    assert parameters(TestClient) == parameters(werkzeug.test.Client)


def test_with_instead_of_async_with_is_explained():
    with pytest.raises(TypeError, match="Write `async with client:`"):
        with Flask(__name__).test_client():
            pass


# -- a forgotten await -----------------------------------------------------------------------------


USES = {
    "client.get('/').status_code": lambda client: client.get("/").status_code,
    "client.post('/', …).json": lambda client: client.post("/", json={}).json,
    "client.delete('/')['x']": lambda client: client.delete("/")["x"],
    "client.open(…).text": lambda client: client.open(path="/").text,
    "if client.get('/')": lambda client: bool(client.get("/")),
    "len(client.get('/'))": lambda client: len(client.get("/")),
    "'x' in client.get('/')": lambda client: "x" in client.get("/"),
}


@pytest.mark.filterwarnings("ignore:coroutine 'HTTPMethods:RuntimeWarning")
@pytest.mark.parametrize("expression", USES)
def test_a_response_used_without_await_says_what_to_write(expression: str) -> None:
    client = Flask(__name__).test_client()

    with pytest.raises(UnawaitedAccess) as caught:
        USES[expression](client)
    message = str(caught.value)
    assert f"wrong: {expression}" in message
    assert "right: " in message
    assert "await client." in message


@pytest.mark.filterwarnings("ignore:coroutine 'HTTPMethods:RuntimeWarning")
async def test_a_request_that_was_not_awaited_is_an_error_at_the_next_use() -> None:
    app = Flask(__name__)
    app.get("/")(lambda: "text")
    client = app.test_client()

    client.get("/")
    with pytest.raises(UnawaitedAccess, match=r"right: await client\.get\(\.\.\.\)"):
        await client.get("/")
    assert (await client.get("/")).text == "text"
    client.post("/")
    with pytest.raises(UnawaitedAccess, match=r"client\.post"):
        client.session_transaction()
    client.post("/")
    with pytest.raises(UnawaitedAccess, match=r"client\.post"):
        client.websocket("/")
    with pytest.raises(UnawaitedAccess, match=r"client\.put"):
        async with client:
            client.put("/")


async def test_a_request_may_be_a_task_and_be_gathered() -> None:
    app = Flask(__name__)
    app.get("/")(lambda: "text")
    client = app.test_client()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(client.get("/"))
    first, second = await asyncio.gather(client.get("/"), client.get("/"))
    third = await asyncio.wait_for(client.get("/"), 5)
    assert {task.result().text, first.text, second.text, third.text} == {"text"}
    call = client.get("/")
    assert asyncio.iscoroutine(call)
    call.close()


@pytest.mark.filterwarnings("ignore:coroutine 'TestConnection:RuntimeWarning")
async def test_a_step_of_a_request_that_was_not_awaited_is_an_error() -> None:
    app = Flask(__name__)
    app.post("/")(lambda: "text")

    with pytest.raises(UnawaitedAccess, match=r"right: await connection\.send\(\.\.\.\)"):
        async with app.test_client().request("/", method="POST") as connection:
            connection.send(b"x")
