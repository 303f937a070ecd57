"""Output and exit status of the command ``servers``."""

from __future__ import annotations

import json

import pytest

from benchmarks import __main__ as command
from benchmarks.servers import measure, report

from .conftest import cell, idle_cell, make_result


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Empty files of the command, and a result instead of a measurement."""
    readme = tmp_path / "README.md"
    readme.write_text(f"above\n{report.BEGIN}\n{report.END}\nbelow\n")
    monkeypatch.setattr(command, "README", readme)
    monkeypatch.setattr(command, "SERVERS", tmp_path / "servers.json")
    monkeypatch.setattr(command, "SERVERS_PICTURE", tmp_path / "servers.svg")
    made = make_result(
        {"embedded": {"asyncflask": cell(50.0)}}, {"embedded": {"plaintext": idle_cell()}}
    )
    monkeypatch.setattr(measure, "run", lambda names, size, seed, say: made)
    return tmp_path


def test_a_whole_run_writes_result_and_tables(files):
    assert command.main(["servers"]) == 0

    assert json.loads((files / "servers.json").read_text())["kind"] == "servers"
    text = (files / "README.md").read_text()
    assert text.startswith("above\n")
    assert "| embedded | **asyncflask** | **20,000" in text


@pytest.mark.parametrize("part", ["--quick", "--server=embedded"])
def test_a_part_of_a_run_writes_where_it_is_told_and_nowhere_else(files, part, capsys):
    output = files / "part.json"
    before = (files / "README.md").read_bytes()

    assert command.main(["servers", part, "--output", str(output)]) == 0

    assert output.exists()
    assert not (files / "servers.json").exists()
    assert (files / "README.md").read_bytes() == before
    assert "| embedded | **asyncflask** |" in capsys.readouterr().out


def test_an_unknown_server_is_refused_and_the_known_are_named(files, capsys):
    assert command.main(["servers", "--server", "apache"]) == 2

    assert "'apache'. There are: embedded, " in capsys.readouterr().err
