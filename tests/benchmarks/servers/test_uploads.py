"""Uploads are counted one by one, and a different response ends the measurement."""

from __future__ import annotations

import random

import pytest

from benchmarks.client import WrongAnswer
from benchmarks.servers import report, uploads
from benchmarks.servers.loads import Expected, connect, request_of
from benchmarks.servers.starts import SERVERS, Server
from benchmarks.workloads import WORKLOADS

from .conftest import cell, make_result


def test_an_upload_has_both_times_and_page_faults():
    said = []
    pair = ("embedded", "asyncflask")

    cells = uploads.run_uploads([pair], 2, 2, random.Random(1), said.append)

    assert len(cells[pair]["rounds"]) == 2
    assert cells[pair]["cpu"]["median"] > 0
    assert cells[pair]["faults"] >= 0
    assert said[-1].startswith("uploads of 1 MiB: embedded+asyncflask ")


def test_a_server_that_does_not_start_is_left_out_and_named(monkeypatch):
    said = []
    broken = Server("broken", "Broken", (), ("-c", "raise SystemExit('no luck')"), ("raw",))
    monkeypatch.setitem(SERVERS, "broken", broken)

    assert uploads.run_uploads([("broken", "raw")], 1, 1, random.Random(1), said.append) == {}
    assert said[0].startswith("broken with raw is skipped. Broken does not answer.")


def test_another_answer_ends_it(listening):
    address = listening(lambda data: [b"HTTP/1.1 500\r\n"])

    with connect(address) as connection, pytest.raises(WrongAnswer, match=r"HTTP/1\.1 500"):
        uploads.upload(connection, Expected(14, b"HTTP/1.1 200", b""), 1)


def test_a_server_that_leaves_ends_it(listening):
    left = len(request_of(WORKLOADS[uploads.UPLOAD]))

    def answer(data):
        nonlocal left
        left -= len(data)
        return [] if left else None

    address = listening(answer)

    with connect(address) as connection, pytest.raises(WrongAnswer, match="closed a connection"):
        uploads.upload(connection, Expected(14, b"HTTP/1.1 200", b""), 1)


def test_the_table_has_times_faults_and_the_ratio_of_cpu_times():
    own, other = cell(400.0, 300.0) | {"faults": 0.4}, cell(2000.0, 1500.0) | {"faults": 530.0}
    times = {"uvicorn-httptools multipart": {"asyncflask": own, "starlette": other}}

    rows = report.uploads_table(make_result(times)).splitlines()

    assert rows[2] == "| uvicorn, httptools + uvloop | asyncflask | 400 | 300 | 0 | 0.20 |"
    assert rows[3] == "| uvicorn, httptools + uvloop | Starlette | 2,000 | 1,500 | 530 | 1.00 |"
