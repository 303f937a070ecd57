"""What ``python -m benchmarks since`` counts and writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import since

RESULT = {
    "date": "2026-11-29",
    "before": "aaaaaaa",
    "now": "bbbbbbb",
    "valgrind": "valgrind-3.19.0",
    "machine": {"system": "Linux x86_64"},
    "seeds": [0, 1, 2],
    "counts": {
        "3.11.7": {
            "plaintext": {"before": [30_000, 31_000, 29_000], "now": [30_000, 33_000, 30_600]},
            "hooks": {"before": [100_000] * 3, "now": [96_000] * 3},
        },
        "3.13.0": {
            "plaintext": {"before": [40_000] * 3, "now": [36_000] * 3},
            "hooks": {"before": [100_000] * 3, "now": [90_000] * 3},
        },
    },
}


def test_the_table_has_the_medians_of_the_seeds_and_their_ratio():
    text = since.report(RESULT)

    assert "commit aaaaaaa -> bbbbbbb" in text
    assert "| plaintext | 30,000 | 30,600 | 1.020 | 40,000 | 36,000 | 0.900 |" in text
    assert "| geometric mean |  |  | 0.990 |  |  | 0.900 |" in text


def test_a_goal_that_is_missed_is_shown():
    text = since.report(RESULT)

    assert "| 3.11.7: no workload over 1.03 x | 1.020 (plaintext) | yes |" in text
    assert "| 3.11.7: hooks at most 0.95 x | 0.960 | **no** |" in text
    assert "| 3.13.0: hooks at most 0.95 x | 0.900 | yes |" in text


def test_the_picture_has_both_interpreters(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib draws the pictures")

    since.plot(RESULT, tmp_path / "since.svg")

    assert "<svg" in (tmp_path / "since.svg").read_text()


def test_a_commit_that_does_not_exist_is_refused(monkeypatch, capsys, tmp_path):
    _put_program(monkeypatch, tmp_path, "valgrind", "echo valgrind-9")

    assert command.main(["since", "no-such-commit"]) == 2
    assert "'no-such-commit', which git does not know as a commit" in capsys.readouterr().err


def test_without_valgrind_it_is_said_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert command.main(["since", "HEAD"]) == 2
    assert "Debian's package is `valgrind`" in capsys.readouterr().err


def test_a_process_that_fails_is_reported(monkeypatch, tmp_path):
    _put_program(monkeypatch, tmp_path, "valgrind", "echo 'no such thing' >&2\nexit 3")

    with pytest.raises(RuntimeError, match=r"Counting plaintext in .* failed:\nno such thing"):
        since.count(sys.executable, Path.cwd(), "plaintext", 0, 1)


def test_the_counted_process_switches_counting_on_and_ends_well(monkeypatch, tmp_path):
    called = tmp_path / "called"
    _put_program(monkeypatch, tmp_path, "callgrind_control", f'echo "$1" > {called}')
    script = Path(since.__file__).with_name("counted_requests.py")

    ended = subprocess.run(
        [sys.executable, "-P", script, "path", "3"],
        env={**os.environ, "PYTHONPATH": str(script.parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert called.read_text() == "--instr=on\n"


def _put_program(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, lines: str) -> None:
    fake = folder / name
    fake.write_text(f"#!/bin/sh\n{lines}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
