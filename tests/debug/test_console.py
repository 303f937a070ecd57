"""A console has the frame's variables, the failed request, and ``await``."""

from __future__ import annotations

import asyncio
import io

import pytest

import asyncflask
from asyncflask import Flask, g, request, session
from asyncflask.concurrency.workers import leased_here
from asyncflask.debug.console import ConsoleFrame
from asyncflask.signals import appcontext_pushed

LANES = pytest.mark.parametrize("path", ["/async", "/def"])


@pytest.fixture(autouse=True)
def failing(app):
    app.secret_key = "secret"
    module = asyncflask if type(app) is Flask else asyncflask.flask
    app.ended = []

    @app.route("/async", methods=["GET", "POST"])
    async def fail_async():
        module.g.user = "ada"
        module.session["cart"] = 3
        module.request.mark = 4
        sent = await module.request.form if type(app) is Flask else module.request.form
        return str(1 // (len(sent) - len(sent)))

    @app.route("/def", methods=["GET", "POST"])
    def fail_def():
        module.g.user = "ada"
        module.session["cart"] = 3
        sent = module.request.form
        return str(1 // (len(sent) - len(sent)))

    @app.teardown_request
    async def note_end(error):
        app.ended.append(error)


@pytest.fixture
def evaluate(developer):
    """Post a form to a failing view, and return a function that evaluates in its frame."""

    async def prepare(path):
        await developer.open(f"{path}?page=2", method="POST", data={"name": "tea"})
        await developer.unlock()

        async def evaluate(code):
            return await developer.evaluate(f"fail_{path[1:]}", code)

        return evaluate

    return prepare


@LANES
@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("module.request.path", "'/{view}'"),
        ("module.request.args['page']", "'2'"),
        ("module.request.method", "'POST'"),
        ("module.g.user", "'ada'"),
        ("module.session['cart']", "3"),
        ("module.current_app.name", "'shop'"),
        ("module.url_for('fail_def')", "'/def'"),
        ("sent['name']", "'tea'"),
    ],
)
async def test_the_console_has_the_context_of_the_request(evaluate, path, code, shown):
    evaluate = await evaluate(path)

    assert await evaluate(code) == f">>> {code}\n{shown.format(view=path[1:])}"


@pytest.fixture
def early(app):
    """Views that fail before they have read the body, or in the middle of it."""
    module = asyncflask if type(app) is Flask else asyncflask.flask

    @app.post("/early")
    async def fail_early():
        raise KeyError("before the body was read")

    @app.post("/early_def")
    def fail_early_def():
        raise KeyError("before the body was read")

    return module


@pytest.mark.parametrize("view", ["early", "early_def"])
@pytest.mark.parametrize(
    ("read", "sent", "shown"),
    [
        ("request.form['name']", {"data": {"name": "tea"}}, "'tea'"),
        ("request.get_json()", {"json": {"name": "tea"}}, "{'name': 'tea'}"),
        ("len(request.get_data())", {"data": b"x" * 300_000}, "300000"),
        ("request.files['up'].filename", {"files": b"1"}, "'a.txt'"),
        ("request.form['none']", {}, "BadRequestKeyError"),
    ],
)
@pytest.mark.usefixtures("early")
async def test_a_body_that_the_view_has_not_read_can_be_read(
    app, developer, view, read, sent, shown
):
    if view == "early" and type(app) is Flask:
        read = read.replace("request.form", "(await request.form)")
        read = read.replace("request.files", "(await request.files)")
        read = read.replace("request.get", "await request.get")
    if "files" in sent:
        sent = {"data": {"up": (io.BytesIO(sent["files"]), "a.txt")}}
    await developer.open(f"/{view}", method="POST", **sent)
    await developer.unlock()
    module = "asyncflask" if type(app) is Flask else "asyncflask.flask"
    await developer.evaluate(f"fail_{view}", f"from {module} import request")

    for _ in range(2):  # The console may read it again.
        assert shown in await developer.evaluate(f"fail_{view}", read)


@LANES
async def test_what_is_assigned_stays(evaluate, path):
    evaluate = await evaluate(path)
    await evaluate("twice = 2 * len(sent)")
    await evaluate("module.g.user = 'bob'")

    assert "2" in await evaluate("twice")
    assert "'bob'" in await evaluate("module.g.user")


@LANES
async def test_a_block_is_typed_line_by_line(evaluate, path):
    evaluate = await evaluate(path)

    assert await evaluate("for i in range(2):") == ">>> for i in range(2):\n"
    assert await evaluate("    print(i)") == "...     print(i)\n0\n1\n"


