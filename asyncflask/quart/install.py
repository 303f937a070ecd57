"""Putting asyncflask in Quart's place, on request only: ``asyncflask.quart.install()``.

From then on ``import quart`` and every ``quart.…`` module give the module of the same name here,
the same object, and the distribution ``Quart`` answers with the version whose API this is. What
is here changes nothing until it is called; ``asyncflask/_package_alias.py`` says how it is done.
"""

from __future__ import annotations

from .._package_alias import Alias

#: The version of Quart whose names, signatures and behaviour are offered.
QUART_VERSION = "0.22.0"
#: The modules of that version, without the package's name.
MODULES = frozenset(
    {
        "__main__",
        "app",
        "asgi",
        "blueprints",
        "cli",
        "config",
        "ctx",
        "datastructures",
        "debug",
        "formparser",
        "globals",
        "helpers",
        "json",
        "json.provider",
        "json.tag",
        "logging",
        "routing",
        "sessions",
        "signals",
        "templating",
        "testing",
        "testing.app",
        "testing.client",
        "testing.connections",
        "testing.utils",
        "typing",
        "utils",
        "views",
        "wrappers",
        "wrappers.base",
        "wrappers.request",
        "wrappers.response",
        "wrappers.websocket",
    }
)
#: Set for child processes to the interpreter; read by ``bin/quart`` and by the file that the
#: distribution ``asyncflask-as-flask`` installs (``as_flask/`` in the repository).
CHILDREN_VARIABLE = "ASYNCFLASK_AS_QUART"

_ALIAS = Alias(
    package="quart",
    own="asyncflask.quart",
    distribution="Quart",
    version=QUART_VERSION,
    modules=MODULES,
    variable=CHILDREN_VARIABLE,
    earlier="`asyncflask --as-quart run` and `pytest -p asyncflask.quart.pytest_plugin`",
)


def install(children: bool = False) -> None:
    """Give asyncflask's modules to everyone who imports ``quart`` from now on; once is enough.

    Args:
        children: Whether it also holds for the processes that this one starts. The command
            ``quart`` is asyncflask's there. ``python -m quart``, and any other program that imports
            ``quart``, needs the distribution ``asyncflask-as-flask`` besides. Changes
            ``ASYNCFLASK_AS_QUART`` and ``PATH`` in :data:`os.environ`.

    Raises:
        RuntimeError: The real Quart was imported before.
    """
    _ALIAS.install(children)
