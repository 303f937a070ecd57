"""What the developer asks for: the target, the steps, and which views become ``async def``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: The steps, in the order in which they run.
STEPS = ("quart", "imports", "views", "await", "tests")


@dataclass(frozen=True)
class Options:
    """The options of the command."""

    #: ``flask`` is the facade, ``async`` the async API.
    to: Literal["flask", "async"] = "flask"
    steps: frozenset[str] = frozenset(STEPS)
    #: Which views, hooks and error handlers become ``async def``.
    views: Literal["awaiting", "all"] = "awaiting"

    #: Names of templates that read the request's body.
    templates: frozenset[str] = frozenset()

    def has(self, step: str) -> bool:
        """Return whether a step is to run.

        Args:
            step: One of :data:`STEPS`.
        """
        return step in self.steps
