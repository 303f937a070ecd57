"""Sixty requests share a pool of five connections, and all of them are answered.

A ``def`` view that waits for a connection keeps its thread occupied. The thread that gives a
connection back must not be one of those that wait: neither the request's own thread nor one that a
request without a thread needs for its end may be waited for.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter

import pytest
from sqlalchemy.pool import QueuePool

import asyncflask
import asyncflask.flask
from asyncflask.testing import TestClient

REQUESTS = 60
#: seconds after which a request no longer waits for a connection, which fails the test
PATIENCE = 5.0


def connect():
    return sqlite3.connect(":memory:", check_same_thread=False)


class Shop:
    """An app with ``def`` and ``async def`` views that use one connection each.

    Args:
        package: Of the API.
        opens: What opens the connection: ``hook``, ``view``, ``run_sync`` or ``ensure``. Where a
            request has none yet, its ``def`` view opens it.
        closes: Name of the decorator or signal of the function that gives the connection back, or
            ``500``, the error whose handler does.
    """

    def __init__(self, package, opens, closes="teardown_appcontext"):
        self.package = package
        self.connections = QueuePool(connect, pool_size=5, max_overflow=0, timeout=PATIENCE)
        self.app = app = package.Flask(__name__, static_folder=None)
        app.config["WORKER_POOL_SIZE"] = 4
        app.logger.disabled = True
        if opens == "hook":
            app.before_request(self.open)
        self.opens, self.fails = opens, closes in ("errorhandler", "500", "got_request_exception")
        if closes == "errorhandler":
            app.errorhandler(ZeroDivisionError)(self.close)
        elif closes == "500":
            app.errorhandler(500)(self.close)
        elif hasattr(package, closes):
            getattr(package, closes).connect(self.receive, app)
        else:
            getattr(app, closes)(self.close)
        if self.fails or closes == "after_request":
            app.teardown_request(self.close)  # What a ``def`` view has opened.
        app.add_url_rule("/def", "def", self.view)
        app.add_url_rule("/async", "async", self.async_view())

    def open(self):
        g = self.package.g
        if "connection" not in g:
            g.connection = self.connections.connect()
        g.connection.cursor().execute("SELECT 1")

    def close(self, result):
        connection = self.package.g.pop("connection", None)
        if connection is not None:
            connection.close()
        return "closed" if self.fails else result

    def receive(self, sender, **extra):
        self.close(None)

    def view(self):
        self.open()
        return "def"

    def async_view(self):
        async def view():
            if self.opens == "run_sync":
                self.package.g.connection = await asyncflask.run_sync(self.connections.connect)()
            elif self.opens == "ensure":
                await asyncflask.current_app.ensure_async(self.open)()
            await asyncio.sleep(0.005)
            return str(1 / 0) if self.fails else "async"

        return view

    def close_all(self):
        """Close the pools, after a look whether everything was given back to them."""
        workers = self.app.workers
        assert (workers.busy, workers.parked, workers.waiting) == (0, 0, 0)
        assert self.connections.checkedout() == 0
        workers.trim()
        self.connections.dispose()

    async def sell(self):
        """Make the requests, half of them to each view, and return how many got which status."""
        client = TestClient(self.app, asyncflask.Flask.response_class)
        paths = ["/def", "/async"] * (REQUESTS // 2)
        responses = await asyncio.gather(*map(client.get, paths))
        self.close_all()
        return Counter(response.status_code for response in responses)


@pytest.mark.parametrize("opens", ["hook", "view", "run_sync", "ensure"])
@pytest.mark.parametrize("package", [asyncflask, asyncflask.flask], ids=["async", "facade"])
async def test_def_and_async_def_views_share_five_connections(package, opens):
    if package is asyncflask.flask and opens == "ensure":
        pytest.skip("The facade has Flask's ensure_sync, and no ensure_async.")

    assert await Shop(package, opens).sell() == {200: REQUESTS}


@pytest.mark.parametrize(
    "closes",
    [
        *("teardown_request", "after_request", "errorhandler", "500", "got_request_exception"),
        *("request_finished", "request_tearing_down", "appcontext_tearing_down"),
    ],
)
@pytest.mark.parametrize("package", [asyncflask, asyncflask.flask], ids=["async", "facade"])
async def test_what_gives_a_connection_back_needs_no_thread_of_those_that_wait(package, closes):
    """The ``async def`` view has a connection, and on the async API no thread."""
    answers = await Shop(package, "run_sync", closes).sell()

    if closes == "got_request_exception":
        assert answers == {200: REQUESTS // 2, 500: REQUESTS // 2}
    else:
        assert answers == {200: REQUESTS}


async def test_websockets_give_connections_back_while_all_threads_wait_for_them():
    shop = Shop(asyncflask, "view")
    begun, end = [], asyncio.Event()
    shop.app.teardown_websocket(shop.close)

    @shop.app.websocket("/socket")
    async def socket():
        await asyncflask.websocket.accept()
        asyncflask.g.connection = await asyncflask.run_sync(shop.connections.connect)()
        begun.append(1)
        await end.wait()

    client = shop.app.test_client()

    async def talk():
        async with client.websocket("/socket"):
            await end.wait()

    sockets = [asyncio.create_task(talk()) for _ in range(5)]
    async with asyncio.timeout(PATIENCE):
        while len(begun) < 5:
            await asyncio.sleep(0.005)
    views = [asyncio.create_task(client.get("/def")) for _ in range(REQUESTS)]
    async with asyncio.timeout(PATIENCE):
        while shop.app.workers.busy < 4:
            await asyncio.sleep(0.005)
    end.set()
    await asyncio.gather(*sockets)
    responses = await asyncio.gather(*views)

    assert Counter(response.status_code for response in responses) == {200: REQUESTS}
    shop.close_all()


async def test_what_was_refused_a_thread_gives_its_connection_back():
    """The view may not run a ``def`` function, and its teardown function runs all the same."""
    shop = Shop(asyncflask, "run_sync")
    shop.app.config.update(WORKER_POOL_SIZE=1, WORKER_QUEUE_SIZE=0)

    @shop.app.get("/both")
    async def both():
        asyncflask.g.connection = await asyncflask.run_sync(shop.connections.connect)()
        return await asyncflask.current_app.ensure_async(len)("abc")

    lease = await shop.app.workers.lease()
    response = await shop.app.test_client().get("/both")
    lease.release()

    assert response.status_code == 503
    shop.close_all()
