"""The proxies, which are Werkzeug's ``LocalProxy``, and Flask's two context variables."""

from __future__ import annotations

import copy
import importlib
import inspect
from contextlib import nullcontext
from typing import get_type_hints

import flask as oracle
import pytest
from jinja2 import UndefinedError
from werkzeug.local import LocalProxy

import asyncflask
import asyncflask.flask
from asyncflask.flask import current_app, g, globals, request, session
from asyncflask.flask.globals import _cv_app, _cv_request, app_ctx, request_ctx
from asyncflask.testing import TestClient

OF_AN_APP = {"current_app": current_app, "g": g, "app_ctx": app_ctx}
OF_A_REQUEST = {"request": request, "session": session, "request_ctx": request_ctx}
ALL = {**OF_AN_APP, **OF_A_REQUEST}


@pytest.mark.parametrize("name", ALL)
def test_a_proxy_is_werkzeugs(name):
    assert isinstance(ALL[name], LocalProxy)
    assert getattr(globals, name) is ALL[name]


@pytest.mark.parametrize("name", ALL)
def test_outside_of_a_context_a_proxy_is_false_and_unbound(name):
    assert not ALL[name]
    assert repr(ALL[name]) == "<LocalProxy unbound>"


@pytest.mark.parametrize("name", ALL)
def test_outside_of_a_context_a_proxy_says_what_is_missing(name):
    """The text up to the colon is Flask's, which tests of users match."""
    kind = "application" if name in OF_AN_APP else "request"

    with pytest.raises(RuntimeError, match=f"^Working outside of {kind} context: `{name}`"):
        ALL[name]._get_current_object()


def read_environ():
    return request.environ


@pytest.mark.parametrize(
    ("add", "told"),
    [
        (lambda app: app.websocket("/live")(read_environ), r"\.{3}\)\.$"),
        (
            lambda app: app.route("/live", websocket=True)(read_environ),
            r"'/live' was added with route\(\.\.\., websocket=True\)\. .* this is an ASGI server",
        ),
    ],
)
async def test_in_a_websocket_the_request_says_that_this_is_a_websocket(app, add, told):
    add(app)
    app.testing = True

    with pytest.raises(RuntimeError, match=rf"(?s)this is a websocket\..*{told}"):
        async with TestClient(app).websocket("/live"):
            pass


@pytest.mark.parametrize("name", OF_A_REQUEST)
def test_in_an_app_context_the_proxies_of_a_request_are_unbound(app, name):
    with app.app_context(), pytest.raises(RuntimeError, match="outside of request context"):
        ALL[name].anything


def test_a_proxy_stands_for_the_current_object(app):
    with app.test_request_context("/x") as ctx:
        assert current_app._get_current_object() is app
        assert request._get_current_object() is ctx.request
        assert session._get_current_object() is ctx.session
        assert g._get_current_object() is ctx.g
        assert app_ctx._get_current_object() is ctx.app_context
        assert request_ctx._get_current_object() is ctx


def test_a_proxy_behaves_as_its_object(app):
    with app.test_request_context("/x"):
        assert current_app == app
        assert hash(current_app) == hash(app)
        assert isinstance(request, asyncflask.flask.Request)
        assert request.__class__ is asyncflask.flask.Request
        assert "path" in dir(request)
        assert str(request) == "<Request 'http://localhost/x' [GET]>"


def test_g_is_a_namespace_with_methods_of_a_dictionary(app):
    with app.app_context():
        g.x = 1
        g.setdefault("y", 2)

        assert ("x" in g, list(g), g.get("z", 3), g.pop("y")) == (True, ["x", "y"], 3, 2)
        del g.x
        with pytest.raises(AttributeError, match="x"):
            g.x


def test_the_session_is_written_through_the_proxy(app):
    with app.test_request_context():
        session["x"] = 1
        session.permanent = True

        assert (session["x"], "x" in session, len(session), session.modified) == (1, True, 2, True)


def test_a_copy_of_a_proxy_is_a_copy_of_its_object(app):
    with app.test_request_context():
        session["x"] = [1]

        assert copy.deepcopy(dict(session)) == {"x": [1]}
        assert copy.copy(request).path == "/"


@pytest.mark.parametrize("name", ["current_app", "g", "session"])
def test_both_apis_have_the_same_proxy(name):
    assert getattr(asyncflask, name) is getattr(asyncflask.flask, name)


# -- the variables ---------------------------------------------------------------------------------


both = pytest.mark.parametrize("module", [asyncflask.flask, oracle], ids=["facade", "flask"])


