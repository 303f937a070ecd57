"""``ASYNCFLASK_TEST_TRANSPORT=asgi``: the same client, through ASGI, a loop and a worker thread."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import traceback
import weakref
from io import BytesIO

import pytest

from asyncflask.flask import (
    Response,
    current_app,
    g,
    got_request_exception,
    request,
    session,
    stream_with_context,
)
from asyncflask.flask.asgi_transport import VARIABLE, _Loop


@pytest.fixture(autouse=True)
def asgi_transport(monkeypatch, app):
    monkeypatch.setenv(VARIABLE, "asgi")
    yield
    gc.collect()

    assert (app.workers.busy, app.workers.parked) == (0, 0)


def test_the_view_runs_in_another_thread_with_the_scope_of_a_server(app, client):
    @app.get("/")
    def view():
        return {"here": threading.get_ident(), "scope": request.environ["asgi.scope"]["type"]}

    answer = client.get("/").json

    assert answer["here"] != threading.get_ident()
    assert answer["scope"] == "http"


def test_without_the_variable_it_runs_in_place(app, client, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    app.get("/")(lambda: str(threading.get_ident()))

    assert client.get("/").text == str(threading.get_ident())


@pytest.mark.parametrize("view", ["def", "async"])
def test_an_async_handler_finds_the_error_that_is_being_handled(app, client, view):
    """`logger.exception()` and a bare `raise` in it are about this error, as on Flask."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    error, signalled = KeyError("in the view"), []

    def broken():
        raise error

    async def broken_on_loop():
        raise error

    @app.errorhandler(KeyError)
    async def handler(error):
        assert sys.exc_info()[1] is error
        raise  # the pipeline handles it

    @app.errorhandler(500)
    async def page(error):
        assert sys.exc_info()[1] is error.original_exception
        return traceback.format_exc(), 500

    @got_request_exception.connect_via(app)
    async def note(sender, exception):
        signalled.append(sys.exc_info()[1])

    app.get("/", endpoint="broken")(broken if view == "def" else broken_on_loop)
    answer = client.get("/")

    assert answer.text.endswith("KeyError: 'in the view'\n")
    assert signalled == [error]


def test_an_unknown_transport_is_refused(client, monkeypatch):
    monkeypatch.setenv(VARIABLE, "sideways")

    with pytest.raises(RuntimeError, match="'sideways' is not a transport"):
        client.get("/")


def test_a_request_arrives_as_it_was_made(app, client):
    @app.post("/grüße/<name>")
    def view(name):
        return {
            "name": name,
            "url": request.url,
            "root": request.script_root,
            "form": request.form,
            "peer": request.remote_addr,
            "header": request.headers["X-A"],
            "type": request.mimetype,
        }

    answer = client.post(
        "/grüße/é?a=1%262",
        base_url="https://example.org:8443/below/",
        data={"ü": "&"},
        headers={"X-A": "b"},
        environ_base={"REMOTE_ADDR": "10.0.0.1"},
    )

    assert answer.json == {
        "name": "é",
        "url": "https://example.org:8443/below/grüße/é?a=1%262",
        "root": "/below",
        "form": {"ü": "&"},
        "peer": "10.0.0.1",
        "header": "b",
        "type": "application/x-www-form-urlencoded",
    }


def test_an_upload_arrives(app, client):
    @app.post("/")
    def view():
        return str(len(request.files["file"].read()))

    assert client.post("/", data={"file": (BytesIO(b"x" * 200_000), "f")}).text == "200000"


def test_extra_keys_of_the_environ_are_carried(app, client):
    marker = object()
    seen = []
    app.get("/")(lambda: seen.append(request.environ["my.marker"]) or "")
    client.get("/", environ_overrides={"my.marker": marker})

    assert seen == [marker]


def test_the_clients_context_is_kept(app, client):
    app.before_request(lambda: setattr(g, "user", "ada"))

    @app.get("/")
    def view():
        session["n"] = 1
        return ""

    with client:
        client.get("/?a=b")

        assert (request.args["a"], g.user, session["n"]) == ("b", "ada", 1)
        assert current_app == app
    with pytest.raises(RuntimeError, match="outside of request context"):
        request.args


def test_the_app_context_around_the_call_is_the_requests(app, client):
    app.get("/")(lambda: g.outer)

    with app.app_context():
        g.outer = "outer"

        assert client.get("/").text == "outer"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("kind", ["def", "async"])
def test_an_exception_reaches_the_caller(app, client, error, kind):
    raised = error("of the view")

    @app.get("/def")
    def view():
        raise raised

    @app.get("/async")
    async def async_view():
        raise raised

    with pytest.raises(error, match="of the view") as caught:
        client.get(f"/{kind}")
    assert caught.value is raised
    raised.__traceback__ = None


