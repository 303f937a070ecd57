"""Small results in the form that the benchmarks write."""

from __future__ import annotations

import pytest


def cell(median, spread=0.01):
    return {
        "median": median,
        "low": median * (1 - spread),
        "high": median * (1 + spread),
        "rounds": [],
    }


def make_result(times, memory=None, **versions):
    return {
        "date": "2030-01-01",
        "python": "CPython 3.11.7",
        "machine": {"processor": "Some", "cores": 2, "system": "Linux x86_64"},
        "load": 0.1,
        "versions": {"starlette": "1.0", "quart": "1.0", "asyncflask": "1.0"} | versions,
        "rounds": 5,
        "round_seconds": 0.05,
        "times": {
            workload: {peer: cell(median) for peer, median in peers.items()}
            for workload, peers in times.items()
        },
        "memory": memory or {},
    }


@pytest.fixture
def result():
    """The function that makes a result of medians."""
    return make_result
