"""Sync and async callables, called from sync and async ones, wherever they are registered."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest

import asyncflask
from asyncflask import (
    Flask,
    current_app,
    g,
    got_request_exception,
    render_template_string,
    request,
    request_finished,
    request_started,
    request_tearing_down,
    run_sync,
    template_rendered,
)

LOOP = threading.get_ident


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)
    app.testing = True
    yield app
    assert (app.workers.busy, app.workers.parked) == (0, 0)


async def text(app, path="/"):
    return (await asyncio.wait_for(app.test_client().get(path), 10)).text


def place():
    return "loop" if _on_loop() else "worker"


def _on_loop():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def async_place():
    await asyncio.sleep(0)
    return place()


# -- registered callables --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "register",
    [
        lambda app, func: app.before_request(func),
        lambda app, func: app.after_request(func),
        lambda app, func: app.teardown_request(func),
        lambda app, func: app.teardown_appcontext(func),
        lambda app, func: app.url_value_preprocessor(func),
        lambda app, func: app.register_error_handler(LookupError, func),
    ],
    ids=["before", "after", "teardown", "appcontext", "preprocessor", "error handler"],
)
@pytest.mark.parametrize("view_keyword", ["def", "async"])
@pytest.mark.parametrize("keyword", ["def", "async"])
async def test_async_functions_run_on_the_loop_and_def_functions_in_a_worker(
    app, register, keyword, view_keyword
):
    seen = []

    def hook(*args):
        seen.append(place())
        return args[0] if args and hasattr(args[0], "headers") else None

    async def async_hook(*args):
        await asyncio.sleep(0)
        return hook(*args)

    def view():
        seen.append(place())
        raise LookupError

    async def async_view():
        return view()

    if "Lookup" not in repr(register.__code__.co_names):
        app.register_error_handler(LookupError, lambda error: "handled")
    register(app, hook if keyword == "def" else async_hook)
    app.get("/", endpoint="view")(view if view_keyword == "def" else async_view)
    app.testing = False
    app.logger.disabled = True
    await text(app)

    places = {"def": "worker", "async": "loop"}
    assert sorted(seen) == sorted([places[keyword], places[view_keyword]])


async def test_callable_objects_partials_and_methods_stay_sync_or_async(app):
    class Thing:
        async def method(self):
            return place()

        def plain(self):
            return place()

        async def __call__(self):
            return place()

    thing = Thing()
    app.add_url_rule("/method", "method", thing.method)
    app.add_url_rule("/plain", "plain", thing.plain)
    app.add_url_rule("/object", "object", thing)
    app.add_url_rule("/partial", "partial", functools.partial(thing.method))
    found = [await text(app, path) for path in ("/method", "/plain", "/object", "/partial")]

    assert found == ["loop", "worker", "loop", "loop"]


# -- ensure_sync, ensure_async, run_sync -----------------------------------------------------------


async def test_ensure_async_of_an_async_function_is_the_function(app):
    assert app.ensure_async(async_place) is async_place


async def test_ensure_async_in_a_view_uses_the_requests_worker(app):
    app.before_request(lambda: setattr(g, "ident", LOOP()))

    @app.get("/")
    async def view():
        return str(g.ident == await app.ensure_async(LOOP)() != LOOP())

    assert await text(app) == "True"


async def test_ensure_async_outside_of_a_context_runs_in_some_thread(app):
    assert await app.ensure_async(place)() == "worker"


def test_ensure_sync_of_a_def_function_is_the_function(app):
    assert app.ensure_sync(place) is place


def test_ensure_sync_without_a_loop_makes_one(app):
    assert app.ensure_sync(async_place)() == "loop"


async def test_ensure_sync_in_a_def_view_runs_on_the_servers_loop(app):
    @app.get("/")
    def view():
        async def ident():
            return LOOP(), request.path

        return list(app.ensure_sync(ident)())

    response = await app.test_client().get("/")

    assert response.json == [LOOP(), "/"]


async def test_ensure_sync_in_an_async_view_says_to_await(app):
    @app.get("/")
    async def view():
        return app.ensure_sync(async_place)()

    with pytest.raises(RuntimeError, match="Await it"):
        await text(app)


async def test_def_calls_async_calls_def_calls_async(app):
    """A worker that waits for the loop runs the calls of the loop meanwhile."""

    @app.get("/")
    def view():
        async def first():
            return place() + " " + await app.ensure_async(second)()

        def second():
            return place() + " " + app.ensure_sync(third)()

        async def third():
            return place() + " " + await app.ensure_async(place)()

        return app.ensure_sync(first)()

    assert await text(app) == "loop worker loop worker"


async def test_run_sync_in_a_view_sees_the_request(app):
    @app.get("/<name>")
    async def view(name):
        return await run_sync(lambda: f"{place()} {request.path} {current_app.name}")()

    assert await text(app, "/x") == f"worker /x {app.name}"


async def test_gathered_def_functions_share_the_requests_worker(app):
    @app.get("/")
    async def view():
        idents = await asyncio.gather(*(app.ensure_async(LOOP)() for _ in range(5)))
        return str(len(set(idents)))

    assert await text(app) == "1"


async def test_tasks_that_wait_for_a_worker_together_lease_one(app):
    app.config["WORKER_POOL_SIZE"] = 2
    leases = [await app.workers.lease(), await app.workers.lease()]

    @app.get("/")
    async def view():
        calls = asyncio.gather(*(app.ensure_async(LOOP)() for _ in range(2)))
        await asyncio.sleep(0)
        for lease in leases:
            lease.release()
        return str(len(set(await calls)))

    assert await text(app) == "1"


# -- signals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("view_keyword", ["def", "async"])
async def test_sync_and_async_receivers_get_all_signals_in_order(app, view_keyword):
    heard = []

    def receiver(name):
        def hear(sender, **extra):
            heard.append((name, place(), sender is app, request.path))

        return hear

    def async_receiver(name):
        async def hear(sender, **extra):
            await asyncio.sleep(0)
            receiver(name)(sender)

        return hear

    kept = []
    for signal, name in (
        (request_started, "started"),
        (request_finished, "finished"),
        (request_tearing_down, "tearing down"),
    ):
        for make in (receiver, async_receiver):
            kept.append(make(name))
            signal.connect(kept[-1], app)

    async def async_view():
        return "x"

    app.get("/", endpoint="view")((lambda: "x") if view_keyword == "def" else async_view)
    await text(app)

    assert len(heard) == 6
    assert [name for name, *_ in heard[::2]] == ["started", "finished", "tearing down"]
    assert {(name, where) for name, where, *_ in heard} == {
        (name, where)
        for name in ("started", "finished", "tearing down")
        for where in ("loop", "worker")
    }
    assert all(is_app and path == "/" for _, _, is_app, path in heard)


async def test_got_request_exception_is_sent_with_the_error(app):
    heard = []

    async def receiver(sender, exception, **extra):
        heard.append(exception)

    @app.get("/")
    async def view():
        raise LookupError("in the view")

    with got_request_exception.connected_to(receiver, app):
        with pytest.raises(LookupError, match="in the view"):
            await text(app)
    assert isinstance(heard[0], LookupError)


async def test_an_error_of_a_receiver_is_an_error_of_the_request(app):
    def receiver(sender, **extra):
        raise LookupError("in the receiver")

    app.get("/")(lambda: "x")
    app.errorhandler(LookupError)(lambda error: "handled")
    with request_started.connected_to(receiver, app):
        assert await text(app) == "handled"


async def test_an_error_of_a_tearing_down_receiver_does_not_stop_the_others(app):
    ran = []

    def receiver(sender, **extra):
        raise LookupError("in the receiver")

    app.get("/")(lambda: "x")
    app.teardown_appcontext(lambda error: ran.append("teardown"))
    with request_tearing_down.connected_to(receiver, app):
        with pytest.raises(LookupError, match="in the receiver"):
            await text(app)
    assert ran == ["teardown"]


@pytest.mark.parametrize("view_keyword", ["def", "async"])
async def test_template_rendered_reaches_def_receivers(app, view_keyword):
    heard = []

    def receiver(sender, template, context, **extra):
        heard.append(context["a"])

    async def async_view():
        return render_template_string("{{ a }}", a=1)

    def view():
        return render_template_string("{{ a }}", a=1)

    app.get("/", endpoint="view")(view if view_keyword == "def" else async_view)
    with template_rendered.connected_to(receiver, app):
        await text(app)

    assert heard == [1]


@pytest.mark.parametrize(
    "register",
    [
        lambda app, func: app.before_serving(func),
        lambda app, func: app.after_serving(func),
        lambda app, func: app.teardown_request(func),
        lambda app, func: app.teardown_appcontext(func),
        lambda app, func: asyncflask.request_started.connect(func, app),
        lambda app, func: asyncflask.request_finished.connect(func, app),
        lambda app, func: asyncflask.request_tearing_down.connect(func, app),
        lambda app, func: app.before_request(lambda: app.add_background_task(func)),
    ],
    ids=[
        *("before_serving", "after_serving", "teardown_request", "teardown_appcontext"),
        *("request_started", "request_finished", "request_tearing_down", "background_task"),
    ],
)
@pytest.mark.parametrize("view", ["def", "async"])
async def test_a_def_function_may_return_an_awaitable(register, view):
    """As in ``app.before_serving(lambda: db.connect())``."""
    app = asyncflask.Flask("shop")
    done = []

    async def work():
        await asyncio.sleep(0)
        done.append("done")

    def hand_on(*args, **kwargs):
        return work()

    async def async_view():
        return "text"

    register(app, hand_on)
    app.add_url_rule("/", "view", async_view if view == "async" else lambda: "text")
    async with app.test_app() as running:
        assert (await running.test_client().get("/")).status_code == 200
        await asyncio.gather(*app.background_tasks)

    assert set(done) == {"done"}


async def test_an_error_of_an_awaitable_that_a_def_teardown_function_returns_is_raised(caplog):
    app = asyncflask.Flask("shop")

    async def fail():
        raise ValueError("lost")

    app.teardown_request(lambda error: fail())
    app.add_url_rule("/", "view", lambda: "text")
    with pytest.raises(ValueError, match="lost"):
        await app.test_client().get("/")
