"""The steps of serving: called by hand, and replaced with and without their context."""

from __future__ import annotations

from inspect import isawaitable

import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound

import asyncflask.quart


@pytest.fixture
def websocket(quart, module):
    """A websocket that was made by hand."""

    async def ignore(*args):
        pass

    scope = module("testing").make_test_scope(
        "websocket", "/ws", "GET", Headers(), b"", "ws", "", "1.1", None
    )
    headers = Headers({"host": "quart.com"})
    sends = (ignore, ignore, ignore, ignore)
    return quart.Websocket("/ws", b"", "ws", headers, "", "1.1", [], *sends, scope)


# -- of a request ----------------------------------------------------------------------------------


async def test_each_step_of_a_request_may_be_called_by_hand(quart, app):
    seen = []
    app.before_request(lambda: seen.append("before"))

    @app.after_request
    def after(response):
        seen.append("after")
        return response

    @app.get("/")
    async def index():
        return "view"

    async with app.test_request_context("/"):
        assert await app.preprocess_request() is None
        result = await app.dispatch_request()
        response = await app.finalize_request(result)
        again = await app.process_response(response)
        whole = await app.full_dispatch_request()

    assert (result, await response.get_data(), await whole.get_data()) == ("view", *[b"view"] * 2)
    assert again is response
    assert seen == ["before", "after", "after", "before", "after"]


async def test_a_hook_may_answer_instead_of_the_view(quart, app):
    app.before_request(lambda: "hook")

    async with app.test_request_context("/nowhere"):
        assert await app.preprocess_request() == "hook"


async def test_dispatching_a_url_without_a_rule_raises_the_404(quart, app):
    async with app.test_request_context("/nowhere"):
        with pytest.raises(NotFound, match="404"):
            await app.dispatch_request()


async def test_errors_are_handled_by_hand(quart, app):
    @app.errorhandler(404)
    async def missing(error):
        return "missing"

    @app.errorhandler(KeyError)
    async def key(error):
        return "key"

    async with app.test_request_context("/"):
        assert await app.handle_http_exception(NotFound()) == "missing"
        assert await app.handle_user_exception(KeyError("a")) == "key"
        with pytest.raises(ValueError, match="unknown"):
            await app.handle_user_exception(ValueError("unknown"))
        assert (await app.handle_exception(ValueError("unknown"))).status_code == 500


async def test_teardown_functions_are_run_by_hand(quart, app):
    seen = []
    app.teardown_request(lambda error: seen.append(("request", str(error))))
    app.teardown_appcontext(lambda error: seen.append(("app", str(error))))
    error = ValueError("late")

    async with app.test_request_context("/"):
        await app.do_teardown_request(error)
        await app.do_teardown_appcontext(error)
        by_hand = seen.copy()

    assert by_hand == [("request", "late"), ("app", "late")]


async def test_a_step_outside_of_a_request_names_the_mistake(app):
    with pytest.raises((RuntimeError, AttributeError), match=r".+"):
        await app.preprocess_request()


# -- of a websocket --------------------------------------------------------------------------------


async def test_each_step_of_a_websocket_may_be_called_by_hand(quart, app, websocket):
    seen = []
    app.before_websocket(lambda: seen.append("before"))
    app.teardown_websocket(lambda error: seen.append(f"teardown {error}"))

    @app.after_websocket
    def after(response):
        seen.append("after")
        return response

    @app.websocket("/ws")
    async def ws():
        return "refused", 403

    async with app.websocket_context(websocket):
        assert await app.preprocess_websocket() is None
        result = await app.dispatch_websocket()
        response = await app.finalize_websocket(result)
        again = await app.postprocess_websocket(response)
        nothing = await app.finalize_websocket(None)
        whole = await app.full_dispatch_websocket()
        failed = await app.handle_websocket_exception(ValueError("broken"))
        before = len(seen)
        await app.do_teardown_websocket(ValueError("late"))

    assert (response.status_code, again, nothing) == (403, response, None)
    assert (whole.status_code, failed.status_code) == (403, 500)
    assert seen[:3] == ["before", "after", "after"]
    assert seen[before] == "teardown late"


# -- replaced --------------------------------------------------------------------------------------


@pytest.fixture(params=["def", "async def"])
def step(request):
    """A replacement of a step that has a parameter for the context."""

    def step(self, error, request_context):
        return f"{error.args[0]} at {request_context.request.path}"

    async def async_step(self, error, request_context):
        return step(self, error, request_context)

    return step if request.param == "def" else async_step


async def result_of(result):
    return await result if isawaitable(result) else result


@pytest.mark.parametrize("where", ["class", "app"])
async def test_a_replaced_step_gets_the_context_that_it_is_given(quart, step, where):
    members = {"handle_user_exception": step} if where == "class" else {}
    app = type("App", (quart.Quart,), members)("tests", root_path=".")
    if where == "app":
        app.handle_user_exception = step.__get__(app)

    async with app.test_request_context("/here") as ctx:
        by_name = await result_of(app.handle_user_exception(KeyError("a"), request_context=ctx))
        by_place = await result_of(app.handle_user_exception(KeyError("a"), ctx))

    assert by_name == by_place == "a at /here"


@pytest.mark.parametrize("where", ["class", "app"])
async def test_a_replaced_step_that_is_given_no_context_gets_the_current_one(step, where):
    """Quart's own steps pass it, and asyncflask's do not."""
    members = {"handle_user_exception": step} if where == "class" else {}
    app = type("App", (asyncflask.quart.Quart,), members)("tests", root_path=".")
    if where == "app":
        app.handle_user_exception = step.__get__(app)

    async with app.test_request_context("/here"):
        by_place = await result_of(app.handle_user_exception(KeyError("a")))
        by_name = await result_of(app.handle_user_exception(error=KeyError("a")))

    assert by_place == by_name == "a at /here"


async def test_a_step_may_be_replaced_by_an_object(quart):
    class Steps:
        async def __call__(self, *args, **kwargs):
            return "object"

    app = quart.Quart("tests", root_path=".")
    app.dispatch_request = Steps()

    assert await (await app.test_client().get("/")).get_data() == b"object"


async def test_teardown_functions_of_the_app_run_outside_of_a_context_too(quart, app):
    seen = []

    @app.teardown_appcontext
    async def end(error):
        seen.append((error, quart.has_app_context()))

    await app.do_teardown_appcontext(given := KeyError("given"))

    assert seen == [(given, False)]


async def test_a_step_that_needs_a_request_says_so(app):
    with pytest.raises(RuntimeError, match="request context"):
        await app.do_teardown_request(None)
    with pytest.raises(RuntimeError, match="request context"):
        await app.dispatch_request()
