"""The files of an app or a blueprint, opened and sent with ``await``."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, cast

from .. import app as async_api
from .._contextvars import current
from ..typing import RouteCallable
from .files import AsyncFile, open_file
from .helpers import send_from_directory
from .wrappers import Response

if TYPE_CHECKING:
    from .templating import Environment


class Owner(Protocol):
    """What has a static folder: an app or a blueprint."""

    @property
    def static_folder(self) -> str | None: ...

    def get_send_file_max_age(self, filename: str | None) -> int | None: ...


async def open_readable(root: str, path: str | os.PathLike[str], mode: str) -> AsyncFile:
    """Open a file for reading.

    Args:
        root: The folder that the path is relative to.
        path: The path.
        mode: ``"r"``, ``"rt"`` or ``"rb"``.

    Returns:
        The file.

    Raises:
        ValueError: ``mode`` would write.
    """
    if mode not in {"r", "rb", "rt"}:
        raise ValueError(
            f"open_resource({os.fspath(path)!r}, mode={mode!r}): resources are opened for reading"
            " only. Write 'r', 'rt' or 'rb'."
        )
    return await open_file(open, os.path.join(root, path), mode)


async def send_from_folder(owner: Owner, filename: str) -> Response:
    """Send a file of a static folder.

    Args:
        owner: The app or the blueprint.
        filename: Path in the static folder.

    Returns:
        The response.

    Raises:
        NotFound: There is no such file inside the folder.
        RuntimeError: There is no static folder.
    """
    folder = owner.static_folder
    if folder is None:
        raise RuntimeError(
            f"{owner!r} has no static folder to send {filename!r} from. Give one:"
            " `static_folder='static'`."
        )
    max_age = owner.get_send_file_max_age(filename)
    return await send_from_directory(folder, filename, cache_timeout=max_age)


class AppFiles(async_api.FacadeBase):
    """The app's methods that open and send files."""

    if TYPE_CHECKING:

        def create_jinja_environment(self) -> Environment:
            """See :meth:`asyncflask.Flask.create_jinja_environment`."""

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return how long a browser may cache a file; also where no context is active.

        Args:
            filename: Path in the static folder; ``None`` for other files.
        """
        if current() is not None:
            return super().get_send_file_max_age(filename)
        value = self.config["SEND_FILE_MAX_AGE_DEFAULT"]
        return int(value.total_seconds()) if isinstance(value, timedelta) else value

    async def open_resource(self, path: str | os.PathLike[str], mode: str = "rb") -> AsyncFile:  # type: ignore[override]  # as Quart's
        """Open a file of the package for reading: ``async with await app.open_resource(…)``.

        Args:
            path: Relative to ``root_path``.
            mode: ``"r"``, ``"rt"`` or ``"rb"``.

        Returns:
            The file, to be closed by ``async with``.

        Raises:
            ValueError: ``mode`` would write.
        """
        return await open_readable(self.root_path, path, mode)

    async def open_instance_resource(  # type: ignore[override]  # as Quart's
        self, path: str | os.PathLike[str], mode: str = "rb"
    ) -> AsyncFile:
        """Open a file of the instance folder.

        Args:
            path: Relative to ``instance_path``.
            mode: As for :func:`open`.

        Returns:
            The file, to be closed by ``async with``.
        """
        return await open_file(open, os.path.join(self.instance_path, path), mode)

    async def send_static_file(self, filename: str) -> Response:
        """Return a response with a file of the static folder.

        Args:
            filename: Path in the static folder.

        Raises:
            NotFound: There is no such file inside the folder.
        """
        return await send_from_folder(self, filename)

    def _static_view(self) -> RouteCallable:
        # COMPAT: extensions mark the method, and find the mark on the view function.
        return cast(RouteCallable, self.send_static_file)
