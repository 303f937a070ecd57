"""The steps of serving a request, called one by one, and the app itself."""

from __future__ import annotations

import contextlib
import inspect

import pytest
from werkzeug.exceptions import NotFound

from asyncflask import Flask, g, request, session, websocket
from asyncflask.exceptions import OutOfContext


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


async def test_a_request_can_be_served_step_by_step(app):
    """Extensions and tests call the steps that Flask names, inside a test request."""
    app.before_request(lambda: setattr(g, "seen", request.path))
    app.after_request(lambda response: response.headers.set("X-After", "1") or response)
    app.get("/<int:n>", endpoint="v")(lambda n: f"{g.seen} {n}")

    async with app.test_request_context("/7"):
        assert await app.preprocess_request() is None
        result = await app.dispatch_request()
        response = await app.finalize_request(result)

    assert result == "/7 7"
    assert response.get_data() == b"/7 7"
    assert response.headers["X-After"] == "1"


async def test_a_step_saves_the_session(app):
    async with app.test_request_context("/"):
        session["k"] = "v"
        response = await app.process_response(app.response_class("x"))

    assert response.headers["Set-Cookie"].startswith("session=")


async def test_a_whole_request_is_one_step_too(app):
    app.get("/", endpoint="v")(lambda: "whole")

    async with app.test_request_context("/"):
        assert (await app.full_dispatch_request()).get_data() == b"whole"


async def test_the_error_steps_answer_by_handler_or_by_themselves(app):
    app.errorhandler(KeyError)(lambda error: f"key {error}")
    app.errorhandler(500)(lambda error: (f"500 {error.original_exception!r}", 500))
    error = NotFound()

    async with app.test_request_context("/"):
        assert await app.handle_user_exception(KeyError("k")) == "key 'k'"
        assert await app.handle_http_exception(error) is error
        response = await app.handle_exception(ValueError("v"))
        with pytest.raises(ValueError, match="unhandled"):
            await app.handle_user_exception(ValueError("unhandled"))

    assert (response.status_code, response.get_data()) == (500, b"500 ValueError('v')")


def test_a_routing_error_is_raised_by_its_step(app):
    with app.test_request_context("/nowhere"), pytest.raises(NotFound, match="404"):
        app.raise_routing_exception(request)


@pytest.mark.parametrize(
    "step",
    [
        *("preprocess_request", "dispatch_request", "full_dispatch_request"),
        *("do_teardown_request", "do_teardown_websocket"),
    ],
)
async def test_a_step_without_a_request_says_where_to_call_it(app, step):
    with pytest.raises(OutOfContext, match=r"no request context is active\. Call it inside `async"):
        await getattr(app, step)()


async def test_teardown_functions_of_the_app_run_outside_of_a_context_too(app):
    seen = []

    @app.teardown_appcontext
    async def end(error):
        seen.append(error)

    app.teardown_appcontext(seen.append)
    await app.do_teardown_appcontext(given := KeyError("given"))

    assert seen == [given, given]


@pytest.mark.parametrize("outer", ["nothing", "app_context"])
def test_the_answer_of_options_needs_a_request(app, outer):
    with app.app_context() if outer == "app_context" else contextlib.nullcontext():
        with pytest.raises(OutOfContext, match=r"^Working outside of request context: `make_def"):
            app.make_default_options_response()


def test_the_answer_of_options_is_that_of_the_request_around_an_app_context(app):
    app.get("/page")(lambda: "")

    with app.test_request_context("/page"), app.app_context():
        response = app.make_default_options_response()

    assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS"]


@pytest.mark.parametrize("part", ["request", "appcontext"])
async def test_a_teardown_step_takes_the_error_being_handled(app, part):
    """As in Flask: the current error is the default; an argument, even ``None``, replaces it."""
    seen = []
    getattr(app, f"teardown_{part}")(seen.append)
    step = getattr(app, f"do_teardown_{part}")
    async with app.test_request_context("/"):
        await step()
        await step(given := KeyError("given"))
        try:
            raise ValueError("handled")
        except ValueError as handled:
            await step()
            await step(None)
            error = handled
        expected = [None, given, error, None]
        assert seen == expected


async def test_a_websocket_has_the_steps_of_its_scope_type(app):
    ran = []
    app.before_websocket(lambda: ran.append("before websocket"))
    app.before_request(lambda: ran.append("before request"))
    app.teardown_websocket(lambda error: ran.append("teardown websocket"))
    app.websocket("/ws")(lambda: None)

    async with app.test_websocket_context("/ws"):
        await app.preprocess_websocket()
        assert websocket.path == "/ws"

    assert ran == ["before websocket", "teardown websocket"]


def test_errors_are_logged_with_the_place(app, caplog):
    error = KeyError("why")
    with app.test_request_context("/x", method="POST"):
        app.log_exception((KeyError, error, None))
    app.log_exception((KeyError, error, None))

    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["Exception on /x [POST]", "Exception"]
    assert {record.module for record in caplog.records} == {"app"}  # as Flask's lines
    assert caplog.records[0].exc_info[1] is error


def test_a_wsgi_server_is_told_how_to_serve_the_app():
    """Gunicorn's sync worker, granian without ``--interface``, mod_wsgi …"""
    app = Flask("app")
    with pytest.raises(
        TypeError,
        match=r"This is an ASGI app.*gunicorn -k uvicorn\.workers\.UvicornWorker.*granian --inter",
    ):
        app({"REQUEST_METHOD": "GET"}, lambda status, headers: None)


def test_servers_see_that_the_app_is_asgi():
    """Uvicorn and hypercorn check this to find out the app's interface."""
    app = Flask("app")

    assert inspect.iscoroutinefunction(app.__call__)
    assert [*inspect.signature(app.__call__).parameters][:3] == ["scope", "receive", "send"]
