"""What apps and blueprints have in common."""

from __future__ import annotations

import os

import pytest

from asyncflask import Blueprint, Flask
from asyncflask.sansio.scaffold import Scaffold


def test_the_root_path_is_found_from_the_import_name():
    assert Flask(__name__).root_path == os.path.dirname(__file__)
    assert Blueprint("b", __name__).root_path == os.path.dirname(__file__)


def test_add_url_rule_is_for_apps_and_blueprints():
    class Other(Scaffold):
        def _check_setup_finished(self, f_name):
            pass

    with pytest.raises(NotImplementedError, match="register rules in their own way"):
        Other("other").get("/")(lambda: "")


def test_the_end_of_setup_is_known_by_apps_and_blueprints():
    with pytest.raises(NotImplementedError, match="when their setup is over"):
        Scaffold("other").before_request(lambda: None)


@pytest.mark.parametrize(
    ("make", "name"), [(lambda: Flask(None), "Flask"), (lambda: Blueprint("a", 5), "Blueprint")]
)
def test_an_import_name_that_is_no_text_is_refused(make, name):
    with pytest.raises(TypeError, match=rf"of a {name} is no text\. Write `__name__`\."):
        make()
