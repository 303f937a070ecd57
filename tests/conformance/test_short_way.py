"""An answer is the same whether or not anything stands around the view.

Views with nothing around them are served by a shorter way (``asgi.serve``) than those with hooks;
a hook that does nothing must change nothing. Called as servers do: the test client keeps contexts,
and so never goes the short way.
"""

from __future__ import annotations

import asyncio
import io

import pytest
from werkzeug.exceptions import Conflict, NotFound

from asyncflask import (
    Flask,
    Response,
    abort,
    after_this_request,
    jsonify,
    redirect,
    request,
    session,
    stream_with_context,
)
from asyncflask.testing.exchange import Exchange


class Text(str):
    """Text of a class of its own."""

    __slots__ = ()


async def _stream():
    yield "a"
    yield b"b"


async def _breaks():
    yield "a"
    raise ValueError("in the middle")


def _wsgi(environ, start_response):
    start_response("201 Created", [("X-W", "1")])
    return [b"w"]


def _with_cookie():
    response = Response("c", status=202)
    response.set_cookie("a", "b")
    return response


def _with_session():
    return session.get("a", "none")  # Written, it would have the time in its cookie.


def _with_function():
    @after_this_request
    def mark(response):
        response.headers["X-T"] = "1"
        return response

    return "t"


VIEWS = {
    "text": lambda: "x",
    "text of a class": lambda: Text("x"),
    "beyond ASCII": lambda: "é",
    "half a surrogate pair": lambda: "\ud800",
    "nothing in it": lambda: "",
    "bytes": lambda: b"x",
    "bytearray": lambda: bytearray(b"x"),
    "dict": lambda: {"b": 1, "a": [1]},
    "list": lambda: [1],
    "no JSON": lambda: {"a": object()},
    "keys of two kinds": lambda: {1: 1, "a": 2},
    "status": lambda: ("x", 201),
    "status as text": lambda: ("x", "201 Made"),
    "status 204": lambda: ("", 204),
    "status 304": lambda: ("x", 304),
    "status 99": lambda: ("x", 99),
    "status 1000": lambda: ("x", 1000),
    "status True": lambda: ("x", True),
    "headers": lambda: ("x", {"X-A": "1"}),
    "status and headers": lambda: ({"a": 1}, 202, [("X-A", "1"), ("X-A", "2")]),
    "a wrong length": lambda: ("abc", {"Content-Length": "9"}),
    "a line break in a header": lambda: ("x", {"A": "b\nc"}),
    "a tuple of one": lambda: ("x",),
    "a tuple of four": lambda: ("x", 1, 2, 3),
    "a tuple in a tuple": lambda: (("x", 201), 202),
    "None": lambda: None,
    "a number": lambda: 5,
    "a coroutine": lambda: _stream().__anext__(),
    "stream": _stream,
    "stream with a status": lambda: (_stream(), 201, {"X": "y"}),
    "stream that breaks": _breaks,
    "iterator": lambda: iter(["a", "b"]),
    "stream with the context": lambda: stream_with_context(iter(["a", "b"])),
    "file": lambda: io.BytesIO(b"f"),
    "response": lambda: Response("r", headers={"X": "1"}),
    "response 304": lambda: Response("r", 304),
    "cookie": _with_cookie,
    "redirect": lambda: redirect("/x"),
    "jsonify": lambda: jsonify(a=1),
    "HTTP exception": NotFound,
    "HTTP exception and status": lambda: (Conflict("d"), 200),
    "abort": lambda: abort(404),
    "error": lambda: 1 / 0,
    "WSGI": lambda: _wsgi,
    "WSGI and status": lambda: (_wsgi, 203),
    "session": _with_session,
    "after this request": _with_function,
    "request": lambda: (request.path, 200),
}


def _app(result):
    app = Flask(__name__)
    app.secret_key = "x"
    app.logger.disabled = True

    @app.route("/", methods=["GET", "POST"])
    async def view():
        return result()

    return app


def _hooked(result):
    app = _app(result)

    @app.before_request
    async def before():
        pass

    @app.after_request
    async def after(response):
        return response

    return app


async def _ask(app, method, headers):
    """Return all messages of an answer, or what went wrong instead."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
    }
    messages = []
    async with Exchange(app, scope) as exchange:
        exchange.put({"type": "http.request", "body": b"abc" * (method == "POST")})
        try:
            while not messages or messages[-1].get("more_body", len(messages) == 1):
                messages.append(await asyncio.wait_for(exchange.take(), 10))
        except ValueError as error:
            messages.append(repr(error))
    return messages


@pytest.mark.filterwarnings("ignore:coroutine method 'asend':RuntimeWarning")
@pytest.mark.parametrize("result", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", ()),
        ("HEAD", ()),
        ("GET", ((b"cookie", b"a=b; session=x"),)),
        ("POST", ((b"content-length", b"3"),)),
    ],
    ids=["GET", "HEAD", "cookies", "POST"],
)
async def test_hooks_that_do_nothing_change_nothing(result, method, headers):
    short = await _ask(_app(result), method, headers)

    assert short
    assert short == await _ask(_hooked(result), method, headers)
