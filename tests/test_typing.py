"""The types that users write in annotations: they can be evaluated, and mean what they say."""

from __future__ import annotations

import typing

import pytest

from asyncflask import typing as ft

ALIASES = [
    name for name in vars(ft) if name[0].isupper() and not hasattr(typing, name) and name != "Union"
]


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_can_be_evaluated_in_an_annotation(name):
    """Tools such as pydantic ask for the hints at run time."""

    def view(value):
        pass

    view.__annotations__ = {"value": f"ft.{name}"}

    assert typing.get_type_hints(view, {"ft": ft, **names_for_checkers()})["value"] is not None


def names_for_checkers():
    """What ``asyncflask.typing`` imports for type checkers alone."""
    from wsgiref.types import WSGIApplication

    from werkzeug.datastructures import Headers
    from werkzeug.sansio.response import Response

    return {"WSGIApplication": WSGIApplication, "Headers": Headers, "Response": Response}


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("AfterServingCallable", "BeforeServingCallable"),
        ("BeforeWebsocketCallable", "BeforeRequestCallable"),
    ],
)
def test_quarts_names_for_callables_are_here(name, same):
    assert getattr(ft, name) == getattr(ft, same)
