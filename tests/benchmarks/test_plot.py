"""The picture shows each peer, and each one looks different."""

from __future__ import annotations

import pytest

from benchmarks import plot
from benchmarks.apps import PEERS
from benchmarks.report import NO_OTHER_FRAMEWORK
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


def test_the_picture_of_the_standing_has_a_bar_for_each_framework(result, tmp_path):
    pytest.importorskip("matplotlib")
    times = {name: dict.fromkeys(PEERS, 5.0) | {"asyncflask": 2.0} for name in WORKLOADS}

    plot.plot_standing(result(times), tmp_path / "a.svg")

    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    frameworks = {peer.title for name, peer in PEERS.items() if name not in NO_OTHER_FRAMEWORK}
    assert all(f">{title}<" in text for title in frameworks | {"asyncflask"})
    assert text.count(">2.5 x<") == len(frameworks)
