"""Files that cannot be parsed, and command lines that ask for what does not exist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

from .conftest import Port

VIEW = "from flask import Flask\n\napp = Flask(__name__)\n"


def test_a_file_that_cannot_be_parsed_is_named_and_left_alone(tmp_path: Path, port: Port) -> None:
    (tmp_path / "app.py").write_text(VIEW)
    (tmp_path / "broken.py").write_text("def f(:\n")

    result = port("--write", ".", status=1)

    assert "broken.py:1: is not Python that can be parsed" in result.output
    assert (tmp_path / "broken.py").read_text() == "def f(:\n"
    assert (tmp_path / "app.py").read_text() == VIEW.replace("flask", "asyncflask.flask")


def test_a_file_in_an_unknown_encoding_is_named_and_left_alone(tmp_path: Path, port: Port) -> None:
    content = b"# coding: latin-9000\nimport flask\n"
    (tmp_path / "odd.py").write_bytes(content)

    assert "odd.py: cannot be read" in port("--write", ".", status=1).output
    assert (tmp_path / "odd.py").read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("import flask  # caf\xe9\r\n".encode(), id="CRLF"),
        pytest.param(b"# coding: latin-1\nimport flask  # caf\xe9\n", id="latin-1"),
        pytest.param(b"import flask", id="no end of line"),
    ],
)
def test_encodings_and_ends_of_lines_survive(content: bytes, tmp_path: Path, port: Port) -> None:
    (tmp_path / "app.py").write_bytes(content)

    port("--write", "app.py")

    new = content.replace(b"import flask", b"import asyncflask.flask as flask")
    assert (tmp_path / "app.py").read_bytes() == new


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--only", "view", "."], "'view' is not a step. Write some of quart, imports, views"),
        (["nowhere"], "'nowhere' does not exist"),
        ([], "Missing argument 'PATH...'"),
    ],
)
def test_a_wrong_command_line_says_what_to_write(args: list[str], message: str, port: Port) -> None:
    assert message in port(*args, status=2).output


def test_folders_that_hold_no_source_are_not_read(tmp_path: Path, port: Port) -> None:
    for name in (".hidden", "node_modules", "venv", "lib"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(VIEW)
    (tmp_path / "lib" / "pyvenv.cfg").touch()

    assert port(".").output == "Nothing to change; 0 files of Python read.\n"


def test_without_libcst_the_command_says_what_to_install(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "libcst", None)

    output = port(".", status=2).output

    assert "with libcst, which is not installed. Run `pip install 'asyncflask[port]'`." in output


def test_an_app_and_its_command_do_not_import_libcst() -> None:
    code = "import sys, asyncflask.cli, asyncflask.flask; print('libcst' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True
    )

    assert done.stdout == "False\n"
