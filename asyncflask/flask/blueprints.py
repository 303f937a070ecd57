"""Flask's blueprint: the async API's, with a synchronous ``send_static_file``.

Source: ``Flask: flask.blueprints``.
"""

from __future__ import annotations

from collections.abc import Callable

from ..sansio import blueprints as async_api
from .cli import AppGroup as AppGroup
from .globals import current_app as current_app
from .helpers import send_from_directory
from .sansio.blueprints import BlueprintSetupState
from .wrappers import Response

__all__ = ["Blueprint", "BlueprintSetupState"]

# COMPAT: the name under which Flask's module has the blueprint without I/O.
SansioBlueprint = async_api.Blueprint


class Blueprint(async_api.Blueprint):
    """A set of views, hooks, templates and files, with Flask's names and behaviour.

    Args:
        name: Prefix of the blueprint's endpoints; without dots.
        import_name: Name of the module it is defined in, usually ``__name__``.
        static_folder: Folder of its own static files, relative to ``root_path``.
        static_url_path: Prefix of its static route, below ``url_prefix``.
        template_folder: Folder of its own templates; the app's take precedence.
        url_prefix: Prefix of its rules.
        subdomain: Subdomain of its rules.
        url_defaults: Default values of its rules' arguments.
        root_path: Folder that the others are relative to; found from ``import_name`` by default.
        cli_group: Name of its command group; ``None`` puts its commands at the top level.

    Raises:
        ValueError: ``name`` is empty or has a dot.

    Source: ``Flask: Blueprint``.
    """

    def send_static_file(self, filename: str) -> Response:
        """Return a response with a file of the blueprint's static folder.

        Args:
            filename: Path in the static folder.

        Returns:
            The response.

        Raises:
            NotFound: There is no such file inside the folder.
        """
        folder = self._static_folder_of(filename)
        return send_from_directory(folder, filename, max_age=self.get_send_file_max_age(filename))

    def _static_view(self) -> Callable[..., Response]:
        def static(filename: str) -> Response:
            return self.send_static_file(filename)

        return static
