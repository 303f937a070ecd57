"""Putting asyncflask in Flask's place, on request only: ``asyncflask.flask.install()``.

From then on ``import flask`` and every ``flask.…`` module give the module of the same name here,
the same object, and the distribution ``Flask`` answers with the version whose API this is.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import warnings
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

#: The version of Flask whose names, signatures and behaviour are offered.
FLASK_VERSION = "3.1.3"
_HERE = __name__.rpartition(".")[0]


def install() -> None:
    """Give asyncflask's modules to everyone who imports ``flask`` from now on; once is enough.

    Raises:
        RuntimeError: The real Flask was imported before.
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    early = sys.modules.get("flask")
    if early is not None:
        raise RuntimeError(
            f"asyncflask.flask.install() was called after {early!r} was imported; what holds it"
            " already would not change. Call it first of all."
        )
    sys.meta_path.insert(0, _Finder())
    sys.meta_path.append(_Distributions())


class _Finder(MetaPathFinder):
    """Finds ``flask`` and what is in it at ``asyncflask.flask``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "flask" and not fullname.startswith("flask."):
            return None
        own = _HERE + fullname.removeprefix("flask")
        try:
            spec = find_spec(own)
        except ModuleNotFoundError:
            return None
        if spec is None:
            return None
        is_package = spec.submodule_search_locations is not None
        return ModuleSpec(fullname, _Loader(own), origin=spec.origin, is_package=is_package)


class _Distributions(MetaPathFinder):
    """Answers for the distribution ``Flask`` where nobody else does. Asked last."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        return None

    def find_distributions(self, context: Any = None) -> Iterable[importlib.metadata.Distribution]:
        """Return the distribution ``Flask`` if it is asked for by name."""
        name = getattr(context, "name", None)
        return [_Flask()] if name is not None and name.lower() == "flask" else []


class _Loader(Loader):
    """Hands out the module that exists already, and leaves it as it is."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._own)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the new spec there; its own name is what it was made under.
        module.__spec__ = self._spec


class _Flask(importlib.metadata.Distribution):
    """The distribution that packages ask for Flask's version."""

    def read_text(self, filename: str) -> str | None:
        if filename == "METADATA":
            return f"Metadata-Version: 2.1\nName: Flask\nVersion: {FLASK_VERSION}\n"
        return None

    def locate_file(self, path: Any) -> Any:
        return Path(__file__).parent.parent / path


def __getattr__(name: str) -> Any:
    """``flask.__version__``, which Flask gives with a warning."""
    if name == "__version__":
        warnings.warn(
            "The '__version__' attribute is deprecated and will be removed in Flask 3.2. Use"
            " feature detection or 'importlib.metadata.version(\"flask\")' instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        return FLASK_VERSION
    raise AttributeError(name)
