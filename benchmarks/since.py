"""Counts the instructions of every workload's request at an older commit and now, with valgrind.

The older commit is checked out beside this one, and each interpreter that is given counts both, so
that nothing but asyncflask differs. A count is the difference between two processes, as in
:mod:`.instructions`; counting begins in them when imports and first requests are over.
"""

from __future__ import annotations

import math
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .counted_requests import MOST
from .measure import Say, machine
from .report import table, verdict
from .workloads import WORKLOADS

BEGIN = "<!-- since: written by `python -m benchmarks since`, do not edit -->"
END = "<!-- end of since -->"

FEWER, MORE = 50, MOST
#: Of the hashes of strings, which decide where dictionaries collide.
SEEDS = (0, 1, 2)
#: The goals: most of one workload, of all (geometric mean), and of a request with hooks.
ONE, ALL, HOOKS = 1.03, 1.0, 0.95

_ROOT = Path(__file__).parents[1]
_SCRIPT = str(Path(__file__).with_name("counted_requests.py"))
_COLLECTED = re.compile(r"Collected : (\d+)")

#: Workload, then commit, then the counts for the seeds.
Counts = Mapping[str, Mapping[str, Sequence[int]]]


def run(commit: str, pythons: Sequence[str], quick: bool, say: Say) -> dict[str, Any]:
    """Count all workloads.

    Args:
        commit: The older commit.
        pythons: Interpreters that have what asyncflask needs.
        quick: One seed, and plaintext alone.
        say: Is called with lines about the progress.

    Returns:
        The result.

    Raises:
        FileNotFoundError: valgrind is not installed.
        ValueError: There is no such commit.
        RuntimeError: A process failed; the message is its output.
    """
    valgrind = _output(["valgrind", "--version"])
    try:
        short = _output(["git", "rev-parse", "--short", "--verify", f"{commit}^{{commit}}"])
    except subprocess.CalledProcessError as error:
        raise ValueError(
            f"`since` was given {commit!r}, which git does not know as a commit: write one that"
            " `git log` shows, and fetch the whole history if this clone is a shallow one."
        ) from error
    workloads, seeds = (["plaintext"], SEEDS[:1]) if quick else (list(WORKLOADS), SEEDS)
    with _checked_out(commit, seeds) as trees:
        counts = {
            _version(python): {
                workload: _counts(python, trees, workload, seeds, say) for workload in workloads
            }
            for python in pythons
        }
    return {
        "kind": "since",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "before": short,
        "now": _output(["git", "rev-parse", "--short", "HEAD"]),
        "valgrind": valgrind,
        "machine": machine(),
        "seeds": list(seeds),
        "counts": counts,
    }


def _output(command: Sequence[str]) -> str:
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def _version(python: str) -> str:
    return _output([python, "-c", "import platform; print(platform.python_version())"])


