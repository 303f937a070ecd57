"""The tables are made from the result, and goals that are missed are shown as missed."""

from __future__ import annotations

import json

import pytest

from benchmarks import report
from benchmarks.workloads import WORKLOADS

KEPT = {"resident": [1000, 9000], "blocks": [10, 20_010], "objects": [0, 20_000], "requests": 20000}
FLAT = {"resident": [1000, 1010], "blocks": [10, 12], "objects": [0, 0], "requests": 20000}


def test_a_row_has_times_spread_and_ratios(result):
    made = result({"plaintext": {"raw": 1.0, "asyncflask": 3.0, "starlette": 6.0, "quart": 100.0}})

    row = report.times_table(made).splitlines()[2]

    assert row == (
        "| plaintext | 1.00 ±0.01 | **3.00** ±0.03 | 6.00 ±0.06 | 100 ±1 | 3.00 | 0.50 | 0.030 |"
    )


def test_a_peer_without_a_figure_has_a_dash(result):
    made = result({"plaintext": {"raw": 1.0, "asyncflask": 3.0}, "def_view": {"asyncflask": 30.0}})

    row = report.times_table(made).splitlines()[3]

    assert row == "| `def` view | – | **30.0** ±0.3 | – |"


def test_a_table_without_asyncflask_has_no_ratios(result):
    head = report.times_table(result({"plaintext": {"raw": 1.0}})).splitlines()[0]

    assert head == "| µs per request | raw ASGI |"


@pytest.mark.parametrize(("own", "verdict"), [(3.6, "yes"), (3.7, "**no**")])
def test_a_goal_is_judged_by_its_ratio(result, own, verdict):
    made = result({"plaintext": {"asyncflask": own, "starlette": 6.0}})

    line = report.goals_table(made).splitlines()[2]

    assert line == f"| plaintext <= 0.6 x Starlette | {own / 6:.2f} | {verdict} |"


def test_the_routes_goal_compares_two_workloads_of_asyncflask(result):
    made = result({"routes": {"asyncflask": 5.2}, "one_route": {"asyncflask": 4.0}})

    assert "| last of 500 routes <= 1.3 x one route | 1.30 | yes |" in report.goals_table(made)


def test_what_was_not_measured_is_said(result):
    lines = report.goals_table(result({})).splitlines()[2:]

    assert all(line.endswith("| not measured |") for line in lines)


def test_a_workload_that_keeps_memory_is_named(result):
    memory = dict.fromkeys(WORKLOADS, FLAT) | {"session": KEPT}

    line = report.goals_table(result({}, memory)).splitlines()[-1]

    assert line.endswith("| 15 of 16 do, not: signed session, read + write | **no** |")


def test_memory_of_some_workloads_is_no_goal_reached(result):
    line = report.goals_table(result({}, {"plaintext": FLAT})).splitlines()[-1]

    assert line.endswith("| 1 of 1 do | **no** |")


def test_the_memory_table_shows_the_evidence(result):
    row = report.memory_table(result({}, {"plaintext": KEPT})).splitlines()[2]

    assert row == "| plaintext | 1.0 | +8000 | +20000 | +20000 |"


def test_the_report_says_versions_and_machine(result):
    text = report.report(result({"plaintext": {"asyncflask": 3.0}}))

    assert "CPython 3.11.7, Some (2 cores" in text
    assert "Quart 1.0" in text


def test_a_result_survives_its_file(result):
    made = result({"plaintext": {"asyncflask": 3.0}}, {"plaintext": FLAT})

    assert report.report(json.loads(json.dumps(made))) == report.report(made)


def test_the_tables_stand_between_the_markers_and_the_rest_is_kept():
    text = f"above\n{report.BEGIN}\nold\n{report.END}\nbelow\n"

    once = report.replaced(text, "new")

    assert once == f"above\n{report.BEGIN}\n\nnew\n\n{report.END}\nbelow\n"
    assert report.replaced(once, "new") == once


@pytest.mark.parametrize("text", ["", report.BEGIN, f"{report.END} {report.BEGIN}"])
def test_a_text_without_markers_is_not_written(text):
    with pytest.raises(ValueError, match="markers"):
        report.replaced(text, "new")


def test_the_readme_has_the_markers():
    from benchmarks.__main__ import README

    assert report.replaced(README.read_text(encoding="utf-8"), "new")
