"""The folders in which an app's files are searched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import flask
import pytest
from flask.sansio.scaffold import find_package as flask_find_package

from asyncflask.resources import (
    find_instance_path,
    find_package,
    get_root_path,
    open_instance_resource,
    open_resource,
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose packages can be imported during the test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    "name", ["shop_module", "shop_package", "shop_package.sub", "shop_space.a"]
)
def test_root_path_and_package_are_those_that_flask_finds(site: Path, name: str) -> None:
    write(site, "shop_module.py", "shop_package/__init__.py", "shop_package/sub.py")
    write(site, "shop_space/a/__init__.py")

    assert get_root_path(name) == flask.helpers.get_root_path(name)
    assert find_package(name) == flask_find_package(name) == (None, str(site))


def test_the_root_path_is_the_same_before_and_after_the_import(site: Path) -> None:
    write(site, "shop_package/__init__.py")
    before = get_root_path("shop_package")
    __import__("shop_package")

    assert before == get_root_path("shop_package") == str(site / "shop_package")


@pytest.mark.parametrize("name", ["__main__", "not_installed_anywhere", "not.there", ""])
def test_the_root_path_of_a_name_without_a_file_is_the_working_directory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))

    assert get_root_path(name) == str(tmp_path)
    assert find_package(name) == (None, str(tmp_path))


def test_a_namespace_package_has_no_root_path(site: Path) -> None:
    write(site, "shop_space/a.py")
    __import__("shop_space.a")

    message = r"'shop_space' has no file.*\n\nGive the folder: .*root_path="
    with pytest.raises(RuntimeError, match=message):
        get_root_path("shop_space")


def test_a_module_whose_loader_has_no_file_names_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hook:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
            return ModuleSpec(name, self) if name == "shop_hooked" else None  # type: ignore[arg-type]

        def create_module(self, spec: ModuleSpec) -> None:
            return None

        def exec_module(self, module: ModuleType) -> None:
            module.__file__ = "/hooked/shop.py"

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Hook()])
    monkeypatch.delitem(sys.modules, "shop_hooked", raising=False)

    assert get_root_path("shop_hooked") == "/hooked"
    del sys.modules["shop_hooked"]


def test_a_namespaces_folder_is_the_one_that_holds_the_package(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(site, "one/shop_space/a/__init__.py", "two/shop_space/b/__init__.py")
    for name in ("two", "one"):
        monkeypatch.syspath_prepend(site / name)

    assert find_package("shop_space.b") == (None, str(site / "two"))
    assert find_package("shop_space.missing") == (None, str(site / "one"))


@pytest.mark.parametrize(
    ("packages", "prefix"),
    [
        ("env/lib/python3.11/site-packages", "env"),
        ("env/Lib/site-packages", "env"),
        ("env/site-packages", "env"),
        ("env/elsewhere", None),
    ],
)
def test_the_prefix_of_an_installed_package_is_its_environment(
    site: Path, monkeypatch: pytest.MonkeyPatch, packages: str, prefix: str | None
) -> None:
    write(site / packages, "shop_installed/__init__.py")
    monkeypatch.syspath_prepend(site / packages)
    expected = str(site / prefix) if prefix else None

    assert find_package("shop_installed") == (expected, str(site / packages))
    assert find_package("shop_installed") == flask_find_package("shop_installed")


def test_a_package_in_the_systems_prefix_is_installed_there(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(site, "shop_installed.py")
    monkeypatch.setattr(sys, "prefix", str(site))

    assert find_package("shop_installed") == (str(site), str(site))
    assert find_instance_path("shop_installed", "shop") == str(site / "var" / "shop-instance")


def test_the_instance_folder_is_beside_a_package_that_is_not_installed(site: Path) -> None:
    write(site, "shop_package/__init__.py")

    assert find_instance_path("shop_package", "shop") == str(site / "instance")


@pytest.mark.parametrize(("mode", "content"), [("rb", b"\xc3\xbc"), ("r", "ü"), ("rt", "ü")])
def test_a_resource_is_read_as_bytes_or_text(tmp_path: Path, mode: str, content: Any) -> None:
    (tmp_path / "schema.sql").write_text("ü", "utf-8")
    with open_resource(str(tmp_path), "schema.sql", mode, "utf-8") as file:
        assert file.read() == content


@pytest.mark.parametrize("mode", ["w", "wb", "a", "x", "r+", "rb+"])
def test_a_resource_is_never_opened_for_writing(tmp_path: Path, mode: str) -> None:
    with pytest.raises(ValueError, match=r"mode='.*reading only\.\n\nUse mode='rb' or mode='r'"):
        open_resource(str(tmp_path), "schema.sql", mode)


def test_an_instance_resource_may_be_written(tmp_path: Path) -> None:
    with open_instance_resource(str(tmp_path), "state", "w") as file:
        file.write("ü")
    with open_instance_resource(str(tmp_path), "state") as file:
        assert file.read() == "ü".encode()
