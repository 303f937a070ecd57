"""A facade app on ASGI: one worker a request, ``async def`` on the loop, nothing left behind."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import threading
import time
import weakref
from pathlib import Path

import pytest

import asyncflask
from asyncflask import Flask as AsyncFlask
from asyncflask.flask import (
    Flask,
    Response,
    copy_current_request_context,
    current_app,
    g,
    request,
    stream_with_context,
)
from asyncflask.testing import TestApp, TestClient
from asyncflask.wrappers.request import body_bytes

variable = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def app():
    app = Flask("tests", root_path=str(Path(__file__).parent))
    app.secret_key = "secret"
    app.testing = True
    return app


@pytest.fixture
def asgi(app):
    """Return a client that calls the app through ASGI."""
    return TestClient(app, AsyncFlask.response_class)


@pytest.fixture(autouse=True)
def all_workers_come_back(app):
    yield

    assert (app.workers.busy, app.workers.parked) == (0, 0)


class Server:
    """An ASGI server of which the test chooses each message."""

    def __init__(self, path, *body, headers=(), method="POST"):
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(b"host", b"localhost"), *headers],
            "query_string": b"",
            "http_version": "1.1",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
        }
        self.messages = asyncio.Queue()
        for data in body:
            self.feed(data, more=method == "POST")
        self.sent = []

    def feed(self, data, more=True):
        self.messages.put_nowait({"type": "http.request", "body": data, "more_body": more})

    async def send(self, message):
        self.sent.append(message)

    async def serve(self, app):
        await app(self.scope, self.messages.get, self.send)
        return b"".join(message.get("body", b"") for message in self.sent)


CHUNKED = (b"transfer-encoding", b"chunked")


def length(size):
    return (b"content-length", b"%d" % size)


# -- one thread, one Context -----------------------------------------------------------------------


async def test_hooks_view_and_teardown_run_in_one_thread_and_one_context(app, asgi):
    seen = []

    def note(result=None):
        seen.append((threading.get_ident(), variable.get()))
        variable.set(f"{variable.get()}+")
        return result

    app.before_request(note)
    app.after_request(note)
    app.teardown_request(lambda error: note())

    @app.get("/")
    def view():
        note()
        return "x"

    await asgi.get("/")

    assert {thread for thread, _ in seen} != {threading.get_ident()}
    assert len({thread for thread, _ in seen}) == 1
    assert [value for _, value in seen] == ["unset", "unset+", "unset++", "unset+++"]
    assert variable.get() == "unset"


async def test_a_token_of_a_hook_can_be_reset_in_teardown(app, asgi):
    @app.before_request
    def begin():
        g.token = variable.set("inside")

    @app.teardown_request
    def end(error):
        variable.reset(g.token)

    app.get("/")(lambda: variable.get())

    assert (await asgi.get("/")).text == "inside"


async def test_an_async_view_runs_on_the_servers_loop_and_def_hooks_on_the_worker(app, asgi):
    loop, here = asyncio.get_running_loop(), threading.get_ident()

    @app.before_request
    def before():
        g.worker = threading.get_ident()
        variable.set("hook")

    @app.get("/")
    async def view():
        worker = await current_app.ensure_async(threading.get_ident)()
        g.seen = asyncio.get_running_loop() is loop, threading.get_ident() == here, variable.get()
        variable.set("view")
        return {"same worker": worker == g.worker}

    @app.after_request
    def after(response):
        assert (g.seen, variable.get()) == ((True, True, "hook"), "view")
        assert threading.get_ident() == g.worker
        return response

    assert (await asgi.get("/")).json == {"same worker": True}


async def test_a_decorator_that_makes_an_async_view_def_is_followed(app, asgi):
    """``current_app.ensure_sync(view)()``, as in Flask-Login's ``login_required``."""
    loop = asyncio.get_running_loop()

    @app.post("/")
    def decorated():
        async def view():
            return f"{asyncio.get_running_loop() is loop} {request.form['a']}"

        return current_app.ensure_sync(view)()

    assert (await asgi.post("/", data={"a": "b"})).text == "True b"


async def test_many_requests_are_served_at_once(app, asgi):
    barrier = threading.Barrier(5, timeout=10)
    app.get("/")(lambda: str(barrier.wait() >= 0))

    answers = await asyncio.gather(*(asgi.get("/") for _ in range(5)))

    assert {answer.text for answer in answers} == {"True"}


async def test_a_full_queue_is_answered_503(app, asgi):
    app.config.update(WORKER_POOL_SIZE=1, WORKER_QUEUE_SIZE=0)
    ready, go_on = threading.Event(), threading.Event()

    @app.get("/")
    def view():
        ready.set()
        go_on.wait(10)
        return "done"

    first = asyncio.ensure_future(asgi.get("/"))
    await asyncio.to_thread(ready.wait, 10)
    second = await asgi.get("/")
    go_on.set()

    assert second.status_code == 503
    assert 2 <= int(second.headers["Retry-After"]) <= 10
    assert (await first).text == "done"


