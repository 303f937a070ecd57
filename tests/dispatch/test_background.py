"""Background tasks: their own app context, errors in the log, and the shutdown."""

from __future__ import annotations

import asyncio
import io
import threading

import pytest

import asyncflask.flask
from asyncflask import (
    Flask,
    copy_current_request_context,
    current_app,
    g,
    got_background_exception,
    has_request_context,
    request,
)
from asyncflask._contextvars import current
from asyncflask.testing import TestApp, TestClient


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)
    app.testing = True
    yield app
    assert not app.background_tasks


async def ended(app):
    while app.background_tasks:
        await asyncio.wait(set(app.background_tasks))
        await asyncio.sleep(0)


async def test_a_task_runs_in_an_app_context_of_its_own(app):
    seen = []

    async def work(value, *, more):
        seen.append((value, more, current_app.name, has_request_context(), g.get("x")))

    @app.get("/")
    async def view():
        g.x = "of the request"
        app.add_background_task(work, 1, more=2)
        return "x"

    await app.test_client().get("/")
    await ended(app)

    assert seen == [(1, 2, app.name, False, None)]


async def test_the_response_does_not_wait_for_it(app):
    release = asyncio.Event()

    @app.get("/")
    async def view():
        app.add_background_task(release.wait)
        return "x"

    response = await app.test_client().get("/")
    running = len(app.background_tasks)
    release.set()
    await ended(app)

    assert response.text == "x"
    assert running == 1


async def test_a_def_function_runs_in_a_worker_that_goes_back(app):
    seen = []

    def work():
        seen.append((threading.get_ident(), current_app.name))

    app.add_background_task(work)
    await ended(app)

    assert seen[0][0] != threading.get_ident()
    assert seen[0][1] == app.name
    assert (app.workers.busy, app.workers.parked) == (0, 0)


async def test_a_def_view_may_start_one(app):
    seen = []

    async def work(path):
        seen.append((path, threading.get_ident()))

    @app.get("/")
    def view():
        app.add_background_task(work, request.path)
        return "x"

    await app.test_client().get("/")
    await asyncio.sleep(0)
    await ended(app)

    assert seen == [("/", threading.get_ident())]


async def test_a_task_is_named_after_its_function(app):
    async def count_stars():
        return asyncio.current_task().get_name()

    app.add_background_task(count_stars)
    (task,) = app.background_tasks
    await ended(app)

    assert task.get_name().endswith("count_stars")


async def test_teardown_functions_run_at_its_end(app):
    ran = []
    app.teardown_appcontext(lambda error: ran.append(type(error).__name__))

    async def fail():
        raise LookupError("in the task")

    app.add_background_task(fail)
    await ended(app)

    assert ran == ["LookupError"]


@pytest.mark.parametrize("keyword", ["def", "async"])
async def test_an_error_is_logged_and_signalled_and_ends_nothing_else(app, caplog, keyword):
    def fail():
        raise LookupError("in the task")

    async def fail_async():
        raise LookupError("in the task")

    heard = []

    async def receiver(sender, exception, **extra):
        heard.append((sender, exception))

    with got_background_exception.connected_to(receiver, app):
        app.add_background_task(fail if keyword == "def" else fail_async)
        await ended(app)

    assert "fail" in caplog.text
    assert "LookupError: in the task" in caplog.text
    assert heard[0][0] is app
    assert isinstance(heard[0][1], LookupError)


async def test_the_error_hook_can_be_replaced(app):
    class Own(Flask):
        async def handle_background_exception(self, error):
            caught.append(error)

    caught = []
    app = Own(__name__)

    async def fail():
        raise LookupError("in the task")

    app.add_background_task(fail)
    await ended(app)

    assert isinstance(caught[0], LookupError)


def test_without_a_loop_it_says_where_to_call_it(app):
    with pytest.raises(RuntimeError, match=r"where no event loop runs\. Call it in a view"):
        app.add_background_task(len, "")


def _facade_app(kind, where):
    app = asyncflask.flask.Flask(__name__)
    app.testing = True
    done = app.extensions["done"] = threading.Event()

    async def start():
        app.add_background_task(done.set)
        return "Started." if where != "hook" else None

    def start_in_a_thread():
        app.add_background_task(done.set)
        return "Started." if where != "hook" else None

    function = start if kind == "async def" else start_in_a_thread
    if where == "hook":
        app.before_request(function)
        app.get("/")(lambda: "Started.")
    else:
        app.get("/")(app.ensure_sync(function) if where == "call" else function)
    return app


