"""The tables are made from the result, and goals that are missed are shown as missed."""

from __future__ import annotations

import json

import pytest

from benchmarks import report
from benchmarks.workloads import WORKLOADS

KEPT = {
    "resident": [1000, 9000],
    "blocks": [10, 100_010],
    "objects": [0, 100_000],
    "requests": 100000,
}
FLAT = {"resident": [1000, 1010], "blocks": [10, 12], "objects": [0, 0], "requests": 100000}


def test_a_row_has_times_and_spread(result):
    made = result({"plaintext": {"raw": 1.0, "asyncflask": 3.0, "starlette": 6.0, "quart": 100.0}})

    row = report.times_table(made).splitlines()[2]

    assert row == "| plaintext | 1.00 ±0.01 | **3.00** ±0.03 | 6.00 ±0.06 | 100 ±1 |"


def test_ratios_are_those_of_asyncflask(result):
    made = result({"plaintext": {"raw": 1.0, "asyncflask": 3.0, "starlette": 6.0, "quart": 100.0}})

    row = report.ratios_table(made).splitlines()[2]

    assert row == "| plaintext | 3.00 | 0.50 | 0.030 |"


def test_the_standing_names_what_is_slower_and_leaves_the_facade_out(result):
    made = result(
        {
            "plaintext": {"raw": 1.0, "asyncflask": 2.0, "starlette": 4.0, "falcon": 8.0},
            "form": {"asyncflask": 32.0, "starlette": 64.0, "falcon": 8.0, "facade": 1.0},
            "routes": {"asyncflask": 1.0, "starlette": 100.0},
        }
    )

    rows = report.standing_table(made).splitlines()[2:]

    assert rows == [
        "| Starlette | 0.50 | 3 of 3 | – |",
        "| Falcon | 1.00 | 1 of 2 | form of 10 fields (4.00) |",
    ]
    assert "\n## Standing\n" in report.report(made)


def test_a_peer_without_a_figure_has_a_dash(result):
    made = result({"plaintext": {"raw": 1.0, "asyncflask": 3.0}, "def_view": {"asyncflask": 30.0}})

    assert report.times_table(made).splitlines()[3] == "| `def` view | – | **30.0** ±0.3 |"
    assert report.ratios_table(made).splitlines()[3] == "| `def` view | – |"


def test_a_report_without_asyncflask_has_no_ratios(result):
    text = report.report(result({"plaintext": {"raw": 1.0}}))

    assert "| µs per request | raw ASGI |" in text
    assert "asyncflask's time" not in text


@pytest.mark.parametrize(("own", "verdict"), [(2.7, "yes"), (2.8, "**no**")])
def test_a_goal_is_judged_by_its_ratio(result, own, verdict):
    made = result({"plaintext": {"asyncflask": own, "starlette": 6.0}})

    line = report.goals_table(made).splitlines()[2]

    assert line == f"| plaintext <= 0.45 x Starlette | {own / 6:.2f} | {verdict} |"


def test_what_was_not_measured_is_said(result):
    lines = report.goals_table(result({})).splitlines()[2:]

    assert all(line.endswith("| not measured |") for line in lines)


def test_a_workload_that_keeps_memory_is_named(result):
    memory = dict.fromkeys(WORKLOADS, FLAT) | {"session": KEPT}

    line = report.goals_table(result({}, memory)).splitlines()[-1]

    assert line.endswith("| 16 of 17 do, not: signed session, read + write | **no** |")


def test_memory_of_some_workloads_is_no_goal_reached(result):
    line = report.goals_table(result({}, {"plaintext": FLAT})).splitlines()[-1]

    assert line.endswith("| 1 of 1 do | **no** |")


def test_the_memory_table_shows_the_evidence(result):
    row = report.memory_table(result({}, {"plaintext": KEPT})).splitlines()[2]

    assert row == "| plaintext | 1.0 | +8000 | +100000 | +100000 |"


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
