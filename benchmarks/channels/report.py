"""The tables of a result, between two markers of ``docs/reference/channels.md``."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..report import table
from .measure import LENGTH, PUBLISHERS
from .peers import PEERS
from .run import BLOCKING, MESSAGES, PAUSE

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "channels.md"
BEGIN = "<!-- figures: written by `python -m benchmarks channels`, do not edit -->"
END = "<!-- end of figures -->"

TITLES = {
    "memory": "memory",
    "redis": "Redis",
    "valkey": "Valkey",
    "postgresql": "PostgreSQL",
    "nats": "NATS",
}
Result = Mapping[str, Any]


def report(result: Result) -> str:
    """Make all tables, and the lines that say what they are."""
    size = result["size"]
    subscribers = size["subscribers"]
    return "\n\n".join(
        [
            _origin(result),
            f"One publisher and one subscriber in one process, with messages of {LENGTH} bytes:"
            " µs from publishing to receiving, and messages a second from"
            f" {PUBLISHERS} publishers at once.",
            _pairs(result),
            "Fan-out in one process: µs of a delivery, of which CPU in brackets."
            f" Over two processes with {size['workers_subscribers']} subscribers each:"
            f" milliseconds from publishing to a delivery, {MESSAGES} messages, one each"
            f" {PAUSE * 1000:g} ms.",
            _fan_outs(result, subscribers),
            "“–” stands for what does not work: a connection for each of so many subscribers, or"
            " several publishers at once.",
            "The server is killed"
            f" {size['restarts']} times while another worker publishes, and is started again after"
            " half a second. The column “lost” counts what the publisher was told is sent, and what"
            " did not arrive; “back” are the seconds until a message arrives again."
            " What a server has taken, and has neither passed on nor written to a disk when it is"
            " killed, is lost."
            " Channels replay `CHANNELS_HISTORY` messages; if more are published until a subscriber"
            " is back, the rest is lost, and its `messages.complete` is false.",
            _restarts(result),
            f"A subscription's memory is that of {size['kept']:,} in one channel, and of"
            f" {size['kept'] // 10:,} with a channel each."
            " The last column is a publish in code without an event loop, such as a job or a"
            f" command, of {BLOCKING} in a row.",
            _costs(result),
        ]
    )


def _origin(result: Result) -> str:
    machine = result["machine"]
    versions = ", ".join(f"{name} {of}" for name, of in result["versions"].items())
    return (
        f"{result['date']}, {result['python']}, {machine['processor']} ({machine['cores']} cores,"
        f" {machine['system']}, load {result['load']} at the start); {versions}."
        f" Medians of {result['size']['rounds']} rounds."
        " Compare within an engine: “x” is the figure of channels divided by the other one's,"
        " round by round."
        " A client library alone keeps and numbers no message."
    )


def _rows(result: Result) -> list[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    """Return engine, peer, the peer's cells, and those of channels, in the order of the peers."""
    return [
        (TITLES[engine], kind.title, found["pairs"][kind.title], found["pairs"]["channels"])
        for engine, found in result["engines"].items()
        for kind in PEERS[engine]
        if kind.title in found["pairs"]
    ]


def _pairs(result: Result) -> str:
    rows = []
    for engine, title, cells, own in _rows(result):
        row = [engine, title]
        for name in ("latency", "latency_99", "rate"):
            row.append(_figure(cells[name]["median"]) + _ratio(own[name], cells[name], title))
        rows.append(row)
    return table(["engine", "by", "µs", "µs, 99 %", "messages/s"], rows)


def _fan_outs(result: Result, subscribers: Sequence[int]) -> str:
    rows = []
    for engine, found in result["engines"].items():
        for kind in PEERS[engine]:
            cells = found["pairs"].get(kind.title)
            if cells is None:
                continue
            row = [TITLES[engine], kind.title]
            for number in subscribers:
                wall, used = (cells.get(f"fan_out_{number}{end}") for end in ("", "_cpu"))
                shown = "–"
                if wall is not None and used is not None:
                    shown = f"{_figure(wall['median'])} ({_figure(used['median'])})"
                row.append(shown)
            both = found.get("workers", {}).get(kind.title)
            row += [f"{both[name] / 1000:.2f}" if both else "–" for name in ("median", "p99")]
            rows.append(row)
    heads = [f"{number:,} subscribers" for number in subscribers]
    return table(["engine", "by", *heads, "two processes, ms", "99 %"], rows)


def _restarts(result: Result) -> str:
    rows = []
    for engine, found in result["engines"].items():
        for title, cell in found.get("restarts", {}).items():
            again = "never" if cell["again"] is None else f"{cell['again']:.2f}"
            order = "yes" if cell["in_order"] else "no"
            counts = [f"{cell[name]:,}" for name in ("taken", "refused", "lost")]
            rows.append([TITLES[engine], title, *counts, order, again])
    return table(["engine", "by", "sent", "raised", "lost", "in order", "back, s"], rows)


def _costs(result: Result) -> str:
    rows = [
        [
            TITLES[engine],
            f"{found['memory']['one'] / 1024:.1f}",
            f"{found['memory']['each'] / 1024:.1f}",
            f"{found['blocking'] / 1000:.1f}",
        ]
        for engine, found in result["engines"].items()
    ]
    return table(["engine", "KiB a subscription", "and its channel", "ms without a loop"], rows)


def _figure(value: float) -> str:
    """Return a number with three digits, or "–" for none."""
    if not value:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(own: Mapping[str, Any], other: Mapping[str, Any], title: str) -> str:
    """Return how the figures of channels compare with another's, round by round."""
    if title == "channels" or not other["median"]:
        return ""
    pairs = zip(own["rounds"], other["rounds"], strict=True)
    return f" (x {statistics.median(a / b for a, b in pairs):.2f})"
