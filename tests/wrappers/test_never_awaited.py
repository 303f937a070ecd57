"""A forgotten ``await`` is an error: the request does not end with 200."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hashlib
import hmac
import io
import json
import logging
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from asyncflask import (
    Flask,
    Request,
    Response,
    abort,
    current_app,
    render_template_string_async,
    request,
    request_finished,
    request_tearing_down,
    run_sync,
    stream_with_context,
    websocket,
)
from asyncflask.exceptions import UnawaitedAccess, WebsocketDisconnect
from asyncflask.flask import Flask as FacadeFlask
from asyncflask.testing import WebsocketResponseError
from asyncflask.wrappers import never_awaited

HOOKS = ("view", "before_request", "after_request")


@pytest.fixture
def app() -> Flask:
    return Flask("shop")


async def get(app: Flask, **kwargs: Any) -> Any:
    """Send a form with an upload."""
    data = {"photo": (io.BytesIO(b"bytes"), "photo.png"), "name": "Ada"}
    return await app.test_client().post("/", data=data, **kwargs)


# -- requests --------------------------------------------------------------------------------------


async def forget_save(target: Path) -> None:
    (await request.files)["photo"].save(target)


async def forget_save_in_a_variable(target: Path) -> None:
    saving = (await request.files)["photo"].save(target)  # noqa: F841  # that is the mistake


async def forget_json(target: Path) -> None:
    request.get_json()


async def forget_json_in_a_variable(target: Path) -> None:
    data = request.get_json(silent=True)  # noqa: F841  # that is the mistake


async def forget_data(target: Path) -> None:
    request.get_data(as_text=True)


async def forget_disconnected(target: Path) -> None:
    request.is_disconnected()


async def forget_template(target: Path) -> None:
    render_template_string_async("")


async def forget_early_hints(target: Path) -> None:
    request.send_early_hints(["</a>; rel=preload"])


async def forget_body(target: Path) -> None:
    request.body.read_all()


async def forget_response(target: Path) -> None:
    Response("x").read()


def blocking() -> None:
    """Do nothing."""


async def forget_run_sync(target: Path) -> None:
    run_sync(blocking)()


async def forget_ensure_async(target: Path) -> None:
    current_app.ensure_async(blocking)()


async def forget_template_context(target: Path) -> None:
    current_app.update_template_context_async({})


FORGOTTEN = {
    forget_run_sync: "run_sync(blocking)(...)",
    forget_ensure_async: "app.ensure_async(blocking)(...)",
    forget_template_context: "app.update_template_context_async(...)",
    forget_save: "file.save(...)",
    forget_save_in_a_variable: "file.save(...)",
    forget_json: "request.get_json()",
    forget_json_in_a_variable: "request.get_json()",
    forget_data: "request.get_data()",
    forget_disconnected: "request.is_disconnected(...)",
    forget_template: "render_template_string_async(...)",
    forget_early_hints: "request.send_early_hints(...)",
    forget_body: "request.body.read_all(...)",
    forget_response: "response.read(...)",
}


@pytest.mark.parametrize("forget", FORGOTTEN, ids=lambda each: each.__name__)
@pytest.mark.parametrize("where", HOOKS)
async def test_a_request_with_a_forgotten_await_is_an_error(
    app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture, forget: Any, where: str
) -> None:
    @app.post("/")
    async def index() -> str:
        if where == "view":
            await forget(tmp_path / "photo.png")
        return "saved"

    if where != "view":

        @getattr(app, where)
        async def hook(response: Any = None) -> Any:
            await forget(tmp_path / "photo.png")
            return response

    response = await get(app)

    assert response.status_code == 500
    assert f"`{FORGOTTEN[forget]}` was called without `await`" in caplog.text
    assert f"right: await {FORGOTTEN[forget]}" in caplog.text
    assert not (tmp_path / "photo.png").exists()
    assert "test_never_awaited.py:" in caplog.text or "variable" in forget.__name__


async def test_the_error_names_the_place(
    app: Flask, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    app.post("/")(lambda: "")
    app.before_request(lambda: None)

    @app.post("/up")
    async def upload() -> str:
        await forget_save(tmp_path / "x")
        return ""

    data = {"photo": (io.BytesIO(b"bytes"), "photo.png")}
    assert (await app.test_client().post("/up", data=data)).status_code == 500
    line = forget_save.__code__.co_firstlineno + 1
    assert f"in forget_save() ({__file__}:{line})" in caplog.text


async def test_in_testing_mode_the_client_raises_it(app: Flask, tmp_path: Path) -> None:
    app.testing = True

    @app.post("/")
    async def index() -> Any:
        await forget_save(tmp_path / "x")
        return {"any": "result"}, 201

    with pytest.raises(UnawaitedAccess, match=r"`file\.save\(\.\.\.\)` was called without `await`"):
        await get(app)


@pytest.mark.parametrize("result", ["text", {"a": 1}, ("text", 201), Response("x"), b"x"])
async def test_no_kind_of_result_hides_it(app: Flask, result: Any, tmp_path: Path) -> None:
    @app.post("/")
    async def index() -> Any:
        await forget_save(tmp_path / "x")
        return result

    assert (await get(app)).status_code == 500


async def test_an_http_error_does_not_hide_it(app: Flask, tmp_path: Path) -> None:
    @app.post("/")
    async def index() -> Any:
        await forget_save(tmp_path / "x")
        abort(404)

    assert (await get(app)).status_code == 500


async def test_another_error_gets_it_as_a_note(app: Flask, tmp_path: Path) -> None:
    app.testing = True

    @app.post("/")
    async def index() -> Any:
        await forget_save(tmp_path / "x")
        return 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        await get(app)
    assert "`file.save(...)` was called without `await`" in caught.value.__notes__[0]


async def test_an_error_handler_answers_it(app: Flask, tmp_path: Path) -> None:
    @app.errorhandler(500)
    async def handle(error: Any) -> tuple[str, int]:
        return f"sorry: {type(error.original_exception).__name__}", 500

    @app.post("/")
    async def index() -> str:
        await forget_save(tmp_path / "x")
        return "saved"

    response = await get(app)

    assert (response.status_code, response.text) == (500, "sorry: UnawaitedAccess")


async def test_a_def_view_that_uses_async_functions_is_an_error_too(app: Flask) -> None:
    @app.post("/")
    def index() -> str:
        render_template_string_async("")
        return "rendered"

    @app.get("/mixed")
    async def mixed() -> str:
        return "text"

    @app.before_request
    async def before() -> None:
        pass

    assert (await get(app)).status_code == 500
    assert (await app.test_client().get("/mixed")).status_code == 200


def test_an_async_view_of_the_facade_is_an_error_too() -> None:
    app = FacadeFlask("shop")

    @app.get("/")
    async def index() -> str:
        render_template_string_async("")
        return "rendered"

    assert app.test_client().get("/").status_code == 500


async def test_the_next_request_is_not_affected(app: Flask, tmp_path: Path) -> None:
    forget = [True, False]

    @app.post("/")
    async def index() -> str:
        if forget.pop(0):
            await forget_save(tmp_path / "x")
        return "saved"

    assert [(await get(app)).status_code for _ in range(2)] == [500, 200]


async def test_what_was_awaited_but_failed_is_not_forgotten(app: Flask) -> None:
    @app.post("/")
    async def index() -> str:
        try:
            await request.get_json()
        except Exception:
            return "no JSON"
        return "JSON"

    assert (await get(app)).text == "no JSON"


@pytest.mark.parametrize("read", [lambda: request.form, lambda: request.get_data()])
async def test_what_is_read_can_be_a_task(app: Flask, caplog: Any, read: Any) -> None:
    @app.post("/")
    async def index() -> str:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(read()), asyncio.ensure_future(read())
            group.create_task(asyncio.wait_for(second, 1))
        assert "Pending" in repr(first)
        assert first.get_stack() == []
        return type(first.result()).__name__

    response = await get(app)

    assert response.get_data() in (b"ImmutableMultiDict", b"bytes")
    assert not caplog.records


async def test_a_task_of_a_clients_call_can_be_shown(app: Flask) -> None:
    app.add_url_rule("/", "index", lambda: "text")

    task = asyncio.create_task(app.test_client().get("/"))

    assert repr(task).startswith("<Task pending")
    assert (await task).get_data() == b"text"


@pytest.mark.parametrize("yields", [0, 1])
async def test_a_task_that_is_cancelled_has_forgotten_nothing(
    app: Flask, caplog: pytest.LogCaptureFixture, yields: int
) -> None:
    @app.post("/")
    async def index() -> str:
        reading = asyncio.create_task(request.get_data())
        for _ in range(yields):
            await asyncio.sleep(0)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        request.get_json().close()
        return "left"

    response = await get(app)

    assert response.get_data() == b"left"
    assert not caplog.records


async def test_reading_a_property_is_no_forgotten_call(app: Flask) -> None:
    @app.post("/")
    async def index() -> str:
        assert hasattr(request, "form")
        assert request.json is not None
        return "looked"

    assert (await get(app)).text == "looked"


async def test_a_forgotten_await_in_a_stream_is_logged(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.post("/")
    async def index() -> Any:
        @stream_with_context
        async def body() -> AsyncIterator[str]:
            request.is_disconnected()
            yield "text"

        return body()

    response = await get(app)

    assert response.text == "text"
    assert "`request.is_disconnected(...)` was called without `await`" in caplog.text


async def test_a_forgotten_await_in_teardown_functions_and_tasks_is_logged(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.teardown_request
    async def teardown(error: Any) -> None:
        render_template_string_async("")

    @app.post("/")
    async def index() -> str:
        async def child() -> None:
            request.is_disconnected()

        await asyncio.create_task(child())
        return "text"

    assert (await get(app)).status_code == 200
    assert "`render_template_string_async(...)` was called without `await`" in caplog.text
    assert "`request.is_disconnected(...)` was called without `await`" in caplog.text


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    "where", ["teardown_request", "teardown_appcontext", "request_finished", "tearing_down"]
)
async def test_a_forgotten_await_after_the_response_is_logged(
    app: Flask, caplog: pytest.LogCaptureFixture, where: str, streams: bool
) -> None:
    def forget(*args: Any, **kwargs: Any) -> None:
        render_template_string_async("")

    signals = {"request_finished": request_finished, "tearing_down": request_tearing_down}
    if where in signals:
        signals[where].connect(forget, app)
    else:
        getattr(app, where)(forget)

    @app.post("/")
    async def index() -> Any:
        return iter(["te", "xt"]) if streams else "text"

    response = await get(app)

    assert response.get_data() == b"text"
    assert caplog.text.count("was called without `await`") == 1
    assert "right: await render_template_string_async(...)" in caplog.text


async def test_a_websocket_that_ends_without_noticing_logs_what_was_forgotten(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.websocket("/")
    async def index() -> None:
        await websocket.accept()
        websocket.receive()
        await asyncio.Event().wait()

    async with app.test_client().websocket("/"):
        pass
    assert "right: await websocket.receive(...)" in caplog.text


async def test_python_warns_of_a_forgotten_coroutine_of_the_app(app: Flask) -> None:
    async def own() -> None:
        """Do nothing."""

    @app.post("/")
    async def index() -> str:
        own()
        return "text"

    with pytest.warns(RuntimeWarning, match=r"own' was never awaited"):
        response = await get(app)
    assert response.status_code == 200


async def test_the_garbage_collector_blames_no_other_request(app: Flask) -> None:
    @app.post("/")
    async def index() -> str:
        gc.collect()
        return "text"

    circle: list[Any] = []
    circle += [circle, Request.is_disconnected(Request(None))]  # type: ignore[arg-type]  # not used
    del circle
    with pytest.warns(RuntimeWarning, match=r"Request\.is_disconnected' was never awaited"):
        response = await get(app)
    assert response.status_code == 200


def test_installing_the_hook_twice_changes_nothing() -> None:
    never_awaited.install_hook()
    first = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]  # typeshed omits it
    never_awaited.install_hook()

    assert warnings._warn_unawaited_coroutine is first  # type: ignore[attr-defined]  # as above


def test_outside_of_all_contexts_python_warns(tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning, match="never awaited"):
        render_template_string_async("")


async def test_in_a_background_task_it_is_logged(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.post("/")
    async def index() -> str:
        async def task() -> None:
            render_template_string_async("")

        app.add_background_task(task)
        return "text"

    await get(app)
    await asyncio.gather(*app.background_tasks)
    assert "`render_template_string_async(...)` was called without `await`" in caplog.text


# -- a coroutine used like its result --------------------------------------------------------------


def digest(data: Any) -> str:
    """Do what an app's own function does with the body."""
    return hashlib.sha256(data).hexdigest()


