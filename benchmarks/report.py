"""Tables of a result: times, ratios, goals, memory. They are made from the JSON file alone.

``README.md`` has them between two markers; :func:`refresh` puts them there.
"""

from __future__ import annotations

import re
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .apps import PEERS, SUBJECT
from .goals import Result, outcomes, ratio_between, shown
from .memory import REQUESTS, is_kept
from .workloads import WORKLOADS

BEGIN = "<!-- results: written by `python -m benchmarks`, do not edit -->"
END = "<!-- end of results -->"

#: the raw app, and asyncflask's own APIs
NO_OTHER_FRAMEWORK = frozenset({"raw", SUBJECT, "facade", "facade_asgi"})

# -- tables ----------------------------------------------------------------------------------------


def times_table(result: Result) -> str:
    """Make the table of medians, with half the distance of the quartiles."""
    found = _peers(result)
    rows = [
        [
            WORKLOADS[workload].title,
            *(_time(cells.get(name), name == SUBJECT) for name in found),
        ]
        for workload, cells in result["times"].items()
    ]
    return table(["µs per request", *(PEERS[name].title for name in found)], rows)


def ratios_table(result: Result) -> str:
    """Make the table of asyncflask's time divided by that of the others, round by round."""
    others = [name for name in _peers(result) if name != SUBJECT]
    rows = []
    for workload in result["times"]:
        ratios = [ratio_between(result, workload, SUBJECT, name) for name in others]
        rows.append([WORKLOADS[workload].title, *map(shown, ratios)])
    return table(["asyncflask's time, x", *(PEERS[name].title for name in others)], rows)


def standing_table(result: Result) -> str:
    """Make the table that compares asyncflask with each framework, over all workloads."""
    rows = []
    for name, (mean, ratios) in standing(result).items():
        behind = [
            f"{WORKLOADS[workload].title} ({shown(ratio)})"
            for workload, ratio in ratios.items()
            if ratio > 1
        ]
        ahead = f"{len(ratios) - len(behind)} of {len(ratios)}"
        rows.append([PEERS[name].title, shown(mean), ahead, ", ".join(behind) or "–"])
    return table(["against", "geometric mean", "quicker in", "slower in"], rows)


def standing(result: Result) -> dict[str, tuple[float | None, dict[str, float]]]:
    """Return the geometric mean and the ratios of asyncflask's time to each framework's.

    The mean is that of the ratios, without "last of 500 routes": one framework's search through its
    routes would outweigh everything else.
    """
    found = {}
    for name in _peers(result):
        if name in NO_OTHER_FRAMEWORK:
            continue
        ratios = {
            workload: ratio
            for workload in result["times"]
            if (ratio := ratio_between(result, workload, SUBJECT, name)) is not None
        }
        counted = [ratio for workload, ratio in ratios.items() if workload != "routes"]
        found[name] = (statistics.geometric_mean(counted) if counted else None, ratios)
    return found


def _peers(result: Result) -> list[str]:
    return [name for name in PEERS if any(name in row for row in result["times"].values())]


def goals_table(result: Result) -> str:
    """Make the table of goals and their outcomes."""
    rows = [
        [goal, measured, "not measured" if reached is None else verdict(reached)]
        for goal, measured, reached in outcomes(result)
    ]
    rows.append(_memory_goal(result.get("memory") or {}))
    return table(["goal", "measured", "reached"], rows)


def _memory_goal(cells: Mapping[str, Any]) -> list[str]:
    goal = f"{REQUESTS:,} requests of any workload leave resident memory where it was"
    if not cells:
        return [goal, "–", "not measured"]
    kept = [WORKLOADS[name].title for name, cell in cells.items() if is_kept(cell)]
    measured = f"{len(cells) - len(kept)} of {len(cells)} do"
    if kept:
        measured += f", not: {', '.join(kept)}"
    return [goal, measured, verdict(not kept and len(cells) == len(WORKLOADS))]


