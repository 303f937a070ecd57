"""Blueprints: the async API's, whose files are sent and opened with ``await``."""

from __future__ import annotations

import os
from typing import Any, TypeVar, cast

from ..sansio import blueprints as async_api
from ..sansio.blueprint_setup import BlueprintSetupState as BlueprintSetupState
from ..sansio.setupmethod import F
from ..sansio.setupmethod import T_after_websocket as T_after_websocket
from ..sansio.setupmethod import T_before_serving as T_before_serving
from ..sansio.setupmethod import T_teardown as T_teardown
from ..sansio.setupmethod import T_websocket as T_websocket
from ..sansio.setupmethod import T_while_serving as T_while_serving
from .files import AsyncFile
from .folders import open_readable, send_from_folder
from .hooks import WebsocketHooks
from .typing import AfterServingCallable, BeforeWebsocketCallable, RouteCallable
from .wrappers import Response

__all__ = ["Blueprint", "BlueprintSetupState"]


T_after_serving = TypeVar("T_after_serving", bound=AfterServingCallable)
T_before_websocket = TypeVar("T_before_websocket", bound=BeforeWebsocketCallable)


class Blueprint(WebsocketHooks, async_api.Blueprint):
    """A set of views, hooks, templates and files that is registered on an app as a whole.

    Args:
        args: As for :class:`asyncflask.Blueprint`: name and import name.
        kwargs: As for :class:`asyncflask.Blueprint`.

    Source: ``Quart: Blueprint``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def before_app_websocket(self, func: F) -> F:
        """As the app's ``before_websocket``.

        Args:
            func: As there.

        Returns:
            The function, unchanged.
        """
        return super().before_app_websocket(func)

    def after_app_websocket(self, func: F) -> F:
        """As the app's ``after_websocket``.

        Args:
            func: As there.

        Returns:
            The function, unchanged.
        """
        return super().after_app_websocket(func)

    def teardown_app_websocket(self, func: F) -> F:
        """As the app's ``teardown_websocket``.

        Args:
            func: As there.

        Returns:
            The function, unchanged.
        """
        return super().teardown_app_websocket(func)

    def before_app_serving(self, func: F) -> F:
        """As the app's ``before_serving``.

        Args:
            func: As there.

        Returns:
            The function, unchanged.
        """
        return super().before_app_serving(func)

    def while_app_serving(self, func: F) -> F:
        """As the app's ``while_serving``.

        Args:
            func: As there.

        Returns:
            The function, unchanged.
        """
        return super().while_app_serving(func)

    def after_app_serving(self, func: F) -> F:
        """As the app's ``after_serving``.

        Args:
            func: As there.

        Returns:
            The function, unchanged.
        """
        return super().after_app_serving(func)

    async def open_resource(self, path: str | os.PathLike[str], mode: str = "rb") -> AsyncFile:  # type: ignore[override]  # as Quart's
        """Open a file of the package for reading: ``async with await bp.open_resource(…)``.

        Args:
            path: Relative to ``root_path``.
            mode: ``"r"``, ``"rt"`` or ``"rb"``.

        Returns:
            The file, to be closed by ``async with``.

        Raises:
            ValueError: ``mode`` would write.
        """
        return await open_readable(self.root_path, path, mode)

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
