"""``asyncflask new``: the app that it writes passes its own tests, the linter and the type checker.

The files of its deployment are tried in ``tests/examples/test_deploy_docs.py``.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from asyncflask.cli import FlaskGroup, cli
from tests.conftest import PROJECT, StartProgram

NAME = "tea_room"


@pytest.fixture
def shop(runner: CliRunner, tmp_path: Path) -> Path:
    """The folder of a new app."""
    result = runner.invoke(cli, ["new", NAME])
    assert result.exit_code == 0, result.output
    return tmp_path / NAME


def run(*command: str, folder: Path, **environ: str) -> str:
    """Run a Python module in the app's folder; return its output."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass(shop: Path) -> None:
    options = ["-q", "-W", "error", "-p", "no:cacheprovider"]
    options += ["-p", "pytest_asyncflask", "-p", "asyncio"]

    # The other plugins take long to import.
    output = run("pytest", *options, folder=shop, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    assert "5 passed" in output


def test_the_linter_finds_nothing(shop: Path) -> None:
    run("ruff", "check", "--no-cache", ".", folder=shop)
    run("ruff", "format", "--no-cache", "--check", ".", folder=shop)


def test_the_type_checker_finds_nothing(shop: Path) -> None:
    output = run("mypy", "--cache-dir", str(PROJECT / ".mypy_cache"), folder=shop)

    assert output.startswith("Success: no issues found in 5 source files")


def test_it_is_served_by_the_command_that_is_printed(
    runner: CliRunner, start_program: StartProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = runner.invoke(cli, ["new", NAME]).output.splitlines()
    monkeypatch.chdir(NAME)

    program = start_program("-m", *lines[-1].split(), "--port", "0")

    with urlopen(program.url()) as response:
        assert f"<h1>{NAME}</h1>" in response.read().decode()


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        ({"url": "file:///a%20b", "dir_info": {}}, "file:///a%20b"),
        (
            {"url": "https://git.example/a", "vcs_info": {"vcs": "git", "commit_id": "12ab"}},
            "git+https://git.example/a@12ab",
        ),
    ],
    ids=["folder", "repository"],
)
def test_where_asyncflask_is_from_no_index_it_says_how_another_environment_gets_it(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any], source: str
) -> None:
    install_from(origin, monkeypatch)

    output = runner.invoke(cli, ["new", NAME]).output

    assert f"\n    pip wheel --no-deps --wheel-dir {NAME} {source}\n" in output


def test_where_asyncflask_is_from_an_index_there_is_nothing_to_say(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_from(None, monkeypatch)

    assert runner.invoke(cli, ["new", NAME]).output.startswith("Wrote ")


def install_from(origin: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install asyncflask's metadata into a folder, with what pip writes about the origin."""
    metadata = Path("site", "asyncflask-9.9.dist-info").absolute()
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: asyncflask\nVersion: 9.9\n")
    if origin is not None:
        (metadata / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(str(metadata.parent))


def test_each_file_is_valid_python(shop: Path) -> None:
    files = list(shop.rglob("*.py"))

    assert len(files) > 4
    for file in files:
        assert ast.parse(file.read_text()).body, file


def test_the_name_is_in_no_file_as_a_variable(shop: Path) -> None:
    files = [path for path in shop.rglob("*") if path.is_file()]

    assert len(files) > 10
    assert not [path for path in files if "{{ name" in path.read_text()]
    assert not [path for path in files if path.suffix == ".jinja"]


def test_the_secret_key_is_another_one_each_time(runner: CliRunner, tmp_path: Path) -> None:
    for folder in "ab":
        runner.invoke(cli, ["new", NAME, "--directory", folder])
    first, second = ((tmp_path / folder / ".env").read_text() for folder in "ab")

    assert first != second
    assert len(first.strip().removeprefix("FLASK_SECRET_KEY=")) == 64
    assert (tmp_path / "a" / ".env").stat().st_mode & 0o077 == 0


def test_the_secret_key_is_in_no_repository_and_no_image(shop: Path) -> None:
    assert ".env" in (shop / ".gitignore").read_text().split()
    assert "*\n" in (shop / ".dockerignore").read_text()
    assert ".env" not in (shop / ".dockerignore").read_text()


def test_an_empty_folder_is_filled(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(cli, ["new", NAME, "--directory", "."])

    assert result.exit_code == 0, result.output
    assert (tmp_path / NAME / "__init__.py").exists()
    assert (tmp_path / "pyproject.toml").exists()


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("my-shop", "my_shop"),
        ("Shop", "shop"),
        ("shop_", "shop"),
        ("1st", "st"),
        ("größe", "gr_e"),
        ("../shop", "shop"),
        ("", "shop"),
        ("class", "class_app"),
        ("json", "json_app"),
        ("JSON", "json_app"),
        ("tests", "tests_app"),
        ("asyncflask", "asyncflask_app"),
        ("werkzeug", "werkzeug_app"),
    ],
)
def test_a_name_that_cannot_be_imported_is_refused(
    runner: CliRunner, tmp_path: Path, name: str, other: str
) -> None:
    result = runner.invoke(cli, ["new", name])

    assert result.exit_code == 2
    assert f"'NAME': {name!r} " in result.output
    assert f"Choose another one: `asyncflask new {other}`." in result.output
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "mine.txt").write_text("mine")

    result = runner.invoke(cli, ["new", NAME])

    assert result.exit_code == 2
    assert f"'{NAME}' exists and is not an empty folder; nothing was written" in result.output
    assert [path.name for path in (tmp_path / NAME).iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("mine")

    result = runner.invoke(cli, ["new", NAME])

    assert result.exit_code == 2
    assert (tmp_path / NAME).read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = runner.invoke(cli, ["new", NAME, "--directory", "file/inner"])

    assert result.exit_code == 1
    assert "Could not open file 'file/inner': Not a directory" in result.output


def test_a_name_that_is_too_long_for_a_folder_is_named(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["new", "tea" * 100])

    assert result.exit_code == 1
    assert f"Could not open file '{'tea' * 100}': File name too long" in result.output


def test_a_projects_own_command_has_no_new() -> None:
    assert "new" not in FlaskGroup().commands
