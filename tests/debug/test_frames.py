"""Pages of facade apps behind a WSGI server, and pages without a debugger, begin with the app."""

from __future__ import annotations

import re
import traceback

import pytest
from werkzeug.debug import DebuggedApplication
from werkzeug.test import Client

import asyncflask
import asyncflask.flask
from asyncflask.debug.frames import cut_tracebacks

FUNCTION = re.compile(r'<code class="function">(.*?)</code>')


def fail():
    raise LookupError("here")


@pytest.fixture
def app():
    app = asyncflask.flask.Flask("shop")
    app.debug = True

    @app.get("/def")
    def view():
        fail()

    @app.get("/async")
    async def async_view():
        fail()

    @app.before_request
    def hook():
        if asyncflask.flask.request.path == "/hook":
            fail()

    @app.get("/handled")
    def handled():
        raise KeyError("first")

    @app.errorhandler(KeyError)
    def handler(error):
        fail()

    @app.get("/link")
    def link():
        return asyncflask.flask.url_for("nowhere")

    @app.get("/stream")
    def stream():
        def pieces():
            fail()
            yield ""

        return pieces()

    app.add_url_rule("/hook", "hook", lambda: "never")
    return app


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/def", ["view", "fail"]),
        ("/async", ["async_view", "fail"]),
        ("/hook", ["hook", "fail"]),
        ("/handled", ["handled", "handler", "fail"]),
    ],
)
def test_werkzeugs_debugger_around_a_facade_app_begins_with_the_app(app, path, expected):
    page = Client(DebuggedApplication(app, evalex=True, pin_security=False)).get(path).text

    functions = FUNCTION.findall(page)
    assert functions[0] == expected[0]
    assert [name for name in functions if name in expected] == expected
    assert "wsgi_app" not in functions


def test_frames_that_the_apps_code_called_are_shown(app):
    page = Client(DebuggedApplication(app, evalex=True, pin_security=False)).get("/link").text

    assert FUNCTION.findall(page)[:2] == ["link", "url_for"]


def test_the_traceback_is_complete_without_a_debugger(app):
    app.testing = True
    with pytest.raises(LookupError, match="here") as error:
        app.test_client().get("/def")

    names = [frame.name for frame in traceback.extract_tb(error.tb)]
    assert {"wsgi_app", "view", "fail"} <= set(names)


async def test_the_page_without_a_debugger_begins_with_the_app():
    app = asyncflask.Flask("shop")
    app.debug = True

    @app.get("/")
    async def view():
        fail()

    response = await app.test_client().get("/")

    assert FUNCTION.findall(response.text) == ["view", "fail"]


def test_an_error_of_our_own_keeps_its_frames():
    try:
        asyncflask.Flask("shop").register_error_handler(7, None)
    except ValueError as error:
        cut_tracebacks(error)
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    assert names[0] == "test_an_error_of_our_own_keeps_its_frames"
    cut_tracebacks(None)
