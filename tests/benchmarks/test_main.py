"""Output and exit status of the command."""

from __future__ import annotations

import json

import pytest

from benchmarks import __main__ as command


def test_a_part_of_a_run_writes_where_it_is_told_and_nowhere_else(tmp_path, capsys):
    output = tmp_path / "part.json"
    readme = command.README.read_bytes()

    arguments = ["--quick", "--rounds", "1", "--workload", "plaintext", "--peer", "raw"]
    status = command.main([*arguments, "--output", str(output)])

    assert status == 0
    assert list(json.loads(output.read_text())["times"]) == ["plaintext"]
    assert "| plaintext |" in capsys.readouterr().out
    assert command.README.read_bytes() == readme


def test_compare_returns_1_when_something_became_slower(tmp_path, capsys, result):
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    before.write_text(json.dumps(result({"plaintext": {"asyncflask": 3.0}})))
    after.write_text(json.dumps(result({"plaintext": {"asyncflask": 6.0}})))

    assert command.main(["compare", str(before), str(after)]) == 1
    assert command.main(["compare", str(before), str(before)]) == 0
    assert "asyncflask, plaintext" in capsys.readouterr().out


def test_an_unknown_workload_is_refused_and_the_known_are_named(capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(["--workload", "plain"])

    assert "plaintext" in capsys.readouterr().err


def test_lists_of_numbers_stand_on_one_line():
    text = json.dumps({"rounds": [1.5, 2.5], "name": "[a]"}, indent=1)

    assert command._compact(text) == '{\n "rounds": [1.5, 2.5],\n "name": "[a]"\n}'
