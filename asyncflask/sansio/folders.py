"""The files of an app or a blueprint: static files, templates, and those beside its code."""

from __future__ import annotations

import os
import typing as t
from datetime import timedelta

from werkzeug.utils import cached_property

from .. import resources
from .._contextvars import current
from ..typing import Overridable
from ..wrappers import Response
from ..wrappers.response.send_file import send_from_directory

if t.TYPE_CHECKING:
    import jinja2
else:  # For typing.get_type_hints().
    jinja2 = resources.LaterModule("jinja2")


class Folders:
    """The folders of an app or a blueprint.

    Args:
        root_path: Folder that the others are relative to.
        static_folder: Folder of static files.
        static_url_path: URL prefix of the static route.
        template_folder: Folder of templates.
    """

    _static_folder: str | None = None
    _static_url_path: str | None = None

    def __init__(
        self,
        root_path: str,
        static_folder: str | os.PathLike[str] | None,
        static_url_path: str | None,
        template_folder: str | os.PathLike[str] | None,
    ) -> None:
        self.root_path = root_path
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder

    @property
    def static_folder(self) -> str | None:
        """The absolute path of the static folder, or ``None``."""
        if self._static_folder is None:
            return None
        return os.path.join(self.root_path, self._static_folder)

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        """Whether a static folder is set."""
        return self.static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """The URL prefix of the static route; by default made from the static folder's name."""
        if self._static_url_path is not None:
            return self._static_url_path
        if self.static_folder is None:
            return None
        return f"/{os.path.basename(self.static_folder)}".rstrip("/")

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return how long a browser may cache a static file.

        Override it to decide by name; the default is ``SEND_FILE_MAX_AGE_DEFAULT``.

        Args:
            filename: Path in the static folder; ``None`` for other files.

        Returns:
            Seconds, or ``None``: the browser asks each time whether the file has changed.
        """
        ctx = current()
        value = None if ctx is None else ctx.app.config["SEND_FILE_MAX_AGE_DEFAULT"]
        if isinstance(value, timedelta):
            return int(value.total_seconds())
        return t.cast("int | None", value)

    def send_static_file(self, filename: str) -> Overridable[Response]:
        """Return a response with a file of the static folder; the view of the static route.

        Args:
            filename: Path in the static folder.

        Returns:
            The response, which has opened the file.

        Raises:
            NotFound: There is no such file inside the folder.
            RuntimeError: No static folder is set.
        """
        folder = self._static_folder_of(filename)
        return send_from_directory(folder, filename, max_age=self.get_send_file_max_age(filename))

    def _static_folder_of(self, filename: str) -> str:
        """Return the static folder.

        Raises:
            RuntimeError: None is set.
        """
        if not self.has_static_folder:
            raise RuntimeError(
                f"{self!r} has no static folder to send {filename!r} from. Give one:"
                " `static_folder='static'`."
            )
        return t.cast(str, self.static_folder)

    @cached_property
    def jinja_loader(self) -> jinja2.BaseLoader | None:
        """The loader of this object's own template folder, or ``None``."""
        if self.template_folder is None:
            return None
        from jinja2 import FileSystemLoader

        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    def open_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = None
    ) -> t.IO[t.AnyStr]:
        """Open a file of the package for reading.

        Args:
            resource: Path relative to ``root_path``.
            mode: ``"r"``, ``"rt"`` or ``"rb"``.
            encoding: For text modes; by default Python's.

        Returns:
            The open file.

        Raises:
            ValueError: ``mode`` would write.
        """
        return t.cast(
            "t.IO[t.AnyStr]", resources.open_resource(self.root_path, resource, mode, encoding)
        )
