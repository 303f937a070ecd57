"""Putting asyncflask in Flask's place, on request only: ``asyncflask.flask.install()``.

From then on ``import flask`` and every ``flask.…`` module give the module of the same name here,
the same object, and the distribution ``Flask`` answers with the version whose API this is. What
is here changes nothing until it is called; ``asyncflask/_package_alias.py`` says how it is done.
"""

from __future__ import annotations

import warnings

from .._package_alias import Alias

#: The version of Flask whose names, signatures and behaviour are offered.
FLASK_VERSION = "3.1.3"
#: The modules of that version, without the package's name.
MODULES = frozenset(
    {
        "__main__",
        "app",
        "blueprints",
        "cli",
        "config",
        "ctx",
        "debughelpers",
        "globals",
        "helpers",
        "json",
        "json.provider",
        "json.tag",
        "logging",
        "sansio",
        "sansio.app",
        "sansio.blueprints",
        "sansio.scaffold",
        "sessions",
        "signals",
        "templating",
        "testing",
        "typing",
        "views",
        "wrappers",
    }
)
#: Set for child processes to the interpreter; read by ``bin/flask`` and by the file that the
#: distribution ``asyncflask-as-flask`` installs (``as_flask/`` in the repository).
CHILDREN_VARIABLE = "ASYNCFLASK_AS_FLASK"

_ALIAS = Alias(
    package="flask",
    own="asyncflask.flask",
    distribution="Flask",
    version=FLASK_VERSION,
    modules=MODULES,
    variable=CHILDREN_VARIABLE,
    earlier="`asyncflask --as-flask run` and `pytest -p asyncflask.flask.pytest_plugin`",
)


def install(children: bool = False) -> None:
    """Give asyncflask's modules to everyone who imports ``flask`` from now on; once is enough.

    Args:
        children: Whether it also holds for the processes that this one starts. The command
            ``flask`` is asyncflask's there. ``python -m flask``, and any other program that imports
            ``flask``, needs the distribution ``asyncflask-as-flask`` besides. Changes
            ``ASYNCFLASK_AS_FLASK`` and ``PATH`` in :data:`os.environ`.

    Raises:
        RuntimeError: The real Flask was imported before.
    """
    _ALIAS.install(children)


def find_version(name: str) -> str:
    """Return ``flask.__version__``, with a warning: the package's ``__getattr__()``.

    Args:
        name: The name of the attribute that the package lacks.

    Returns:
        The version.

    Raises:
        AttributeError: ``name`` is another one.
    """
    if name == "__version__":
        warnings.warn(
            "`flask.__version__` will be gone in Flask 3.2. Write"
            " `importlib.metadata.version('flask')`.",
            DeprecationWarning,
            stacklevel=2,
        )
        return FLASK_VERSION
    raise AttributeError(name)
