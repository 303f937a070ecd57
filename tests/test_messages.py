"""Common mistakes: each error says what to write instead."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import asyncflask
import asyncflask.flask
import asyncflask.quart
from asyncflask import Blueprint, Flask, abort, request, session, websocket
from asyncflask.exceptions import OutOfContext, UnawaitedAccess
from asyncflask.flask import Flask as FacadeFlask
from asyncflask.serving.run import check_run
from asyncflask.testing import TestClient, WebsocketDisconnect, WebsocketResponseError


@pytest.fixture
def app() -> Flask:
    app = Flask("shop")
    app.testing = True
    return app


# -- request and websocket -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["path", "headers", "send", "receive"])
async def test_websocket_in_a_request_says_that_it_is_a_request(app: Flask, name: str) -> None:
    @app.get("/async")
    async def async_view() -> Any:
        return getattr(websocket, name)

    @app.get("/def")
    def def_view() -> Any:
        return getattr(websocket, name)

    for path in ("/async", "/def"):
        with pytest.raises(OutOfContext, match="this is an HTTP request") as caught:
            await app.test_client().get(path)
        assert "`request` is its name here" in str(caught.value)
        assert str(caught.value).startswith("Working outside of websocket context")


async def test_request_in_a_websocket_says_that_it_is_a_websocket(app: Flask) -> None:
    @app.websocket("/")
    async def view() -> None:
        await websocket.send(request.path)

    with pytest.raises(OutOfContext, match=r"this is a websocket\.\n\n    `websocket` is its name"):
        async with app.test_client().websocket("/") as connection:
            await connection.receive()


@pytest.mark.parametrize("name", ["after_this_websocket", "copy_current_websocket_context"])
@pytest.mark.parametrize("api", [asyncflask, asyncflask.quart], ids=["async API", "quart"])
async def test_what_is_for_websockets_says_in_a_request_how_to_write_it(
    api: Any, name: str
) -> None:
    app = (api.Flask if api is asyncflask else api.Quart)("app")
    right = name.replace("websocket", "request")

    async with app.test_request_context("/"):
        with pytest.raises(OutOfContext, match=rf"HTTP request[^`]*right: {right}\(\.\.\.\)"):
            getattr(api.ctx, name)(lambda: None)


@pytest.mark.parametrize("name", ["after_this_request", "copy_current_request_context"])
@pytest.mark.parametrize("is_async", [True, False], ids=["async def", "def"])
@pytest.mark.parametrize("api", [asyncflask, asyncflask.quart], ids=["async API", "quart"])
async def test_what_is_for_requests_says_in_a_websocket_how_to_write_it(
    api: Any, is_async: bool, name: str
) -> None:
    app = (api.Flask if api is asyncflask else api.Quart)("app")
    right = name.replace("request", "websocket")
    said = []

    def call() -> None:
        with pytest.raises(OutOfContext, match="and this is a websocket") as caught:
            getattr(api.ctx, name)(lambda: None)
        said.append(str(caught.value))

    @app.websocket("/")
    async def view() -> None:
        if is_async:
            call()
        else:
            await app.ensure_async(call)()
        await api.websocket.send("done")

    async with app.test_client().websocket("/") as connection:
        assert await connection.receive() == "done"
    assert said[0].endswith(f"    wrong: {name}(...)\n    right: {right}(...)")


def test_outside_of_both_the_error_is_flasks(app: Flask) -> None:
    with pytest.raises(OutOfContext, match=r"Working outside of request context: `request`"):
        _ = request.path
    with app.app_context(), pytest.raises(OutOfContext, match="test_websocket_context"):
        _ = websocket.path


@pytest.mark.parametrize(
    ("api", "is_async"),
    [(asyncflask, True), (asyncflask, False), (asyncflask.flask, False)],
    ids=["async def", "def", "def on the facade"],
)
async def test_the_generator_of_a_stream_is_told_how_to_keep_the_context(
    api: Any, is_async: bool
) -> None:
    async def lines() -> AsyncIterator[str]:
        yield api.request.path

    def def_lines() -> Iterator[str]:
        yield api.request.path

    app = api.Flask("shop")
    app.testing = True
    app.get("/")(lambda: lines() if is_async else def_lines())

    with pytest.raises(RuntimeError, match=r"`stream_with_context\(generator\(\)\)`"):
        await TestClient(app, app.response_class).get("/")


async def test_for_over_a_websocket_names_async_for(app: Flask) -> None:
    @app.websocket("/")
    async def view() -> None:
        for message in websocket:  # type: ignore[attr-defined]  # that is the mistake
            await websocket.send(message)

    @app.websocket("/def")
    def def_view() -> None:
        for message in websocket:  # type: ignore[attr-defined]  # right, in a `def` view
            websocket.send(message)

    with pytest.raises(UnawaitedAccess, match="right: async for message in websocket"):
        async with app.test_client().websocket("/") as connection:
            await connection.receive()
    async with app.test_client().websocket("/def") as connection:
        await connection.send("text")
        assert await connection.receive() == "text"


# -- the body --------------------------------------------------------------------------------------


STREAM_USES: dict[str, Any] = {
    "request.stream.read()": lambda stream: stream.read(),
    "request.stream.readline()": lambda stream: stream.readline(),
    "request.stream.readlines()": lambda stream: stream.readlines(),
    "for piece in request.stream": list,
}


@pytest.mark.parametrize("expression", STREAM_USES)
async def test_a_stream_that_is_read_like_a_file_says_what_to_write(
    app: Flask, expression: str
) -> None:
    @app.post("/")
    async def view() -> Any:
        return STREAM_USES[expression](request.stream)

    with pytest.raises(UnawaitedAccess) as caught:
        await app.test_client().post("/", data=b"x")
    message = str(caught.value)
    assert message.startswith(f"`{expression}` was written in an `async def` function")
    assert "await request.get_data()" in message
    assert "async for piece in request.stream" in message


# -- results of views ------------------------------------------------------------------------------


class User:
    """What an app returns by mistake, with a name that begins as `you` does."""


class Update:
    """The same, with a name that begins with a vowel."""


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *((5, "an int"), (object(), "an object"), (1.5, "a float"), ({1}, "a set")),
        *((User(), "a User"), (uuid.uuid4(), "a UUID"), (Update(), "an Update")),
    ],
)
async def test_the_type_of_a_wrong_result_is_named_with_its_article(
    app: Flask, value: Any, kind: str
) -> None:
    app.get("/")(lambda: value)

    with pytest.raises(TypeError, match=f"it was {kind}\\. Return a str"):
        await app.test_client().get("/")


@pytest.mark.parametrize("result", ["text", {"a": 1}, b"bytes", ("text", 201)])
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_result_of_a_websocket_view_after_accept_is_logged(
    app: Flask, caplog: pytest.LogCaptureFixture, result: Any, is_async: bool
) -> None:
    async def view() -> Any:
        await websocket.accept()
        return result

    def def_view() -> Any:
        websocket.accept()  # type: ignore[unused-coroutine]  # not in a `def` view
        return result

    app.add_websocket("/", view_func=view if is_async else def_view)

    async with app.test_client().websocket("/") as connection:
        with pytest.raises(WebsocketDisconnect, match="1000"):
            await connection.receive()
    assert "The websocket view of / returned" in caplog.text
    assert "Write `await websocket.send(...)`" in caplog.text


async def test_an_error_page_after_accept_is_logged_too(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.websocket("/")
    async def view() -> None:
        await websocket.accept()
        abort(403)

    async with app.test_client().websocket("/") as connection:
        with pytest.raises(WebsocketDisconnect):
            await connection.receive()
    assert "[403 FORBIDDEN]" in caplog.text


async def test_a_websocket_view_that_returns_nothing_is_silent(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.websocket("/")
    async def view() -> None:
        await websocket.send("text")

    async with app.test_client().websocket("/") as connection:
        assert await connection.receive() == "text"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# -- app.run() -------------------------------------------------------------------------------------


async def test_run_in_a_running_loop_names_run_task(app: Flask) -> None:
    with pytest.raises(RuntimeError, match=r"right: await app\.run_task\(\)"):
        app.run(port=0)


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        ("threaded", False, "WORKER_POOL_SIZE"),
        ("processes", 4, "--workers"),
        ("request_handler", object, "request handlers"),
        ("passthrough_errors", True, "PROPAGATE_EXCEPTIONS"),
        ("static_files", {"/": "."}, "static_folder"),
        ("use_reload", True, "use_reloader"),
        ("treaded", True, "it has certfile"),
    ],
)
def test_run_refuses_an_option_and_names_the_remedy(
    app: Flask, option: str, value: Any, remedy: str
) -> None:
    with pytest.raises(TypeError, match=rf"app\.run\({option}=") as caught:
        app.run(port=0, **{option: value})
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [("threaded", True), ("processes", 1), ("reloader_type", "stat"), ("static_files", None)],
)
def test_run_accepts_options_of_flask_that_change_nothing(
    app: Flask, option: str, value: Any
) -> None:
    options = {option: value, "use_reloader": False}

    check_run(app, options)

    assert options == {"use_reloader": False}


def test_the_facades_run_is_werkzeugs(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[Any] = []
    monkeypatch.setattr("werkzeug.serving.run_simple", lambda *args, **kw: run.append(kw))

    FacadeFlask("shop").run(port=0, threaded=False)

    assert run[0]["threaded"] is False
    assert asyncio.iscoroutinefunction(FacadeFlask.run) is False


# -- the test client -------------------------------------------------------------------------------


async def test_connections_of_the_client_name_async_with(app: Flask) -> None:
    client = app.test_client()

    with pytest.raises(TypeError, match=r"right: async with client\.websocket\(\.\.\.\)"):
        with client.websocket("/"):  # type: ignore[unused-ignore]  # that is the mistake
            pass
    with pytest.raises(TypeError, match=r"`await client\.websocket\(\.\.\.\)`"):
        await client.websocket("/")
    with pytest.raises(TypeError, match=r"`receive\(\) before client\.websocket"):
        await client.websocket("/").receive()
    with pytest.raises(TypeError, match=r"right: async with client\.request\(\.\.\.\)"):
        await client.request("/")


async def test_an_await_of_a_proxy_is_explained_too(app: Flask) -> None:
    app.secret_key = "x"

    @app.get("/")
    async def view() -> Any:
        return await session  # type: ignore[misc]  # that is the mistake

    with pytest.raises(AttributeError, match="__await__") as caught:
        await app.test_client().get("/")
    assert "remove it" in caught.value.__notes__[0]


async def test_a_message_sent_before_the_connection_is_open_names_async_with(app: Flask) -> None:
    with pytest.raises(TypeError, match=r"`send\(\) before client\.websocket"):
        await app.test_client().websocket("/").send("x")


# -- names of others -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("wsgi_app", r"app\.asgi_app = Middleware\(app\.asgi_app\)"),
        ("before_first_request", "@app.before_serving"),
        ("json_encoder", "app.json_provider_class"),
        ("nothing_like_it", "'Flask' object has no attribute 'nothing_like_it'$"),
    ],
)
def test_attributes_of_other_apps_name_what_is_here(app: Flask, name: str, remedy: str) -> None:
    with pytest.raises(AttributeError, match=remedy):
        getattr(app, name)
    assert not hasattr(app, name)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("get_json", r"await websocket\.receive_json\(\)"),
        ("form", r"await websocket\.receive\(\)"),
        ("receive_text", r"async for message in websocket"),
        ("send_text", r"await websocket\.send\(message\)"),
        ("nothing_like_it", "'Websocket' object has no attribute 'nothing_like_it'$"),
    ],
)
@pytest.mark.parametrize("synchronous", [False, True])
async def test_attributes_of_other_websockets_name_what_is_here(
    app: Flask, name: str, remedy: str, synchronous: bool
) -> None:
    async def view() -> None:
        getattr(websocket, name)

    def def_view() -> None:
        getattr(websocket, name)

    app.add_websocket("/", "view", def_view if synchronous else view)
    with pytest.raises(AttributeError, match=remedy):
        async with app.test_client().websocket("/"):
            pass


# -- setup -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["route", "get", "post", "websocket", "errorhandler"])
@pytest.mark.parametrize("owner", [Flask("shop"), FacadeFlask("shop"), Blueprint("shop", "shop")])
def test_a_decorator_without_parentheses_is_refused(owner: Any, name: str) -> None:
    def view() -> str:
        return "text"

    with pytest.raises(TypeError, match=rf"right: @app\.{name}\(") as caught:
        getattr(owner, name)(view)
    assert "view() was given to it" in str(caught.value)


async def async_generator() -> AsyncIterator[str]:
    yield "message"


def generator() -> Iterator[str]:
    yield "message"


@pytest.mark.parametrize("view", [async_generator, generator])
@pytest.mark.parametrize("owner", [Flask("shop"), Blueprint("shop", "shop")])
def test_a_websocket_view_that_yields_is_refused(owner: Any, view: Any) -> None:
    with pytest.raises(TypeError, match=r"right: await websocket\.send\(message\)"):
        owner.websocket("/ws")(view)


@pytest.mark.parametrize("status", [200, 403])
async def test_a_message_that_is_returned_instead_of_sent_is_named(
    app: Flask, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    @app.websocket("/")
    async def view() -> Any:
        return "hello", status

    with pytest.raises(WebsocketResponseError, match=str(status)):
        async with app.test_client().websocket("/"):
            pass
    assert ("Write `await websocket.send(...)`" in caplog.text) is (status == 200)


async def test_a_stream_is_not_a_background_task(app: Flask) -> None:
    @app.post("/")
    async def view() -> str:
        app.add_background_task(request.get_data())  # type: ignore[arg-type]  # the mistake
        return "text"

    with pytest.raises(TypeError, match="Give the function and its arguments"):
        await app.test_client().post("/")


async def test_for_over_a_connection_of_the_client_names_async_for(app: Flask) -> None:
    app.add_websocket("/", "view", lambda: websocket.accept())

    async with app.test_client().websocket("/") as connection:
        with pytest.raises(TypeError, match="right: async for message in connection:"):
            for _ in connection:  # type: ignore[unused-ignore]  # that is the mistake
                pass
