"""docs/reference/protocol.md: each example is refused with the status of its table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from asyncflask.protocol.events import ProtocolError
from asyncflask.protocol.http1 import HTTP1
from asyncflask.protocol.limits import Limits

PAGE = (Path(__file__).parents[2] / "docs/reference/protocol.md").read_text()
ROW = re.compile(r"^\| [^|]+ \| (`[^|]+`) \| (\d{3}) \|", re.MULTILINE)
EXAMPLES = [
    (example, int(status))
    for examples, status in ROW.findall(PAGE)
    for example in re.findall(r"`([^`]+)`", examples)
]


def _request(example):
    for written, meant in (("\\r", "\r"), ("\\n", "\n"), ("\\0", "\0")):
        example = example.replace(written, meant)
    is_field = re.match(r"[^ ]+ ?: ", example)
    line = "POST / HTTP/1.1" if is_field else example
    fields = ["Host: a", example] if is_field else ["Host: a"]
    if example.startswith("Host") and example != "Host: a":
        del fields[0]
    return "\r\n".join([line, *fields, "", ""]).encode()


def test_the_page_has_examples():
    assert len(EXAMPLES) > 20


@pytest.mark.parametrize(("example", "status"), EXAMPLES)
def test_the_examples_of_the_page_are_refused_with_its_status(example, status):
    http = HTTP1(Limits(), 0.0)
    http.receive(_request(example), 0.0)
    with pytest.raises(ProtocolError) as caught:
        http.next_event(0.0)

    assert caught.value.status == status
