"""The tables, and what every app does with them: the same pool and the same statements.

All ids and numbers have four digits, so that all answers of a workload have the same length.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypedDict

import asyncpg

#: connections of an app's pool
POOL = 16
IDS = range(1000, 10_000)
#: rows that the workload of several queries reads, each by a query
ROWS = 20
#: rows that the workload of updates reads, each by a query, and writes
CHANGES = 5

Fortune = tuple[int, str]

FORTUNES: list[Fortune] = list(
    enumerate(
        (
            "The kettle that is watched boils in the time that it takes.",
            "A cache is a bug that waits for its day.",
            "You will soon read a log.",
            "Two hard things: names, and the third one.",
            "Great events begin with a small migration.",
            "It works on the other machine.",
            "A test that cannot fail tells nothing.",
            "Tea first, then the pager.",
            '<script>alert("A template has to escape this.")</script>',
            "O'Reilly & Sons < O'Reilly & Daughters",
            "お茶をどうぞ",
            "Zero is where counting begins.",
        ),
        1,
    )
)
#: the fortune that each request adds
ADDED: Fortune = (0, "This one was added by the request.")

_READ = "SELECT id, number FROM world WHERE id = $1"
_READ_TO_CHANGE = "SELECT id, number FROM changing WHERE id = $1"
_CHANGE = "UPDATE changing SET number = $2 WHERE id = $1"
_FORTUNES = "SELECT id, message FROM fortune"


class Row(TypedDict):
    """A row of the tables ``world`` and ``changing``."""

    id: int
    number: int


def number_of(row: int) -> int:
    """Return the number that the table ``world`` has for an id."""
    return 1000 + row * 7919 % 9000


async def fill(url: str) -> None:
    """Make the tables."""
    connection = await asyncpg.connect(url)
    rows = [(row, number_of(row)) for row in IDS]
    try:
        for name in ("world", "changing"):
            await connection.execute(
                f"CREATE TABLE {name} (id integer PRIMARY KEY, number integer NOT NULL)"
            )
            await connection.copy_records_to_table(name, records=rows)
        await connection.execute(
            "CREATE TABLE fortune (id integer PRIMARY KEY, message text NOT NULL)"
        )
        await connection.copy_records_to_table("fortune", records=FORTUNES)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def changed(url: str, ids: Sequence[int]) -> list[Row]:
    """Return rows of the table ``changing``, read outside of the app."""
    connection = await asyncpg.connect(url)
    try:
        return [_row(await connection.fetchrow(_READ_TO_CHANGE, each)) for each in ids]
    finally:
        await connection.close()


async def open_pool(url: str) -> asyncpg.Pool:
    """Open an app's pool."""
    return await asyncpg.create_pool(url, min_size=POOL, max_size=POOL)


async def read_one(pool: asyncpg.Pool) -> Row:
    """Read a random row."""
    async with pool.acquire() as connection:
        return _row(await connection.fetchrow(_READ, random.choice(IDS)))


async def read_several(pool: asyncpg.Pool) -> list[Row]:
    """Read random rows, each by a query."""
    async with pool.acquire() as connection:
        ids = random.sample(IDS, ROWS)
        return [_row(await connection.fetchrow(_READ, each)) for each in ids]


async def change(pool: asyncpg.Pool) -> list[Row]:
    """Read random rows, each by a query, and give them random numbers."""
    async with pool.acquire() as connection:
        # In the order of their ids, so that two requests do not wait for each other.
        ids = sorted(random.sample(IDS, CHANGES))
        rows = [_row(await connection.fetchrow(_READ_TO_CHANGE, each)) for each in ids]
        for row in rows:
            row["number"] = random.choice(IDS)
        await connection.executemany(_CHANGE, [(row["id"], row["number"]) for row in rows])
    return rows


async def read_fortunes(pool: asyncpg.Pool) -> list[Fortune]:
    """Read all fortunes and add one; they are sorted by their messages."""
    async with pool.acquire() as connection:
        found = [(row["id"], row["message"]) for row in await connection.fetch(_FORTUNES)]
    return sorted([*found, ADDED], key=lambda fortune: fortune[1])


def _row(record: asyncpg.Record) -> Row:
    return {"id": record["id"], "number": record["number"]}
