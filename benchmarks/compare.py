"""Finds what became slower, or needs more memory, between two results of one command.

Two runs may be from two machines, or from one that was busy. So the peers that did not change
(the raw app, and those of the same version in both) show the difference of the machines, and only
a larger difference counts. Memory does not depend on the speed of a machine. A difference is
reported if the quartiles do not overlap, and the median changed by more than the threshold.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .apps import PEERS, SUBJECT
from .memory import is_kept
from .workloads import WORKLOADS

THRESHOLD = 0.05

Result = Mapping[str, Any]
Cell = Mapping[str, Any]

TIMES, SIZES = "times", "sizes"


@dataclass(frozen=True)
class Change:
    """The change of one peer's figure; times are corrected for the machine."""

    workload: str
    peer: str
    before: float
    after: float
    factor: float
    beyond_noise: bool
    own: bool
    unit: str = "µs"
    what: str = TIMES

    def __str__(self) -> str:
        title = WORKLOADS[self.workload].title if self.workload in WORKLOADS else self.workload
        before, after = (f"{value:.4g} {self.unit}".rstrip() for value in (self.before, self.after))
        behind = "the machine's part taken out" if self.what == TIMES else "memory"
        return (
            f"{PEERS[self.peer].title}, {title}: {before} before, {after} now,"
            f" {self.factor - 1:+.0%} ({behind})"
        )


def machine_factor(before: Result, after: Result) -> float:
    """Return how many times slower the second machine was, from the peers that did not change."""
    ratios = [
        new["median"] / old["median"]
        for workload, peer, old, new in _shared_cells(before, after, TIMES)
        if _is_unchanged(before, after, workload, peer)
    ]
    return statistics.median(ratios) if ratios else 1.0


def _is_unchanged(before: Result, after: Result, workload: str, peer: str) -> bool:
    """Tell whether a peer, and the server in front of it if there is one, are the same in both."""
    if _is_own(after, workload, peer):
        return False  # Its version is the same while its code changes.
    same_peer = before["versions"].get(peer) == after["versions"].get(peer)
    return bool(same_peer and _server(before, workload) == _server(after, workload))


def _is_own(result: Result, workload: str, peer: str) -> bool:
    """Tell whether asyncflask is in a figure: as the app, by its facade, or as the server."""
    return PEERS[peer].distribution == SUBJECT or SUBJECT in _server(result, workload)


def _server(result: Result, workload: str) -> Mapping[str, str]:
    """Return the parts of a figure's server; empty if it was measured in process."""
    servers: Mapping[str, Mapping[str, str]] = result.get("servers", {})
    return servers.get(workload.partition(" ")[0], {})


def changes(before: Result, after: Result, threshold: float = THRESHOLD) -> list[Change]:
    """Return how each figure that is in both results changed, the worst first.

    Args:
        before: The older result.
        after: The newer one.
        threshold: The part of the median that a change must exceed.
    """
    kinds = (
        (TIMES, machine_factor(before, after), after.get("unit", "µs")),
        (SIZES, 1.0, after.get("size_unit", "KiB")),
    )
    found = []
    for what, machine, unit in kinds:
        for workload, peer, old, new in _shared_cells(before, after, what):
            factor = new["median"] / old["median"] / machine
            apart = new["low"] > old["high"] * machine or new["high"] < old["low"] * machine
            beyond = apart and abs(factor - 1) > threshold
            own = _is_own(after, workload, peer)
            medians = old["median"], new["median"]
            found.append(Change(workload, peer, *medians, factor, beyond, own, unit, what))
    return sorted(found, key=lambda change: change.factor, reverse=True)


def _shared_cells(
    before: Result, after: Result, what: str
) -> Iterator[tuple[str, str, Cell, Cell]]:
    for workload, cells in after.get(what, {}).items():
        for peer, new in cells.items():
            old = before.get(what, {}).get(workload, {}).get(peer)
            if old is not None and old["median"] > 0:
                yield workload, peer, old, new


def newly_kept(before: Result, after: Result) -> list[str]:
    """Return the workloads that keep memory in the second result only."""
    old = before.get("memory") or {}
    return [
        name
        for name, cell in (after.get("memory") or {}).items()
        if is_kept(cell) and not (name in old and is_kept(old[name]))
    ]


def summary(before: Result, after: Result, threshold: float = THRESHOLD) -> tuple[str, bool]:
    """Return a text about two results, and whether asyncflask became worse.

    Raises:
        ValueError: They are not results of the same command.
    """
    kinds = [result.get("kind", "in process") for result in (before, after)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"The first result is of {kinds[0]!r} and the second of {kinds[1]!r}. Compare two"
            " results of the same command."
        )
    own = [each for each in changes(before, after, threshold) if each.own and each.beyond_noise]
    groups = {
        "Slower": [each for each in own if each.what == TIMES and each.factor > 1],
        "More memory": [each for each in own if each.what == SIZES and each.factor > 1],
        "Faster": [each for each in reversed(own) if each.what == TIMES and each.factor < 1],
        "Less memory": [each for each in reversed(own) if each.what == SIZES and each.factor < 1],
    }
    kept = newly_kept(before, after)
    lines = [f"The machine took {machine_factor(before, after):.2f} x the time of before."]
    for label, group in groups.items():
        if group or label in ("Slower", "Faster"):
            lines.append(f"{label}: {len(group) or 'nothing'}, beyond the noise.")
        lines += [f"  {change}" for change in group]
    lines += [f"Keeps memory now: {name}" for name in kept]
    return "\n".join(lines), bool(groups["Slower"] or groups["More memory"] or kept)
