"""The servers and the evaluation of rounds; no test checks a time."""

from __future__ import annotations

import random

import pytest

from benchmarks.client import WrongAnswer
from benchmarks.servers import apps, measure
from benchmarks.servers.starts import SERVERS, Server

SMALL = measure.Size(2, 0.02, 20, 20, 2)
TWICE = measure.Size(3, 0.02, 20, 20, 2, launches=2)


@pytest.mark.parametrize("workload", [measure.PLAINTEXT, measure.WEBSOCKET])
def test_each_server_is_measured_in_each_round(workload):
    said = []
    pairs = [("embedded", "raw"), ("hypercorn", "raw")]

    cells = measure.run_rounds(pairs, workload, SMALL, random.Random(1), said.append)

    assert cells.keys() == set(pairs)
    assert [len(cell["rounds"]) for cell in cells.values()] == [2, 2]
    assert all(cell["cpu"]["median"] > 0 and 0 < cell["client"] < 1.1 for cell in cells.values())
    assert said == [f"[{number}/2] {workload}, 2 servers with apps" for number in (1, 2)]


def test_a_round_has_all_in_random_order_and_those_of_one_server_together():
    pairs = [(server, app) for server in "abcd" for app in "xyz"]
    order = random.Random(1)

    rounds = [measure.turns_of(pairs, order) for _ in range(20)]

    for turns in rounds:
        assert sorted(turns) == pairs
        servers = [server for server, _ in turns]
        assert [servers[at : at + 3] for at in range(0, 12, 3)] == [[s] * 3 for s in servers[::3]]
    assert len({tuple(turns) for turns in rounds}) == 20


def test_servers_are_launched_anew_and_share_out_the_rounds(monkeypatch):
    launched, running = [], measure.running

    def noted(*args):
        launched.append(args[1])
        return running(*args)

    monkeypatch.setattr(measure, "running", noted)
    pairs = [("embedded", "raw")]

    cells = measure.run_rounds(pairs, measure.PLAINTEXT, TWICE, random.Random(1), print)

    assert launched == ["raw:plaintext"] * 2
    assert len(cells["embedded", "raw"]["rounds"]) == 3


def test_a_cell_has_the_medians_of_all_that_was_noted():
    samples = [measure.Sample(clock, clock / 2, 0.9, 0.2) for clock in (30.0, 10.0, 20.0)]

    cell = measure.cell_of(samples)

    assert (cell["median"], cell["cpu"]["median"]) == (20.0, 10.0)
    assert (cell["server"], cell["client"]) == (0.9, 0.2)


def test_a_server_that_does_not_start_is_left_out_and_named(monkeypatch):
    said = []
    broken = Server("broken", "Broken", (), ("-c", "raise SystemExit('no luck')"), ("raw",))
    monkeypatch.setitem(SERVERS, "broken", broken)

    with measure.started([("broken", "raw")], "plaintext", None, said.append) as processes:
        assert processes == {}

    assert said == ["Broken with raw ASGI is skipped. Broken does not answer. It said: no luck"]


def test_an_app_with_a_wrong_answer_is_named():
    """The websocket app does not answer a request."""
    with pytest.raises(WrongAnswer, match=r"embedded with asyncflask: 'plaintext'.* It said: "):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(measure, "running", _running_echo)
            measure.run_rounds(
                [("embedded", "asyncflask")], "plaintext", SMALL, random.Random(1), print
            )


def _running_echo(server, app, core):
    from benchmarks.servers.starts import running

    return running(server, "asyncflask:websocket", core)


def test_what_is_not_installed_is_left_out_and_named(monkeypatch):
    said = []
    missing = Server("missing", "Missing", ("no-such-distribution",), (), ())
    peer = apps.Peer("missing", "Missing", "missing_app", "no-such-distribution")
    monkeypatch.setitem(apps.APPS, "missing", peer)

    assert not measure.is_installed(missing, said.append)
    assert not measure.has_app("missing", said.append)
    assert all("pip install -r benchmarks/requirements.txt" in line for line in said)
    assert measure.is_installed(SERVERS["embedded"], said.append)


def test_idle_connections_are_counted_on_the_servers_that_are_asked():
    said = []

    cells = measure.run_idle(["embedded"], SMALL, said.append)

    assert {name: cell["connections"] for name, cell in cells["embedded"].items()} == {
        "plaintext": 20,
        "websocket": 20,
    }
    assert said[0].startswith("[1/1] 20 idle, plaintext, on embedded:")


def test_frames_are_measured_in_each_round(monkeypatch):
    monkeypatch.setattr(measure, "FRAMES_TIMED", 64)

    cells = measure.run_frames(2, random.Random(1), lambda line: None)

    assert {name: len(cell["rounds"]) for name, cell in cells.items()} == {
        "wsproto": 2,
        "embedded raw": 2,
        "embedded asyncflask": 2,
    }


def test_who_is_asked_is_known():
    assert {server for server, _ in measure.WEBSOCKETS} | measure.IDLE.keys() <= SERVERS.keys()
