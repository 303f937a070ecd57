"""Flask's bare functions: files in Werkzeug's way, streams that keep the context."""

from __future__ import annotations

import os
from contextlib import nullcontext

import flask as oracle
import pytest
from werkzeug.exceptions import NotFound

import asyncflask
from asyncflask import flask
from asyncflask.flask import (
    Response,
    abort,
    current_app,
    flash,
    g,
    get_flashed_messages,
    get_template_attribute,
    make_response,
    redirect,
    request,
    send_file,
    send_from_directory,
    session,
    stream_with_context,
    url_for,
)
from asyncflask.testing import TestClient


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("0123456789")
    return path


# -- files -----------------------------------------------------------------------------------------


def test_send_file_sends_a_file_with_its_type_and_etag(app, client, file):
    app.get("/")(lambda: send_file(file))

    with client.get("/") as response:
        assert (response.text, response.mimetype) == ("0123456789", "text/plain")
        assert response.headers["ETag"]
        assert response.cache_control.no_cache
    with client.get("/", headers={"If-None-Match": response.headers["ETag"]}) as again:
        assert again.status_code == 304


def test_send_file_answers_a_range(app, client, file):
    app.get("/")(lambda: send_file(file))

    with client.get("/", headers={"Range": "bytes=2-4"}) as response:
        assert (response.status_code, response.text) == (206, "234")


def test_send_file_gives_a_body_that_the_server_may_send_by_itself(app, file):
    """Werkzeug's way: a ``wsgi.file_wrapper`` of the environ is used."""
    wrapped = []
    environ = {"wsgi.file_wrapper": lambda file, *size: wrapped.append(file) or file}

    with app.test_request_context(environ_base=environ):
        send_file(file).close()

    assert [opened.name for opened in wrapped] == [str(file)]


def test_send_file_finds_relative_paths_below_the_app(app):
    with app.test_request_context(), send_file("conftest.py") as response:
        assert response.direct_passthrough


def test_with_x_sendfile_send_file_leaves_sending_to_the_server(app, file):
    app.config["USE_X_SENDFILE"] = True

    with app.test_request_context(), send_file(file) as response:
        assert response.headers["X-Sendfile"] == str(file)


@pytest.mark.parametrize(("given", "expected"), [(None, 300), (10, 10)])
def test_the_age_of_a_file_is_the_apps_unless_given(app, file, given, expected):
    app.get_send_file_max_age = lambda name: 300

    with app.test_request_context(), send_file(file, max_age=given) as response:
        assert response.cache_control.max_age == expected


def test_send_from_directory_sends_what_is_below(app, file):
    with app.test_request_context():
        with send_from_directory(file.parent, "notes.txt", as_attachment=True) as response:
            assert "attachment; filename=notes.txt" in response.headers["Content-Disposition"]


@pytest.mark.parametrize("path", ["../notes.txt", "/etc/passwd", "nowhere", "a/../../notes.txt"])
def test_send_from_directory_sends_nothing_from_outside(app, file, path):
    folder = file.parent / "inner"
    os.mkdir(folder)

    with app.test_request_context(), pytest.raises(NotFound, match="404"):
        send_from_directory(folder, path)


def test_files_need_a_request(app, file):
    with app.app_context(), pytest.raises(RuntimeError, match="outside of request context"):
        send_file(file)


# -- streams ---------------------------------------------------------------------------------------


def test_a_stream_keeps_its_context(app, client):
    ended = []
    app.teardown_request(lambda error: ended.append(error))

    @app.get("/<name>")
    def view(name):
        g.name = name
        session["seen"] = True

        def body():
            yield request.path
            yield g.name
            yield current_app.name
            assert ended == []

        return stream_with_context(body())

    assert client.get("/Ada").text == "/AdaAdatests"
    assert ended == [None]


@pytest.mark.parametrize("inner", ["app_context", "test_request_context"])
def test_it_may_enter_a_context_around_several_parts(app, client, inner):
    @app.get("/stream")
    def view():
        def body():
            with getattr(app, inner)():
                yield request.path + " "
                yield request.path + " "
            yield request.path

        return stream_with_context(body())

    path = "/stream" if inner == "app_context" else "/"
    assert client.get("/stream").text == f"{path} {path} /stream"


def test_it_may_decorate_a_function(app, client):
    @app.get("/")
    def view():
        @stream_with_context
        def body(word):
            yield request.path + word

        return body("!")

    assert client.get("/").text == "/!"


def test_a_stream_without_it_has_lost_its_context(app, client):
    @app.get("/")
    def view():
        def body():
            yield str(bool(request))

        return body()

    assert client.get("/").text == "False"


