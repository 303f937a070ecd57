"""Each piece can be done, its time is a request's share, and tables say what is left."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from benchmarks import pieces
from benchmarks.apps import SUBJECT

from .conftest import make_result


@pytest.mark.parametrize("piece", pieces.PIECES, ids=lambda piece: piece.key)
async def test_a_piece_can_be_done_again_and_again(piece):
    work = piece.make()

    for _ in range(3):
        result = work()
        if inspect.isawaitable(result):
            await result


async def test_a_piece_that_a_request_needs_twice_counts_twice():
    calls = []

    def make():
        return lambda: calls.append(None)

    once = await pieces.time_of(pieces.Piece("plaintext", "it", make), 5, 0.002)
    twice = await pieces.time_of(pieces.Piece("plaintext", "it", make, times=1000), 5, 0.002)

    assert len(once) == len(twice) == 5
    assert max(once) < min(twice)


def test_the_delimiter_is_not_in_what_is_searched():
    found = [piece.find(b"\r\n--boundary", 1024) for piece in pieces._upload_pieces()[:-1]]

    assert set(found) == {-1}


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
    assert "| the goal: 0.45 x Starlette's 10 | 4.50 |" in text


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


def test_loops_are_taken_out():
    times = asyncio.run(pieces.time_of(pieces.Piece("plaintext", "it", lambda: int), 5, 0.002))

    assert sorted(times)[2] < 1