@LANES
async def test_await_runs_on_the_apps_loop(app, evaluate, path):
    app.loop = asyncio.get_running_loop()
    evaluate = await evaluate(path)
    await evaluate("import asyncio")

    assert "'done'" in await evaluate("await asyncio.sleep(0, 'done')")
    await evaluate("async def where(): return asyncio.get_running_loop()")
    await evaluate("found = await where()")
    assert "True" in await evaluate("found is module.current_app.loop")


@pytest.mark.parametrize("api", [asyncflask])  # the facade's request is synchronous
async def test_the_awaited_request_of_an_async_view_is_awaited_here_too(evaluate, api):
    evaluate = await evaluate("/async")

    assert "'tea'" in await evaluate("(await module.request.form)['name']")


async def test_the_request_of_an_async_view_is_the_one_that_it_used(evaluate):
    evaluate = await evaluate("/async")

    assert "4" in await evaluate("module.request.mark")


async def test_the_request_of_a_def_view_is_the_synchronous_one(evaluate):
    evaluate = await evaluate("/def")

    assert "'tea'" in await evaluate("module.request.form['name']")


@LANES
async def test_an_error_in_the_console_is_shown_from_the_input_on(evaluate, path):
    evaluate = await evaluate(path)
    await evaluate("import asyncio")
    for code in ("1 / 0", "await asyncio.sleep(0, 1 / 0)"):
        shown = await evaluate(code)

        assert "ZeroDivisionError: division by zero" in shown
        assert "<debugger>" in shown
        assert "console.py" not in shown


@LANES
@pytest.mark.parametrize("code", ["raise SystemExit(3)", "raise KeyboardInterrupt"])
async def test_an_exit_or_interrupt_is_shown_as_any_error(evaluate, path, code):
    evaluate = await evaluate(path)

    assert code.split("(")[0].removeprefix("raise ") in await evaluate(code)
    assert "2" in await evaluate("1 + 1")


async def test_a_mistyped_line_is_a_syntax_error(evaluate):
    assert "SyntaxError" in await (await evaluate("/async"))("1 +* 2")


@LANES
async def test_output_is_escaped(developer, evaluate, path):
    """CVE-2016-10516, in the console."""
    await evaluate(path)
    frame = developer.frame(f"fail_{path[1:]}")
    for code in ("print('<b>')", "'<b>'", "raise ValueError('<b>')"):
        text = (await developer.command(cmd=code, frm=frame)).text

        assert "&lt;b&gt;" in text
        assert "<b>" not in text


@LANES
async def test_teardown_functions_close_what_the_input_opened(app, evaluate, path):
    """Flask: the context is pushed for each evaluation, and popped after it."""
    evaluate = await evaluate(path)
    (error,) = app.ended
    await evaluate("1 + 1")

    assert isinstance(error, ZeroDivisionError)
    assert app.ended == [error, None]


async def test_consoles_of_one_request_do_not_disturb_each_other(evaluate):
    evaluate = await evaluate("/def")
    await evaluate("import time")
    shown = await asyncio.gather(
        *(evaluate(f"time.sleep(0.01), module.request.path, {i}") for i in range(4))
    )

    assert all(f"'/def', {i})" in text for i, text in enumerate(shown))


@LANES
async def test_evaluating_leaves_no_context_behind(evaluate, path):
    evaluate = await evaluate(path)
    await evaluate("module.g.user")

    assert not g
    assert not request
    assert not session


async def test_a_failing_teardown_function_is_an_error_of_that_evaluation_alone(app, evaluate):
    @app.teardown_appcontext
    def fail(error):
        if error is None:
            raise LookupError

    evaluate = await evaluate("/async")
    with pytest.raises(LookupError):
        await evaluate("1 + 1")
    app.teardown_appcontext_funcs.clear()

    assert "2" in await evaluate("1 + 1")


async def test_a_context_that_cannot_be_entered_now_may_be_later(app, evaluate):
    evaluate = await evaluate("/async")

    def refuse(sender):
        raise LookupError

    with appcontext_pushed.connected_to(refuse, app), pytest.raises(LookupError):
        await evaluate("1 + 1")

    assert "2" in await evaluate("1 + 1")


def test_without_a_server_await_has_a_loop_of_its_own():
    assert leased_here() is None

    shown = ConsoleFrame({"asyncio": asyncio}, {}).eval("await asyncio.sleep(0, 'slept')")
    assert "slept" in shown
