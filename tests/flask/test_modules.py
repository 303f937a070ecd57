"""What can be imported: Flask's modules, and the names that people import from them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import FunctionType, ModuleType

import pytest

MODULES = [
    "flask",
    "flask.app",
    "flask.blueprints",
    "flask.cli",
    "flask.config",
    "flask.ctx",
    "flask.debughelpers",
    "flask.globals",
    "flask.helpers",
    "flask.json",
    "flask.json.provider",
    "flask.json.tag",
    "flask.logging",
    "flask.sansio.app",
    "flask.sansio.blueprints",
    "flask.sansio.scaffold",
    "flask.sessions",
    "flask.signals",
    "flask.templating",
    "flask.testing",
    "flask.typing",
    "flask.views",
    "flask.wrappers",
]


def handed_on(module: ModuleType) -> dict[str, object]:
    """What a module has of Flask and its libraries under the name that it has at home."""
    found = {}
    for name, value in vars(module).items():
        home = str(getattr(value, "__module__", None) or type(value).__module__)
        if name.startswith("_") or isinstance(value, ModuleType):
            continue
        if home.partition(".")[0] in sys.stdlib_module_names:
            continue
        if isinstance(value, type) and value.__name__ != name:
            continue
        found[name] = value
    return found


@pytest.mark.parametrize("name", MODULES)
def test_every_module_hands_on_what_flasks_does(name: str):
    theirs = handed_on(importlib.import_module(name))
    ours = vars(importlib.import_module(f"asyncflask.{name}"))

    assert theirs.keys() - ours.keys() == set()


@pytest.mark.parametrize("name", MODULES)
def test_what_is_a_librarys_is_the_same_object(name: str):
    ours = vars(importlib.import_module(f"asyncflask.{name}"))
    theirs = {
        key: value
        for key, value in handed_on(importlib.import_module(name)).items()
        if isinstance(value, (type, FunctionType))
        and not value.__module__.startswith("flask")
        and "<locals>" not in value.__qualname__  # made by a library's decorator, in Flask
    }

    assert {key: ours[key] for key in theirs} == theirs


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("app", "_cv_app"),
        ("app", "_cv_request"),
        ("helpers", "_cv_request"),
        ("sansio.app", "_endpoint_from_view_func"),
        ("sansio.scaffold", "_endpoint_from_view_func"),
    ],
)
def test_private_names_that_extensions_import(module: str, name: str):
    assert hasattr(importlib.import_module(f"asyncflask.flask.{module}"), name)


def loaded_by(package: str) -> set[str]:
    code = f"import sys, {package}; print(*(name for name in sys.modules))"
    names = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    return {name.removeprefix("asyncflask.") for name in names if name.startswith(package)}


def test_importing_the_package_loads_the_modules_that_it_loads_in_flask():
    """``import flask`` is enough for ``flask.cli.AppGroup`` and ``flask.json.provider``."""
    assert loaded_by("flask") - loaded_by("asyncflask.flask") == set()
