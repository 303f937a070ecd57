"""Flask's blueprint: the async API's, with a synchronous ``send_static_file``.

Source: ``Flask: flask.blueprints``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from ..sansio import blueprints as async_api
from .cli import AppGroup as AppGroup
from .globals import current_app as current_app
from .helpers import send_from_directory
from .sansio.blueprints import BlueprintSetupState
from .wrappers import Response

__all__ = ["Blueprint", "BlueprintSetupState"]


class Blueprint(async_api.Blueprint):
    """See :class:`asyncflask.Blueprint`. Source: ``Flask: Blueprint``."""

    def send_static_file(self, filename: str) -> Response:
        """Return a response with a file of the blueprint's static folder.

        Args:
            filename: Path in the static folder.

        Returns:
            The response.

        Raises:
            NotFound: There is no such file inside the folder.
        """
        if not self.has_static_folder:
            raise RuntimeError(
                f"{self!r} has no static folder to send {filename!r} from. Give one:"
                " `static_folder='static'`."
            )
        max_age = self.get_send_file_max_age(filename)
        return send_from_directory(cast(str, self.static_folder), filename, max_age=max_age)

    def _static_view(self) -> Callable[..., Response]:
        def static(filename: str) -> Response:
            return self.send_static_file(filename)

        return static
