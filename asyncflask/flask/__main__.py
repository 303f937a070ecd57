"""``python -m asyncflask.flask``: the ``flask`` command on asyncflask."""

from __future__ import annotations

from .install import install

install()

if __name__ == "__main__":
    from .cli import main

    main()
