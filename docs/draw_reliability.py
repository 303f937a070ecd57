"""Write the recorded figures of reliability into ``explanation/reliability.md``.

``make diagrams`` runs it; a test says when the page is not as the records are. Each record is
written by the command that measures it; nothing here is typed by hand.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).parent
PROJECT = DOCS.parent
PAGE = DOCS / "explanation" / "reliability.md"
BEGIN = "<!-- figures: written by `make diagrams`, do not edit -->"
END = "<!-- end of figures -->"

PROTOCOL = DOCS / "reference" / "protocol.md"
FUZZING = DOCS / "reference" / "fuzzing.md"
COMPAT = PROJECT / "tests" / "compat" / "results.json"
RESULTS = PROJECT / "benchmarks" / "results"
TABLES = "../../benchmarks/README.md"


class Figure(NamedTuple):
    """A row of the table."""

    what: str
    result: str
    date: str
    command: str


def figures() -> list[Figure]:
    """Return a row for each record."""
    return [_autobahn(), _conformance(), _fuzzing(), *_suites(), *_restarts(), _memory(), _idle()]


def page() -> str:
    """Return the whole page, with the records' figures."""
    text = PAGE.read_text(encoding="utf-8")
    rows = [f"| {f.what} | {f.result} | {f.date} | `{f.command}` |" for f in figures()]
    table = "\n".join(["| what | result | date | command |", "|---|---|---|---|", *rows])
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def _block(path: Path, command: str) -> str:
    """Return the part of a page that a command has written."""
    found = re.search(
        rf"<!-- \w+: written by `{re.escape(command)}`.*?<!-- end", path.read_text(), re.S
    )
    if found is None:
        raise ValueError(f"{path.name} has no results of {command!r}. Run it, as the page says.")
    return found[0]


def _counts(block: str) -> dict[str, str]:
    """Return the count of each outcome, from a table of outcomes."""
    return dict(re.findall(r"^\| ([^|]+?) \| ([\d,]+) \|", block, re.MULTILINE))


def _autobahn() -> Figure:
    block = _block(PROTOCOL, "python -m tests.autobahn")
    counts = _counts(block)
    total = sum(map(int, counts.values()))
    return Figure(
        "[Autobahn's cases](../reference/protocol.md#autobahns-test-suite) of websockets",
        f"{counts['failed']} of {total} fail; {counts['passed']} pass in the strict sense",
        _date(block),
        "python -m tests.autobahn",
    )


def _conformance() -> Figure:
    block = _block(PROTOCOL, "python -m tests.h1spec")
    counts = _counts(block)
    return Figure(
        "[h1spec's cases](../reference/protocol.md#h1specs-cases) of HTTP/1.1",
        f"{counts['passed']} of {sum(map(int, counts.values()))} pass",
        _date(block),
        "python -m tests.h1spec",
    )


def _fuzzing() -> Figure:
    block = _block(FUZZING, "make fuzz")
    inputs, findings = re.search(r"([\d,]+) inputs in all, (\d+) findings", block).groups()
    return Figure(
        "[inputs of a fuzzer](../reference/fuzzing.md) for requests, bodies, handshakes and frames",
        f"{findings} findings in {inputs}",
        _date(block),
        "make fuzz",
    )


def _date(block: str) -> str:
    return re.search(r"^(\d{4}-\d\d-\d\d),", block, re.MULTILINE)[1]


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _suites() -> list[Figure]:
    result = _read(COMPAT)
    on_flask = sum(suite["pass_there"] for suite in result["wsgi"].values())
    return [
        Figure(
            f"tests of [{len(suites)} suites](../reference/extensions.md) that pass on"
            f" Flask, run on the facade by {transport.upper()}",
            f"{sum(suite['pass_here'] for suite in suites.values()):,} of {on_flask:,} pass",
            result["date"],
            "make compat",
        )
        for transport, suites in (("wsgi", result["wsgi"]), ("asgi", result["asgi"]))
    ]


def _restarts() -> list[Figure]:
    result = _read(RESULTS / "workers.json")
    rows = []
    for name, cell in result["restarts"].items():
        failed = sum(cell["failures"].values())
        rows.append(
            Figure(
                f"requests during {cell['restarts']} [restarts]({TABLES}#workers-and-restarts)"
                f" of two workers under load, {name}",
                f"{failed:,} of {cell['answers'] + failed:,} fail",
                result["date"],
                "python -m benchmarks workers",
            )
        )
    return rows


def _memory() -> Figure:
    result = _read(RESULTS / "latest.json")
    cells = result["memory"].values()
    most = max(cell["resident"][1] - cell["resident"][0] for cell in cells)
    requests = max(cell["requests"] for cell in cells)
    return Figure(
        f"[resident memory]({TABLES}#memory) after {requests:,} more requests,"
        f" each of {len(cells)} workloads",
        f"{most:+} KiB at most",
        result["date"],
        "python -m benchmarks",
    )


def _idle() -> Figure:
    result = _read(RESULTS / "servers.json")
    cells = result["idle"]["embedded"].values()
    kept = max(cell["empty"][-1]["descriptors"] - cell["empty"][0]["descriptors"] for cell in cells)
    counts = " and ".join(f"{cell['connections']:,}" for cell in cells)
    return Figure(
        f"[descriptors]({TABLES}#idle-connections) that are open after {counts}"
        " idle connections and websockets have ended",
        f"{kept} more than before",
        result["date"],
        "python -m benchmarks servers",
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
