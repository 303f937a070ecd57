"""Which handler is called for an error (tests/conformance compares with Flask)."""

from __future__ import annotations

import asyncio
import sys
import traceback

import pytest
from werkzeug.exceptions import (
    BadRequest,
    BadRequestKeyError,
    Forbidden,
    HTTPException,
    InternalServerError,
    NotFound,
)

import asyncflask.flask
from asyncflask import Blueprint, Flask, after_this_request
from asyncflask.dispatch.errors import find_handler
from asyncflask.testing import TestClient, WebsocketResponseError


class Problem(Exception):
    pass


class Special(Problem):
    pass


@pytest.fixture
def app():
    return Flask(__name__, static_folder=None)


def found_in(app, blueprint_path, error):
    class Found:
        matched_blueprints = blueprint_path

    handler = find_handler(app, Found(), error)
    return handler and handler()


def recoded(error, code):
    error.code = code
    return error


@pytest.mark.parametrize(
    ("handlers", "error", "expected"),
    [
        ([(None, Problem)], Special(), (None, Problem)),
        ([(None, Problem), (None, Special)], Special(), (None, Special)),
        ([(None, Exception)], NotFound(), (None, Exception)),
        ([(None, HTTPException), (None, 404)], NotFound(), (None, 404)),
        ([(None, Exception), ("bp", Problem)], Special(), ("bp", Problem)),
        ([("bp", Exception), (None, 404)], NotFound(), (None, 404)),
        ([("bp", HTTPException), (None, HTTPException)], Forbidden(), ("bp", HTTPException)),
        ([("bp", Exception), ("bp.in", Problem)], Special(), ("bp.in", Problem)),
        ([("other", Problem)], Problem(), None),
        ([(None, BadRequest)], BadRequestKeyError("k"), (None, BadRequest)),
        ([(None, KeyError)], BadRequestKeyError("k"), (None, KeyError)),
        ([(None, 500)], InternalServerError(), (None, 500)),
        ([(None, 500)], Problem(), None),
        ([], Problem(), None),
        ([(None, 404)], recoded(NotFound(), 410), (None, 404)),
    ],
)
def test_which_handler_is_found(app, handlers, error, expected):
    for name, what in handlers:
        cls, code = app._get_exc_class_and_code(what)
        app.error_handler_spec[name][code][cls] = lambda key=(name, what): key

    assert found_in(app, ("bp.in", "bp"), error) == expected


def test_looking_for_a_handler_does_not_change_the_registry(app):
    app.errorhandler(404)(lambda error: "x")
    before = {name: set(by_code) for name, by_code in app.error_handler_spec.items()}
    found_in(app, ("bp",), Problem())
    found_in(app, ("bp",), Forbidden())

    assert {name: set(by_code) for name, by_code in app.error_handler_spec.items()} == before


async def test_an_error_that_nothing_handles_is_logged_with_its_path(app, caplog):
    @app.get("/some/path")
    async def view():
        raise Problem("in the view")

    response = await app.test_client().get("/some/path")

    assert response.status_code == 500
    assert "on /some/path [GET]" in caplog.text
    assert "Problem: in the view" in caplog.text


async def test_a_path_with_line_breaks_cannot_forge_a_log_line(app, caplog):
    @app.get("/<path:p>")
    async def view(p):
        raise Problem

    await app.test_client().get("/x%0aERROR forged")

    assert "\nERROR forged" not in caplog.text


async def test_a_handled_error_is_not_logged(app, caplog):
    app.errorhandler(Problem)(lambda error: "handled")

    @app.get("/")
    async def view():
        raise Problem

    await app.test_client().get("/")

    assert not caplog.records


async def test_sync_and_async_handlers_serve_sync_and_async_views(app):
    app.errorhandler(Problem)(lambda error: "def")

    @app.errorhandler(LookupError)
    async def handle(error):
        return "async"

    def fail(error):
        raise error

    async def fail_async(error):
        raise error

    for number, (view, error) in enumerate(
        (view, error) for view in (fail, fail_async) for error in (Problem, LookupError)
    ):
        app.add_url_rule(f"/{number}", str(number), view, defaults={"error": error})
    texts = [(await app.test_client().get(f"/{number}")).text for number in range(4)]

    assert texts == ["def", "async", "def", "async"]