async def parse(read: Any) -> Any:
    return json.loads(read())


async def decode(read: Any) -> Any:
    return base64.b64decode(read())


async def use_variable(read: Any) -> Any:
    body = read()
    return hashlib.sha256(
        body,
    )


async def use_in_function(read: Any) -> Any:
    return digest(read())


async def sign(read: Any) -> Any:
    return hmac.new(b"key", read(), "sha256")


async def hash_data(read: Any) -> Any:
    return hashlib.sha256(request.data)


async def hash_call(read: Any) -> Any:
    return hashlib.sha256(request.get_data())


@pytest.mark.parametrize(
    "use", [parse, decode, use_variable, use_in_function, sign, hash_data, hash_call]
)
@pytest.mark.parametrize("expression", ["request.data", "request.get_data()"])
async def test_a_body_that_is_used_before_it_was_awaited_is_explained(
    app: Flask, use: Any, expression: str
) -> None:
    app.testing = True
    reads = {"request.data": lambda: request.data, "request.get_data()": lambda: request.get_data()}

    @app.post("/")
    async def index() -> Any:
        return await use(reads[expression])

    expression = {hash_data: "request.data", hash_call: "request.get_data()"}.get(use, expression)
    with pytest.raises(UnawaitedAccess, match="without `await`") as caught:
        await get(app)
    # Since Python 3.12 a function of C asks the awaitable itself for its bytes.
    assert f"right: await {expression}" in str(caught.value).replace("f(await", "await")


