"""``python -m examples.migration 3 --port 5001``: serve the app after a step."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

STEPS = {
    "1": ("flask", "1-flask"),
    "2": ("asyncflask", "2-facade"),
    "3": ("asyncflask", "3-async-views"),
    "4": ("asyncflask", "4-async-api"),
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in STEPS:
        sys.exit(f"Name the step: python -m examples.migration {{{','.join(STEPS)}}}")
    command, folder = STEPS[sys.argv[1]]
    app = Path(__file__).parent / folder / "notes.py"
    sys.argv[1:] = ["--app", str(app), "run", *sys.argv[2:]]
    runpy.run_module(command, run_name="__main__")