async def test_an_after_function_that_fails_on_an_error_page_is_logged(app, caplog):
    @app.after_request
    def fail(response):
        raise LookupError("in the after function")

    @app.get("/")
    async def view():
        raise Problem

    response = await app.test_client().get("/")

    assert response.status_code == 500
    assert "in the after function" in caplog.text


async def test_an_unhandled_routing_error_of_a_blueprint_goes_to_the_app(app):
    bp = Blueprint("bp", __name__, url_prefix="/bp")
    bp.errorhandler(404)(lambda error: ("of the blueprint", 404))
    app.errorhandler(404)(lambda error: ("of the app", 404))
    app.register_blueprint(bp)
    response = await app.test_client().get("/bp/nowhere")

    assert response.text == "of the app"


@pytest.mark.parametrize(
    ("what", "error"), [("x", TypeError), (42, ValueError), (object, ValueError)]
)
def test_an_argument_that_is_no_error_cannot_have_a_handler(app, what, error):
    with pytest.raises(error, match="is n"):
        app.register_error_handler(what, lambda error: None)


def test_an_exception_object_cannot_have_a_handler(app):
    with pytest.raises((TypeError, ValueError), match="Problem"):
        app.register_error_handler(Problem(), lambda error: None)


@pytest.mark.parametrize("views", ["async", "def"])
@pytest.mark.parametrize("handler", ["async", "def"])
async def test_a_handler_finds_the_error_that_is_being_handled(app, handler, views):
    """`logger.exception()` and `traceback.format_exc()` in it are about this error, as in Flask."""

    async def broken():
        raise Problem("in the view")

    def also_broken():
        raise Problem("in the view")

    def answer(error):
        assert sys.exc_info()[1] is error
        return traceback.format_exc(), 500

    async def answer_on_loop(error):
        return answer(error)

    app.get("/", endpoint="broken")(broken if views == "async" else also_broken)
    app.register_error_handler(Problem, answer if handler == "def" else answer_on_loop)
    response = await app.test_client().get("/")

    assert response.text.endswith("Problem: in the view\n")

    assert "workers.py" not in response.text


@pytest.mark.parametrize("before", ["none", "async", "def"])
@pytest.mark.parametrize("view", ["async", "def"])
@pytest.mark.parametrize("after", ["async", "def"])
async def test_what_follows_a_handler_does_not_find_the_handled_error(app, view, after, before):
    """Apps ask `sys.exc_info()` in "after" functions, to commit or to roll back."""
    found = []

    def look(*args):
        found.append(sys.exc_info()[1])
        return args[0]

    async def look_on_loop(*args):
        return look(*args)

    async def nothing():
        pass

    def broken():
        raise Problem("in the view")

    async def broken_on_loop():
        raise Problem("in the view")

    if before != "none":
        app.before_request(nothing if before == "async" else lambda: None)
    app.get("/")(broken if view == "def" else broken_on_loop)
    app.register_error_handler(Problem, lambda error: look("handled"))
    for register in (app.after_request, app.teardown_request, app.teardown_appcontext):
        register(look if after == "def" else look_on_loop)
    response = await app.test_client().get("/")

    assert response.text == "handled"
    assert [type(error).__name__ for error in found] == ["Problem", *["NoneType"] * 3]


async def test_functions_after_this_request_do_not_find_a_handled_error(app):
    found = []

    def look(response):
        found.append(sys.exc_info()[1])
        return response

    @app.get("/")
    async def view():
        after_this_request(look)
        raise Problem("in the view")

    app.register_error_handler(Problem, lambda error: str(sys.exc_info()[1] is error))

    assert (await app.test_client().get("/")).text == "True"
    assert found == [None]


# -- groups, as asyncio.TaskGroup raises them ------------------------------------------------------


async def fail(error):
    raise error


