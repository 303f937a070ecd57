"""Requests that wait at the same time are counted, and the goals are read off the counts."""

from __future__ import annotations

import sys

import pytest

from benchmarks import __main__ as command
from benchmarks import waiting
from benchmarks.report import replaced
from benchmarks.waiters import apps, measure

from .conftest import make_result


@pytest.fixture
def soon(monkeypatch):
    """Requests that wait do so for a moment."""
    monkeypatch.setattr(apps, "SECONDS", 0.01)


@pytest.mark.parametrize("name", [apps.BASE, apps.HOOKS, apps.FREE, apps.FACADE])
@pytest.mark.usefixtures("soon")
async def test_all_requests_that_wait_are_answered(name):
    cell = await measure.measure(name, 10, 20)

    assert (cell["requests"], cell["answered"], cell["woken"]) == (10, 10, measure.WAITERS)
    assert cell.get("burst", {"200": 20}) == {"200": 20}
    assert cell.get("websockets", measure.WEBSOCKETS) == measure.WEBSOCKETS


@pytest.mark.usefixtures("soon")
async def test_a_stream_run_ahead_is_measured_beside_one_with_a_hop_for_each_chunk():
    times = await measure.streaming(apps.KINDS[apps.FACADE].make(), rounds=21)

    assert 0 < times["ahead"] < times["hops"]


@pytest.mark.skipif(sys.platform != "linux", reason="the client waits by epoll")
def test_requests_that_wait_behind_the_embedded_server_keep_a_thread_each():
    from benchmarks.waiters import loopback

    cell = loopback.measure(apps.HOOKS, 10)

    assert (cell["requests"], cell["answered"], cell["threads"]) == (10, 10, 11)
    assert cell["seconds"] >= apps.SECONDS


def cell(**figures):
    return {
        "requests": 10,
        "seconds": 1.0,
        "threads": 2,
        "kib": 3.4,
        "answered": 10,
        "woken": measure.WAITERS,
        "websockets": measure.WEBSOCKETS,
        "burst": {"200": 9},
        **figures,
    }


@pytest.fixture
def result():
    in_process = {
        apps.BASE: [cell()],
        apps.HOOKS: [cell(seconds=1.6, websockets=40, burst={"200": 9, "503": 1})],
        apps.FREE: [cell(threads=1000)],
        apps.FACADE: [cell(stream={"ahead": 1.0, "hops": 10.0})],
    }
    loopback = {**in_process, apps.FREE: [cell(answered=7)]}
    cells = {"in process": in_process, "loopback": loopback, "many": {apps.BASE: [cell()]}}
    return make_result({}) | {"cells": cells}


def test_the_report_tells_which_goals_are_reached(result):
    text = waiting.report(result)

    hooks, base, facade = apps.HOOKS, apps.BASE, apps.FACADE
    assert f"| {hooks} | 10 | 1.60 | 2 | 3.4 | 10 | 40 of 40 | 40 of 80 |" in text
    assert f"| in process: {hooks} <= 1.5 x {base} | 1.60 | **no** |" in text
    assert f"| {hooks}: no 503 in a burst of {measure.BURST:,} | 1 | **no** |" in text
    assert f"| {hooks}: 80 of 80 websockets answered | 40 | **no** |" in text
    assert f"| in process: {facade} <= 2.5 x {base} | 1.00 | yes |" in text
    assert "chunks <= 0.15 x a hop each | 0.10 | yes |" in text
    assert "| loopback: every request that waits is answered | 3 are not | **no** |" in text
    assert "| many: every request that waits is answered | 0 are not | yes |" in text


def test_the_table_in_the_page_is_made_from_the_result():
    page = command.README.read_text(encoding="utf-8")
    made = waiting.report(command._read(command._file_of(waiting)))

    assert replaced(page, made, waiting.BEGIN, waiting.END) == page


def test_the_picture_shows_each_kind_with_its_number_of_requests(result, tmp_path):
    pytest.importorskip("matplotlib")
    waiting.plot(result, tmp_path / "waiting.svg")
    drawn = (tmp_path / "waiting.svg").read_text(encoding="utf-8")

    assert f"{apps.FACADE}: 10" in drawn
    assert "seconds, over loopback" in drawn
