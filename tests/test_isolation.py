"""Requests, tasks and threads share nothing, and leave nothing behind.

At the end of each test the ``clean`` fixture checks for a context in the context variable, a
task, and a worker that is still leased.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import io
import random
import sqlite3
import threading
import weakref

import pytest

from asyncflask import (
    Flask,
    copy_current_request_context,
    current_app,
    g,
    request,
    session,
    stream_with_context,
    websocket,
)
from asyncflask._contextvars import current
from asyncflask.testing.asgi_connection import ASGIConnection

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)
    app.secret_key = "secret"
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.config["WORKER_POOL_SIZE"] = 4
    return app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture(autouse=True)
async def clean(app):
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left
    assert current() is None
    await idle(app)
    app.workers.trim()


async def idle(app):
    """Wait until the workers are released, shortly after the response."""
    for _ in range(200):
        pool = app.workers
        if not (pool.busy or pool.parked or pool.waiting):
            return
        await asyncio.sleep(0.005)
        gc.collect()
    pytest.fail(f"{pool.busy + pool.parked} workers are still leased.")


def scope_of(path="/", method="GET", headers=()):
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


class Calls:
    """An app called directly in a task that the test may cancel."""

    def __init__(self, app, scope, *messages):
        self.messages = list(messages) or [
            {"type": "http.request", "body": b"", "more_body": False}
        ]
        self.gone = asyncio.Event()
        self.sent = []
        self.task = asyncio.create_task(app(scope, self.receive, self.send))

    async def receive(self):
        if self.messages:
            return self.messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)

    async def cancelled(self):
        self.task.cancel()
        await asyncio.wait([self.task])
        return self.task.cancelled()


# -- a thousand at once ----------------------------------------------------------------------------


def what_is_seen():
    return {
        "name": request.args["name"],
        "g": g.name,
        "session": session["name"],
        "variable": variable.get(),
        "path": request.path,
    }


def remember():
    name = request.args["name"]
    g.name = session["name"] = name
    variable.set(name)


def interleaved(app):
    """``def`` and ``async def`` views and hooks, with points at which other requests may run."""

    @app.before_request
    def before_in_worker():
        if request.args["hook"] == "def":
            remember()

    @app.before_request
    async def before_on_loop():
        if request.args["hook"] == "async":
            remember()
            await asyncio.sleep(0)

    @app.after_request
    def after(response):
        response.headers["X-Name"] = g.name + variable.get() + request.args["name"]
        return response

    @app.teardown_request
    async def teardown(error):
        await asyncio.sleep(0)
        app.seen.append(g.name == variable.get() == request.args["name"])

    @app.get("/async")
    async def view():
        await asyncio.sleep(random.random() / 100)
        return what_is_seen()

    @app.get("/def")
    def blocking():
        return what_is_seen()

    @app.get("/tasks")
    async def tasks():
        async def child(delay):
            await asyncio.sleep(delay)
            return what_is_seen()

        seen = await asyncio.gather(*(child(random.random() / 100) for _ in range(3)))
        assert seen[0] == seen[1] == seen[2]
        return seen[0]

    @app.get("/thread")
    async def thread():
        @copy_current_request_context
        def elsewhere():
            return what_is_seen()

        # `to_thread()` copies the current contexts, and so the copy shares their `g`.
        return await asyncio.to_thread(elsewhere)

    @app.get("/ensure")
    async def ensure():
        seen = await asyncio.gather(*(app.ensure_async(what_is_seen)() for _ in range(2)))
        assert seen[0] == seen[1]
        return seen[0]

    @app.get("/stream")
    def stream():
        def parts():
            for value in what_is_seen().values():
                yield value + "\n"

        return stream_with_context(parts())


async def test_a_thousand_interleaved_requests_each_see_their_own(app):
    interleaved(app)
    app.seen = []
    paths = ["/async", "/def", "/tasks", "/thread", "/ensure", "/stream"]

    async def one(number):
        path, name = paths[number % len(paths)], f"name{number}"
        hook = "def" if number % 4 < 2 else "async"
        response = await app.test_client().get(f"{path}?name={name}&hook={hook}")
        assert response.headers["X-Name"] == name * 3
        if path == "/stream":
            return response.text.split() == [name] * 4 + [path]
        return response.json == {
            **dict.fromkeys(("name", "g", "session", "variable"), name),
            "path": path,
        }

    results = await asyncio.gather(*(one(number) for number in range(1000)))

    assert all(results)
    copies = len(
        range(paths.index("/thread"), 1000, len(paths))
    )  # They have teardown functions, too.
    assert app.seen == [True] * (1000 + copies)
    assert variable.get() == "unset"


async def test_requests_one_after_the_other_in_one_task_share_nothing(app):
    interleaved(app)
    app.seen = []
    for number in range(20):
        name = f"name{number}"
        call = Calls(app, {**scope_of("/def"), "query_string": f"name={name}&hook=def".encode()})
        await call.task
        assert name.encode() in call.sent[1]["body"]


async def test_a_served_request_never_sees_the_context_around_it(app):
    @app.get("/")
    async def view():
        return str(g.get("outer")) + request.path

    async with app.test_request_context("/outer"):
        g.outer = "outer"
        call = Calls(app, scope_of())
        await call.task
        after = g.outer + request.path

    assert call.sent[1]["body"] == b"None/"
    assert after == "outer/outer"


# -- one worker per request ------------------------------------------------------------------------


async def test_a_sqlite_connection_lives_from_before_to_teardown(app, client):
    """sqlite3's ``check_same_thread`` raises an error in another thread."""
    closed = []

    @app.before_request
    def connect():
        g.db = sqlite3.connect(":memory:")
        g.db.execute("CREATE TABLE t (n)")

    @app.get("/def")
    def view():
        g.db.execute("INSERT INTO t VALUES (42)")
        return str(g.db.execute("SELECT n FROM t").fetchone()[0])

    @app.get("/async")
    async def mixed():
        await asyncio.sleep(0)
        return await app.ensure_async(view)()

    @app.after_request
    def after(response):
        g.db.execute("SELECT 1")
        return response

    @app.teardown_appcontext
    def close(error):
        g.db.close()
        closed.append(error)

    assert [(await client.get(path)).text for path in ("/def", "/async")] == ["42", "42"]
    assert closed == [None, None]


