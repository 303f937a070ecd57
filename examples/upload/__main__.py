"""``python -m examples.upload`` is ``asyncflask --app examples.upload run``."""

from __future__ import annotations

import sys

from asyncflask.cli import cli

if __name__ == "__main__":
    cli.main(["--app", "examples.upload", "run", *sys.argv[1:]])
