"""The tables and the picture of a result."""

from __future__ import annotations

import json

import pytest

from benchmarks.__main__ import README
from benchmarks.database import BEGIN, END, plot, report
from benchmarks.report import replaced


def test_the_tables_have_requests_cpu_time_and_ratios(result):
    lines = report(result).splitlines()

    assert "| **asyncflask, embedded** | 4,000 ±40 | – | – | – |" in lines
    assert "| **asyncflask, embedded** | 200 ±2 (80%) | – | – | – |" in lines
    assert "| Starlette, uvicorn, httptools + uvloop | 2,500 ±25 | – | – | – |" in lines
    assert lines[-1] == "| Starlette, uvicorn, httptools + uvloop | 0.50 (0.75) | – | – | – |"


def test_the_origin_names_the_versions_and_what_shares_a_core(result):
    origin = report(result).partition("\n")[0]

    assert "asyncflask 1.0, Starlette 2.0, uvicorn 3.0, PostgreSQL 15.1, asyncpg 4.0" in origin
    assert "PostgreSQL and the client another" in origin


def test_without_others_behind_its_server_nothing_is_compared(result):
    del result["times"]["uvicorn-httptools one"]

    assert "asyncflask's time" not in report(result)


def test_the_readme_has_the_tables_of_the_result():
    page = README.read_text(encoding="utf-8")
    measured = json.loads((README.parent / "results/database.json").read_text())

    assert replaced(page, report(measured), BEGIN, END) == page


def test_the_picture_names_each_app_and_is_the_same_each_time(result, tmp_path):
    pytest.importorskip("matplotlib", reason="the picture is the benchmarks' own environment's")
    once, again = tmp_path / "once.svg", tmp_path / "again.svg"

    plot(result, once)
    plot(result, again)

    assert once.read_text() == again.read_text()
    assert once.read_text().count(">Starlette, uvicorn, httptools + uvloop<") == 1