async def test_all_def_callables_of_a_request_run_in_one_thread_off_the_loop(app, client):
    idents = set()

    def note(*args):
        idents.add(threading.get_ident())
        return args[0] if args else None

    app.before_request(note)
    app.after_request(note)
    app.teardown_request(note)
    app.teardown_appcontext(note)
    app.url_value_preprocessor(lambda endpoint, values: note() and None)
    app.get("/")(lambda: note() or "x")
    app.register_error_handler(404, lambda error: note() or ("x", 404))
    await client.get("/")

    assert len(idents) == 1
    assert threading.get_ident() not in idents


async def test_a_context_variable_is_reset_with_its_token_in_teardown(app, client):
    resets = []

    @app.before_request
    def enter():
        g.token = variable.set("request")

    @app.get("/def")
    def view():
        return variable.get()

    @app.get("/async")
    async def async_view():
        return variable.get()

    @app.teardown_request
    def leave(error):
        variable.reset(g.token)
        resets.append(variable.get())

    assert [(await client.get(path)).text for path in ("/def", "/async")] == ["request", "request"]
    assert resets == ["unset", "unset"]


async def test_variables_set_on_the_loop_are_seen_by_def_callables(app, client):
    @app.before_request
    async def enter():
        variable.set("by the loop")

    @app.get("/")
    def view():
        return variable.get()

    assert (await client.get("/")).text == "by the loop"


# -- cancellation ----------------------------------------------------------------------------------


def with_teardowns(app, ran):
    """Four teardown functions, ``def`` and ``async def``, the first two of which raise."""

    @app.teardown_appcontext
    async def last(error):
        await asyncio.sleep(0)
        ran.append("async app")

    @app.teardown_appcontext
    def third(error):
        ran.append("def app")

    @app.teardown_request
    async def second(error):
        await asyncio.sleep(0)
        ran.append("async request")
        raise LookupError("of the second")

    @app.teardown_request
    def first(error):
        ran.append("def request")
        raise LookupError("of the first")


ALL = ["def request", "async request", "def app", "async app"]


async def test_all_teardown_functions_run_even_when_some_raise(app, client, caplog):
    ran = []
    with_teardowns(app, ran)
    app.get("/")(lambda: "x")

    with pytest.raises(LookupError, match="of the first"):
        await client.get("/")
    assert ran == ALL
    assert "of the second" in caplog.text


async def test_cancelled_in_an_async_view(app, caplog):
    ran, at = [], asyncio.Event()
    with_teardowns(app, ran)

    @app.get("/")
    async def view():
        at.set()
        await asyncio.sleep(60)

    call = Calls(app, scope_of())
    await at.wait()
    call.task.cancel()
    await asyncio.wait([call.task])

    assert ran == ALL
    assert not call.sent


