from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import flask
import pytest

from asyncflask import Blueprint, Flask, current_app
from asyncflask.cli import (
    NoAppException,
    find_app_by_string,
    find_best_app,
    locate_app,
    prepare_import,
)
from asyncflask.cli.locate import is_app

Write = Callable[[str, str], Path]


def module(**names: Any) -> ModuleType:
    made = ModuleType("shop")
    vars(made).update(names)
    return made


def make(name: str) -> Callable[..., Flask]:
    def create_app(*args: Any) -> Flask:
        return Flask(name)

    return create_app


@pytest.mark.parametrize("name", ["app", "application", "anything"])
def test_the_app_of_a_module_is_found(name: str) -> None:
    app = Flask("x")

    assert find_best_app(module(**{name: app})) is app


def test_common_names_win_over_others() -> None:
    app = Flask("x")

    assert find_best_app(module(other=Flask("y"), application=app)) is app


def test_one_app_under_two_names_is_one_app() -> None:
    app = Flask("x")

    assert find_best_app(module(one=app, two=app)) is app


@pytest.mark.parametrize("name", ["create_app", "make_app"])
def test_factory_is_called(name: str) -> None:
    assert find_best_app(module(**{name: make("made")})).import_name == "made"


def test_factory_with_defaults_is_called() -> None:
    def create_app(name: str = "default") -> Flask:
        return Flask(name)

    assert find_best_app(module(create_app=create_app)).import_name == "default"


def test_several_apps_are_named_in_the_error() -> None:
    with pytest.raises(NoAppException, match=r"several apps: one, two\..*--app shop:one"):
        find_best_app(module(one=Flask("x"), two=Flask("y")))


def test_a_proxy_in_the_module_is_not_taken_for_an_app() -> None:
    app = Flask("x")

    assert not is_app(current_app)
    assert find_best_app(module(current_app=current_app, mine=app)) is app


@pytest.mark.parametrize("name", [None, "create_app", "create_app()"])
def test_a_factory_of_an_app_of_flask_itself_is_named_in_the_error(name: str | None) -> None:
    made = module(create_app=lambda: flask.Flask("shop"))

    with pytest.raises(
        NoAppException, match=r"create_app(\(\))?' is a flask\.app\.Flask: .* asyncflask --as-flask"
    ):
        find_app_by_string(made, name) if name else find_best_app(made)


def test_an_app_of_flask_itself_is_named_in_the_error() -> None:
    with pytest.raises(NoAppException, match=r"'app' is a flask\.app\.Flask: import Flask from"):
        find_best_app(module(app=flask.Flask("x")))


def test_the_class_is_not_an_app() -> None:
    with pytest.raises(NoAppException, match="no asyncflask app and no factory"):
        find_best_app(module(Flask=Flask))


def test_a_factory_that_returns_no_app_is_ignored() -> None:
    found = module(create_app=lambda: None, make_app=make("made"))

    assert find_best_app(found).import_name == "made"


def test_a_factory_that_needs_arguments_is_an_error_that_says_so() -> None:
    def create_app(config: str) -> Flask:
        return Flask(config)

    with pytest.raises(NoAppException, match="missing 1 required positional argument: 'config'"):
        find_best_app(module(create_app=create_app))


def test_type_error_inside_a_factory_is_not_hidden() -> None:
    def create_app() -> Flask:
        raise TypeError("from inside")

    with pytest.raises(TypeError, match="from inside"):
        find_best_app(module(create_app=create_app))


def test_async_factory_is_explained() -> None:
    async def create_app() -> Flask:
        return Flask("x")

    with pytest.raises(NoAppException, match=r"`async def`.*before_serving"):
        find_best_app(module(create_app=create_app))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("app", "plain"),
        ("  app ", "plain"),
        ("build", "build"),
        ("build()", "build"),
        ("build('a')", "a"),
        ("build(name='b',)", "b"),
        ("build(*['c'])", None),
        ("build('d', extra={'k': [1, None]})", "d"),
    ],
)
def test_app_is_found_by_string(call: str, name: str | None) -> None:
    def build(name: str = "build", extra: Any = None) -> Flask:
        return Flask(name)

    found = module(app=Flask("plain"), build=build)

    if name is None:
        with pytest.raises(NoAppException, match="not all literals"):
            find_app_by_string(found, call)
    else:
        assert find_app_by_string(found, call).import_name == name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("", "as a plain name"),
        ("a b", "as a plain name"),
        ("app.other", "as a plain name"),
        ("apps['x']", "as a plain name"),
        ("obj.build()", "as a plain name"),
        ("build(", "as a plain name"),
        ("\0", "as a plain name"),
        ("build(name)", "not all literals"),
        ("build(1, 2)", "could not be called so"),
        ("missing", "no attribute 'missing'"),
        ("number", r"'shop:number' is a builtins\.int"),
        ("pages", r"'shop:pages' is an asyncflask\..*Blueprint, not"),
        ("wrong()", r"'shop:wrong\(\)' is a builtins\.NoneType"),
    ],
)
def test_an_invalid_string_is_explained(call: str, message: str) -> None:
    pages = Blueprint("pages", __name__)
    found = module(build=make("x"), number=1, pages=pages, wrong=lambda: None)
    vars(found)["build"] = lambda one: Flask("x")

    with pytest.raises(NoAppException, match=message):
        find_app_by_string(found, call)


def test_no_code_is_run_by_a_string() -> None:
    with pytest.raises(NoAppException, match="not all literals"):
        find_app_by_string(module(build=make("x")), "build(__import__('os').getcwd())")


@pytest.mark.parametrize(
    ("path", "folder", "name"),
    [
        ("hello", "", "hello"),
        ("hello.py", "", "hello"),
        ("pkg", "", "pkg"),
        ("pkg/__init__.py", "", "pkg"),
        ("pkg/deep/module.py", "", "pkg.deep.module"),
        ("plain/hello.py", "plain", "hello"),
        ("plain/dotted.name", "plain", "dotted.name"),
    ],
)
def test_path_becomes_a_name(
    write: Write, tmp_path: Path, path: str, folder: str, name: str
) -> None:
    write("pkg/__init__.py", "")
    write("pkg/deep/__init__.py", "")

    assert prepare_import(path) == name
    assert Path(sys.path[0]) == (tmp_path / folder).resolve()


def test_located_by_name_and_without(write: Write) -> None:
    write("located.py", "from asyncflask import Flask\none = Flask('one')")
    name = prepare_import("located.py")

    assert locate_app(name, None).import_name == "one"
    assert locate_app(name, "one").import_name == "one"


def test_missing_module_is_one_line() -> None:
    with pytest.raises(NoAppException, match=r"Could not import 'no_such_module'.*--app") as error:
        locate_app("no_such_module", None)

    assert "Traceback" not in error.value.message
    assert locate_app("no_such_module", None, raise_if_not_found=False) is None


def test_failed_import_inside_shows_where(write: Write) -> None:
    write("broken.py", "import math\nimport no_such_module\n")

    with pytest.raises(NoAppException, match="an import in it failed") as error:
        locate_app(prepare_import("broken.py"), None, raise_if_not_found=False)

    assert "line 2" in error.value.message
    assert "locate.py" not in error.value.message


def test_other_errors_of_the_module_pass_through(write: Write) -> None:
    write("syntax.py", "def")

    with pytest.raises(SyntaxError, match="invalid syntax"):
        locate_app(prepare_import("syntax.py"), None)