@contextmanager
def _checked_out(commit: str, seeds: Sequence[int]) -> Iterator[dict[str, list[Path]]]:
    """Check out a commit; give both trees, for each seed below a folder of another length.

    How long the names of files are decides where objects lie in memory, which shifts a count by up
    to 3 %. So the two trees have names of one length, and the median is over several.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "checkout"
        _output(["git", "worktree", "add", "--detach", str(tree), commit])
        try:
            links: dict[str, list[Path]] = {"before": [], "now": []}
            for seed in seeds:
                parent = Path(folder) / "links" / ("-" * (1 + 11 * seed))
                parent.mkdir(parents=True)
                for name, target in (("before", tree), ("now", _ROOT)):
                    link = parent / name[:3].ljust(3, "_")
                    link.symlink_to(target)
                    links[name].append(link)
            yield links
        finally:
            _output(["git", "worktree", "remove", "--force", str(tree)])


def _counts(
    python: str,
    trees: Mapping[str, Sequence[Path]],
    workload: str,
    seeds: Sequence[int],
    say: Say,
) -> dict[str, list[int]]:
    paths = [path for each in trees.values() for path in zip(each, seeds, strict=True)]
    jobs = [(*path, calls) for path in paths for calls in (FEWER, MORE)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = list(pool.map(lambda job: count(python, job[0], workload, *job[1:]), jobs))
    each = [
        round((more - fewer) / (MORE - FEWER))
        for fewer, more in zip(counted[::2], counted[1::2], strict=True)
    ]
    found = {name: each[place * len(seeds) :][: len(seeds)] for place, name in enumerate(trees)}
    say(f"{Path(python).name}, {workload}: {ratio(found):.3f}")
    return found


def count(python: str, tree: Path, workload: str, seed: int, calls: int) -> int:
    """Return the instructions of a process that makes requests.

    Args:
        python: The interpreter.
        tree: The checkout, whose asyncflask and benchmarks are run.
        workload: The workload.
        seed: Of the hashes of strings.
        calls: The number of requests.

    Returns:
        The number of instructions.

    Raises:
        RuntimeError: It failed.
    """
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
    ended = subprocess.run(
        # `-P`: neither this folder nor that of the script is in the module search path.
        [*valgrind, "--callgrind-out-file=/dev/null", python, "-P", _SCRIPT, workload, str(calls)],
        env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(tree)},
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    found = _COLLECTED.search(ended.stderr)
    if ended.returncode or found is None:
        raise RuntimeError(f"Counting {workload} in {tree} failed:\n{ended.stderr[-2000:]}")
    return int(found[1])


# -- tables and picture ----------------------------------------------------------------------------


def ratio(found: Mapping[str, Sequence[int]]) -> float:
    """Return the median now, divided by the one before.

    Args:
        found: The counts before and now.

    Returns:
        The ratio.
    """
    return statistics.median(found["now"]) / statistics.median(found["before"])


def mean(counts: Counts) -> float:
    """Return the geometric mean of the ratios of all workloads.

    Args:
        counts: The counts by workload.

    Returns:
        The mean.
    """
    return math.exp(statistics.fmean(math.log(ratio(found)) for found in counts.values()))


def report(result: Mapping[str, Any]) -> str:
    """Make the table of a result."""
    versions: Mapping[str, Counts] = result["counts"]
    origin = (
        f"{result['date']}, commit {result['before']} -> {result['now']}, {result['valgrind']},"
        f" {result['machine']['system']}. Instructions of a request, medians for the hash seeds"
        f" {', '.join(map(str, result['seeds']))}; the garbage collector is off."
        " Each seed has a folder of another length: where objects lie changes a count by up to 3 %."
    )
    head = ["workload"]
    for version in versions:
        head += [f"{version}: before", "now", "ratio"]
    rows = []
    for workload in next(iter(versions.values())):
        row = [WORKLOADS[workload].title]
        for counts in versions.values():
            found = counts[workload]
            row += [f"{statistics.median(found[name]):,.0f}" for name in ("before", "now")]
            row.append(f"{ratio(found):.3f}")
        rows.append(row)
    means = ["geometric mean"]
    for counts in versions.values():
        means += ["", "", f"{mean(counts):.3f}"]
    goals = [[text, value, verdict(reached)] for text, value, reached in _goals(versions)]
    return "\n\n".join(
        [origin, table(head, [*rows, means]), table(["goal", "measured", "reached"], goals)]
    )


def _goals(versions: Mapping[str, Counts]) -> Iterator[tuple[str, str, bool]]:
    for version, counts in versions.items():
        ratios = {workload: ratio(found) for workload, found in counts.items()}
        most = max(ratios, key=lambda workload: ratios[workload])
        value = f"{ratios[most]:.3f} ({WORKLOADS[most].title})"
        yield f"{version}: no workload over {ONE} x", value, round(ratios[most], 3) <= ONE
        if "hooks" in ratios:
            hooks = ratios["hooks"]
            yield f"{version}: hooks at most {HOOKS} x", f"{hooks:.3f}", round(hooks, 3) <= HOOKS
        whole = mean(counts)
        yield f"{version}: geometric mean at most {ALL} x", f"{whole:.3f}", round(whole, 3) <= ALL


def plot(result: Mapping[str, Any], path: Path) -> None:
    """Draw the ratio of each workload, a bar for each interpreter.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    versions: Mapping[str, Counts] = result["counts"]
    workloads = list(next(iter(versions.values())))
    figure = Figure(figsize=(9, 0.35 * len(workloads) + 1.5), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(versions)
    for place, (version, counts) in enumerate(versions.items()):
        axes.barh(
            [row + place * height for row in range(len(workloads))],
            [ratio(counts[workload]) for workload in workloads],
            height=height,
            label=f"CPython {version}",
        )
    axes.axvline(1, color="black", linewidth=0.8)
    axes.axvline(ONE, color="black", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(workloads)), [WORKLOADS[name].title for name in workloads])
    axes.invert_yaxis()
    axes.set_xlabel(f"instructions of a request, {result['now']} : {result['before']}")
    axes.legend()
    figure.savefig(path)
