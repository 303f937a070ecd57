"""Messages that a server sends in another order than that of its stream are handed on in order.

NATS does so with two of some hundred messages that two workers publish at the same time.
"""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest

from asyncflask.channels.arrivals import PATIENCE, Arrivals
from asyncflask.channels.message import Message, Position


def message(offset):
    return Message("news", Position("epoch", offset), b"")


@pytest.fixture
def taken():
    return []


@pytest.fixture
def arrivals(taken):
    arrivals = Arrivals(lambda message: taken.append(message.position.offset))
    yield arrivals
    arrivals.end()


async def test_what_comes_in_order_is_handed_on_at_once(arrivals, taken):
    arrivals.begin(4)
    # The numbers between belong to other channels.
    for offset, before in [(7, 3), (8, 7), (15, 8)]:
        arrivals.add(message(offset), before)
        assert taken[-1] == offset


@pytest.mark.parametrize("order", list(itertools.permutations([(5, 3), (6, 5), (9, 6), (12, 9)])))
async def test_each_message_follows_the_one_before_it(arrivals, taken, order):
    arrivals.begin(4)
    for offset, before in order:
        arrivals.add(message(offset), before)

    assert taken == [5, 6, 9, 12]


@pytest.mark.parametrize("seed", range(20))
async def test_what_comes_before_it_is_known_where_to_begin_waits(arrivals, taken, seed):
    """The messages up to there may have come or not."""
    sent = [(offset, offset - 1) for offset in range(3, 12) if offset != 5]
    random.Random(seed).shuffle(sent)
    for offset, before in sent[:6]:
        arrivals.add(message(offset), before)
    assert taken == []

    arrivals.begin(6)
    for offset, before in sent[6:]:
        arrivals.add(message(offset), before)

    assert [offset for offset in taken if offset > 6] == [7, 8, 9, 10, 11]
    assert sorted(taken) == [3, 4, 6, 7, 8, 9, 10, 11]


async def test_a_message_that_never_comes_does_not_hold_the_others_forever(arrivals, taken):
    arrivals.begin(0)
    arrivals.add(message(3), 2)
    arrivals.add(message(5), 4)
    assert taken == []

    async with asyncio.timeout(PATIENCE + 20):
        while len(taken) < 2:
            await asyncio.sleep(0.02)
    assert taken == [3, 5]

    arrivals.add(message(6), 5)
    assert taken == [3, 5, 6]


async def test_after_the_end_nothing_is_handed_on(arrivals, taken):
    arrivals.begin(0)
    arrivals.add(message(2), 1)
    arrivals.end()
    arrivals.add(message(1), 0)

    assert taken == []
