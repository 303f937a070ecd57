"""What belongs to a thread or to a Context belongs to one request, however many wait at once.

Thirty requests, half of which fail, are between their ``def`` hooks at the same time: their ``async
def`` view waits until all of them have arrived. They run on the async API, and on the facade behind
ASGI and behind WSGI.
"""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy
from sqlalchemy import orm
from werkzeug.test import EnvironBuilder, run_wsgi_app

import asyncflask
import asyncflask.flask
from asyncflask.testing import TestClient

REQUESTS = 30
#: seconds after which a request no longer waits for the others, so that a fault fails the test
PATIENCE = 20.0

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


class Base(orm.DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "row"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]


@pytest.fixture
def engine(tmp_path):
    """A database whose connections belong to the thread that has opened them."""
    url, options = f"sqlite:///{tmp_path / 'rows.db'}", {"check_same_thread": True, "timeout": 30}
    engine = sqlalchemy.create_engine(url, connect_args=options, poolclass=sqlalchemy.NullPool)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


class Meeting:
    """Where the requests wait until all of them are there."""

    def __init__(self):
        self._there = 0
        self._lock = threading.Lock()

    async def join(self):
        with self._lock:
            self._there += 1
        end = time.monotonic() + PATIENCE
        while self._there < REQUESTS and time.monotonic() < end:
            await asyncio.sleep(0.005)

    @property
    def is_complete(self):
        return self._there == REQUESTS


class Witness:
    """An app whose hooks note what is not as it was in the request's first hook."""

    def __init__(self, package, engine):
        self.faults = Counter()
        # One session per thread, as in Flask's documentation.
        self.session = orm.scoped_session(orm.sessionmaker(engine))
        self.meeting = Meeting()
        self.local = threading.local()
        self.package = package
        self.app = package.Flask(__name__, static_folder=None)
        self.app.config["WORKER_POOL_SIZE"] = 4
        self.app.logger.disabled = True
        self.app.before_request(self.begin)
        self.app.after_request(self.after)
        self.app.teardown_request(self.end)
        self.app.add_url_rule("/<int:number>", view_func=self.view())

    def begin(self):
        g, name = self.package.g, self.package.request.path
        g.name, g.thread = name, threading.get_ident()
        g.db = sqlite3.connect(":memory:")
        g.token = variable.set(name)
        self.expect(getattr(self.local, "open", None) is None, "the connection is already open")
        self.local.open = name
        g.session = self.session()
        self.session.add(Row(name=name))  # It is rolled back if the view fails.

    def view(self):
        async def view(number):
            self.expect(variable.get() == f"/{number}", "the view sees another variable")
            await self.meeting.join()
            return str(1 // (number % 2))

        return view

    def after(self, response):
        g = self.package.g
        self.expect(g.thread == threading.get_ident(), "another thread")
        self.expect(self.session() is g.session, "another request's session")
        if response.status_code == 200:
            self.session.commit()
        else:
            self.session.rollback()
        return response

    def end(self, error):
        g = self.package.g
        g.db.close()  # sqlite3 refuses another thread.
        variable.reset(g.token)  # Another Context is refused.
        self.expect(variable.get() == "unset", "a variable of another request")
        self.expect(self.local.open == g.name, "another request's thread-local")
        self.local.open = None
        self.session.remove()

    def expect(self, holds, fault):
        if not holds:
            self.faults[fault] += 1

    def assert_as_in_flask(self, statuses):
        assert self.meeting.is_complete
        assert statuses == [200 if number % 2 else 500 for number in range(REQUESTS)]
        assert not self.faults
        committed = {f"/{number}" for number in range(REQUESTS) if number % 2}
        assert set(self.session.scalars(sqlalchemy.select(Row.name))) == committed
        self.session.remove()


@pytest.mark.parametrize("package", [asyncflask, asyncflask.flask], ids=["async", "facade"])
async def test_what_belongs_to_a_thread_belongs_to_one_request_on_asgi(package, engine):
    witness = Witness(package, engine)
    client = TestClient(witness.app, asyncflask.Flask.response_class)
    responses = await asyncio.gather(*(client.get(f"/{n}") for n in range(REQUESTS)))

    witness.assert_as_in_flask([response.status_code for response in responses])
    witness.app.workers.trim()


def test_what_belongs_to_a_thread_belongs_to_one_request_on_wsgi(engine):
    witness = Witness(asyncflask.flask, engine)

    def get(number):
        _, status, _ = run_wsgi_app(witness.app, EnvironBuilder(f"/{number}").get_environ())
        return int(status[:3])

    with ThreadPoolExecutor(REQUESTS) as threads:
        statuses = list(threads.map(get, range(REQUESTS)))

    witness.assert_as_in_flask(statuses)


async def test_without_affinity_each_def_function_gets_any_thread_of_few():
    """Context variables stay the request's own; there may be fewer threads than requests."""
    app = asyncflask.Flask(__name__, static_folder=None)
    app.config.update(WORKER_POOL_SIZE=2, WORKER_THREADS=2, WORKER_AFFINITY=False)
    meeting, seen = Meeting(), []

    @app.before_request
    def begin():
        asyncflask.g.token = variable.set(asyncflask.request.path)

    @app.get("/<int:number>")
    async def view(number):
        await meeting.join()
        return variable.get()

    @app.teardown_request
    def end(error):
        variable.reset(asyncflask.g.token)
        seen.append(variable.get())

    client = app.test_client()
    responses = await asyncio.gather(*(client.get(f"/{n}") for n in range(REQUESTS)))
    texts = [response.get_data(as_text=True) for response in responses]

    assert meeting.is_complete
    assert texts == [f"/{number}" for number in range(REQUESTS)]
    assert seen == ["unset"] * REQUESTS
    assert (app.workers.busy, app.workers.parked) == (0, 0)
    app.workers.trim()


async def test_without_affinity_a_request_that_has_begun_gets_a_thread_while_all_are_busy():
    """The pool's only thread waits for what another request does in its next ``def`` function."""
    app = asyncflask.Flask(__name__, static_folder=None)
    app.config.update(WORKER_POOL_SIZE=1, WORKER_AFFINITY=False)
    given, entered, go_on = threading.Event(), asyncio.Event(), asyncio.Event()
    app.before_request(lambda: None)

    @app.get("/gives")
    async def gives():
        entered.set()
        await go_on.wait()
        await asyncflask.current_app.ensure_async(given.set)()
        return "given"

    @app.get("/needs")
    def needs():
        return str(given.wait(PATIENCE / 4))

    client = app.test_client()
    first = asyncio.create_task(client.get("/gives"))
    await asyncio.wait_for(entered.wait(), PATIENCE)
    second = asyncio.create_task(client.get("/needs"))
    async with asyncio.timeout(PATIENCE):
        while not app.workers.busy:
            await asyncio.sleep(0.005)
    go_on.set()

    assert (await second).get_data(as_text=True) == "True"
    assert (await first).get_data(as_text=True) == "given"
    app.workers.trim()
