"""The steps of a request that are called by hand, beside Flask's."""

from __future__ import annotations

import flask as oracle
import pytest
from werkzeug.exceptions import NotFound

import asyncflask.flask


@pytest.fixture(params=[asyncflask.flask, oracle], ids=["facade", "flask"])
def module(request):
    return request.param


@pytest.fixture
def app(module):
    return module.Flask("tests", root_path=".")


def test_each_step_of_a_request_may_be_called(app):
    seen = []
    app.before_request(lambda: seen.append("before"))

    @app.after_request
    def after(response):
        seen.append("after")
        return response

    @app.get("/")
    def index():
        return "view"

    with app.test_request_context("/"):
        assert app.preprocess_request() is None
        result = app.dispatch_request()
        response = app.finalize_request(result)
        again = app.process_response(response)
        whole = app.full_dispatch_request()

    assert (result, response.get_data(), whole.get_data()) == ("view", b"view", b"view")
    assert again is response
    assert seen == ["before", "after", "after", "before", "after"]


def test_errors_are_handled(app):
    app.register_error_handler(404, lambda error: "missing")
    app.register_error_handler(KeyError, lambda error: "key")

    with app.test_request_context("/nowhere"):
        assert app.handle_http_exception(NotFound()) == "missing"
        assert app.handle_user_exception(NotFound()) == "missing"
        assert app.handle_user_exception(KeyError("a")) == "key"
        with pytest.raises(ValueError, match="unknown"):
            try:
                raise ValueError("unknown")
            except ValueError as error:
                app.handle_user_exception(error)
        assert app.handle_exception(ValueError("unknown")).status_code == 500


@pytest.mark.parametrize("debug", [True, False])
def test_the_error_of_matching_is_raised(module, app, debug):
    app.debug = debug

    with app.test_request_context("/nowhere"):
        with pytest.raises(NotFound, match="404"):
            app.raise_routing_exception(module.request._get_current_object())
        with pytest.raises(NotFound, match="404"):
            app.dispatch_request()


def test_an_error_that_is_its_own_answer_is_returned(app):
    error = NotFound()

    with app.test_request_context("/"):
        assert app.handle_http_exception(error) is error


@pytest.mark.parametrize("given", [True, False])
def test_teardown_functions_get_the_error_that_is_given_or_handled(app, given):
    seen = []
    app.teardown_request(lambda error: seen.append(("request", str(error))))
    app.teardown_appcontext(lambda error: seen.append(("app", str(error))))

    with app.test_request_context("/"):
        try:
            raise ValueError("late")
        except ValueError as error:
            args = [error] if given else []
            app.do_teardown_request(*args)
            app.do_teardown_appcontext(*args)
        by_hand = seen.copy()

    assert by_hand == [("request", "late"), ("app", "late")]


async def test_a_context_whose_push_fails_is_not_current():
    """A receiver of ``appcontext_pushed`` fails, on the event loop."""
    app = asyncflask.flask.Flask("tests", root_path=".")

    def failing(sender, **extra):
        raise LookupError("not now")

    for make in (app.app_context, app.test_request_context):
        with asyncflask.flask.appcontext_pushed.connected_to(failing, app):
            with pytest.raises(LookupError, match="not now"):
                async with make():
                    pass
        assert not asyncflask.flask.has_app_context()
        assert not asyncflask.flask.has_request_context()


def test_a_request_whose_app_context_cannot_be_pushed_is_answered():
    """Its error handler has a context all the same; Flask leaves the request to the server."""
    app = asyncflask.flask.Flask("tests", root_path=".")

    def failing(sender, **extra):
        raise LookupError("not now")

    @app.errorhandler(500)
    def failed(error):
        return f"{asyncflask.flask.current_app.name}: {error.original_exception}", 500

    app.add_url_rule("/", "index", lambda: "")
    with asyncflask.flask.appcontext_pushed.connected_to(failing, app):
        assert app.test_client().get("/").text == "tests: not now"


def test_teardown_functions_of_the_app_run_outside_of_a_context_too(module, app):
    seen = []
    app.teardown_appcontext(lambda error: seen.append((error, module.has_app_context())))

    app.do_teardown_appcontext(given := KeyError("given"))

    assert seen == [(given, False)]


@pytest.mark.parametrize("step", ["make_default_options_response", "do_teardown_request"])
def test_a_step_that_needs_a_request_says_so(app, step):
    with app.app_context(), pytest.raises(RuntimeError, match=r"^Working outside of request cont"):
        getattr(app, step)()


def test_the_answer_of_options_is_that_of_the_request_around_an_app_context(app):
    app.get("/page")(lambda: "")

    with app.test_request_context("/page"), app.app_context():
        response = app.make_default_options_response()

    assert sorted(response.allow) == ["GET", "HEAD", "OPTIONS"]
