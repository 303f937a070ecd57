"""The audit log, in SQLite."""

import sqlite3

from flask import current_app, g


def connection():
    """Return the request's connection."""
    if "audit" not in g:
        g.audit = sqlite3.connect(current_app.config.get("AUDIT", ":memory:"))
        g.audit.execute("create table if not exists entry (text text)")
    return g.audit


def note(text):
    """Write an entry."""
    with connection() as db:
        db.execute("insert into entry values (?)", [text])


def entries():
    return [text for (text,) in connection().execute("select text from entry order by rowid")]


def close(error=None):
    db = g.pop("audit", None)
    if db is not None:
        db.close()


def init_app(app):
    app.teardown_appcontext(close)
