"""The tables are made from the result, and goals that are missed are shown as missed."""

from __future__ import annotations

import json

import pytest

from benchmarks import compare
from benchmarks.__main__ import README
from benchmarks.report import replaced
from benchmarks.servers import report

from .conftest import cell, idle_cell, look, make_result

TIMES = {
    "embedded": {"asyncflask": cell(50.0, 40.0)},
    "hypercorn": {"quart": cell(250.0, 240.0)},
}


def goal_lines(made):
    return report.goals_table(made).splitlines()[2:]


def test_a_row_has_rate_spread_cpu_cores_and_ratio():
    rows = report.requests_table(make_result(TIMES)).splitlines()

    assert rows[1] == "| --- | --- | --: | --: | --: | --: | --: |"
    assert rows[2] == (
        "| embedded | **asyncflask** | **20,000 ±200** | **40.0 ±0.4** | **100%** | **25%**"
        " | **5.00** |"
    )
    assert rows[3] == "| hypercorn | Quart | 4,000 ±40 | 240.0 ±2.4 | 100% | 25% | 1.00 |"


def test_without_hypercorn_and_quart_there_is_no_ratio():
    made = make_result({"embedded": {"raw": cell(50.0)}})

    assert report.requests_table(made).splitlines()[2].endswith("| – |")


@pytest.mark.parametrize(("other", "verdict"), [(225.0, "yes"), (220.0, "**no**")])
def test_a_goal_is_judged_by_the_clock_and_shown_by_cpu_time(other, verdict):
    times = TIMES | {"hypercorn": {"quart": cell(other, 240.0)}}

    line = goal_lines(make_result(times))[0]

    goal = "embedded + asyncflask >= 4.5 x hypercorn + Quart"
    assert line == f"| {goal} | {other / 50:.2f} | 6.00 | {verdict} |"


def test_what_was_not_measured_is_said():
    assert all(line.endswith("| not measured |") for line in goal_lines(make_result({})))


@pytest.mark.parametrize(("cpu", "verdict"), [(25.0, "yes"), (25.2, "**no**")])
def test_a_message_is_measured_by_wsprotos_own_cost(cpu, verdict):
    made = make_result({"embedded websocket": {"asyncflask": cell(99.0, cpu)}})

    assert goal_lines(made)[-2].endswith(f"| {cpu / 10:.2f} | {verdict} |")


@pytest.mark.parametrize(("blocks", "verdict"), [(1000, "yes"), (9000, "**no**")])
def test_idle_connections_have_to_leave_nothing_behind(blocks, verdict):
    cells = {"plaintext": idle_cell(), "websocket": idle_cell(5000, [look(), look(blocks=blocks)])}

    line = goal_lines(make_result({}, {"embedded": cells}))[-1]

    counts = "1,000 keep-alive connections and 5,000 websockets"
    assert line == f"| embedded: {counts} leave nothing behind | – | – | {verdict} |"


def test_a_message_row_is_compared_with_hypercorn():
    times = {
        "embedded websocket": {"asyncflask": cell(20.0)},
        "hypercorn websocket": {"asyncflask": cell(50.0)},
    }

    rows = report.messages_table(make_result(times)).splitlines()

    assert rows[2].endswith("| **2.50** |")
    assert rows[3].startswith("| hypercorn | asyncflask | 20,000 ±200 |")


def test_what_a_message_costs_in_memory_is_told_beside_wsproto():
    made = make_result({}, frames={"wsproto": cell(10.0), "embedded asyncflask": cell(12.0)})

    assert report.frames_note(made).endswith(
        "wsproto 10.0 µs; the embedded server and asyncflask around it 12.0 (1.20 x)."
    )


def test_the_idle_table_shows_what_was_taken_and_kept():
    twice = idle_cell(empty=[look(), look(41_000), look(41_000, 1010, 8)])
    once = idle_cell(empty=[look(), look()], full=[look(42_000)])
    made = make_result({}, {"embedded": {"plaintext": twice}, "hypercorn": {"plaintext": once}})

    rows = report.idle_table(made).splitlines()

    assert rows[2] == (
        "| embedded | keep-alive connections | 1,000 | 2.0 | 39.1 | 41.0 | 40.0 | 41.0 | +10 | +1 |"
    )
    assert rows[3].endswith("| 41.0 | 39.1 | – | +0 | +0 |")


def test_the_report_says_versions_machine_and_cores():
    text = report.report(make_result(TIMES))

    assert "Some (2 cores" in text
    assert "Quart 1.0, hypercorn 2.0." in text
    assert "the server bound to one core, the client to another" in text
    assert "compare" not in text


def test_servers_that_shared_their_core_are_counted():
    times = TIMES | {"granian": {"raw": cell(20.0, server=0.5)}}

    assert "1 of 3 did not have their core to themselves (from 50% of it)" in report.report(
        make_result(times)
    )


def test_one_core_for_both_is_said():
    made = make_result(TIMES | {"granian": {"raw": cell(20.0, server=0.5)}})
    made["cores"] = [None, None]

    text = report.report(made)

    assert "on any core" in text
    assert "themselves" not in text


def test_a_result_survives_its_file():
    made = make_result(TIMES, {"embedded": {"plaintext": idle_cell()}})

    assert report.report(json.loads(json.dumps(made))) == report.report(made)


def test_two_results_are_compared_like_those_in_process():
    slower = TIMES | {"embedded": {"asyncflask": cell(100.0)}}

    text, worse = compare.summary(make_result(TIMES), make_result(slower))

    assert worse
    assert "asyncflask, embedded: 50 µs before, 100 µs now" in text


def test_the_readme_has_the_markers():
    text = replaced(README.read_text(encoding="utf-8"), "new", report.BEGIN, report.END)

    assert f"{report.BEGIN}\n\nnew\n\n{report.END}" in text
