"""Quart's extensions are measured on Quart and on asyncflask.quart, and the table compares both."""

from __future__ import annotations

import pytest

from benchmarks import quart_apps

from .conftest import cell, make_result


def made(times):
    result = make_result({})
    result["times"] = {
        name: {side: cell(sum(rounds) / len(rounds)) | {"rounds": rounds} for side, rounds in of}
        for name, of in times.items()
    }
    return result


def test_the_ratio_is_the_median_of_the_rounds_ratios():
    ours, theirs = [10.0, 10.0, 40.0], [100.0, 200.0, 200.0]
    sides = [(quart_apps.OURS, ours), (quart_apps.THEIRS, theirs)]

    text = quart_apps.report(made({"schema": sides}))

    assert "| µs per request | Quart | asyncflask.quart | ratio |" in text
    assert "| quart-schema: body and response validated | 167 ±1.7 | 20 ±0.2 | 0.10 |" in text


def test_the_picture_has_a_bar_for_each_side(tmp_path):
    pytest.importorskip("matplotlib")
    sides = [(quart_apps.OURS, [10.0]), (quart_apps.THEIRS, [100.0])]

    quart_apps.plot(made({"plain": sides}), tmp_path / "quart.svg")

    picture = (tmp_path / "quart.svg").read_text()
    assert ">asyncflask.quart<" in picture
    assert ">Quart<" in picture


def test_both_sides_give_the_answers_of_the_workloads(monkeypatch):
    pytest.importorskip("quart_schema")
    measured = {name: quart_apps.WORKLOADS[name] for name in ("plain", "schema", "querystring")}
    monkeypatch.setattr(quart_apps, "WORKLOADS", measured)

    result = quart_apps.run(True, 1, lambda line: None)

    assert list(result["times"]) == list(measured)
    for cells in result["times"].values():
        assert all(cells[side]["median"] > 0 for side in (quart_apps.OURS, quart_apps.THEIRS))
