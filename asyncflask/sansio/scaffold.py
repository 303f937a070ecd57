"""What apps and blueprints have in common: registries, and decorators that fill them.

The registries are Flask's: plain dictionaries and lists, keyed by blueprint name (``None`` for the
app), which extensions read and change directly, also late (design D6). Nothing here runs what is
registered; that is ``dispatch/``'s business.
"""

from __future__ import annotations

import os
import typing as t

from werkzeug.utils import cached_property

from .. import resources
from ..exceptions import with_article
from .error_handlers import ErrorHandlers
from .folders import Folders
from .hooks import Hooks
from .routes import Routes

if t.TYPE_CHECKING:
    from ..cli import group
else:  # For typing.get_type_hints().
    group = resources.LaterModule("asyncflask.cli.group")


class Scaffold(Routes, Hooks, ErrorHandlers, Folders):
    """Common behaviour of :class:`~asyncflask.Flask` and :class:`~asyncflask.Blueprint`.

    Args:
        import_name: Name of the module the object is defined in, usually ``__name__``.
        static_folder: Folder of static files, relative to ``root_path``.
        static_url_path: URL prefix of the static route.
        template_folder: Folder of templates, relative to ``root_path``.
        root_path: Folder that the others are relative to; found from ``import_name`` by default.

    Source: ``Flask: sansio.scaffold.Scaffold``.
    """

    name: str

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        if not isinstance(import_name, str):
            raise TypeError(
                f"import_name={import_name!r:.100} of {with_article(type(self).__name__)} is no"
                " text. Write `__name__`."
            )
        self.import_name = import_name
        if root_path is None:
            root_path = resources.get_root_path(import_name)
        Folders.__init__(self, root_path, static_folder, static_url_path, template_folder)
        Routes.__init__(self)
        Hooks.__init__(self)
        ErrorHandlers.__init__(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @cached_property
    def cli(self) -> group.AppGroup:
        """The group of commands: ``@app.cli.command("name")``."""
        return self._make_cli()

    def _make_cli(self) -> group.AppGroup:
        from ..cli.group import AppGroup

        return AppGroup()
