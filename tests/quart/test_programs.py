"""Apps as Quart's users write them answer the same on Quart and on :mod:`asyncflask.quart`.

The programs are in ``programs/``; each run is a process of its own, for all of them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.examples.documents import PROJECT
from tests.quart.programs.__main__ import names

_BODY = "Quart's client shows the body of a HEAD request, which servers do not send"
_RANGES = "Accept-Ranges says that ranges are answered"
_LENGTH = "a 416 names the length (RFC 9110, 15.5.17)"
_SUFFIX = "a range of the last bytes is a 500 on Quart"
_NOT_MODIFIED = "a 304 has no Last-Modified, as in Flask"
_ERROR = "teardown functions get the error that nothing handled, as in Flask; None on Quart"
_SENTENCE = "the page of a 413 says the limit"
#: Answers that differ on purpose: {(program, answer): reason}.
DIFFERENT: dict[tuple[str, str], str] = {
    ("broker", "protocols"): "Quart's client does not tell the app the subprotocols",
    ("errors", "teardown"): _ERROR,
    ("hooks", "/shop/fails"): _ERROR,
    ("factory", "head"): _BODY,
    ("hooks", "HEAD /item/1"): _BODY,
    ("responses", "head"): _BODY,
    ("routing", "HEAD /methods"): _BODY,
    ("responses", "pairs"): "a header that is returned twice is sent twice",
    ("responses", "status text"): "a status may be text, as in Flask; a 500 on Quart",
    ("responses", "/redirect"): "spaces in a Location are quoted, as in Flask",
    ("responses", "/file"): _RANGES,
    ("responses", "/folder/tea.txt"): _RANGES,
    ("responses", "/folder/style.css"): _RANGES,
    ("responses", "/file bytes=-3"): _SUFFIX,
    ("responses", "/partial bytes=-3"): _SUFFIX,
    ("responses", "/file bytes=20-30"): _LENGTH,
    ("responses", "/partial bytes=20-30"): _LENGTH,
    ("responses", "not modified"): _NOT_MODIFIED,
    ("responses", "not modified since"): _NOT_MODIFIED,
    ("routing", "OPTIONS /methods"): "provide_automatic_options=True answers OPTIONS; 405 on Quart",
    ("routing", "POST /methods"): "Allow has OPTIONS, which are answered",
    ("routing", "DELETE /methods"): "Allow has OPTIONS, which are answered",
    ("routing", "TRACE /methods"): "Allow has OPTIONS, which are answered",
    ("sessions", "vary"): "a page that reads the session varies by cookie",
    ("sessions", "nobody"): "a page that reads the session varies by cookie",
    ("uploads", "form"): "the client sends Content-Length",
    ("uploads", "too large"): _SENTENCE,
    ("uploads", "a form that is too large"): _SENTENCE,
}


@pytest.fixture(scope="module")
def quart() -> dict[str, Any]:
    """The answers on Quart itself."""
    if importlib.util.find_spec("quart") is None:
        pytest.skip("Quart is not installed: pip install -r requirements/dev.txt")
    return _run("quart")


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    """The answers on asyncflask.quart."""
    return _run("asyncflask")


def _run(on: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "error", "-m", "tests.quart.programs", "--on", on]
    environ = {name: value for name, value in os.environ.items() if "QUART" not in name}
    done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("program", names())
def test_a_program_runs_to_its_end(program: str, ours: dict[str, Any]) -> None:
    assert "error" not in ours[program], ours[program]["error"]


@pytest.mark.parametrize("program", names())
def test_a_program_has_the_answers_that_it_has_on_quart(
    program: str, quart: dict[str, Any], ours: dict[str, Any]
) -> None:
    differ = {of for where, of in DIFFERENT if where == program}
    expected, found = (
        {k: v for k, v in of[program].items() if k not in differ} for of in (quart, ours)
    )

    assert found == expected


def test_each_difference_is_one(quart: dict[str, Any], ours: dict[str, Any]) -> None:
    same = [where for where in DIFFERENT if quart[where[0]][where[1]] == ours[where[0]][where[1]]]

    assert not same, "these answers are the same: remove them from DIFFERENT"
