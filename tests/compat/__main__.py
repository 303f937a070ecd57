"""``python -m tests.compat``: Flask's suite, Flaskr's and the extensions', on both drives.

Runs ``run.py`` once a drive and writes what it measured: ``results.json`` beside this file, and the
table that the documentation shows, ``docs/reference/extensions.md``. Where suites are named, those are
run, and the others keep the results that they have. ``--check`` runs the suites and writes nothing.

Exit status: that of the suites, 0 if no test does worse than on real Flask.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PAGE = PROJECT / "docs" / "reference" / "extensions.md"
RESULTS = HERE / "results.json"
DRIVES = ("inline", "server")

HEAD = """# Extensions and suites that run on asyncflask

Each row is the test suite of a published package, run unchanged with asyncflask in Flask's place
(`asyncflask.flask.install()`), once with the test client driving the app inline (as a WSGI server does)
and once through ASGI, an event loop and a worker thread. Counted are the tests that pass on real
Flask 3.1.3. This page is written by `make compat` from a run; nothing in it is typed.
"""


def run(suites: list[str], drive: str) -> tuple[int, dict[str, Any]]:
    """Run suites on one drive; return the exit status and the results by suite."""
    print(f"== {drive} drive", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.json"
        done = subprocess.run(
            [
                *(sys.executable, str(HERE / "run.py"), *suites),
                *("--on", "asyncflask", "--project", str(PROJECT), "--json", str(file)),
            ],
            env={**os.environ, "ASYNCFLASK_TEST_DRIVE": drive},
        )
        return done.returncode, json.loads(file.read_text()) if file.exists() else {}


def page(results: dict[str, Any]) -> str:
    """Return the page that shows ``results``."""
    rows = ["| suite | on real Flask | inline drive | server drive |", "|---|--:|--:|--:|"]
    losses: list[str] = []
    for name in sorted({name for drive in DRIVES for name in results[drive]}, key=_rank):
        cells = []
        for drive in DRIVES:
            found = results[drive].get(name, {})
            cells.append(str(found.get("pass_here", "not run")))
            for test, why in found.get("worse", {}).items():
                losses.append(f"- {name}, {drive} drive: `{test}`: {_escaped(why)}")
        there = next(
            found["pass_there"]
            for drive in DRIVES
            if "pass_there" in (found := results[drive].get(name, {}))
        )
        rows.append(f"| {name} | {there} | {cells[0]} | {cells[1]} |")
    text = HEAD + "\n" + "\n".join(rows) + "\n"
    text += f"\nPython {results['python']}, {results['date']}.\n"
    text += "\n## What is lost\n\n" + ("\n".join(losses) or "Nothing.") + "\n"
    return text


def _with_others(results: dict[str, Any]) -> dict[str, Any]:
    """Return ``results`` with those of earlier runs for what was not run now."""
    earlier = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return {drive: {**earlier.get(drive, {}), **results[drive]} for drive in DRIVES}


def _rank(name: str) -> tuple[bool, str]:
    return name not in {"flask", "flaskr"}, name


def _escaped(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", default=["all"], help="as run.py names them")
    parser.add_argument("--drive", choices=DRIVES, action="append", help="default: both")
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args()
    results: dict[str, Any] = {drive: {} for drive in DRIVES}
    status = 0
    for drive in args.drive or DRIVES:
        code, results[drive] = run(args.suites, drive)
        status = max(status, code)
    if not args.check:
        from datetime import date

        if args.suites != ["all"] or args.drive:
            results = _with_others(results)
        results["python"] = platform.python_version()
        results["date"] = date.today().isoformat()
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        PAGE.write_text(page(results))
        print(f"written: {PAGE.relative_to(PROJECT)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