async def test_cancelled_while_a_def_view_runs(app):
    going, go_on, ran = threading.Event(), threading.Event(), []

    @app.get("/")
    def view():
        going.set()
        go_on.wait(5)
        return "x"

    @app.teardown_request
    def teardown(error):
        ran.append(threading.get_ident())

    @app.teardown_request
    async def async_teardown(error):
        await asyncio.sleep(0)
        ran.append(threading.get_ident())

    call = Calls(app, scope_of())
    await asyncio.to_thread(going.wait, 5)
    call.task.cancel()
    await asyncio.sleep(0)
    call.task.cancel()
    go_on.set()
    await asyncio.wait([call.task])

    assert call.task.cancelled()
    assert ran[0] == threading.get_ident() != ran[1]


async def test_cancelled_a_second_time_in_teardown(app):
    ran, at, view_at = [], asyncio.Event(), asyncio.Event()

    @app.get("/")
    async def view():
        view_at.set()
        await asyncio.sleep(60)

    @app.teardown_request
    def blocking(error):
        ran.append(type(error).__name__)

    @app.teardown_request
    async def slow(error):
        at.set()
        for _ in range(5):
            await asyncio.sleep(0)
        ran.append("slow")

    call = Calls(app, scope_of())
    await view_at.wait()
    call.task.cancel()
    await at.wait()
    cancelled = await call.cancelled()

    assert cancelled
    assert ran == ["slow", "CancelledError"]


async def test_cancelled_while_waiting_for_a_worker(app):
    app.config["WORKER_POOL_SIZE"] = 1
    lease = await app.workers.lease()
    ran = []
    app.get("/")(lambda: "x")
    app.teardown_request(lambda error: ran.append("teardown"))
    call = Calls(app, scope_of())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = app.workers.waiting
    cancelled = await call.cancelled()
    lease.release()

    assert waiting == 1
    assert cancelled


async def test_cancelled_in_a_teardown_of_a_request_that_went_well(app):
    ran, at = [], asyncio.Event()

    @app.get("/")
    async def view():
        return "x"

    @app.teardown_appcontext
    async def last(error):
        ran.append("last")

    @app.teardown_request
    async def slow(error):
        at.set()
        await asyncio.sleep(0.01)
        ran.append("slow")

    call = Calls(app, scope_of())
    await at.wait()
    await call.cancelled()

    assert "last" in ran


async def test_timeout_around_gathered_def_functions_does_not_hang(app, client):
    """The view wakes up while a worker still runs for one of its child tasks."""
    go_on = threading.Event()

    @app.get("/")
    async def view():
        wait = app.ensure_async(lambda: go_on.wait(5))
        task = asyncio.create_task(wait())
        try:
            async with asyncio.timeout(0.02):
                await asyncio.wait([task])
        except TimeoutError:
            go_on.set()
            await task
            return "timeout"

    response = await asyncio.wait_for(client.get("/"), 10)

    assert response.text == "timeout"


async def test_a_task_that_outlives_its_request_gives_its_worker_back(app, client):
    over = asyncio.Event()

    @app.get("/")
    async def view():
        async def later():
            await over.wait()
            return await app.ensure_async(threading.get_ident)()

        app.later = asyncio.create_task(later())
        return "x"

    await client.get("/")
    over.set()

    assert await app.later != threading.get_ident()
    del app.later
    gc.collect()


# -- a client that vanishes ------------------------------------------------------------------------


async def test_an_endless_stream_ends_with_its_client(app, client):
    ended = []

    @app.get("/")
    async def view():
        async def parts():
            try:
                while True:
                    yield request.path
                    await asyncio.sleep(0)
            finally:
                ended.append("stream")

        return stream_with_context(parts())

    @app.teardown_request
    async def teardown(error):
        ended.append("teardown")

    async with client.request("/") as connection:
        first = await connection.receive()
        await connection.disconnect()

    assert first == b"/"
    assert ended == ["stream", "teardown"]


async def test_a_waiting_stream_ends_with_its_client(app, client):
    ended = []

    @app.get("/")
    async def view():
        async def parts():
            try:
                yield "first"
                await asyncio.sleep(60)
            finally:
                ended.append("stream")

        return stream_with_context(parts())

    app.teardown_request(lambda error: ended.append("teardown"))
    async with client.request("/") as connection:
        await connection.receive()

    assert ended == ["stream", "teardown"]


