"""The configuration: a dictionary that is filled from files, objects and the environment.

Keys and their defaults are in :data:`DEFAULT_CONFIG`; the code that reads a key decides its
meaning. A key is read by plain dictionary access, without a conversion or another look-up.
"""

from __future__ import annotations

import errno
import json
import os
import types
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import IO, Any, Generic, Protocol, Self, TypeVar, overload

from werkzeug.datastructures import ImmutableDict
from werkzeug.utils import import_string

from .._invalidation import NoticedDict

T = TypeVar("T")

DEFAULT_CONFIG: Mapping[str, Any] = ImmutableDict(
    {
        # Flask 3.1
        "DEBUG": None,
        "TESTING": False,
        "PROPAGATE_EXCEPTIONS": None,
        "SECRET_KEY": None,
        "SECRET_KEY_FALLBACKS": None,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
        "USE_X_SENDFILE": False,
        "TRUSTED_HOSTS": None,
        "SERVER_NAME": None,
        "APPLICATION_ROOT": "/",
        "SESSION_COOKIE_NAME": "session",
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_PATH": None,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": False,
        "SESSION_COOKIE_PARTITIONED": False,
        "SESSION_COOKIE_SAMESITE": None,
        "SESSION_REFRESH_EACH_REQUEST": True,
        "MAX_CONTENT_LENGTH": None,
        "MAX_FORM_MEMORY_SIZE": 500_000,
        "MAX_FORM_PARTS": 1_000,
        "SEND_FILE_MAX_AGE_DEFAULT": None,
        "TRAP_BAD_REQUEST_ERRORS": None,
        "TRAP_HTTP_EXCEPTIONS": False,
        "EXPLAIN_TEMPLATE_LOADING": False,
        "PREFERRED_URL_SCHEME": "http",
        "TEMPLATES_AUTO_RELOAD": None,
        "MAX_COOKIE_SIZE": 4093,
        "PROVIDE_AUTOMATIC_OPTIONS": True,
        # asyncflask
        "BODY_TIMEOUT": None,
        # Seconds without data after which the client is gone (Quart allows 60 s for a whole body).
        "BODY_IDLE_TIMEOUT": 60,
        "WEBSOCKET_IDLE_TIMEOUT": None,
        "WEBSOCKET_CANCEL_ON_DISCONNECT": True,
        "BACKGROUND_TASK_SHUTDOWN_TIMEOUT": 5,
        "WORKER_POOL_SIZE": 40,
        "WORKER_THREADS": 1000,
        "WORKER_QUEUE_SIZE": 10_000,
        "WORKER_QUEUE_TIMEOUT": 30,
        "WORKER_AFFINITY": True,
    }
)
"""Every key that is read, with its default (``docs/reference/configuration.md`` explains them)."""

# Errors that `silent=True` ignores: there is no such file.
_ABSENT = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR)


class Configured(Protocol):
    """What :class:`ConfigAttribute` uses of its owner."""

    @property
    def config(self) -> Config: ...


