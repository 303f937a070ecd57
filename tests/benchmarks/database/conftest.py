"""A small result in the form that the command writes."""

from __future__ import annotations

import sys

import pytest

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # Cores and CPU time are read from Linux's /proc.


def cell(clock, cpu, server=1.0):
    def spread(value):
        return {"median": value, "low": value * 0.99, "high": value * 1.01, "rounds": []}

    return {**spread(clock), "cpu": spread(cpu), "server": server, "client": 0.25}


@pytest.fixture
def result():
    """A result of asyncflask beside Starlette, and on the embedded server."""
    return {
        "kind": "database",
        "date": "2030-01-01",
        "python": "CPython 3.11.7",
        "machine": {"processor": "Some", "cores": 2, "system": "Linux x86_64"},
        "load": 0.1,
        "cores": [0, 1],
        "versions": {"asyncflask": "1.0", "starlette": "2.0"},
        "servers": {"embedded": {"asyncflask": "1.0"}, "uvicorn-httptools": {"uvicorn": "3.0"}},
        "database": {"PostgreSQL": "15.1", "asyncpg": "4.0"},
        "connections": 64,
        "pool": 16,
        "rounds": 5,
        "launches": 1,
        "round_seconds": 0.5,
        "seed": 1,
        "times": {
            "embedded one": {"asyncflask": cell(250.0, 200.0, 0.8)},
            "uvicorn-httptools one": {
                "asyncflask": cell(200.0, 150.0),
                "starlette": cell(400.0, 200.0),
            },
        },
    }
