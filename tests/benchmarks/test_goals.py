"""Goals are judged by the figures alone; a missed goal is reported as missed."""

from __future__ import annotations

import pytest

from benchmarks import goals


def outcome(result, times, goal):
    (found,) = [row for row in goals.outcomes(result(times)) if row[0].startswith(goal)]
    return found[1:]


@pytest.mark.parametrize(("own", "reached"), [(9.2, True), (9.4, False)])
def test_the_routes_goal_compares_two_workloads_of_asyncflask(result, own, reached):
    """The machine was half as fast when the routes were measured, as the raw app shows."""
    times = {
        "routes": {"asyncflask": own, "raw": 2.0},
        "path": {"asyncflask": 4.0, "raw": 1.0},
    }
    goal = "last of 500 routes <= 1.15 x two path"

    assert outcome(result, times, goal) == (f"{own / 8:.2f}", reached)
    del times["path"]["raw"]
    assert outcome(result, times, goal) == ("–", None)


def test_a_goal_without_both_figures_is_not_measured(result):
    assert outcome(result, {"form": {"asyncflask": 1.0}}, "form of 10 fields") == ("–", None)


def test_the_mean_is_geometric_and_wants_every_workload(result):
    times = {name: {"asyncflask": 1.0, "starlette": 2.0} for name in goals._MEAN}
    times["plaintext"] = {"asyncflask": 1.0, "starlette": 2.0 * 5 ** len(goals._MEAN)}
    assert outcome(result, times, "geometric mean") == ("0.10", True)

    del times["json"]
    assert outcome(result, times, "geometric mean") == ("–", None)


def test_where_it_is_slower_than_quart_or_flask_is_named(result):
    times = {
        "plaintext": {"asyncflask": 3.0, "quart": 90.0, "flask": 30.0},
        "def_view": {"asyncflask": 60.0, "quart": 90.0, "flask": 30.0},
    }

    assert outcome(result, times, "never slower") == ("`def` view (2.00 x Flask (WSGI))", False)
    del times["def_view"]
    assert outcome(result, times, "never slower") == ("in none of 2 cases", True)
    assert outcome(result, {}, "never slower") == ("–", None)


def test_the_facade_is_granted_a_hop(result):
    times = {
        "plaintext": {"facade_asgi": 80.0, "flask": 30.0},
        "def_view": {"raw": 60.0},
    }

    assert outcome(result, times, "facade (ASGI)") == ("0.89", True)


def test_ratios_are_those_of_the_rounds(result):
    """A machine that was slow for half of the run, and for one peer only at one time."""
    made = result({"plaintext": {"asyncflask": 5.0, "starlette": 20.0}})
    cells = made["times"]["plaintext"]
    cells["asyncflask"]["rounds"] = [3.0, 3.0, 6.0, 6.0, 6.0]
    cells["starlette"]["rounds"] = [6.0, 6.0, 12.0, 12.0, 30.0]

    assert goals.ratio_between(made, "plaintext", "asyncflask", "starlette") == 0.5
    assert goals.ratio_between(made, "plaintext", "asyncflask", "quart") is None


def test_results_without_rounds_are_compared_by_their_medians(result):
    made = result({"plaintext": {"asyncflask": 5.0, "starlette": 20.0}})

    assert goals.ratio_between(made, "plaintext", "asyncflask", "starlette") == 0.25
