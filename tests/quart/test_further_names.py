"""Names of Quart that an app rarely calls itself: each does what Quart's does."""

from __future__ import annotations

import asyncio
import io
import logging
import queue

import pytest

import asyncflask.quart


async def test_a_context_has_quarts_names(quart, app):
    async with app.test_request_context("/") as ctx:

        @quart.after_this_request
        async def after(response):
            return response

        assert ctx.request_websocket is ctx.request
        assert ctx._after_request_functions == [after]

    ctx = app.test_request_context("/")
    await ctx.push()
    assert quart.has_request_context()
    await ctx.auto_pop(None)
    assert not quart.has_request_context()


async def test_a_response_may_be_made_of_nothing(quart, app):
    async with app.app_context():
        response = await quart.make_response()

    assert (response.status_code, await response.get_data()) == (200, b"")


async def test_json_is_written_to_and_read_from_a_file(quart, module, app):
    json = module("json")
    file = io.StringIO()
    async with app.app_context():
        json.dump({"a": 1}, file)
        file.seek(0)
        assert json.load(file) == {"a": 1}


async def test_a_view_without_a_method_of_its_own_cannot_answer(quart, module):
    with pytest.raises(NotImplementedError):
        await _result(module("views").View().dispatch_request)


async def _result(function):
    result = function()
    return await result if asyncio.iscoroutine(result) else result


async def test_a_session_interface_needs_its_two_methods(module, app):
    interface = module("sessions").SessionInterface()

    with pytest.raises(NotImplementedError):
        await interface.open_session(app, None)
    with pytest.raises(NotImplementedError):
        await interface.save_session(app, None, None)


async def test_an_app_without_a_static_folder_says_so(quart):
    app = quart.Quart("tests", root_path=".", static_folder=None)

    async with app.test_request_context("/"):
        with pytest.raises(RuntimeError, match=r"static"):
            await app.send_static_file("a.txt")


async def test_the_first_error_of_some_tasks_is_raised(module):
    async def failing():
        raise ValueError("in the task")

    tasks = {asyncio.create_task(failing()), asyncio.create_task(asyncio.sleep(0))}
    await asyncio.wait(tasks)

    with pytest.raises(ValueError, match="in the task"):
        module("utils").raise_task_exceptions(tasks)


def test_a_record_stays_the_object_that_was_logged(module):
    handler = module("logging").LocalQueueHandler(queue.Queue())
    record = logging.makeLogRecord({"args": (object(),)})

    assert handler.prepare(record) is record


async def test_a_client_without_cookies_says_so(quart, app):
    client = app.test_client(use_cookies=False)

    with pytest.raises(RuntimeError, match=r"(?i)cookies"):
        async with client.session_transaction():
            pass


async def test_a_client_is_entered_once(quart, app):
    async with app.test_client() as client:
        with pytest.raises(RuntimeError, match=r".+"):
            async with client:
                pass


async def test_a_session_that_cannot_be_opened_is_named(quart):
    client = quart.Quart("tests", root_path=".").test_client()

    with pytest.raises(RuntimeError, match=r".+"):
        async with client.session_transaction():
            pass


async def test_a_redirect_to_another_host_is_followed_there():
    """Quart's client stays at the app's own host."""
    quart = asyncflask.quart
    app = quart.Quart("tests", root_path=".")

    @app.get("/")
    async def index():
        return quart.redirect("http://other.test/end")

    @app.get("/end")
    async def end():
        return quart.request.host

    response = await app.test_client().get("/", follow_redirects=True)

    assert await response.get_data() == b"other.test"


def test_the_names_of_the_command_find_an_app(quart, python, tmp_path):
    (tmp_path / "tea.py").write_text(
        f"from {quart.__name__} import Quart\napp = Quart(__name__)\n"
        "def make(name):\n    return Quart(name)\n"
    )
    code = (
        f"from {quart.__name__} import cli; import tea\n"
        "print(cli.locate_app('tea', None) is cli.find_best_app(tea) is tea.app)\n"
        "print(cli.find_app_by_string(tea, \"make('pot')\").name)"
    )

    assert python("-c", code).split() == ["True", "pot"]
