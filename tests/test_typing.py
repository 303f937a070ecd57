"""The types that users write in annotations: they can be evaluated, and are correct."""

from __future__ import annotations

import inspect
import typing

import pytest
from jinja2 import Template

from asyncflask import Flask, Request, templating
from asyncflask import typing as ft

RENDERING = [
    f"{verb}_template{text}{end}"
    for verb in ("render", "stream")
    for text in ("", "_string")
    for end in ("", "_async")
]

ALIASES = [
    name for name in vars(ft) if name[0].isupper() and not hasattr(typing, name) and name != "Union"
]


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_can_be_evaluated_in_an_annotation(name):
    """Tools such as pydantic read the hints at run time."""

    def view(value):
        pass

    view.__annotations__ = {"value": f"ft.{name}"}

    assert typing.get_type_hints(view, {"ft": ft})["value"] is not None


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("AfterServingCallable", "BeforeServingCallable"),
        ("BeforeWebsocketCallable", "BeforeRequestCallable"),
    ],
)
def test_quarts_names_for_callables_are_here(name, same):
    assert getattr(ft, name) == getattr(ft, same)


@pytest.mark.parametrize(
    "name",
    [
        "create_global_jinja_loader",
        "create_jinja_environment",
        "test_app",
        "test_cli_runner",
        "test_client",
    ],
)
def test_hints_that_name_what_is_imported_late_are_resolved(name):
    assert isinstance(typing.get_type_hints(getattr(Flask, name))["return"], type)


@pytest.mark.parametrize("name", ["jinja_env", "jinja_loader", "cli"])
def test_hints_of_properties_that_name_what_is_imported_late_are_resolved(name):
    assert typing.get_type_hints(inspect.getattr_static(Flask, name).fget).keys() == {"return"}


def test_hints_of_the_classes_are_resolved():
    assert typing.get_type_hints(Flask)["jinja_environment"] == type[templating.Environment]
    for name in ("url_rule", "routing_exception"):
        assert typing.get_type_hints(inspect.getattr_static(Request, name).fget)["return"]


@pytest.mark.parametrize("name", RENDERING)
def test_hints_of_what_renders_are_resolved(name):
    names = str | Template | list[str | Template]

    hints = typing.get_type_hints(getattr(templating, name))

    assert hints.get("template_name_or_list", names) == names
