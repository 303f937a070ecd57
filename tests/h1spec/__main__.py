"""Send h1spec's requests and write the results: ``python -m tests.h1spec path/of/http_test.ts``.

They go to ``docs/reference/protocol.md``; nothing there is typed by hand. The file is the whole
suite: https://github.com/uNetworking/h1spec. Only its cases are read, so Deno is not needed.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import platform
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from asyncflask import Flask
from asyncflask.server import Config, listen, serve

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "protocol.md"
BEGIN = "<!-- results: written by `python -m tests.h1spec`, do not edit -->"
END = "<!-- end of results -->"

#: How long a server has to be silent to count as waiting for the rest of a request, as in h1spec.
SILENCE = 0.5

app = Flask(__name__)


@app.route("/", methods=["GET", "POST"])
async def index() -> str:
    """Answer every request that the server accepts."""
    return "hello"


class Case(NamedTuple):
    """A request, and the status codes that are right."""

    description: str
    request: bytes
    expected: list[tuple[int, int]]
    waits: bool


def cases(text: str) -> list[Case]:
    """Read the cases of the suite.

    Args:
        text: The suite's file.
    """
    found = re.findall(
        r'request: ("(?:[^"\\]|\\.)*"),\s*description: ("[^"]*"),\s*expectedStatus: (\[\[.*?\]\])'
        r"(,\s*expectedTimeout: true)?",
        text,
    )
    return [
        Case(
            ast.literal_eval(description),
            ast.literal_eval(request).encode("latin-1"),
            [(low, high) for low, high in ast.literal_eval(expected)],
            bool(waits),
        )
        for request, description, expected, waits in found
    ]


async def run(asked: list[Case]) -> dict[str, bool]:
    """Send all requests at the same time, each on a connection of its own."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    stop = asyncio.Event()
    config = Config(access_log=False)
    serving = asyncio.create_task(serve(app, [listener], config, stop=stop))
    outcomes = await asyncio.gather(*(_passes(case, port) for case in asked))
    stop.set()
    await serving
    return {case.description: passed for case, passed in zip(asked, outcomes, strict=True)}


async def _passes(case: Case, port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(case.request)
    try:
        async with asyncio.timeout(SILENCE):
            line = await reader.readline()
    except TimeoutError:
        return case.waits
    finally:
        writer.close()
    found = re.match(rb"HTTP/1\.\d (\d{3})", line)
    status = int(found[1]) if found else 0
    return not case.waits and any(low <= status <= high for low, high in case.expected)


def _report(outcomes: dict[str, bool]) -> str:
    versions = f"CPython {platform.python_version()}, h11 {version('h11')}"
    failed = [case for case, passed in outcomes.items() if not passed]
    return "\n".join(
        [
            f"{date.today()}, {versions}: {len(outcomes)} cases.",
            "",
            "| outcome | cases | which |",
            "|---|--:|---|",
            f"| passed | {len(outcomes) - len(failed)} | {'all others' if failed else 'all'} |",
            f"| failed | {len(failed)} | {', '.join(failed)} |",
        ]
    )


def main() -> int:
    """Run the suite."""
    parser = argparse.ArgumentParser(prog="python -m tests.h1spec", description=__doc__)
    parser.add_argument("suite", type=Path, help="the suite's file")
    outcomes = asyncio.run(run(cases(parser.parse_args().suite.read_text(encoding="utf-8"))))
    text = _report(outcomes)
    print(text)
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")
    return int(not outcomes or not all(outcomes.values()))


if __name__ == "__main__":
    raise SystemExit(main())
