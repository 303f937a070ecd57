"""``python -m tests.compat``: Flask's suite, Flaskr's and the extensions', on both transports.

Runs ``run.py`` once for each transport and writes the results: ``results.json`` beside this file, and
the page ``docs/reference/extensions.md``. The suites of Quart's extensions run once, on
``asyncflask.quart``; the argument ``quart`` runs these alone. If suites are named, only those run,
and the others keep their results. Then the extensions are tested on the async API (``async_api/``);
the argument ``async-api`` tests these alone. ``--check`` writes nothing.

Exit status: that of the suites, 0 if no test does worse than on real Flask or Quart.
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

from ..examples.prose import wrapped
from .async_api import runner
from .run import cache_dir, load_suites

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PAGE = PROJECT / "docs" / "reference" / "extensions.md"
RESULTS = HERE / "results.json"
#: What `asyncflask port` says of an extension.
DATA = PROJECT / "asyncflask" / "port" / "extensions.json"
TRANSPORTS = {"wsgi": "WSGI", "asgi": "ASGI"}
#: The key of the results of Quart's extensions, beside the transports.
QUART = "quart"

HEAD = """# Extensions and suites that run on asyncflask

This page lists the extensions and suites that were tested on asyncflask, for developers who depend on one of them.
Each row is the test suite of a published package.
It runs unchanged, with asyncflask installed as `flask` (`asyncflask.flask.install()`), and twice:
with *WSGI* the test client calls the app as a WSGI server does,
with *ASGI* through an event loop and a worker thread.
The figures are tests that pass; the first column has those that pass on real Flask 3.1.3.
The last column is the [async API](#on-the-async-api).
`make compat` writes this page from its results.
"""

QUART_SUITES = """
## Quart's extensions

Each row is the test suite of a published extension for Quart.
It runs unchanged, with asyncflask installed as `quart` (`asyncflask.quart.install()`).
The figures are tests that pass; the first column has those that pass on real Quart 0.22.0.
[Use quart-schema](../how-to/use-quart-schema.md) shows one of them in an app.
Quart-Session's distribution has no tests; a test of ours runs it with Redis on both.

| suite | on real Quart | on asyncflask.quart |
|---|--:|--:|
"""

FAILURES = """
## Tests that fail

"""

FAILURES_HEAD = """\
| suite | run | test | reason |
|---|---|---|---|
"""

ASYNC_API = """
## On the async API

The last column counts the project's own checks in `tests/compat/async_api`, as `passed/total`;
a dash means that there are none.
They try the documented features of an extension on `asyncflask.Flask` with `async def` views.
The extension uses asyncflask if the program calls `asyncflask.flask.install()` before anything imports `flask`:
see [Use Flask's extensions](../how-to/use-flask-extensions.md).
Some extensions need code that differs from the code for Flask:

"""


def run(suites: list[str], transport: str) -> tuple[int, dict[str, Any]]:
    """Run suites on one transport, or Quart's; return the exit status and the results by suite."""
    print(f"== {TRANSPORTS.get(transport, transport)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.json"
        done = subprocess.run(
            [
                *(sys.executable, str(HERE / "run.py"), *suites),
                *("--on", "asyncflask", "--project", str(PROJECT), "--json", str(file)),
            ],
            env=os.environ if transport == QUART else {**os.environ, "ASYNCFLASK_TEST_TRANSPORT": transport},
        )
        return done.returncode, json.loads(file.read_text()) if file.exists() else {}


def page(results: dict[str, Any]) -> str:
    """Return the page that shows ``results``."""
    rows = [
        "| suite | on real Flask | WSGI | ASGI | async API |",
        "|---|--:|--:|--:|--:|",
    ]
    losses: list[str] = []
    tried = results.get("async API", {})
    names = {name for transport in TRANSPORTS for name in results[transport]}
    for name in sorted(names | set(tried), key=_rank):
        there_too = tried.get(name)
        last = f"{there_too['passed']}/{there_too['total']}" if there_too else "—"
        for test, why in (there_too or {}).get("worse", {}).items():
            losses.append(f"| {name} | async API | `{test}` | {_escaped(why)} |")
        if name not in names:
            rows.append(f"| {name} | — | — | — | {last} |")
            continue
        cells = []
        for transport in TRANSPORTS:
            found = results[transport].get(name, {})
            cells.append(str(found.get("pass_here", "not run")))
            for test, why in {**found.get("threads", {}), **found.get("worse", {})}.items():
                losses.append(f"| {name} | {TRANSPORTS[transport]} | `{test}` | {_escaped(why)} |")
        there = next(
            found["pass_there"]
            for transport in TRANSPORTS
            if "pass_there" in (found := results[transport].get(name, {}))
        )
        rows.append(f"| {name} | {there} | {cells[0]} | {cells[1]} | {last} |")
    text = HEAD + "\n" + "\n".join(rows) + "\n"
    text += f"\nPython {results['python']}, {results['date']}.\n"
    text += QUART_SUITES + _quart_rows(results[QUART], losses)
    text += FAILURES + (FAILURES_HEAD + "\n".join(losses) if losses else "None.") + "\n"
    notes = (wrapped(f"- **{name}**: {_note(name)}", "  ") for name in tried)
    return text + ASYNC_API + "\n".join(notes) + "\n"


def _quart_rows(found: dict[str, Any], losses: list[str]) -> str:
    """Return the table of Quart's extensions; add the tests that fail."""
    rows = ""
    for name, of in sorted(found.items()):
        rows += f"| {name} | {of['pass_there']} | {of['pass_here']} |\n"
        losses += [f"| {name} | | `{test}` | {_escaped(why)} |" for test, why in of["worse"].items()]
    return rows


def data(results: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return what ``asyncflask port`` reads: passed and all tests of each extension."""
    found: dict[str, dict[str, str]] = {}
    for name, of in results["asgi"].items():
        if name not in {"flask", "flaskr"}:
            found[name] = {"facade": f"{of['pass_here']} of {of['pass_there']}"}
    for name, of in results[QUART].items():
        found[name] = {"quart": f"{of['pass_here']} of {of['pass_there']}"}
    for name, of in results.get("async API", {}).items():
        found.setdefault(name, {})["async"] = f"{of['passed']} of {of['total']}"
    return dict(sorted(found.items()))


def _note(name: str) -> str:
    text = " ".join(runner.notes_of(name).replace("``", "`").split())
    return text or "no difference."


def _with_others(results: dict[str, Any]) -> dict[str, Any]:
    """Return ``results`` with earlier results for the suites that did not run."""
    earlier = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    transports = {run: {**earlier.get(run, {}), **results[run]} for run in (*TRANSPORTS, QUART)}
    return {**earlier, **results, **transports}


def _suites_of(names: list[str]) -> dict[str, list[str]]:
    """Return the suites to run, by the package that they import: ``flask`` or ``quart``."""
    target = {name: suite.get("target", "flask") for name, suite in load_suites().items()}
    groups = {"all": list(target), QUART: [name for name in target if target[name] == QUART], "async-api": []}
    found: dict[str, list[str]] = {"flask": [], QUART: []}
    for name in [each for name in names for each in groups.get(name, [name])]:
        found[target.get(name, "flask")].append(name)
    return found


def _rank(name: str) -> tuple[bool, str]:
    return name not in {"flask", "flaskr"}, name


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", default=["all"], help="as run.py names them")
    parser.add_argument("--transport", choices=TRANSPORTS, action="append", help="default: both")
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args()
    alone = args.suites == ["async-api"]
    results: dict[str, Any] = {transport: {} for transport in (*TRANSPORTS, QUART)}
    status = 0
    chosen = _suites_of(args.suites)
    for transport in [*(args.transport or TRANSPORTS), QUART]:
        if suites := chosen[QUART if transport == QUART else "flask"]:
            code, results[transport] = run(suites, transport)
            status = max(status, code)
    if alone or args.suites == ["all"]:
        print("== async API", flush=True)
        python = runner.make_environment(cache_dir(), PROJECT)
        results["async API"] = found = runner.check(python, runner.EXTENSIONS)
        status = max(status, any(of["passed"] < max(1, of["total"]) for of in found.values()))
    if not args.check:
        from datetime import date

        if args.suites != ["all"] or args.transport:
            results = _with_others(results)
        if not alone:
            results["python"] = platform.python_version()
            results["date"] = date.today().isoformat()
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        PAGE.write_text(page(results))
        DATA.write_text(json.dumps(data(results), indent=1) + "\n")
        print(f"written: {PAGE.relative_to(PROJECT)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
