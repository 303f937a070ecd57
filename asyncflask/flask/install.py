"""Putting asyncflask in Flask's place, on request only: ``asyncflask.flask.install()``.

From then on ``import flask`` and every ``flask.…`` module give the module of the same name here,
the same object, and the distribution ``Flask`` answers with the version whose API this is. What
stands here touches nothing until it is called.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import cast

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

_OWN = __name__.rpartition(".")[0]
_FOLDER = Path(__file__).parent


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
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        early = sys.modules.get("flask")
        if early is not None:
            raise RuntimeError(
                f"asyncflask.flask.install() was called after {early!r} was imported; what holds it"
                " already would not change. Call it first of all: `asyncflask --as-flask run` and"
                " `pytest -p asyncflask.flask.pytest_plugin` call it before they import the app."
            )
        sys.meta_path.insert(_finder_index(), _Finder())
        sys.meta_path.append(_Distributions())
    if children:
        _install_for_children()


def _finder_index() -> int:
    """Return where our finder belongs: before Python's own, which would find the real Flask.

    What tools have put in front of those stays in front: finders of post-import hooks ask the
    others, and call their hooks when the module was loaded.
    """
    own = (BuiltinImporter, FrozenImporter, PathFinder)
    return next((n for n, finder in enumerate(sys.meta_path) if finder in own), 0)


def _install_for_children() -> None:
    os.environ[CHILDREN_VARIABLE] = sys.executable
    commands = str(_FOLDER / "bin")
    path = os.environ.get("PATH", os.defpath)
    if commands not in path.split(os.pathsep):
        os.environ["PATH"] = f"{commands}{os.pathsep}{path}"


class _Finder(MetaPathFinder):
    """Finds ``flask`` and what is in it at ``asyncflask.flask``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != "flask":
            return None
        if name and name not in MODULES:
            # The next finder would look into our folder and load `install` a second time.
            if "." in name or find_spec(f"{_OWN}.{name}") is None:
                return None
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: Flask has none. Write `asyncflask.{fullname}` for"
                " asyncflask's own.",
                name=fullname,
            )
        own = find_spec(_OWN + fullname.removeprefix("flask"))
        assert own is not None  # the list and the files agree: a test sees to it
        spec = ModuleSpec(fullname, _Loader(fullname, own.name), origin=own.origin)
        spec.submodule_search_locations = own.submodule_search_locations
        spec.has_location = own.has_location
        return spec


class _Loader(InspectLoader):
    """Returns the module that exists already, and gives it the name that Flask's has."""

    def __init__(self, name: str, own: str) -> None:
        self._name = name
        self._own = own
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return asyncflask's module."""
        module = importlib.import_module(self._own)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Name the module as Flask's; its spec stays the one that it was loaded by."""
        # Tools that are called after an import (wrapt, ddtrace) look up their hooks by this name.
        module.__name__ = self._name
        module.__spec__ = self._spec
        if self._own == _OWN:
            # With Flask, too, `import flask` makes sys.modules["flask.cli"]. Each is imported, for
            # hooks may wait for it.
            for name in sorted(MODULES):
                if f"{_OWN}.{name}" in sys.modules:
                    importlib.import_module(f"flask.{name}")

    # For `python -m flask` and for tools that read code.

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of asyncflask's module."""
        return self._inspect().get_code(self._own)

    def get_source(self, fullname: str) -> str | None:
        """Return the source of asyncflask's module."""
        return self._inspect().get_source(self._own)

    def is_package(self, fullname: str) -> bool:
        """Tell whether asyncflask's module is a package."""
        return self._inspect().is_package(self._own)

    def _inspect(self) -> InspectLoader:
        spec = find_spec(self._own)
        assert spec is not None
        return cast(InspectLoader, spec.loader)


class _Distributions(MetaPathFinder):
    """Answers for the distribution ``Flask`` if no other finder does; it is the last one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Find no module."""

    def find_distributions(
        self,
        context: DistributionFinder.Context = DistributionFinder.Context(),  # noqa: B008  # importlib's own default
    ) -> Iterable[Distribution]:
        """Return the distribution ``Flask``, if it is asked for or all are, and is not installed.

        Packages ask either way: by name, or by listing all.
        """
        if context.path is not sys.path:
            return []
        if context.name is None:
            return [] if self._is_installed() else [_Flask()]
        return [_Flask()] if context.name.lower() == "flask" else []

    def _is_installed(self) -> bool:
        context = DistributionFinder.Context(name="flask")
        others = (finder for finder in sys.meta_path if finder is not self)
        finds = (getattr(finder, "find_distributions", None) for finder in others)
        return any(any(find(context)) for find in finds if find is not None)


class _Flask(Distribution):
    """The distribution that packages ask for Flask's version."""

    _FILES = {
        "METADATA": (
            "Metadata-Version: 2.1\n"
            "Name: Flask\n"
            f"Version: {FLASK_VERSION}\n"
            "Summary: Flask's API, as asyncflask offers it.\n"
            "Requires-Dist: asyncflask\n"
        ),
        "top_level.txt": "flask\n",
    }

    def read_text(self, filename: str) -> str | None:
        """Return the content of a metadata file."""
        return self._FILES.get(filename)

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        """Return where a file of the distribution would be."""
        return _FOLDER.parent / path


def find_version(name: str) -> str:
    """Return ``flask.__version__``, with a warning: the package's ``__getattr__()``."""
    if name == "__version__":
        warnings.warn(
            "`flask.__version__` will be gone in Flask 3.2. Write"
            " `importlib.metadata.version('flask')`.",
            DeprecationWarning,
            stacklevel=2,
        )
        return FLASK_VERSION
    raise AttributeError(name)
