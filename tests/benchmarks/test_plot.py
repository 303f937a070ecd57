"""The picture shows each peer, and each one looks different."""

from __future__ import annotations

import pytest

from benchmarks import plot
from benchmarks.apps import PEERS
from benchmarks.workloads import WORKLOADS


def test_each_peer_has_a_look_of_its_own():
    assert plot.LOOKS.keys() == PEERS.keys()
    assert len(set(plot.LOOKS.values())) == len(PEERS)


def test_the_picture_names_all_peers_and_workloads(result, tmp_path):
    pytest.importorskip("matplotlib")
    times = {name: dict.fromkeys(PEERS, 5.0) for name in WORKLOADS}

    plot.plot(result(times), tmp_path / "a.svg")
    plot.plot(result(times), tmp_path / "b.svg")

    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert all(peer.title in text for peer in PEERS.values())
    assert all(workload.title.replace("`", "") in text for workload in WORKLOADS.values())
    assert (tmp_path / "b.svg").read_text(encoding="utf-8") == text