@pytest.mark.parametrize(
    "use", [lambda body: hashlib.sha256("text"), lambda body: None + 1, lambda body: body.nothing]
)
@pytest.mark.parametrize("synchronous", [False, True])
async def test_other_mistakes_are_not_blamed_on_the_body(
    app: Flask, use: Any, synchronous: bool
) -> None:
    app.testing = True

    async def index() -> Any:
        form = request.form
        use(await request.data)
        return await form

    def def_index() -> Any:
        return use(request.data + request.nothing)  # type: ignore[attr-defined]  # the mistake

    app.add_url_rule("/", "index", def_index if synchronous else index, methods=["POST"])
    with pytest.raises((TypeError, AttributeError)) as caught:
        await get(app)
    assert not isinstance(caught.value, UnawaitedAccess)
    assert not getattr(caught.value, "__notes__", ())


async def test_a_message_that_a_function_refuses_is_explained(app: Flask) -> None:
    app.testing = True

    @app.websocket("/")
    async def index() -> None:
        json.loads(websocket.receive())  # type: ignore[arg-type]  # the mistake

    with pytest.raises(UnawaitedAccess, match=r"await websocket\.receive\(\.\.\.\)"):
        async with app.test_client().websocket("/") as connection:
            await connection.receive()


async def test_a_coroutine_that_is_used_like_its_result_is_explained(app: Flask) -> None:
    app.testing = True

    async def load() -> dict[str, str]:
        return {}

    @app.post("/variable")
    async def variable() -> Any:
        rows = load()
        return rows["name"]  # type: ignore[index]  # that is the mistake

    @app.post("/")
    async def index() -> Any:
        return request.is_disconnected().real  # type: ignore[attr-defined]  # that is the mistake

    with pytest.raises(
        UnawaitedAccess, match=r"wrong: rows = .*load\(\.\.\.\)\n    right: rows = await"
    ):
        await app.test_client().post("/variable")
    with pytest.raises(
        UnawaitedAccess, match=r"right: \(await request\.is_disconnected\(\.\.\.\)\)\.real"
    ) as caught:
        await get(app)
    assert isinstance(caught.value.__cause__, AttributeError)


