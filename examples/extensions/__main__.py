"""``python -m examples.extensions`` is ``asyncflask --app examples.extensions run``."""

from __future__ import annotations

import sys

from asyncflask.cli import cli

if __name__ == "__main__":
    cli.main(["--app", "examples.extensions", "run", *sys.argv[1:]])
