"""``python -m asyncflask.quart``: the ``quart`` command on asyncflask."""

from __future__ import annotations

# Absolute: under `python -m quart` this is `quart.__main__`.
from asyncflask.quart.cli import main
from asyncflask.quart.install import install

install(children=True)

if __name__ == "__main__":
    main()
