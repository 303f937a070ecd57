"""SQLite for ``def`` and ``async def`` views.

A function that reads or writes the database takes the connection as its first argument, so that
both kinds of view can call it:

- a ``def`` view runs in a worker thread and may wait: ``find_user(get_db(), name)``. There is one
  connection per request, in ``g``, and it is closed when the request ends.
- an ``async def`` view runs on the event loop and must not wait there:
  ``await query(find_user, name)`` calls the function in a thread, with a connection of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any, Concatenate, ParamSpec, TypeVar

from asyncflask import Flask, current_app, g, run_sync

P = ParamSpec("P")
T = TypeVar("T")


def connect(path: str) -> sqlite3.Connection:
    """Open the database file."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    return db


def get_db() -> sqlite3.Connection:
    """Return the connection of this request, for ``def`` views and hooks."""
    if "db" not in g:
        g.db = connect(current_app.config["DATABASE"])
    db: sqlite3.Connection = g.db
    return db


async def query(
    function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Call ``function(db, *args)`` in a thread, for ``async def`` views."""

    def work() -> T:
        with closing(connect(current_app.config["DATABASE"])) as db:
            return function(db, *args, **kwargs)

    return await run_sync(work)()


def init_app(app: Flask) -> None:
    """Create the tables when the app starts; close the request's connection at its end."""

    @app.before_serving
    def make_tables() -> None:
        with closing(connect(app.config["DATABASE"])) as db:
            db.execute("PRAGMA journal_mode = WAL")  # Readers do not wait for a writer.
            with app.open_resource("blog/schema.sql", "r") as schema:
                db.executescript(schema.read())

    @app.teardown_appcontext
    def close_db(error: BaseException | None) -> None:
        db: Any = g.pop("db", None)
        if db is not None:
            db.close()