def test_a_stream_that_is_not_read_releases_its_context(app, client):
    ended = []
    app.teardown_request(lambda error: ended.append(error))
    app.get("/")(lambda: stream_with_context(str(n) for n in range(3)))
    client.get("/", buffered=False).close()

    assert ended == [None]
    assert not current_app


# -- the rest --------------------------------------------------------------------------------------


def test_make_response_takes_what_a_view_may_return(app):
    with app.test_request_context():
        response = make_response({"a": 1}, 201, {"X": "y"})

    assert (response.json, response.status_code, response.headers["X"]) == ({"a": 1}, 201, "y")
    assert type(response) is Response


def test_url_for_builds_urls(app):
    app.get("/<name>", endpoint="x")(print)

    with app.test_request_context():
        assert url_for("x", name="Ada", page=2) == "/Ada?page=2"
        assert url_for("x", name="Ada", _external=True) == "http://localhost/Ada"


def test_redirect_and_abort_are_the_apps(app, client):
    app.get("/redirect", endpoint="redirect")(lambda: redirect("/there"))
    app.get("/abort")(lambda: abort(418))

    assert client.get("/redirect").location == "/there"
    assert client.get("/abort").status_code == 418


def test_flashed_messages_are_shown_once(app, client):
    app.get("/flash", endpoint="flash")(lambda: flash("saved", "info") or "")
    app.get("/show")(lambda: get_flashed_messages(with_categories=True))
    client.get("/flash")

    assert client.get("/show").json == [["info", "saved"]]
    assert client.get("/show").json == []


def test_an_attribute_of_a_template_is_reached(app, tmp_path):
    app.template_folder = str(tmp_path)
    (tmp_path / "macros.html").write_text("{% macro hello(name) %}Hello {{ name }}{% endmacro %}")

    with app.app_context():
        assert get_template_attribute("macros.html", "hello")("<Ada>") == "Hello &lt;Ada&gt;"


# -- make_response ---------------------------------------------------------------------------------


def not_wsgi():
    return "nothing that takes an environ"


def wsgi(environ, start_response):
    start_response("201 CREATED", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


class Plain:
    pass


NONSENSE = {
    "None": None,
    "int": 5,
    "object": object(),
    "class": Plain,
    "type": int,
    "function": not_wsgi,
    "error": ValueError("wrong"),
    "class of errors": ValueError,
    "set": {1},
    "range": range(3),
    "empty tuple": (),
    "tuple of one": ("a",),
    "tuple of four": ("a", 200, {}, 1),
    "tuple of None": (None, 200),
    "tuple of an int": (5, 200),
    "tuple of a type": (int, 200),
    "tuple of a class": (NotFound, 404),
}


def made(module, value, inside):
    """Return the response that ``make_response`` makes of a value, or its kind of error."""
    app = module.Flask("app")
    with app.test_request_context("/here") if inside else nullcontext():
        try:
            response = app.make_response(value)
        except (RuntimeError, TypeError) as error:
            return RuntimeError if isinstance(error, RuntimeError) else TypeError
    return response.status, response.get_data()


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
@pytest.mark.parametrize("name", NONSENSE)
def test_make_response_of_an_invalid_value_raises_flasks_class(name, inside):
    expected = made(oracle, NONSENSE[name], inside)

    assert made(flask, NONSENSE[name], inside) == expected
    assert expected in (RuntimeError, TypeError)


@pytest.mark.parametrize("value", [wsgi, (wsgi, 202), "text", b"bytes", [1], {"a": 1}, ("a", 404)])
@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
def test_make_response_of_what_a_view_may_return_is_flasks(value, inside):
    assert made(flask, value, inside) == made(oracle, value, inside)


@pytest.mark.parametrize("value", [not_wsgi, Plain, int])
@pytest.mark.parametrize("api", [flask.Flask, asyncflask.Flask], ids=["facade", "async"])
async def test_a_callable_returned_by_mistake_is_an_error_that_says_so(api, value):
    app = api("app")
    app.testing = True
    app.get("/")(lambda: value)

    with pytest.raises(TypeError, match=f"it was an? {type(value).__name__}. Return a str"):
        await TestClient(app, asyncflask.Response).get("/")


@pytest.mark.parametrize("value", [not_wsgi, None, int, (Plain, 200)])
def test_make_response_outside_of_a_request_says_where_to_call_it(value):
    for api in (flask.Flask, asyncflask.Flask):
        with pytest.raises(RuntimeError, match=r"^Working outside of request context: make_resp"):
            api("app").make_response(value)
