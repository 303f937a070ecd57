"""The first posts of a new blog, so that there is something to read."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from asyncflask import Flask

from .auth import NO_PASSWORD
from .db import connect

#: Author, title and text, the oldest first. There is an hour between two posts.
POSTS = [
    (
        "Nora",
        "A picture, or a letter",
        "Without a picture of your own you are the first letter of your name, on a colour that is"
        " computed from it. No other site is asked for anything: this page works without a"
        " network.",
    ),
    (
        "Sam",
        "The same posts as JSON",
        "Every post is there twice, for people and for programs. The link at the foot of the page"
        " leads to the JSON.\n\nPrograms may write, too:\n\ncurl -u name:password"
        ' --json \'{"title": "Hello"}\' http://127.0.0.1:5000/api/posts',
    ),
    (
        "Nora",
        "Half def, half async def",
        "Writing a post is a def view: it runs in a thread and may wait for the database. Editing"
        " one is an async def view: it awaits the form, and calls the database in a thread.\n\n"
        "Both read like Flask. Use whichever fits.",
    ),
    (
        "Sam",
        "A progress bar that is right",
        "Upload takes a file of any size up to its limit, writes it to the disk piece by piece,"
        " and needs no memory for it. The browser knows how much has been sent.",
    ),
    (
        "Nora",
        "Numbers that move",
        "The dashboard measures the server once a second, and sends the figures to every page that"
        " is open. Stop the server and start it again: the page goes on by itself.",
    ),
    (
        "Sam",
        "Talk to yourself",
        "Open the chat in two windows, side by side, and give each another name. What one of them"
        " says is in the other one at once.",
    ),
    (
        "Nora",
        "Welcome",
        "This is the example app of asyncflask. Register with any name, and you are logged in:"
        " the e-mail address is not checked, and nothing leaves this machine.\n\nThen write a"
        " post, change your picture, and look at the code in the folder examples.",
    ),
]


def init_app(app: Flask) -> None:
    """Write the first posts when the app starts, unless there are accounts already."""

    @app.before_serving
    def write_first_posts() -> None:
        if app.config["SEED"]:
            with closing(connect(app.config["DATABASE"])) as db:
                fill(db)


def fill(db: sqlite3.Connection) -> None:
    """Write the first posts; their authors have a password that is not known to anyone."""
    with db:
        db.execute("BEGIN IMMEDIATE")  # Two workers may start at the same time.
        if db.execute("SELECT 1 FROM user").fetchone() is not None:
            return
        for name in sorted({author for author, _, _ in POSTS}):
            db.execute(
                "INSERT INTO user (name, email, password) VALUES (?, ?, ?)",
                (name, f"{name.lower()}@example.org", NO_PASSWORD),
            )
        for age, (author, title, body) in zip(range(len(POSTS), 0, -1), POSTS, strict=True):
            db.execute(
                "INSERT INTO post (author_id, title, body, created) SELECT id, ?, ?,"
                " strftime('%Y-%m-%dT%H:%M:%SZ', 'now', ?) FROM user WHERE name = ?",
                (title, body, f"-{age} hours", author),
            )