# -- websockets ------------------------------------------------------------------------------------


async def send() -> None:
    websocket.send("lost")


async def send_json() -> None:
    websocket.send_json({})


async def accept() -> None:
    websocket.accept()


async def close() -> None:
    websocket.close(1000)


async def receive() -> None:
    websocket.receive()


async def receive_json() -> None:
    message = websocket.receive_json()  # noqa: F841  # that is the mistake


@pytest.mark.parametrize("forget", [send, send_json, accept, close, receive, receive_json])
@pytest.mark.parametrize("accepts", [True, False])
async def test_a_websocket_with_a_forgotten_await_ends_with_an_error(
    app: Flask, caplog: pytest.LogCaptureFixture, forget: Any, accepts: bool
) -> None:
    @app.websocket("/ws")
    async def view() -> None:
        if accepts:
            await websocket.accept()
        await forget()

    with pytest.raises(Exception) as caught:  # noqa: PT011  # which one is looked at below
        async with app.test_client().websocket("/ws") as connection:
            await connection.receive()
    if accepts:
        assert isinstance(caught.value, WebsocketDisconnect)
        assert caught.value.code == 1011
    else:
        assert caught.value.response.status_code == 500  # type: ignore[attr-defined]  # a refusal
    expression = f"websocket.{forget.__name__}(...)"
    assert f"`{expression}` was called without `await` in " in caplog.text
    assert f"right: await {expression}" in caplog.text


