"""What the command prints at the end: what it left to the developer, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Kind(Enum):
    """The sections of the report; a value is the section's title."""

    BROKEN = "Files that were left alone"
    STAYS_DEF = "Functions that stay `def`: they run in a worker thread and need no `await`"
    BLOCKING = "Calls that block the event loop in `async def` functions"
    EXTENSION = "Extensions"
    UNKNOWN = "Places to look at"
    TODO = "What to do next"


@dataclass(frozen=True)
class Note:
    """One line of the report."""

    kind: Kind
    text: str
    path: Path | None = None
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}: " if self.line else f"{self.path}: "
        return f"{place if self.path is not None else ''}{self.text}"


def render(notes: Iterable[Note]) -> str:
    """Return the text of the report.

    Args:
        notes: The notes, in any order; equal ones are printed once.
    """
    parts: list[str] = []
    by_kind: dict[Kind, list[Note]] = {}
    for note in dict.fromkeys(notes):
        by_kind.setdefault(note.kind, []).append(note)
    for kind in Kind:
        if found := by_kind.get(kind):
            found.sort(key=lambda note: (str(note.path or ""), note.line))
            parts.append("\n".join([f"{kind.value}:", *(f"  {note}" for note in found)]))
    return "\n\n".join(parts)
