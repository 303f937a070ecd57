"""The goals of asyncflask in process, and whether a result reaches them.

Limits of single workloads are rows of :data:`GOALS`; two goals look at all workloads. The goals of
servers are in ``servers/report.py``, those of starting and memory where they are measured.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .apps import PEERS, SUBJECT
from .workloads import WORKLOADS

Result = Mapping[str, Any]
Cell = Mapping[str, Any]
#: Text of a goal, the measured value, and whether it is reached (``None``: not measured).
Outcome = tuple[str, str, bool | None]


@dataclass(frozen=True)
class Goal:
    """A limit for the time of asyncflask on one workload, as a ratio.

    Args:
        workload: The workload.
        limit: The highest ratio that reaches the goal.
        peer: The peer to compare with.
        other: The workload to compare with, if it is another one.
        subject: The API of asyncflask that is measured.
        hop: Whether the time of a hop to a thread is added to the peer's.
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
        """Return the measured ratio; ``None`` if one of the two was not measured."""
        if self.other is not None:
            return self._ratio_to(self.other, result)
        if not self.hop:
            return ratio_between(result, self.workload, self.subject, self.peer)
        other, hop = median_of(result, self.workload, self.peer), median_of(result, *_HOP)
        if other is None or hop is None:
            return None
        return ratio_of(median_of(result, self.workload, self.subject), other + hop)

    def _ratio_to(self, other: str, result: Result) -> float | None:
        """Return the ratio to another workload, each relative to the raw app in its own rounds.

        They are minutes apart, and the machine's speed may have changed; the raw app does the
        same work in both.
        """
        here = ratio_between(result, self.workload, self.subject, _FLOOR)
        there = ratio_between(result, other, self.peer, _FLOOR)
        return ratio_of(here, there)

    def outcome(self, result: Result) -> Outcome:
        """Return the outcome of the goal."""
        ratio = self.ratio(result)
        return str(self), shown(ratio), None if ratio is None else ratio <= self.limit


_FLOOR = "raw"
#: the workload and the peer that measure a hop to a thread
_HOP = "def_view", _FLOOR
#: x Starlette, workload by workload
_STARLETTE = {
    **dict.fromkeys(("plaintext", "json", "path"), 0.45),
    "routes": 0.02,
    "inputs": 0.75,
    "json_post": 0.75,
    "form": 0.5,
    "multipart": 0.45,
    "template": 0.95,
    "session": 0.7,
    "hooks": 0.55,
    "stream": 0.25,
    "def_view": 0.7,
    "not_found": 0.9,
    "error": 0.8,
    "websocket": 0.55,
}
#: workloads of the mean; one of 500 routes would outweigh all others
_MEAN = tuple(name for name in _STARLETTE if name != "routes")
_MEAN_LIMIT = 0.55

GOALS = (
    *(Goal(workload, limit, "starlette") for workload, limit in _STARLETTE.items()),
    *(Goal(workload, 1.0, "blacksheep") for workload in ("plaintext", "json", "path")),
    Goal("plaintext", 2.6, "raw"),
    Goal("plaintext", 0.03, "quart"),
    Goal("routes", 1.15, SUBJECT, other="path"),
    Goal("multipart", 1.0, "flask"),
    Goal("plaintext", 0.6, "flask", subject="facade"),
    Goal("plaintext", 1.0, "flask", subject="facade_asgi", hop=True),
)


def outcomes(result: Result) -> list[Outcome]:
    """Return the outcome of every goal."""
    return [*(goal.outcome(result) for goal in GOALS), _mean(result), _never_slower(result)]


def _mean(result: Result) -> Outcome:
    goal = f"geometric mean of these without 500 routes <= {_MEAN_LIMIT:g} x Starlette"
    ratios = [Goal(name, 1, "starlette").ratio(result) for name in _MEAN]
    logs = [math.log(ratio) for ratio in ratios if ratio]
    if len(logs) != len(_MEAN):
        return goal, shown(None), None
    mean = math.exp(sum(logs) / len(logs))
    return goal, shown(mean), mean <= _MEAN_LIMIT


def _never_slower(result: Result) -> Outcome:
    goal = "never slower than Quart or Flask (WSGI)"
    slower, count = [], 0
    for workload in result["times"]:
        for peer in ("quart", "flask"):
            ratio = Goal(workload, 1, peer).ratio(result)
            count += ratio is not None
            if ratio is not None and ratio > 1:
                slower.append(f"{WORKLOADS[workload].title} ({shown(ratio)} x {PEERS[peer].title})")
    if not count:
        return goal, shown(None), None
    return goal, ", ".join(slower) or f"in none of {count} cases", not slower


def median_of(result: Result, workload: str, peer: str) -> float | None:
    """Return the microseconds of a peer on a workload, if they were measured."""
    cell = result["times"].get(workload, {}).get(peer)
    return None if cell is None else cell["median"]


def ratio_between(result: Result, workload: str, one: str, other: str) -> float | None:
    """Return how many times the second peer's time the first one's is, on a workload."""
    cells = result["times"].get(workload, {})
    return ratio_of_cells(cells.get(one), cells.get(other))


def ratio_of_cells(one: Cell | None, other: Cell | None) -> float | None:
    """Return how many times the second figure the first one is; ``None`` if one is missing.

    It is the median of the rounds' ratios, because a round takes seconds, and the machine's speed
    changes in the course of a run.
    """
    if one is None or other is None:
        return None
    rounds = one["rounds"], other["rounds"]
    if not rounds[0] or len(rounds[0]) != len(rounds[1]):
        return ratio_of(one["median"], other["median"])
    return statistics.median(mine / theirs for mine, theirs in zip(*rounds, strict=True))


def ratio_of(time: float | None, other: float | None) -> float | None:
    """Return how many times ``other`` a time is."""
    return None if time is None or not other else time / other


def shown(ratio: float | None) -> str:
    """Format a ratio with its significant digits."""
    if ratio is None:
        return "–"
    return f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
