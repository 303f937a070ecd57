"""A response is the same whether or not anything is registered around the view.

Views without hooks are served by a shorter path (``serve_connection``) than views with hooks, and
hooks by a shorter path than receivers of signals. So a hook or receiver that does nothing must
change nothing. The tests call the app as a server does, because the test client keeps contexts and
so never uses the shorter path.
"""

from __future__ import annotations

import asyncio
import io
from contextlib import contextmanager

import pytest
from werkzeug.exceptions import Conflict, NotFound

from asyncflask import (
    Flask,
    Response,
    abort,
    after_this_request,
    g,
    jsonify,
    redirect,
    request,
    session,
    stream_with_context,
)
from asyncflask.signals import request_finished, request_started
from asyncflask.testing.asgi_connection import ASGIConnection


class Text(str):
    """A subclass of ``str``."""

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
    return session.get("a", "none")  # A write would put the time into the cookie.


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


@contextmanager
def _heard(app):
    """Connect receivers that do nothing to the signals of requests."""

    async def hear(sender, **values):
        pass

    with request_started.connected_to(hear, app):
        yield app


async def _ask(app, method, headers, path="/"):
    """Return all messages of a response, or the error."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
    }
    messages = []
    async with ASGIConnection(app, scope) as exchange:
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
    with _heard(_app(result)) as heard:
        assert short == await _ask(heard, method, headers)


class Refused(Exception):
    """The exception that a hook raises."""


def _before(hook):
    return lambda app: app.before_request(hook)


def _after(hook):
    return lambda app: app.after_request(hook)


async def _pass(response=None):
    return response


async def _answer():
    return {"answered": True}, 202


async def _refuse(response=None):
    raise Refused


async def _abort(response=None):
    abort(409)


async def _fail(response=None):
    raise LookupError


async def _mark(response):
    response.headers.add("X-Mark", request.path)
    return response


def _mark_too(response):
    response.headers.add("X-Mark", g.get("name", "none"))
    return response


def _note():
    g.name = "Ada"


async def _write():
    session["a"] = 1
    session.modified = False


async def _hold(response):
    body = response.get_data()
    return Response(stream_with_context(iter([body, request.path])))


async def _read(response):
    response.set_data(await request.get_data() + response.get_data())
    return response


async def _later():
    after_this_request(_mark)


async def _count():
    request.view_args["number"] = 7


def _other_view(app):
    @app.before_request
    async def swap():
        app.view_functions["numbered"] = other

    async def other(number):
        return f"the other of {number}"


def _other_rule(app):
    @app.before_request
    async def go():
        request.url_rule = next(app.url_map.iter_rules("view"))
        request.view_args = {}


def _preprocessed(app):
    @app.url_value_preprocessor
    def double(endpoint, values):
        values["number"] *= 2


def _heard_late(app):
    @app.after_request
    async def connect(response):
        request_finished.connect(hear, app)
        return response

    def hear(sender, **values):
        request_finished.disconnect(hear)
        app.torn.append(values)

    app.hear = hear  # The signal refers to it weakly.


def _torn_down(app):
    @app.after_request
    async def ask(response):
        app.teardown_request_funcs.setdefault(None, []).append(app.torn.append)
        return response


class Callable:
    """A hook that is an object, compared by value, so that it cannot be hashed."""

    def __eq__(self, other):
        return isinstance(other, Callable)

    __hash__ = None

    async def __call__(self, response):
        response.headers["X-Object"] = "called"
        return response


HOOKS = {
    "before answers": _before(_answer),
    "before raises, handled": _before(_refuse),
    "before raises": _before(_fail),
    "before aborts": _before(_abort),
    "before of the other keyword": _before(_note),
    "before looks at the session": _before(_write),
    "before asks for more": _before(_later),
    "before changes the arguments": _before(_count),
    "before changes the view": _other_view,
    "before changes the rule": _other_rule,
    "preprocessor": _preprocessed,
    "after raises, handled": _after(_refuse),
    "after raises": _after(_fail),
    "after aborts": _after(_abort),
    "after marks": _after(_mark),
    "after marks in the other keyword": _after(_mark_too),
    "after returns nothing": _after(lambda response: None),
    "after reads the body": _after(_read),
    "after holds the context": _after(_hold),
    "after registers a teardown function": _torn_down,
    "after connects to a signal": _heard_late,
    "an object": _after(Callable()),
    "teardown": lambda app: app.teardown_request(app.torn.append),
}


def _numbered(*hooks):
    app = _app(lambda: "the view")
    app.torn = []
    app.register_error_handler(Refused, lambda error: ("refused", 403))

    @app.route("/<int:number>", methods=["GET", "POST"])
    async def numbered(number):
        return f"number {number}"

    for hook in hooks:
        hook(app)
    return app


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "others",
    [(), (_note, _mark, _mark_too), (_pass,)],
    ids=["alone", "among three", "before one that passes"],
)
@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
async def test_hooks_have_the_same_effect_on_both_paths(hook, others, method):
    more = [_before(other) if other is _note else _after(other) for other in others]
    headers = [(b"content-length", b"3")] if method == "POST" else []
    short, long = _numbered(hook, *more), _numbered(hook, *more)

    for _ in range(2):
        answer = await _ask(short, method, headers, "/21")
        assert answer[0]["type"] == "http.response.start"
        with _heard(long):
            assert answer == await _ask(long, method, headers, "/21")
    assert len(short.torn) == len(long.torn)


@pytest.mark.parametrize("hooks", [(), (_after(_mark),)], ids=["alone", "with a hook"])
async def test_an_error_of_a_teardown_function_is_the_same_on_both_paths(hooks):
    async def spoil(error):
        raise ValueError(f"torn after {error}")

    short, long = (_numbered(*hooks, lambda app: app.teardown_appcontext(spoil)) for _ in range(2))

    answer = await _ask(short, "GET", (), "/21")

    assert answer == ["ValueError('torn after None')"]
    with _heard(long):
        assert answer == await _ask(long, "GET", (), "/21")
