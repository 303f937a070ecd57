"""The picture is made where matplotlib is installed."""

from __future__ import annotations

import pytest

from benchmarks.servers.plot import plot

from .conftest import cell, make_result

pytest.importorskip("matplotlib", reason="the picture is the benchmarks' own environment's")


def test_the_picture_names_servers_and_apps_and_is_the_same_each_time(tmp_path):
    made = make_result(
        {
            "embedded": {"asyncflask": cell(50.0), "raw": cell(40.0)},
            "hypercorn": {"asyncflask": cell(200.0)},
            "embedded websocket": {"asyncflask": cell(10.0)},
        }
    )
    once, again = tmp_path / "once.svg", tmp_path / "again.svg"

    plot(made, once)
    plot(made, again)

    text = once.read_text()
    assert text == again.read_text()
    assert all(text.count(f">{name}<") == 1 for name in ("embedded", "hypercorn", "raw ASGI"))
