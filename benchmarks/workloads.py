"""The workloads: requests, and the response that each must get.

A workload has the client's request and the expected response; the apps are in ``apps/``, one file
per peer. No framework is imported here. The numbers in the text of a response come from the
request, so an app must read it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

Pair = tuple[bytes, bytes]

#: headers of every request, as uvicorn passes on those of a plain HTTP client
HEADERS: tuple[Pair, ...] = (
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"benchmarks/1.0"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"connection", b"keep-alive"),
)

ROWS = [(number, f"Row <{number}>") for number in range(20)]
OBJECT = {"id": 7, "name": "Ada Lovelace", "active": True, "roles": ["admin", "editor"]}
CHUNK = b"x" * 1023 + b"\n"
CHUNKS = 100
MESSAGE = "a message of a chat"
NAMES = ("first", "second", "third")
ROUTES = 500

_ITEMS = [{"id": number, "name": f"item {number}", "price": number * 1.5} for number in range(22)]
_JSON_1K = json.dumps({"items": _ITEMS}).encode()
_FILE = random.Random(1).randbytes(1024 * 1024)
_BOUNDARY = b"benchmark0123456789"
_MULTIPART = (
    b'--%(boundary)b\r\ncontent-disposition: form-data; name="title"\r\n\r\nnoise\r\n'
    b'--%(boundary)b\r\ncontent-disposition: form-data; name="note"\r\n\r\nlike rain\r\n'
    b'--%(boundary)b\r\ncontent-disposition: form-data; name="file"; filename="noise.bin"\r\n'
    b"content-type: application/octet-stream\r\n\r\n%(file)b\r\n--%(boundary)b--\r\n"
) % {b"boundary": _BOUNDARY, b"file": _FILE}
_FORM = urlencode({f"field_{number}": f"value {number} & more" for number in range(10)}).encode()


@dataclass(frozen=True)
class Answer:
    """An app's response; for a websocket, the echoed texts are the body."""

    status: int
    headers: tuple[Pair, ...]
    body: bytes


@dataclass(frozen=True)
class Workload:
    """A request and the expected response.

    Args:
        name: Name for ``--workload`` and in the apps.
        title: Name in the table.
        path: The path; the request has ``method``, ``query``, ``headers`` and ``body`` besides.
        status: The expected status.
        answer: The expected body, byte by byte; ``None`` if frameworks may differ.
        data: The expected body, as JSON.
        parts: Texts that the body must contain.
        sets: Headers that the response must have, with the value if it is not ``None``.
        returning: The client sends the cookie of a first response.
        messages: Not 0: a websocket, on which so many messages are sent, each after the answer to
            the one before.
    """

    name: str
    title: str
    path: str
    method: str = "GET"
    query: bytes = b""
    headers: tuple[Pair, ...] = ()
    body: bytes = b""
    status: int = 200
    answer: bytes | None = None
    data: Any = None
    parts: tuple[bytes, ...] = ()
    sets: tuple[tuple[bytes, bytes | None], ...] = ()
    returning: bool = False
    messages: int = 0

    def faults(self, answer: Answer) -> list[str]:
        """Return the faults of a response, one sentence each."""
        found = []
        if answer.status != self.status:
            found.append(f"The status is {answer.status}, not {self.status}.")
        if self.answer is not None and answer.body != self.answer:
            found.append(f"The body is {_short(answer.body)}, not {_short(self.answer)}.")
        if self.data is not None and not _is_json(answer.body, self.data):
            found.append(f"The body is {_short(answer.body)}, not {self.data!r} as JSON.")
        found += [f"{part!r} is not in the body." for part in self.parts if part not in answer.body]
        given: Mapping[bytes, bytes] = {name.lower(): value for name, value in answer.headers}
        for name, value in self.sets:
            if name not in given or value not in (None, given[name]):
                found.append(f"The header {name!r} is {given.get(name)!r}, not {value or 'set'!r}.")
        return found


def _short(body: bytes) -> str:
    text = repr(body)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(body)} bytes)"


def _is_json(body: bytes, data: Any) -> bool:
    try:
        return bool(json.loads(body) == data)
    except ValueError:
        return False


WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload("plaintext", "plaintext", "/", answer=b"Hello, World!"),
        Workload("json", "JSON", "/", data=OBJECT),
        Workload("path", "two path parameters", "/users/ada/items/42", answer=b"ada has 42"),
        Workload("one_route", "one route", "/section499/ada/42", answer=b"ada has 42"),
        Workload("routes", f"last of {ROUTES} routes", "/section499/ada/42", answer=b"ada has 42"),
        Workload(
            "inputs",
            "query + header + cookie",
            "/",
            query=b"q=flask+async&page=3",
            headers=((b"x-request-id", b"r-17"), (b"cookie", b"lang=en; theme=dark")),
            answer=b"flask async 3 r-17 dark",
        ),
        Workload(
            "json_post",
            "JSON post, 1 KB",
            "/",
            method="POST",
            headers=(
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(_JSON_1K)),
            ),
            body=_JSON_1K,
            data={"count": len(_ITEMS), "last": _ITEMS[-1]["name"]},
        ),
        Workload(
            "form",
            "form of 10 fields",
            "/",
            method="POST",
            headers=(
                (b"content-type", b"application/x-www-form-urlencoded"),
                (b"content-length", b"%d" % len(_FORM)),
            ),
            body=_FORM,
            answer=b"10 value 0 & more value 9 & more",
        ),
        Workload(
            "multipart",
            "multipart with 1 MB",
            "/",
            method="POST",
            headers=(
                (b"content-type", b"multipart/form-data; boundary=" + _BOUNDARY),
                (b"content-length", b"%d" % len(_MULTIPART)),
            ),
            body=_MULTIPART,
            answer=f"noise noise.bin {len(_FILE)} {_FILE[-4:].hex()}".encode(),
        ),
        Workload(
            "template",
            f"template of {len(ROWS)} rows",
            "/",
            parts=(b"<title>Rows</title>", *(b"Row &lt;%d&gt;" % number for number, _ in ROWS)),
        ),
        Workload(
            "session",
            "signed session, read + write",
            "/",
            answer=b"visit 2",
            sets=((b"set-cookie", None),),
            returning=True,
        ),
        Workload(
            "hooks",
            "3 before + 3 after hooks",
            "/",
            answer=b"first second third",
            sets=tuple((f"x-{name}".encode(), b"done") for name in NAMES),
        ),
        Workload("stream", f"stream of {CHUNKS} x 1 KB", "/", answer=CHUNK * CHUNKS),
        Workload("def_view", "`def` view", "/", answer=b"Hello, World!"),
        Workload("not_found", "404", "/nowhere", status=404),
        Workload("error", "exception + handler", "/", status=418, answer=b"TeapotError: no coffee"),
        Workload(
            "websocket",
            "websocket echo, per message",
            "/",
            status=101,
            messages=500,
            answer=MESSAGE.encode() * 500,
        ),
    )
}
