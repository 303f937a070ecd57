"""A package of ours under another package's name, on request only: an :class:`Alias`.

After ``install()``, ``import flask`` gives ``asyncflask.flask``, each ``flask.…`` module the module
of the same name there, the same object, and the distribution ``Flask`` answers with the version
whose API this is. Nothing changes until then.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import cast


@dataclass(frozen=True)
class Alias:
    """A package of ours, and the name and version of the one whose API it has.

    Args:
        package: The other package's name: ``"flask"``.
        own: Ours: ``"asyncflask.flask"``.
        distribution: The name of the other one's distribution: ``"Flask"``.
        version: The version of it whose names, signatures and behaviour are offered.
        modules: The modules of that version, without the package's name.
        variable: The environment variable that child processes read.
        earlier: What calls ``install()`` before the app is imported, for the error message.
    """

    package: str
    own: str
    distribution: str
    version: str
    modules: frozenset[str]
    variable: str
    earlier: str

    @property
    def folder(self) -> Path:
        """The folder of our package, which has the command for child processes in ``bin/``."""
        spec = find_spec(self.own)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).parent

    def install(self, children: bool = False) -> None:
        """Give our modules to everyone who imports the package from now on; once is enough.

        Args:
            children: Whether it also holds for the processes that this one starts.

        Raises:
            RuntimeError: The real package was imported before.
        """
        if not any(_is_of(finder, self) for finder in sys.meta_path):
            early = sys.modules.get(self.package)
            if early is not None:
                raise RuntimeError(
                    f"{self.own}.install() was called after {early!r} was imported; what holds it"
                    f" already would not change. Call it first of all: {self.earlier} call it"
                    " before they import the app."
                )
            sys.meta_path.insert(_finder_index(), _Finder(self))
            sys.meta_path.append(_Distributions(self))
        if children:
            self._install_for_children()

    def _install_for_children(self) -> None:
        os.environ[self.variable] = sys.executable
        commands = str(self.folder / "bin")
        path = os.environ.get("PATH", os.defpath)
        if commands not in path.split(os.pathsep):
            os.environ["PATH"] = f"{commands}{os.pathsep}{path}"


def _is_of(finder: object, alias: Alias) -> bool:
    return isinstance(finder, _Finder) and finder.alias == alias


def _finder_index() -> int:
    """Return where our finder belongs: before Python's own, which would find the real package.

    What tools have put in front of those stays in front: finders of post-import hooks ask the
    others, and call their hooks when the module was loaded.
    """
    own = (BuiltinImporter, FrozenImporter, PathFinder)
    return next((n for n, finder in enumerate(sys.meta_path) if finder in own), 0)


class _Finder(MetaPathFinder):
    """Finds the package and what is in it among our modules."""

    def __init__(self, alias: Alias) -> None:
        self.alias = alias

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        alias = self.alias
        package, _, name = fullname.partition(".")
        if package != alias.package:
            return None
        if name and name not in alias.modules:
            # The next finder would look into our folder and load `install` a second time.
            if "." in name or find_spec(f"{alias.own}.{name}") is None:
                return None
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: {alias.distribution} has none. Write"
                f" `asyncflask.{fullname}` for asyncflask's own.",
                name=fullname,
            )
        own = find_spec(alias.own + fullname.removeprefix(alias.package))
        assert own is not None  # the list and the files agree: a test sees to it
        spec = ModuleSpec(fullname, _Loader(alias, fullname, own.name), origin=own.origin)
        spec.submodule_search_locations = own.submodule_search_locations
        spec.has_location = own.has_location
        return spec


class _Loader(InspectLoader):
    """Returns the module that exists already, and gives it the name that the other one has."""

    def __init__(self, alias: Alias, name: str, own: str) -> None:
        self._alias = alias
        self._name = name
        self._own = own
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return asyncflask's module."""
        module = importlib.import_module(self._own)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Name the module as the other package's; its spec stays the one that it was loaded by."""
        # Tools that are called after an import (wrapt, ddtrace) look up their hooks by this name.
        module.__name__ = self._name
        module.__spec__ = self._spec
        if self._own == self._alias.own:
            # With the real package, too, `import flask` makes sys.modules["flask.cli"]. Each is
            # imported, for hooks may wait for it.
            for name in sorted(self._alias.modules):
                if f"{self._own}.{name}" in sys.modules:
                    importlib.import_module(f"{self._alias.package}.{name}")

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
    """Answers for the other package's distribution if no other finder does; it is the last one."""

    def __init__(self, alias: Alias) -> None:
        self._alias = alias

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Find no module."""

    def find_distributions(
        self,
        context: DistributionFinder.Context = DistributionFinder.Context(),  # noqa: B008  # importlib's own default
    ) -> Iterable[Distribution]:
        """Return the distribution, if it is asked for or all are, and is not installed.

        Packages ask either way: by name, or by listing all.
        """
        if context.path is not sys.path:
            return []
        if context.name is None:
            return [] if self._is_installed() else [_Answer(self._alias)]
        return [_Answer(self._alias)] if context.name.lower() == self._alias.package else []

    def _is_installed(self) -> bool:
        context = DistributionFinder.Context(name=self._alias.package)
        others = (finder for finder in sys.meta_path if finder is not self)
        finds = (getattr(finder, "find_distributions", None) for finder in others)
        return any(any(find(context)) for find in finds if find is not None)


class _Answer(Distribution):
    """The distribution that packages ask for the other package's version."""

    def __init__(self, alias: Alias) -> None:
        self._alias = alias
        self._files = {
            "METADATA": (
                "Metadata-Version: 2.1\n"
                f"Name: {alias.distribution}\n"
                f"Version: {alias.version}\n"
                f"Summary: {alias.distribution}'s API, as asyncflask offers it.\n"
                "Requires-Dist: asyncflask\n"
            ),
            "top_level.txt": f"{alias.package}\n",
        }

    def read_text(self, filename: str) -> str | None:
        """Return the content of a metadata file."""
        return self._files.get(filename)

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        """Return where a file of the distribution would be."""
        return self._alias.folder.parent / path
