"""The places of an app's files: root path, installation prefix, instance folder, resource files.

The developer writes these paths, so they may lead out of the folder. Files are sent to clients in
``wrappers/response/send_file.py``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePath
from typing import IO, Any

_READ_MODES = frozenset({"r", "rt", "rb"})


class _Later:
    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __get__(self, instance: object, owner: type) -> Any:
        return getattr(importlib.import_module(self._module), self._name)


def later(module: str, name: str) -> Any:
    """Return a class attribute that is imported when it is read.

    Args:
        module: The module's full name.
        name: The name of an object in it.
    """
    return _Later(module, name)


class LaterModule:
    """A substitute for a module in annotations; the module is imported when one is evaluated.

    ``typing.get_type_hints()`` looks up the names of an annotation in the module of the function,
    where names that are imported for type checkers are missing. If ``jinja2`` is one of these
    objects, ``jinja2.Template`` is found, and the module need not import Jinja.

    Args:
        name: The module's full name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


def get_root_path(import_name: str) -> str:
    """Return the folder that holds a module or package.

    If the module has no file (``__main__`` in an interactive session) or cannot be found, it is the
    current working directory.

    Args:
        import_name: Dotted name, usually an app's ``__name__``.

    Raises:
        RuntimeError: The module exists but has no file: a namespace package, or one that comes
            from an import hook that names no file.

    Source: ``Flask: helpers.get_root_path``.
    """
    file = getattr(sys.modules.get(import_name), "__file__", None)
    if file is None:
        spec = _find_spec(import_name)
        if spec is None or spec.loader is None:
            return os.getcwd()
        file = _file_of(import_name, spec)
    return os.path.dirname(os.path.abspath(file))


def _file_of(import_name: str, spec: ModuleSpec) -> str:
    get_filename = getattr(spec.loader, "get_filename", None)
    if get_filename is not None:
        return str(get_filename(import_name))
    __import__(import_name)
    file = getattr(sys.modules[import_name], "__file__", None)
    if file is None:
        raise RuntimeError(
            f"The module {import_name!r} has no file, so it has no root path (a namespace package,"
            " or an import hook that names no file).\n\n"
            f"Give the folder: Flask({import_name!r}, root_path='/path/to/the/folder')."
        )
    return str(file)


def find_package(import_name: str) -> tuple[str | None, str]:
    """Find where a package is installed.

    Args:
        import_name: Dotted name of a module or package.

    Returns:
        The prefix it is installed under (the folder with ``lib`` and ``bin``), ``None`` when it is
        not installed, and the folder from which it is imported.

    Source: ``Flask: sansio.scaffold.find_package``.
    """
    package_path = _import_folder(import_name)
    system_prefix = os.path.abspath(sys.prefix)
    if PurePath(package_path).is_relative_to(system_prefix):
        return system_prefix, package_path
    site = PurePath(package_path)
    if site.name.lower() != "site-packages":
        return None, package_path
    if site.parent.name.lower() == "lib":  # Windows: prefix/lib/site-packages
        return str(site.parent.parent), package_path
    if site.parent.parent.name.lower() == "lib":  # elsewhere: prefix/lib/pythonX.Y/site-packages
        return str(site.parent.parent.parent), package_path
    return str(site.parent), package_path


def find_instance_path(import_name: str, name: str) -> str:
    """Return the default instance folder of an app.

    Args:
        import_name: The app's import name.
        name: The app's name.

    Returns:
        The folder ``instance`` next to the module or package; for an installed package
        ``$PREFIX/var/<name>-instance``.

    Source: ``Flask: app.auto_find_instance_path``.
    """
    prefix, package_path = find_package(import_name)
    if prefix is None:
        return os.path.join(package_path, "instance")
    return os.path.join(prefix, "var", f"{name}-instance")


def open_resource(
    root_path: str, resource: str, mode: str = "rb", encoding: str | None = None
) -> IO[Any]:
    """Open a file that is distributed with the code, for reading.

    Args:
        root_path: The app's or blueprint's root path.
        resource: Path relative to it.
        mode: ``"rb"``, ``"r"`` or ``"rt"``.
        encoding: For text modes.

    Returns:
        The file, to be closed by ``with``.

    Raises:
        ValueError: ``mode`` would write.
        OSError: The file cannot be opened.

    Source: ``Flask: app.open_resource``.
    """
    if mode not in _READ_MODES:
        raise ValueError(
            f"open_resource({resource!r}) was called with mode={mode!r}, but resources are opened"
            " for reading only.\n\n"
            "Use mode='rb' or mode='r', or open_instance_resource() for a file that is written."
        )
    return _open(os.path.join(root_path, resource), mode, encoding)


def open_instance_resource(
    instance_path: str, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
) -> IO[Any]:
    """Open a file in the instance folder, for reading or writing.

    Args:
        instance_path: The app's instance folder.
        resource: Path relative to it.
        mode: Any mode of :func:`open`.
        encoding: For text modes.

    Returns:
        The file, to be closed by ``with``.

    Raises:
        OSError: The file cannot be opened.

    Source: ``Flask: app.open_instance_resource``.
    """
    return _open(os.path.join(instance_path, resource), mode, encoding)


def _open(path: str, mode: str, encoding: str | None) -> IO[Any]:
    if "b" in mode:
        return open(path, mode)
    return open(path, mode, encoding=encoding)


def _find_spec(import_name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(import_name)
    except (ImportError, ValueError):  # ValueError: __main__, or no valid name
        return None


def _import_folder(import_name: str) -> str:
    """Return the entry of ``sys.path`` (or the working directory) that has the module."""
    root = _find_spec(import_name.partition(".")[0])
    if root is None:
        return os.getcwd()
    locations = root.submodule_search_locations
    if not locations:
        return os.path.dirname(root.origin or os.getcwd())
    if root.origin is not None and root.origin != "namespace":
        return os.path.dirname(os.path.dirname(root.origin))
    return os.path.dirname(_namespace_location(import_name, list(locations)))


def _namespace_location(import_name: str, locations: list[str]) -> str:
    """Return the folder of a namespace that holds the package, or the first one."""
    spec = _find_spec(import_name)
    if spec is None or not spec.submodule_search_locations:
        return locations[0]
    package = Path(os.path.commonpath(list(spec.submodule_search_locations)))
    return next((place for place in locations if package.is_relative_to(place)), locations[0])