async def test_it_works_inside_a_running_loop(app, client):
    @app.get("/")
    async def view():
        await asyncio.sleep(0)
        return "async"

    assert client.get("/").text == "async"


def test_a_view_may_make_requests_itself(app, client):
    @app.get("/<int:depth>")
    async def view(depth):
        return client.get(f"/{depth - 1}").text + str(depth) if depth else "0"

    assert client.get("/3").text == "0123"


def test_a_stream_is_made_piece_by_piece_as_it_is_read(app, client):
    made = []

    @app.get("/")
    def view():
        def pieces():
            for piece in "abc":
                made.append(piece)
                yield piece

        return stream_with_context(pieces())

    answer = client.get("/")
    pieces = answer.iter_encoded()

    assert (next(pieces), made) == (b"a", ["a"])
    assert (next(pieces), made) == (b"b", ["a", "b"])
    assert b"".join(pieces) == b"c"


def test_a_stream_that_is_not_read_to_its_end_is_closed(app, client):
    closed = []

    @app.get("/")
    def view():
        def pieces():
            try:
                while True:
                    yield "x"
            finally:
                closed.append("stream")

        return Response(pieces())

    client.get("/").close()

    assert closed == ["stream"]


def test_an_error_of_a_stream_reaches_its_reader(app, client):
    @app.get("/")
    def view():
        def pieces():
            yield "x"
            raise ValueError("in the stream")

        return Response(pieces())

    answer = client.get("/")

    with pytest.raises(ValueError, match="in the stream"):
        answer.get_data()


def test_a_redirect_that_keeps_the_method_sends_the_body_again(app, client):
    @app.post("/user/")
    def user():
        return request.form["a"]

    assert client.post("/user", data={"a": "b"}, follow_redirects=True).text == "b"


def test_middleware_around_the_app_is_called_in_place(app):
    from werkzeug.test import Client

    app.get("/")(lambda: str(threading.get_ident()))

    assert Client(app).get("/").text == str(threading.get_ident())


def test_the_app_is_freed_with_its_last_reference(app):
    from asyncflask.flask import Flask

    other = Flask("other")
    other.get("/")(lambda: "x")
    other.test_client().get("/")
    seen = weakref.ref(other)
    del other

    until = time.monotonic() + 5  # The thread of the view releases it a moment later.
    while seen() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.01)
    assert seen() is None


def test_idle_loops_can_be_ended(app, client):
    app.get("/")(lambda: "x")
    client.get("/")
    _Loop.end_idle()

    assert not _Loop.idle
    assert client.get("/").text == "x"


@pytest.mark.parametrize("path", ["", "page"])
def test_a_path_without_its_slash_gets_it_as_an_http_client_gives_it(app, client, path):
    @app.get("/")
    @app.get("/page")
    def view():
        return request.path

    assert client.get(path).text == f"/{path}"


SPELLED = {
    "ETag": '"a"',
    "WWW-Authenticate": "Basic",
    "X-RateLimit-Limit": "1",
    "x-lower": "2",
    "Content-MD5": "x",
    "DNT": "1",
}


@pytest.mark.parametrize("streamed", [False, True])
def test_headers_are_spelled_as_in_the_apps_response(app, client, streamed, monkeypatch):
    app.get("/")(lambda: (iter("ab") if streamed else "ab", SPELLED))
    with client.get("/") as response:  # Dropped, a streamed one ends a moment later.
        through_asgi = [*response.headers]
    monkeypatch.delenv(VARIABLE)

    assert through_asgi == [*client.get("/").headers]
    assert {*SPELLED} < {name for name, _ in through_asgi}


def test_headers_of_middleware_around_asgi_app_have_capitals(app, client):
    inner = app.asgi_app

    async def middleware(scope, receive, send):
        async def add(message):
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-added", b"1")]}
            await send(message)

        await inner(scope, receive, add)

    app.asgi_app = middleware
    app.get("/")(lambda: "")

    assert dict(client.get("/").headers)["X-Added"] == "1"


@pytest.mark.parametrize("where", ["view", "before_request", "teardown_request"])
def test_a_stop_iteration_is_raised_as_in_place(app, client, where, monkeypatch):
    def fail(*args):
        return next(iter(()))

    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.add_url_rule("/", "index", fail if where == "view" else lambda: "index")
    if where != "view":
        getattr(app, where)(fail)

    with pytest.raises(StopIteration):
        client.get("/")
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(StopIteration):
        client.get("/")


@pytest.mark.parametrize("name", ["Host", "X-Empty", "Accept"])
def test_an_empty_header_arrives(app, client, name):
    app.get("/")(lambda: {"value": request.headers.get(name), "host": request.host})
    answer = client.get("/", headers={name: ""})

    assert answer.json == {"value": "", "host": "" if name == "Host" else "localhost"}
