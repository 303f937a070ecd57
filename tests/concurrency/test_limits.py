"""The keys of the configuration that bound threads do what they say, on both APIs."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading

import pytest

import asyncflask
import asyncflask.flask
from asyncflask.testing import TestClient

#: seconds after which a wait fails
PATIENCE = 20.0


@pytest.fixture(params=[asyncflask, asyncflask.flask], ids=["async", "facade"])
def package(request):
    return request.param


@pytest.fixture
def app(package):
    app = package.Flask(__name__, static_folder=None)
    app.config["WORKER_POOL_SIZE"] = 1
    yield app
    assert (app.workers.busy, app.workers.parked, app.workers.waiting) == (0, 0, 0)
    app.workers.trim()


@pytest.fixture
def client(app):
    return TestClient(app, asyncflask.Flask.response_class)


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


class Gate:
    """A ``def`` view that runs until it may end."""

    def __init__(self, app):
        self.entered, self.may_end = [], threading.Event()
        app.add_url_rule("/", "gate", self.view)

    def view(self):
        self.entered.append(threading.get_ident())
        self.may_end.wait(PATIENCE)
        return "x"


async def test_a_request_beyond_the_pools_size_waits_and_is_answered(app, client):
    gate = Gate(app)
    tasks = [asyncio.create_task(client.get("/")) for _ in range(3)]
    await until(lambda: gate.entered and app.workers.waiting == 2)
    entered = len(gate.entered)
    gate.may_end.set()

    assert entered == 1
    assert [(await task).status_code for task in tasks] == [200] * 3


async def test_a_request_that_waits_too_long_for_a_thread_gets_a_503(app, client):
    app.config["WORKER_QUEUE_TIMEOUT"] = 0.02
    gate = Gate(app)
    first = asyncio.create_task(client.get("/"))
    await until(lambda: gate.entered)
    second = await asyncio.wait_for(client.get("/"), PATIENCE)
    gate.may_end.set()

    assert second.status_code == 503
    assert 2 <= int(second.headers["Retry-After"]) <= 10
    assert (await first).status_code == 200


async def test_requests_that_wait_on_the_loop_have_a_bound_that_is_warned_of(app, client, caplog):
    app.config["WORKER_THREADS"] = 3
    entered, end = [], asyncio.Event()
    app.before_request(lambda: None)

    @app.get("/")
    async def view():
        entered.append(1)
        await end.wait()
        return "x"

    with caplog.at_level(logging.WARNING, "asyncflask.workers"):
        tasks = [asyncio.create_task(client.get("/")) for _ in range(5)]
        await until(lambda: (app.workers.parked, app.workers.waiting) == (3, 2))
    there = len(entered)
    end.set()

    assert there == 3
    assert [(await task).status_code for task in tasks] == [200] * 5
    assert [record.name for record in caplog.records] == ["asyncflask.workers"]
    assert "of 3 threads, 0 run `def` functions and 3 are kept by requests that wait" in caplog.text
    assert "raise WORKER_THREADS" in caplog.text


async def test_the_facade_keeps_a_requests_thread_and_says_so(caplog):
    app = asyncflask.flask.Flask(__name__, static_folder=None)
    app.config["WORKER_AFFINITY"] = False
    threads, end = set(), asyncio.Event()

    @app.before_request
    def before():
        asyncflask.flask.g.thread = threading.get_ident()

    @app.get("/")
    async def view():
        await end.wait()
        return "x"

    @app.after_request
    def after(response):
        threads.add(threading.get_ident() - asyncflask.flask.g.thread)
        return response

    client = TestClient(app, asyncflask.Flask.response_class)
    with caplog.at_level(logging.WARNING, "asyncflask.workers"):
        tasks = [asyncio.create_task(client.get("/")) for _ in range(5)]
        await until(lambda: app.workers.parked == 5)
        end.set()
        await asyncio.gather(*tasks)

    assert threads == {0}
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "WORKER_AFFINITY = False is not used by the facade"
    ]
    app.workers.trim()


REFUSED = """
import asyncio, logging, resource, sys
logging.basicConfig(stream=sys.stdout, format="%(name)s: %(message)s")
import {package} as package
from asyncflask import Flask
from asyncflask.testing import TestClient

app = package.Flask("refused", root_path=".", static_folder=None)
app.before_request(lambda: None)
news = asyncio.Event()

@app.get("/")
async def view():
    await asyncio.sleep(0.05)
    return "x"

async def main():
    client = TestClient(app, Flask.response_class)
    await client.get("/")
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    # Ten more threads have room for their stacks, and for what they allocate.
    resource.setrlimit(resource.RLIMIT_AS, (size + 10 * STACK + ROOM, resource.RLIM_INFINITY))
    answers = await asyncio.gather(*(client.get("/") for _ in range(100)))
    print("answers:", {{answer.status_code for answer in answers}})

import threading
STACK, ROOM = 64 << 20, 96 << 20
threading.stack_size(STACK)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is that of the address space")
def test_all_requests_are_answered_where_the_system_refuses_threads(package, tmp_path):
    program = REFUSED.format(package=package.__name__)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("the system's limit of threads") == 1
    assert "answers: {200}" in done.stdout