def memory_table(result: Result) -> str:
    """Make the table of memory before and after many requests."""
    rows = []
    for name, cell in (result.get("memory") or {}).items():
        (before, after), blocks, objects = cell["resident"], cell["blocks"], cell["objects"]
        rows.append(
            [
                WORKLOADS[name].title,
                f"{before / 1024:.1f}",
                f"{after - before:+}",
                f"{blocks[1] - blocks[0]:+}",
                f"{objects[1] - objects[0]:+}",
            ]
        )
    return table(["workload", "resident, MiB", "change, KiB", "blocks", "objects"], rows)


def verdict(reached: bool) -> str:
    """Return the word for a goal that was reached or not."""
    return "yes" if reached else "**no**"


def _time(cell: Mapping[str, float] | None, bold: bool) -> str:
    if cell is None:
        return "–"
    median, spread = cell["median"], (cell["high"] - cell["low"]) / 2
    digits = 0 if median >= 100 else 1 if median >= 10 else 2
    text = f"{median:.{digits}f}"
    text = f"**{text}**" if bold else text
    return f"{text} ±{spread:.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Make a Markdown table: the first column is text, the others are figures."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# -- the whole -------------------------------------------------------------------------------------


def report(result: Result) -> str:
    """Make all tables, and the line about the origin of the figures."""
    parts = [_origin(result), times_table(result)]
    if SUBJECT in _peers(result):
        parts += [ratios_table(result), "## Standing", standing_table(result)]
    parts += ["## Goals", goals_table(result)]
    if result.get("memory"):
        parts += ["## Memory", _memory_note(result["memory"]), memory_table(result)]
    return "\n\n".join(parts)


def _origin(result: Result) -> str:
    machine = result["machine"]
    titles = {name: PEERS[name].title for name in result["versions"]}
    versions = ", ".join(f"{titles[name]} {of}" for name, of in result["versions"].items())
    return (
        f"{result['date']}, {result['python']}, {machine['processor']} ({machine['cores']} cores,"
        f" {machine['system']}, load {result['load']} at the start); {versions}. Medians of"
        f" {result['rounds']} rounds of {result['round_seconds'] * 1000:g} ms in"
        f" {result.get('launches', 1)} launches of each process, ± half the distance between the"
        " quartiles."
    )


def _memory_note(cells: Mapping[str, Any]) -> str:
    requests = sorted({cell["requests"] for cell in cells.values()})
    return (
        "These are figures of asyncflask, each workload in a process of its own, after a warm-up."
        f" The changes are those of {' or '.join(f'{count:,}' for count in requests)} further"
        " requests, with a garbage collection before and after."
    )


def refresh(readme: Path, result: Result) -> None:
    """Put the tables between the markers of a file.

    Raises:
        ValueError: The file does not have both markers, in order.
    """
    readme.write_text(replaced(readme.read_text(encoding="utf-8"), report(result)), "utf-8")


def replaced(text: str, tables: str, begin: str = BEGIN, end: str = END) -> str:
    """Return ``text`` with ``tables`` between two markers.

    Raises:
        ValueError: ``text`` does not have both markers, in order.
    """
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(
            f"The text has not both markers in order. Write {begin!r} and, below it, {end!r} where"
            " the tables are to stand."
        )
    return f"{before}{begin}\n\n{filled(tables)}\n\n{end}{after}"


def filled(text: str) -> str:
    """Return Markdown with one sentence a line, and no line of prose over 120 characters."""
    parts = []
    for part in text.split("\n\n"):
        if not part.startswith(("|", "#")):
            sentences = re.split(r"(?<=[.!?]) +(?=[A-Z`*])", part)
            part = "\n".join(
                textwrap.fill(one, 120, break_long_words=False, break_on_hyphens=False)
                for one in sentences
            )
        parts.append(part)
    return "\n\n".join(parts)
