"""The four workloads: their requests, and how each app's answers are checked.

Ids are random, so an answer is compared with the tables: the rows of ``world`` have known numbers,
the rows of an update are read again, and the page of fortunes is compared byte by byte. During the
load an answer must have the length and status line of the checked ones, and the same end.
"""

from __future__ import annotations

import asyncio
import html
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass

import h11

from ..client import WrongAnswer
from ..servers.loads import Expected, ask, request_of
from ..workloads import Workload as Request
from . import queries
from .queries import ADDED, CHANGES, FORTUNES, IDS, ROWS, Row

Check = Callable[[bytes, str], bool]

#: what JSON ends with, behind the last number
_MARKS = b"]}\n"


@dataclass(frozen=True)
class Workload:
    """A request and the check of its answer.

    Args:
        title: Name in the tables.
        request: The request.
        is_right: Tells whether a body is right, given the database's URL.
        is_constant: Whether all answers have the same body; otherwise their ends are the same.
    """

    title: str
    request: Request
    is_right: Check
    is_constant: bool

    def expect(self, connection: socket.socket, url: str) -> Expected:
        """Send the request once and check the answer.

        Raises:
            WrongAnswer: It is not right.
        """
        try:
            answer, raw = ask(connection, request_of(self.request))
        except (h11.ProtocolError, OSError) as error:
            raise WrongAnswer(f"{self.title!r}: {error!r} instead of an answer.") from error
        if answer.status != 200 or not self.is_right(answer.body, url):
            raise WrongAnswer(f"{self.title!r}: {answer.status} and {answer.body[:200]!r}.")
        end = answer.body if self.is_constant else answer.body[len(answer.body.rstrip(_MARKS)) :]
        return Expected(len(raw), raw[: raw.index(b"\r\n") + 2], end)


def _is_one(body: bytes, url: str) -> bool:
    return _is_known(json.loads(body))


def _is_several(body: bytes, url: str) -> bool:
    rows = json.loads(body)
    return _are_different(rows, ROWS) and all(map(_is_known, rows))


def _is_change(body: bytes, url: str) -> bool:
    rows = json.loads(body)
    if not _are_different(rows, CHANGES):
        return False
    return asyncio.run(queries.changed(url, [row["id"] for row in rows])) == rows


def _is_known(row: Row) -> bool:
    return set(row) == {"id", "number"} and row["number"] == queries.number_of(row["id"])


def _are_different(rows: list[Row], count: int) -> bool:
    return len({row["id"] for row in rows if row["id"] in IDS}) == len(rows) == count


def page() -> bytes:
    """Return the page of fortunes that every app has to send."""
    rows = "".join(
        f"<tr><td>{number}</td><td>{_escaped(message)}</td></tr>\n"
        for number, message in sorted([*FORTUNES, ADDED], key=lambda fortune: fortune[1])
    )
    return (
        "<!doctype html>\n<html>\n<head><title>Fortunes</title></head>\n<body>\n<table>\n"
        f"<tr><th>id</th><th>message</th></tr>\n{rows}</table>\n</body>\n</html>"
    ).encode()


def _escaped(message: str) -> str:
    # As MarkupSafe writes the marks.
    return html.escape(message).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _is_page(body: bytes, url: str) -> bool:
    return body == page()


def _workload(name: str, title: str, is_right: Check, is_constant: bool = False) -> Workload:
    return Workload(title, Request(name, title, f"/{name}"), is_right, is_constant)


WORKLOADS = {
    "one": _workload("one", "one row", _is_one),
    "several": _workload("several", f"{ROWS} rows, {ROWS} queries", _is_several),
    "updates": _workload("updates", f"{CHANGES} rows read and updated", _is_change),
    "fortunes": _workload("fortunes", "fortunes, a template", _is_page, True),
}