async def test_a_loop_that_forgets_to_await_ends_at_the_next_message(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.websocket("/ws")
    async def echo() -> None:
        async for message in websocket:
            websocket.send(message)

    async with app.test_client().websocket("/ws") as connection:
        await connection.send("text")
        with pytest.raises(WebsocketDisconnect, match="1011"):
            await connection.receive()
    assert caplog.text.count("right: await websocket.send(...)") == 1


async def test_a_forgotten_await_in_a_websocket_hook_is_an_error(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.before_websocket
    async def before() -> None:
        websocket.accept()

    @app.websocket("/ws")
    async def view() -> None:
        await websocket.send("text")

    with pytest.raises(WebsocketResponseError, match="500"):
        async with app.test_client().websocket("/ws"):
            pass
    assert "`websocket.accept(...)` was called without `await` in" in caplog.text


async def test_a_message_used_before_it_was_awaited_is_explained(app: Flask) -> None:
    app.testing = True

    @app.websocket("/ws")
    async def view() -> None:
        message = websocket.receive()
        await websocket.send(message.upper())  # type: ignore[attr-defined]  # that is the mistake

    with pytest.raises(
        UnawaitedAccess, match=r"right: message = await websocket\.receive\(\.\.\.\)"
    ):
        async with app.test_client().websocket("/ws"):
            pass


async def test_a_client_that_disconnects_is_no_forgotten_await(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.websocket("/ws")
    async def view() -> None:
        while True:
            await websocket.send(await websocket.receive())

    async with app.test_client().websocket("/ws") as connection:
        await connection.send("a")
        assert await connection.receive() == "a"
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
