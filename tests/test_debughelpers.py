"""Errors that explain themselves in debug mode."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import BadRequestKeyError, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

import asyncflask
import asyncflask.flask
from asyncflask.debughelpers import (
    DebugFilesKeyError,
    FormDataRoutingRedirect,
    UnexpectedUnicodeError,
    attach_enctype_error_multidict,
    explain_needless_await,
    raise_redirect_that_loses_the_body,
)
from asyncflask.testing import TestApp, TestClient


def redirected(method: str, to: str, code: int) -> Any:
    request: Any = Request(EnvironBuilder("/user", method=method).get_environ())
    error = RequestRedirect(to)
    error.code = code
    request.routing_exception = error
    return SimpleNamespace(request=request, routing_exception=error)


def test_a_redirect_that_would_drop_the_form_is_explained() -> None:
    with pytest.raises(
        FormDataRoutingRedirect,
        match=r"POST 'http://localhost/user' .*canonical URL 'http://localhost/user/\?a=b' with"
        r" status 301(.|\n)*ends with a slash(.|\n)*Send the form",
    ):
        raise_redirect_that_loses_the_body(redirected("POST", "http://localhost/user/?a=b", 301))


def test_the_slash_is_mentioned_only_where_it_is_the_reason() -> None:
    with pytest.raises(AssertionError, match="canonical URL 'http://localhost/me'") as caught:
        raise_redirect_that_loses_the_body(redirected("PUT", "http://localhost/me", 302))
    assert "slash" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "code"), [("GET", 301), ("HEAD", 302), ("OPTIONS", 301), ("POST", 307), ("PUT", 308)]
)
def test_a_redirect_that_loses_nothing_is_not_explained(method: str, code: int) -> None:
    assert raise_redirect_that_loses_the_body(redirected(method, "http://localhost/", code)) is None


@pytest.mark.parametrize("error", [NotFound(), None])
def test_other_routing_errors_are_not_explained(error: Any) -> None:
    ctx: Any = SimpleNamespace(request=None, routing_exception=error)

    assert raise_redirect_that_loses_the_body(ctx) is None


def test_a_websocket_has_no_form_to_lose() -> None:
    ctx = redirected("GET", "http://localhost/", 301)
    ctx.request = None

    assert raise_redirect_that_loses_the_body(ctx) is None


def form_request(**form: str) -> Any:
    return SimpleNamespace(
        form=ImmutableMultiDict(form),
        files=ImmutableMultiDict(),
        mimetype="application/x-www-form-urlencoded",
    )


def test_a_file_that_was_sent_as_text_is_explained() -> None:
    request = form_request(photo="index.txt")
    attach_enctype_error_multidict(request)

    with pytest.raises(
        DebugFilesKeyError,
        match=r"request\.files\['photo'\].*no file contents were transmitted(.|\n)*enctype=(.|\n)*"
        r"This was submitted: 'index\.txt'",
    ):
        request.files["photo"]


def test_a_file_that_was_not_sent_at_all_is_an_ordinary_missing_key() -> None:
    request = form_request(other="x")
    attach_enctype_error_multidict(request)

    with pytest.raises(KeyError, match="400 Bad Request") as caught:
        request.files["photo"]
    assert not isinstance(caught.value, DebugFilesKeyError)


def test_files_behave_otherwise_as_before() -> None:
    request = form_request(photo="index.txt")
    request.files = ImmutableMultiDict({"doc": "file"})
    attach_enctype_error_multidict(request)

    assert request.files["doc"] == "file"
    assert request.files.get("photo") is None
    assert type(request.files).__name__ == "ImmutableMultiDict"


def test_no_names_are_shown_where_none_were_sent() -> None:
    assert "submitted" not in str(DebugFilesKeyError(form_request(), "photo"))


def test_unexpected_text_is_an_assertion_and_a_unicode_error() -> None:
    assert issubclass(UnexpectedUnicodeError, AssertionError)
    assert issubclass(UnexpectedUnicodeError, UnicodeError)


# -- in an app, in both APIs, in sync and async views ----------------------------------------------


@pytest.fixture(params=["async view", "def view", "facade"])
def post(request: Any) -> Any:
    """Post to ``/`` of an app in debug mode, whose view reads ``request`` by the given function."""
    module = asyncflask.flask if request.param == "facade" else asyncflask
    app: Any = module.Flask("shop")
    app.debug = True
    app.config["PROPAGATE_EXCEPTIONS"] = True

    if request.param == "async view":

        @app.post("/<what>/")
        async def read_async(what: str) -> str:
            return str((await getattr(module.request, what))["photo"])

    else:

        @app.post("/<what>/")
        def read_def(what: str) -> str:
            return str(getattr(module.request, what)["photo"])

    async def send(path: str, **kwargs: Any) -> Any:
        return await TestClient(app, asyncflask.Response).post(path, **kwargs)

    send.app = app  # type: ignore[attr-defined]
    return send


async def test_an_upload_without_enctype_is_explained(post: Any) -> None:
    with pytest.raises(
        DebugFilesKeyError,
        match=r"sent as 'application/x-www-form-urlencoded'(.|\n)*enctype=(.|\n)*: 'tea\.png'",
    ):
        await post("/files/", data={"photo": "tea.png"})


async def test_an_upload_with_enctype_that_is_missing_is_a_missing_key(post: Any) -> None:
    with pytest.raises(BadRequestKeyError, match="'photo'"):
        await post("/files/", data={"photo": "tea.png"}, content_type="multipart/form-data")


@pytest.mark.parametrize("what", ["form", "files"])
async def test_a_missing_key_is_named_in_debug_mode(post: Any, what: str) -> None:
    """Flask: it is trapped, so that the debugger shows where the key was read."""
    with pytest.raises(BadRequestKeyError, match="KeyError: 'photo'"):
        await post(f"/{what}/", data={"name": "tea"})


@pytest.mark.parametrize("what", ["form", "files"])
async def test_outside_of_debug_mode_a_missing_key_is_a_bare_400(post: Any, what: str) -> None:
    post.app.debug = False
    response = await post(f"/{what}/", data={"photos": "x"})

    assert response.status_code == 400
    assert "photo" not in response.text


@pytest.mark.parametrize(("trap", "debug"), [(False, True), (True, False)])
async def test_trapping_missing_keys_may_be_configured(post: Any, trap: bool, debug: bool) -> None:
    post.app.debug = debug
    post.app.config["TRAP_BAD_REQUEST_ERRORS"] = trap
    if trap:
        with pytest.raises(BadRequestKeyError, match="KeyError: 'photo'"):
            await post("/form/", data={})
    else:
        assert "KeyError: &#39;photo&#39;" in (await post("/form/", data={})).text


@pytest.mark.parametrize("code", [301, 302, 303])
async def test_a_form_that_a_redirect_would_lose_is_explained(
    post: Any, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RequestRedirect, "code", code)

    with pytest.raises(FormDataRoutingRedirect, match=rf"status {code}(.|\n)*ends with a slash"):
        await post("/form", data={"photo": "x"})


async def test_a_redirect_that_keeps_the_form_is_sent(post: Any) -> None:
    assert (await post("/form", data={"photo": "x"})).status_code == 308
    assert (await post("/form", data={"photo": "x"}, follow_redirects=True)).text == "x"


async def test_outside_of_debug_mode_any_redirect_is_sent(
    post: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RequestRedirect, "code", 301)
    post.app.debug = False

    assert (await post("/form", data={"photo": "x"})).status_code == 301


# -- a body that a form has consumed ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
@pytest.mark.parametrize("debug", [True, False])
async def test_get_data_after_the_form_is_explained_in_debug_mode(caplog, kind, debug):
    """It is empty, as in Flask; in Quart the bytes of an urlencoded form are still there."""
    app = asyncflask.Flask("shop")
    app.debug = debug

    @app.post("/hook")
    async def hook():
        form = await asyncflask.request.form
        return {"form": form["a"], "data": (await asyncflask.request.get_data()).decode()}

    response = await app.test_client().post("/hook", data={"a": "1"}, content_type=kind)

    assert response.json == {"form": "1", "data": ""}
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == debug
    assert all("get_data() returns b'' on /hook" in message for message in messages)


@pytest.mark.parametrize(
    ("data", "read"),
    [
        ({"a": "1"}, lambda request: request.data),  # Flask: "the body, unless it is a form"
        ({"a": "1"}, lambda request: request.get_data(parse_form_data=True)),
        ({}, lambda request: request.get_data()),
    ],
)
async def test_data_that_is_empty_in_flask_too_is_not_explained(caplog, data, read):
    app = asyncflask.Flask("shop")
    app.debug = True

    @app.post("/")
    async def view():
        await asyncflask.request.form
        return await read(asyncflask.request)

    assert (await app.test_client().post("/", data=data)).data == b""
    assert caplog.records == []


async def test_data_that_is_read_before_the_form_is_there(caplog):
    app = asyncflask.Flask("shop")
    app.debug = True

    @app.post("/")
    async def view():
        data = await asyncflask.request.get_data()
        form = await asyncflask.request.form
        return [data.decode(), form["a"], (await asyncflask.request.get_data()).decode()]

    assert (await app.test_client().post("/", data={"a": "1"})).json == ["a=1", "1", "a=1"]
    assert caplog.records == []


# -- an await that is left over from Quart ---------------------------------------------------------


async def _rendered():
    return await asyncflask.render_template_string("x")


async def _made():
    return await asyncflask.make_response("x")


async def _flashed():
    await asyncflask.flash("x")


async def _sent():
    return await asyncflask.send_file(__file__)


LEFT_OVER = [(_rendered, "str"), (_made, "Response"), (_flashed, "NoneType"), (_sent, "Response")]


@pytest.fixture
def strict():
    """An app whose client raises the errors of views."""
    app = asyncflask.Flask("shop")
    app.testing, app.secret_key = True, "x"
    return app


@pytest.mark.parametrize(("view", "kind"), LEFT_OVER)
@pytest.mark.parametrize("where", ["view", "hook"])
async def test_a_needless_await_is_explained(strict, view, kind, where):
    if where == "hook":
        strict.before_request(view)
        view = lambda: ""  # noqa: E731
    strict.get("/", endpoint="index")(view)

    with pytest.raises(TypeError, match="await") as caught:
        await strict.test_client().get("/")
    (note,) = caught.value.__notes__
    assert note.startswith(f"An `await` is written before a plain call, which returned {kind!r}")
    assert "docs/how-to/migrate-from-quart.md" in note


async def test_a_needless_await_in_a_websocket_is_explained(strict):
    strict.websocket("/")(_flashed)

    with pytest.raises(TypeError, match="await") as caught:
        async with strict.test_client().websocket("/"):
            pass
    assert len(caught.value.__notes__) == 1


async def test_the_log_has_the_explanation(strict, caplog):
    strict.testing = False
    strict.get("/")(_rendered)

    assert (await strict.test_client().get("/")).status_code == 500
    assert "remove it. What needs no I/O is not awaited" in caplog.text


def test_pythons_later_wording_is_known() -> None:
    """Python 3.14 has another text."""
    error = TypeError("'str' object can't be awaited")
    explain_needless_await(error)
    explain_needless_await(error)

    assert len(error.__notes__) == 1


@pytest.mark.parametrize("text", ["object of type 'int' has no len()", "can't be used in 'await'"])
def test_other_errors_are_not_explained(text) -> None:
    error = TypeError(text)
    explain_needless_await(error)

    assert not hasattr(error, "__notes__")


# -- connections of another thread -----------------------------------------------------------------


def _connection():
    if "db" not in asyncflask.g:
        asyncflask.g.db = sqlite3.connect(":memory:")
        asyncflask.current_app.extensions["db"] = asyncflask.g.db
    return asyncflask.g.db


def _close(error):
    asyncflask.g.db.close()


async def _view():
    return _connection().execute("select 1").fetchone()


@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
@pytest.mark.parametrize("opened_by", ["hook", "view"])
async def test_an_error_of_another_threads_connection_says_how_to_use_it(api, opened_by) -> None:
    """The view fails where a `def` hook has opened it, the teardown where the view has."""
    app = api.Flask(__name__)
    app.testing = True
    app.get("/")(_view)
    if opened_by == "hook":
        app.before_request(lambda: _connection() and None)
    app.teardown_request(_close)

    with pytest.raises(sqlite3.ProgrammingError, match="same thread") as caught:
        await TestClient(app, app.response_class).get("/")
    (note,) = caught.value.__notes__
    assert "`await current_app.ensure_async(function)(…)`" in note
    if opened_by == "view":  # in this thread; the teardown function has closed the other one
        app.extensions["db"].close()


def _served(api, register, function):
    app = api.Flask(__name__)
    app.testing = True
    getattr(app, register)(function)

    @app.get("/key")
    async def key():
        return app.extensions["pool"]

    @app.get("/attribute")
    def attribute():
        return asyncflask.g.pool

    @app.get("/other")
    async def other():
        raise ValueError("It is something else.")

    @app.websocket("/websocket")
    async def websocket():
        await asyncflask.websocket.send(app.extensions["pool"])

    return app


async def _open():
    yield


@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
@pytest.mark.parametrize(
    ("register", "function"), [("before_serving", lambda: None), ("while_serving", _open)]
)
async def test_what_a_startup_that_has_not_run_would_have_made_is_explained(
    api, register, function
) -> None:
    app = _served(api, register, function)
    client = TestClient(app, app.response_class)
    errors = []
    for path in ("/key", "/attribute"):
        with pytest.raises((KeyError, AttributeError), match="pool") as caught:
            await client.get(path)
        errors.append(caught.value)
    with pytest.raises(KeyError, match="pool") as caught:
        async with client.websocket("/websocket"):
            pass

    for error in (*errors, caught.value):
        (note,) = error.__notes__
        assert f"The {register} functions of {app!r} have not run" in note
        assert "`async with app.test_app() as running:`" in note


async def test_a_wsgi_server_that_runs_no_startup_is_explained() -> None:
    app = _served(asyncflask.flask, "before_serving", lambda: None)

    with pytest.raises(KeyError, match="pool") as caught:
        app.test_client().get("/key")
    (note,) = caught.value.__notes__
    assert "WSGI has none" in note


@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
@pytest.mark.parametrize(
    ("register", "path", "is_started"),
    [
        ("before_serving", "/key", True),  # The startup has run, and has not made it.
        ("before_serving", "/other", False),
        ("after_serving", "/key", False),  # An app without a startup.
    ],
)
async def test_an_error_that_no_startup_would_have_prevented_is_not_explained(
    api, register, path, is_started
) -> None:
    app = _served(api, register, lambda: None)
    client = TestClient(app, app.response_class)

    with pytest.raises((KeyError, ValueError), match=r"pool|something else") as caught:
        if is_started:
            async with TestApp(app):
                await client.get(path)
        else:
            await client.get(path)
    assert not hasattr(caught.value, "__notes__")
