"""Names of Flask have Flask's signatures and defaults; names of Quart have Quart's."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import flask
import flask.helpers
import flask.sansio.blueprints
import flask.typing
import pytest

import asyncflask
import asyncflask.helpers
import asyncflask.sansio.blueprints
import asyncflask.typing

APIS = {
    "Flask": (flask.Flask, asyncflask.Flask),
    "Blueprint": (flask.Blueprint, asyncflask.Blueprint),
    "BlueprintSetupState": (
        flask.sansio.blueprints.BlueprintSetupState,
        asyncflask.sansio.blueprints.BlueprintSetupState,
    ),
    "helpers": (flask.helpers, asyncflask.helpers),
    "flask": (flask, asyncflask),
}
ELSEWHERE = {
    ("Flask", "wsgi_app"): "the facade's app has it; here it is `asgi_app`",
    ("Flask", "request_context"): "it takes an ASGI scope, not a WSGI environ",
}
#: What Quart adds to Flask's setup, serving and testing: parameters after ``self``.
QUART = {
    "Flask.websocket": "rule **options",
    "Flask.add_websocket": "rule endpoint=None view_func=None **options",
    "Flask.before_websocket": "f",
    "Flask.after_websocket": "f",
    "Flask.teardown_websocket": "f",
    "Flask.before_serving": "f",
    "Flask.while_serving": "f",
    "Flask.after_serving": "f",
    "Flask.add_background_task": "func *args **kwargs",
    "Flask.ensure_async": "func",
    "Flask.sync_to_async": "func",
    "Flask.run_task": "host='127.0.0.1' port=5000 debug=None ca_certs=None certfile=None"
    " keyfile=None shutdown_trigger=None",
    "Flask.test_app": "",
    "Flask.asgi_app": "scope receive send",
    "Flask.startup": "",
    "Flask.shutdown": "",
    "Blueprint.websocket": "rule **options",
    "Blueprint.add_websocket": "rule endpoint=None view_func=None **options",
    "Blueprint.before_websocket": "f",
    "Blueprint.after_websocket": "f",
    "Blueprint.teardown_websocket": "f",
    "Blueprint.before_app_websocket": "f",
    "Blueprint.after_app_websocket": "f",
    "Blueprint.teardown_app_websocket": "f",
    "Blueprint.before_app_serving": "f",
    "Blueprint.while_app_serving": "f",
    "Blueprint.after_app_serving": "f",
}


def functions(holder):
    """The functions of a class, the constructor included, or the public ones of a module."""
    package = getattr(holder, "__module__", holder.__name__).partition(".")[0]
    found = {}
    for name in dir(holder):
        value = inspect.getattr_static(holder, name)
        value = value.__func__ if isinstance(value, staticmethod) else value
        if inspect.isfunction(value) and value.__module__.startswith(package):
            found[name] = value
    return {name: f for name, f in found.items() if name[0] != "_" or name == "__init__"}


def parameters(function):
    return [
        (parameter.name, parameter.kind, plain(parameter.default))
        for parameter in inspect.signature(function).parameters.values()
    ]


def plain(default):
    """A sentinel is another object in each library."""
    return "sentinel" if type(default) is object else default


CASES = [
    (api, name)
    for api, (theirs, _) in APIS.items()
    for name in functions(theirs)
    if (api, name) not in ELSEWHERE
]


@pytest.mark.parametrize(("api", "name"), CASES, ids=[".".join(case) for case in CASES])
def test_a_signature_is_that_of_flask(api, name):
    theirs, ours = APIS[api]

    assert parameters(getattr(ours, name)) == parameters(getattr(theirs, name))


@pytest.mark.parametrize("name", ["Flask", "Blueprint", "BlueprintSetupState"])
def test_a_property_stays_a_property(name):
    theirs, ours = APIS[name]
    properties = [attribute for attribute, value in vars(theirs).items() if is_property(value)]

    assert [name for name in properties if callable(getattr(ours, name))] == []


def is_property(value):
    return hasattr(value, "__get__") and not callable(value) and not isinstance(value, staticmethod)


@pytest.mark.parametrize("name", QUART)
def test_what_quart_adds_is_here(name):
    """The names of hooks' arguments are Flask's (``f``)."""
    api, _, method = name.partition(".")
    signature = inspect.signature(getattr(APIS[api][1], method))
    shown = [str(p.replace(annotation=p.empty)) for p in signature.parameters.values()]

    assert " ".join(shown[1:]).replace(" = ", "=") == QUART[name]


@pytest.mark.parametrize("name", [name for name in vars(flask.typing) if name.endswith("Callable")])
def test_each_type_of_a_callable_is_here(name):
    assert name in vars(asyncflask.typing)


@pytest.mark.parametrize(
    "name", ["ResponseValue", "HeaderValue", "HeadersValue", "ResponseReturnValue", "ResponseClass"]
)
def test_each_type_of_a_result_is_here(name):
    assert name in vars(flask.typing)
    assert name in vars(asyncflask.typing)


def test_the_facade_has_flasks_whole_surface():
    """Every public name of Flask 3.1.3, with kind and signature (``tests/compat/surface.py``)."""
    script = Path(__file__).parents[1] / "compat" / "surface.py"
    command = [sys.executable, str(script), "--of", "flask"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=script.parents[2])

    assert "0 missing, 0 with a different signature (0 differences)" in done.stdout, done.stdout
