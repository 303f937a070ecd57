"""A leak is detected."""

from __future__ import annotations

import pytest

from benchmarks import memory
from benchmarks.client import Client
from benchmarks.workloads import WORKLOADS


async def test_an_app_that_keeps_an_object_per_request_is_seen():
    kept = []

    async def app(scope, receive, send):
        kept.append(object())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"Hello, World!"})

    cell = await memory.measure(Client(app, WORKLOADS["plaintext"]), 100, 2000)

    assert cell["blocks"][1] - cell["blocks"][0] > 1500
    assert memory.is_kept(cell)


@pytest.mark.parametrize(
    ("resident", "blocks", "kept"),
    [(0, 0, False), (256, 500, False), (257, 0, True), (0, 501, True), (-5000, -5000, False)],
)
def test_growth_beyond_the_tolerance_is_keeping(resident, blocks, kept):
    cell = {"resident": [10_000, 10_000 + resident], "blocks": [10_000, 10_000 + blocks]}

    assert memory.is_kept(cell) is kept
