"""Curves: each app answers, and the tables show counts and ratios."""

from __future__ import annotations

import pytest

from benchmarks import growth
from benchmarks.apps import SUBJECT
from benchmarks.client import Client

from .conftest import make_result


@pytest.mark.parametrize("curve", ["routes", "hooks", "received", "sent"])
@pytest.mark.parametrize("peer", [SUBJECT, "flask"])
async def test_apps_answer_what_their_workload_asks_for(curve, peer):
    app = growth._APPS[curve](peer, 3)
    client = Client(app, growth._workload(curve, 3), wsgi=peer == "flask")

    await client.check()


async def test_requests_at_once_wait_for_each_other():
    assert await growth._at_once(SUBJECT, 20) > 0


def test_the_table_of_a_curve_has_counts_and_ratios():
    times = {
        "routes 10000": {SUBJECT: 5.0, "starlette": 5000.0},
        "sent 1024": {SUBJECT: 5.0, "starlette": 10.0},
        "sent 104857600": {SUBJECT: 5.0, "starlette": 10.0},
    }

    text = growth.report(make_result(times))

    assert "| 10,000 | 5.0 ±0.0 | 5,000 ±50 | 0.001 |" in text
    assert "| 1 KB | 5.0 ±0.0 | 10.0 ±0.1 | 0.50 |" in text
    assert "| 100 MB | 5.0 ±0.0 | 10.0 ±0.1 | 0.50 |" in text
