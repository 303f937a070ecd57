"""Tables of a result: times, goals, memory. They are made from the JSON file and nothing else.

``README.md`` has them between two markers; :func:`refresh` puts them there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .apps import PEERS, SUBJECT
from .memory import is_kept
from .workloads import WORKLOADS

BEGIN = "<!-- results: written by `python -m benchmarks`, do not edit -->"
END = "<!-- end of results -->"

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Goal:
    """A limit for the time of asyncflask on one workload, as a ratio.

    Args:
        workload: The workload.
        limit: The ratio that is to be kept.
        peer: What it is compared with.
        other: The workload it is compared with, if that is another one.
        subject: Which face of asyncflask is meant.
        hop: Whether the peer is granted a hop to a thread besides.
    """

    workload: str
    limit: float
    peer: str
    other: str | None = None
    subject: str = SUBJECT
    hop: bool = False

    def __str__(self) -> str:
        title = WORKLOADS[self.workload].title
        of = PEERS[self.peer].title if self.other is None else WORKLOADS[self.other].title
        who = "" if self.subject == SUBJECT else f"{PEERS[self.subject].title}: "
        granted = " plus one thread hop" if self.hop else ""
        return f"{who}{title} <= {self.limit:g} x {of}{granted}"

    def ratio(self, result: Result) -> float | None:
        """Return what was measured; ``None`` if one of the two was not."""
        other = median_of(result, self.other or self.workload, self.peer)
        if self.hop:
            hop = median_of(result, "def_view", "raw")
            other = None if other is None or hop is None else other + hop
        return ratio_of(median_of(result, self.workload, self.subject), other)


GOALS = (
    Goal("plaintext", 0.6, "starlette"),
    Goal("plaintext", 0.05, "quart"),
    Goal("routes", 1.3, SUBJECT, other="one_route"),
    Goal("plaintext", 0.6, "flask", subject="facade"),
    Goal("plaintext", 1.0, "flask", subject="facade_asgi", hop=True),
)


def median_of(result: Result, workload: str, peer: str) -> float | None:
    """Return the microseconds of a peer on a workload, if they were measured."""
    cell = result["times"].get(workload, {}).get(peer)
    return None if cell is None else cell["median"]


def ratio_of(time: float | None, other: float | None) -> float | None:
    """Return how many times ``other`` a time is."""
    return None if time is None or not other else time / other


# -- tables ----------------------------------------------------------------------------------------


def times_table(result: Result) -> str:
    """Make the table of medians, with half the distance of the quartiles, and of ratios."""
    found = [name for name in PEERS if any(name in row for row in result["times"].values())]
    others = [name for name in found if name != SUBJECT] if SUBJECT in found else []
    head = ["µs per request", *(PEERS[name].title for name in found)]
    head += [f"x {PEERS[name].title}" for name in others]
    rows = []
    for workload, cells in result["times"].items():
        row = [WORKLOADS[workload].title]
        row += [_time(cells.get(name), name == SUBJECT) for name in found]
        own = median_of(result, workload, SUBJECT)
        row += [_ratio(ratio_of(own, median_of(result, workload, name))) for name in others]
        rows.append(row)
    return table(head, rows)


def goals_table(result: Result) -> str:
    """Make the table of goals and of what became of them."""
    rows = []
    for goal in GOALS:
        ratio = goal.ratio(result)
        reached = "not measured" if ratio is None else verdict(ratio <= goal.limit)
        rows.append([str(goal), _ratio(ratio), reached])
    rows.append(_memory_goal(result.get("memory") or {}))
    return table(["goal", "measured", "reached"], rows)


def _memory_goal(cells: Mapping[str, Any]) -> list[str]:
    goal = "20,000 requests of any workload leave resident memory where it was"
    if not cells:
        return [goal, "–", "not measured"]
    kept = [WORKLOADS[name].title for name, cell in cells.items() if is_kept(cell)]
    measured = f"{len(cells) - len(kept)} of {len(cells)} do"
    if kept:
        measured += f", not: {', '.join(kept)}"
    return [goal, measured, verdict(not kept and len(cells) == len(WORKLOADS))]


def memory_table(result: Result) -> str:
    """Make the table of what is held before and after many requests."""
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
    """Say whether a goal was reached."""
    return "yes" if reached else "**no**"


def _time(cell: Mapping[str, float] | None, bold: bool) -> str:
    if cell is None:
        return "–"
    median, spread = cell["median"], (cell["high"] - cell["low"]) / 2
    digits = 0 if median >= 100 else 1 if median >= 10 else 2
    text = f"{median:.{digits}f}"
    text = f"**{text}**" if bold else text
    return f"{text} ±{spread:.{digits}f}"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return "–"
    return f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Make a Markdown table: the first column is text, the others are figures."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# -- the whole -------------------------------------------------------------------------------------


def report(result: Result) -> str:
    """Make all tables, and the line that says where the figures come from."""
    parts = [_origin(result), times_table(result), "### Goals", goals_table(result)]
    if result.get("memory"):
        parts += ["### Memory", _memory_note(result["memory"]), memory_table(result)]
    return "\n\n".join(parts)


def _origin(result: Result) -> str:
    machine = result["machine"]
    titles = {name: PEERS[name].title for name in result["versions"]}
    versions = ", ".join(f"{titles[name]} {of}" for name, of in result["versions"].items())
    return (
        f"{result['date']}, {result['python']}, {machine['processor']} ({machine['cores']} cores,"
        f" {machine['system']}, load {result['load']} at the start); {versions}. Medians of"
        f" {result['rounds']} rounds of {result['round_seconds'] * 1000:g} ms, ± half the distance"
        " between the quartiles. `x Starlette` is asyncflask's time divided by Starlette's."
    )


def _memory_note(cells: Mapping[str, Any]) -> str:
    requests = next(iter(cells.values()))["requests"]
    return (
        f"asyncflask, each workload in a process of its own, after a warm-up; the changes are those"
        f" of {requests:,} further requests, the garbage collected before and after."
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
    return f"{before}{begin}\n\n{tables}\n\n{end}{after}"
