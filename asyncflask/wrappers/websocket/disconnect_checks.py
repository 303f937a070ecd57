"""How often a websocket view that only sends looks whether its client is still there."""

from __future__ import annotations

from time import monotonic

#: Sends in a row, without a receive between them, after which it is checked whether the client is
#: still there, and other tasks run. A view that answers what it receives never sends as many.
FIRST_LOOK = 16
#: The maximum afterwards; fewer if they take longer than SLICE seconds.
NEXT_LOOK = 256
SLICE = 0.01


class Looks:
    """Counts the sends between two looks, so that looks are about ``SLICE`` seconds apart."""

    def __init__(self) -> None:
        self._sends = FIRST_LOOK
        self._looked_at = 0.0

    def next(self) -> int:
        """Return after how many sends to look again, by the time that the last ones took."""
        took = monotonic() - self._looked_at
        fitting = self._sends * SLICE / max(took, 1e-6)
        self._sends = max(1, min(NEXT_LOOK, int(fitting)))
        return self._sends

    def looked(self) -> None:
        """Note that a look has ended; the time of the next sends begins."""
        self._looked_at = monotonic()
