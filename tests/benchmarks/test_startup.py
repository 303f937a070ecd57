"""Start-up is measured in new processes, and judged by Flask's figures."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks import startup
from benchmarks.apps import SUBJECT

from .conftest import cell, make_result

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def started(figures, missing=()):
    found = {"times": {}, "sizes": {}}
    for key, figure in startup.FIGURES.items():
        found[figure.what][key] = {name: cell(value) for name, value in figures.items()}
    versions = dict.fromkeys(figures, "1.0")
    more = {"empty": [10.0, 9.0, 8.0], "missing": list(missing), "versions": versions}
    return make_result({}) | found | more


@linux
def test_an_import_tells_ms_cpu_ms_and_mib():
    wall, cpu, memory = startup.import_once("import asyncio", os.environ)

    assert 1 < wall < 60_000
    assert 1 < cpu < 60_000
    assert 2 < memory < 1024


@linux
def test_an_app_of_500_routes_tells_ms_cpu_ms_and_mib():
    wall, cpu, memory = startup.answer_once(SUBJECT, os.environ)

    assert 0.1 < wall < 60_000
    assert 0.1 < cpu < 60_000
    assert 0.1 < memory < 1024


@linux
def test_a_process_that_fails_is_named_with_its_last_words():
    with pytest.raises(RuntimeError, match=r"'import missing_one' failed.* named 'missing_one'"):
        startup.import_once("import missing_one", os.environ)
    with pytest.raises(RuntimeError, match=r"'500 routes of nobody' failed.* KeyError: 'nobody'"):
        startup.answer_once("nobody", os.environ)


def test_imports_are_without_the_empty_interpreter_and_routes_are_as_told():
    told = {
        startup.EMPTY: [[10.0, 8.0, 9.0]] * 3,
        ("import", SUBJECT): [[90.0, 70.0, 30.0]] * 3,
        ("routes", SUBJECT): [[40.0, 35.0, 2.0]] * 3,
    }

    found = startup.evaluate(told, [SUBJECT])

    medians = {
        key: cells[SUBJECT]["median"]
        for what in ("times", "sizes")
        for key, cells in found[what].items()
    }
    assert medians == {
        "import": 80.0,
        "import, CPU": 62.0,
        "memory after import": 21.0,
        "500 routes": 40.0,
        "500 routes, CPU": 35.0,
        "memory of 500 routes": 2.0,
    }


@pytest.mark.parametrize(("own", "verdict"), [(100.0, "1.00 | yes"), (101.0, "1.01 | **no**")])
def test_goals_are_ratios_to_flask(own, verdict):
    text = startup.report(started({SUBJECT: own, "flask": 100.0}))

    ratio = verdict.partition(" ")[0]
    assert f"| import <= 1 x Flask's | {ratio} | {verdict} |" in text
    assert "| **asyncflask** | " in text


def test_without_flask_nothing_is_judged():
    assert startup.report(started({SUBJECT: 1.0})).count("not measured") == 3


def test_frameworks_that_are_not_there_are_named():
    text = startup.report(started({SUBJECT: 1.0}, missing=["sanic", "flask"]))

    assert "Not installed, so not measured: Sanic, Flask." in text


def test_the_picture_has_a_panel_for_each_figure(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "startup.svg"

    startup.plot(started({SUBJECT: 1.0, "flask": 2.0}), path)

    for key in startup.PANELS:
        assert startup.FIGURES[key].title in path.read_text()
