"""install(): after it, and only then, ``import quart`` is ``asyncflask.quart``."""

from __future__ import annotations

import sys

import pytest

import asyncflask
import asyncflask.quart
from asyncflask.quart.install import MODULES, QUART_VERSION, install
from asyncflask.testing import WebsocketResponseError

NOTE = "It was raised by a proxy of the real Quart."

BEGIN = "import asyncflask.quart\nasyncflask.quart.install()\n"


def test_the_package_and_its_modules_are_the_same_objects(python):
    names = sorted(MODULES - {"__main__"})
    code = (
        f"{BEGIN}import importlib, quart\n"
        f"same = [importlib.import_module(f'quart.{{name}}')"
        f" is importlib.import_module(f'asyncflask.quart.{{name}}') for name in {names!r}]\n"
        "print(quart is asyncflask.quart, quart.__name__, all(same), len(same))"
    )

    assert python("-c", code) == f"True quart True {len(names)}"


@pytest.mark.parametrize("api", [asyncflask.quart.Quart, asyncflask.Flask], ids=["facade", "async"])
@pytest.mark.parametrize("name", ["request", "g", "session", "current_app"])
async def test_the_error_of_a_proxy_of_the_real_quart_says_what_to_do(api, name, caplog):
    quart = pytest.importorskip("quart", reason="the real Quart is not installed")
    app = api("app", root_path=".")
    app.get("/")(lambda: getattr(quart, name).name)

    response = await app.test_client().get("/")

    assert response.status_code == 500
    assert NOTE in caplog.text
    assert "asyncflask.quart.install()" in caplog.text


async def test_the_error_of_the_real_quarts_websocket_says_what_to_do(caplog):
    quart = pytest.importorskip("quart", reason="the real Quart is not installed")
    app = asyncflask.Flask("app")

    @app.websocket("/")
    async def chat():
        await quart.websocket.send("hello")

    with pytest.raises(WebsocketResponseError, match="500"):
        async with app.test_client().websocket("/"):
            pass

    assert NOTE in caplog.text


async def test_another_error_has_no_note_on_quart(caplog):
    pytest.importorskip("quart", reason="the real Quart is not installed")
    app = asyncflask.quart.Quart("app", root_path=".")

    @app.get("/")
    async def view():
        raise RuntimeError("Not within a range.")

    await app.test_client().get("/")

    assert NOTE not in caplog.text


def test_the_distribution_has_quarts_version(python):
    code = BEGIN + (
        "import sys\nfrom importlib import metadata\n"
        "metadata.version('asyncflask')\n"  # It imports some of its modules late.
        "own = sys.meta_path[-1]\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if not hasattr(f, 'find_distributions')]\n"
        "sys.meta_path.append(own)\n"
        "print(metadata.version('quart'), metadata.metadata('Quart')['Name'])"
    )

    assert python("-c", code) == f"{QUART_VERSION} Quart"


def test_nothing_happens_on_plain_import(python):
    code = (
        "import os, sys; path, environ = list(sys.meta_path), dict(os.environ)\n"
        "import asyncflask.quart, asyncflask.quart.cli\n"
        "print(path == sys.meta_path, environ == dict(os.environ), 'quart' in sys.modules)"
    )

    assert python("-c", code) == "True True False"


def test_flask_stays_what_it_is(python):
    assert python("-c", f"{BEGIN}import flask; print(flask.Flask.__module__)") == "flask.app"


def test_both_facades_may_be_installed(python):
    code = f"import asyncflask.flask\nasyncflask.flask.install()\n{BEGIN}" + (
        "import flask, quart; print(flask.Flask.__module__, quart.Quart.__module__)"
    )

    assert python("-c", code) == "asyncflask.flask.app asyncflask.quart.app"


def test_install_after_quart_was_imported_is_refused():
    pytest.importorskip("quart", reason="the real Quart is not installed")
    path = list(sys.meta_path)

    with pytest.raises(RuntimeError, match=r"was called after <module 'quart'.*Call it first"):
        install()
    assert sys.meta_path == path


def test_child_processes_get_it_by_the_command(python):
    code = (
        "import asyncflask.quart, os, subprocess\nasyncflask.quart.install(children=True)\n"
        "print(subprocess.run(['quart', '--version'], capture_output=True, text=True).stdout)"
    )

    assert f"Quart {QUART_VERSION} (on asyncflask" in python("-c", code)