async def in_a_group(*errors):
    async with asyncio.TaskGroup() as tasks:
        for error in errors:
            tasks.create_task(fail(error))


@pytest.fixture(params=["asyncflask", "asyncflask.flask", "an override"])
def grouping(request):
    """An app whose views and hooks raise groups."""
    app = asyncflask.flask.Flask("shop") if "." in request.param else Flask("shop")
    if request.param == "an override":
        handle = app.handle_user_exception

        async def handle_user_exception(error):
            return await handle(error)

        app.handle_user_exception = handle_user_exception
    groups = {
        "http": [NotFound()],
        "own": [Special()],
        "other": [LookupError("in a task")],
        "two": [Special(), NotFound()],
        "alike": [Special(), Special()],
        "aborts": [NotFound(), Forbidden()],
        "nested": [ExceptionGroup("inner", [Special()])],
    }
    app.register_error_handler(Problem, lambda error: (f"handled {type(error).__name__}", 400))

    @app.before_request
    async def hook():
        if asyncflask.request.args.get("where") == "hook":
            await in_a_group(NotFound())

    @app.get("/<name>")
    async def view(name):
        await in_a_group(*groups[name])

    @app.websocket("/websocket")
    async def websocket():
        await in_a_group(Forbidden())

    return app


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/http", 404, "Not Found"),
        ("/http?where=hook", 404, "Not Found"),
        ("/own", 400, "handled Special"),
        ("/alike", 400, "handled Special"),
        ("/aborts", 404, "Not Found"),
        ("/nested", 400, "handled Special"),
        ("/other", 500, "Internal Server Error"),
        ("/two", 500, "Internal Server Error"),
    ],
)
async def test_the_error_of_a_group_finds_its_handler(grouping, path, status, text):
    response = await TestClient(grouping, grouping.response_class).get(path)

    assert response.status_code == status
    assert text in response.text


@pytest.mark.parametrize(("path", "status"), [("/http", 404), ("/own", 400), ("/two", 500)])
def test_the_error_of_a_group_finds_its_handler_on_wsgi(path, status):
    app = asyncflask.flask.Flask("shop")
    app.register_error_handler(Problem, lambda error: ("handled", 400))
    errors = {"/http": [NotFound()], "/own": [Special()], "/two": [Special(), NotFound()]}

    @app.get(path)
    async def view():
        await in_a_group(*errors[path])

    assert app.test_client().get(path).status_code == status


async def test_a_websocket_is_refused_by_the_error_of_a_group(grouping):
    with pytest.raises(WebsocketResponseError, match="403"):
        async with TestClient(grouping, grouping.response_class).websocket("/websocket"):
            pass


@pytest.mark.parametrize("path", ["/other", "/two"])
async def test_a_group_without_a_handler_is_raised_as_a_whole(grouping, path):
    grouping.testing = True

    with pytest.raises(ExceptionGroup, match="unhandled errors in a TaskGroup") as caught:
        await TestClient(grouping, grouping.response_class).get(path)
    assert len(caught.value.exceptions) == (2 if path == "/two" else 1)


@pytest.mark.parametrize("kind", [ExceptionGroup, Exception])
async def test_a_handler_of_groups_gets_the_group(grouping, kind):
    @grouping.errorhandler(kind)
    async def handle(error):
        return type(error).__name__, 400

    response = await TestClient(grouping, grouping.response_class).get("/http")

    assert response.text == "ExceptionGroup"


async def test_the_error_of_a_groups_handler_is_not_hidden(grouping):
    grouping.testing = True

    @grouping.errorhandler(LookupError)
    async def handle(error):
        raise OSError("in the handler")

    with pytest.raises(OSError, match="in the handler"):
        await TestClient(grouping, grouping.response_class).get("/other")


async def test_a_group_that_a_handler_raises_is_not_handled_again(grouping):
    grouping.testing = True

    @grouping.errorhandler(Special)
    async def handle(error):
        await in_a_group(NotFound())

    with pytest.raises(ExceptionGroup, match="unhandled errors in a TaskGroup"):
        await TestClient(grouping, grouping.response_class).get("/own")
