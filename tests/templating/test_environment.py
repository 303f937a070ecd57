"""Jinja's classes as the app uses them. How templates are found is in ``test_rendering.py``."""

from __future__ import annotations

import subprocess
import sys
from collections import ChainMap
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from jinja2.sandbox import SandboxedEnvironment

from asyncflask import Flask, templating
from asyncflask.templating.environment import Environment, Template


@pytest.fixture
def env() -> Environment:
    app: Any = SimpleNamespace()
    return Environment(app, loader=jinja2.DictLoader(TEMPLATES), autoescape=True)


TEMPLATES = {
    "page": "{{ a }}{{ b }}{{ c }}",
    "base": "<{% block body %}{{ a }}{% endblock %}>",
    "child": "{% extends 'base' %}{% block body %}{{ super() }}{% include 'page' %}{% endblock %}",
    "macros": "{% macro show(x) %}{{ x }}{{ a }}{% endmacro %}",
    "caller": "{% from 'macros' import show with context %}{{ show('<') }}",
}


def test_names_come_from_the_call_then_the_template_then_the_environment(env: Environment) -> None:
    env.globals.update(a="env", b="env", c="env")
    page = env.get_template("page", globals={"b": "template", "c": "template"})

    assert page.render(c="given") == "envtemplategiven"


def test_late_globals_of_environment_and_template_are_seen(env: Environment) -> None:
    page = env.get_template("page")
    env.globals["a"] = "late"
    env.get_template("page", globals={"b": "later"})

    assert page.render() == "latelater"


def test_a_rendering_changes_no_globals(env: Environment) -> None:
    page = env.from_string("{% set a = 2 %}{{ a }}")
    page.render(b=1)

    assert not {"a", "b"} & set(env.globals)


def test_globals_of_another_kind_are_left_to_jinja(env: Environment) -> None:
    page = env.get_template("page")
    page.globals = {"a": "a plain dictionary"}

    assert page.render() == "a plain dictionary"


def test_a_name_that_is_no_string_is_refused_as_by_jinja(env: Environment) -> None:
    page = env.get_template("page")

    with pytest.raises(TypeError, match="keywords must be strings"):
        page.render({1: 2})


def test_blocks_includes_and_imports_see_what_they_see_in_jinja(env: Environment) -> None:
    env.globals["b"] = "<global>"
    plain = jinja2.Environment(loader=env.loader, autoescape=True)
    plain.globals["b"] = "<global>"

    for name in ("child", "caller"):
        expected = plain.get_template(name).render(a="&", c="'")
        assert env.get_template(name).render(a="&", c="'") == expected


def test_the_context_knows_which_names_are_globals(env: Environment) -> None:
    """An import without context hands on the globals of the template that imports, by these."""
    page = env.get_template("page", globals={"a": 1})

    assert page.new_context({"b": 2}).globals_keys == {*env.globals, "a"}
    assert page.new_context(locals={"a": 3}).get_all() == {**env.globals, "a": 3}
    assert isinstance(page.globals, ChainMap)


def test_an_app_may_have_an_environment_of_its_own() -> None:
    class Sandbox(SandboxedEnvironment, Environment):
        pass

    class Shop(Flask):
        jinja_environment = Sandbox

    env = Shop(__name__).jinja_env

    assert type(env) is Sandbox
    with pytest.raises(jinja2.exceptions.SecurityError, match="__class__"):
        env.from_string("{{ ''.__class__.x }}").render()


# -- import ----------------------------------------------------------------------------------------


def test_an_app_without_templates_does_not_import_jinja() -> None:
    code = (
        "import sys; from asyncflask import Flask; app = Flask('shop')\n"
        "print('jinja2' in sys.modules, app.jinja_env.template_class, 'jinja2' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.split(maxsplit=1)[0] == "False"
    assert found.stdout.rstrip().endswith("True")


def test_the_classes_are_found_where_flask_has_them() -> None:
    assert templating.Environment is Environment
    assert Flask.jinja_environment is Environment
    assert issubclass(Environment.template_class, Template)
    with pytest.raises(AttributeError, match=r"'asyncflask\.templating' has no .*'Missing'"):
        templating.Missing  # type: ignore[attr-defined]  # that is the question
