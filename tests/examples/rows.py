"""Rows of tables in documents that say what two frameworks do; each has a test of its own."""

from __future__ import annotations

import asyncio
import re

from .documents import PROJECT


class Rows:
    """The rows of a page: a test is registered with its section and the first cell of its row."""

    def __init__(self, page):
        self.page = page
        self.tried = set()

    def __call__(self, section, *subjects):
        """Say that a test tries these rows."""
        self.tried |= {(section, subject) for subject in subjects}
        return lambda test: test

    def shown(self):
        """Return the section and the first cell of each row of the page."""
        found = set()
        text = (PROJECT / self.page).read_text(encoding="utf-8")
        for part in re.split(r"^## ", text, flags=re.MULTILINE):
            title = part.partition("\n")[0]
            rows = re.findall(r"^\| ([^|\s].*?) \|", part, re.MULTILINE)
            found |= {(title, first) for first in rows}
        return found


async def ask(app, path="/", **options):
    """Return the response of an app's test client, whether that is synchronous or not."""
    open_path = app.test_client().open
    if hasattr(app, "wsgi_app"):  # In a thread, for Flask runs `async def` views where no loop is.
        return await asyncio.to_thread(open_path, path, buffered=True, **options)
    return await open_path(path, **options)