class ConfigAttribute(Generic[T]):
    """An attribute of the app that reads and sets a key of ``app.config``.

    Args:
        name: The key.
        get_converter: Applied to the value when it is read.

    Source: ``Flask: config.ConfigAttribute``.
    """

    def __init__(self, name: str, get_converter: Callable[[Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @overload
    def __get__(self, obj: None, owner: None) -> Self: ...

    @overload
    def __get__(self, obj: Configured, owner: type[Any] | None = None) -> T: ...

    def __get__(self, obj: Configured | None, owner: type[Any] | None = None) -> T | Self:
        if obj is None:
            return self
        value = obj.config[self.__name__]
        if self.get_converter is not None:
            return self.get_converter(value)
        kept: T = value
        return kept

    def __set__(self, obj: Configured, value: T) -> None:
        obj.config[self.__name__] = value


class Config(NoticedDict):
    """A dictionary with loaders. Only names in UPPER CASE are loaded.

    Args:
        root_path: Relative file names are looked up from here.
        defaults: The first content.

    Source: ``Flask: config.Config``.
    """

    def __init__(
        self, root_path: str | os.PathLike[str], defaults: dict[str, Any] | None = None
    ) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Load the Python file that an environment variable names.

        Args:
            variable_name: The variable.
            silent: Return ``False`` when the variable or the file is missing.

        Returns:
            Whether something was loaded.

        Raises:
            RuntimeError: The variable is not set or empty.
            OSError: The file cannot be read.
        """
        filename = os.environ.get(variable_name)
        if not filename:
            if silent:
                return False
            raise RuntimeError(
                f"The environment variable {variable_name!r} is not set, but"
                " app.config.from_envvar() was told to load the file that it names.\n\n"
                f"Set it: {variable_name}=/path/to/settings.py, or pass silent=True when it may be"
                " missing."
            )
        return self.from_pyfile(filename, silent=silent)

    def from_prefixed_env(
        self, prefix: str = "FLASK", *, loads: Callable[[str], Any] = json.loads
    ) -> bool:
        """Load the environment variables that start with a prefix, which is removed.

        Variables are read in sorted order; ``FLASK_DB__HOST`` sets ``config["DB"]["HOST"]``.

        Args:
            prefix: Without the underscore that follows it.
            loads: Converts the text to a value; if it fails, the text is the value.

        Returns:
            ``True``.
        """
        prefix = f"{prefix}_"
        for variable in sorted(os.environ):
            if variable.startswith(prefix):
                self._set_path(variable.removeprefix(prefix), _loaded(os.environ[variable], loads))
        return True

    def _set_path(self, path: str, value: object) -> None:
        *parents, last = path.split("__")
        target: dict[str, Any] = self
        for key in parents:
            target = target.setdefault(key, {})
        target[last] = value

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and load its names in upper case.

        Args:
            filename: Relative names start at :attr:`root_path`.
            silent: Return ``False`` when the file is missing.

        Returns:
            Whether the file was loaded.

        Raises:
            OSError: The file cannot be read.
        """
        filename = os.path.join(self.root_path, filename)
        module = types.ModuleType("config")
        module.__file__ = filename
        try:
            with open(filename, mode="rb") as file:
                source = file.read()
        except OSError as error:
            return _absent(error, silent)
        exec(compile(source, filename, "exec"), module.__dict__)
        self.from_object(module)
        return True

    def from_object(self, obj: object | str) -> None:
        """Load the attributes in upper case of a module, class or instance.

        A class with properties has to be instantiated first; a ``dict`` has no attributes to load
        (use :meth:`from_mapping`).

        Args:
            obj: The object, or its import name (``"yourapp.settings.Production"``).

        Raises:
            ImportError: Nothing can be imported by that name.
        """
        if isinstance(obj, str):
            obj = import_string(obj)
        for key in dir(obj):
            if key.isupper():
                self[key] = getattr(obj, key)

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: Callable[[IO[Any]], Mapping[str, Any]],
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Load a data file: ``from_file("config.toml", load=tomllib.load, text=False)``.

        Args:
            filename: Relative names start at :attr:`root_path`.
            load: Takes the open file and returns a mapping.
            silent: Return ``False`` when the file is missing.
            text: Open it in text mode.

        Returns:
            Whether the file was loaded.

        Raises:
            OSError: The file cannot be read.
        """
        filename = os.path.join(self.root_path, filename)
        try:
            with open(filename, "r" if text else "rb") as file:
                mapping = load(file)
        except OSError as error:
            return _absent(error, silent)
        return self.from_mapping(mapping)

    def from_mapping(self, mapping: Mapping[str, Any] | None = None, **kwargs: Any) -> bool:
        """Load the keys in upper case of a mapping and of the keyword arguments.

        Args:
            mapping: A mapping, or pairs.
            kwargs: More keys; they take precedence.

        Returns:
            ``True``.
        """
        for key, value in {**dict(mapping or {}), **kwargs}.items():
            if key.isupper():
                self[key] = value
        return True

    def get_namespace(
        self, namespace: str, lowercase: bool = True, trim_namespace: bool = True
    ) -> dict[str, Any]:
        """Return the keys that begin with ``namespace``, to be passed as keyword arguments.

        Args:
            namespace: For example ``"IMAGE_STORE_"``.
            lowercase: Return the names in lower case.
            trim_namespace: Return the names without the namespace.
        """
        start = len(namespace) if trim_namespace else 0
        found = {key[start:]: self[key] for key in self if key.startswith(namespace)}
        return {key.lower(): value for key, value in found.items()} if lowercase else found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {super().__repr__()}>"


def _loaded(text: str, loads: Callable[[str], object]) -> object:
    try:
        return loads(text)
    except Exception:
        return text


def _absent(error: OSError, silent: bool) -> bool:
    """Return ``False`` for a file that does not exist, or raise the error with a longer text."""
    if silent and error.errno in _ABSENT:
        return False
    error.strerror = f"Unable to load configuration file ({error.strerror})"
    raise error
