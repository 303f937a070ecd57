"""The decorators of hooks, on an app and on a blueprint."""

from __future__ import annotations

import pytest

import asyncflask.flask
from asyncflask import Flask

#: decorator → registry
HOOKS = {
    "before_request": "before_request_funcs",
    "after_request": "after_request_funcs",
    "teardown_request": "teardown_request_funcs",
    "before_websocket": "before_websocket_funcs",
    "after_websocket": "after_websocket_funcs",
    "teardown_websocket": "teardown_websocket_funcs",
    "context_processor": "template_context_processors",
    "url_value_preprocessor": "url_value_preprocessors",
    "url_defaults": "url_default_functions",
}


@pytest.mark.parametrize(("decorator", "registry"), HOOKS.items())
def test_a_hook_is_returned_and_is_in_flasks_registry(scaffold, decorator, registry):
    def hook(*args):
        return args

    assert getattr(scaffold, decorator)(hook) is hook
    assert getattr(scaffold, registry)[None][-1] is hook


@pytest.mark.parametrize("name", [*HOOKS, "before_serving", "teardown_appcontext"])
@pytest.mark.parametrize("cls", [Flask, asyncflask.flask.Flask])
def test_a_hook_that_is_no_function_is_refused_where_it_is_registered(cls, name):
    app = cls("shop")
    with pytest.raises(TypeError, match=rf"{name}\(\) was given 5, which is no function\. Write"):
        getattr(app, name)(5)
    with pytest.raises(TypeError, match=rf"called without a function\. Write `@app\.{name}`"):
        getattr(app, name)()
