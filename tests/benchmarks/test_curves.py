"""Apps of the curves: each sends the response of its workload."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks import curves
from benchmarks.apps import SUBJECT
from benchmarks.client import Client


@pytest.mark.parametrize("curve", curves.APPS)
@pytest.mark.parametrize("peer", curves.TAKING_PART)
async def test_apps_answer_what_their_workload_asks_for(curve, peer):
    pytest.importorskip(peer)
    app = curves.APPS[curve](peer, 3)

    await Client(app, curves.workload_of(curve, 3), wsgi=peer == "flask").check()


@pytest.mark.parametrize("peer", [SUBJECT, "flask"])
async def test_the_last_of_the_routes_is_asked_for(peer):
    app = curves.APPS["routes"](peer, 5)

    assert curves.workload_of("routes", 5).path == "/section4/ada/42"
    await Client(app, curves.workload_of("routes", 5), wsgi=peer == "flask").check()


@pytest.mark.parametrize("peer", [SUBJECT, "flask"])
def test_there_are_so_many_hooks(peer):
    app = curves.hooks(peer, 4)

    assert len(app.before_request_funcs[None]) == len(app.after_request_funcs[None]) == 4


async def test_a_gate_opens_when_all_have_come():
    gate = curves.Gate()
    gate.close(3)
    waiting = [asyncio.create_task(gate.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)

    assert await gate.wait() == "Hello, World!"
    assert await asyncio.gather(*waiting) == ["Hello, World!"] * 2
