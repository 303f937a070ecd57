"""Start the embedded server: ``python -m benchmarks.servers.embedded --port 8000 MODULE:APP``."""

from __future__ import annotations

import argparse
import importlib
import sys

from asyncflask.server import Config, listen, run


def main() -> None:
    """Serve one app until the process gets a signal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers.embedded")
    parser.add_argument("app", metavar="MODULE:APP")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    args = parser.parse_args()
    if args.loop == "asyncio":
        sys.modules["uvloop"] = None  # type: ignore[assignment]  # as if it were not installed
    else:
        importlib.import_module("uvloop")  # Without it, run() would take asyncio's loop.
    module, _, name = args.app.partition(":")
    app = getattr(importlib.import_module(module), name)
    # No access log: none of the other servers writes one here.
    run(app, [listen("127.0.0.1", args.port)], Config(access_log=False))


if __name__ == "__main__":
    main()
