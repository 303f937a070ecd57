"""The result is the peak of Python's memory, not its final value."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks import peaks


async def test_what_was_held_meanwhile_counts_and_what_was_held_before_does_not():
    before = bytearray(3_000_000)

    async def run():
        for _ in range(3):
            del_me = bytearray(1024 * 1024)
            await asyncio.sleep(0)
            del del_me

    peak = await peaks.peak_of(run)

    assert len(before) == 3_000_000
    assert 1024 < peak < 1100


async def test_a_failing_run_ends_the_measurement():
    async def fail():
        raise LookupError("lost")

    async def nothing():
        pass

    with pytest.raises(LookupError, match="lost"):
        await peaks.peak_of(fail)
    assert await peaks.peak_of(nothing) < 10


async def test_a_body_comes_in_new_pieces_and_is_whole():
    body = b"abc" * 100_000
    receive = peaks.receiving(body)
    messages = []
    while not messages or messages[-1]["more_body"]:
        messages.append(await receive())

    assert len(messages) > 1
    assert b"".join(message["body"] for message in messages) == body


async def test_no_body_is_one_empty_piece():
    message = await peaks.receiving(b"")()

    assert message == {"type": "http.request", "body": b"", "more_body": False}
