"""What counts as released memory; connections that are opened and closed."""

from __future__ import annotations

import resource

import pytest

from benchmarks.servers import idle
from benchmarks.servers.starts import SERVERS

from .conftest import idle_cell, look


@pytest.mark.parametrize(
    ("last", "again", "returned"),
    [
        (look(), look(42_000), True),
        (look(resident=60_000), look(42_000), True),  # Arenas are used again.
        (look(blocks=1500), look(42_000), True),
        (look(blocks=1501), look(42_000), False),
        (look(descriptors=8), look(42_000), False),
        (look(), look(42_600), True),
        (look(), look(43_000), False),
    ],
)
def test_blocks_descriptors_and_growth_say_whether_something_is_kept(last, again, returned):
    cell = idle_cell(empty=[look(), look(), last], full=[look(42_000), again])

    assert idle.is_returned(cell) is returned


def test_connections_that_came_once_are_judged_without_growth():
    assert idle.is_returned(idle_cell(empty=[look(), look()], full=[look(90_000)]))


def test_what_one_connection_takes_is_its_part_of_the_growth():
    assert idle.per_connection(idle_cell(500, full=[look(42_000)])) == 4.0


def test_there_is_room_for_no_more_connections_than_descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    try:
        assert idle.room(10) == 10
        assert idle.room(10**9) == before[1] - idle.SPARE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("workload", ["plaintext", "websocket"])
def test_connections_come_and_leave(workload):
    cell = idle.measure(SERVERS["embedded"], "raw", workload, 50, 2)

    base = cell["empty"][0]["descriptors"]
    assert [each["descriptors"] for each in cell["full"]] == [base + 50] * 2
    assert [each["descriptors"] for each in cell["empty"]] == [base] * 3
    assert cell["full"][0]["blocks"] > cell["empty"][0]["blocks"] + 50
