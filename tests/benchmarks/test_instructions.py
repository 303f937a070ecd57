"""Counts are differences of two processes with different numbers of calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import instructions
from benchmarks.apps import SUBJECT

from .conftest import make_result

ROOT = Path(__file__).parent.parent.parent


def test_what_both_processes_do_is_not_counted():
    calls = instructions.MORE - instructions.FEWER

    assert instructions.difference(5_000_000, 5_000_000 + 30_000 * calls) == 30_000


@pytest.mark.parametrize(
    "what",
    [("request", "path", SUBJECT), ("request", "stream", SUBJECT), ("piece", "path: the view")],
    ids="-".join,
)
def test_the_counted_process_ends_well(what):
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.instructions", "3", *what],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_wrong_answer_is_not_counted():
    code = (
        "import benchmarks.workloads as w, dataclasses, benchmarks.instructions as i;"
        "w.WORKLOADS['path'] = dataclasses.replace(w.WORKLOADS['path'], answer=b'other');"
        "i.main(['3', 'request', 'path', 'asyncflask'])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "WrongAnswer: 'path'" in ended.stderr


def test_each_workload_whose_goal_is_hard_is_counted_and_no_thread_is():
    assert set(instructions.COUNTED) == {"plaintext", "path", "json", "json_post", "hooks"}


def test_the_tables_have_pieces_sum_request_and_goal():
    times = {
        "path: request": {SUBJECT: 40_000, "starlette": 90_000},
        "path: the view": {SUBJECT: 3_000},
        "path: two messages": {SUBJECT: 4_500},
    }
    result = make_result(times) | {"seeds": [0, 1, 2], "valgrind": "valgrind-3.19.0"}

    text = instructions.report(result)

    assert "valgrind-3.19.0" in text
    assert "| two path parameters | instructions |" in text
    assert "| the view | 3,000 ±30 |" in text
    assert "| these together | 7,500 |" in text
    assert "| the goal: 0.45 x Starlette's 90,000 | 40,500 |" in text


def test_without_valgrind_it_is_said_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert command.main(["instructions"]) == 2
    assert "Debian's package is `valgrind`" in capsys.readouterr().err


def test_a_process_that_fails_is_reported(monkeypatch, tmp_path):
    fake = tmp_path / "valgrind"
    fake.write_text("#!/bin/sh\necho 'no such thing' >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(RuntimeError, match=r"Counting piece x failed:\nno such thing"):
        instructions.count(("piece", "x"), 0, 1)
