"""What became slower between two results of any command, beyond the noise.

Two runs may come from two machines, or from one that was busy. So the peers that did not change
(the raw app, and those of the same version in both) say by how much the machine differs, and only
what goes beyond that counts. Beyond the noise means: the quartiles do not overlap, and the median
moved by more than the threshold.
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


@dataclass(frozen=True)
class Change:
    """How one peer's time on one workload changed; the machine's part is taken out."""

    workload: str
    peer: str
    before: float
    after: float
    factor: float
    beyond_noise: bool
    unit: str = "µs"

    def __str__(self) -> str:
        title = WORKLOADS[self.workload].title if self.workload in WORKLOADS else self.workload
        before, after = (f"{value:.4g} {self.unit}".rstrip() for value in (self.before, self.after))
        return (
            f"{PEERS[self.peer].title}, {title}: {before} before, {after} now,"
            f" {self.factor - 1:+.0%} (the machine's part taken out)"
        )


def machine_factor(before: Result, after: Result) -> float:
    """Return how many times slower the machine was in the second run, by the unchanged peers."""
    ratios = [
        new["median"] / old["median"]
        for _, peer, old, new in _shared_cells(before, after)
        if peer != SUBJECT and before["versions"].get(peer) == after["versions"].get(peer)
    ]
    return statistics.median(ratios) if ratios else 1.0


def changes(before: Result, after: Result, threshold: float = THRESHOLD) -> list[Change]:
    """Return how each time that is in both results changed, the worst first.

    Args:
        before: The older result.
        after: The newer one.
        threshold: What part of the median a change has to exceed.
    """
    machine = machine_factor(before, after)
    found = []
    for workload, peer, old, new in _shared_cells(before, after):
        factor = new["median"] / old["median"] / machine
        apart = new["low"] > old["high"] * machine or new["high"] < old["low"] * machine
        beyond = apart and abs(factor - 1) > threshold
        medians = old["median"], new["median"]
        unit = after.get("unit", "µs")
        found.append(Change(workload, peer, *medians, factor, beyond, unit))
    return sorted(found, key=lambda change: change.factor, reverse=True)


def _shared_cells(before: Result, after: Result) -> Iterator[tuple[str, str, Any, Any]]:
    for workload, cells in after["times"].items():
        for peer, new in cells.items():
            old = before["times"].get(workload, {}).get(peer)
            if old is not None:
                yield workload, peer, old, new


def newly_kept(before: Result, after: Result) -> list[str]:
    """Return the workloads that keep memory now and did not before."""
    old = before.get("memory") or {}
    return [
        name
        for name, cell in (after.get("memory") or {}).items()
        if is_kept(cell) and not (name in old and is_kept(old[name]))
    ]


def summary(before: Result, after: Result, threshold: float = THRESHOLD) -> tuple[str, bool]:
    """Return what there is to say about two results, and whether asyncflask became worse."""
    found = changes(before, after, threshold)
    own = [change for change in found if change.peer == SUBJECT and change.beyond_noise]
    slower = [change for change in own if change.factor > 1]
    faster = [change for change in reversed(own) if change.factor < 1]
    kept = newly_kept(before, after)
    lines = [f"The machine took {machine_factor(before, after):.2f} x the time of before."]
    for label, group in (("Slower", slower), ("Faster", faster)):
        lines.append(f"{label}: {len(group) or 'nothing'}, beyond the noise.")
        lines += [f"  {change}" for change in group]
    lines += [f"Keeps memory now: {name}" for name in kept]
    return "\n".join(lines), bool(slower or kept)