@both
def test_a_context_is_made_current_by_its_variable(module):
    """For apps that cannot use ``with``; there are no signals and teardown functions."""
    variables = importlib.import_module(f"{module.__name__}.globals")
    app, other = module.Flask("app"), module.Flask("other")
    ended = []
    app.teardown_appcontext(lambda error: ended.append(error))
    ctx = app.app_context()

    token = variables._cv_app.set(ctx)
    assert (module.current_app.name, variables.app_ctx._get_current_object()) == ("app", ctx)
    module.g.name = "Ada"
    with other.test_request_context("/inner"):
        assert (module.current_app.name, module.request.path) == ("other", "/inner")
    assert module.g.name == "Ada"
    variables._cv_app.reset(token)
    assert not module.has_app_context()

    with app.test_request_context("/outer"):
        inner = app.test_request_context("/other")
        token = variables._cv_request.set(inner)
        assert module.request.path == "/other"
        variables._cv_request.reset(token)
        assert module.request.path == "/outer"
        token = variables._cv_app.set(other.app_context())
        assert (module.current_app.name, module.request.path) == ("other", "/outer")
        variables._cv_app.reset(token)
        assert module.current_app.name == "app"
    assert ended == [None]


@pytest.mark.parametrize("variable", [_cv_app, _cv_request])
def test_a_variable_is_empty_outside(variable):
    assert variable.get(None) is None
    with pytest.raises(LookupError, match="flask"):
        variable.get()


def test_a_variable_holds_the_context(app):
    with app.app_context() as ctx:
        assert (_cv_app.get(), _cv_request.get(None)) == (ctx, None)
    with app.test_request_context() as ctx:
        assert (_cv_app.get(), _cv_request.get()) == (ctx.app_context, ctx)


def test_inside_a_request_an_app_context_leaves_the_request_where_it_is(app):
    with app.test_request_context() as outer, app.app_context() as inner:
        assert (_cv_app.get(), _cv_request.get()) == (inner, outer)


def test_a_variable_has_flasks_name():
    assert (_cv_app.name, _cv_request.name) == ("flask.app_ctx", "flask.request_ctx")


# -- in templates ----------------------------------------------------------------------------------

SNIPPETS = [
    "{% if NAME %}yes{% else %}no{% endif %}",
    "{{ NAME is defined }} {{ not NAME }} {{ NAME is none }}",
    "{{ NAME.nothing }}",
    "{{ NAME.get('key') }}",
    "{{ NAME['key'] }}",
    "{{ NAME|default('other', true) }}",
    "{{ 'key' in NAME }}",
]


def rendered(module, snippet, where, by):
    """Return the result of a snippet in an app of Flask or of asyncflask, or its kind of error."""
    app = module.Flask("app")
    app.secret_key = "secret"
    context = {"none": nullcontext, "app": app.app_context, "request": app.test_request_context}
    with context[where]():
        try:
            if by == "render_template_string":
                return module.render_template_string(snippet)
            return app.jinja_env.from_string(snippet).render()
        except (RuntimeError, TypeError, UndefinedError) as error:
            return RuntimeError if isinstance(error, RuntimeError) else type(error)


@pytest.mark.parametrize("where", ["none", "app", "request"])
@pytest.mark.parametrize("by", ["jinja_env", "render_template_string"])
@pytest.mark.parametrize("name", ["g", "request", "session"])
def test_templates_see_flasks_proxies(where, by, name):
    snippets = [snippet.replace("NAME", name) for snippet in SNIPPETS]
    ours, flasks = (
        [rendered(module, snippet, where, by) for snippet in snippets]
        for module in (asyncflask.flask, oracle)
    )

    assert ours == flasks


@pytest.mark.parametrize("name", ["g", "request", "session"])
def test_the_globals_of_templates_are_the_proxies(name):
    env = asyncflask.flask.Flask("app").jinja_env

    assert env.globals[name] is ALL[name]


@pytest.mark.parametrize("name", ["g", "request", "session"])
def test_the_async_apis_templates_have_such_proxies_too(name):
    env = asyncflask.Flask("app").jinja_env
    kind = "application" if name == "g" else "request"

    assert env.from_string(f"{{% if {name} %}}yes{{% else %}}no{{% endif %}}").render() == "no"
    with pytest.raises(RuntimeError, match=f"^Working outside of {kind} context: `{name}`"):
        env.from_string(f"{{{{ {name}.nothing }}}}").render()


def test_the_default_context_processor_has_no_parameters():
    """Flask-Injector passes what a processor's annotations name."""
    for app in (asyncflask.flask.Flask("app"), asyncflask.Flask("app"), oracle.Flask("app")):
        (processor,) = app.template_context_processors[None]

        assert [*inspect.signature(processor).parameters] == []
        assert set(get_type_hints(processor)) == {"return"}


def test_flasks_own_callables_have_annotations_that_can_be_read():
    app = asyncflask.flask.Flask("app")
    for function in (
        *app.view_functions.values(),
        *filter(callable, app.jinja_env.globals.values()),
        *(app.send_static_file, app.url_for, app.ensure_sync, app.make_response),
    ):
        if not isinstance(function, (LocalProxy, type)):
            get_type_hints(function)

    assert get_type_hints(app.view_functions["static"]) == get_type_hints(
        oracle.Flask("app").view_functions["static"]
    )
