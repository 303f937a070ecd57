"""Measurements at a point of a curve, and their tables."""

from __future__ import annotations

import random

import pytest

from benchmarks import growth
from benchmarks.apps import SUBJECT

from .conftest import cell, make_result


def grown(times, sizes=None):
    named = {
        key: {name: cell(value) for name, value in row.items()}
        for key, row in (sizes or {}).items()
    }
    return make_result(times) | {"sizes": named, "size_unit": "KiB"}


def test_a_point_has_as_many_figures_for_each_peer_as_there_were_rounds():
    times = growth.times_at("hooks", 2, [SUBJECT, "flask"], 3, 0.0005, random.Random(1))

    assert {name: len(values) for name, values in times.items()} == {SUBJECT: 3, "flask": 3}
    assert min(value for values in times.values() for value in values) > 0


async def test_a_body_that_is_read_is_in_the_memory_of_its_request():
    small = await growth.peak_at("received", 1024, SUBJECT)
    large = await growth.peak_at("received", 1024 * 1024, SUBJECT)

    assert large - small > 1000


async def test_requests_at_once_are_all_answered_and_each_has_its_share():
    shares = []

    async def measure(run):
        await run()
        shares.append(True)
        return 40.0

    assert await growth.at_once(SUBJECT, 20, measure, passes=3) == 2.0
    assert len(shares) == 3


async def test_requests_at_once_that_were_not_answered_are_an_error():
    async def forget(run):
        return 1.0

    with pytest.raises(RuntimeError, match=f"{SUBJECT} served 0 of 20 requests"):
        await growth.at_once(SUBJECT, 20, forget)


def test_memory_is_looked_at_where_requests_hold_what_grows():
    assert growth.sizes_at("routes", 1, [SUBJECT]) == {}
    assert growth.sizes_at("sent", 1024, [SUBJECT])[SUBJECT]["median"] > 0
    assert growth.sizes_at("concurrency", 10, [SUBJECT])[SUBJECT]["median"] > 0


def test_the_table_of_a_curve_has_counts_and_ratios():
    text = growth.report(grown({"routes 10000": {SUBJECT: 5.0, "starlette": 5000.0}}))

    assert "| 10,000 | 5.0 ±0.0 | 5,000 ±50 | 0.001 |" in text


def test_bodies_are_shown_by_throughput_and_by_memory():
    text = growth.report(
        grown(
            {"sent 1048576": {SUBJECT: 100.0, "starlette": 200.0}},
            {"sent 1048576": {SUBJECT: 10.0, "starlette": 2048.0}},
        )
    )

    assert "| body that the view returns: MB/s | asyncflask | Starlette | x Starlette |" in text
    assert "| 1 MB | 10,000 ±100 | 5,000 ±50 | 2.00 |" in text
    assert "| 1 MB | 10.0 | 2,048 | 0.005 |" in text


def test_a_peer_that_was_not_measured_has_no_figure():
    times = {"hooks 0": {SUBJECT: 5.0, "flask": 9.0}, "hooks 1": {SUBJECT: 5.0}}

    assert "| 1 | 5.0 ±0.0 | – | – |" in growth.report(grown(times))


def test_the_picture_has_a_panel_for_each_view(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "growth.svg"
    times = {f"{name} 1024": {SUBJECT: 5.0, "starlette": 9.0} for name in growth.CURVES}

    growth.plot(grown(times, {"sent 1024": {SUBJECT: 5.0}}), path)

    text = path.read_text()
    for view in growth.VIEWS:
        assert view.title in text