# -- what is replaced is seen ----------------------------------------------------------------------


async def test_wsgi_middleware_is_called(app, asgi):
    inner = app.wsgi_app

    def middleware(environ, start_response):
        return inner({**environ, "HTTP_X_SEEN": "yes"}, start_response)

    app.wsgi_app = middleware
    app.get("/")(lambda: request.headers["X-Seen"])

    assert (await asgi.get("/")).text == "yes"


async def test_call_replaced_on_the_class_is_seen(app, asgi, monkeypatch):
    """As Sentry does, with WSGI's two arguments."""
    calls = []
    real = type(app).wsgi_app

    def patched(self, environ, start_response):
        calls.append(environ["PATH_INFO"])
        return real(self, environ, start_response)

    monkeypatch.setattr(type(app), "__call__", patched)
    server = Server("/nowhere", b"", method="GET")
    await app.asgi_app(server.scope, server.messages.get, server.send)

    assert calls == ["/nowhere"]
    assert server.sent[0]["status"] == 404


async def test_extra_keys_of_an_environ_are_carried_in_the_scope(app):
    app.get("/")(lambda: request.environ["my.key"])
    server = Server("/", b"", method="GET")
    server.scope["asyncflask.environ"] = {"my.key": "mine"}

    assert await server.serve(app) == b"mine"


# -- bodies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 60_000, 3_000_000])
async def test_a_def_view_reads_a_body_of_any_size(app, asgi, size):
    @app.post("/")
    def view():
        return str(len(request.get_data()))

    assert (await asgi.post("/", data=b"x" * size)).text == str(size)


async def test_a_small_body_that_has_arrived_needs_no_waiting_stream(app):
    @app.post("/")
    def view():
        return type(request.environ["wsgi.input"]).__name__

    here, coming = Server("/", headers=[length(2)]), Server("/", b"x", headers=[length(2)])
    here.feed(b"xy", more=False)

    assert await here.serve(app) == b"BytesIO"
    assert await coming.serve(app) == b"BodyReader"


@pytest.mark.parametrize("pieces", [1, 40])
async def test_a_helper_of_an_async_view_can_read_the_form(app, pieces):
    """The body was received before; the larger one is on the disk."""

    def helper():
        return request.form["a"]

    @app.post("/")
    async def view():
        assert threading.get_ident() == here
        return str(len(helper()))

    here = threading.get_ident()
    form = (b"content-type", b"application/x-www-form-urlencoded")
    app.config["MAX_FORM_MEMORY_SIZE"] = None
    server = Server("/", b"a=", headers=[CHUNKED, form])
    serving = asyncio.ensure_future(server.serve(app))
    for _ in range(pieces):
        await asyncio.sleep(0)
        server.feed(b"x" * 50_000)
    server.feed(b"", more=False)

    assert await serving == b"%d" % (pieces * 50_000)


async def test_what_is_received_ahead_does_not_fill_the_memory(app, monkeypatch):
    monkeypatch.setattr(body_bytes, "SPOOL_AT", 100)
    kept = []

    @app.post("/")
    async def view():
        shared = request.environ["asyncflask.context"].made_body
        kept.append((len(shared._left), shared._spooled))
        return str(len(request.get_data()))

    server = Server("/", b"x" * 80_000, b"x" * 80_000, headers=[length(160_010)])
    server.feed(b"x" * 10, more=False)

    assert await server.serve(app) == b"160010"
    assert kept[0][0] <= 100
    assert kept[0][1].closed


async def test_reading_a_body_over_the_limit_on_the_loop_is_413(app, asgi):
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.post("/")(_reads_data)

    assert (await asgi.post("/", data=b"x" * 11)).status_code == 413


async def test_of_a_body_without_a_length_no_more_than_the_limit_is_received(app):
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.post("/")(_reads_data)
    server = Server("/", b"x" * 8, b"x" * 8, *[b"x" * 8] * 5, headers=[CHUNKED])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("asyncflask.wrappers.request.drain.LINGER", 0.01)
        assert b"413" in await server.serve(app)


async def _reads_data():
    return str(len(request.get_data()))


async def test_an_unread_body_over_the_limit_is_no_error(app, asgi):
    app.config["MAX_CONTENT_LENGTH"] = 10

    @app.post("/")
    async def view():
        return "not read"

    assert (await asgi.post("/", data=b"x" * 11)).text == "not read"


