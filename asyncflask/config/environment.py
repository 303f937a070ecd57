"""Environment variables of the command line, and the files that set them.

Each variable has two names: ``FLASK_X``, so that a project moves over unchanged, and
``ASYNCFLASK_X``, which wins if both are set. An empty value counts as not set.
"""

from __future__ import annotations

import os

PREFIXES = ("ASYNCFLASK", "FLASK")
#: what `read_also()` has added
further_prefixes: list[str] = []
NEGATIVE = ("0", "false", "no")


def read_also(prefix: str) -> None:
    """Let variables of a further prefix be read, where those of the others are not set.

    Args:
        prefix: Such as ``"QUART"``.
    """
    if prefix not in further_prefixes:
        further_prefixes.append(prefix)


def read_variable(name: str) -> str | None:
    """Return ``ASYNCFLASK_<name>``, else ``FLASK_<name>``, else ``None``.

    Args:
        name: The part after the prefix: ``"DEBUG"``.
    """
    for prefix in (*PREFIXES, *further_prefixes):
        if value := os.environ.get(f"{prefix}_{name}"):
            return value
    return None


#: The variable of the processes of ``run --workers N``: their number.
WORKERS = "_ASYNCFLASK_WORKERS"


def number_of_workers() -> int:
    """Return how many processes ``asyncflask run`` serves the app with, as far as is known."""
    return int(os.environ.get(WORKERS, "1"))


def get_debug_flag() -> bool:
    """Return whether the environment turns debug mode on (``FLASK_DEBUG``); ``False`` if unset.

    Source: ``Flask: helpers.get_debug_flag``.
    """
    value = read_variable("DEBUG")
    return value is not None and value.lower() not in NEGATIVE


def set_debug_flag(debug: bool) -> None:
    """Write debug mode into the environment, for app factories and child processes.

    Args:
        debug: Whether it is on.
    """
    value = "1" if debug else "0"
    written = further_prefixes[-1] if further_prefixes else "FLASK"
    os.environ[f"{written}_DEBUG"] = value
    # These names win, so they must not contradict the option that was given.
    for prefix in PREFIXES:
        if f"{prefix}_DEBUG" in os.environ:
            os.environ[f"{prefix}_DEBUG"] = value


def get_load_dotenv(default: bool = True) -> bool:
    """Return whether ``.env`` and ``.flaskenv`` are loaded (``FLASK_SKIP_DOTENV``).

    Args:
        default: Returned if the variable is not set.

    Source: ``Flask: helpers.get_load_dotenv``.
    """
    value = read_variable("SKIP_DOTENV")
    if value is None:
        return default
    return value.lower() in NEGATIVE


def has_dotenv() -> bool:
    """Return whether python-dotenv, which is optional, is installed."""
    try:
        import dotenv  # noqa: F401  # only whether it can be imported
    except ImportError:
        return False
    return True


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set environment variables from dotenv files.

    The file at ``path`` wins over ``.env``, and ``.env`` over ``.flaskenv``; a variable that is set
    already is not changed. The two default files are looked for in the current directory and then
    in its parents. Without python-dotenv nothing is loaded.

    Args:
        path: A further file to load, if it exists.
        load_defaults: Whether to look for ``.flaskenv`` and ``.env``.

    Returns:
        Whether any file defined a variable.

    Source: ``Flask: cli.load_dotenv``.
    """
    if not has_dotenv():
        if path or os.path.isfile(".env") or os.path.isfile(".flaskenv"):
            _say_that_dotenv_is_missing()
        return False
    import dotenv

    loaded: dict[str, str | None] = {}
    for file in reversed(_dotenv_files(path, load_defaults)):
        loaded.update(dotenv.dotenv_values(file, encoding="utf-8"))
    for name, value in loaded.items():
        if value is not None:
            os.environ.setdefault(name, value)
    return bool(loaded)


def _dotenv_files(
    path: str | os.PathLike[str] | None, load_defaults: bool
) -> list[str | os.PathLike[str]]:
    """Return the files that exist; the first one wins."""
    import dotenv

    files = [path] if path is not None and os.path.isfile(path) else []
    if load_defaults:
        further = (f".{prefix.lower()}env" for prefix in further_prefixes)
        names = (".env", ".flaskenv", *further)
        found = (dotenv.find_dotenv(name, usecwd=True) for name in names)
        files.extend(file for file in found if file)
    return files


def _say_that_dotenv_is_missing() -> None:
    import click

    click.secho(
        " * A dotenv file is here, but python-dotenv is not installed, so it was not loaded."
        " Run `pip install python-dotenv`.",
        fg="yellow",
        err=True,
    )
