"""What runs at the end of a context: everything, in Flask's order, with the error that ended it."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest

from asyncflask import (
    Flask,
    appcontext_popped,
    appcontext_tearing_down,
    flask,
    request,
    request_tearing_down,
    stream_with_context,
    websocket,
    websocket_tearing_down,
)
from asyncflask.dispatch.teardown import raise_first


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)
    app.testing = True
    return app


async def test_order_of_functions_and_signals(app):
    order = []
    app.get("/")(lambda: "x")
    app.teardown_request(lambda error: order.append("request 1"))
    app.teardown_request(lambda error: order.append("request 2"))
    app.teardown_appcontext(lambda error: order.append("app 1"))
    app.teardown_appcontext(lambda error: order.append("app 2"))
    receivers = []
    for signal in (request_tearing_down, appcontext_tearing_down, appcontext_popped):
        receivers.append(lambda sender, _name=signal.name, **extra: order.append(_name))
        signal.connect(receivers[-1], app)
    await app.test_client().get("/")

    assert order == [
        "request 2",
        "request 1",
        "request-tearing-down",
        "app 2",
        "app 1",
        "appcontext-tearing-down",
        "appcontext-popped",
    ]


@pytest.mark.parametrize("kind", ["async def", "def"])
@pytest.mark.parametrize("view", ["async def", "def"])
async def test_a_form_may_be_read_first_when_the_app_context_ends(app, view, kind):
    found, uploads = [], []

    async def leave():
        return ""

    async def read(error):
        form, files = await request.form, await request.files
        uploads.append(files["f"])
        found.append((form["a"], files["f"].read()))

    def read_in_a_thread(error):
        uploads.append(request.files["f"])
        found.append((request.form["a"], request.files["f"].read()))

    app.post("/")(leave if view == "async def" else lambda: "")
    app.teardown_appcontext(read if kind == "async def" else read_in_a_thread)
    size = 700_000  # It is kept on disk.
    form, files = {"a": "x" * 400_000}, {"f": (BytesIO(b"y" * size), "f.txt")}
    response = await app.test_client().post("/", form=form, files=files)

    assert response.status_code == 200
    assert found == [(form["a"], b"y" * size)]
    assert uploads[0].closed


async def test_the_first_error_is_raised_and_the_others_are_logged(app, caplog):
    for name in ("third", "second", "first"):

        @app.teardown_request
        def fail(error, name=name):
            raise LookupError(name)

    app.get("/")(lambda: "x")
    with pytest.raises(LookupError, match="first"):
        await app.test_client().get("/")
    assert "LookupError: second" in caplog.text
    assert "LookupError: third" in caplog.text


def test_a_cancellation_is_raised_instead_of_errors(app, caplog):
    with pytest.raises(asyncio.CancelledError, match="of the task"):
        raise_first(app, [LookupError("an error"), asyncio.CancelledError("of the task")])
    assert "an error" in caplog.text


def test_a_cancellation_that_is_delivered_twice_is_raised_once(app, caplog):
    with pytest.raises(asyncio.CancelledError, match="first"):
        raise_first(app, [asyncio.CancelledError("first"), asyncio.CancelledError("again")])
    assert caplog.text == ""


async def test_ignored_errors_are_not_passed_to_teardown_functions():
    class Own(Flask):
        def should_ignore_error(self, error):
            return isinstance(error, LookupError)

    app = Own(__name__)
    app.logger.disabled = True
    errors = []
    app.teardown_request(errors.append)

    @app.get("/")
    async def view():
        raise LookupError

    await app.test_client().get("/")

    assert errors == [None]


async def test_functions_registered_late_and_directly_run_too(app):
    """Extensions change the registries themselves."""
    ran = []
    app.get("/")(lambda: "x")
    await app.test_client().get("/")
    app.teardown_request_funcs.setdefault(None, []).append(lambda error: ran.append("request"))
    app.teardown_appcontext_funcs.append(lambda error: ran.append("app"))
    await app.test_client().get("/")

    assert ran == ["request", "app"]


async def test_websockets_have_functions_and_a_signal_of_their_own(app):
    ran = []

    @app.websocket("/ws")
    async def view():
        await websocket.accept()

    app.teardown_request(lambda error: ran.append("request"))
    app.teardown_websocket(lambda error: ran.append("websocket"))
    app.teardown_appcontext(lambda error: ran.append("app"))
    receiver = lambda sender, **extra: ran.append("signal")  # noqa: E731
    with websocket_tearing_down.connected_to(receiver, app):
        async with app.test_client().websocket("/ws"):
            pass

    assert ran == ["websocket", "signal", "app"]


async def test_the_response_is_sent_after_the_teardown_functions(app):
    """So that an error of a teardown function is not hidden, as in Flask."""
    ran = []
    app.get("/")(lambda: "x")
    app.teardown_request(lambda error: ran.append("teardown"))

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        ran.append(message["type"])

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    await app(scope, receive, send)

    assert ran == ["teardown", "http.response.start", "http.response.body"]


# -- streams ---------------------------------------------------------------------------------------


def streaming(kind):
    """Return an app with a stream, and a list of what ends, in order."""
    app, order = kind(__name__, static_folder=None), []

    def parts():
        yield "a"
        order.append("stream")

    app.get("/")(lambda: app.response_class(stream_with_context(parts())))
    app.teardown_request(lambda error: order.append("request"))
    app.teardown_appcontext(lambda error: order.append("app"))
    return app, order


def test_on_the_facade_an_app_context_is_popped_when_its_stream_has_ended():
    app, order = streaming(flask.Flask)

    with appcontext_popped.connected_to(lambda sender: order.append("popped"), app):
        response = app.test_client().get("/")
        assert order == []
        assert response.data == b"a"

    assert order == ["stream", "request", "app", "popped"]


def test_on_the_facade_an_app_context_around_a_stream_ends_where_it_is_left():
    app, order = streaming(flask.Flask)

    with app.app_context():
        assert app.test_client().get("/").data == b"a"
        assert order == ["stream", "request"]

    assert order == ["stream", "request", "app"]


@pytest.mark.parametrize("is_dropped", [False, True])
async def test_a_context_that_the_test_client_keeps_ends_with_it_though_no_stream_was_sent(
    is_dropped,
):
    app, order = streaming(Flask)

    @app.get("/unsent")
    async def unsent():
        stream = stream_with_context(iter("a"))
        if not is_dropped:
            app.extensions["stream"] = stream
        return "text"

    async with app.test_client() as client:
        await client.get("/unsent")
        assert (request.path, order) == ("/unsent", [])

    assert order == ["request", "app"]