async def test_reading_a_body_that_has_not_arrived_on_the_loop_is_an_error(app, monkeypatch):
    monkeypatch.setattr("asyncflask.wsgi.facade.AHEAD", 10)
    app.post("/")(_reads_data)
    server = Server("/", b"x" * 20, headers=[CHUNKED])

    with pytest.raises(RuntimeError, match="on the event loop that has to receive it"):
        await server.serve(app)


async def test_a_client_that_disconnects_before_the_end_of_its_body_is_noticed(app):
    app.post("/")(_reads_data)
    server = Server("/", b"x", headers=[length(10)])
    server.messages.put_nowait({"type": "http.disconnect"})
    await server.serve(app)

    assert server.sent[0]["status"] == 400


# -- responses -------------------------------------------------------------------------------------


async def test_a_buffered_response_is_two_messages(app):
    app.get("/")(lambda: ("text", 201, {"X-A": "b"}))
    server = Server("/", b"", method="GET")
    await server.serve(app)

    start, end = server.sent
    assert start["status"] == 201
    assert dict(start["headers"]) == {
        b"content-type": b"text/html; charset=utf-8",
        b"content-length": b"4",
        b"x-a": b"b",
    }
    assert end["body"] == b"text"


async def test_head_has_no_body(app, asgi):
    app.get("/")(lambda: "text")
    answer = await asgi.head("/")

    assert (answer.content_length, answer.data) == (4, b"")


async def test_a_stream_is_made_and_closed_on_the_worker_that_ran_the_view(app, asgi):
    threads = []

    @app.get("/")
    def view():
        def pieces():
            try:
                for piece in "abc":
                    threads.append(threading.get_ident())
                    yield piece
            finally:
                threads.append(threading.get_ident())

        threads.append(threading.get_ident())
        return stream_with_context(pieces())

    answer = await asgi.get("/")

    assert answer.text == "abc"
    assert len(threads) == 5
    assert len(set(threads) | {threading.get_ident()}) == 2


async def test_close_of_a_response_runs_on_the_worker(app, asgi):
    threads = []

    @app.get("/")
    def view():
        response = Response("x")
        response.call_on_close(lambda: threads.append(threading.get_ident()))
        threads.append(threading.get_ident())
        return response

    await asgi.get("/")

    assert len(threads) == 2
    assert threads[0] == threads[1]


@pytest.mark.parametrize("keyword", ["def", "async"])
@pytest.mark.parametrize("headers", [{}, {"Set-Cookie": "a=b"}])
async def test_a_function_of_call_on_close_runs_when_the_response_was_sent(app, headers, keyword):
    server = Server("/", b"", method="GET")
    sent_before = []

    def view():
        response = Response("x", headers=headers)
        response.call_on_close(lambda: sent_before.extend(server.sent))
        return response

    async def async_view():
        return view()

    app.get("/")(view if keyword == "def" else async_view)

    assert await server.serve(app) == b"x"
    assert sent_before == server.sent


async def test_an_error_in_a_function_of_call_on_close_leaves_the_response_as_it_is(app):
    server = Server("/", b"", method="GET")

    @app.get("/")
    def view():
        response = Response("x")
        response.call_on_close(lambda: 1 / 0)
        return response

    with pytest.raises(ZeroDivisionError):
        await server.serve(app)
    assert [message.get("status") for message in server.sent] == [200, None]
    assert server.sent[1]["body"] == b"x"


async def test_a_client_that_disconnects_ends_its_stream(app):
    ended = []

    @app.get("/")
    def view():
        def pieces():
            try:
                while True:
                    yield "x"
                    time.sleep(0.01)
            finally:
                ended.append("stream")

        return stream_with_context(pieces())

    app.teardown_request(lambda error: ended.append("request"))
    server = Server("/", b"", method="GET")
    serving = asyncio.ensure_future(server.serve(app))
    while len(server.sent) < 3:
        await asyncio.sleep(0.01)
    server.messages.put_nowait({"type": "http.disconnect"})
    await serving

    assert ended == ["stream", "request"]


def in_copied_variables(function):
    return functools.partial(contextvars.copy_context().run, function)


@pytest.mark.parametrize("carry", [copy_current_request_context, in_copied_variables])
async def test_a_def_function_awaited_for_a_thread_of_the_users_is_off_the_loop(app, asgi, carry):
    seen = []

    async def ask():
        await current_app.ensure_async(lambda: seen.append(threading.get_ident()))()

    def work():
        current_app.ensure_sync(ask)()

    @app.get("/")
    def view():
        thread = threading.Thread(target=carry(work))
        thread.start()
        thread.join(10)
        return ""

    await asgi.get("/")

    assert len(seen) == 1
    assert threading.get_ident() not in seen


