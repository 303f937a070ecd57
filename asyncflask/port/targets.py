"""Where the names of Flask and Quart are in asyncflask, and whether they exist there."""

from __future__ import annotations

import functools
import importlib

#: Names that Flask and Quart have had: {old: new}.
MOVED = {
    f"{package}.{name}": f"markupsafe.{name}"
    for package in ("flask", "quart")
    for name in ("Markup", "escape")
}
#: Names that asyncflask's async API has under another name: {old: new}.
RENAMED = {
    "flask.testing.FlaskClient": "asyncflask.testing.TestClient",
    "flask.testing.FlaskCliRunner": "asyncflask.testing.CliRunner",
    "quart.Quart": "asyncflask.Flask",
    "quart.app.Quart": "asyncflask.Flask",
    "quart.utils.run_sync": "asyncflask.run_sync",
    "quart.testing.QuartClient": "asyncflask.testing.TestClient",
    "quart.testing.QuartCliRunner": "asyncflask.testing.CliRunner",
    "quart.typing.TestClientProtocol": "asyncflask.testing.TestClient",
    "quart.ctx.AppContext": "asyncflask.ctx.Context",
    "quart.ctx.RequestContext": "asyncflask.ctx.Context",
    "quart.ctx.WebsocketContext": "asyncflask.ctx.Context",
    "quart.websocket_ctx": "asyncflask.request_ctx",
    "quart.globals.websocket_ctx": "asyncflask.globals.request_ctx",
}


def new_name(name: str, package: str) -> str:
    """Return the name in asyncflask for a name of Flask or Quart; ``""`` if there is none.

    Args:
        name: As ``flask.views.View`` or ``flask.views``.
        package: ``asyncflask`` or ``asyncflask.flask``.
    """
    if name in MOVED:
        return MOVED[name]
    if package == "asyncflask" and name in RENAMED:
        return RENAMED[name]
    for old in ("asyncflask.flask", "flask", "quart"):
        if name == old or name.startswith(f"{old}."):
            new = package + name.removeprefix(old)
            return new if exists(new) else ""
    return name


@functools.cache
def exists(name: str) -> bool:
    """Return whether a module, or a name of a module, can be imported.

    Args:
        name: Its dotted name.
    """
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            found = getattr(found, part, None)
        return found is not None
    return False
