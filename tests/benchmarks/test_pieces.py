"""Each piece runs, its time is a request's share, and tables have the sum."""

from __future__ import annotations

import inspect

import pytest

from benchmarks import pieces
from benchmarks.apps import SUBJECT

from .conftest import make_result


@pytest.mark.parametrize("piece", pieces.PIECES, ids=lambda piece: piece.key)
async def test_a_piece_can_be_done_again_and_again(piece):
    work = piece.make()

    kinds = set()
    for _ in range(3):
        result = work()
        kinds.add(type(await result if inspect.isawaitable(result) else result))

    assert len(kinds) == 1


async def test_a_piece_has_a_figure_for_each_round():
    calls = []
    piece = pieces.Piece("plaintext", "it", lambda: lambda: calls.append(None))

    assert len(await pieces.time_of(piece, 5, 0.0005)) == 5
    assert len(calls) > 5


def test_a_piece_that_a_request_needs_twice_counts_twice():
    assert pieces.share(0.003, 1000, 1) == pytest.approx(3)
    assert pieces.share(0.003, 1000, 2) == pytest.approx(6)


def test_the_table_has_sum_request_and_goal():
    times = {
        "plaintext: request": {SUBJECT: 5.0, "starlette": 10.0},
        "plaintext: the view": {SUBJECT: 1.0},
        "plaintext: two messages": {SUBJECT: 2.5},
    }

    text = pieces.report(make_result(times))

    assert "| the view | 1.00 ±0.01 |" in text
    assert "| these together | 3.50 |" in text
    assert "| **a request to asyncflask** | **5.00 ±0.05** |" in text
    assert "| the goal: 0.45 x Starlette's 10.00 | 4.50 |" in text


def test_the_picture_names_each_piece_once(tmp_path):
    pytest.importorskip("matplotlib")
    times = {
        f"{name}: {title}": {SUBJECT: 5.0 if title == "request" else 1.0}
        for name in ("plaintext", "path")
        for title in ("request", "the view")
    }
    pieces.plot(make_result(times), tmp_path / "pieces.svg")

    assert (tmp_path / "pieces.svg").read_text().count("<!-- the view -->") == 1


def test_pieces_are_measured_with_the_requests_that_they_belong_to(monkeypatch):
    monkeypatch.setattr(pieces, "PIECES", [each for each in pieces.PIECES if each.times == 6])
    said = []

    result = pieces.run(True, 1, said.append)

    assert list(result["times"]) == ["hooks: request", "hooks: hooks, empty"]
    assert result["times"]["hooks: request"][SUBJECT]["median"] > 0
    assert said[-1] == "pieces of 3 before + 3 after hooks"