async def test_a_def_function_awaited_on_another_loop_than_the_servers_is_called(app, asgi):
    async def ask():
        return await current_app.ensure_async(lambda: request.path)()

    @app.get("/")
    async def view():
        return current_app.ensure_sync(ask)()  # blocks the server's loop

    assert (await asgi.get("/")).get_data(as_text=True) == "/"


# -- errors, cancellation --------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_no_exception_of_a_view_ends_the_loop(app, asgi, error, kind):
    @app.get("/def")
    def view():
        raise error("of the view")

    @app.get("/async def")
    async def async_view():
        raise error("of the view")

    with pytest.raises(error, match="of the view"):
        await asgi.get(f"/{kind}")
    assert (await asgi.get("/nowhere")).status_code == 404


async def test_an_error_that_nothing_handles_is_answered_500(app, asgi):
    app.testing = False
    app.logger.disabled = True
    app.get("/")(lambda: 1 / 0)

    assert (await asgi.get("/")).status_code == 500


async def test_a_cancelled_request_ends_its_async_view_and_then_tears_down(app):
    order, started = [], asyncio.Event()

    @app.get("/")
    async def view():
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            order.append("view")

    @app.teardown_request
    async def teardown(error):
        await asyncio.sleep(0)
        order.append(type(error))

    serving = asyncio.ensure_future(Server("/", b"", method="GET").serve(app))
    await started.wait()
    serving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await serving
    assert order == ["view", asyncio.CancelledError]


async def test_a_cancelled_request_ends_when_the_def_function_of_its_async_view_has_ended(app):
    ready, go_on = threading.Event(), threading.Event()

    def blocking():
        ready.set()
        go_on.wait(10)

    @app.get("/")
    async def view():
        await current_app.ensure_async(blocking)()
        return "not reached"

    serving = asyncio.ensure_future(Server("/", b"", method="GET").serve(app))
    await asyncio.to_thread(ready.wait, 10)
    serving.cancel()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_a_timeout_in_an_async_view_around_a_def_function_is_a_timeout(app, asgi):
    @app.get("/")
    async def view():
        try:
            async with asyncio.timeout(0):
                await current_app.ensure_async(time.sleep)(0.01)
        except TimeoutError:
            return "too late"

    assert (await asgi.get("/")).get_data(as_text=True) == "too late"


async def test_a_cancelled_request_lets_its_def_view_end_and_closes_its_stream(app):
    order = []
    ready, go_on = threading.Event(), threading.Event()

    class Pieces:
        def __iter__(self):
            return iter(["x"])

        def close(self):
            order.append("closed")

    @app.get("/")
    def view():
        ready.set()
        go_on.wait(10)
        order.append("view")
        return Response(Pieces())

    serving = asyncio.ensure_future(Server("/", b"", method="GET").serve(app))
    await asyncio.to_thread(ready.wait, 10)
    serving.cancel()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await serving
    assert order == ["view", "closed"]


async def test_a_request_leaves_nothing_behind(app, asgi):
    seen = []

    @app.post("/")
    def view():
        seen.append(weakref.ref(request._get_current_object()))
        return request.form["a"]

    await asgi.post("/", data={"a": "b"})
    gc.collect()

    assert seen[0]() is None


# -- websockets, lifespan --------------------------------------------------------------------------


async def test_websockets_of_both_kinds_work(app, asgi):
    @app.websocket("/async")
    async def echo():
        await asyncflask.websocket.send(await asyncflask.websocket.receive())

    @app.websocket("/def")
    def blocking_echo():
        asyncflask.websocket.send(asyncflask.websocket.receive())

    for path in ("/async", "/def"):
        async with asgi.websocket(path) as connection:
            await connection.send("hello")

            assert await connection.receive() == "hello"


async def test_the_lifespan_runs_sync_and_async_functions(app):
    log = []

    @app.before_serving
    async def begin():
        log.append(f"up {current_app.name}")

    @app.after_serving
    def end():
        log.append(f"down {current_app.name}")

    async with TestApp(app):
        log.append("serving")

    assert log == ["up tests", "serving", "down tests"]


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/def"), ("GET", "/empty"), ("GET", "/def")])
async def test_wsgi_middleware_may_be_a_generator(app, asgi, method, path):
    """As New Relic's is: the response of a HEAD request starts when the generator ends."""
    inner = app.wsgi_app

    def middleware(environ, start_response):
        yield from inner(environ, start_response)

    app.wsgi_app = middleware
    app.add_url_rule("/def", view_func=lambda: "text", endpoint="def")
    app.add_url_rule("/empty", view_func=lambda: ("", 204), endpoint="empty")

    response = await asgi.open(path, method=method)

    assert response.status_code == (204 if path == "/empty" else 200)
    assert response.text == ("text" if (method, path) == ("GET", "/def") else "")
