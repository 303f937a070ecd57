from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncflask.config.environment import (
    get_debug_flag,
    get_load_dotenv,
    load_dotenv,
    read_variable,
    set_debug_flag,
)
from tests.cli.conftest import untouched_process as untouched_process
from tests.cli.conftest import write as write

Write = Callable[[str, str], Path]


@pytest.mark.parametrize(
    ("value", "debug"),
    [
        ("", False),
        ("0", False),
        ("False", False),
        ("NO", False),
        ("1", True),
        ("true", True),
        ("yes", True),
    ],
)
def test_debug_flag_reads_flask_debug(
    monkeypatch: pytest.MonkeyPatch, value: str, debug: bool
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", value)

    assert get_debug_flag() is debug


def test_debug_is_off_when_nothing_is_set() -> None:
    assert get_debug_flag() is False


def test_own_name_wins_over_flasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_APP", "theirs")
    monkeypatch.setenv("ASYNCFLASK_APP", "ours")

    assert read_variable("APP") == "ours"


def test_empty_own_name_leaves_flasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_APP", "theirs")
    monkeypatch.setenv("ASYNCFLASK_APP", "")

    assert read_variable("APP") == "theirs"


def test_setting_debug_changes_both_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASYNCFLASK_DEBUG", "1")

    set_debug_flag(False)

    assert get_debug_flag() is False
    assert os.environ["FLASK_DEBUG"] == "0"


@pytest.mark.parametrize(
    ("value", "default", "load"),
    [("", True, True), ("", False, False), ("1", True, False), ("0", False, True)],
)
def test_skip_dotenv(
    monkeypatch: pytest.MonkeyPatch, value: str, default: bool, load: bool
) -> None:
    monkeypatch.setenv("FLASK_SKIP_DOTENV", value)

    assert get_load_dotenv(default) is load


def test_given_file_wins_over_env_and_env_over_flaskenv(write: Write) -> None:
    write(".flaskenv", "A=flaskenv\nB=flaskenv\nC=flaskenv")
    write(".env", "A=env\nB=env")
    given = write("given", "A=given")

    assert load_dotenv(given) is True
    assert [os.environ[name] for name in "ABC"] == ["given", "env", "flaskenv"]


def test_environment_wins_over_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "shell")
    write(".env", "A=env")

    load_dotenv()

    assert os.environ["A"] == "shell"


def test_files_of_parent_folders_are_found(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(".env", "A=ü")
    write("below/deep/file", "")
    monkeypatch.chdir(tmp_path / "below" / "deep")

    load_dotenv()

    assert os.environ["A"] == "ü"
    assert Path.cwd() == tmp_path / "below" / "deep"


def test_missing_file_and_bare_name_set_nothing(write: Write) -> None:
    assert load_dotenv("nowhere", load_defaults=False) is False

    given = write("given", "BARE")

    assert load_dotenv(given, load_defaults=False) is True
    assert "BARE" not in os.environ


def test_defaults_can_be_left_out(write: Write) -> None:
    write(".env", "A=env")

    assert load_dotenv(load_defaults=False) is False
    assert "A" not in os.environ


def test_without_python_dotenv_a_file_that_is_there_is_mentioned(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "dotenv", None)

    assert load_dotenv() is False
    assert capsys.readouterr().err == ""

    write(".env", "A=env")

    assert load_dotenv() is False
    assert "pip install python-dotenv" in capsys.readouterr().err
