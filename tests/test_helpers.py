"""The helper functions. ``conformance/`` compares their results with Flask's."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import Forbidden, HTTPException, NotFound
from werkzeug.wrappers import Response as WerkzeugResponse

from asyncflask import (
    Flask,
    Response,
    abort,
    flash,
    get_flashed_messages,
    helpers,
    make_push_promise,
    make_response,
    message_flashed,
    redirect,
    session,
    url_for,
)
from asyncflask.exceptions import OutOfContext


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


def test_each_public_name_is_there():
    assert all(callable(getattr(helpers, name)) for name in helpers.__all__)


# -- outside of an app -----------------------------------------------------------------------------

NEED_AN_APP = {
    "make_response()": lambda: make_response("x"),
    "url_for()": lambda: url_for("x"),
}
NEED_A_REQUEST = {
    "flash()": lambda: flash("x"),
    "get_flashed_messages()": lambda: get_flashed_messages(),
    "stream_with_context()": lambda: helpers.stream_with_context(iter("x")),
}


@pytest.mark.parametrize("name", NEED_AN_APP)
def test_without_an_app_a_helper_says_where_to_call_it(name):
    with pytest.raises(OutOfContext) as caught:
        NEED_AN_APP[name]()

    assert str(caught.value) == (
        f"Working outside of application context: `{name}` was called where no app is current."
        " Call it in a view or a hook, or inside `with app.app_context()`."
    )


@pytest.mark.parametrize("name", NEED_A_REQUEST)
def test_without_a_request_a_helper_says_where_to_call_it(app, name):
    with app.app_context(), pytest.raises(OutOfContext) as caught:
        NEED_A_REQUEST[name]()

    assert str(caught.value) == (
        f"Working outside of request context: `{name}` was called where no request is current."
        " Call it in a view or a hook, or inside `with app.test_request_context()`."
    )


async def test_a_push_without_a_request_says_so_too():
    with pytest.raises(OutOfContext, match=r"`make_push_promise\(\)` was called where no request"):
        await make_push_promise("/style.css")


def test_redirect_and_abort_need_no_app():
    response = redirect("/there", 301, WerkzeugResponse)

    assert (response.status_code, response.location) == (301, "/there")
    assert type(response) is WerkzeugResponse
    with pytest.raises(NotFound, match="404"):
        abort(404)


# -- make_response, redirect, abort ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "status", "body"),
    [
        ((), 200, b""),
        (("text",), 200, b"text"),
        (("text", 201), 201, b"text"),
        (("text", {"X-A": "1"}), 200, b"text"),
        (("text", 202, [("X-A", "1")]), 202, b"text"),
        ((("text", 203),), 203, b"text"),
        (({"a": 1},), 200, b'{"a":1}\n'),
        ((["a"], 204), 204, b'["a"]\n'),
        ((b"bytes",), 200, b"bytes"),
        ((Response("own", 418),), 418, b"own"),
        ((Response("own", 418), 419), 419, b"own"),
    ],
)
def test_make_response_takes_what_a_view_returns_or_its_parts(app, args, status, body):
    with app.app_context():
        response = make_response(*args)

    assert isinstance(response, Response)
    assert (response.status_code, response.get_data()) == (status, body)


def test_a_response_is_returned_unchanged(app):
    response = Response("x")

    with app.app_context():
        assert make_response(response) is response


def test_a_value_that_no_view_may_return_is_refused(app):
    with (
        app.test_request_context(),
        pytest.raises(TypeError, match=r"^The view returned None: it has no `r"),
    ):
        make_response(None)


def test_outside_of_a_request_the_error_says_so(app):
    """Flask's error would name the endpoint, and there is none."""
    with app.app_context(), pytest.raises(RuntimeError, match="outside of request context"):
        make_response(None)


def test_redirect_makes_the_apps_own_response(app):
    class Own(Response):
        pass

    app.response_class = Own
    with app.app_context():
        response = redirect("/there", Response=WerkzeugResponse)

    assert type(response) is Own
    assert (response.status_code, response.location) == (302, "/there")


