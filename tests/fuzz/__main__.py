"""Fuzz each target in a process of its own and write the figures: ``python -m tests.fuzz``.

The figures go to ``docs/reference/fuzzing.md``; nothing there is typed by hand.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "fuzzing.md"
BEGIN = "<!-- figures: written by `make fuzz`, do not edit -->"
END = "<!-- end of figures -->"


def main() -> int:
    """Run one target, or all of them and the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=200_000, help="how many for each target")
    parser.add_argument("--seed", type=int, default=1, help="of the fuzzer's random numbers")
    parser.add_argument("--only", help="one target, here, without a report")
    options = parser.parse_args()
    if options.only:
        return _fuzz(options.only, options.inputs, options.seed)
    from .targets import TARGETS

    rows = []
    for number, name in enumerate(TARGETS, 1):
        print(f"[{number}/{len(TARGETS)}] {name}: {options.inputs:,} inputs …", flush=True)
        rows.append(_measure(name, options.inputs, options.seed))
        print(f"    {rows[-1]}", flush=True)
    _write(rows, options.seed)
    return 1 if any(row["findings"] for row in rows) else 0


def _fuzz(name: str, inputs: int, seed: int) -> int:
    import atheris

    # What is imported in here tells the fuzzer what an input has made it do.
    with atheris.instrument_imports(include=["asyncflask.protocol", "wsproto"]):
        from .targets import TARGETS

    target, seeds = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds):
            (Path(folder) / str(number)).write_bytes(data)
        arguments = [f"-runs={inputs}", f"-seed={seed}", "-max_len=2048", "-timeout=10"]
        atheris.Setup([sys.argv[0], *arguments, folder], target)
        atheris.Fuzz()
    return 0


def _measure(name: str, inputs: int, seed: int) -> dict[str, object]:
    """Run one target in a process of its own."""
    command = [sys.executable, "-m", "tests.fuzz", "--only", name]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*command, "--inputs", str(inputs), "--seed", str(seed)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**os.environ, "TMPDIR": folder},
        )
    seconds = time.monotonic() - began
    finished = re.search(r"Done (\d+) runs", done.stderr)
    features = re.findall(r"ft: (\d+)", done.stderr)
    if done.returncode or not finished:
        print(done.stderr[-4000:], file=sys.stderr)
    return {
        "target": name,
        "inputs": int(finished[1]) if finished else 0,
        "seconds": round(seconds),
        "features": int(features[-1]) if features else 0,
        "findings": int(bool(done.returncode or not finished)),
    }


def _write(rows: list[dict[str, object]], seed: int) -> None:
    """Put the table into the page, between its marks."""
    from .targets import TARGETS

    total = sum(int(str(row["inputs"])) for row in rows)
    versions = (
        f"CPython {platform.python_version()}, atheris {version('atheris')}, h11 {version('h11')}"
    )
    lines = [
        BEGIN,
        "",
        f"{date.today()}, {versions}, wsproto {version('wsproto')}, seed {seed}:"
        f" {total:,} inputs in all, {sum(int(str(row['findings'])) for row in rows)} findings.",
        "",
        "| target | inputs | seconds | features | findings | what is held |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        function, _ = TARGETS[str(row["target"])]
        held = (function.__doc__ or "").strip()
        lines.append(
            f"| `{row['target']}` | {row['inputs']:,} | {row['seconds']} | {row['features']}"
            f" | {row['findings']} | {held} |"
        )
    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(before + "\n".join([*lines, "", END]) + after)


if __name__ == "__main__":
    raise SystemExit(main())
