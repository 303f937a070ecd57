"""Who is measured, in which order, and what becomes of the rounds; no test looks at a time."""

from __future__ import annotations

import random

import pytest

from benchmarks import measure
from benchmarks.apps import PEERS, Peer
from benchmarks.client import WrongAnswer
from benchmarks.workloads import WORKLOADS

RAW = PEERS["raw"]


def test_the_median_and_the_quartiles_are_those_of_the_rounds():
    summary = measure.summarize([5.0, 1.0, 2.0, 4.0, 3.0])

    assert (summary["low"], summary["median"], summary["high"]) == (2.0, 3.0, 4.0)
    assert summary["rounds"] == [5.0, 1.0, 2.0, 4.0, 3.0]


def test_one_round_is_its_own_median():
    summary = measure.summarize([1.23456])

    assert (summary["low"], summary["median"], summary["high"]) == (1.235, 1.235, 1.235)


async def test_each_peer_is_measured_in_each_round():
    peers = [RAW, PEERS["asyncflask"]]

    times = await measure.run_workload(WORKLOADS["plaintext"], peers, 3, 0.0001, random.Random(1))

    assert {name: len(rounds) for name, rounds in times.items()} == {"raw": 3, "asyncflask": 3}


async def test_a_peer_without_an_app_for_a_workload_is_left_out():
    """Flask has no websockets."""
    flask = PEERS["flask"]

    times = await measure.run_workload(WORKLOADS["websocket"], [flask], 1, 0.0001, random.Random(1))

    assert times == {}


async def test_an_app_that_answers_wrongly_is_not_measured():
    """The JSON app's answer is not that of plaintext."""

    class Wrong(Peer):
        def apps(self):
            return {"plaintext": RAW.apps()["json"]}

    with pytest.raises(WrongAnswer, match="plaintext"):
        await measure.run_workload(
            WORKLOADS["plaintext"], [Wrong("raw", "", "", None)], 1, 0.0001, random.Random(1)
        )


async def test_an_app_that_breaks_down_while_it_is_measured_is_found():
    calls = 0

    async def app(scope, receive, send):
        nonlocal calls
        calls += 1
        body = b"Hello, World!" if calls == 1 else b""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    class Breaking(Peer):
        def apps(self):
            return {"plaintext": lambda: app}

    with pytest.raises(WrongAnswer, match="The body is b''"):
        await measure.run_workload(
            WORKLOADS["plaintext"], [Breaking("raw", "", "", None)], 1, 0.0001, random.Random(1)
        )


async def test_a_peer_that_wants_it_is_started_before_and_ended_after():
    events = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                events.append((await receive())["type"])
                await send({"type": f"lifespan.{event}.complete"})
            return
        assert events == ["lifespan.startup"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"Hello, World!"})

    class Started(Peer):
        def apps(self):
            return {"plaintext": lambda: app}

    peer = Started("started", "", "", None, lifespan=True)
    times = await measure.run_workload(WORKLOADS["plaintext"], [peer], 2, 0.0001, random.Random(1))

    assert len(times["started"]) == 2
    assert events == ["lifespan.startup", "lifespan.shutdown"]


async def test_a_peer_that_waits_for_it_has_a_client_that_leaves():
    body = WORKLOADS["stream"].answer

    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
        assert (await receive())["type"] == "http.disconnect"

    class Waiting(Peer):
        def apps(self):
            return {"stream": lambda: app}

    peer = Waiting("waiting", "", "", None, leaving=("stream",))
    times = await measure.run_workload(WORKLOADS["stream"], [peer], 1, 0.0001, random.Random(1))

    assert len(times["waiting"]) == 1


def test_a_peer_that_is_not_installed_is_left_out_and_named(monkeypatch):
    said = []
    missing = Peer("missing", "Missing", "benchmarks.apps.missing_app", None)
    monkeypatch.setitem(PEERS, "missing", missing)

    result = measure.run(["plaintext"], ["raw", "missing"], 1, 0.0001, 1, said.append)

    assert list(result["times"]["plaintext"]) == ["raw"]
    assert said[0].startswith("Missing is left out: No module named")


def test_a_result_names_no_machine_but_its_class():
    assert measure.machine().keys() == {"processor", "cores", "system"}
