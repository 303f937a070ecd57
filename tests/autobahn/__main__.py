"""Run Autobahn's suite and write its results: ``python -m tests.autobahn path/of/wstest``.

They go to ``docs/reference/protocol.md``; nothing there is typed by hand. The suite needs a Python
2.7 of its own: with pyenv, say, ``virtualenv -p python2.7 env; env/bin/pip install
autobahntestsuite``; then ``env/bin/wstest`` is what this command wants.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sys
import tempfile
from collections import defaultdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from asyncflask import Flask, websocket
from asyncflask.server import Config, listen, serve

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "protocol.md"
BEGIN = "<!-- results: written by `python -m tests.autobahn`, do not edit -->"
END = "<!-- end of results -->"

#: what the suite calls the outcomes that are not failures, in the order of the report
FINE = {"OK": "passed", "NON-STRICT": 'passed as "non-strict"', "INFORMATIONAL": "informational"}

app = Flask(__name__)


@app.websocket("/ws")
async def echo() -> None:
    """Send back what comes."""
    while True:
        await websocket.send(await websocket.receive())


def main() -> int:
    """Run the suite, or the cases that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.autobahn", description=__doc__)
    parser.add_argument("wstest", help="the suite's command")
    parser.add_argument("--case", action="append", help='only these, as "9.*"; no report is made')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index = asyncio.run(_run(options.wstest, options.case or ["*"], Path(folder)))
    outcomes = {case: result["behavior"] for case, result in index["asyncflask"].items()}
    text = _report(outcomes)
    print(text)
    if not options.case:
        _write(text)
    return int(not outcomes or not set(outcomes.values()) <= set(FINE))


async def _run(wstest: str, cases: list[str], folder: Path) -> dict[str, Any]:
    """Serve the echo while the suite runs; return the index of its reports."""
    listener = listen("127.0.0.1", 0)
    spec = {
        "outdir": str(folder),
        "servers": [
            {"agent": "asyncflask", "url": f"ws://127.0.0.1:{listener.getsockname()[1]}/ws"}
        ],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    stop = asyncio.Event()
    config = Config(access_log=False, server_header="")
    serving = asyncio.create_task(serve(app, [listener], config, stop=stop))
    suite = await asyncio.create_subprocess_exec(
        *(wstest, "-m", "fuzzingclient", "-s", str(folder / "spec.json")),
        stdout=sys.stderr,  # its progress
    )
    status = await suite.wait()
    stop.set()
    await serving
    if status:
        raise SystemExit(f"{wstest} ended with status {status}.")
    index: dict[str, Any] = json.loads((folder / "index.json").read_text())
    return index


def _report(outcomes: dict[str, str]) -> str:
    by_outcome = defaultdict(list)
    for case in sorted(outcomes, key=lambda case: [int(part) for part in case.split(".")]):
        by_outcome[outcomes[case]].append(case)
    versions = f"CPython {platform.python_version()}, wsproto {version('wsproto')}"
    lines = [
        f"{date.today()}, {versions}: {len(outcomes)} cases.",
        "",
        "| outcome | cases | which |",
        "|---|--:|---|",
    ]
    for outcome in [*FINE, *sorted(set(by_outcome) - set(FINE)), "FAILED"]:
        cases = by_outcome.pop(outcome, [])
        which = "all others" if outcome == "OK" else ", ".join(cases)
        lines.append(f"| {FINE.get(outcome, outcome.lower())} | {len(cases)} | {which} |")
    return "\n".join(lines)


def _write(text: str) -> None:
    """Put the table into the page, between its marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
