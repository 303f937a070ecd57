"""``python -m examples.dashboard`` is ``asyncflask --app examples.dashboard run``."""

from __future__ import annotations

import sys

from asyncflask.cli import cli

if __name__ == "__main__":
    cli.main(["--app", "examples.dashboard", "run", *sys.argv[1:]])
