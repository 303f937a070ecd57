"""``python -m asyncflask``: the command ``asyncflask`` without its script."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()
