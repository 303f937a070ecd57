"""Flask's modules, and the names that users import from them."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from types import FunctionType, ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import flask.templating
import pytest
from jinja2 import DictLoader

import asyncflask.flask

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
    """Return the names that a module imports from Flask and its libraries."""
    found = {}
    for name, value in vars(module).items():
        home = str(getattr(value, "__module__", None) or type(value).__module__)
        if name.startswith("_") or isinstance(value, ModuleType):
            continue
        if home.partition(".")[0] in sys.stdlib_module_names:
            continue
        found[name] = value
    return found


@pytest.mark.parametrize("name", MODULES)
def test_every_module_re_exports_the_names_that_flasks_does(name: str):
    theirs = handed_on(importlib.import_module(name))
    ours = vars(importlib.import_module(f"asyncflask.{name}"))

    assert theirs.keys() - ours.keys() == set()


@pytest.mark.parametrize("name", MODULES)
def test_a_name_of_a_library_is_the_same_object(name: str):
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
        ("helpers", "_prepare_send_file_kwargs"),
        ("helpers", "_split_blueprint_path"),
        ("helpers", "_wz_abort"),
        ("helpers", "_wz_redirect"),
        ("json", "_default"),
        ("json.provider", "_default"),
        ("sessions", "_lazy_sha1"),
        ("templating", "_render"),
        ("templating", "_stream"),
        ("wrappers", "_split_blueprint_path"),
        ("sansio.app", "_endpoint_from_view_func"),
        ("sansio.scaffold", "_endpoint_from_view_func"),
    ],
)
def test_private_names_that_extensions_import(module: str, name: str):
    assert hasattr(importlib.import_module(f"asyncflask.flask.{module}"), name)


@pytest.mark.parametrize("transport", ["wsgi", "asgi"])
@pytest.mark.parametrize("path", ["def", "async", "stream"])
def test_what_tools_put_in_place_of_render_is_called(monkeypatch, transport: str, path: str):
    """Ddtrace and other tools replace ``flask.templating._render`` to see each template."""
    monkeypatch.setenv("ASYNCFLASK_TEST_TRANSPORT", transport)
    module = asyncflask.flask.templating
    seen = []

    def tracing(original):
        def traced(app, template, context):
            seen.append((app.name, template.name, dict(context)))
            return original(app, template, context)

        return traced

    monkeypatch.setattr(module, "_render", tracing(module._render))
    monkeypatch.setattr(module, "_stream", tracing(module._stream))
    app = asyncflask.flask.Flask("shop", root_path=".")
    app.jinja_env.loader = DictLoader({"tea.html": "A cup of {{ tea }}"})

    @app.get("/def")
    def view():
        text = asyncflask.flask.render_template("tea.html", tea="Assam")
        return text + asyncflask.flask.render_template_string(" or {{ tea }}", tea="Ceylon")

    @app.get("/async")
    async def native():
        return view()

    @app.get("/stream")
    def stream():
        first = asyncflask.flask.stream_template("tea.html", tea="Assam")
        return chain(first, asyncflask.flask.stream_template_string(" or {{ tea }}", tea="Ceylon"))

    assert app.test_client().get(f"/{path}").text == "A cup of Assam or Ceylon"
    assert seen == [("shop", "tea.html", {"tea": "Assam"}), ("shop", None, {"tea": "Ceylon"})]


def loaded_by(package: str) -> set[str]:
    code = f"import sys, {package}; print(*(name for name in sys.modules))"
    names = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    return {name.removeprefix("asyncflask.") for name in names if name.startswith(package)}


def test_importing_the_package_loads_the_modules_that_it_loads_in_flask():
    """``import flask`` is enough for ``flask.cli.AppGroup`` and ``flask.json.provider``."""
    assert loaded_by("flask") - loaded_by("asyncflask.flask") == set()


# -- annotations -----------------------------------------------------------------------------------


def functions_of(owner: Any) -> Iterator[tuple[str, Any]]:
    """The public callables of a module or class: classes, functions, methods, properties."""
    for name in dir(owner):
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        found = inspect.getattr_static(owner, name)
        if isinstance(found, (classmethod, staticmethod)):
            found = found.__func__
        if isinstance(found, property):
            found = found.fget
        if isinstance(found, (type, FunctionType)):
            yield name, found
            if isinstance(owner, ModuleType) and isinstance(found, type):
                for method, function in functions_of(found):
                    yield f"{name}.{method}", function


def is_resolved(function: Any) -> bool:
    try:
        get_type_hints(function)
    except NameError:
        return False
    return True


@pytest.mark.parametrize("name", MODULES)
def test_type_hints_are_resolved_where_flasks_are(name: str):
    """As tools for dependency injection and for API documents read them."""
    theirs = dict(functions_of(importlib.import_module(name)))
    ours = dict(functions_of(importlib.import_module(f"asyncflask.{name}")))
    both = [key for key in theirs.keys() & ours.keys() if is_resolved(theirs[key])]

    assert [key for key in both if not is_resolved(ours[key])] == []
    assert both or not theirs


@pytest.mark.parametrize("name", ["render_template", "stream_template", "render_template_string"])
def test_type_hints_of_templates_are_flasks(name: str):
    theirs = get_type_hints(getattr(flask.templating, name))
    ours = get_type_hints(getattr(asyncflask.flask, name))

    # Flask's Iterator is typing's.
    assert get_origin(ours["return"]) is get_origin(theirs["return"])
    assert get_args(ours.pop("return")) == get_args(theirs.pop("return"))
    assert ours == theirs


@pytest.mark.parametrize("name", ["jinja_env", "create_jinja_environment", "jinja_loader"])
def test_type_hints_of_the_apps_jinja_objects_name_the_same_classes(name: str):
    ours = get_type_hints(dict(functions_of(asyncflask.flask.Flask))[name])["return"]
    theirs = get_type_hints(dict(functions_of(flask.Flask))[name])["return"]

    assert str(ours).replace("asyncflask.templating.environment.", "flask.templating.") == str(
        theirs
    )
