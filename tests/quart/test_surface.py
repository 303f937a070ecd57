"""Every public name of Quart is in the facade, with Quart's signature."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

import pytest

from asyncflask.quart.install import MODULES, QUART_VERSION

quart = pytest.importorskip("quart", reason="the real Quart is not installed")
SURFACE = Path(__file__).parents[1] / "compat" / "surface.py"


@pytest.fixture(scope="module")
def found():
    spec = importlib.util.spec_from_file_location("surface", SURFACE)
    surface = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(surface)
    reference = surface.surface("quart")
    modules = {
        name: [f"asyncflask.{name}"]
        for name, entry in reference["names"].items()
        if entry["kind"] == "module"
    }
    return surface.compare("asyncflask.quart", reference, modules, lambda _, name: name, True, True)


def test_every_name_is_there(found):
    assert found["total"] > 1200
    assert found["missing"] == []


def test_every_signature_is_that_of_quart(found):
    assert found["differences"] == []


def test_the_modules_are_those_of_quart():
    folder = Path(quart.__file__).parent
    found = {path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py")}
    names = {".".join(path.parts).removesuffix("__init__").rstrip(".") for path in found}

    assert {name for name in names if name} == MODULES


def test_the_version_is_the_one_that_the_tests_compare_with():
    assert importlib.metadata.version("quart") == QUART_VERSION
