"""Requests that wait at the same time are counted, and the goals are read off the counts."""

from __future__ import annotations

import pytest

from benchmarks import waiting


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Requests that wait do so for a moment."""
    monkeypatch.setattr(waiting, "SECONDS", 0.01)


@pytest.mark.parametrize("name", [waiting.BASE, waiting.HOOKS, waiting.FACADE])
async def test_all_requests_that_wait_are_answered(name):
    cell = await waiting.measure(name, 10, 20)

    assert (cell["requests"], cell["answered"], cell["woken"]) == (10, 10, waiting.WAITERS)
    assert cell.get("burst", {"200": 20}) == {"200": 20}
    assert cell.get("websockets", waiting.WEBSOCKETS) == waiting.WEBSOCKETS


def cell(**figures):
    return {
        "requests": 10,
        "seconds": 1.0,
        "threads": 2,
        "kib": 3.4,
        "answered": 10,
        "woken": waiting.WAITERS,
        **figures,
    }


def test_the_report_tells_which_goals_are_reached():
    text = waiting.report(
        {
            waiting.BASE: [cell(websockets=80)],
            waiting.HOOKS: [cell(seconds=1.6, websockets=40, burst={"200": 9, "503": 1})],
            waiting.FACADE: [cell(burst={}, stream={"ahead": 1.0, "hops": 10.0})],
        }
    )

    assert f"| {waiting.HOOKS} | 10 | 1.60 | 2 | 3 | 10 | 40 of 40 | 40 of 80 |" in text
    assert f"| {waiting.HOOKS} <= 1.5 x {waiting.BASE} | 1.60 | **no** |" in text
    assert f"| {waiting.HOOKS}: no 503 in a burst of {waiting.BURST} | 1 | **no** |" in text
    assert f"| {waiting.FACADE} <= 2.5 x {waiting.BASE} | 1.00 | yes |" in text
    assert "chunks <= 0.15 x a hop each | 0.10 | yes |" in text
