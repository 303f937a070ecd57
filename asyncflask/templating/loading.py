"""Templates without Jinja: whether an app has any, and the log of where one was looked for.

The loader that finds them is in :mod:`.environment`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from logging import Logger
from typing import TYPE_CHECKING, Any, Protocol

from .._contextvars import current

if TYPE_CHECKING:
    from jinja2 import BaseLoader

#: a template's text, its file name, and a function that returns whether it is up to date
Source = tuple[str, str | None, Callable[[], bool] | None]
#: a loader, the app or blueprint that it belongs to, and what it found
Attempt = tuple["BaseLoader", Any, Source | None]


class TemplateFolderOwner(Protocol):
    """What this module uses of an app or blueprint."""

    @property
    def template_folder(self) -> str | os.PathLike[str] | None: ...

    @property
    def root_path(self) -> str: ...


class ExplainedApp(Protocol):
    """What the explanation of a lookup uses of an app."""

    @property
    def import_name(self) -> str: ...

    @property
    def logger(self) -> Logger: ...


def has_templates(owner: TemplateFolderOwner) -> bool:
    """Return whether an app or blueprint has a folder of templates that exists.

    Args:
        owner: The app or blueprint.
    """
    folder = owner.template_folder
    return folder is not None and os.path.isdir(os.path.join(owner.root_path, folder))


def explain_template_loading_attempts(
    app: ExplainedApp, template: str, attempts: list[Attempt]
) -> None:
    """Log where a template was looked for and what was there (``EXPLAIN_TEMPLATE_LOADING``).

    Args:
        app: The app, whose logger is used.
        template: The name.
        attempts: The loader, the app or blueprint it belongs to, and what it found.

    Source: ``Flask: debughelpers.explain_template_loading_attempts``.
    """
    # COMPAT: Flask's suite looks for several of these phrases, and for the address.
    lines = [f"Locating template {template!r}:"]
    for number, (loader, owner, source) in enumerate(attempts, 1):
        lines.append(f"{number:5}: trying loader of {_owner_info(app, owner)}")
        lines.extend(f"       {line}" for line in _loader_info(loader))
        found = "no match" if source is None else f"found ({source[1] or '<string>'!r})"
        lines.append(f"       -> {found}")
    matches = sum(source is not None for _, _, source in attempts)
    if matches == 0:
        lines.append("Error: the template could not be found.")
    elif matches > 1:
        lines.append(f"Warning: {matches} loaders have a template of this name; the first is used.")
    ctx = current()
    blueprints = (
        () if ctx is None or ctx.request_context is None else ctx.request_context.matched_blueprints
    )
    if blueprints and matches != 1:
        lines.append(
            "  It was looked up from an endpoint that belongs to the blueprint"
            f" {blueprints[0]!r}. Is the file in the template folder you think it is in?"
        )
        lines.append("  See https://flask.palletsprojects.com/blueprints/#templates")
    app.logger.info("\n".join(lines))


def _owner_info(app: ExplainedApp, owner: Any) -> str:
    if owner is app:
        return f"application {app.import_name!r}"
    return f"blueprint {owner.name!r} ({owner.import_name})"


def _loader_info(loader: BaseLoader) -> Iterator[str]:
    """Return the settings of a loader that are plain values or lists of strings."""
    yield f"class: {type(loader).__module__}.{type(loader).__name__}"
    for key, value in sorted(vars(loader).items()):
        if key.startswith("_"):
            continue
        if isinstance(value, (str, int, float)):
            yield f"{key}: {value!r}"
        elif isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            yield f"{key}:"
            yield from (f"  - {item}" for item in value)
