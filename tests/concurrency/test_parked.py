"""A thread whose request waits on the event loop is not counted, on both APIs.

Each app has a pool of two threads, and more requests than that wait at once.
"""

from __future__ import annotations

import asyncio
import queue
import threading

import pytest

import asyncflask
import asyncflask.flask
from asyncflask.testing import TestClient

#: more than the pool has threads
MANY = 8
#: seconds after which a wait fails
PATIENCE = 20.0


@pytest.fixture(params=[asyncflask, asyncflask.flask], ids=["async", "facade"])
def package(request):
    return request.param


@pytest.fixture
def app(package):
    app = package.Flask(__name__, static_folder=None)
    app.config.update(WORKER_POOL_SIZE=2, PROPAGATE_EXCEPTIONS=True)

    @app.get("/health")
    def health():
        return "ok"

    yield app
    assert (app.workers.busy, app.workers.parked, app.workers.waiting) == (0, 0, 0)
    app.workers.trim()


@pytest.fixture
def client(app):
    return TestClient(app, asyncflask.Flask.response_class)


def add_hook(app):
    @app.before_request
    def hook():
        pass


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


async def text_of(client, path):
    async with asyncio.timeout(PATIENCE):
        response = await client.get(path)
        return response.get_data(as_text=True)


async def test_requests_that_wait_in_an_async_view_let_others_be_answered(app, client):
    add_hook(app)
    news, waiting = asyncio.Event(), []

    @app.get("/wait")
    async def wait():
        waiting.append(1)
        await news.wait()
        return "news"

    @app.get("/wake")
    async def wake():
        news.set()
        return "told"

    tasks = [asyncio.create_task(text_of(client, "/wait")) for _ in range(MANY)]
    await until(lambda: len(waiting) == app.workers.parked == MANY)

    assert (app.workers.busy, app.workers.waiting) == (0, 0)
    assert await text_of(client, "/health") == "ok"
    assert await text_of(client, "/wake") == "told"
    assert await asyncio.gather(*tasks) == ["news"] * MANY


async def test_slow_uploads_to_a_def_view_let_others_be_answered(app, client, package):
    @app.post("/")
    def up():
        return str(len(package.request.get_data()))

    async def upload():
        async with client.request(
            "/", method="POST", headers={"Transfer-Encoding": "chunked"}
        ) as slow:
            await slow.send(b"ab")
            await ready.wait()
            await slow.send(b"cd")
        response = await slow.as_response()
        return response.get_data()

    ready = asyncio.Event()
    tasks = [asyncio.create_task(upload()) for _ in range(MANY)]
    await until(lambda: app.workers.parked == MANY)

    assert await text_of(client, "/health") == "ok"
    ready.set()
    assert await asyncio.gather(*tasks) == [b"4"] * MANY


async def test_slow_downloads_of_a_def_generator_let_others_be_answered(app, client):
    chunk = b"x" * 1024 * 1024

    @app.get("/")
    def down():
        return iter([chunk] * 5)

    async def download():
        async with client.request("/") as slow:
            await slow.send_complete()
            size = len(await slow.receive())
            began.append(1)
            await ready.wait()
            while size < 5 * len(chunk):
                size += len(await slow.receive())
        return size

    ready, began = asyncio.Event(), []
    tasks = [asyncio.create_task(download()) for _ in range(MANY)]
    await until(lambda: len(began) == MANY)

    assert await text_of(client, "/health") == "ok"
    ready.set()
    assert await asyncio.gather(*tasks) == [5 * len(chunk)] * MANY


async def test_a_whole_answer_is_sent_without_a_thread(app, package):
    """The client takes its time, and the thread is already another request's."""
    busy = []

    @app.get("/")
    def view():
        return "x"

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        busy.append((app.workers.busy, app.workers.parked))

    async with asyncio.timeout(PATIENCE):
        await app.asgi_app(scope_of("/"), receive, send)

    assert busy == [(0, 0), (0, 0)]


def scope_of(path):
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


async def test_many_requests_share_five_connections_that_a_hook_takes(app, client, package):
    """A request that has begun never waits for a thread: it holds what the others wait for."""
    connections = queue.Queue()
    for number in range(5):
        connections.put(number)

    @app.before_request
    def take():
        package.g.connection = connections.get(timeout=PATIENCE)

    @app.teardown_request
    def give(error):
        connections.put(package.g.connection)

    @app.get("/")
    async def view():
        await asyncio.sleep(0.001)
        return "x"

    got = await asyncio.gather(*(text_of(client, "/") for _ in range(60)))

    assert got == ["x"] * 60
    assert connections.qsize() == 5


async def test_a_request_that_has_begun_ends_although_all_threads_are_busy(app, client, package):
    """Two ``def`` views fill the pool, and wait for what two others do in their last hook."""
    given, go, waiting = threading.Event(), asyncio.Event(), []
    add_hook(app)

    @app.after_request
    def after(response):
        if package.request.path == "/gives":
            given.set()
        return response

    @app.get("/gives")
    async def gives():
        waiting.append(1)
        await go.wait()
        return "given"

    @app.get("/needs")
    def needs():
        return str(given.wait(PATIENCE))

    first = [asyncio.create_task(text_of(client, "/gives")) for _ in range(2)]
    await until(lambda: len(waiting) == 2)
    second = [asyncio.create_task(text_of(client, "/needs")) for _ in range(3)]
    await until(lambda: (app.workers.busy, app.workers.waiting) == (2, 1))
    go.set()

    assert await asyncio.gather(*first, *second) == ["given"] * 2 + ["True"] * 3


@pytest.mark.parametrize("kind", ["hook", "def view"])
async def test_more_websockets_than_threads_are_open_at_once(kind):
    app = asyncflask.Flask(__name__, static_folder=None)
    app.config["WORKER_POOL_SIZE"] = 2

    if kind == "hook":

        @app.before_websocket
        def hook():
            pass

        @app.websocket("/")
        async def echo():
            await asyncflask.websocket.send(await asyncflask.websocket.receive())
            await asyncflask.websocket.receive()
    else:

        @app.websocket("/")
        def echo_in_thread():
            asyncflask.websocket.send(asyncflask.websocket.receive())
            asyncflask.websocket.receive()

    client, answered, go = app.test_client(), [], asyncio.Event()

    async def talk(number):
        async with client.websocket("/") as connection:
            await connection.send(f"hello {number}")
            answered.append(await connection.receive())
            await go.wait()

    tasks = [asyncio.create_task(talk(number)) for number in range(MANY)]
    await until(lambda: len(answered) == MANY)
    go.set()
    await asyncio.gather(*tasks)

    assert sorted(answered) == sorted(f"hello {number}" for number in range(MANY))
    await until(lambda: not (app.workers.busy or app.workers.parked))
    app.workers.trim()