async def test_a_synchronous_stream_ends_with_its_client(app, client):
    ended = []

    @app.get("/")
    def view():
        def parts():
            try:
                while True:
                    yield "x" * 1000
            finally:
                ended.append(threading.get_ident())

        return stream_with_context(parts())

    app.teardown_request(lambda error: ended.append(threading.get_ident()))
    async with client.request("/") as connection:
        await connection.receive()

    assert len(set(ended)) == 1
    assert threading.get_ident() not in ended
    assert len(ended) == 2


async def test_an_upload_that_is_cut_off_leaves_no_temporary_file(app, client, monkeypatch):
    import tempfile

    made = []
    for name in ("TemporaryFile", "SpooledTemporaryFile"):
        original = getattr(tempfile, name)

        def note(*args, _original=original, **kwargs):
            made.append(_original(*args, **kwargs))
            return made[-1]

        monkeypatch.setattr(tempfile, name, note)

    @app.post("/")
    async def view():
        await request.form
        return "x"

    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    message = {"type": "http.request", "body": head + b"x" * 2_000_000, "more_body": True}
    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    call = Calls(app, scope_of("/", "POST", headers), message)
    while not made:
        await asyncio.sleep(0.001)
    call.gone.set()
    await asyncio.wait([call.task])

    assert all(file.closed for file in made)


async def test_uploads_are_closed_after_the_request(app, client):
    kept = []

    @app.post("/async")
    async def view():
        kept.append((await request.files)["f"])
        return str(len(kept[-1].read()))

    @app.post("/def")
    def blocking():
        kept.append(request.files["f"])
        return str(len(kept[-1].read()))

    for path in ("/async", "/def"):
        response = await client.post(path, data={"f": (io.BytesIO(b"x" * 1_000_000), "f")})
        assert response.text == "1000000"

    assert all(file.stream.closed for file in kept)


async def test_a_websocket_whose_client_disconnects_leaves_nothing(app, client):
    ended = []

    @app.websocket("/ws")
    async def view():
        await websocket.accept()
        try:
            await websocket.receive()
        finally:
            ended.append("view")

    @app.after_websocket
    async def after(response):
        ended.append("after")

    app.teardown_websocket(lambda error: ended.append("teardown"))
    async with client.websocket("/ws"):
        pass

    assert ended == ["view", "after", "teardown"]


async def test_a_def_websocket_view_that_waits_ends_with_its_client(app, client):
    ended = []

    @app.websocket("/ws")
    def view():
        websocket.accept()
        try:
            while True:
                websocket.send(websocket.receive())
        finally:
            ended.append(threading.get_ident())

    async with client.websocket("/ws") as connection:
        await connection.send("hi")
        echo = await connection.receive()

    assert echo == "hi"
    assert ended != [threading.get_ident()]


# -- the app itself --------------------------------------------------------------------------------


async def test_the_app_is_freed_by_its_last_reference_after_serving(app):
    app = Flask(__name__, static_folder="static")
    app.secret_key = "x"
    app.before_request(lambda: session.update(a=1))
    app.get("/def")(lambda: request.path)

    @app.get("/async")
    async def view():
        return current_app.name + request.path + str(session["a"])

    gc.collect()
    gc.disable()
    for path in ("/def", "/async"):
        call = Calls(app, scope_of(path))
        await call.task
    dead = weakref.ref(app)
    try:
        app.workers.trim()
        del app, call, view
        await asyncio.sleep(0.02)  # A worker releases its last job a moment later.
        assert dead() is None
    finally:
        gc.enable()


def test_an_app_that_served_nothing_is_freed_by_its_last_reference(app):
    app = Flask(__name__)
    app.route("/")(lambda: "x")
    dead = weakref.ref(app)
    gc.disable()
    try:
        del app
        assert dead() is None
    finally:
        gc.enable()


async def test_no_context_is_current_after_an_error_of_the_server(app):
    """The server's ``send`` raises in the middle of the answer."""
    app.get("/")(lambda: "x")

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        raise ZeroDivisionError("of the server")

    with pytest.raises(ZeroDivisionError, match="of the server"):
        await app(scope_of(), receive, send)


async def test_an_asgi_connection_to_an_app_that_raises_leaves_nothing(app):
    @app.get("/")
    async def view():
        raise LookupError("of the view")

    with pytest.raises(LookupError, match="of the view"):
        async with ASGIConnection(app, scope_of()) as exchange:
            await exchange.take()
