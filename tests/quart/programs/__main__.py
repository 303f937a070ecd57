"""Run the programs, and print their answers as JSON: ``python -m tests.quart.programs``."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import pkgutil
import sys
from typing import Any

from tests.quart import programs

#: not programs
HELPERS = {"__main__", "recorded"}


def names() -> list[str]:
    """Return the names of the programs."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(programs.__path__)
        if module.name not in HELPERS
    )


async def answers_of(name: str) -> dict[str, Any]:
    """Run one program."""
    module = importlib.import_module(f"{programs.__name__}.{name}")
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(30):
            async for label, answer in module.answers(module.create_app()):
                found[label] = answer
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"
    return found


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", help="default: all")
    parser.add_argument("--on", choices=["quart", "asyncflask"], default="quart")
    args = parser.parse_args()
    if args.on == "asyncflask":
        from asyncflask.quart import install

        install()
    logging.disable(logging.CRITICAL)  # of errors that programs raise on purpose
    found = {name: asyncio.run(answers_of(name)) for name in args.programs or names()}
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
