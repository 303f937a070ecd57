"""Where a name of Flask or Quart is in asyncflask."""

from __future__ import annotations

import pytest

from asyncflask.port.targets import exists, new_name


@pytest.mark.parametrize(
    ("name", "package", "new"),
    [
        ("flask.views.View", "asyncflask", "asyncflask.views.View"),
        ("flask.views", "asyncflask.flask", "asyncflask.flask.views"),
        ("quart.Quart", "asyncflask", "asyncflask.Flask"),
        ("flask.Markup", "asyncflask.flask", "markupsafe.Markup"),
        ("asyncflask.flask.g", "asyncflask", "asyncflask.g"),
        ("flask.no_such_name", "asyncflask", ""),
        ("flaskr.db", "asyncflask", "flaskr.db"),
    ],
)
def test_a_name_has_one_place(name: str, package: str, new: str) -> None:
    assert new_name(name, package) == new


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("asyncflask.views.View", True),
        ("asyncflask.nothing", False),
        ("no_such_package.name", False),
    ],
)
def test_a_name_exists_if_it_can_be_imported(name: str, found: bool) -> None:
    assert exists(name) is found
