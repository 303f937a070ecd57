"""The peers, their order and the evaluation of rounds; no test checks a time."""

from __future__ import annotations

import os
import random
from functools import partial

import pytest

from benchmarks import measure
from benchmarks.apps import PEERS, Peer
from benchmarks.apps.raw_app import json_object, plaintext
from benchmarks.client import WrongAnswer
from benchmarks.turns import Entry
from benchmarks.workloads import WORKLOADS

RAW = PEERS["raw"]


def test_the_median_and_the_quartiles_are_those_of_the_rounds():
    summary = measure.summarize([5.0, 1.0, 2.0, 4.0, 3.0])

    assert (summary["low"], summary["median"], summary["high"]) == (2.0, 3.0, 4.0)
    assert summary["rounds"] == [5.0, 1.0, 2.0, 4.0, 3.0]


def test_one_round_is_its_own_median():
    summary = measure.summarize([1.23456])

    assert (summary["low"], summary["median"], summary["high"]) == (1.235, 1.235, 1.235)


def test_each_entry_is_measured_in_each_round():
    entries = measure.entries_of([RAW, PEERS["asyncflask"]], WORKLOADS["plaintext"])

    times = measure.run_rounds(entries, 3, 0.0001, random.Random(1))

    assert {name: len(rounds) for name, rounds in times.items()} == {"raw": 3, "asyncflask": 3}


def test_the_rounds_are_shared_out_among_launches_of_new_processes(tmp_path):
    entry = Entry(partial(_app_that_leaves_its_process, tmp_path), WORKLOADS["plaintext"])

    times = measure.run_rounds({"raw": entry}, 8, 0.0001, random.Random(1), launches=3)

    assert len(times["raw"]) == 8
    assert len(list(tmp_path.iterdir())) == 3


def _app_that_leaves_its_process(folder):
    (folder / str(os.getpid())).touch()
    return plaintext()


def test_a_peer_without_an_app_for_a_workload_is_left_out():
    """Flask has no websockets."""
    entries = measure.entries_of([PEERS["flask"], RAW], WORKLOADS["websocket"])

    assert list(entries) == ["raw"]


def test_an_app_that_answers_wrongly_ends_it_with_what_is_wrong():
    """The JSON app's response is not that of plaintext."""
    entry = Entry(json_object, WORKLOADS["plaintext"])

    with pytest.raises(WrongAnswer, match="'plaintext': "):
        measure.run_rounds({"json": entry}, 1, 0.0001, random.Random(1))


def test_a_peer_that_is_not_installed_is_left_out_and_named(monkeypatch):
    said = []
    missing = Peer("missing", "Missing", "benchmarks.apps.missing_app", None)
    monkeypatch.setitem(PEERS, "missing", missing)

    result = measure.run(["plaintext"], ["raw", "missing"], 1, 0.0001, 1, said.append)

    assert list(result["times"]["plaintext"]) == ["raw"]
    assert said[0].startswith("Missing is skipped: No module named")


def test_a_result_names_no_machine_but_its_class():
    assert measure.machine().keys() == {"processor", "cores", "system"}
