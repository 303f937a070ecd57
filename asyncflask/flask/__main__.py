"""``python -m asyncflask.flask``: the ``flask`` command on asyncflask."""

from __future__ import annotations

# Absolute: under `python -m flask` this is `flask.__main__`.
from asyncflask.flask.cli import main
from asyncflask.flask.install import install

install(children=True)

if __name__ == "__main__":
    main()
