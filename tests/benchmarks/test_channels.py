"""Channels are measured beside their engines' libraries, and the tables are those of the result."""

from __future__ import annotations

import json
import random

import pytest

from benchmarks.channels import measure, report, restarts, run
from benchmarks.report import replaced

RESULT = report.PAGE.parents[2] / "benchmarks" / "results" / "channels.json"


def cell(*rounds):
    return {"median": sorted(rounds)[len(rounds) // 2], "rounds": list(rounds)}


def pair(*rounds):
    names = ("latency", "latency_99", "rate", "fan_out_10", "fan_out_10_cpu")
    return dict.fromkeys(names, cell(*rounds))


@pytest.fixture
def result():
    redis = {
        "pairs": {"channels": pair(20, 40, 60), "redis-py": pair(10, 10, 10)},
        "memory": {"one": 1024, "each": 2048},
        "blocking": 1500,
        "workers": {"channels": {"median": 1234, "p99": 5678}},
        "restarts": {
            "channels": {"taken": 10, "refused": 1, "lost": 0, "in_order": True, "again": 0.25},
            "redis-py": {"taken": 9, "refused": 2, "lost": 8, "in_order": True, "again": None},
        },
    }
    size = {name: getattr(measure.QUICK, name) for name in measure.Size.__dataclass_fields__}
    return {
        "date": "2030-01-01",
        "python": "CPython 3.11.7",
        "machine": {"processor": "Some", "cores": 2, "system": "Linux x86_64"},
        "load": 0.1,
        "versions": {"redis": "8.0"},
        "size": {**size, "subscribers": [10]},
        "engines": {"redis": redis},
    }


@pytest.mark.parametrize(
    "line",
    [
        "| Redis | redis-py | 10 (x 4.00) | 10 (x 4.00) | 10 (x 4.00) |",
        "| Redis | channels | 40 (40) | 1.23 | 5.68 |",
        "| Redis | redis-py | 10 (10) | – | – |",
        "| Redis | channels | 10 | 1 | 0 | yes | 0.25 |",
        "| Redis | redis-py | 9 | 2 | 8 | yes | never |",
        "| Redis | 1.0 | 2.0 | 1.5 |",
    ],
)
def test_the_tables_have_each_figure(line, result):
    assert line in report.report(result).splitlines()


def test_the_page_has_the_tables_of_the_result():
    page = report.PAGE.read_text(encoding="utf-8")
    made = report.report(json.loads(RESULT.read_text(encoding="utf-8")))

    assert page == replaced(page, made, report.BEGIN, report.END)


async def test_each_peer_of_an_engine_is_measured():
    size = measure.Size(2, 0.01, (3,), 2, 3, 10, 1)
    said = []
    cells = await measure.measure_engine("memory", "memory://", size, random.Random(1), said.append)

    assert (set(cells), said) == ({"channels", "asyncio.Queue"}, [])
    for found in cells.values():
        assert set(found) == {"latency", "latency_99", "rate", "fan_out_3", "fan_out_3_cpu"}
        assert all(one["median"] > 0 for one in found.values() if one is not found["fan_out_3_cpu"])
        assert len(found["latency"]["rounds"]) == 2


async def test_what_is_lost_while_a_server_is_away_is_counted(monkeypatch):
    for name in ("BEFORE", "AWAY", "AFTER", "LAST"):
        monkeypatch.setattr(restarts, name, 0.05)
    titles = ["channels", "asyncio.Queue"]
    cells = await restarts.measure_restarts("memory", run.NoServer(), titles, times=1)

    own, queues = (cells[title] for title in titles)
    # The two ends of a memory engine are two apps, which share nothing.
    assert own["taken"] == own["lost"] > 0
    assert (own["refused"], own["again"]) == (0, None)
    assert queues["taken"] == queues["lost"] > 0


def test_a_server_that_is_not_installed_is_left_out(monkeypatch):
    said = []
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("ASYNCFLASK_CI", raising=False)
    monkeypatch.setattr("tests.services.find_spec", lambda name: None)
    with run.running("valkey", said.append) as server:
        assert server is None
    assert said == ["valkey is left out: no valkey-server is installed."]


def test_a_subscription_takes_memory_of_a_process_of_its_own():
    size = float(run.ask_worker("memory", "memory://", 200, 1))

    assert 100 < size < 100_000
