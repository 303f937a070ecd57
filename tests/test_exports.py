"""The names of the package: Flask's and Quart's, each the object that its module defines."""

from __future__ import annotations

import functools
import subprocess
import sys

import flask
import pytest

import asyncflask

#: names of Quart's package that exist here (the app class is called Flask: design D1)
QUART = [
    "Websocket",
    "after_this_websocket",
    "copy_current_app_context",
    "copy_current_websocket_context",
    "got_websocket_exception",
    "has_websocket_context",
    "make_push_promise",
    "websocket",
    "websocket_finished",
    "websocket_started",
    "websocket_tearing_down",
    "ResponseReturnValue",
]


def _flask_names() -> list[str]:
    return sorted(
        name
        for name, value in vars(flask).items()
        if not name.startswith("_")
        and name not in {"annotations", "t", "sansio"}
        and name not in {"logging", "ctx", "globals", "app", "cli"}
        and value is not None
    )


@pytest.mark.parametrize("name", _flask_names())
def test_every_name_of_flask_is_here(name: str):
    assert hasattr(asyncflask, name)


@pytest.mark.parametrize("name", QUART)
def test_what_async_adds_is_here_under_the_names_of_quart(name: str):
    assert hasattr(asyncflask, name)


@pytest.mark.parametrize("name", ["app", "ctx", "globals", "helpers", "sessions", "views", "cli"])
def test_modules_are_called_as_in_flask(name: str):
    module = __import__(f"asyncflask.{name}", fromlist=[name])

    assert module.__name__ == f"asyncflask.{name}"


#: modules that only some apps use; with them, importing the package takes half as long again
LATE = ("click", "h11", "hypercorn", "jinja2", "werkzeug.debug", "wsproto", "asyncflask.testing")


@pytest.mark.parametrize("name", ["flask", "quart", *LATE])
def test_importing_asyncflask_does_not_import(name: str):
    assert name not in _imported_with_asyncflask()


@pytest.mark.parametrize("name", ["flask", "h11", "wsproto", "asyncflask.testing"])
def test_importing_the_facade_does_not_import(name: str):
    assert name not in _imported_with_asyncflask(".flask")


@functools.cache
def _imported_with_asyncflask(facade: str = "") -> set[str]:
    code = f"import sys, asyncflask{facade} as api; api.Flask('shop'); print(*sys.modules)"
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert "asyncflask" in printed
    return set(printed.split())
