"""``python -m examples.api`` is ``asyncflask --app examples.api run``."""

from __future__ import annotations

import sys

from asyncflask.cli import cli

if __name__ == "__main__":
    cli.main(["--app", "examples.api", "run", *sys.argv[1:]])
