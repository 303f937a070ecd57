"""Start-up is measured in fresh processes, and judged by Flask's figures."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks import startup
from benchmarks.apps import SUBJECT

from .conftest import make_result

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@linux
@pytest.mark.parametrize("what", ["import", "routes"])
def test_a_process_tells_microseconds_and_kib(what):
    program = (
        startup._PROGRAM.format(statement=startup.IMPORTS[SUBJECT])
        if what == "import"
        else startup._ROUTES.format(peer=SUBJECT)
    )

    micros, memory = startup._measure(program, os.environ)

    assert 100 < micros < 60e6
    assert 1024 < memory < 1024 * 1024


def test_the_figures_are_without_the_empty_interpreters_memory():
    figures = {
        ("empty", "import"): [[5.0, 10_240.0]] * 3,
        (SUBJECT, "import"): [[90_000.0, 30_720.0]] * 3,
        (SUBJECT, "routes"): [[40_000.0, 0.0]] * 3,
    }

    times = startup._times(figures, [SUBJECT])

    assert {figure: cells[SUBJECT]["median"] for figure, cells in times.items()} == {
        "import": 90.0,
        "memory": 20.0,
        "routes": 40.0,
    }


@pytest.mark.parametrize(("own", "verdict"), [(100.0, "1.00 | yes"), (101.0, "1.01 | **no**")])
def test_goals_are_ratios_to_flask(own, verdict):
    figures = {key: {SUBJECT: own, "flask": 100.0} for key in startup.FIGURES}

    text = startup.report(make_result(figures))

    assert f"| import <= 1 x Flask's | {verdict} |" in text
    assert "| **asyncflask** | " in text


def test_without_flask_nothing_is_judged():
    figures = {key: {SUBJECT: 1.0} for key in startup.FIGURES}

    assert startup.report(make_result(figures)).count("not measured") == 3