@pytest.mark.parametrize("where", ["view", "hook", "call"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_request_of_a_wsgi_server_says_what_has_to_serve_the_app(kind, where):
    """The loop of an `async def` view ends with the request, and would end the task as well."""
    app = _facade_app(kind, where)

    with pytest.raises(RuntimeError, match="of an app that an ASGI server serves: a WSGI server"):
        app.test_client().get("/")
    assert not app.background_tasks


@pytest.mark.parametrize("where", ["view", "hook", "call"])
@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_facade_app_behind_asgi_has_background_tasks(kind, where):
    app = _facade_app(kind, where)

    async with TestApp(app):
        await TestClient(app, app.response_class).get("/")

    assert app.extensions["done"].is_set()


@pytest.mark.parametrize("size", [1, 2_000_000])
@pytest.mark.parametrize("read", ["read", "save"])
async def test_a_task_that_reads_an_upload_is_told_that_it_is_closed(
    app, caplog, tmp_path, size, read
):
    async def work(file):
        if read == "read":
            file.read()
        else:
            await file.save(tmp_path / "saved")

    @app.post("/")
    async def view():
        later.append((await request.files)["photo"])
        return "Thanks."

    later = []
    async with app.test_app() as running:
        data = {"photo": (io.BytesIO(b"1" * size), "tea.png")}
        await running.test_client().post("/", data=data)
        app.add_background_task(work, *later)

    assert "closed file" in caplog.text
    assert "The uploads of a form are closed when their request ends." in caplog.text


@pytest.mark.parametrize(
    ("read", "sent"),
    [
        (lambda: request.get_json(), {"json": {"tea": "Assam"}}),
        (lambda: request.get_data(), {"data": "Assam"}),
        (lambda: request.form, {"data": {"tea": "Assam"}}),
        (lambda: request.files, {"data": {"tea": (io.BytesIO(b"1"), "tea.png")}}),
        (lambda: anext(aiter(request.body)), {"data": "Assam"}),
    ],
    ids=["json", "data", "form", "files", "body"],
)
async def test_a_task_that_reads_a_body_too_late_is_told_so(app, caplog, read, sent):
    async def work():
        async with app.extensions["answered"]:
            await read()

    @app.post("/")
    async def view():
        app.add_background_task(copy_current_request_context(work))
        return "Thanks."

    app.extensions["answered"] = asyncio.Lock()
    async with app.test_app() as running, app.extensions["answered"]:
        await running.test_client().post("/", **sent)

    assert "RuntimeError: The body of this request was discarded at its end" in caplog.text


async def test_a_task_may_use_a_body_that_the_view_has_read(app):
    seen = []

    async def work():
        seen.append(await request.get_json())

    @app.post("/")
    async def view():
        await request.get_json()
        app.add_background_task(copy_current_request_context(work))
        return "Thanks."

    async with app.test_app() as running:
        await running.test_client().post("/", json={"tea": "Assam"})

    assert seen == [{"tea": "Assam"}]


async def test_shutdown_waits_for_the_tasks(app):
    done = []

    async def work():
        await asyncio.sleep(0.02)
        done.append(1)

    async with app.test_app():
        app.add_background_task(work)

    assert done == [1]


async def test_shutdown_cancels_tasks_that_outlast_the_grace_period(app, caplog):
    ends = []

    async def endless():
        try:
            await asyncio.sleep(60)
        finally:
            ends.append("finally")

    app.teardown_appcontext(lambda error: ends.append(type(error).__name__))
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0.01
    async with app.test_app():
        app.add_background_task(endless)
        await asyncio.sleep(0)

    assert ends[ends.index("finally") + 1] == "CancelledError"
    assert "endless" in caplog.text
    assert "BACKGROUND_TASK_SHUTDOWN_TIMEOUT" in caplog.text


async def test_tasks_are_drained_before_after_serving(app):
    order = []

    async def work():
        await asyncio.sleep(0.01)
        order.append("task")

    app.after_serving(lambda: order.append("after serving"))
    async with app.test_app():
        app.add_background_task(work)

    assert order == ["task", "after serving"]


async def test_a_task_may_be_started_before_serving(app):
    seen = []

    async def work():
        seen.append(current_app.name)

    @app.before_serving
    async def begin():
        app.add_background_task(work)

    async with app.test_app():
        await ended(app)

    assert seen == [app.name]
    assert current() is None


async def test_a_task_started_by_a_task_is_drained_too(app):
    done = []

    async def second():
        await asyncio.sleep(0.01)
        done.append("second")

    async def first():
        await asyncio.sleep(0.01)
        app.add_background_task(second)

    async with app.test_app():
        app.add_background_task(first)

    assert done == ["second"]


async def test_a_thread_that_does_not_end_does_not_keep_the_server_from_its_end(app, caplog):
    go_on = threading.Event()
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0
    running = app.test_app()
    await running.startup()
    app.add_background_task(go_on.wait, 30)
    await running.shutdown()
    still = len(app.background_tasks)
    go_on.set()
    await ended(app)

    assert still == 1
    assert "is cancelled" in caplog.text


async def test_a_coroutine_instead_of_a_function_is_refused_at_once():
    app = Flask(__name__)

    async def work():
        pass

    with pytest.raises(TypeError, match="Give the function and its arguments"):
        app.add_background_task(work())


def test_the_name_of_a_function_is_refused():
    with pytest.raises(TypeError, match=r"was given 'send_mail', which cannot be called"):
        Flask(__name__).add_background_task("send_mail")


async def await_cancelled():
    job = asyncio.create_task(asyncio.sleep(60))
    job.cancel()
    await job


def leave():
    raise SystemExit(3)


async def leave_async():
    raise SystemExit(3)


@pytest.mark.parametrize("work", [await_cancelled, leave, leave_async])
async def test_a_base_exception_is_handled_like_an_exception_and_ends_no_server(app, work):
    seen = []

    @got_background_exception.connect_via(app)
    def note(sender, exception):
        seen.append(exception)

    app.logger.disabled = True
    app.add_background_task(work)
    await ended(app)

    assert isinstance(seen[0], RuntimeError)
    assert isinstance(seen[0].__cause__, (SystemExit, asyncio.CancelledError))


# -- shutdown_event --------------------------------------------------------------------------------


async def test_a_task_may_wait_for_the_shutdown(app):
    """It ends by itself, before the generators and what after_serving closes."""
    ended = []

    async def work():
        await app.shutdown_event.wait()
        ended.append("task")

    @app.while_serving
    async def generator():
        yield
        ended.append("generator")

    for _ in range(2):  # An app may be served again.
        async with app.test_app():
            assert not app.shutdown_event.is_set()
            app.add_background_task(work)
            await asyncio.sleep(0)

        assert app.shutdown_event.is_set()

    assert ended == ["task", "generator"] * 2


async def test_an_app_that_was_not_started_is_not_shutting_down(app):
    assert not app.shutdown_event.is_set()