def test_abort_calls_the_apps_aborter(app):
    class OutOfTea(HTTPException):
        code = 499

    app.aborter.mapping[499] = OutOfTea

    with app.app_context(), pytest.raises(OutOfTea, match="499"):
        abort(499)
    with pytest.raises(LookupError, match="no exception for 499"):
        abort(499)


def test_abort_passes_its_arguments_on(app):
    with app.app_context(), pytest.raises(Forbidden, match="No entry"):
        abort(403, "No entry")


# -- flash -----------------------------------------------------------------------------------------


def test_flash_calls_sync_and_async_receivers(app):
    heard = []

    def receiver(sender, message, category):
        heard.append((sender, message, category))

    async def async_receiver(sender, **kwargs):
        heard.append(kwargs)

    with (
        message_flashed.connected_to(receiver, app),
        message_flashed.connected_to(async_receiver, app),
        app.test_request_context(),
    ):
        flash("saved", "info")
        assert get_flashed_messages(with_categories=True) == [("info", "saved")]

    assert sorted(heard, key=str) == sorted(
        [(app, "saved", "info"), {"message": "saved", "category": "info"}], key=str
    )


def test_messages_are_kept_in_the_session_as_in_flask(app):
    with app.test_request_context():
        flash("Saved.")
        session.modified = False
        flash("No.", "error")

        assert session == {"_flashes": [("message", "Saved."), ("error", "No.")]}
        assert session.modified


def test_messages_are_taken_once_and_shown_as_often_as_asked(app):
    with app.test_request_context():
        flash("Saved.")

        assert get_flashed_messages() == get_flashed_messages() == ["Saved."]
        assert session == {}


async def test_what_is_flashed_after_reading_is_for_the_next_request(app):
    @app.get("/")
    async def first():
        flash("One")
        before = get_flashed_messages()
        flash("Two")
        return before + get_flashed_messages()

    app.get("/next", endpoint="next")(lambda: get_flashed_messages())
    client = app.test_client()

    assert (await client.get("/")).json == ["One", "One"]
    assert (await client.get("/next")).json == ["Two"]


@pytest.mark.parametrize("categories", [["error"], ("error",), iter(["error"]), {"error"}])
def test_messages_can_be_chosen_by_category(app, categories):
    with app.test_request_context():
        flash("Saved.")
        flash("No.", "error")
        flash("Never.", "error")

        assert get_flashed_messages(category_filter=categories) == ["No.", "Never."]
        assert get_flashed_messages(True, ["message"]) == [("message", "Saved.")]
        assert get_flashed_messages(category_filter=iter(())) == ["Saved.", "No.", "Never."]


def test_without_messages_the_session_is_read_but_not_changed(app):
    with app.test_request_context():
        assert get_flashed_messages() == []
        assert session.accessed
        assert not session.modified


def test_without_a_secret_key_flashing_says_so(app):
    app.secret_key = None

    with (
        app.test_request_context(),
        pytest.raises(RuntimeError, match="there is no secret key to sign"),
    ):
        flash("Saved.")


# -- push promises ---------------------------------------------------------------------------------


async def test_a_view_may_announce_what_the_client_will_need(app):
    @app.get("/")
    async def view():
        await make_push_promise("/style.css")
        return "x"

    client = app.test_client()
    await client.get("/", http_version="2")

    assert [path for path, _ in client.push_promises] == ["/style.css"]


# -- stream_with_context ---------------------------------------------------------------------------


def test_stream_with_context_keeps_name_and_arguments_of_a_function(app):
    @helpers.stream_with_context
    def parts(first, *, last):
        """Make two parts."""
        yield first
        yield last

    with app.test_request_context():
        assert list(parts("a", last="b")) == ["a", "b"]
    assert (parts.__name__, parts.__doc__) == ("parts", "Make two parts.")


def test_stream_with_context_of_what_makes_no_stream_is_refused():
    with pytest.raises(TypeError, match=r"was given 5, which is neither .* Write"):
        helpers.stream_with_context(5)
