"""Filling the configuration, and reading it."""

from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask
import pytest

from asyncflask.config import DEFAULT_CONFIG, Config, ConfigAttribute

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path)


def test_flasks_keys_have_flasks_defaults() -> None:
    theirs = dict(flask.Flask.default_config)

    assert {key: DEFAULT_CONFIG[key] for key in theirs} == theirs


def test_defaults_cannot_be_changed_for_all_apps() -> None:
    with pytest.raises(TypeError, match="immutable"):
        DEFAULT_CONFIG["DEBUG"] = True  # type: ignore[index]  # that is the point


@pytest.mark.parametrize("key", DEFAULT_CONFIG)
def test_every_key_is_in_the_reference(key: str) -> None:
    assert f"| `{key}` |" in REFERENCE.read_text("utf-8")


def test_from_pyfile_takes_names_in_upper_case_only(config: Config, tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("lower = 1\nUPPER = lower + 1\nHERE = __file__\n")

    assert config.from_pyfile("settings.py") is True
    assert config == {"UPPER": 2, "HERE": str(tmp_path / "settings.py")}


def test_from_pyfile_decodes_as_python_does(config: Config, tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_bytes("# -*- coding: latin-1 -*-\nA = 'ü'".encode("latin-1"))
    config.from_pyfile("settings.py")

    assert config["A"] == "ü"


@pytest.mark.parametrize("missing", ["missing.py", "", "settings.py/below"])
def test_a_missing_file_is_ignored_only_with_silent(
    config: Config, tmp_path: Path, missing: str
) -> None:
    (tmp_path / "settings.py").touch()

    assert config.from_pyfile(missing, silent=True) is False
    assert config.from_file(missing, load=json.load, silent=True) is False
    with pytest.raises(OSError, match="Unable to load configuration file"):
        config.from_pyfile(missing)
    with pytest.raises(OSError, match="Unable to load configuration file"):
        config.from_file(missing, load=json.load)


def test_an_error_inside_the_file_is_never_ignored(config: Config, tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("open('/does/not/exist')")

    with pytest.raises(FileNotFoundError, match=r"^\[Errno 2\] No such file"):
        config.from_pyfile("settings.py", silent=True)


def test_from_object_takes_classes_instances_and_import_names(config: Config) -> None:
    class Base:
        A = 1
        ignored = 2

    class Production(Base):
        @property
        def B(self) -> int:
            return self.A + 1

    config.from_object(Production())
    config.from_object("socket.SocketKind")

    assert (config["A"], config["B"]) == (1, 2)
    assert "SOCK_STREAM" in config
    assert "ignored" not in config


def test_from_object_says_when_a_name_cannot_be_imported(config: Config) -> None:
    with pytest.raises(ImportError, match=r"nothing\.here"):
        config.from_object("nothing.here")


@pytest.mark.parametrize(
    ("text", "load", "as_text"),
    [('{"A": 1, "b": 2}', json.load, True), ("A = 1\nb = 2", tomllib.load, False)],
)
def test_from_file_takes_any_loader(
    config: Config, tmp_path: Path, text: str, load: Any, as_text: bool
) -> None:
    (tmp_path / "data").write_text(text)

    assert config.from_file("data", load=load, text=as_text) is True
    assert config == {"A": 1}


def test_from_mapping_takes_a_mapping_and_keywords(config: Config) -> None:
    assert config.from_mapping({"A": 1, "b": 2}, C=3, d=4) is True
    assert config.from_mapping() is True
    assert config == {"A": 1, "C": 3}


def test_from_envvar_loads_the_file_that_is_named(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.py").write_text("A = 1")
    monkeypatch.setenv("APP_SETTINGS", "settings.py")

    assert config.from_envvar("APP_SETTINGS") is True
    assert config["A"] == 1


def test_from_envvar_says_which_variable_is_missing(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APP_SETTINGS", raising=False)

    assert config.from_envvar("APP_SETTINGS", silent=True) is False
    with pytest.raises(RuntimeError, match=r"'APP_SETTINGS' is not set.*\n\nSet it: APP_SETTINGS="):
        config.from_envvar("APP_SETTINGS")


def test_from_prefixed_env_reads_json_and_else_text(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FLASK_A": "1", "FLASK_B": "one", "FLASK_C": "[true]", "A": "9"}.items():
        monkeypatch.setenv(name, value)

    assert config.from_prefixed_env() is True
    assert {key: config[key] for key in "ABC"} == {"A": 1, "B": "one", "C": [True]}


def test_from_prefixed_env_has_a_prefix_and_a_loader(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_A", "1")
    config.from_prefixed_env("MY", loads=str)

    assert config == {"A": "1"}


def test_from_prefixed_env_goes_into_dictionaries(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config["DB"] = {"HOST": "old", "PORT": 1}
    for name, value in {"MY_DB__HOST": "new", "MY_NEW__A__B": "2"}.items():
        monkeypatch.setenv(name, value)
    config.from_prefixed_env("MY")

    assert config == {"DB": {"HOST": "new", "PORT": 1}, "NEW": {"A": {"B": 2}}}


def test_get_namespace_selects_by_prefix(config: Config) -> None:
    config.update(IMAGE_TYPE="fs", IMAGE_PATH="/var", OTHER=1)

    assert config.get_namespace("IMAGE_") == {"type": "fs", "path": "/var"}
    assert config.get_namespace("IMAGE_", lowercase=False) == {"TYPE": "fs", "PATH": "/var"}
    assert config.get_namespace("IMAGE_P", trim_namespace=False) == {"image_path": "/var"}


def test_a_config_shows_its_class_and_content(config: Config) -> None:
    config["A"] = 1

    assert repr(config) == "<Config {'A': 1}>"


class App:
    testing = ConfigAttribute[bool]("TESTING")
    lifetime = ConfigAttribute("LIFETIME", get_converter=lambda days: timedelta(days=days))

    def __init__(self) -> None:
        self.config = Config("/", {"TESTING": False, "LIFETIME": 1})


def test_an_attribute_reads_and_sets_a_key() -> None:
    app = App()
    app.testing = True  # type: ignore[assignment]  # a descriptor that takes anything

    assert app.config["TESTING"] is app.testing is True


def test_an_attribute_may_convert() -> None:
    assert App().lifetime == timedelta(days=1)


def test_an_attribute_of_the_class_is_itself() -> None:
    assert isinstance(App.testing, ConfigAttribute)
